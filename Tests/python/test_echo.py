# SPDX-License-Identifier: Apache-2.0
"""The transport and the gRPC sessions alone, with grpcio as the client of an echo server."""

import pathlib
import subprocess
import threading
import time

import grpc
import pytest

ECHO = pathlib.Path(__file__).resolve().parents[2] / ".build" / "release" / "EchoServer"
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@pytest.fixture(scope="module")
def channel():
    process = subprocess.Popen([ECHO, "0"], stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().split()[-1]
        with grpc.insecure_channel(address, options=OPTIONS) as channel:
            yield channel
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def unary(channel):
    return channel.unary_unary("/echo.Echo/Unary")


def status_of(call):
    try:
        call()
        return grpc.StatusCode.OK
    except grpc.RpcError as error:
        return error.code()


def test_messages_of_every_size_up_to_the_limit_come_back(unary):
    large = bytes(range(256)) * 16384
    assert len(large) == 4 << 20
    for message in (b"", b"hello", large):
        assert unary(message) == message


def test_a_message_of_one_byte_more_is_refused_and_the_connection_goes_on(unary):
    code = status_of(lambda: unary(bytes((4 << 20) + 1)))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert unary(b"still") == b"still"


def test_an_unknown_method_is_unimplemented(channel):
    code = status_of(lambda: channel.unary_unary("/echo.Echo/None")(b""))
    assert code == grpc.StatusCode.UNIMPLEMENTED


def test_a_long_stream_comes_back_in_order(channel):
    stream = channel.stream_stream("/echo.Echo/Stream")
    messages = [b"%d" % number for number in range(5_000)]
    assert list(stream(iter(messages))) == messages


def test_many_calls_at_once_each_get_their_own_answer(unary):
    futures = [unary.future(b"%d" % number) for number in range(2_000)]
    assert [future.result() for future in futures] == [b"%d" % number for number in range(2_000)]


def test_a_stream_ends_at_its_deadline_or_when_it_is_cancelled(channel):
    silent = channel.stream_stream("/echo.Echo/Silent")

    def endless():
        yield b"a"
        time.sleep(1)

    late = status_of(lambda: list(silent(endless(), timeout=0.1)))
    assert late == grpc.StatusCode.DEADLINE_EXCEEDED
    call = silent(endless())
    threading.Timer(0.05, call.cancel).start()
    assert status_of(lambda: list(call)) == grpc.StatusCode.CANCELLED


def test_honest_calls_with_tiny_deadlines_do_not_end_the_connection(unary):
    codes = {status_of(lambda: unary(b"x", timeout=0.001)) for _ in range(500)}
    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED}
    assert unary(b"bye") == b"bye"
