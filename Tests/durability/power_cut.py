#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the power under a writing store, on paper, and checks what every possible disk then holds.

    swift build --product StoreTorture
    python3 Tests/durability/power_cut.py --images 1000

`strace` records every call of `StoreTorture write` that changes a file, with all the bytes, and the
acknowledgements among them. For each point between two calls this builds disks that a power cut
there could leave: what was synced is there; of what was not, each page (or, in half of the images,
each sector of 512 bytes) is there in any of its versions since, chosen independently, the file has
any length it had since, and the directory has any prefix of its changes. Then `StoreTorture verify-images` opens
each: it must find no damage, every write acknowledged as durable, and every write acknowledged as fast
except those of the last group.

A harness that cannot fail proves nothing, so each run also plants two bugs and must find them: syncs
that are taken out of the trace (an environment opened with MDB_NOSYNC), and a writer that leaves out the
sync of durable groups. A failure prints the seed and keeps the image. Needs `strace`; the images lie in
`--work`, by default in memory.
"""

import argparse
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

PAGE = 4096
SECTOR = 512
CALLS = ("openat,write,pwrite64,writev,pwritev,pwritev2,lseek,fdatasync,fsync,sync_file_range,ftruncate,"
         "fallocate,copy_file_range,sendfile,msync,rename,renameat,renameat2,unlink,unlinkat,mkdir,link,close,dup,dup2")
UNMODELLED = {"pwritev2", "sync_file_range", "fallocate", "copy_file_range", "sendfile", "msync", "link", "renameat",
              "dup", "dup2"}
LINE = re.compile(r"^(\d+) +(.*)$")
CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def text_bytes(text):
    return bytes.fromhex(text.replace("\\x", ""))


def calls(trace):
    """The completed calls of a trace, as (name, arguments, result)."""
    unfinished = {}
    with open(trace) as file:
        for line in file:
            process, rest = LINE.match(line).groups()
            if rest.endswith("<unfinished ...>\n") or rest.endswith("<unfinished ...>"):
                unfinished[process] = rest[:rest.rindex("<unfinished")].rstrip()
                continue
            if rest.startswith("<... "):
                rest = unfinished.pop(process) + rest[rest.index("resumed>") + 8:]
            found = CALL.match(rest)
            if found:
                yield found.group(1), found.group(2), int(found.group(3))


class File:
    """One file: what is surely on disk, and the changes since."""

    def __init__(self, content=b""):
        self.synced = {}
        for start in range(0, len(content), PAGE):
            page = content[start:start + PAGE].ljust(PAGE, b"\0")
            if page.count(0) != PAGE:
                self.synced[start // PAGE] = page
        self.now = dict(self.synced)
        self.size = self.synced_size = len(content)
        self.versions = collections.defaultdict(list)
        self.sizes = []

    def write(self, offset, data, is_synced):
        end = offset + len(data)
        while data:
            number, start = divmod(offset, PAGE)
            part = data[:PAGE - start]
            old = self.now.get(number, bytes(PAGE))
            page = old[:start] + part + old[start + len(part):]
            self.now[number] = page
            if is_synced:
                self.synced[number] = page
                self.versions.pop(number, None)
            else:
                self.versions[number].append(page)
            offset += len(part)
            data = data[len(part):]
        if end > self.size:
            self.resize(end)
            if is_synced:
                self.synced_size, self.sizes = end, []

    def resize(self, size):
        assert size >= self.size, "the store never makes a file shorter"
        self.size = size
        self.sizes.append(size)

    def sync(self):
        for number, versions in self.versions.items():
            self.synced[number] = versions[-1]
        self.versions.clear()
        self.synced_size, self.sizes = self.size, []

    def image(self, path, generator, style):
        """Writes a file that a power cut now could leave."""
        size = generator.choice([self.synced_size, *self.sizes])
        if style == "all":
            size = self.size
        with open(path, "wb") as file:
            for number, page in self.synced.items():
                if number not in self.versions:
                    file.seek(number * PAGE)
                    file.write(page)
            share = generator.random()
            for number, versions in self.versions.items():
                candidates = [self.synced.get(number, bytes(PAGE)), *versions]

                def pick():
                    if style == "all":
                        return candidates[-1]
                    if style == "none" or generator.random() < share:
                        return candidates[0]
                    return generator.choice(candidates)

                if style == "sectors":
                    page = b"".join(pick()[at:at + SECTOR] for at in range(0, PAGE, SECTOR))
                else:
                    page = pick()
                if page is not candidates[0] or number in self.synced:
                    file.seek(number * PAGE)
                    file.write(page)
            # What lies beyond the length that reached the disk is not in the file.
            file.truncate(size)


class Disk:
    """The store's directory and its files, as a trace changes them."""

    def __init__(self, directory):
        self.directory = os.path.realpath(directory)
        self.names = {}
        self.synced_names = {}
        self.name_changes = []
        self.descriptors = {}

    def load(self):
        """Takes over what is in the directory, as synced."""
        for name in os.listdir(self.directory):
            with open(os.path.join(self.directory, name), "rb") as file:
                self.names[name] = File(file.read())
        self.synced_names = dict(self.names)

    def name(self, path):
        path = os.path.normpath(os.path.join("/", path))
        if path == self.directory:
            return ""
        if not path.startswith(self.directory + "/"):
            return None
        return path[len(self.directory) + 1:]

    def change_name(self, *change):
        self.apply_name(self.names, change)
        self.name_changes.append(change)

    @staticmethod
    def apply_name(names, change):
        verb, name, argument = change
        if verb == "add":
            names[name] = argument
        elif verb == "remove":
            names.pop(name, None)
        elif verb == "move":
            for old in [old for old in names if old == name or old.startswith(name + "/")]:
                names[argument + old[len(name):]] = names.pop(old)

    def image(self, directory, generator, style):
        os.mkdir(directory)
        kept = {"all": len(self.name_changes), "none": 0}.get(
            style, generator.randrange(len(self.name_changes) + 1))
        names = dict(self.synced_names)
        for change in self.name_changes[:kept]:
            self.apply_name(names, change)
        for name, file in names.items():
            os.makedirs(os.path.dirname(os.path.join(directory, name)), exist_ok=True)
            file.image(os.path.join(directory, name), generator, style)


class Replay:
    """A trace, call by call: the disk, and what has been promised about it."""

    def __init__(self, disk, acknowledged, ignores_syncs):
        self.disk = disk
        self.ignores_syncs = ignores_syncs
        self.newest = self.durable = acknowledged
        # What had been acknowledged when the last commit wrote its meta page: all but the last group.
        self.before_last_group = acknowledged
        self.commits = self.syncs = self.acknowledgements = 0

    @property
    def required(self):
        return max(self.durable, self.before_last_group)

    def step(self, name, arguments, result):
        """Takes one call in; whether it may have changed the disk or a promise."""
        if result < 0:
            return False
        disk = self.disk
        texts = TEXT.findall(arguments)
        if name in ("openat", "mkdir", "unlink", "unlinkat", "rename", "renameat2"):
            paths = [disk.name(text_bytes(text).decode()) for text in texts]
            if not paths or paths[0] is None:
                return False
            if name == "openat":
                if "O_TRUNC" in arguments:
                    disk.change_name("add", paths[0], File())
                if "O_CREAT" in arguments and paths[0] not in disk.names:
                    disk.change_name("add", paths[0], File())
                file = disk.names.get(paths[0])
                disk.descriptors[result] = [file, 0, "O_DSYNC" in arguments or "O_SYNC" in arguments]
            elif name.startswith("rename"):
                disk.change_name("move", *paths)
            elif name.startswith("unlink"):
                disk.change_name("remove", paths[0], None)
            return True
        number = int(re.match(r"\d+", arguments).group()) if arguments[:1].isdigit() else -1
        if name == "write" and number == 1:
            for line in text_bytes(texts[0]).decode().splitlines():
                level, sequence = line.split()
                self.acknowledgements += 1
                self.newest = max(self.newest, int(sequence))
                if level == "durable":
                    self.durable = max(self.durable, int(sequence))
            return False
        if number not in disk.descriptors:
            return False
        if name in UNMODELLED:
            raise SystemExit(f"the trace has a call that this model does not know: {name}")
        file, position, is_synced = disk.descriptors[number]
        if name == "close":
            del disk.descriptors[number]
            return False
        if name in ("fdatasync", "fsync"):
            self.syncs += 1
            if self.ignores_syncs:
                return False
            if file is None:
                disk.synced_names = dict(disk.names)
                disk.name_changes = []
            else:
                file.sync()
            return True
        if name == "lseek":
            disk.descriptors[number][1] = result
            return False
        if name == "ftruncate":
            size = int(arguments.rsplit(",", 1)[1])
            if size == 0 and file.size == 0:
                return False
            if size < file.size:
                # Only the note of the process number is ever shortened.
                assert file is not disk.names.get("data.mdb")
                return False
            file.resize(size)
            return True
        data = b"".join(text_bytes(text) for text in texts)[:result]
        if name == "pwrite64":
            position = int(arguments.rsplit(",", 1)[1])
        elif name == "pwritev":
            position = int(arguments.rsplit(",", 1)[1])
        else:
            disk.descriptors[number][1] = position + len(data)
        if position < 2 * PAGE and len(data) < PAGE and file is disk.names.get("data.mdb"):
            self.commits += 1
            self.before_last_group = self.newest
        file.write(position, data, is_synced)
        return True


class Verifier:
    """One process that opens image after image; started again if an image kills it."""

    def __init__(self, binary, directory):
        self.command = [binary, "verify-images", directory]
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})

    def ask(self, name, required):
        self.process.stdin.write(f"{name} {required}\n")
        self.process.stdin.flush()
        return name

    def answer(self):
        line = self.process.stdout.readline()
        if line:
            return line.strip()
        code = self.process.wait()
        self.start()
        return f"crashed with {code}"

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def record(options, base, number, seed, plant=None):
    """Writes a store under strace; returns the trace, the disk at its start, and what that had."""
    directory = os.path.join(base, f"store-{number}-{plant}")
    acknowledged = 0

    def write(commands, seed, prefix=(), extra=()):
        return subprocess.run(
            [*prefix, options.binary, "write", directory, "--commands", str(commands), "--seed", str(seed),
             "--pause-one-in", "4", *extra], capture_output=True, text=True, timeout=300)

    disk = Disk(directory)
    # Every other store exists already, so that freed pages are used again.
    if number % 2 == 1:
        first = write(options.commands * 2, seed + 1)
        if first.returncode != 0:
            sys.exit(f"FAILED: the first run ended with {first.returncode}: {first.stderr}")
        acknowledged = max(int(line.split()[1]) for line in first.stdout.splitlines())
        disk.load()
    trace = os.path.join(base, "trace")
    extra = ["--plant", plant] if plant else []
    result = write(options.commands, seed, extra=extra, prefix=[
        "strace", "-f", "-xx", "-s", str(1 << 26), "-e", f"trace={CALLS}", "-o", trace])
    if result.returncode != 0:
        sys.exit(f"FAILED: the traced run ended with {result.returncode}: {result.stderr}")
    steps = list(calls(trace))
    os.unlink(trace)
    shutil.rmtree(directory)
    return steps, disk, acknowledged


def check_snapshots(options, base, generator, images, ignores_syncs=False):
    """Cuts the power while a snapshot is taken: it must be whole or absent. Returns what is wrong."""
    directory = os.path.join(base, f"source-{ignores_syncs}")
    first = subprocess.run(
        [options.binary, "write", directory, "--commands", "500"], capture_output=True, timeout=300)
    if first.returncode != 0:
        sys.exit(f"FAILED: the first run ended with {first.returncode}: {first.stderr}")
    disk = Disk(directory)
    disk.load()
    trace = os.path.join(base, "trace")
    result = subprocess.run(
        ["strace", "-f", "-xx", "-s", str(1 << 26), "-e", f"trace={CALLS}", "-o", trace,
         options.binary, "snapshot", directory, "--to", directory + "/snapshot"],
        capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        sys.exit(f"FAILED: the snapshot ended with {result.returncode}: {result.stderr}")
    # The process's last word comes after the last sync: from then on the snapshot must be there.
    steps = [step for step in calls(trace) if not (step[0] == "write" and step[1].startswith("1,"))]
    os.unlink(trace)
    shutil.rmtree(directory)
    points = [index for index, step in enumerate(steps) if step[2] >= 0 and step[0] not in ("lseek", "close")]
    points.append(len(steps))
    chosen = collections.Counter(generator.choices(points, k=images - 20) + [len(steps)] * 20)
    replay = Replay(disk, 0, ignores_syncs)
    found = 0
    for index in range(len(steps) + 1):
        for _ in range(chosen[index]):
            style = generator.choice(["pages", "pages", "sectors", "all", "none"])
            image = os.path.join(base, "snapshot-image")
            shutil.rmtree(image, ignore_errors=True)
            disk.image(image, generator, style)
            if os.path.exists(image + "/snapshot"):
                found += 1
                result = subprocess.run(
                    [options.binary, "verify-snapshot", image + "/snapshot"], capture_output=True, text=True)
                if result.returncode != 0:
                    return f"cut before call {index} of the snapshot, {style}: {result.stderr.strip()}"
            elif index == len(steps):
                return f"a finished snapshot is not there ({style})"
        if index < len(steps):
            replay.step(*steps[index])
    if found == 0:
        return "no image had a snapshot: this run proves nothing"
    print(f"{images} power cuts under a snapshot: {found} whole, {images - found} absent, 0 in between")
    return None


class Totals:
    def __init__(self):
        self.images = self.cuts = self.commits = self.syncs = self.acknowledgements = 0
        self.lost_groups = 0


def check(options, base, steps, disk, acknowledged, generator, images, totals, ignores_syncs=False):
    """Builds and verifies `images` images; returns the first that is wrong, as (directory, text)."""
    points = 0
    probe = Replay(Disk(disk.directory), acknowledged, ignores_syncs)
    probe.disk.names = dict.fromkeys(disk.names)
    for step in steps:
        if step[2] >= 0 and step[0] not in ("write", "lseek", "close"):
            points += 1
    share, rest = divmod(images, max(points, 1))
    # Where there are fewer images than points, the points take turns.
    chosen = set(generator.sample(range(points), rest))
    replay = Replay(disk, acknowledged, ignores_syncs)
    pending = collections.deque()
    wrong = None
    base = tempfile.mkdtemp(prefix="images-", dir=base)
    verifier = Verifier(options.binary, base)

    def settle(limit):
        nonlocal wrong
        while len(pending) > limit and wrong is None:
            name, required, newest, description = pending.popleft()
            answer = verifier.answer()
            directory = os.path.join(base, name)
            if answer.startswith("ok "):
                last = int(answer.split()[1])
                totals.lost_groups += last < newest
                shutil.rmtree(directory)
            else:
                wrong = (directory, f"{answer} ({description})")

    point = 0
    for index, step in enumerate([*steps, ("end", "", 0)]):
        is_point = step[2] >= 0 and step[0] not in ("write", "lseek", "close")
        if is_point:
            count = share + (point in chosen)
            point += 1
            totals.cuts += count > 0
            for _ in range(count):
                style = generator.choice(["pages", "pages", "sectors", "sectors", "all", "none"])
                name = f"image-{totals.images}"
                totals.images += 1
                replay.disk.image(os.path.join(base, name), generator, style)
                verifier.ask(name, replay.required)
                pending.append((name, replay.required, replay.newest,
                                f"cut before call {index} ({step[0]}), {style}, {replay.required} required"))
                settle(6)
                if wrong:
                    verifier.process.kill()
                    verifier.stop()
                    return wrong
        replay.step(*step)
    settle(0)
    if wrong:
        verifier.process.kill()
    verifier.stop()
    totals.commits += replay.commits
    totals.syncs += replay.syncs
    totals.acknowledgements += replay.acknowledgements
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=".build/debug/StoreTorture")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--commands", type=int, default=120, help="writes of each traced run")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--work", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().getrandbits(32)
    generator = random.Random(seed)
    base = tempfile.mkdtemp(prefix="kassa-power-cut-", dir=options.work)
    started = time.monotonic()
    totals = Totals()
    number = 0
    while totals.images < options.images:
        images = min(500, options.images - totals.images)
        recording = record(options, base, number, generator.getrandbits(32))
        wrong = check(options, base, *recording, generator, images, totals)
        if wrong:
            print(f"FAILED, seed {seed}: {wrong[1]}\nthe image is kept in {wrong[0]}")
            sys.exit(1)
        number += 1
    print(f"{totals.images} power cuts at {totals.cuts} points between calls of {number} traces "
          f"({totals.commits} commits, {totals.syncs} syncs, {totals.acknowledgements} acknowledged writes): "
          f"0 damaged, 0 durable writes lost, no fast write lost but of the last group "
          f"({totals.lost_groups} images lost some of that); {time.monotonic() - started:.0f} s, seed {seed}")
    if totals.acknowledgements == 0 or totals.lost_groups == 0:
        print("FAILED: nothing was at stake in this run, so it proves nothing")
        sys.exit(1)
    wrong = check_snapshots(options, base, generator, max(options.images // 10, 50))
    if wrong:
        print(f"FAILED, seed {seed}: {wrong}\nthe image is kept in {base}")
        sys.exit(1)
    wrong = check_snapshots(options, base, generator, 200, ignores_syncs=True)
    if wrong is None:
        print(f"FAILED, seed {seed}: a snapshot without syncs, planted, went unnoticed")
        sys.exit(1)
    print(f"planted a snapshot without syncs: found: {wrong[:160]}")
    for bug, plant, ignores_syncs in [
            ("an environment without syncs", None, True), ("durable groups without their sync", "skipped-sync", False)]:
        planted = Totals()
        recording = record(options, base, 1, generator.getrandbits(32), plant)
        wrong = check(options, base, *recording, generator, 1000, planted, ignores_syncs)
        if wrong is None:
            print(f"FAILED, seed {seed}: {bug}, planted, went unnoticed in {planted.images} images")
            sys.exit(1)
        print(f"planted {bug}: found at image {planted.images}: {wrong[1][:160]}")
    shutil.rmtree(base)


if __name__ == "__main__":
    main()
