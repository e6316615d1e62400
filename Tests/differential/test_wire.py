# SPDX-License-Identifier: Apache-2.0
"""Does Kassa read and write messages as Python's protobuf does?

Seeded random messages of every type, whole, with unknown fields, malformed, mutated and cut off, go
through both. Both must accept or both refuse; where they accept, the Swift encoding must be the same
message without its unknown fields, and, but for the order of map entries, the same bytes.

    swift build --product WireEcho
    python -m pytest -s Tests/differential/test_wire.py    (KASSA_SEED, KASSA_CASES to vary)
"""

import functools
import os
import pathlib
import random
import struct
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.internal import api_implementation
from google.protobuf.message import DecodeError
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[2]
ECHO = pathlib.Path(os.environ.get("KASSA_WIRE_ECHO", ROOT / ".build/debug/WireEcho"))
SEED = int(os.environ.get("KASSA_SEED", "20261120"))
CASES = int(os.environ.get("KASSA_CASES", "40000"))

VARINT, FIXED64, RUN, START, END, FIXED32 = range(6)
FIXED = {
    Field.TYPE_DOUBLE: FIXED64,
    Field.TYPE_FIXED64: FIXED64,
    Field.TYPE_SFIXED64: FIXED64,
    Field.TYPE_FLOAT: FIXED32,
    Field.TYPE_FIXED32: FIXED32,
    Field.TYPE_SFIXED32: FIXED32,
    Field.TYPE_STRING: RUN,
    Field.TYPE_BYTES: RUN,
    Field.TYPE_MESSAGE: RUN,
}
NUMBERS = [0, 1, 2, 127, 128, 255, 300, 2**14 - 1, 2**14, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**35]
NUMBERS += [2**63 - 1, 2**63, 2**64 - 1, 2**64 - 128]
TEXTS = ["", "a", "cart", "s-81", "Käse", "价格", "🧀", "nul\0nul", "x" * 127, "x" * 128, "\ufeff", "\U0010ffff"]
BAD_TEXTS = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"a\x80", b"\xf8\x88\x80\x80\x80"]
BAD_TEXTS += [b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xc1\xbf", b"x" * 40 + b"\xbf", b"\xf0\x9f\xa7"]
FLOATS = [0, 0x80000000, 0x3F800000, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7FA00001, 1]
DOUBLES = [0, 1 << 63, 0x3FF0000000000000, 0x7FF0000000000000, 0x7FF8000000000000, 0x7FF4000000000001, 1]


@functools.cache
def file_descriptors():
    """Every file of proto/ as protoc describes it."""
    files = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory, "all.pb")
        assert protoc.main(["protoc", f"-I{ROOT / 'proto'}", f"--descriptor_set_out={out}", *files]) == 0
        return list(descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file)


@functools.cache
def message_types():
    """Every message type of proto/ by its full name."""
    assert api_implementation.Type() == "upb", "the reference is the upb backend"
    files = file_descriptors()
    pool = descriptor_pool.DescriptorPool()
    for file in files:  # protoc lists imports before importers
        pool.Add(file)
    found = {}
    for file in files:
        for name in file.message_type:
            descriptor = pool.FindMessageTypeByName(f"{file.package}.{name.name}")
            found[descriptor.full_name] = message_factory.GetMessageClass(descriptor)
    return found


def varint(value, length=0):
    """`value` as a varint of at least `length` bytes."""
    out = bytearray()
    while value >= 0x80 or len(out) + 1 < length:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tag(number, wire_type, length=0):
    return varint(number << 3 | wire_type, length)


def run(number, content):
    return tag(number, RUN) + varint(len(content)) + content


class Noise:
    """Random encodings: `spoil` is the chance that a detail is odd, and perhaps malformed."""

    def __init__(self, rng, spoil):
        self.rng = rng
        self.spoil = spoil

    def odd(self):
        return self.rng.random() < self.spoil

    def varint(self, longest=11):
        rng = self.rng
        value = rng.choice(NUMBERS) if rng.random() < 0.7 else rng.getrandbits(rng.randrange(1, 65))
        return varint(value, rng.randrange(1, longest + 1) if self.odd() else 0)

    def tag(self, number, wire_type):
        return tag(number, wire_type, self.rng.randrange(1, 7) if self.odd() and self.odd() else 0)

    def scalar(self, wire_type, kind=None):
        rng = self.rng
        if wire_type == VARINT:
            return self.varint(1 if kind == "small" else 11)
        if wire_type == FIXED32:
            return struct.pack("<I", rng.choice(FLOATS) if rng.random() < 0.7 else rng.getrandbits(32))
        return struct.pack("<Q", rng.choice(DOUBLES) if rng.random() < 0.7 else rng.getrandbits(64))

    def length(self, count):
        if not (self.odd() and self.odd()):
            return varint(count)
        return self.rng.choice(
            [varint(count, self.rng.randrange(2, 7)), varint(count + 1), varint(2**31 - 1), varint(2**31), varint(2**63)]
        )

    def run(self, number, content):
        return self.tag(number, RUN) + self.length(len(content)) + content

    def text(self):
        rng = self.rng
        if self.odd():
            return rng.choice(TEXTS).encode() + rng.choice(BAD_TEXTS)
        return rng.choice(TEXTS).encode() if rng.random() < 0.8 else rng.randbytes(3).hex().encode()

    def unknown(self, number, depth=0):
        rng = self.rng
        wire_type = rng.choice([VARINT, FIXED64, RUN, START, FIXED32])
        if self.odd() and self.odd():
            wire_type = rng.randrange(8)
        if wire_type == START:
            inside = b"".join(self.unknown(rng.randrange(1, 20), depth + 1) for _ in range(rng.randrange(4 if depth < 3 else 1)))
            end = number + 1 if self.odd() and self.odd() else number
            return self.tag(number, START) + inside + self.tag(end, END)
        if wire_type == RUN:
            return self.run(number, rng.randbytes(rng.randrange(6)))
        if wire_type in (END, 6, 7):
            return tag(number, wire_type)
        return self.tag(number, wire_type) + self.scalar(wire_type)

    def value(self, field, depth):
        if field.type == Field.TYPE_STRING:
            return self.text()
        if field.type == Field.TYPE_BYTES:
            return self.rng.randbytes(self.rng.choice([0, 1, 32, 200]))
        return self.message(field.message_type, depth + 1)

    def field(self, field, depth):
        rng = self.rng
        if self.odd() and self.odd():  # the wrong wire type: an unknown field
            return self.unknown(field.number)
        wire_type = FIXED.get(field.type, VARINT)
        if wire_type == RUN:
            return self.run(field.number, self.value(field, depth))
        if field.is_repeated and rng.random() < 0.7 or self.odd():
            content = b"".join(self.scalar(wire_type) for _ in range(rng.choice([0, 1, 2, 5, 40])))
            if self.odd() and content:
                content = content[:-1]
            return self.run(field.number, content)
        return self.tag(field.number, wire_type) + self.scalar(wire_type)

    def message(self, descriptor, depth=0):
        rng = self.rng
        fields = list(descriptor.fields)
        parts = []
        for _ in range(rng.randrange(7) if depth < 4 else 0):
            if not fields or self.odd():
                number = rng.choice([1, 2, 3, 15, 16, 99, 2047, 2048, 19500, 2**29 - 1])
                number = 0 if self.odd() and self.odd() else number
                parts.append(self.unknown(number))
            else:
                parts.append(self.field(rng.choice(fields), depth))
        return b"".join(parts)


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                if at < len(data):
                    data[at] ^= 1 << rng.randrange(8)
            case 2:
                del data[at : at + rng.randrange(1, 4)]
            case 3:
                data[at:at] = rng.randbytes(rng.randrange(1, 4))
            case 4:
                data[at:at] = data[: rng.randrange(len(data) + 1)]
    return bytes(data)


def crafted():
    """Encodings at and beyond each limit, to try on every message type."""
    for number in [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 100]:
        for length in range(1, 13):
            for value in [0, 1, 2**63 - 1, 2**64 - 1]:
                yield tag(number, VARINT) + varint(value, length)
            yield tag(number, VARINT) + b"\xff" * (length - 1) + b"\x7f"
            yield tag(number, VARINT) + b"\x80" * length
            yield tag(number, RUN) + varint(0, length)
            yield tag(number, RUN) + varint(1, length) + b"a"
            yield run(number, varint(1, length))
            yield run(number, b"\x80" * length)
            yield tag(number, RUN, length) + b"\0"
            yield tag(number, VARINT, length) + b"\0"
            yield tag(number, FIXED64, length) + b"\0" * 8
        for wire_type in range(8):
            for size in range(10):
                yield tag(number, wire_type) + b"\0" * size
                yield run(number, tag(number, wire_type) + b"\0" * size)
        for text in BAD_TEXTS:
            yield run(number, text)
            yield run(number, run(1, text))
            yield run(number, run(2, text))
        for size in [2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1]:
            yield tag(number, RUN) + varint(size)
            yield tag(number, RUN) + varint(size) + b"\0" * 20
        for depth in [1, 2, 30, 31, 32, 33, 98, 99, 100, 101, 102]:
            groups = tag(number, START) * depth + tag(number, END) * depth
            yield groups
            yield run(number, groups)
            yield tag(number, START) * depth
            yield tag(number, END)
            yield tag(number, START) + tag(number + 1, END)
            yield tag(number, START) + tag(77, VARINT) + b"\1" + tag(number, END)
    for number in [0, 1, 2**28, 2**29 - 1, 2**29, 2**30, 2**32 - 1]:
        for wire_type in range(8):
            for length in range(1, 8):
                yield tag(number, wire_type, length) + b"\0"
                yield tag(1, START) + tag(number, wire_type, length) + b"\0" + tag(1, END)
                yield tag(5000, START) + tag(number, wire_type, length) + b"\0" * 8 + tag(5000, END)
                yield tag(5000, START) + tag(number, START) + tag(number, END, length) + tag(5000, END)


def split_and_merged(rng, cls):
    """The concatenation of two encodings is the merge of two messages."""
    noise = Noise(rng, 0)
    return noise.message(cls.DESCRIPTOR) + noise.message(cls.DESCRIPTOR)


def cases():
    rng = random.Random(SEED)
    types = message_types()
    names = sorted(types)
    for name in names:
        cls = types[name]
        yield "empty", name, b""
        known = {field.number for field in cls.DESCRIPTOR.fields}
        seen = set()
        for data in crafted():
            if data not in seen:
                seen.add(data)
                if len(known) > 2 or rng.random() < 0.2:
                    yield "crafted", name, data
    for index in range(CASES):
        name = names[index % len(names)]
        descriptor = types[name].DESCRIPTOR
        kind = rng.choice(["plain", "unknown", "spoilt", "mutated", "cut", "merged"])
        if kind == "plain":
            data = Noise(rng, 0).message(descriptor)
        elif kind == "unknown":
            data = Noise(rng, 0.1).message(descriptor)
        elif kind == "spoilt":
            data = Noise(rng, 0.3).message(descriptor)
        elif kind == "mutated":
            data = mutate(rng, Noise(rng, 0.02).message(descriptor))
        elif kind == "cut":
            data = Noise(rng, 0).message(descriptor)
            data = data[: rng.randrange(len(data) + 1)]
        else:
            data = split_and_merged(rng, types[name])
        yield kind, name, data


def echo(records):
    """What the Swift side says of each (name, bytes): the new encoding, or None and the reason."""
    stream = bytearray()
    for name, data in records:
        stream += struct.pack("<I", len(name)) + name.encode() + struct.pack("<I", len(data)) + data
    result = subprocess.run([ECHO], input=bytes(stream), stdout=subprocess.PIPE, timeout=120)
    assert result.returncode == 0, f"WireEcho ended with {result.returncode}: a trap was reached"
    out, at = result.stdout, 0
    for _ in records:
        accepted, length = struct.unpack_from("<BI", out, at)
        run = out[at + 5 : at + 5 + length]
        assert len(run) == length
        at += 5 + length
        yield (run, None) if accepted else (None, run.decode())
    assert at == len(out)


def reference(cls, data):
    """Python's deterministic encoding of what `data` says, or None if it is refused."""
    message = cls()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    message.DiscardUnknownFields()
    return message.SerializeToString(deterministic=True)


def test_every_case():
    types = message_types()
    everything = list(cases())
    counts, wrong, reordered = {}, [], 0
    replies = echo([(name, data) for _, name, data in everything])
    for (kind, name, data), (ours, reason) in zip(everything, replies):
        theirs = reference(types[name], data)
        count = counts.setdefault(kind, [0, 0])
        count[theirs is None] += 1
        # Python's order of map entries whose keys are prefixes of each other is its own.
        if ours == theirs:
            continue
        if ours and theirs and len(ours) == len(theirs) and reference(types[name], ours) == theirs:
            reordered += 1
        else:
            wrong.append(f"{kind} {name} {data.hex()}\n  ours   {reason or ours.hex()}\n  theirs {theirs and theirs.hex()}")
    print(f"\nseed {SEED}, {len(types)} message types, {len(everything)} encodings")
    for kind, (accepted, refused) in counts.items():
        print(f"  {kind:8} {accepted:6} accepted {refused:6} refused")
    print(f"  {reordered} differ in the order of map entries, {len(wrong)} differ otherwise")
    assert not wrong, f"{len(wrong)} differ\n" + "\n".join(sorted(wrong, key=len)[:10])


def fill(rng, message, depth=0):
    """Sets about half of the fields through Python's own API."""
    wide = {Field.CPPTYPE_INT32: 31, Field.CPPTYPE_INT64: 63, Field.CPPTYPE_UINT32: 32, Field.CPPTYPE_UINT64: 64}

    def scalar(field):
        if field.cpp_type in wide:
            bits = wide[field.cpp_type]
            low = 0 if bits % 2 == 0 else -(2**bits)
            return rng.choice([0, 1, low, 2**bits - 1, rng.randrange(low, 2**bits)])
        if field.cpp_type in (Field.CPPTYPE_FLOAT, Field.CPPTYPE_DOUBLE):
            return rng.choice([0.0, -0.0, 1.5, float("inf"), float("nan"), struct.unpack("<f", rng.randbytes(4))[0]])
        if field.cpp_type == Field.CPPTYPE_BOOL:
            return rng.random() < 0.5
        if field.cpp_type == Field.CPPTYPE_ENUM:
            return rng.choice([value.number for value in field.enum_type.values] + [99, -1])
        return rng.randbytes(rng.choice([0, 1, 32, 300])) if field.type == Field.TYPE_BYTES else rng.choice(TEXTS)

    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.5:
            continue
        value = getattr(message, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            for _ in range(rng.randrange(4)):
                value[rng.choice(TEXTS)] = rng.choice(TEXTS)
        elif field.message_type and field.is_repeated:
            for _ in range(rng.randrange(4)):
                fill(rng, value.add(), depth + 1)
        elif field.message_type:
            value.SetInParent()
            fill(rng, value, depth + 1)
        elif field.is_repeated:
            value.extend(scalar(field) for _ in range(rng.choice([0, 1, 3, 50])))
        else:
            setattr(message, field.name, scalar(field))


def test_messages_that_python_builds():
    """Values set through Python's own API come back equal."""
    rng = random.Random(SEED + 1)
    types = message_types()
    built = []
    for name in sorted(types):
        for _ in range(50):
            message = types[name]()
            fill(rng, message)
            built.append((name, message))
    replies = echo([(name, message.SerializeToString()) for name, message in built])
    for (name, message), (ours, reason) in zip(built, replies):
        assert ours is not None, f"{name}: {reason}"
        again = types[name].FromString(ours)
        assert again.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True), message
    print(f"\n{len(built)} messages built by Python came back equal")


def test_descriptors():
    """What reflection serves is what protoc says, comments aside, and a pool can be built from it."""
    result = subprocess.run([ECHO, "descriptors"], stdout=subprocess.PIPE, timeout=60, check=True)
    out, at, served = result.stdout, 0, []
    while at < len(out):
        (length,) = struct.unpack_from("<I", out, at)
        served.append(descriptor_pb2.FileDescriptorProto.FromString(out[at + 4 : at + 4 + length]))
        at += 4 + length
    pool = descriptor_pool.DescriptorPool()
    for file in served:  # imports come before importers
        pool.Add(file)
        pool.FindFileByName(file.name)
    expected = {file.name: file for file in file_descriptors()}
    assert {file.name for file in served} == set(expected)
    for file in served:
        assert file == expected[file.name], file.name
    print(f"\n{len(served)} descriptors are protoc's")


if __name__ == "__main__":
    test_every_case()
    test_messages_that_python_builds()
    test_descriptors()
