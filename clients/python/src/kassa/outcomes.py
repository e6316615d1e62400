# SPDX-License-Identifier: Apache-2.0
"""Outcomes: what came of recorded scores, and how well the models agree with it.

    answer = client.score("cart_abandonment", {"session": "s-81"}, record=True)
    ...
    client.record_outcomes([(answer.score_id, True)])       # or a DataFrame: score_id, label
    print(client.calibration("cart_abandonment").slots["STABLE"].brier)
"""

from __future__ import annotations

import collections
import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kassa import cells, columns
from kassa.channel import Channel
from kassa.errors import FrameError, RowProblem, RowsError
from kassa.schema import Feature, microseconds
from kassa.v1 import scoring_pb2

# Outcomes of one request.
OUTCOMES_MAX = 10_000
_SCORE_ID = re.compile("[0-9a-fA-F]{32}")
_FIELDS = ("score_id", "label", "at")


@dataclass(frozen=True)
class OutcomesResult:
    """What became of reported outcomes."""

    # One per outcome, in their order: "ACCEPTED", "DUPLICATE" (the same label was there),
    # "CONFLICTING" (another was there, and stays), "UNKNOWN" (no score of that id is kept) or
    # "LATE" (the score is older than the scorer's horizon).
    statuses: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many outcomes have each status."""
        return dict(collections.Counter(self.statuses))

    @property
    def stored(self) -> int:
        """Outcomes whose label is kept as it was reported, now or before."""
        return sum(status in ("ACCEPTED", "DUPLICATE") for status in self.statuses)


@dataclass(frozen=True)
class SlotCalibration:
    """How well the probabilities of one slot agree with outcomes, since its model came in."""

    # The first eight bytes of the bundle's SHA-256, in hexadecimal.
    bundle_prefix: str
    labels: int
    positives: int
    # Labels of scores that are no probability.
    refused_labels: int
    # The mean squared error, the mean negative log-likelihood in nats, and positives over their
    # expected number; None without labels.
    brier: float | None
    log_loss: float | None
    observed_over_expected: float | None
    # Over 15 bins of equal mass; None with fewer than 500 labels or 50 positives.
    expected_calibration_error: float | None

    @staticmethod
    def of(slot: scoring_pb2.SlotCalibration) -> SlotCalibration:
        """The calibration of a message."""
        def number(name: str) -> float | None:
            return getattr(slot, name) if slot.HasField(name) else None

        return SlotCalibration(
            bundle_prefix=slot.bundle_prefix.hex(), labels=slot.labels, positives=slot.positives,
            refused_labels=slot.refused_labels, brier=number("brier"),
            log_loss=number("log_loss"), observed_over_expected=number("observed_over_expected"),
            expected_calibration_error=number("expected_calibration_error"))


@dataclass(frozen=True)
class ScorerCalibration:
    """How well the models in a scorer's slots agree with outcomes so far."""

    slots: Mapping[str, SlotCalibration]
    # Scores that are kept, and of those the ones that have not matured.
    recorded_scores: int
    open_scores: int


class Outcomes:
    """The part of a client that is about outcomes."""

    channel: Channel

    def record_outcomes(
        self, outcomes: Any, *, score_id: str = "score_id", label: str = "label",
        time: str | datetime.datetime | int | None = None, timeout: float | None = None,
    ) -> OutcomesResult:
        """Says what came of recorded scores: whether that happened which the score is about.

        `outcomes` is a DataFrame, a pyarrow Table or a dict of columns, with ids and labels in the
        columns `score_id` and `label`; or a list of (score_id, label) or (score_id, label, at), or of
        dicts. `time`, the column of when it was known, one instant for all, or None for now, is kept
        with the label and decides nothing.

        If one id or label does not fit or is missing, nothing is sent (RowsError). Else each has a
        status of its own. What was accepted survives a crash of the process; reported again, after a
        retry too, it is a DUPLICATE. More than 10,000 are several requests.
        """
        if isinstance(outcomes, Sequence) and not isinstance(outcomes, (str, bytes)):
            outcomes, score_id, label = _columns_of(outcomes), "score_id", "label"
            if time is None and "at" in outcomes:
                time = "at"
        table, count = cells.table(outcomes)
        reports = _reports(table, count, score_id, label, time)
        statuses: list[str] = []
        for start in range(0, count, OUTCOMES_MAX):
            response = self.channel.call(
                "Scoring/RecordOutcome",
                scoring_pb2.RecordOutcomeRequest(outcomes=reports[start:start + OUTCOMES_MAX]),
                scoring_pb2.RecordOutcomeResponse, timeout=timeout)
            statuses += (
                scoring_pb2.OutcomeStatus.Name(status).removeprefix("OUTCOME_")
                for status in response.statuses)
        return OutcomesResult(tuple(statuses))

    def calibration(self, scorer: str, *, timeout: float | None = None) -> ScorerCalibration:
        """How well the models in a scorer's slots agree with outcomes so far."""
        response = self.channel.call(
            "Scoring/GetCalibration", scoring_pb2.GetCalibrationRequest(scorer=scorer),
            scoring_pb2.GetCalibrationResponse, timeout=timeout)
        return ScorerCalibration(
            {scoring_pb2.Slot.Name(slot.slot): SlotCalibration.of(slot) for slot in response.slots},
            response.recorded_scores, response.open_scores)


def _columns_of(outcomes: Sequence[Any]) -> dict[str, list[Any]]:
    """A list of outcomes as columns."""
    found: dict[str, list[Any]] = {name: [] for name in _FIELDS}
    problems: list[RowProblem] = []
    for row, outcome in enumerate(outcomes):
        if isinstance(outcome, Mapping) and set(outcome) <= set(_FIELDS):
            parts = [outcome.get(name) for name in _FIELDS]
        elif isinstance(outcome, (tuple, list)) and 2 <= len(outcome) <= 3:
            parts = [*outcome, None][:3]
        else:
            problems.append(RowProblem(row, "outcome", "is no (score_id, label) or (score_id, label, at)"))
            continue
        for name, part in zip(_FIELDS, parts):
            found[name].append(part)
    if problems:
        raise RowsError("outcomes do not fit; nothing was sent", problems)
    if all(at is None for at in found["at"]):
        del found["at"]
    return found


def _reports(
    table: Mapping[str, Any], count: int, score_id: str, label: str,
    time: str | datetime.datetime | int | None,
) -> list[scoring_pb2.Outcome]:
    for name in (score_id, label, *([time] if isinstance(time, str) else [])):
        if name not in table:
            raise FrameError(f"there is no column {name}", field=name)
    ids = columns.convert(table[score_id], Feature(score_id, "string"))
    labels = columns.convert(table[label], Feature(label, "bool"))
    problems = [RowProblem(row, score_id, why) for row, why in ids.problems.items()]
    problems += [RowProblem(row, label, why) for row, why in labels.problems.items()]
    problems += [
        RowProblem(int(row), label, "there is no label") for row in np.flatnonzero(labels.missing)]
    for row, id in enumerate(ids.values):
        if ids.missing[row]:
            problems.append(RowProblem(row, score_id, "there is no id: the score was not recorded"))
        elif row not in ids.problems and not _SCORE_ID.fullmatch(id):
            problems.append(RowProblem(row, score_id, "is not the 32 hexadecimal digits of a score"))
    at = np.zeros(count, np.int64)
    if isinstance(time, str):
        try:
            known = columns.instants(cells.raw_cells(table[time]))
        except FrameError as error:
            raise FrameError(f"column {time}: {error}", field=time) from None
        problems += [RowProblem(row, time, why) for row, why in known.problems.items()]
        at = np.where(known.missing, 0, known.values)
    elif time is not None:
        at += microseconds(time) if isinstance(time, datetime.datetime) else int(time)
    if problems:
        problems.sort(key=lambda problem: problem.row)
        raise RowsError("outcomes do not fit; nothing was sent", problems)
    return [
        scoring_pb2.Outcome(score_id=id, label=bool(value), at_us=when)
        for id, value, when in zip(ids.values.tolist(), labels.values.tolist(), at.tolist())]
