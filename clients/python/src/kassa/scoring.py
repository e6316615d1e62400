# SPDX-License-Identifier: Apache-2.0
"""Scores: of one row, and of every row of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from kassa import cells, columns, errors
from kassa.loading import key_columns
from kassa.results import Score
from kassa.schema import Feature, value_proto
from kassa.v1 import models_pb2, scoring_pb2, values_pb2

if TYPE_CHECKING:
    from kassa.channel import Channel
    from kassa.client import Client

# Rows of one request.
SCORE_ROWS_MAX = 1_000


def score(
    channel: Channel, scorer: str, entities: Mapping[str, str | int], context: Mapping[str, object],
    with_features: bool, contributions: int | bool, record: bool, routing_key: str,
    timeout: float | None,
) -> Score:
    """See `Client.score`."""
    request = score_request(
        scorer, entities, context, with_features, contributions, record, routing_key)
    return Score.of(
        channel.call("Scoring/Score", request, scoring_pb2.ScoreResponse, timeout=timeout))


def score_request(
    scorer: str, entities: Mapping[str, str | int], context: Mapping[str, object], with_features: bool,
    contributions: int | bool, record: bool, routing_key: str,
) -> scoring_pb2.ScoreRequest:
    """What asks for a score."""
    request = scoring_pb2.ScoreRequest(
        scorer=scorer, entities=_entities(entities),
        context=[values_pb2.NamedValue(name=name, value=value_proto(value))
                 for name, value in context.items()],
        include=[scoring_pb2.FEATURES] if with_features else [], record=record,
        routing_key=routing_key)
    _ask_contributions(request, contributions)
    return request


def _entities(entities: Mapping[str, str | int]) -> list[values_pb2.EntityKey]:
    found = []
    for kind, id in entities.items():
        if isinstance(id, bool) or not isinstance(id, (str, int, np.integer)):
            raise errors.FrameError(
                f"the id of {kind} is a {type(id).__name__}, and an id is a string or a whole number",
                field=kind)
        found.append(values_pb2.EntityKey(kind=kind, id=str(id)))
    return found


def _ask_contributions(
    request: scoring_pb2.ScoreRequest | scoring_pb2.ScoreBatchRequest, contributions: int | bool
) -> None:
    if contributions is not False:
        request.include.append(scoring_pb2.CONTRIBUTIONS)
        if contributions is not True:
            request.top_contributions = contributions


def score_frame(
    client: Client, scorer: str, frame: Any, keys: Mapping[str, str] | None,
    context: Sequence[str] | Mapping[str, str], shared: Mapping[str, str | int],
    contributions: int | bool, record: bool, on_refused: Literal["raise", "return"],
    timeout: float | None,
) -> pd.DataFrame:
    """See `Client.score_frame`."""
    table, count = cells.table(frame)
    kinds, inputs = inputs_of(client, scorer)
    own = [kind for kind in kinds if kind not in shared]
    found_ids = {
        kind: columns.checked_ids(table[name], name)
        for kind, name in key_columns(own, list(table), keys)}
    mapping = dict(context) if isinstance(context, Mapping) else {name: name for name in context}
    values = _context(table, mapping, inputs)
    results: list[scoring_pb2.ScoreResponse] = []
    for start in range(0, count, SCORE_ROWS_MAX):
        request = scoring_pb2.ScoreBatchRequest(
            scorer=scorer, entities=_entities(shared), record=record)
        _ask_contributions(request, contributions)
        for row in range(start, min(start + SCORE_ROWS_MAX, count)):
            request.rows.append(scoring_pb2.ScoreRow(
                entities=[values_pb2.EntityKey(kind=kind, id=ids[row])
                          for kind, ids in found_ids.items()],
                context=[values_pb2.NamedValue(name=name, value=value_proto(cells[row]))
                         for name, cells, missing in values if not missing[row]]))
        answer = client.channel.call(
            "Scoring/ScoreBatch", request, scoring_pb2.ScoreBatchResponse, timeout=timeout)
        if len(answer.results) != len(request.rows):
            raise errors.KassaError(
                f"{len(request.rows)} rows were sent, {len(answer.results)} answered")
        results += answer.results
        if on_refused == "raise":
            for row, result in enumerate(answer.results, start):
                if result.HasField("refusal"):
                    refusal = result.refusal
                    error = errors.refusal_error(
                        refusal.code, refusal.message, refusal.retry_after_ms)
                    error.add_note(f"row {row} of the table")
                    raise error
    found = _frame(results, contributions is not False)
    if record:
        # None where a row was refused, or its score could not be kept.
        found["score_id"] = pd.array([r.score_id or None for r in results], dtype="string")
    if isinstance(frame, pd.DataFrame):
        found.index = frame.index
    return found


def inputs_of(client: Client, scorer: str) -> tuple[list[str], dict[str, Feature]]:
    """The entity kinds that a scorer needs, and its features by name and by "set.feature"."""
    model = client.channel.call(
        "Models/Get", models_pb2.GetModelRequest(model=client.scorer(scorer).model),
        models_pb2.GetModelResponse).model
    kinds: dict[str, None] = {}
    features: dict[str, Feature] = {}
    for name in dict.fromkeys(entry.feature_set for entry in model.spec.inputs):
        spec = client.feature_set(name)
        kinds.update(dict.fromkeys(spec.entity))
        for feature in spec.features:
            features.setdefault(feature.name, feature)
            features[f"{spec.name}.{feature.name}"] = feature
    return list(kinds), features


def _context(
    table: Mapping[str, Any], mapping: Mapping[str, str], inputs: Mapping[str, Feature]
) -> list[tuple[str, list[Any], list[bool]]]:
    found = []
    for name, column in mapping.items():
        if name not in inputs:
            raise errors.FrameError(f"the scorer's model takes no feature {name}", field=name)
        if column not in table:
            raise errors.FrameError(f"there is no column {column}", field=column)
        converted = columns.convert(table[column], inputs[name])
        if converted.problems:
            raise errors.RowsError("values of the context do not fit", [
                errors.RowProblem(row, column, why)
                for row, why in sorted(converted.problems.items())])
        cells = converted.values
        found.append(
            (name, list(cells) if cells.ndim > 1 else cells.tolist(), converted.missing.tolist()))
    return found


def _frame(results: Sequence[scoring_pb2.ScoreResponse], with_contributions: bool) -> pd.DataFrame:
    scored = [not result.HasField("refusal") for result in results]
    data: dict[str, Any] = {
        "score": [r.score if ok else None for r, ok in zip(results, scored)],
        "margin": [r.margin if ok else None for r, ok in zip(results, scored)],
    }
    classes = max((len(result.class_scores) for result in results), default=0)
    for number in range(classes):
        data[f"class_{number}"] = [
            r.class_scores[number] if ok else None for r, ok in zip(results, scored)]
    found = pd.DataFrame({name: pd.array(cells, dtype="Float64").to_numpy(float, na_value=float("nan"))
                          for name, cells in data.items()})
    found["slot"] = [scoring_pb2.Slot.Name(r.slot) if ok else None for r, ok in zip(results, scored)]
    found["model"] = [r.model if ok else None for r, ok in zip(results, scored)]
    found["degraded"] = [
        ", ".join(f"{note.name} {values_pb2.Status.Name(note.status)}" for note in r.degraded)
        for r in results]
    if with_contributions:
        parts: Any = [
            {part.name: part.value for part in r.contributions} if ok else None
            for r, ok in zip(results, scored)]
        found["contributions"] = parts
    found["refusal"] = [None if ok else r.refusal.message for r, ok in zip(results, scored)]
    return found
