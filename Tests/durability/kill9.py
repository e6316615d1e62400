#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a writing store at random moments and checks that no acknowledged write is lost.

    swift build --product StoreTorture
    python3 Tests/durability/kill9.py --rounds 200

Each round starts `StoreTorture write` on the same directory, reads the acknowledgements that it
prints, and ends it with SIGKILL: from outside after a random time, or (every fourth round) from
inside at a fault point of the commit. `StoreTorture verify` then has to find every sequence up to the
last acknowledged one, each row whole. A failure prints the seed and keeps the directory.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

FAULT_POINTS = ["commit", "committed", "sync", "acknowledge"]


class Round:
    """One run of the writer, from its start to its death."""

    def __init__(self, binary, directory, extra):
        self.last = 0
        self.count = 0
        self.process = subprocess.Popen(
            [binary, "write", directory, *extra], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.first = threading.Event()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        # A line that the kill cut short was not acknowledged.
        for line in self.process.stdout:
            if line.endswith(b"\n"):
                self.last = max(self.last, int(line.split()[1]))
                self.count += 1
                self.first.set()
        self.first.set()

    def wait(self):
        error = self.process.stderr.read().decode()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return error


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=".build/debug/StoreTorture")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--longest-milliseconds", type=int, default=120)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().getrandbits(32)
    generator = random.Random(seed)
    base = tempfile.mkdtemp(prefix="kassa-kill9-")
    directory = os.path.join(base, "store")
    started = time.monotonic()
    acknowledged = beyond = verified = inside = 0

    def fail(number, text):
        print(f"FAILED in round {number}, seed {seed}: {text}\nthe store is kept in {directory}")
        sys.exit(1)

    def verify(number, least, first):
        result = subprocess.run(
            [options.binary, "verify", directory,
             "--acknowledged", str(least), "--from", str(first)],
            capture_output=True, text=True, timeout=120)
        if result.returncode != 0:
            fail(number, f"verify ended with {result.returncode}: {result.stderr.strip()}")
        return int(result.stdout.split()[1])

    for number in range(1, options.rounds + 1):
        killed_inside = number % 4 == 0
        extra = []
        if killed_inside:
            point = generator.choice(FAULT_POINTS)
            extra = ["--kill-at", f"{point}:{generator.randrange(12)}"]
            inside += 1
        current = Round(options.binary, directory, extra)
        if not killed_inside:
            # One round in eight dies while it opens the store.
            if generator.randrange(8) != 0:
                current.first.wait(30)
            time.sleep(generator.uniform(0, options.longest_milliseconds / 1000))
            current.process.send_signal(signal.SIGKILL)
        error = current.wait()
        if current.process.returncode != -signal.SIGKILL:
            fail(number, f"the writer ended with {current.process.returncode}: {error.strip()}")
        acknowledged += current.count
        last = verify(number, max(current.last, verified), verified + 1)
        beyond += last - max(current.last, verified)
        verified = last
    if verify(options.rounds, verified, 1) != verified:
        fail(options.rounds, "a second look finds another sequence")
    shutil.rmtree(base)
    print(f"{options.rounds} kills ({inside} at fault points), {acknowledged} acknowledged writes, "
          f"0 lost, {beyond} committed without having been acknowledged, "
          f"{time.monotonic() - started:.0f} s, seed {seed}")
    if acknowledged == 0:
        fail(options.rounds, "nothing was ever acknowledged: this run proves nothing")


if __name__ == "__main__":
    main()
