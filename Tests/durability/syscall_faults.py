#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails the n-th system call of a writing store, for n = 1, 2, ..., and checks what it then does.

    swift build --product StoreTorture
    python3 Tests/durability/syscall_faults.py --calls 12

For each kind of call and error, `strace` makes the n-th one of each thread fail for real. The writer must
neither crash nor hang nor go on as if nothing had happened, and `StoreTorture verify` must find
everything that was acknowledged. A failed write of a meta page makes LMDB give up; then the writer is
told to go on, and must take writes again within a second. Needs `strace`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

FAULTS = [
    ("fdatasync", "EIO"),
    ("pwrite64", "EIO"),
    ("pwrite64", "ENOSPC"),
    ("writev", "EIO"),
    ("writev", "ENOSPC"),
    ("ftruncate", "EFBIG"),
]
# The store refused to open, or its writes failed; 0 only where the fault is never met or allowed.
REFUSALS = (3, 4)


def acknowledged(lines):
    return max((int(line.split()[1]) for line in lines if line.endswith("\n")), default=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=".build/debug/StoreTorture")
    parser.add_argument("--calls", type=int, default=12)
    options = parser.parse_args()
    base = tempfile.mkdtemp(prefix="kassa-faults-")
    messages = {}
    runs = met = 0
    reopenings = []
    name = directory = ""

    def fail(text):
        print(f"FAILED at {name}: {text}\nthe store is kept in {directory}")
        sys.exit(1)

    def run(command, *extra):
        return subprocess.run([*command, *extra], capture_output=True, text=True, timeout=60)

    for call, error in FAULTS:
        for number in range(1, options.calls + 1):
            directory = os.path.join(base, f"{call}-{error}-{number}")
            trace = directory + ".trace"
            name = f"{error} from {call} number {number}"

            first = run([options.binary, "write", directory, "--commands", "20"])
            if first.returncode != 0:
                fail(f"the first run ended with {first.returncode}: {first.stderr}")
            result = run(
                ["strace", "-f", "-o", trace, "-e", f"trace={call}",
                 "-e", f"inject={call}:error={error}:when={number}",
                 options.binary, "write", directory, "--commands", "3000"])
            with open(trace) as file:
                injected = "(INJECTED)" in file.read()
            # Without room ahead of the data the store only checks itself more strictly at open.
            harmless = call == "ftruncate"
            if injected and not harmless and result.returncode not in REFUSALS:
                # The lock file's note of the process number is a courtesy: it may fail.
                if not (call == "pwrite64" and number == 1 and result.returncode == 0):
                    fail(f"the writer ended with {result.returncode}: {result.stderr}")
            if not injected and result.returncode != 0:
                fail(f"never met, and yet {result.returncode}: {result.stderr}")
            last = acknowledged(result.stdout.splitlines(keepends=True)) or 20
            check = run([options.binary, "verify", directory, "--acknowledged", str(last)])
            if check.returncode != 0:
                fail(f"verify ended with {check.returncode}: {check.stderr}")
            runs += 1
            met += injected
            if injected and result.stderr:
                text = result.stderr.splitlines()[0].replace(directory, "<store>")
                messages.setdefault(text, set()).add(f"{call} {error}")
    # Only meta pages are written to below the third page; two in a row also hit LMDB's taking it back.
    for error, when in [("EIO", "{0}"), ("ENOSPC", "{0}"), ("EIO", "{0}..{1}"), ("EIO", "{0}+")]:
        for number in range(2, 2 + options.calls):
            directory = os.path.join(base, f"panic-{error}-{when}-{number}".replace("{", "").replace("}", ""))
            name = f"{error} from pwrite64 {when} number {number}, going on"
            first = run([options.binary, "write", directory, "--commands", "20"])
            if first.returncode != 0:
                fail(f"the first run ended with {first.returncode}: {first.stderr}")
            trace = directory + ".trace"
            lasting = when.endswith("+")
            result = run(
                ["strace", "-f", "-o", trace, "-e", "trace=pwrite64", "-e",
                 f"inject=pwrite64:error={error}:when={when.format(number, number + 1)}",
                 options.binary, "write", directory, "--commands", "60" if lasting else "2000", "--pause-one-in", "20",
                 "--outlive-panic", "yes"])
            found = [int(line.split()[2]) for line in result.stderr.splitlines()
                     if line.startswith("reopened 1 ")]
            # A data page that cannot be written latches the store (4, 3); a disk that stays broken
            # may keep it closed (5).
            allowed = (0, 3, 4, 5) if lasting else (0, 3, 4)
            if result.returncode not in allowed:
                fail(f"the writer ended with {result.returncode}: {result.stderr}")
            if found and not lasting and result.returncode != 0:
                fail(f"opened again, and then {result.returncode}: {result.stderr}")
            reopenings += found
            last = acknowledged(result.stdout.splitlines(keepends=True)) or 20
            check = run([options.binary, "verify", directory, "--acknowledged", str(last)])
            if check.returncode != 0:
                fail(f"verify ended with {check.returncode}: {check.stderr}")
            runs += 1
            met += 1
    if not reopenings:
        fail("no store was ever opened again: this run proves nothing")
    shutil.rmtree(base)
    print(f"{len(reopenings)} reopenings after MDB_PANIC, the slowest in {max(reopenings) / 1000:.1f} ms")
    print(f"{runs} runs, {met} with a failed call, 0 acknowledged writes lost")
    for text, faults in sorted(messages.items()):
        print(f"  {', '.join(sorted(faults))}: {text}")
    if met == 0:
        print("FAILED: no fault was ever met: this run proves nothing")
        sys.exit(1)


if __name__ == "__main__":
    main()
