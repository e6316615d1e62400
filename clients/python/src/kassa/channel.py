# SPDX-License-Identifier: Apache-2.0
"""Calls with deadlines and retries over one gRPC channel."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import grpc
from google.protobuf.message import Message

from kassa import errors

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)

OPTIONS: list[tuple[str, Any]] = [
    # As many bytes as the server's longest reply, and room for its framing.
    ("grpc.max_receive_message_length", 8 << 20),
    # A server that was restarted is found again soon.
    ("grpc.max_reconnect_backoff_ms", 1_000), ("grpc.initial_reconnect_backoff_ms", 100)]
TRIED_AGAIN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}


@dataclass(frozen=True)
class Retry:
    """How often and when a call is tried again; seconds.

    UNAVAILABLE is tried again where a repetition changes nothing, RESOURCE_EXHAUSTED always: the
    server has done nothing then, and says when to come back. All attempts together stay within the
    deadline.
    """

    attempts: int = 5
    first_pause: float = 0.05
    longest_pause: float = 2.0

    def pause(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait behind attempt number `attempt`, from 1; `asked` is what the server wants."""
        if asked is not None:
            return asked * random.uniform(1, 1.2)
        return min(self.longest_pause, self.first_pause * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1)


class Channel:
    """A gRPC channel whose calls raise this package's exceptions."""

    def __init__(
        self, address: str, timeout: float, retry: Retry,
        credentials: grpc.ChannelCredentials | None, channel: grpc.Channel | None,
    ) -> None:
        self.timeout = timeout
        self.retry = retry
        self._is_own = channel is None
        if channel is not None:
            self.grpc = channel
        elif credentials is not None:
            self.grpc = grpc.secure_channel(address, credentials, options=OPTIONS)
        else:
            self.grpc = grpc.insecure_channel(address, options=OPTIONS)

    def close(self) -> None:
        """Closes the channel, unless it was given."""
        if self._is_own:
            self.grpc.close()

    def call(
        self, method: str, request: Message, response: type[Response], *,
        timeout: float | None = None, repeatable: bool = True,
    ) -> Response:
        """One request, one response; `method` is "Scoring/Score"."""
        stub = self.grpc.unary_unary(
            f"/kassa.v1.{method}", request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString)
        return self._retrying(
            lambda seconds: stub(request, timeout=seconds), timeout, repeatable)

    def upload(
        self, method: str, requests: Callable[[], Iterable[Request]], kind: type[Request],
        response: type[Response], *, timeout: float | None = None,
    ) -> Response:
        """A stream of requests, made anew for every attempt, and one response."""
        stub = self.grpc.stream_unary(
            f"/kassa.v1.{method}", request_serializer=kind.SerializeToString,
            response_deserializer=response.FromString)
        return self._retrying(
            lambda seconds: stub(iter(requests()), timeout=seconds), timeout, True)

    def stream(
        self, method: str, requests: Iterator[Request], kind: type[Request],
        response: type[Response], *, timeout: float,
    ) -> Iterator[Response]:
        """Requests and responses side by side; not tried again here."""
        stub = self.grpc.stream_stream(
            f"/kassa.v1.{method}", request_serializer=kind.SerializeToString,
            response_deserializer=response.FromString)
        call = stub(requests, timeout=timeout)
        try:
            yield from call
        except grpc.RpcError as error:
            raise errors.translated(error) from None
        finally:
            # Whoever leaves early wants no more answers.
            call.cancel()

    def subscribe(
        self, method: str, request: Message, response: type[Response], *, timeout: float | None
    ) -> Events[Response]:
        """One request and responses until somebody ends it; asked at once, and not tried again."""
        stub = self.grpc.unary_stream(
            f"/kassa.v1.{method}", request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString)
        return Events(stub(request, timeout=timeout))

    def _retrying(
        self, attempt_call: Callable[[float], Response], timeout: float | None, repeatable: bool
    ) -> Response:
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        attempt = 0
        while True:
            attempt += 1
            try:
                return attempt_call(max(end - time.monotonic(), 0.001))
            except grpc.RpcError as raised:
                error = errors.translated(raised)
            is_full = error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
            if error.code not in TRIED_AGAIN or attempt >= self.retry.attempts:
                raise error
            if not (repeatable or is_full):
                raise error
            pause = self.retry.pause(attempt, error.retry_after)
            if time.monotonic() + pause >= end:
                raise error
            time.sleep(pause)


class Events(Generic[Response]):
    """The responses of a subscription."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._is_closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Response:
        try:
            return next(self._call)  # type: ignore[no-any-return]
        except grpc.RpcError as error:
            if self._is_closed:
                raise StopIteration from None
            raise errors.translated(error) from None

    def close(self) -> None:
        """Ends the subscription; from any thread."""
        self._is_closed = True
        self._call.cancel()
