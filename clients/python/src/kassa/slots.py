# SPDX-License-Identifier: Apache-2.0
"""What rollouts answer: which model is in which slot of a scorer, and how it came there."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from kassa.drift import DriftAlarm
from kassa.guards import GuardCause, GuardStatus, causes_of, samples_of
from kassa.times import instant
from kassa.v1 import rollouts_pb2, scoring_pb2

# Phases in which a candidate is in a slot.
OPEN_PHASES = frozenset({"SHADOW", "CANARY", "PAUSED"})


def phase_name(phase: rollouts_pb2.RolloutPhase) -> str:
    """ "CANARY"; empty where there was no rollout. """
    if phase == rollouts_pb2.ROLLOUT_PHASE_UNSPECIFIED:
        return ""
    return rollouts_pb2.RolloutPhase.Name(phase).removeprefix("PHASE_")


@dataclass(frozen=True)
class SlotModel:
    """A model in a slot."""

    # "abandonment@2", and the SHA-256 of its bundle in hexadecimal.
    model: str
    bundle: str


@dataclass(frozen=True)
class RolloutState:
    """A rollout, open or ended."""

    id: int
    # "SHADOW", "CANARY", "PAUSED", "PROMOTED", "ABORTED" or "ROLLED_BACK".
    phase: str
    weight_percent: float
    # The weights that promote goes through.
    step_percents: tuple[float, ...]
    candidate: SlotModel
    # The model that was STABLE when it began.
    baseline: str
    # What decides with an entity's id who is in.
    salt: str
    started_at: datetime.datetime
    changed_at: datetime.datetime

    @property
    def is_open(self) -> bool:
        """Whether the candidate is in a slot."""
        return self.phase in OPEN_PHASES

    @staticmethod
    def of(rollout: rollouts_pb2.Rollout) -> RolloutState:
        """The rollout of a message."""
        return RolloutState(
            id=rollout.id, phase=phase_name(rollout.phase), weight_percent=rollout.weight_percent,
            step_percents=tuple(rollout.step_percents),
            candidate=SlotModel(rollout.candidate.model, rollout.candidate.bundle_sha256.hex()),
            baseline=rollout.baseline, salt=rollout.salt,
            started_at=instant(rollout.started_at_us), changed_at=instant(rollout.changed_at_us))


@dataclass(frozen=True)
class RolloutStatus:
    """How the slots of a scorer are."""

    scorer: str
    # What `expected_revision` compares with.
    revision: int
    epoch: int
    # Those that are filled: "STABLE" always, "CANARY" or "SHADOW", "PREVIOUS".
    slots: Mapping[str, SlotModel]
    # The newest rollout; None if there was none.
    rollout: RolloutState | None
    # Until when undo can put PREVIOUS back.
    previous_until: datetime.datetime | None = None
    # In force and not stored yet, because the store takes no writes.
    unrecorded: bool = False
    # Of a verb's answer: it had been carried out already.
    unchanged: bool = False
    # Of an open rollout. Evidence grows with every score, so it makes no two statuses different.
    guard: GuardStatus | None = field(default=None, compare=False)

    @property
    def stable(self) -> str:
        """The model that answers whoever is in no canary, "abandonment@1"."""
        return self.slots["STABLE"].model

    @property
    def phase(self) -> str:
        """The phase of the newest rollout; empty if there was none."""
        return self.rollout.phase if self.rollout is not None else ""

    @property
    def weight_percent(self) -> float:
        """The share of entities that the candidate answers."""
        return self.rollout.weight_percent if self.rollout is not None else 0.0

    @staticmethod
    def of(status: rollouts_pb2.RolloutStatus, unchanged: bool = False) -> RolloutStatus:
        """The status of a message."""
        return RolloutStatus(
            scorer=status.scorer, revision=status.revision, epoch=status.epoch,
            slots={
                scoring_pb2.Slot.Name(slot.slot): SlotModel(slot.model, slot.bundle_sha256.hex())
                for slot in status.slots},
            rollout=RolloutState.of(status.rollout) if status.HasField("rollout") else None,
            previous_until=instant(status.previous_until_us) if status.previous_until_us else None,
            unrecorded=status.unrecorded, unchanged=unchanged,
            guard=GuardStatus.of(status.guard) if status.HasField("guard") else None)


@dataclass(frozen=True)
class Transition:
    """One change of a scorer's slots; `pandas.DataFrame` takes a list of them."""

    scorer: str
    # The revision that it made.
    revision: int
    rollout_id: int
    at: datetime.datetime
    actor: str
    reason: str
    # "set-weight".
    verb: str
    # Empty where there was no rollout.
    phase_before: str
    phase: str
    weight_percent_before: float
    weight_percent: float
    step_percents: tuple[float, ...]
    # The models in STABLE and of the rollout afterwards.
    stable: str
    candidate: str
    # SHA-256 of their bundles in hexadecimal.
    stable_bundle: str
    candidate_bundle: str
    epoch: int
    # Entities that spoke against the candidate; see `GuardStatus.samples`.
    samples: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    # Of a guard's rollback: microseconds from the event that decided it to the candidate's last
    # answer, if they are known.
    last_answer_after_us: int | None = None
    # What was the matter with them; see `GuardStatus.causes`.
    causes: tuple[GuardCause, ...] = ()

    @staticmethod
    def of(entry: rollouts_pb2.RolloutTransition) -> Transition:
        """The change of a message."""
        after = entry.last_answer_after_us if entry.HasField("last_answer_after_us") else -1
        return Transition(
            scorer=entry.scorer, revision=entry.revision, rollout_id=entry.rollout_id,
            at=instant(entry.at_us), actor=entry.actor, reason=entry.reason, verb=entry.verb,
            phase_before=phase_name(entry.phase_before), phase=phase_name(entry.phase),
            weight_percent_before=entry.weight_percent_before, weight_percent=entry.weight_percent,
            step_percents=tuple(entry.step_percents), stable=entry.stable,
            candidate=entry.candidate, stable_bundle=entry.stable_sha256.hex(),
            candidate_bundle=entry.candidate_sha256.hex(), epoch=entry.epoch,
            samples=samples_of(entry.samples),
            last_answer_after_us=after if after >= 0 else None,
            causes=causes_of(entry.causes))


@dataclass(frozen=True)
class Explanation:
    """One rollout from its records, carried out again."""

    scorer: str
    # Oldest first.
    transitions: tuple[Transition, ...]
    # The recorded verbs gave the recorded phases and weights again, each and all.
    agrees: bool
    # Where they did not, or where a record is missing or altered.
    disagreement: str
    # The records of the audit log are linked by their digests, from the first to the last.
    chain_intact: bool
    # The guard's last verdict, computed again from the recorded counts.
    guard: GuardStatus | None = None
    # How many earlier transitions there was no room for; they are checked all the same.
    left_out: int = 0

    @staticmethod
    def of(response: rollouts_pb2.ExplainRolloutResponse) -> Explanation:
        """The explanation of a message."""
        return Explanation(
            response.scorer, tuple(map(Transition.of, response.transitions)), response.agrees,
            response.disagreement, response.chain_intact,
            GuardStatus.of(response.guard) if response.HasField("guard") else None,
            response.left_out)


@dataclass(frozen=True)
class RolloutEvent:
    """A change or a drift alarm as it happens."""

    # Counts changes and alarms of all scorers since the server started.
    sequence: int
    status: RolloutStatus
    # None in the first event of a watched scorer, which says how the slots are, and of an alarm.
    transition: Transition | None
    # Events before this one were dropped, because nobody read them.
    events_lost: bool = False
    # An alarm that began or ended.
    drift: DriftAlarm | None = None

    @staticmethod
    def of(event: rollouts_pb2.RolloutEvent) -> RolloutEvent:
        """The event of a message."""
        return RolloutEvent(
            event.sequence, RolloutStatus.of(event.status),
            Transition.of(event.transition) if event.HasField("transition") else None,
            event.events_lost,
            DriftAlarm.of(event.drift) if event.HasField("drift") else None)


@dataclass(frozen=True)
class QuarantineResult:
    """What a quarantine came to, or the end of one."""

    # SHA-256 of the bundle in hexadecimal.
    bundle: str
    # Scorers whose rollout of the bundle was rolled back.
    rolled_back: tuple[str, ...] = field(default=())
    # It was so already.
    unchanged: bool = False
