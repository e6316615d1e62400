# SPDX-License-Identifier: Apache-2.0
"""What calls answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kassa.errors import RowProblem
from kassa.schema import Scalar, value_python
from kassa.slots import RolloutStatus
from kassa.v1 import generations_pb2, scoring_pb2, values_pb2


@dataclass(frozen=True)
class WriteResult:
    """What became of written rows: the three counts and the refused are all of them."""

    feature_set: str
    applied: int
    ignored_older: int
    ignored_erased: int
    refused: tuple[RowProblem, ...]
    # The least that all of it survives: "fast" (a crash of the process) or "durable" (a power cut).
    durability: str
    # Some of it was known by its write_id: that is the answer of the first time.
    repeated_answer: bool = False


@dataclass(frozen=True)
class LoadResult:
    """What a bulk load came to; the counts were compared with the rows that were read."""

    feature_set: str
    read: int
    applied: int
    ignored_older: int
    ignored_erased: int
    rejected: int
    # The first 1,000 of the rejected.
    rejects: tuple[RowProblem, ...]
    seconds: float
    # The generation that was loaded; 0 for the live rows.
    generation: int = 0
    # The verdict of its gates, if they were asked.
    check: Check | None = None
    # Whether it serves.
    switched: bool = False


@dataclass(frozen=True)
class Gate:
    """One comparison of a loaded generation with what serves."""

    gate: str
    feature: str
    value: float
    limit: float
    passed: bool
    detail: str


@dataclass(frozen=True)
class Check:
    """The verdict about a loaded generation: PROCEED or REFUSE."""

    verdict: str
    gates: tuple[Gate, ...]
    rows: int
    serving_rows: int

    @property
    def passed(self) -> bool:
        """Whether a switch is allowed."""
        return self.verdict == "PROCEED"

    @staticmethod
    def of(response: generations_pb2.CheckGenerationResponse) -> Check:
        """The verdict in a message."""
        return Check(
            generations_pb2.GenerationVerdict.Name(response.verdict),
            tuple(Gate(gate.gate, gate.feature, gate.value, gate.limit, gate.passed, gate.detail)
                  for gate in response.gates),
            response.rows, response.serving_rows)


@dataclass(frozen=True)
class SeenFeature:
    """A feature as the model saw it."""

    value: Scalar
    status: str
    # None where nothing is stored.
    age_ms: int | None


@dataclass(frozen=True)
class Score:
    """An answer with what it rests on."""

    score: float
    margin: float
    slot: str
    # "abandonment@1", and the SHA-256 of its bundle in hexadecimal.
    model: str
    bundle: str
    epoch: int
    # The features that were not PRESENT, with their statuses.
    degraded: Mapping[str, str]
    oldest_feature_age_ms: int
    # Of a model with several classes.
    class_scores: tuple[float, ...] = ()
    # If asked for.
    features: Mapping[str, SeenFeature] = field(default_factory=dict)
    # What each input added to the margin, the largest first; if asked for.
    contributions: Mapping[str, float] = field(default_factory=dict)
    # With `other_contributions` and the contributions it makes the margin.
    expectation: float = 0.0
    other_contributions: float = 0.0
    # What `record_outcomes` names it by; None if it was not to be kept, or could not be.
    score_id: str | None = None
    # The entity is the canary's, which failed: STABLE has answered in its place.
    fallback: bool = False

    @staticmethod
    def of(response: scoring_pb2.ScoreResponse) -> Score:
        """The score in a message."""
        status = values_pb2.Status.Name
        return Score(
            score=response.score, margin=response.margin,
            slot=scoring_pb2.Slot.Name(response.slot), model=response.model,
            bundle=response.bundle_sha256.hex(), epoch=response.epoch,
            degraded={note.name: status(note.status) for note in response.degraded},
            oldest_feature_age_ms=response.oldest_feature_age_ms,
            class_scores=tuple(response.class_scores),
            features={
                seen.name: SeenFeature(
                    value_python(seen.value), status(seen.status),
                    seen.age_ms if seen.age_ms >= 0 else None)
                for seen in response.features},
            contributions={part.name: part.value for part in response.contributions},
            expectation=response.expectation, other_contributions=response.other_contributions,
            score_id=response.score_id or None, fallback=response.fallback)


@dataclass(frozen=True)
class PushedModel:
    """A model as the server has verified it."""

    # "abandonment@1".
    model: str
    # Of the artefact, in hexadecimal.
    sha256: str
    format: str
    # The inputs in the artefact's order, "cart@3.items".
    inputs: tuple[str, ...]
    objective: str
    trees: int
    golden_rows: int
    # See `Bundle`.
    narrowed_rows: int
    narrowed_by: float
    # The same bytes and spec were there already.
    already_present: bool
    # The scorer that has it, if one was named: in STABLE, or as `slots` say.
    scorer: str | None = None
    # After a push with `rollout`.
    slots: RolloutStatus | None = None
