# SPDX-License-Identifier: Apache-2.0
"""Rows on their way out: features of entities now, in the past, and at the times of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kassa import cells, columns, frames
from kassa.cells import Array
from kassa.errors import FrameError, KassaError, RowProblem, RowsError
from kassa.loading import key_columns
from kassa.schema import FeatureSet
from kassa.v1 import features_pb2, values_pb2

if TYPE_CHECKING:
    from kassa.client import Client

# Values that one Read asks for: an answer of a megabyte or two.
READ_VALUES_MAX = 50_000
READ_ROWS_MAX = 2_000


def read(
    client: Client, feature_sets: str | Sequence[str], entities: Any, *,
    keys: Mapping[str, str] | None, features: Sequence[str] | None, as_of: int | None,
    statuses: bool, ages: bool, timeout: float | None,
) -> pd.DataFrame:
    """See `Client.read`."""
    table, count = cells.table(entities)
    times = None if as_of is None else np.full(count, as_of, dtype=np.int64)
    specs = _specs(client, feature_sets)
    key_columns = _key_columns(specs, table, keys)
    found_ids = {kind: columns.checked_ids(table[name], name) for kind, name in key_columns}
    found = _read(client, specs, found_ids, count, times, features, statuses, ages, timeout)
    identity = pd.DataFrame({kind: ids for kind, ids in found_ids.items()}, dtype="string")
    return pd.concat([identity, found], axis=1)


def training_rows(
    client: Client, labels: pd.DataFrame, feature_sets: str | Sequence[str], *, time: str,
    keys: Mapping[str, str] | None, features: Sequence[str] | None, statuses: bool,
    timeout: float | None,
) -> pd.DataFrame:
    """See `Client.training_rows`."""
    table, count = cells.table(labels)
    specs = _specs(client, feature_sets)
    for spec in specs:
        if not spec.history:
            raise KassaError(f'{spec.pinned} keeps no history: apply it with history="30d", say')
    key_columns = _key_columns(specs, table, keys)
    found_ids = {kind: columns.checked_ids(table[name], name) for kind, name in key_columns}
    if time not in table:
        raise FrameError(f"there is no column {time}", field=time)
    times = columns.event_times(table[time], time)
    if times.problems:
        raise RowsError("times are missing or do not fit", [
            RowProblem(row, time, why) for row, why in sorted(times.problems.items())])
    found = _read(client, specs, found_ids, count, times.values, features, statuses, False, timeout)
    clash = set(found.columns) & set(map(str, labels.columns))
    if clash:
        raise FrameError(f"labels have columns named as features: {', '.join(sorted(clash))}")
    found.index = labels.index
    return pd.concat([labels, found], axis=1)


def _specs(client: Client, names: str | Sequence[str]) -> list[FeatureSet]:
    return [client.feature_set(name) for name in ([names] if isinstance(names, str) else names)]


def _key_columns(
    specs: Sequence[FeatureSet], table: Mapping[str, Any], keys: Mapping[str, str] | None
) -> list[tuple[str, str]]:
    kinds = list(dict.fromkeys(kind for spec in specs for kind in spec.entity))
    return key_columns(kinds, list(table), keys)


def _read(
    client: Client, specs: Sequence[FeatureSet], ids: Mapping[str, Array], count: int,
    times: Array | None, features: Sequence[str] | None, with_statuses: bool, with_ages: bool,
    timeout: float | None,
) -> pd.DataFrame:
    chosen = [_chosen(spec, features) for spec in specs]
    if features is not None:
        known = {name for spec in specs for name in spec.by_name}
        for name in features:
            if name not in known:
                raise FrameError(
                    f"{', '.join(spec.pinned for spec in specs)} has no feature {name}", field=name)
    width = max(1, sum(
        feature.dimension or (8 if feature.type in ("string", "strings") else 1)
        for spec, names in zip(specs, chosen) for name, feature in spec.by_name.items()
        if name in names))
    step = max(1, min(READ_ROWS_MAX, READ_VALUES_MAX // width))
    parts: list[pd.DataFrame] = []
    asked = [(spec, names) for spec, names in zip(specs, chosen) if names]
    # One round for an empty frame, too: it has the same columns.
    for start in range(0, max(count, 1), step):
        end = min(start + step, count)
        if count:
            response = client.channel.call(
                "Features/Read",
                features_pb2.ReadRequest(
                    keys=[values_pb2.KeyColumn(kind=kind, ids=column[start:end].tolist())
                          for kind, column in ids.items()],
                    selections=[
                        features_pb2.FeatureSelection(feature_set=spec.pinned, features=names)
                        for spec, names in asked],
                    as_of_us_each=[] if times is None else times[start:end].tolist()),
                features_pb2.ReadResponse, timeout=timeout)
        else:
            response = _no_rows(asked)
        found: dict[str, frames.Series] = {}
        for (spec, _), answer in zip(asked, response.feature_sets, strict=True):
            prefix = "" if len(specs) == 1 else f"{spec.pinned}."
            for column in answer.columns:
                name = prefix + column.name
                found[name] = frames.values(column, spec.by_name[column.name])
                if with_statuses:
                    found[f"{name}.status"] = frames.statuses(column)
                if with_ages:
                    found[f"{name}.age_ms"] = frames.ages(column)
        parts.append(pd.DataFrame(found))
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def _chosen(spec: FeatureSet, features: Sequence[str] | None) -> list[str]:
    return [
        feature.name for feature in spec.features if features is None or feature.name in features]


def _no_rows(asked: Sequence[tuple[FeatureSet, Sequence[str]]]) -> features_pb2.ReadResponse:
    """What a read of no entities comes to; the server wants one at least."""
    return features_pb2.ReadResponse(feature_sets=[
        features_pb2.FeatureSetValues(
            feature_set=spec.pinned, columns=[features_pb2.ReadColumn(name=name) for name in names])
        for spec, names in asked])
