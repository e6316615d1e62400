# SPDX-License-Identifier: Apache-2.0
"""The client for asyncio: what a service asks while it serves.

    async with kassa.AsyncClient("127.0.0.1:6750") as client:
        answer = await client.score("cart_abandonment", {"session": "s-81"}, timeout=0.05)

`score` is asyncio through and through; what works on whole tables runs in a thread, so that the
loop goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import grpc
import pandas as pd

from kassa import errors, scoring
from kassa.channel import OPTIONS, TRIED_AGAIN, Retry
from kassa.client import Client
from kassa.outcomes import OutcomesResult
from kassa.results import LoadResult, Score, WriteResult
from kassa.slots import RolloutEvent, RolloutStatus
from kassa.v1 import rollouts_pb2, scoring_pb2


class AsyncClient:
    """The services of one server; for one event loop."""

    def __init__(
        self, address: str | None = None, *, timeout: float = 10.0, retry: Retry | None = None,
        credentials: grpc.ChannelCredentials | None = None, actor: str | None = None,
    ) -> None:
        """As `Client`; to be made inside of the loop."""
        # The same server for what runs in a thread; it connects when that is first used.
        self.tables = Client(
            address, timeout=timeout, retry=retry, credentials=credentials, actor=actor)
        self.address = self.tables.address
        self.channel = (
            grpc.aio.insecure_channel(self.address, options=OPTIONS) if credentials is None
            else grpc.aio.secure_channel(self.address, credentials, options=OPTIONS))
        self._score = self.channel.unary_unary(
            "/kassa.v1.Scoring/Score",
            request_serializer=scoring_pb2.ScoreRequest.SerializeToString,
            response_deserializer=scoring_pb2.ScoreResponse.FromString)
        self._watch = self.channel.unary_stream(
            "/kassa.v1.Rollouts/Watch",
            request_serializer=rollouts_pb2.WatchRolloutsRequest.SerializeToString,
            response_deserializer=rollouts_pb2.RolloutEvent.FromString)

    async def close(self) -> None:
        """Closes both channels."""
        await self.channel.close()
        self.tables.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def score(
        self, scorer: str, entities: Mapping[str, str | int], *,
        context: Mapping[str, object] | None = None, features: bool = False,
        contributions: int | bool = False, record: bool = False, routing_key: str = "",
        timeout: float | None = None,
    ) -> Score:
        """As `Client.score`."""
        request = scoring.score_request(
            scorer, entities, context or {}, features, contributions, record, routing_key)
        seconds = self.tables.channel.timeout if timeout is None else timeout
        retry, end, attempt = self.tables.channel.retry, time.monotonic() + seconds, 0
        while True:
            attempt += 1
            try:
                return Score.of(
                    await self._score(request, timeout=max(end - time.monotonic(), 0.001)))
            except grpc.RpcError as raised:
                error = errors.translated(raised)
            pause = retry.pause(attempt, error.retry_after)
            if (error.code not in TRIED_AGAIN or attempt >= retry.attempts
                    or time.monotonic() + pause >= end):
                raise error
            await asyncio.sleep(pause)

    async def score_frame(self, scorer: str, frame: Any, **arguments: Any) -> pd.DataFrame:
        """As `Client.score_frame`, in a thread."""
        return await asyncio.to_thread(self.tables.score_frame, scorer, frame, **arguments)

    async def write(self, feature_set: str, frame: Any, **arguments: Any) -> WriteResult:
        """As `Client.write`, in a thread."""
        return await asyncio.to_thread(self.tables.write, feature_set, frame, **arguments)

    async def load(self, feature_set: str, source: Any, **arguments: Any) -> LoadResult:
        """As `Client.load`, in a thread."""
        return await asyncio.to_thread(self.tables.load, feature_set, source, **arguments)

    async def read(self, feature_sets: Any, entities: Any, **arguments: Any) -> pd.DataFrame:
        """As `Client.read`, in a thread."""
        return await asyncio.to_thread(self.tables.read, feature_sets, entities, **arguments)

    async def record_outcomes(self, outcomes: Any, **arguments: Any) -> OutcomesResult:
        """As `Client.record_outcomes`, in a thread."""
        return await asyncio.to_thread(self.tables.record_outcomes, outcomes, **arguments)

    async def rollout_status(self, scorer: str, **arguments: Any) -> RolloutStatus:
        """As `Rollout.status`, in a thread; verbs go by `client.tables.rollout(scorer)`."""
        return await asyncio.to_thread(self.tables.rollout(scorer).status, **arguments)

    async def watch(
        self, scorer: str = "", *, timeout: float | None = None
    ) -> AsyncIterator[RolloutEvent]:
        """Changes of a scorer's slots, or of all, as they happen; see `Rollout.watch`."""
        call = self._watch(rollouts_pb2.WatchRolloutsRequest(scorer=scorer), timeout=timeout)
        try:
            async for event in call:
                yield RolloutEvent.of(event)
        except grpc.RpcError as error:
            raise errors.translated(error) from None
        finally:
            call.cancel()
