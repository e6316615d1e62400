# SPDX-License-Identifier: Apache-2.0
"""A stock gRPC client against the echo server: `python interop.py host:port`; exits 1 at a fault."""

import sys
import threading
import time

import grpc

options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
channel = grpc.insecure_channel(sys.argv[1], options=options)
unary = channel.unary_unary("/echo.Echo/Unary")
stream = channel.stream_stream("/echo.Echo/Stream")
silent = channel.stream_stream("/echo.Echo/Silent")


def status_of(call):
    try:
        call()
        return grpc.StatusCode.OK
    except grpc.RpcError as error:
        return error.code()


def check(name, found, expected):
    if found != expected:
        sys.exit(f"{name}: {found!r} instead of {expected!r}")
    print(f"{name}: ok")


check("unary", unary(b"hello"), b"hello")
check("empty message", unary(b""), b"")
large = bytes(range(256)) * 16384
check("4 MiB", unary(large) == large, True)
check("4 MiB + 1", status_of(lambda: unary(large + b"x")), grpc.StatusCode.RESOURCE_EXHAUSTED)
check(
    "unknown method",
    status_of(lambda: channel.unary_unary("/echo.Echo/None")(b"")),
    grpc.StatusCode.UNIMPLEMENTED,
)
check(
    "gzip",
    status_of(lambda: unary(b"x" * 5000, compression=grpc.Compression.Gzip)),
    grpc.StatusCode.UNIMPLEMENTED,
)
check("stream", list(stream(iter([b"a", b"b" * 100000, b""]))), [b"a", b"b" * 100000, b""])
check("long stream", sum(1 for _ in stream(b"%d" % i for i in range(5000))), 5000)
check(
    "deadline of a silent stream",
    status_of(lambda: list(silent(iter([b"a"] * 3 + []), timeout=0.2))),
    grpc.StatusCode.OK,
)


def endless():
    yield b"a"
    time.sleep(1)


check(
    "deadline",
    status_of(lambda: list(silent(endless(), timeout=0.1))),
    grpc.StatusCode.DEADLINE_EXCEEDED,
)
call = silent(endless())
threading.Timer(0.05, call.cancel).start()
check("cancel", status_of(lambda: list(call)), grpc.StatusCode.CANCELLED)
futures = [unary.future(b"%d" % i) for i in range(2000)]
check("2000 at once", [f.result() for f in futures], [b"%d" % i for i in range(2000)])
check(
    "no goaway for 500 calls with 1 ms deadlines",
    {status_of(lambda: unary(b"x", timeout=0.001)) for _ in range(500)}
    <= {grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED},
    True,
)
check("still served", unary(b"bye"), b"bye")
