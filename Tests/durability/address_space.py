#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes the address space of a writing store away and checks that no commit is torn.

    swift build --product StoreTorture
    python3 Tests/durability/address_space.py --rounds 20

Each round starts `StoreTorture write` on the same directory, waits until it has acknowledged something,
and lowers its RLIMIT_AS to what it has and a few pages more. It goes on, or the language runtime ends it
because a `malloc` failed, or it is killed after a while. `StoreTorture verify` then has to find every
sequence up to the last acknowledged one, each row whole. A store that does not get its map at start must
say so and exit.
"""

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

from kill9 import Round


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=".build/debug/StoreTorture")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().getrandbits(32)
    generator = random.Random(seed)
    base = tempfile.mkdtemp(prefix="kassa-address-space-")
    directory = os.path.join(base, "store")
    started = time.monotonic()
    verified = acknowledged = died = 0

    def fail(number, text):
        print(f"FAILED in round {number}, seed {seed}: {text}\nthe store is kept in {directory}")
        sys.exit(1)

    # The map alone is 64 GiB.
    refused = subprocess.run(
        [options.binary, "write", directory + "-small", "--commands", "1"], capture_output=True,
        text=True, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30)))
    if refused.returncode != 3 or "ulimit -v" not in refused.stderr:
        fail(0, f"it ended with {refused.returncode}: {refused.stderr.strip()}")

    for number in range(1, options.rounds + 1):
        # What a crash prints of itself takes seconds and says nothing new.
        os.environ["SWIFT_BACKTRACE"] = "enable=no"
        current = Round(options.binary, directory, [])
        if not current.first.wait(30):
            fail(number, "nothing was acknowledged")
        pid = current.process.pid
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            byte_count = int(file.read().split()[0]) * resource.getpagesize()
        byte_count += generator.choice([0, 0, 1, 16, 256]) * resource.getpagesize()
        resource.prlimit(pid, resource.RLIMIT_AS, (byte_count, byte_count))
        try:
            current.process.wait(generator.uniform(0.1, 0.4))
            died += 1
        except subprocess.TimeoutExpired:
            current.process.kill()
        current.wait()
        acknowledged += current.count
        result = subprocess.run(
            [options.binary, "verify", directory,
             "--acknowledged", str(max(current.last, verified)), "--from", str(verified + 1)],
            capture_output=True, text=True, timeout=120)
        if result.returncode != 0:
            fail(number, f"verify ended with {result.returncode}: {result.stderr.strip()}")
        verified = int(result.stdout.split()[1])
    shutil.rmtree(base)
    print(f"{options.rounds} times without address space, {died} died of it, {acknowledged} "
          f"acknowledged writes, 0 lost, {time.monotonic() - started:.0f} s, seed {seed}")
    if acknowledged == 0:
        fail(options.rounds, "nothing was ever acknowledged: this run proves nothing")


if __name__ == "__main__":
    main()
