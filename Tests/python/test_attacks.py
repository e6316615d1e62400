# SPDX-License-Identifier: Apache-2.0
"""Hostile and broken HTTP/2 clients, frame by frame, while another client must notice nothing."""

import random
import socket
import struct
import threading
import time

import grpc
import pytest
from hyperframe.frame import (
    ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, PingFrame, PriorityFrame,
    RstStreamFrame, SettingsFrame, WindowUpdateFrame)

import client as shop
from client import Client
from frames import PREFACE, Connection, fields, message
from test_protocol import GOOD, SCORE, SCORE_STREAM

NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT = 0, 1, 3, 4
REFUSED_STREAM, ENHANCE_YOUR_CALM = 7, 11
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def kassa(server):
    client = Client(server.address)
    shop.set_up_shop(client)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def unharmed(server, kassa):
    """The same process answers a well-behaved client before, during and after each attack."""
    kassa.scoring.Score(shop.score("cart_abandonment", ""), timeout=10)
    before = server.memory_bytes()
    slowest, ended, problems = [0.0], threading.Event(), []

    def ask():
        while not ended.is_set():
            begun = time.monotonic()
            try:
                kassa.scoring.Score(shop.score("cart_abandonment", ""), timeout=10)
            except grpc.RpcError as error:
                problems.append(error)
                return
            slowest[0] = max(slowest[0], time.monotonic() - begun)
            time.sleep(0.002)

    victim = threading.Thread(target=ask)
    victim.start()
    yield
    ended.set()
    victim.join()
    assert not problems and server.process.poll() is None
    # Generous: two cores are shared with the attacker.
    assert slowest[0] < 1, f"the victim waited {slowest[0]:.2f} s"
    grown = server.memory_bytes() - before
    assert grown < 48 * MEBIBYTE, f"memory grew by {grown / MEBIBYTE:.1f} MiB"


def flood(connection, parts, seconds=10):
    """Sends parts until the server has had enough; how many were sent, and whether it closed."""
    sent, end = 0, time.monotonic() + seconds
    batch = []
    try:
        for part in parts:
            batch.append(part if isinstance(part, bytes) else part.serialize())
            sent += 1
            if len(batch) == 200:
                connection.send(b"".join(batch))
                batch = []
                connection.receive(0)
                if connection.closed or time.monotonic() > end:
                    break
        connection.send(b"".join(batch))
    except OSError:
        pass
    connection.wait_for_close(3)
    return sent


def assert_calmed(connection, *codes):
    """It was told why, if it could still hear it, and is closed."""
    assert connection.closed, "still open"
    assert all(goaway.error_code in codes for goaway in connection.goaways), connection.goaways


def test_rapid_reset(server):
    with Connection(server.port) as attacker:
        def parts():
            for _ in range(20_000):
                yield b"".join(f.serialize() for f in [
                    *attacker.request_frames(SCORE_STREAM, b"", end=False),
                    RstStreamFrame(attacker.stream, error_code=8)])
        sent = flood(attacker, parts())
        assert sent < 20_000
        assert_calmed(attacker, ENHANCE_YOUR_CALM, 2)


def test_resets_that_the_server_is_made_to_send_by_window(server):
    """MadeYouReset: a WINDOW_UPDATE that overflows a stream's window.

    PROTOCOL_ERROR if a batch came in one read: then too many streams were open before any was reset.
    """
    with Connection(server.port) as attacker:
        def parts():
            for _ in range(2_000):
                yield b"".join(f.serialize() for f in [
                    *attacker.request_frames(SCORE_STREAM, b"", end=False),
                    WindowUpdateFrame(attacker.stream, window_increment=2**31 - 1)])
        flood(attacker, parts())
        assert_calmed(attacker, ENHANCE_YOUR_CALM, PROTOCOL_ERROR)
        assert attacker.goaways
        assert sum(1 for reply in attacker.replies.values() if reply.reset) <= 250


def test_resets_that_the_server_is_made_to_send_by_length(server):
    """MadeYouReset: a body longer than its content-length."""
    with Connection(server.port) as attacker:
        def parts():
            for _ in range(2_000):
                yield b"".join(f.serialize() for f in attacker.request_frames(
                    SCORE, GOOD, content_length="1"))
        flood(attacker, parts())
        assert_calmed(attacker, ENHANCE_YOUR_CALM, PROTOCOL_ERROR)


def test_continuation_without_end(server):
    with Connection(server.port) as attacker:
        attacker.send(HeadersFrame(1, attacker.encoder.encode(fields(SCORE))))
        sent = flood(attacker, (
            ContinuationFrame(1, attacker.encoder.encode([(f"x-{n}", "y" * 50)]))
            for n in range(100_000)))
        assert sent <= 1_000
        assert_calmed(attacker, PROTOCOL_ERROR, ENHANCE_YOUR_CALM)


def test_headers_that_blow_up(server):
    """An HPACK bomb: one large entry of the table, named 60,000 times."""
    with Connection(server.port) as attacker:
        # Never indexed, so that the table holds the one entry: "x" with 4,000 bytes.
        request = attacker.encoder.encode([(*field, True) for field in fields(SCORE)])
        entry = b"\x40\x01x" + b"\x7f\xa1\x1e" + b"a" * 4_000
        attacker.send(HeadersFrame(1, request + entry, flags=["END_HEADERS", "END_STREAM"]))
        # Its one use is well below the limits.
        assert attacker.reply(1).status == 12
        begun = time.monotonic()
        bomb = request + b"\xbe" * 15_000
        for stream in range(3, 20, 2):
            try:
                attacker.send(
                    HeadersFrame(stream, bomb, flags=["END_STREAM"]),
                    ContinuationFrame(stream, b"\xbe" * 16_000),
                    ContinuationFrame(stream, b"\xbe" * 16_000, flags=["END_HEADERS"]))
            except OSError:
                break
        assert attacker.wait_for_close(3)
        assert time.monotonic() - begun < 2
        assert_calmed(attacker, ENHANCE_YOUR_CALM, PROTOCOL_ERROR)


@pytest.mark.parametrize("reads", [True, False], ids=["reading", "not reading"])
def test_ping_flood(server, reads):
    with Connection(server.port) as attacker:
        if reads:
            sent = flood(attacker, (PingFrame(0, opaque_data=b"12345678") for _ in range(100_000)))
            assert sent < 10_000
            assert_calmed(attacker, ENHANCE_YOUR_CALM)
            assert attacker.goaways[-1].additional_data == b"too_many_pings"
        else:
            with pytest.raises(OSError):
                for _ in range(20_000):
                    attacker.send(PingFrame(0, opaque_data=b"12345678").serialize() * 100)


FLOODS = {
    "SETTINGS": lambda n: SettingsFrame(0, settings={4: 65_535 + n % 2}),
    "PRIORITY": lambda n: PriorityFrame(2 * n + 1, depends_on=0, stream_weight=1),
    "WINDOW_UPDATE": lambda n: WindowUpdateFrame(0, window_increment=1),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_floods_of_frames_that_ask_for_nothing(server, kind):
    with Connection(server.port) as attacker:
        sent = flood(attacker, (FLOODS[kind](number) for number in range(200_000)))
        assert sent < 200_000, "all were taken"
        assert_calmed(attacker, ENHANCE_YOUR_CALM, PROTOCOL_ERROR)


def test_unknown_frames_are_skipped(server):
    """RFC 9113 section 5.5; nghttp2 does not tell us of them, so they are not counted."""
    with Connection(server.port) as client:
        frame = struct.pack(">BHBBI", 0, 8, 0xFA, 0, 0) + b"12345678"
        client.send(frame * 10_000)
        assert client.call(SCORE, GOOD).status == 0


def test_empty_data_without_end(server):
    with Connection(server.port) as attacker:
        stream = attacker.request(SCORE_STREAM, b"", end=False)
        sent = flood(attacker, (DataFrame(stream, b"") for _ in range(200_000)))
        assert sent < 10_000
        assert_calmed(attacker, ENHANCE_YOUR_CALM)


def test_settings_of_33_entries(server):
    with Connection(server.port) as attacker:
        entries = b"".join(struct.pack(">HI", 0xF000 + n, n) for n in range(33))
        attacker.send(struct.pack(">BHBBI", 0, len(entries), 4, 0, 0) + entries)
        assert attacker.wait_for_close(3)
        assert_calmed(attacker, ENHANCE_YOUR_CALM, PROTOCOL_ERROR)


def test_half_a_frame_and_unacknowledged_settings_end_in_time(server):
    """All at once, since each takes its five seconds; a client that answers stays."""
    silent = Connection(server.port, start=False)
    half = Connection(server.port, start=False)
    half.send(PREFACE, b"\0\0\0\4\0")
    begun_only = Connection(server.port, start=False)
    begun_only.send(PREFACE[:10])
    deaf = Connection(server.port)
    deaf.take = lambda frame: Connection.take(deaf, frame) if isinstance(
        frame, GoAwayFrame) else None
    honest = Connection(server.port)
    honest.until(lambda: honest.frames)
    stalled = honest.request(SCORE, GOOD[:7], end=False)
    begun = time.monotonic()
    try:
        for stranger in (silent, half, begun_only, deaf):
            assert stranger.wait_for_close(max(0, begun + 8 - time.monotonic())), "still open"
        assert [goaway.error_code for goaway in deaf.goaways] == [SETTINGS_TIMEOUT]
        # A request that does not go on has its own bound, its connection has not.
        reply = honest.reply(stalled, 12)
        assert reply.status == 4 or reply.reset is not None
        assert honest.call(SCORE, GOOD).status == 0
    finally:
        for connection in (silent, half, begun_only, deaf, honest):
            connection.socket.close()


def test_a_client_that_does_not_read_is_not_read_either(server):
    """Its stream waits; what it sends beyond the window resets the stream, or waits in its own kernel."""
    with Connection(server.port, settings={4: 2**31 - 1}) as attacker:
        attacker.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        attacker.send(WindowUpdateFrame(0, window_increment=2**31 - 1 - 65_535))
        stream = attacker.request(SCORE_STREAM, b"", end=False)
        body = GOOD * (16_000 // len(GOOD))
        attacker.socket.settimeout(1)
        try:
            for _ in range(64 * MEBIBYTE // len(body)):
                attacker.send(DataFrame(stream, body))
        except OSError:
            return
        assert attacker.reply(stream).reset == FLOW_CONTROL_ERROR


def test_a_window_of_zero_and_one_byte_at_a_time(server):
    """A reply waits for the window and comes byte by byte, also after the window was negative."""
    with Connection(server.port, settings={4: 10}) as slow:
        stream = slow.request(SCORE, GOOD)
        assert slow.until(lambda: len(slow.replies.get(stream, EMPTY).body) == 10)
        slow.send(SettingsFrame(0, settings={4: 0}))
        slow.send(WindowUpdateFrame(stream, window_increment=5))
        assert not slow.until(lambda: len(slow.replies[stream].body) > 10, 0.3)
        while not slow.replies[stream].done:
            had = len(slow.replies[stream].body)
            slow.send(WindowUpdateFrame(stream, window_increment=6 if had == 10 else 1))
            assert slow.until(
                lambda: slow.replies[stream].done or len(slow.replies[stream].body) > had, 2), had
        with Connection(server.port) as fast:
            assert slow.replies[stream] == fast.call(SCORE, GOOD)


class EMPTY:
    body = b""


def test_data_beyond_the_window_is_an_error(server):
    """A client that gives no window has its replies wait up to a bound; then its stream is not read, and
    a client that sends on all the same has the stream reset."""
    with Connection(server.port) as attacker:
        stream = attacker.request(SCORE_STREAM, b"", end=False)
        body = GOOD * (16_000 // len(GOOD))
        sent = 0
        while sent < 8 * MEBIBYTE and not (
                stream in attacker.replies and attacker.replies[stream].done):
            attacker.send(DataFrame(stream, body))
            sent += len(body)
            attacker.receive(0.001)
        assert attacker.replies[stream].reset == FLOW_CONTROL_ERROR
        assert len(attacker.replies[stream].body) == 65_535
        assert sent < 4 * MEBIBYTE
        # The replies took the connection's window too; with a new one it goes on.
        attacker.send(WindowUpdateFrame(0, window_increment=65_535))
        assert attacker.call(SCORE, GOOD).status == 0


def test_a_slow_reader_of_one_stream_does_not_stop_the_others(server):
    """An honest client that has not come to reading one stream still calls on the same connection."""
    with Connection(server.port) as slow:
        slow.send(WindowUpdateFrame(0, window_increment=1 << 24))
        stream = slow.request(SCORE_STREAM, b"", end=False)
        body = GOOD * (16_000 // len(GOOD))
        window, sent = 256 << 10, 0
        # It keeps to the window that the server gives, until that is used up.
        while sent + len(body) <= window:
            slow.send(DataFrame(stream, body))
            sent += len(body)
            slow.receive(0.02)
            window = (256 << 10) + sum(
                frame.window_increment for frame in slow.frames
                if isinstance(frame, WindowUpdateFrame) and frame.stream_id == stream)
        begun = time.monotonic()
        assert slow.call(SCORE, GOOD).status == 0
        assert time.monotonic() - begun < 1
        slow.send(RstStreamFrame(stream, error_code=8))
        assert slow.call(SCORE, GOOD).status == 0


def test_more_streams_than_allowed_are_refused(server):
    with Connection(server.port) as attacker:
        # The SETTINGS are not acknowledged yet: too many streams are refused one by one.
        attacker.send(*(frame for _ in range(129) for frame in attacker.request_frames(
            SCORE_STREAM, b"", end=False)))
        reply = attacker.reply(257)
        assert reply.reset == REFUSED_STREAM
        assert not attacker.goaways
        for stream in range(1, 257, 2):
            attacker.send(attacker.data(stream, GOOD, end=True))
        for stream in range(1, 257, 2):
            assert attacker.reply(stream).status == 0
        assert attacker.call(SCORE, GOOD).status == 0
        # Now it knows better.
        attacker.send(*(frame for _ in range(129) for frame in attacker.request_frames(
            SCORE_STREAM, b"", end=False)))
        assert attacker.until(lambda: attacker.goaways or any(
            reply.reset for reply in attacker.replies.values() if reply.reset == REFUSED_STREAM), 5)


def test_a_client_that_says_goodbye_gets_its_answers(server):
    with Connection(server.port) as leaving:
        stream = leaving.request(SCORE_STREAM, GOOD, end=False)
        leaving.send(GoAwayFrame(0, last_stream_id=0, error_code=0))
        leaving.send(leaving.data(stream, GOOD, end=True))
        assert leaving.reply(stream).status == 0
        assert leaving.wait_for_close(3)


def test_clients_that_vanish_while_they_are_answered(server):
    """Reset in the middle of replies: nobody dies of SIGPIPE."""
    for count in range(50):
        with Connection(server.port) as gone:
            for _ in range(5):
                gone.request(SCORE_STREAM, GOOD * 200, end=False)
            gone.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_cancelled_writes_do_not_hurt(server, kassa):
    """Streams that are reset while their writes are queued: the answers find nobody, and that is all."""
    request = message(shop.write(
        "profile", [f"c-{row}" for row in range(500)],
        shop.column("visits", "integers", range(500))).SerializeToString())
    with Connection(server.port) as client:
        for count in range(60):
            stream = client.request("/kassa.v1.Features/WriteStream", request, end=False)
            client.send(RstStreamFrame(stream, error_code=8))
            stream = client.request("/kassa.v1.Features/Write", request)
            client.send(RstStreamFrame(stream, error_code=8))
        reply = client.call("/kassa.v1.Features/Write", request)
        assert reply.status == 0


def test_honest_cancels_are_no_attack(server):
    """Deadlines of a millisecond, again and again, on one connection that stays."""
    outcomes = {}
    with grpc.insecure_channel(
            server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        client = Client(server.address, channel)
        client.scoring.Score(shop.score("cart_abandonment", ""), timeout=10)
        for _ in range(2_000):
            try:
                client.scoring.Score(shop.score("cart_abandonment", ""), timeout=0.0005)
                code = grpc.StatusCode.OK
            except grpc.RpcError as error:
                code = error.code()
            outcomes[code] = outcomes.get(code, 0) + 1
    assert set(outcomes) <= {grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED}, outcomes


def test_idle_connections_cost_little(server):
    before = server.memory_bytes()
    idle = [Connection(server.port) for _ in range(500)]
    try:
        for connection in idle:
            assert connection.until(lambda: connection.frames, 5)
        grown = server.memory_bytes() - before
        assert grown < 500 * 64 * 1024, f"{grown / 500 / 1024:.0f} KiB each"
    finally:
        for connection in idle:
            connection.socket.close()


def test_mutated_conversations(server):
    """Bytes of a good conversation, flipped, cut and doubled: answered or closed, never a crash."""
    from test_protocol import conversation
    sent, _ = conversation()
    for seed in range(300):
        chance = random.Random(seed)
        mutated = bytearray(sent)
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(24, len(mutated))
            match chance.randrange(4):
                case 0:
                    mutated[place] ^= 1 << chance.randrange(8)
                case 1:
                    del mutated[place : place + chance.randint(1, 20)]
                case 2:
                    mutated[place:place] = mutated[place : place + chance.randint(1, 40)]
                case 3:
                    mutated[place] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
        with Connection(server.port, start=False) as connection:
            try:
                connection.send(bytes(mutated))
                connection.socket.shutdown(socket.SHUT_WR)
                assert connection.wait_for_close(5), f"seed {seed}"
            except OSError:
                pass
        assert server.process.poll() is None, f"seed {seed}"
