#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hurts stores in the ways disks and people do, and checks that each is noticed, refused or outlived.

    swift build --product StoreTorture
    python3 Tests/durability/corpus.py --flips 2000

Bits flipped anywhere in the file, files cut or emptied, a disk that fills up and is freed again, a snapshot
onto a disk that is too small, a directory that may not be written, a process without descriptors. What
must never happen: a trap of our own (SIGILL), a wrong row taken for a right one, an acknowledged write
lost, a crash where a refusal is possible. Needs root for the small disks (tmpfs); without, they are
left out, and said so.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

from power_cut import Verifier

PAGE = 4096


class Corpus:
    def __init__(self, options, base, generator):
        self.options, self.base, self.generator = options, base, generator

    def fail(self, text):
        print(f"FAILED, seed {self.options.seed}: {text}\nthe files are kept in {self.base}")
        sys.exit(1)

    def run(self, *arguments, expect=(0,), **keywords):
        result = subprocess.run(
            [self.options.binary, *map(str, arguments)], capture_output=True, text=True, timeout=120, **keywords)
        if result.returncode not in expect:
            self.fail(f"{' '.join(map(str, arguments))} ended with {result.returncode}: {result.stderr[:500]}")
        return result

    def store(self, name, commands=60):
        directory = os.path.join(self.base, name)
        result = self.run("write", directory, "--commands", commands)
        return directory, acknowledged(result.stdout)

    # F6
    def flip_bits(self):
        directory, last = self.store("flips")
        with open(directory + "/data.mdb", "rb") as file:
            used = file.read(4 << 20).rstrip(b"\0")
        used = used.ljust(-(-len(used) // PAGE) * PAGE, b"\0")
        outcomes = {}
        verifier = Verifier(self.options.binary, self.base)
        places = {
            "meta pages": lambda: self.generator.choice([0, PAGE]) + self.generator.randrange(16, 152),
            "page headers": lambda: PAGE * self.generator.randrange(2, len(used) // PAGE) + self.generator.randrange(64),
            "anywhere": lambda: self.generator.randrange(2 * PAGE, len(used)),
        }
        for number in range(self.options.flips):
            kind = list(places)[number % len(places)]
            place, bit = places[kind](), self.generator.randrange(8)
            image = os.path.join(self.base, f"flip-{number}")
            os.mkdir(image)
            with open(image + "/data.mdb", "wb") as file:
                file.write(used[:place] + bytes([used[place] ^ 1 << bit]) + used[place + 1:])
                file.truncate(16 << 20)
            shutil.copyfile(directory + "/sequence", image + "/sequence")
            verifier.ask(f"flip-{number}", last)
            answer = verifier.answer()
            word = answer.split()[0]
            if word == "crashed":
                code = int(answer.split()[-1])
                word = signal.Signals(-code).name if code < 0 else f"exit {code}"
                if word in ("SIGILL", "SIGTRAP"):
                    self.fail(f"a trap of our own after bit {bit} of byte {place} ({kind}) was flipped")
            if word == "lost":
                self.fail(f"the flipped bit {bit} of byte {place} ({kind}) took the store back unnoticed")
            if word == "ok" and int(answer.split()[1]) != last:
                self.fail(f"the flipped bit {bit} of byte {place} ({kind}) changed the sequence unnoticed")
            outcomes.setdefault(kind, {}).setdefault(word, 0)
            outcomes[kind][word] += 1
            shutil.rmtree(image)
        verifier.stop()
        for kind, counts in outcomes.items():
            text = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
            print(f"F6 one flipped bit, {kind}: {text}")
        if not any("broken" in counts for counts in outcomes.values()):
            self.fail("no flip was ever noticed: this run proves nothing")

    # F7
    def cut_files(self):
        directory, last = self.store("cut")
        with open(directory + "/data.mdb", "rb") as file:
            used = len(file.read(4 << 20).rstrip(b"\0"))
        pages = -(-used // PAGE)
        refused = opened = 0
        lengths = [1, 100, PAGE, 2 * PAGE - 1, 2 * PAGE] + [PAGE * number for number in range(3, pages)]
        lengths += [self.generator.randrange(1, pages * PAGE) for _ in range(50)]
        for length in lengths:
            image = os.path.join(self.base, "cut-image")
            shutil.rmtree(image, ignore_errors=True)
            os.mkdir(image)
            shutil.copyfile(directory + "/data.mdb", image + "/data.mdb")
            os.truncate(image + "/data.mdb", length)
            result = self.run("verify", image, "--acknowledged", last, expect=(0, 3))
            refused += result.returncode == 3
            opened += result.returncode == 0
            if result.returncode == 0 and length < (pages - 1) * PAGE:
                self.fail(f"a file cut to {length} bytes of {pages} pages was opened")
        for content in [None, b"", b"x", bytes(8192), self.generator.randbytes(8192)]:
            os.remove(directory + "/lock.mdb")
            if content is not None:
                with open(directory + "/lock.mdb", "wb") as file:
                    file.write(content)
            self.run("verify", directory, "--acknowledged", last)
        print(f"F7 {len(lengths)} cuts of data.mdb: {refused} refused, {opened} whole; "
              "5 damaged or missing lock.mdb: all outlived")

    # F4
    def fill_disk(self, percent):
        disk = self.mount("disk", "64m")
        try:
            with open(disk + "/filler", "wb") as file:
                file.write(bytes(50 << 20))
            store = disk + "/store"
            process = subprocess.Popen(
                [self.options.binary, "write", store, "--commands", "120000", "--outlive-full-disk", "yes",
                 "--disk-free-percent", str(percent)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            state = {"full": 0, "last": 0, "freed_at": None, "other": set()}

            def read_errors():
                for line in process.stderr:
                    if line == "full\n":
                        state["full"] += 1
                        if state["full"] == 200:
                            state["free"] = shutil.disk_usage(disk).free
                            state["freed_at"] = state["last"]
                            os.remove(disk + "/filler")
                    else:
                        state["other"].add(line.strip())

            thread = threading.Thread(target=read_errors)
            thread.start()
            for line in process.stdout:
                state["last"] = max(state["last"], int(line.split()[1]))
                if state["freed_at"] and state["last"] > state["freed_at"] + 2000:
                    process.send_signal(signal.SIGKILL)
            process.wait()
            thread.join()
            if state["freed_at"] is None:
                self.fail(f"the disk was never full: {state}")
            if state["last"] <= state["freed_at"] + 2000:
                self.fail(f"writes did not go on once the disk was freed: {process.returncode}, {state}")
            self.run("verify", store, "--acknowledged", state["last"])
            print(f"F4 a full disk, puts refused below {percent} % free: met with {state['free'] >> 10} KiB free "
                  f"after {state['freed_at']} writes; "
                  f"went on by itself to {state['last']}")
        finally:
            self.unmount(disk)

    # F11
    def fill_snapshot_disk(self):
        directory, last = self.store("source", 3000)
        whole = os.path.join(self.base, "whole")
        self.run("snapshot", directory, "--to", whole)
        size = os.path.getsize(whole + "/data.mdb")
        again = os.path.join(self.base, "again")
        self.run("restore", whole, "--to", again)
        self.run("verify", again, "--acknowledged", last)
        disk = self.mount("small", str(size * 3 // 2 // 1024) + "k")
        try:
            self.run("snapshot", directory, "--to", disk + "/first")
            result = self.run("snapshot", directory, "--to", disk + "/second", expect=(3,))
            if "full" not in result.stderr:
                self.fail(f"a full target was called: {result.stderr}")
            self.run("restore", disk + "/first", "--to", disk + "/third", expect=(3,))
            if os.listdir(disk) != ["first"]:
                self.fail(f"a failed snapshot left {os.listdir(disk)}")
            self.run("verify-snapshot", disk + "/first")
        finally:
            self.unmount(disk)
        # And where the size is not known to be too large until it is met.
        met = 0
        for call in ["write", "pwrite64", "fsync", "rename", "mkdir"]:
            for number in range(1, 9):
                target = os.path.join(self.base, f"injected-{call}-{number}")
                result = subprocess.run(
                    ["strace", "-f", "-o", "/dev/null", "-P", target + ".partial", "-P",
                     target + ".partial/data.mdb", "-P", target + ".partial/MANIFEST", "-P", target, "-e",
                     f"trace={call}", "-e", f"inject={call}:error=ENOSPC:when={number}",
                     self.options.binary, "snapshot", directory, "--to", target],
                    capture_output=True, text=True, timeout=120)
                if result.returncode not in (0, 3):
                    self.fail(f"snapshot with {call} {number} failing ended with {result.returncode}")
                met += result.returncode == 3
                if os.path.exists(target + ".partial"):
                    self.fail(f"{call} {number}: the failed snapshot left a folder")
                if result.returncode == 0:
                    self.run("verify-snapshot", target)
                elif os.path.exists(target):
                    # Only the sync of the folder above can fail once the folder has its name.
                    self.run("verify-snapshot", target)
                shutil.rmtree(target, ignore_errors=True)
        self.run("verify", directory, "--acknowledged", last)
        if met == 0:
            self.fail("no snapshot ever failed: this run proves nothing")
        print(f"F11 a snapshot onto a full disk: refused, the old one kept; {met} failed calls: nothing left behind")

    # F13
    def forbid(self):
        disk = self.mount("readonly", "16m")
        try:
            self.run("write", disk + "/store", "--commands", 10)
            subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
            result = self.run("write", disk + "/store", "--commands", 10, expect=(3,))
            if "read-only" not in result.stderr:
                self.fail(f"a read-only filesystem was called: {result.stderr}")
        finally:
            self.unmount(disk)
        closed = os.path.join(self.base, "closed")
        self.run("write", closed, "--commands", 10)
        os.chmod(closed + "/data.mdb", 0)
        os.chmod(closed, 0o500)
        os.chmod(self.base, 0o755)

        def drop():
            os.setgid(65534)
            os.setuid(65534)

        binary = shutil.copy(self.options.binary, "/var/tmp/kassa-store-torture")
        try:
            result = subprocess.run(
                [binary, "write", closed, "--commands", "10"], capture_output=True, text=True, preexec_fn=drop)
        finally:
            os.remove(binary)
        if result.returncode != 3 or "permission" not in result.stderr.lower():
            self.fail(f"a forbidden directory: {result.returncode}, {result.stderr}")
        print("F13 read-only filesystem, wrong owner: refused by name")

    # F15
    def exhaust_descriptors(self):
        directory, last = self.store("descriptors")
        outcomes = []
        for count in range(3, 16):
            result = self.run(
                "write", directory, "--commands", 20, expect=(0, 3, 127),
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count)))
            last = max(last, acknowledged(result.stdout))
            outcomes.append(result.returncode)
            self.run("verify", directory, "--acknowledged", last)
        if 3 not in outcomes or 0 not in outcomes:
            self.fail(f"descriptors never ran out, or always: {outcomes}")
        print(f"F15 3 to 15 descriptors: {outcomes.count(3)} refused to open, {outcomes.count(0)} worked, 0 lost")

    # F8
    def put_older_copy(self):
        directory, _ = self.store("older")
        shutil.copyfile(directory + "/data.mdb", self.base + "/old.mdb")
        last = acknowledged(self.run("write", directory, "--commands", 500).stdout)
        shutil.copyfile(self.base + "/old.mdb", directory + "/data.mdb")
        result = self.run("verify", directory, "--acknowledged", 0, expect=(3,))
        if "older" not in result.stderr:
            self.fail(f"an older copy in the place of the data was called: {result.stderr}")
        print(f"F8 an older copy in the place of the data, {last} writes in all: refused by name")

    def mount(self, name, size):
        path = os.path.join(self.base, name)
        os.mkdir(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", path], check=True)
        return path

    def unmount(self, path):
        subprocess.run(["umount", path], check=True)
        os.rmdir(path)


def acknowledged(text):
    return max((int(line.split()[1]) for line in text.splitlines()), default=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=".build/debug/StoreTorture")
    parser.add_argument("--flips", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().getrandbits(32)
    base = tempfile.mkdtemp(prefix="kassa-corpus-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    corpus = Corpus(options, base, random.Random(options.seed))
    corpus.cut_files()
    corpus.exhaust_descriptors()
    corpus.put_older_copy()
    if os.geteuid() == 0:
        corpus.forbid()
        corpus.fill_disk(5)
        corpus.fill_disk(0)
        corpus.fill_snapshot_disk()
    else:
        print("F4, F11, F13 left out: only root can mount")
    corpus.flip_bits()
    shutil.rmtree(base)
    print(f"seed {options.seed}")


if __name__ == "__main__":
    main()
