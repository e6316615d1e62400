# SPDX-License-Identifier: Apache-2.0
"""Guards: what is tolerated of a candidate, and the evidence that takes it out by itself.

    guard = kassa.GuardPolicy(flip_rate_max=0.05, dwell="30m")
    rollout.canary("abandonment@2", weight_percent=1, step_percents=[5, 25, 100], guard=guard)
    print(rollout.status().guard.verdict)       # "WITHIN"; a "ROLLBACK" has happened already
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kassa.schema import Duration, milliseconds
from kassa.v1 import rollouts_pb2, values_pb2


@dataclass(frozen=True)
class GuardPolicy:
    """What a guard tolerates of a candidate; None is the server's default, named behind each."""

    # The highest tolerated probability of rolling back a candidate that is within the tolerances;
    # 0.001.
    alpha: float | None = None
    # The candidate's rate of a bad event may be this multiple of STABLE's; 1.25.
    relative_risk_max: float | None = None
    # The share of entities whose decision may differ from STABLE's; 0.02.
    flip_rate_max: float | None = None
    # By how much its Brier score may exceed STABLE's; 0.0005.
    brier_margin: float | None = None
    # By how many percentage points its mean probability may miss the rate of outcomes; 1.
    calibration_margin_pp: float | None = None
    # A score that takes longer misses its objective; 500.
    slo_microseconds: int | None = None
    # The share of entities whose requests both models score; 100.
    pair_share_percent: float | None = None
    # How long each step lasts at least before the guard takes the next by itself; it takes none.
    dwell: Duration | None = None
    # Different entities that the candidate must have answered in a step before the next; 10,000.
    entities_min: int | None = None
    # Entities that both models must have scored before a step; 1,000.
    pairs_min: int | None = None
    # The age at which a rollout with a dwell that is not through is paused; 7 days.
    deadline: Duration | None = None
    # Scores from it on are a decision, those below are the other; the scorer's.
    decision_threshold: float | None = None
    # For as long as a promotion can be undone, the share of entities whose requests PREVIOUS scores as
    # well; 5, and 0 switches it off.
    watch_share_percent: float | None = None

    def to_proto(self) -> rollouts_pb2.GuardPolicy:
        """The message."""
        return rollouts_pb2.GuardPolicy(
            alpha=self.alpha or 0, relative_risk_max=self.relative_risk_max or 0,
            flip_rate_max=self.flip_rate_max or 0, brier_margin=self.brier_margin or 0,
            calibration_margin_pp=self.calibration_margin_pp or 0,
            slo_microseconds=self.slo_microseconds or 0,
            pair_share_percent=self.pair_share_percent or 0, dwell_ms=milliseconds(self.dwell or 0),
            entities_min=self.entities_min or 0, pairs_min=self.pairs_min or 0,
            deadline_ms=milliseconds(self.deadline or 0),
            decision_threshold=self.decision_threshold or 0,
            watch_share_percent=self.watch_share_percent)

    @staticmethod
    def of(policy: rollouts_pb2.GuardPolicy) -> GuardPolicy:
        """The policy of a message; durations in milliseconds."""
        return GuardPolicy(
            policy.alpha, policy.relative_risk_max, policy.flip_rate_max, policy.brier_margin,
            policy.calibration_margin_pp, policy.slo_microseconds, policy.pair_share_percent,
            policy.dwell_ms, policy.entities_min, policy.pairs_min, policy.deadline_ms,
            policy.decision_threshold,
            policy.watch_share_percent if policy.HasField("watch_share_percent") else None)


@dataclass(frozen=True)
class GuardComponent:
    """One kind of evidence against a candidate."""

    weight: float
    # Natural logarithm; 0 is no evidence.
    log_evidence: float


@dataclass(frozen=True)
class GuardCount:
    """How many entities had something, by the model that answered them."""

    stable: int
    candidate: int


@dataclass(frozen=True)
class GuardCause:
    """What was the matter where an event was counted."""

    # "errors", "slo_misses" or "fallbacks".
    event: str
    # Of the candidate; otherwise of the model that it is compared with.
    candidate: bool
    # Entities that it was so for.
    entities: int
    # Of a fallback: the feature, "profile.visits", and its status, "STALE".
    feature: str = ""
    status: str = ""
    # Of an error: what it said.
    error: str = ""
    # Of a slow score: about how long it took.
    microseconds: int = 0

    @staticmethod
    def of(cause: rollouts_pb2.GuardCause) -> GuardCause:
        """The cause of a message."""
        return GuardCause(
            cause.event, cause.candidate, cause.entities, cause.feature,
            values_pb2.Status.Name(cause.status) if cause.feature else "", cause.error,
            cause.microseconds)


@dataclass(frozen=True)
class GuardStatus:
    """What a guard knows of a rollout."""

    # "WITHIN", "FREEZE" (no more weight), "PAUSE" or "ROLLBACK".
    verdict: str
    # The merged evidence, a natural logarithm: at the threshold the candidate goes, at `log_freeze`
    # its weight may not rise.
    log_evidence: float
    log_threshold: float
    log_freeze: float
    # "errors", "slo_misses", "fallbacks", "decision_flips", "paired_brier", "calibration".
    components: Mapping[str, GuardComponent]
    # "entities", "errors", "slo_misses", "fallbacks".
    counts: Mapping[str, GuardCount]
    # Entities that both models scored, and those of them whose decisions differ.
    pairs: int
    differing_pairs: int
    labels: int
    # "non-finite score"; empty without one.
    violation: str
    # What keeps the next step from being taken: "dwell", "entities", "errors".
    holds: tuple[str, ...]
    # With a number in every field.
    policy: GuardPolicy
    # Entities that spoke, up to 50 of each kind, as hashes of their routing keys with the salt.
    samples: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    rule_version: int = 0
    # For how long the rollout and its step have been judged.
    age_ms: int = 0
    step_age_ms: int = 0
    # "SPLIT", "SHADOW", "WHOLE" (the canary answers everybody), or "AFTERCARE": the promoted model is the
    # candidate, and PREVIOUS stands for STABLE.
    mode: str = ""
    # What was the matter, by event, the candidate's first, the most frequent first.
    causes: tuple[GuardCause, ...] = ()

    @staticmethod
    def of(status: rollouts_pb2.GuardStatus) -> GuardStatus:
        """The status of a message."""
        return GuardStatus(
            verdict=status.verdict, log_evidence=status.log_evidence,
            log_threshold=status.log_threshold, log_freeze=status.log_freeze,
            components={
                part.name: GuardComponent(part.weight, part.log_evidence)
                for part in status.components},
            counts={count.name: GuardCount(count.stable, count.candidate) for count in status.counts},
            pairs=status.pairs, differing_pairs=status.differing_pairs, labels=status.labels,
            violation=status.violation, holds=tuple(status.holds),
            policy=GuardPolicy.of(status.policy), samples=samples_of(status.samples),
            rule_version=status.rule_version, age_ms=status.age_ms, step_age_ms=status.step_age_ms,
            mode=status.mode, causes=causes_of(status.causes))


def samples_of(samples: Iterable[rollouts_pb2.GuardSample]) -> dict[str, tuple[int, ...]]:
    """The entities that spoke, by what they said."""
    return {sample.event: tuple(sample.entities) for sample in samples}


def causes_of(causes: Iterable[rollouts_pb2.GuardCause]) -> tuple[GuardCause, ...]:
    """What was the matter."""
    return tuple(map(GuardCause.of, causes))
