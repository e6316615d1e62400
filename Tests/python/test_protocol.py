# SPDX-License-Identifier: Apache-2.0
"""gRPC over HTTP/2 byte by byte: every refusal of the protocol's table, other clients, drain, health."""

import random
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request

import grpc
import hpack
import pytest
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase)
from hyperframe.frame import (
    ContinuationFrame, DataFrame, HeadersFrame, PingFrame, PriorityFrame, SettingsFrame,
    WindowUpdateFrame)

import client as shop
from client import Client
from frames import PREFACE, Connection, fields, message
from kassa.v1 import features_pb2, scoring_pb2, values_pb2

SCORE = "/kassa.v1.Scoring/Score"
SCORE_STREAM = "/kassa.v1.Scoring/ScoreStream"
OK, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 0, 4, 8, 12, 13

# Values with the request: its answer is the same at any time.
REQUEST = shop.score(
    "cart_abandonment", "",
    context=[
        values_pb2.NamedValue(name=f"signal_{signal}", value=values_pb2.Value(number=signal))
        for signal in range(shop.SIGNALS)
    ]).SerializeToString()
GOOD = message(REQUEST)


@pytest.fixture(scope="module")
def connection(server):
    """One connection for all rows of the table: no refusal may harm it."""
    client = Client(server.address)
    shop.set_up_shop(client)
    client.close()
    with Connection(server.port) as connection:
        yield connection
        assert not connection.closed and not connection.goaways


@pytest.fixture(scope="module")
def good_reply(connection):
    reply = connection.call(SCORE, GOOD)
    answer = scoring_pb2.ScoreResponse.FromString(reply.body[5:])
    assert reply.status == OK and 0 < answer.score < 1
    return reply


def assert_alive(connection, good_reply):
    assert connection.call(SCORE, GOOD) == good_reply


def status(code, *words, **headers):
    """A trailers-only reply with this gRPC status, these words in its message, these headers."""

    def check(reply):
        assert reply.reset in (None, 0), reply
        assert len(reply.blocks) == 1 and not reply.body, reply
        block = reply.headers
        assert block[":status"] == "200" and block["content-type"] == "application/grpc"
        assert reply.status == code, reply
        for word in words:
            assert word in block["grpc-message"].replace("%20", " "), reply
        for name, value in headers.items():
            assert block[name.replace("_", "-")] == value, reply

    return check


def http(code):
    """A reply of one header block with this HTTP status and nothing else."""

    def check(reply):
        assert reply.reset in (None, 0) and not reply.body
        assert [block[":status"] for block in reply.blocks] == [str(code)]
        assert reply.status is None

    return check


def reset(*codes):
    """The stream is reset with one of these error codes."""

    def check(reply):
        assert reply.reset in codes and not reply.blocks, reply

    return check


def fine(reply):
    assert reply.status == OK and reply.body, reply


PROTOCOL_ERROR = 1
NESTED = b"\x12\x02" * 200

# What is sent, and what must come back. A body that is a tuple is sent without END_STREAM.
TABLE = {
    # Headers.
    "content-type of text": ({"content_type": "text/plain"}, GOOD, http(415)),
    "no content-type": ({"content_type": None}, GOOD, http(415)),
    "content-type that only begins like gRPC": (
        {"content_type": "application/grpcx"}, GOOD, http(415)),
    "gRPC-Web": ({"content_type": "application/grpc-web"}, GOOD, http(415)),
    "content-type with a format": ({"content_type": "application/grpc+proto"}, GOOD, fine),
    "content-type with a parameter": (
        {"content_type": "application/grpc;charset=utf-8"}, GOOD, fine),
    "no te": ({"te": None}, GOOD, fine),
    "another te": ({"te": "gzip"}, GOOD, None),
    "GET": ({"method": "GET"}, GOOD, http(405)),
    "PUT": ({"method": "PUT"}, GOOD, http(405)),
    "unknown method": ({"path": "/kassa.v1.Scoring/Unknown"}, GOOD, status(UNIMPLEMENTED)),
    "unknown service": ({"path": "/kassa.v9.Scoring/Score"}, GOOD, status(UNIMPLEMENTED)),
    "path of another case": ({"path": "/kassa.v1.scoring/score"}, GOOD, status(UNIMPLEMENTED)),
    "path with a slash more": ({"path": SCORE + "/"}, GOOD, status(UNIMPLEMENTED)),
    "path of a slash": ({"path": "/"}, GOOD, status(UNIMPLEMENTED)),
    "long path": ({"path": "/" + "x" * 8_000}, GOOD, status(UNIMPLEMENTED)),
    "path without a slash": ({"path": "kassa"}, GOOD, reset(PROTOCOL_ERROR)),
    "no path": ({"path": None}, GOOD, reset(PROTOCOL_ERROR)),
    "no method": ({"method": None}, GOOD, reset(PROTOCOL_ERROR)),
    "no scheme": ({"scheme": None}, GOOD, reset(PROTOCOL_ERROR)),
    "a header of a connection": ({"connection": "close"}, GOOD, reset(PROTOCOL_ERROR)),
    "content-length that lies": ({"content_length": "1"}, GOOD, reset(PROTOCOL_ERROR)),
    "content-length that is right": ({"content_length": str(len(GOOD))}, GOOD, fine),
    # Timeouts.
    **{f"timeout {text!r}": ({"grpc_timeout": text}, GOOD, fine)
       for text in ("1S", "5M", "1H", "99999999H", "99999999S", "9999999m", "99999999u", "00000001S")},
    **{f"timeout {text!r}": ({"grpc_timeout": text}, GOOD, status(INTERNAL, "grpc-timeout"))
       for text in ("", "1", "S", "123456789S", "000000001S", "-1S", "+1S", "1s", "1x", "1.5S",
                    "1 S", "0x1S", "١S", "1SS")},
    **{f"timeout {text!r}": ({"grpc_timeout": text}, GOOD, status(DEADLINE_EXCEEDED))
       for text in ("0n", "0m", "0H")},
    # Encodings and flags.
    "identity": ({"grpc_encoding": "identity"}, GOOD, fine),
    "gzip": (
        {"grpc_encoding": "gzip"}, message(REQUEST, flag=1),
        status(UNIMPLEMENTED, "grpc-encoding", grpc_accept_encoding="identity")),
    "unknown encoding": (
        {"grpc_encoding": "canary7"}, GOOD,
        status(UNIMPLEMENTED, "grpc-encoding", grpc_accept_encoding="identity")),
    "compressed without an encoding": ({}, message(REQUEST, flag=1), status(INTERNAL)),
    "compressed with identity": (
        {"grpc_encoding": "identity"}, message(REQUEST, flag=1), status(INTERNAL)),
    "flag 2": ({}, message(REQUEST, flag=2), status(INTERNAL, "flag")),
    "flag 255": ({}, message(REQUEST, flag=255), status(INTERNAL, "flag")),
    # Lengths.
    "4 MiB + 1, refused before it comes": (
        {}, (message(b"", length=(4 << 20) + 1),), status(RESOURCE_EXHAUSTED)),
    "2 GiB": ({}, (message(b"", length=1 << 31),), status(RESOURCE_EXHAUSTED)),
    "4 GiB - 1": ({}, (message(b"", length=(1 << 32) - 1),), status(RESOURCE_EXHAUSTED)),
    "no message": ({}, b"", status(UNIMPLEMENTED, "message")),
    "end inside the prefix": ({}, GOOD[:3], status(INTERNAL)),
    "end inside the message": ({}, GOOD[:-1], status(INTERNAL)),
    "a second message": ({}, GOOD + GOOD, status(UNIMPLEMENTED)),
    "a byte too many": ({}, GOOD + b"\0", status(UNIMPLEMENTED)),
    # Protobuf; 13 names the message.
    **{name: ({}, message(payload), status(INTERNAL, "ScoreRequest"))
       for name, payload in {
           "protobuf that is cut": REQUEST[:-1],
           "tag 0": b"\0",
           "wire type 6": b"\x0e",
           "wire type 7": b"\x0f",
           "end of no group": b"\x0c",
           "varint of 11 bytes": b"\x20" + b"\xff" * 10 + b"\x01",
           "length above the message": b"\x0a\xff\xff\xff\xff\x07",
           "length of 2^64 - 1": b"\x0a" + b"\xff" * 9 + b"\x01",
           "invalid UTF-8": b"\x0a\x02\xc3\x28",
           "groups 200 deep": b"\x2b" * 200 + b"\x2c" * 200,
           "packed enum that is cut": b"\x22\x01\xff",
       }.items()},
}


@pytest.mark.parametrize("row", TABLE)
def test_the_table_of_refusals(connection, good_reply, row):
    changes, body, check = TABLE[row]
    path = changes.get("path", SCORE)
    changes = {name: value for name, value in changes.items() if name != "path"}
    if check is None:
        # nghttp2 itself resets a stream with another te, which RFC 9113 section 8.2.2 forbids.
        check = reset(PROTOCOL_ERROR)
    if isinstance(body, tuple):
        stream = connection.request(path, body[0], end=False, **changes)
    else:
        stream = connection.request(path, body, **changes)
    check(connection.reply(stream))
    assert_alive(connection, good_reply)


@pytest.mark.parametrize("header_fields", [
    [(f"x-{number}", "y") for number in range(101)],
    [("x-large", "y" * 17_000)],
], ids=["101 fields", "17 KiB"])
def test_too_many_header_bytes_reset_the_stream(server, connection, header_fields):
    # Three of these end a connection, so each gets its own.
    with Connection(server.port) as own:
        good = own.call(SCORE, GOOD)
        own.stream += 2
        block = own.encoder.encode(fields(SCORE) + header_fields)
        frames = [HeadersFrame(own.stream, block[:16_000], flags=["END_STREAM"])]
        if len(block) > 16_000:
            frames.append(ContinuationFrame(own.stream, block[16_000:]))
        frames[-1].flags.add("END_HEADERS")
        own.send(*frames)
        reply = own.reply(own.stream)
        assert reply.reset is not None and not reply.blocks
        assert_alive(own, good)


def test_headers_at_the_limit_are_taken(connection, good_reply):
    given = [(f"x-{number}", "y") for number in range(100 - len(fields(SCORE)))]
    assert connection.call(SCORE, GOOD, **{name: value for name, value in given}) == good_reply


def test_a_stream_refuses_with_trailers_after_what_was_answered(connection, good_reply):
    for bad, code in [
        (message(REQUEST, flag=1), INTERNAL), (message(REQUEST, flag=7), INTERNAL),
        (message(b"", length=(4 << 20) + 1), RESOURCE_EXHAUSTED), (GOOD[:-1], INTERNAL),
    ]:
        reply = connection.call(SCORE_STREAM, GOOD + bad)
        assert reply.status == code
        assert reply.body == good_reply.body and len(reply.blocks) == 2
        assert_alive(connection, good_reply)


def test_messages_of_a_stream_may_be_cut_anywhere(connection, good_reply):
    body = GOOD * 3
    for size in (1, 2, 3, 5, 7, len(GOOD) - 1, len(GOOD), len(GOOD) + 1):
        connection.stream += 2
        stream = connection.stream
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        connection.send(
            connection.headers(stream, fields(SCORE_STREAM)),
            *(connection.data(stream, piece) for piece in pieces),
            connection.data(stream, b"", end=True))
        reply = connection.reply(stream)
        assert reply.status == OK and reply.body == good_reply.body * 3


def test_a_message_may_be_cut_at_every_byte(connection, good_reply):
    for cut in range(len(GOOD) + 1):
        connection.stream += 2
        stream = connection.stream
        connection.send(
            connection.headers(stream, fields(SCORE)),
            connection.data(stream, GOOD[:cut]), connection.data(stream, GOOD[cut:], end=True))
        assert connection.reply(stream) == good_reply, cut


def test_padding_priority_and_trailers_of_a_request_are_understood(connection, good_reply):
    connection.stream += 2
    stream = connection.stream
    padded = DataFrame(stream, GOOD, pad_length=100, flags=["PADDED"])
    header = connection.headers(stream, fields(SCORE))
    header.flags.add("PRIORITY")
    header.depends_on, header.stream_weight, header.exclusive = 0, 10, False
    connection.send(
        header, PriorityFrame(stream, depends_on=0, stream_weight=3), padded,
        connection.headers(stream, [("x-trailer", "y")], end=True))
    assert connection.reply(stream) == good_reply


def test_ten_thousand_small_messages_in_one_run(connection, good_reply):
    """Nothing recurses per message, and replies that wait do not pile up without bound."""
    connection.stream += 2
    stream, count = connection.stream, 10_000
    refused = message(b"")
    connection.send(connection.headers(stream, fields(SCORE_STREAM)))
    body, sent = refused * count, 0
    while sent < len(body):
        connection.send(connection.data(stream, body[sent : sent + 10_000]))
        sent += 10_000
        connection.until(lambda: False, 0.002)
        credit = len(connection.replies.get(stream, reply_none).body)
        grant(connection, stream, credit)
    connection.send(connection.data(stream, b"", end=True))
    while not (stream in connection.replies and connection.replies[stream].done):
        before = len(connection.replies.get(stream, reply_none).body)
        assert connection.until(
            lambda: connection.replies[stream].done
            or len(connection.replies[stream].body) > before, 10)
        grant(connection, stream, len(connection.replies[stream].body))
    reply = connection.replies[stream]
    assert reply.status == OK and not connection.closed
    count_answered, rest = 0, reply.body
    while rest:
        length = int.from_bytes(rest[1:5], "big")
        assert scoring_pb2.ScoreResponse.FromString(rest[5 : 5 + length]).refusal.code == 5
        rest = rest[5 + length :]
        count_answered += 1
    assert count_answered == count
    assert_alive(connection, good_reply)


def test_a_reply_of_megabytes_goes_window_by_window(server, connection):
    """A large reply and the calls behind it come as the client makes room, whole and in full."""
    ids = [f"large-{row}" for row in range(5_000)]
    client = Client(server.address)
    texts = [f"{row:>300}" for row in range(5_000)]
    client.features.Write(
        shop.write("profile", ids, shop.column("city", "texts", texts)), timeout=20)
    client.close()
    request = message(shop.read("profile", ids=ids).SerializeToString())
    with Connection(server.port) as slow:
        stream = slow.request("/kassa.v1.Features/Read", request)
        behind = slow.request(SCORE, GOOD)
        assert slow.until(lambda: len(slow.replies.get(stream, reply_none).body) == 65_535)
        slow.until(lambda: False, 0.1)
        received = 0
        while not (stream in slow.replies and slow.replies[stream].done
                   and behind in slow.replies and slow.replies[behind].done):
            total = sum(len(reply.body) for reply in slow.replies.values())
            assert total > received, "no progress"
            slow.send(
                WindowUpdateFrame(0, total - received),
                WindowUpdateFrame(stream, total - received))
            received = total
            assert slow.until(
                lambda: sum(len(reply.body) for reply in slow.replies.values()) > received
                or all(number in slow.replies and slow.replies[number].done
                       for number in (stream, behind)), 5)
        answer = features_pb2.ReadResponse.FromString(slow.replies[stream].body[5:])
        assert list(answer.feature_sets[0].columns[4].texts.values) == texts
        assert slow.replies[stream].status == slow.replies[behind].status == OK


class reply_none:
    body = b""


granted = {}


def grant(connection, stream, received):
    """Gives back the windows of what was received."""
    increment = received - granted.get(stream, 0)
    if increment > 0:
        granted[stream] = received
        connection.send(
            WindowUpdateFrame(0, increment), WindowUpdateFrame(stream, increment))


def conversation():
    """The bytes of a client that asks for everything, right and wrong, and how many streams it opens."""
    scratch = Connection.__new__(Connection)
    scratch.encoder, scratch.stream = hpack.Encoder(), -1
    health = "/grpc.health.v1.Health/Check"
    frames = []
    frames += scratch.request_frames(SCORE, GOOD)
    frames += scratch.request_frames(SCORE_STREAM, GOOD * 3)
    frames += scratch.request_frames(health, message(b""))
    frames += scratch.request_frames(health, message(b"\x0a\x05wrong"))
    frames += [PingFrame(0, opaque_data=b"12345678")]
    frames += scratch.request_frames("/unknown/Method", GOOD)
    frames += scratch.request_frames(SCORE, GOOD, content_type="text/plain")
    frames += scratch.request_frames(SCORE, GOOD[:-2])
    frames += scratch.request_frames(SCORE, message(REQUEST, flag=9))
    frames += scratch.request_frames(SCORE, GOOD + GOOD)
    frames += scratch.request_frames(SCORE, message(b"\0"))
    frames += scratch.request_frames(SCORE, GOOD, grpc_timeout="1x")
    frames += scratch.request_frames(SCORE_STREAM, GOOD + message(b"") + GOOD)
    frames += scratch.request_frames(SCORE, GOOD)
    bytes_ = PREFACE + SettingsFrame(0).serialize() + b"".join(f.serialize() for f in frames)
    return bytes_, (scratch.stream + 1) // 2


def answers_to(port, pieces, streams):
    """The reply of every stream: header fields, body bytes and trailers."""
    with Connection(port, start=False) as connection:
        for piece in pieces:
            connection.send(piece)
        numbers = range(1, 2 * streams, 2)
        replies = [connection.reply(number) for number in numbers]
        assert not connection.goaways and not connection.closed
        # Who refuses before the request has ended asks with NO_ERROR to hear no more of it.
        assert all(reply.reset in (None, 0) for reply in replies)
        return [(reply.blocks, reply.body) for reply in replies]


def test_any_cut_of_the_wire_gives_the_same_reply_bytes(server, connection):
    sent, streams = conversation()
    whole = answers_to(server.port, [sent], streams)
    statuses = [blocks[-1].get("grpc-status") for blocks, _ in whole]
    assert statuses == ["0", "0", "0", "5", "12", None, "13", "13", "12", "13", "13", "0", "0"]
    bytes_ = [sent[place : place + 1] for place in range(len(sent))]
    assert answers_to(server.port, bytes_, streams) == whole
    for seed in range(30):
        chance = random.Random(seed)
        cuts = sorted(chance.sample(range(1, len(sent)), chance.randint(1, 40)))
        pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)])]
        assert answers_to(server.port, pieces, streams) == whole, f"seed {seed}"


TLS_HELLO = bytes.fromhex(
    "1603010200010001fc0303") + bytes(range(32)) + b"\x20" + bytes(32) + b"\x00\x02\x13\x01\x01\x00"


@pytest.mark.parametrize("sent", [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /kassa.v1.Scoring/Score HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    TLS_HELLO, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", bytes(100), b"\xff" * 100,
    PREFACE + b"\xff" * 100, PREFACE + bytes(9) + GOOD,
], ids=["HTTP/1.1", "upgrade", "TLS", "wrong preface", "zeros", "ones", "no SETTINGS", "DATA first"])
def test_what_is_not_http2_is_closed(server, connection, good_reply, sent):
    with Connection(server.port, start=False) as stranger:
        stranger.send(sent)
        assert stranger.wait_for_close(3), "still open"
    assert_alive(connection, good_reply)


def test_random_bytes_are_closed(server, connection, good_reply):
    for seed in range(300):
        chance = random.Random(seed)
        begin = PREFACE + SettingsFrame(0).serialize() if seed % 2 else b""
        with Connection(server.port, start=False) as stranger:
            try:
                stranger.send(begin + chance.randbytes(chance.randint(24, 4_000)))
                stranger.socket.shutdown(socket.SHUT_WR)
                assert stranger.wait_for_close(3), f"seed {seed}"
            except ConnectionError:
                pass
    assert_alive(connection, good_reply)


# Other clients.


@pytest.fixture(scope="module")
def body_file(connection, tmp_path_factory):
    path = tmp_path_factory.mktemp("body") / "score.bin"
    path.write_bytes(GOOD)
    return path


GRPC_HEADERS = ["te: trailers", "content-type: application/grpc"]


def run(*arguments, **more):
    if shutil.which(arguments[0]) is None:
        pytest.skip(f"needs {arguments[0]}")
    return subprocess.run(
        [str(argument) for argument in arguments], capture_output=True, timeout=60, **more)


def test_curl_gets_a_score(server, good_reply, body_file, tmp_path):
    headers = [word for header in GRPC_HEADERS for word in ("-H", header)]
    result = run(
        "curl", "-sS", "--http2-prior-knowledge", "--data-binary", f"@{body_file}", *headers,
        "-D", tmp_path / "headers", "-o", tmp_path / "reply", f"http://{server.address}{SCORE}")
    assert result.returncode == 0, result.stderr
    lines = (tmp_path / "headers").read_text().lower().split()
    assert lines[:2] == ["http/2", "200"]
    assert lines[lines.index("grpc-status:") + 1] == "0"
    assert (tmp_path / "reply").read_bytes() == good_reply.body


def test_nghttp_gets_a_score(server, good_reply, body_file):
    headers = [f"-H{header}" for header in GRPC_HEADERS]
    result = run(
        "nghttp", "-nv", "-d", body_file, *headers, f"http://{server.address}{SCORE}")
    text = re.sub(rb"\x1b\[[0-9;]*m", b"", result.stdout).decode()
    assert result.returncode == 0 and ":status: 200" in text
    assert "grpc-status: 0" in text
    assert f"recv DATA frame <length={len(good_reply.body)}" in text


def requests_counted(server, method, code):
    """The server's own count of answered requests."""
    with urllib.request.urlopen(f"{server.admin}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    pattern = rf'^kassa_rpc_requests_total\{{method="{re.escape(method)}",code="{code}"\}} (\d+)'
    return sum(int(count) for count in re.findall(pattern, text, re.MULTILINE))


def test_h2load_gets_only_scores(server, good_reply, body_file):
    before = requests_counted(server, "kassa.v1.Scoring/Score", "OK")
    headers = [word for header in GRPC_HEADERS for word in ("-H", header)]
    count = 20_000
    result = run(
        "h2load", "-n", count, "-c", 8, "-m", 32, "-d", body_file, *headers,
        f"http://{server.address}{SCORE}")
    text = result.stdout.decode()
    assert f"{count} succeeded, 0 failed, 0 errored, 0 timeout" in text, text
    assert f"status codes: {count} 2xx, 0 3xx, 0 4xx, 0 5xx" in text, text
    assert requests_counted(server, "kassa.v1.Scoring/Score", "OK") - before == count


# Health and reflection.


def test_health_of_the_server_and_of_every_service(server, connection):
    with grpc.insecure_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ["", "kassa.v1.Scoring", "kassa.v1.Features", "kassa.v1.Config",
                        "kassa.v1.Models", "grpc.health.v1.Health"]:
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(service="canary7"), timeout=10)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
        assert "canary7" not in caught.value.details()
        for service, expected in [("", "SERVING"), ("canary7", "SERVICE_UNKNOWN")]:
            watch = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=10)
            answer = next(iter(watch))
            assert answer.status == health_pb2.HealthCheckResponse.ServingStatus.Value(expected)
            assert watch.is_active()
            watch.cancel()


SERVICES = {
    "kassa.v1.Config": ["Apply", "Audit", "Drop", "Get", "List"],
    "kassa.v1.Features": ["Erase", "Read", "Write", "WriteStream"],
    "kassa.v1.Generations": ["Begin", "Check", "Discard", "List", "Rollback", "Switch"],
    "kassa.v1.Models": ["Delete", "Get", "List", "Upload"],
    "kassa.v1.Rollouts": [
        "Abort", "AcceptDrift", "Canary", "ClearQuarantine", "Drift", "Explain", "History", "Pause",
        "Promote", "Quarantine", "Resume", "SetWeight", "Shadow", "Status", "Undo", "Watch"],
    "kassa.v1.Scoring": [
        "GetCalibration", "RecordOutcome", "Score", "ScoreBatch", "ScoreStream"],
    "kassa.v1.Storage": ["Snapshot", "Stats", "Verify"],
    "grpc.health.v1.Health": ["Check", "Watch"],
    "grpc.reflection.v1.ServerReflection": ["ServerReflectionInfo"],
    "grpc.reflection.v1alpha.ServerReflection": ["ServerReflectionInfo"],
}


def resolve_message(pool, message_type, seen):
    """Follows every field of a message to its type."""
    if message_type.full_name in seen:
        return
    seen.add(message_type.full_name)
    assert pool.FindMessageTypeByName(message_type.full_name) is message_type
    for field in message_type.fields:
        if field.message_type is not None:
            resolve_message(pool, field.message_type, seen)


def test_reflection_describes_every_service_and_message(server, connection):
    with grpc.insecure_channel(server.address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert sorted(database.get_services()) == sorted(SERVICES)
        pool = descriptor_pool.DescriptorPool(database)
        seen = set()
        for name, methods in SERVICES.items():
            service = pool.FindServiceByName(name)
            assert sorted(method.name for method in service.methods) == methods
            for method in service.methods:
                resolve_message(pool, method.input_type, seen)
                resolve_message(pool, method.output_type, seen)
        assert {"kassa.v1.ScoreResponse", "kassa.v1.FloatVector", "kassa.v1.PlanEntry"} <= seen
        # What reflection says is what proto/ says.
        for file in ("values", "scoring", "features", "config", "models", "storage"):
            module = __import__(f"kassa.v1.{file}_pb2", fromlist=["DESCRIPTOR"])
            told = pool.FindFileByName(f"kassa/v1/{file}.proto")
            assert sorted(told.message_types_by_name) == sorted(
                module.DESCRIPTOR.message_types_by_name)


def test_reflection_v1_has_the_same_answers(server, connection):
    requests = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="kassa.v1.ScoreRequest"),
        reflection_pb2.ServerReflectionRequest(file_by_filename="kassa/v1/values.proto"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="canary7.Unknown"),
        reflection_pb2.ServerReflectionRequest(),
    ]
    answers = {}
    with grpc.insecure_channel(server.address) as channel:
        for version in ("v1", "v1alpha"):
            call = channel.stream_stream(
                f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                reflection_pb2.ServerReflectionRequest.SerializeToString,
                reflection_pb2.ServerReflectionResponse.FromString)
            answers[version] = list(call(iter(requests), timeout=10))
    assert answers["v1"] == answers["v1alpha"]
    cases = [answer.WhichOneof("message_response") for answer in answers["v1"]]
    assert cases == [
        "list_services_response", "file_descriptor_response", "file_descriptor_response",
        "error_response", "error_response"]
    assert answers["v1"][3].error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


# Drain.


def test_a_drain_finishes_what_was_begun(start_server):
    """Streams that were open before SIGTERM end well after it; then the connection goes, and the server."""
    server = start_server()
    client = Client(server.address)
    shop.set_up_shop(client)
    client.close()
    with Connection(server.port) as connection, Connection(server.port) as watcher:
        good = connection.call(SCORE, GOOD)
        begun = [connection.request(SCORE, GOOD[:7], end=False) for _ in range(20)]
        stream = connection.request(SCORE_STREAM, GOOD, end=False)
        watch = watcher.request("/grpc.health.v1.Health/Watch", message(b""))
        assert connection.until(
            lambda: stream in connection.replies and connection.replies[stream].body == good.body)
        assert watcher.until(lambda: watch in watcher.replies and watcher.replies[watch].body)
        server.terminate()
        # The watcher hears NOT_SERVING, and its call ends with UNAVAILABLE.
        reply = watcher.reply(watch)
        assert reply.body.endswith(message(b"\x08\x02")) and reply.status == 14
        assert watcher.wait_for_close()
        assert watcher.goaways and all(goaway.error_code == 0 for goaway in watcher.goaways)
        # A client that has not seen the GOAWAY yet may still begin.
        assert connection.until(lambda: connection.goaways)
        last = connection.goaways[-1].last_stream_id
        assert last >= stream
        for number in begun:
            connection.send(connection.data(number, GOOD[7:], end=True))
        connection.send(connection.data(stream, GOOD, end=True))
        for number in begun:
            assert connection.reply(number) == good
        reply = connection.reply(stream)
        assert reply.status == OK and reply.body == good.body * 2
        assert connection.wait_for_close()
        assert connection.goaways[0].last_stream_id == 2**31 - 1
        assert connection.goaways[-1].last_stream_id >= stream
        assert all(goaway.error_code == 0 for goaway in connection.goaways)
    assert server.wait() == 0
    assert any("stopped" in line for line in server.output)


def test_a_drain_under_load_loses_no_accepted_call(start_server):
    """Clients that write as fast as they can: what was acknowledged is there after a restart."""
    server = start_server()
    client = Client(server.address)
    shop.set_up_shop(client)
    client.close()
    acknowledged, errors, begun = [], [], threading.Barrier(9)

    def load(name):
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        with grpc.insecure_channel(server.address, options) as channel:
            kassa = Client(server.address, channel)
            count = 0
            while True:
                if count == 20:
                    begun.wait()
                try:
                    kassa.features.Write(
                        shop.write("profile", [f"{name}-{count}"],
                                   shop.column("visits", "integers", [count])), timeout=20)
                    acknowledged.append((f"{name}-{count}", count))
                    kassa.scoring.Score(
                        shop.score("cart_abandonment", f"{name}-{count}"), timeout=20)
                except grpc.RpcError as error:
                    errors.append(error)
                    return
                count += 1

    threads = [threading.Thread(target=load, args=(f"t{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    begun.wait()
    time.sleep(0.3)
    server.terminate()
    assert server.wait() == 0
    for thread in threads:
        thread.join(30)
    assert len(errors) == 8
    for error in errors:
        # A new call that found nobody; not one that was accepted and cut off.
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        assert "ocket closed" not in error.details(), error
    assert len(acknowledged) > 160
    again = start_server(folder=server.folder)
    client = Client(again.address)
    ids = [id for id, _ in acknowledged]
    for start in range(0, len(ids), 10_000):
        part = acknowledged[start : start + 10_000]
        (values,) = client.features.Read(
            shop.read("profile", ids=ids[start : start + 10_000]), timeout=20).feature_sets
        assert list(values.columns[2].integers.values) == [count for _, count in part]
    client.close()
