# SPDX-License-Identifier: Apache-2.0
"""A `kassa serve` of its own: started on free ports, asked for its addresses, ended in order."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    """The program under test: KASSA_BINARY, else the release build, else the debug build."""
    given = os.environ.get("KASSA_BINARY")
    candidates = [given] if given else [ROOT / ".build/release/kassa", ROOT / ".build/debug/kassa"]
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return str(candidate)
    raise FileNotFoundError(
        f"no kassa at {' or '.join(map(str, candidates))}: make release, or set KASSA_BINARY")


def command(folder, **flags):
    """The command line of a server on `folder`; `map_gib=1` becomes `--map-gib 1`."""
    flags = {"data": folder, "listen": "127.0.0.1:0", "admin": "127.0.0.1:0", **flags}
    line = [binary(), "serve"]
    for name, value in flags.items():
        line += [f"--{name.replace('_', '-')}", str(value)]
    return line


class Server:
    """A running server; `port`, `admin_port`, `address`, `folder` and `process` are for tests."""

    START_SECONDS = 20
    # A drain gives open calls 30 s.
    STOP_SECONDS = 40

    def __init__(self, folder, environment=None, under=(), **flags):
        """Flags as of `command`; `environment` is added to this process's, `under` runs the program."""
        self.folder = pathlib.Path(folder)
        self.process = subprocess.Popen(
            [*under, *command(folder, **flags)], env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.output = []
        self.port = self.admin_port = None
        self._announced = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._announced.wait(self.START_SECONDS) or self.admin_port is None:
            self.kill()
            raise RuntimeError("kassa did not start:\n" + "".join(self.output))
        self.address = f"127.0.0.1:{self.port}"
        self.admin = f"http://127.0.0.1:{self.admin_port}"

    def _read(self):
        for line in self.process.stdout:
            self.output.append(line)
            if match := re.match(r"listening on .*:(\d+)$", line):
                self.port = int(match[1])
            if match := re.match(r"admin on http://.*:(\d+)$", line):
                self.admin_port = int(match[1])
                self._announced.set()
        self._announced.set()

    def terminate(self):
        """Asks for a drain."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=STOP_SECONDS):
        """The exit code; a server that hangs is killed and the test fails."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"kassa did not end in {seconds} s:\n" + "".join(self.output)) from None
        self._reader.join()
        self.process.stdout.close()
        return code

    def stop(self):
        """Drains the server and asserts that it ended well."""
        if self.process.returncode is not None:
            return
        if self.process.poll() is None:
            self.terminate()
        code = self.wait()
        assert code == 0, f"kassa ended with {code}:\n" + "".join(self.output[-50:])

    def kill(self):
        """Ends it as a crash would; nothing is asserted."""
        if self.process.returncode is not None:
            return
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()

    def memory_bytes(self):
        """Resident memory of the process's own, without the pages of files: the store grows with its records."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            resident, shared = (int(word) for word in file.read().split()[1:3])
        return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def eventually(condition, seconds=30, pause=0.02):
    """The first true value of `condition()`; the last one when time is up."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(pause)
    return value
