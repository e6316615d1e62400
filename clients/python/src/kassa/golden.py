# SPDX-License-Identifier: Apache-2.0
"""Golden rows: rows of the training frame with the trainer's own answers to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from kassa.cells import Array
from kassa.inputs import Input
from kassa.models import Artefact
from kassa.v1 import models_pb2, values_pb2

_FORMATS_IN_FLOAT64 = ("LIGHTGBM_TEXT", "PLAIN_JSON")

Scores: TypeAlias = Callable[[pd.DataFrame], Array]


def expanded(
    names: Sequence[str], inputs: Sequence[Input], frame: pd.DataFrame
) -> pd.DataFrame:
    """The columns of the model; a vector has one for each component."""
    by_column = {entry.column: entry for entry in inputs}
    found: dict[str, Any] = {}
    for column in names:
        entry = by_column.get(column)
        if entry is None or entry.feature.type != "vector":
            found[column] = frame[column].reset_index(drop=True)
            continue
        for place in range(entry.width):
            component = entry.values[:, place].astype(np.float64)
            found[f"{column}[{place}]"] = pd.Series(np.where(entry.missing, np.nan, component))
    return pd.DataFrame(found)


def narrowed(wide: pd.DataFrame, inputs: Sequence[Input], format: str) -> pd.DataFrame:
    """Numbers as the model is served with them: of float32, except where it compares float64
    and the feature has them."""
    kept: set[str] = set()
    if format in _FORMATS_IN_FLOAT64:
        kept = {entry.column for entry in inputs if entry.feature.type in ("float64", "int64")}
    official = wide.copy()
    for column in wide.columns:
        if column not in kept and pd.api.types.is_numeric_dtype(official[column].dtype):
            numbers = official[column].to_numpy(np.float64, na_value=np.nan)
            with np.errstate(over="ignore"):
                official[column] = numbers.astype(np.float32).astype(np.float64)
    return official


def fed(found: Artefact, rows: pd.DataFrame) -> Any:
    """Rows as the model was trained on: named or not."""
    if found.names is not None:
        return rows
    return rows.to_numpy(object) if found.texts else rows.to_numpy(np.float64, na_value=np.nan)


def golden_places(
    sample: Array, scores: Array, inputs: Sequence[Input], count: int,
    chance: np.random.Generator,
) -> Array:
    """Rows from all over the scores, and rows that miss something."""
    ranked = sample[np.argsort(scores, kind="stable")]
    count = min(count, len(ranked))
    spread = ranked[np.linspace(0, len(ranked) - 1, count).round().astype(np.int64)]
    incomplete = np.zeros(len(sample), np.bool_)
    for entry in inputs:
        incomplete |= entry.missing[sample]
    gaps = sample[incomplete]
    kept = min(len(gaps), count // 4)
    if kept:
        spread = np.concatenate([chance.choice(gaps, kept, replace=False), spread])
    _, firsts = np.unique(spread, return_index=True)
    return spread[np.sort(firsts)][:count] if kept == 0 else _thinned(spread, firsts, kept, count)


def _thinned(
    places: Array, firsts: Array, kept: int, count: int
) -> Array:
    """The first `kept` places, and of the others as many as still fit, evenly."""
    unique = places[np.sort(firsts)]
    rest = unique[kept:]
    room = min(len(rest), count - kept)
    even = rest[np.linspace(0, len(rest) - 1, room).round().astype(np.int64)] if room else rest[:0]
    return np.concatenate([unique[:kept], even])


def narrowing(
    score: Scores, official: pd.DataFrame, wide: pd.DataFrame, chosen: Array
) -> tuple[int, float]:
    """How many of the golden rows score differently as float32, and by how much."""
    try:
        before = score(wide.iloc[chosen])
    except (TypeError, ValueError):
        # Nullable columns that the trainer does not take as they are.
        return 0, 0.0
    moved = np.abs(before - score(official.iloc[chosen]))
    return int((moved > 1e-6).sum()), float(moved.max(initial=0))


def golden(
    found: Artefact, score: Scores, official: pd.DataFrame, inputs: Sequence[Input],
    chosen: Array,
) -> list[models_pb2.GoldenRow]:
    rows = official.iloc[chosen]
    scores = score(rows)
    margins = found.margin(fed(found, rows)) if found.margin is not None else None
    golden = []
    for number, row in enumerate(chosen.tolist()):
        entry = models_pb2.GoldenRow(
            values=[values_pb2.NamedValue(name=one.name, value=one.value(row)) for one in inputs],
            score=float(scores[number]),
            tolerance=found.tolerance * max(1.0, abs(float(scores[number]))))
        if margins is not None:
            entry.margin = float(margins[number])
        golden.append(entry)
    return golden
