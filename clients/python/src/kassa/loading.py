# SPDX-License-Identifier: Apache-2.0
"""Rows on their way in: which column is what, requests of a bounded size, and bulk loads."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import grpc
import pandas as pd

from kassa import cells, errors
from kassa.cells import Array
from kassa.results import LoadResult, WriteResult
from kassa.rows import Missing, Rows, ready, wire_column
from kassa.schema import Feature, FeatureSet
from kassa.v1 import features_pb2, values_pb2

if TYPE_CHECKING:
    from kassa.client import Client

# Limits of the server: rows of a write, and bytes of a message with room for its frame.
WRITE_ROWS_MAX = 10_000
WRITE_BYTES_MAX = (4 << 20) - 4_096
REJECTS_KEPT_MAX = 1_000


# Which column is what.


@dataclass(frozen=True)
class ColumnPlan:
    """The columns of the keys by kind, of the features, and of the event times if there is one."""

    keys: list[tuple[str, str]]
    features: list[tuple[Feature, str]]
    time: str | None


def key_columns(
    kinds: Sequence[str], names: Sequence[str], keys: Mapping[str, str] | None
) -> list[tuple[str, str]]:
    """The column with the ids of each entity kind."""
    given = dict(keys or {})
    for kind in given:
        if kind not in kinds:
            raise errors.FrameError(
                f"nothing is keyed by {kind}, only by {', '.join(kinds)}", field=kind)
    chosen = [(kind, given.get(kind, kind)) for kind in kinds]
    for kind, name in chosen:
        if name not in names:
            raise errors.FrameError(
                f"there is no column {name} with the ids of {kind}: "
                f'say which one, keys={{"{kind}": ...}}', field=name)
    return chosen


def plan_columns(
    spec: FeatureSet, names: Sequence[str], keys: Mapping[str, str] | None,
    features: Sequence[str] | Mapping[str, str] | None, time: str | None,
) -> ColumnPlan:
    """Decides which column is what; none is overlooked in silence."""
    key_names = key_columns(spec.entity, names, keys)
    if time is not None and time not in names:
        raise errors.FrameError(f"there is no column {time}", field=time)
    if features is None:
        taken = {name for _, name in key_names} | {time}
        mapping = {name: name for name in names if name not in taken}
    elif isinstance(features, Mapping):
        mapping = dict(features)
    else:
        mapping = {name: name for name in features}
    known = spec.by_name
    unknown = [name for name in mapping if name not in known]
    if unknown:
        raise errors.FrameError(
            f"{spec.pinned} has no feature {', '.join(unknown)}; it has {', '.join(known)}. "
            "Choose columns with features=[...]", field=unknown[0])
    gone = [name for name in mapping.values() if name not in names]
    if gone:
        raise errors.FrameError(f"there is no column {', '.join(gone)}", field=gone[0])
    if not mapping:
        raise errors.FrameError("no column is a feature")
    return ColumnPlan(key_names, [(known[name], column) for name, column in mapping.items()], time)


# Requests of a bounded size.


def requests(
    spec: FeatureSet, rows: Rows, missing: Missing, fixed_time: int | None
) -> Iterator[tuple[features_pb2.WriteRequest, Array]]:
    """The rows as writes that the server takes, and the places of each one's rows."""
    start, step = 0, WRITE_ROWS_MAX
    while start < len(rows):
        end = min(start + step, len(rows))
        request = _request(spec, rows, missing, fixed_time, slice(start, end))
        if request.ByteSize() > WRITE_BYTES_MAX and end - start > 1:
            step = max(1, (end - start) // 2)
            continue
        yield request, rows.places[start:end]
        start = end


def _request(
    spec: FeatureSet, rows: Rows, missing: Missing, fixed_time: int | None,
    part: slice,
) -> features_pb2.WriteRequest:
    request = features_pb2.WriteRequest(
        feature_set=spec.pinned,
        keys=[values_pb2.KeyColumn(kind=kind, ids=ids[part].tolist())
              for kind, ids in rows.keys.items()],
        columns=[
            wire_column(feature, found.values[part], found.missing[part], missing)
            for feature, found in rows.features])
    if rows.times is not None:
        request.event_time_us.extend(rows.times[part].tolist())
    elif fixed_time is not None:
        request.event_time_us.append(fixed_time)
    return request


class Tally:
    """The sum of what writes were answered with."""

    def __init__(self, feature_set: str) -> None:
        self.feature_set = feature_set
        self.applied = self.ignored_older = self.ignored_erased = self.refused_count = 0
        self.refused: list[errors.RowProblem] = []
        self.is_durable = True
        self.is_repeated = False

    def add(self, response: features_pb2.WriteResponse, places: Array) -> None:
        """Takes an answer in and compares its counts with the rows that were sent."""
        answered = (response.applied + response.ignored_older + response.ignored_erased
                    + len(response.errors))
        if answered != len(places):
            raise errors.LoadError(
                f"of {len(places)} rows the server applied {response.applied}, ignored "
                f"{response.ignored_older} as older and {response.ignored_erased} as erased, and "
                f"refused {len(response.errors)}: that is {answered}")
        self.feature_set = response.feature_set
        self.applied += response.applied
        self.ignored_older += response.ignored_older
        self.ignored_erased += response.ignored_erased
        self.refused_count += len(response.errors)
        for error in response.errors[:max(0, REJECTS_KEPT_MAX - len(self.refused))]:
            self.refused.append(
                errors.RowProblem(int(places[error.row]), error.field, error.reason))
        self.is_durable = self.is_durable and response.reached == features_pb2.DURABLE
        self.is_repeated = self.is_repeated or response.repeated_answer

    def write_result(self) -> WriteResult:
        """The sum as the result of a write."""
        return WriteResult(
            self.feature_set, self.applied, self.ignored_older, self.ignored_erased,
            tuple(self.refused), "durable" if self.is_durable else "fast", self.is_repeated)


# Bulk loads.


def tables(source: Any) -> Iterator[Any]:
    """Tables of at most WRITE_ROWS_MAX rows, one after another, never all at once."""
    if isinstance(source, pd.DataFrame):
        if source.index.names != [None]:
            source = source.reset_index()
        for start in range(0, len(source), WRITE_ROWS_MAX):
            yield source.iloc[start:start + WRITE_ROWS_MAX]
        return
    if isinstance(source, Mapping):
        yield from tables(pd.DataFrame(source))
        return
    try:
        import pyarrow as pa
    except ImportError:
        raise errors.needed("pyarrow", "arrow", "loading anything but a DataFrame") from None
    if isinstance(source, pa.Table):
        yield from source.to_batches(max_chunksize=WRITE_ROWS_MAX)
        return
    is_path = isinstance(source, str) or hasattr(source, "__fspath__")
    batches = _file_batches(source) if is_path else source
    if not isinstance(batches, Iterable) or isinstance(batches, (bytes, pa.RecordBatch)):
        raise errors.FrameError(
            f"a {type(source).__name__} cannot be loaded: give a DataFrame, a pyarrow Table, "
            "RecordBatchReader or iterable of record batches, or a path")
    for batch in batches:
        for start in range(0, batch.num_rows, WRITE_ROWS_MAX):
            yield batch.slice(start, WRITE_ROWS_MAX)


def _file_batches(path: Any) -> Iterator[Any]:
    """The record batches of an Arrow IPC file or stream, or of Parquet; its first bytes tell which."""
    import pyarrow as pa

    with pa.OSFile(str(path), "rb") as file:
        magic = file.read(8)
        file.seek(0)
        if magic.startswith(b"PAR1"):
            import pyarrow.parquet as parquet

            yield from parquet.ParquetFile(file).iter_batches(batch_size=WRITE_ROWS_MAX)
        elif magic.startswith(b"ARROW1"):
            reader = pa.ipc.open_file(file)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)
        else:
            yield from pa.ipc.open_stream(file)


@dataclass
class _Sent:
    request: features_pb2.WriteRequest
    places: Array
    call: Any


def load(
    client: Client, spec: FeatureSet, source: Any, *, keys: Mapping[str, str] | None,
    time_column: str | None, fixed_time: int | None,
    features: Sequence[str] | Mapping[str, str] | None, missing: Missing,
    rejects_max: int | None, generation: bool, switch: bool, in_flight: int, reason: str,
    timeout: float,
) -> LoadResult:
    """See `Client.load`."""
    batches = iter(tables(source))
    # The first rows are looked at before anything is asked of the server: a wrong file changes nothing.
    first = next(batches, None)
    if first is None:
        raise errors.LoadError("there is no row to load")
    table, _ = cells.table(first)
    plan = plan_columns(spec, list(table), keys, features, time_column)
    number = 0
    start_time = time.time_ns() // 1_000
    if generation:
        number, start_time = client.begin_generation(spec.name, reason=reason)
    run = _Run(
        client, spec, plan, missing, rejects_max, number,
        # Live writes of the meantime are newer than rows without a time of their own.
        start_time if fixed_time is None else fixed_time, max(1, in_flight), timeout)
    try:
        result = run.run(itertools.chain([first], batches))
        if not generation:
            return result
        check = client.check_generation(spec.name, number)
        result = replace(result, generation=number, check=check)
        if switch and not check.passed:
            failed = "; ".join(
                f"{gate.gate} {gate.feature}".strip()
                + f" is {gate.value:g}, and the limit {gate.limit:g} ({gate.detail})"
                for gate in check.gates if not gate.passed)
            raise errors.GenerationRefusedError(
                f"generation {number} of {spec.name} is not switched to and was discarded: {failed}")
        if switch:
            client.switch_generation(spec.name, number, reason=reason)
            result = replace(result, switched=True)
        return result
    except BaseException:
        if generation:
            # What is half loaded would stand in the way of the next load.
            try:
                client.discard_generation(spec.name, number, reason="the load failed")
            except errors.KassaError:
                pass
        raise


class _Run:
    """One load under way: batches out, answers in, in order."""

    def __init__(
        self, client: Client, spec: FeatureSet, plan: ColumnPlan, missing: Missing,
        rejects_max: int | None, generation: int, fixed_time: int, in_flight: int, timeout: float,
    ) -> None:
        self.client, self.spec, self.plan, self.missing = client, spec, plan, missing
        self.rejects_max, self.generation, self.fixed_time = rejects_max, generation, fixed_time
        self.in_flight = in_flight
        self.end = time.monotonic() + timeout
        self.tally = Tally(spec.pinned)
        self.rejected: list[errors.RowProblem] = []
        self.rejected_count = 0
        self.read = 0
        self.sent: deque[_Sent] = deque()
        self.stub = client.channel.grpc.unary_unary(
            "/kassa.v1.Features/Write",
            request_serializer=features_pb2.WriteRequest.SerializeToString,
            response_deserializer=features_pb2.WriteResponse.FromString)

    def run(self, batches: Iterable[Any]) -> LoadResult:
        begun = time.monotonic()
        try:
            held: tuple[features_pb2.WriteRequest, Array] | None = None
            for request, places in self._requests(batches):
                if held is not None:
                    self._send(*held)
                held = request, places
                while len(self.sent) >= self.in_flight:
                    self._take()
            while self.sent:
                self._take()
            if held is not None:
                # Alone and DURABLE: that makes every commit before it durable, too.
                held[0].durability = features_pb2.DURABLE
                self._send(*held)
                self._take()
        finally:
            for left in self.sent:
                left.call.cancel()
        rejected = self.rejected_count + self.tally.refused_count
        sums = (self.tally.applied + self.tally.ignored_older + self.tally.ignored_erased + rejected)
        if self.read == 0:
            raise errors.LoadError("there is no row to load")
        if sums != self.read:
            raise errors.LoadError(
                f"the counts do not agree: {self.read} rows were read, {sums} answered for")
        return LoadResult(
            self.spec.pinned, self.read, self.tally.applied, self.tally.ignored_older,
            self.tally.ignored_erased, rejected,
            tuple((self.rejected + self.tally.refused)[:REJECTS_KEPT_MAX]),
            time.monotonic() - begun)

    def _requests(
        self, batches: Iterable[Any]
    ) -> Iterator[tuple[features_pb2.WriteRequest, Array]]:
        for batch in batches:
            table, count = cells.table(batch)
            rows = ready(table, count, self.plan.features, self.plan.keys, self.plan.time)
            offset = self.read
            self.read += count
            self.rejected_count += len(rows.problems)
            kept = max(0, REJECTS_KEPT_MAX - len(self.rejected))
            self.rejected += [
                replace(problem, row=problem.row + offset) for problem in rows.problems[:kept]]
            self._judge()
            for request, places in requests(self.spec, rows, self.missing, self.fixed_time):
                request.generation = self.generation
                yield request, places + offset

    def _judge(self) -> None:
        count = self.rejected_count + self.tally.refused_count
        if self.rejects_max is not None and count > self.rejects_max:
            shown = (self.rejected + self.tally.refused)[:5]
            raise errors.LoadError(
                f"{count:,} rows were rejected, more than rejects_max={self.rejects_max}; "
                f"{self.tally.applied:,} rows were applied before that\n  "
                + "\n  ".join(map(str, shown)))

    def _send(self, request: features_pb2.WriteRequest, places: Array) -> None:
        self.sent.append(_Sent(request, places, self._start(request)))

    def _start(self, request: features_pb2.WriteRequest) -> Any:
        left = max(self.end - time.monotonic(), 0.001)
        return self.stub.future(request, timeout=left)

    def _take(self) -> None:
        """Takes the answer to the oldest batch; one that found no room is sent again, as it was."""
        entry, retry = self.sent[0], self.client.channel.retry
        attempt = 0
        while True:
            attempt += 1
            try:
                response = entry.call.result()
                break
            except grpc.RpcError as raised:
                error = errors.translated(raised)
            is_full = error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
            is_away = error.code is grpc.StatusCode.UNAVAILABLE and attempt < retry.attempts
            pause = retry.pause(attempt, error.retry_after)
            if not (is_full or is_away) or time.monotonic() + pause >= self.end:
                raise error
            time.sleep(pause)
            entry.call = self._start(entry.request)
        self.sent.popleft()
        self.tally.add(response, entry.places)
        self._judge()
