#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps a server busy and checks that its memory stays flat.

    bench/soak.py                 # 600 seconds
    bench/soak.py --seconds 60

Needs a release build and h2load. Every run of h2load opens its connections anew, so that
connections come and go as well as requests. Resident memory is sampled each second; the line
through the samples after the warm-up must rise by less than the bound. Exit code 0 if it does.
"""

import argparse
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
RELEASE = ROOT / ".build" / "release"
# The first part of the time is warm-up: pools and buffers grow to their size.
WARM_UP_SHARE = 0.25


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def resident_kib(process):
    """Resident memory without the pages of files: the store's map is the disk's cache."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(fields["RssAnon"].split()[0]), int(fields["VmRSS"].split()[0])


def slope(samples):
    """Least squares: KiB per second."""
    count = len(samples)
    mean_time = sum(time for time, _ in samples) / count
    mean_size = sum(size for _, size in samples) / count
    below = sum((time - mean_time) ** 2 for time, _ in samples)
    above = sum((time - mean_time) * (size - mean_size) for time, size in samples)
    return above / below if below else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--bound", type=float, default=1.0, help="KiB per second (1)")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "bench/results/soak.json")
    options = parser.parse_args()
    if not 10 <= options.seconds <= 86_400:
        parser.error("--seconds must lie between 10 and 86400")

    with tempfile.TemporaryDirectory(prefix="kassa-soak-") as folder:
        port = free_port()
        body = pathlib.Path(folder) / "request"
        server = subprocess.Popen(
            ["taskset", "-c", "0", RELEASE / "kassa", "serve", "--data", f"{folder}/data",
             "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{free_port()}", "--loops", "1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        load = None
        try:
            subprocess.run(
                [RELEASE / "Bench", "prepare", str(port), body, "--entities", "100000"],
                check=True, timeout=120)
            samples = []
            runs = 0
            start = time.monotonic()
            while (now := time.monotonic() - start) < options.seconds:
                if load is None or load.poll() is not None:
                    if load is not None:
                        check(load)
                        runs += 1
                    load = subprocess.Popen(
                        ["taskset", "-c", "1", "h2load", "-n", "500000", "-c", "16", "-m", "10",
                         "-d", body, "-H", "content-type: application/grpc", "-H", "te: trailers",
                         f"http://127.0.0.1:{port}/kassa.v1.Scoring/Score"],
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                if server.poll() is not None:
                    sys.exit(f"the server ended with {server.returncode}")
                samples.append((now, *resident_kib(server.pid)))
                time.sleep(1)
        finally:
            for process in (load, server):
                if process is not None and process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    try:
                        process.wait(timeout=30)
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()
    if server.returncode != 0:
        sys.exit(f"the server did not stop cleanly: {server.returncode}")

    warm = [(at, size) for at, size, _ in samples if at >= options.seconds * WARM_UP_SHARE]
    rise = slope(warm)
    result = {
        "target": "soak", "seconds": options.seconds, "h2load_runs": runs,
        "requests_at_least": runs * 500_000, "bound_kib_per_second": options.bound,
        "slope_kib_per_second": round(rise, 4),
        "anonymous_kib": {"first": warm[0][1], "last": warm[-1][1]},
        "resident_kib": {"first": samples[0][2], "last": samples[-1][2]},
        "samples": samples,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result))
    del result["samples"]
    print(json.dumps(result, indent=1))
    if runs == 0:
        sys.exit("no run of h2load was completed")
    if rise > options.bound:
        sys.exit(f"memory grows by {rise:.2f} KiB per second, more than {options.bound}")


def check(load):
    """Fails unless each request of a finished h2load succeeded."""
    text = load.communicate()[0]
    if "500000 succeeded, 0 failed, 0 errored, 0 timeout" not in text:
        sys.exit(f"h2load: {text}")


main()
