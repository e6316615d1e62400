# SPDX-License-Identifier: Apache-2.0
"""An HTTP/2 client that says exactly what it is told, right or wrong, and keeps all that it hears.

    with Connection(port) as connection:
        stream = connection.request(PATH, body)
        reply = connection.reply(stream)
        assert reply.trailers["grpc-status"] == "0"
"""

import socket
import struct
import time

import hpack
from hyperframe.frame import (
    DataFrame, Frame, GoAwayFrame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CHUNK = 16_384


def message(payload, flag=0, length=None):
    """A gRPC message: flag, length, bytes."""
    return struct.pack(">BI", flag, len(payload) if length is None else length) + payload


def fields(path, **changes):
    """The header fields of a gRPC request; None leaves one out, `content_type` is "content-type"."""
    given = {
        ":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost",
        "te": "trailers", "content-type": "application/grpc",
    }
    for name, value in changes.items():
        pseudo = ":" + name
        given[pseudo if pseudo in given else name.replace("_", "-")] = value
    return [(name, value) for name, value in given.items() if value is not None]


class Reply:
    """What came on one stream."""

    def __init__(self):
        self.blocks = []
        self.body = b""
        self.reset = None
        self.ended = False

    @property
    def headers(self):
        return self.blocks[0] if self.blocks else {}

    @property
    def trailers(self):
        """The last block: that of a trailers-only reply is its first."""
        return self.blocks[-1] if self.blocks else {}

    @property
    def status(self):
        """The gRPC status as a number, or None."""
        text = self.trailers.get("grpc-status")
        return None if text is None else int(text)

    @property
    def done(self):
        return self.ended or self.reset is not None

    def __eq__(self, other):
        return (self.blocks, self.body, self.reset) == (other.blocks, other.body, other.reset)

    def __repr__(self):
        return f"Reply({self.blocks}, {len(self.body)} bytes, reset {self.reset})"


class Connection:
    """One TCP connection; frames go out as told, what comes in is sorted by stream."""

    def __init__(self, port, start=True, settings=None, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.buffer = b""
        self.replies = {}
        self.frames = []
        self.goaways = []
        self.closed = False
        self.answers_pings = True
        self.stream = -1
        if start:
            self.send(PREFACE, SettingsFrame(0, settings=settings or {}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *parts):
        """Sends frames and bytes in one go."""
        self.socket.sendall(b"".join(
            part.serialize() if isinstance(part, Frame) else part for part in parts))

    def headers(self, stream, header_fields, end=False):
        frame = HeadersFrame(stream, self.encoder.encode(header_fields))
        frame.flags.add("END_HEADERS")
        if end:
            frame.flags.add("END_STREAM")
        return frame

    @staticmethod
    def data(stream, payload, end=False):
        frame = DataFrame(stream, payload)
        if end:
            frame.flags.add("END_STREAM")
        return frame

    def request_frames(self, path, body, end=True, **changes):
        """The frames of a request on the next stream; the stream's number is `self.stream`."""
        self.stream += 2
        chunks = [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]
        frames = [self.headers(self.stream, fields(path, **changes), end=end and not chunks)]
        for place, chunk in enumerate(chunks):
            last = place == len(chunks) - 1
            frames.append(self.data(self.stream, chunk, end=end and last))
        return frames

    def request(self, path, body, end=True, **changes):
        """Sends a request; the number of its stream."""
        self.send(*self.request_frames(path, body, end=end, **changes))
        return self.stream

    def call(self, path, body, **changes):
        """Sends a request and waits for its reply."""
        return self.reply(self.request(path, body, **changes))

    def receive(self, seconds):
        """Reads once and takes the frames in; False if nothing came in time, or the end did."""
        if self.closed:
            return False
        self.socket.settimeout(max(seconds, 0.001))
        try:
            arrived = self.socket.recv(1 << 16)
        except (TimeoutError, BlockingIOError):
            return False
        except ConnectionError:
            arrived = b""
        if not arrived:
            self.closed = True
            return False
        self.buffer += arrived
        while len(self.buffer) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(self.buffer[:9]))
            if len(self.buffer) < 9 + length:
                break
            frame.parse_body(memoryview(self.buffer[9 : 9 + length]))
            self.buffer = self.buffer[9 + length :]
            self.take(frame)
        return True

    def take(self, frame):
        self.frames.append(frame)
        answer = None
        if isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            answer = SettingsFrame(0, flags=["ACK"])
        elif isinstance(frame, PingFrame) and "ACK" not in frame.flags and self.answers_pings:
            answer = PingFrame(0, opaque_data=frame.opaque_data, flags=["ACK"])
        elif isinstance(frame, GoAwayFrame):
            self.goaways.append(frame)
        elif isinstance(frame, HeadersFrame):
            reply = self.replies.setdefault(frame.stream_id, Reply())
            reply.blocks.append(dict(self.decoder.decode(frame.data)))
        elif isinstance(frame, DataFrame):
            self.replies.setdefault(frame.stream_id, Reply()).body += frame.data
        elif isinstance(frame, RstStreamFrame):
            self.replies.setdefault(frame.stream_id, Reply()).reset = frame.error_code
        if isinstance(frame, (HeadersFrame, DataFrame)) and "END_STREAM" in frame.flags:
            self.replies[frame.stream_id].ended = True
        if answer is not None:
            try:
                self.send(answer)
            except ConnectionError:
                pass

    def until(self, condition, seconds=10):
        """Reads until `condition()` holds, the connection ends or time is up; what it says then."""
        end = time.monotonic() + seconds
        while not condition() and not self.closed and (left := end - time.monotonic()) > 0:
            self.receive(left)
        return condition()

    def reply(self, stream, seconds=10):
        """The whole reply of a stream."""
        assert self.until(lambda: stream in self.replies and self.replies[stream].done, seconds), (
            f"no end of stream {stream}: {self.replies.get(stream)}, closed {self.closed}, "
            f"goaways {self.goaways}")
        return self.replies[stream]

    def wait_for_close(self, seconds=10):
        """Whether the server ends the connection in time."""
        return self.until(lambda: self.closed, seconds)
