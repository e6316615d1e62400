# SPDX-License-Identifier: Apache-2.0
"""Drift: how far a scorer's features and scores have moved from training.

    report = client.rollout("cart_abandonment").drift()
    print(report.action, report.slots["STABLE"].features[0])
    print(report.frame())                       # a row per slot and feature, for notebooks
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from kassa.times import instant
from kassa.v1 import rollouts_pb2, scoring_pb2


def _signals(signals: Iterable[rollouts_pb2.DriftSignal]) -> tuple[str, ...]:
    return tuple(signal_name(signal) for signal in signals)


def signal_name(signal: rollouts_pb2.DriftSignal) -> str:
    """ "shift", "null", "unseen" or "stale". """
    return rollouts_pb2.DriftSignal.Name(signal).removeprefix("DRIFT_").lower()


@dataclass(frozen=True)
class FeatureDrift:
    """One feature, or the score, in the last full window."""

    # "cart.items"; "score" for the score.
    feature: str
    # How far the distribution is from training, and what is an alarm; None before the first full window.
    psi: float
    psi_threshold: float | None
    # Full windows running that exceeded it.
    windows_shifted: int
    # Shares of the window's values, and from which rate on evidence against them is gathered.
    null_rate: float
    null_rate_max: float
    unseen_rate: float
    unseen_rate_max: float
    stale_rate: float
    stale_rate_max: float
    # What alarms are on: "shift", "null", "unseen", "stale".
    alarms: tuple[str, ...] = ()
    # What training does not tolerate and is usual at this hour of the day: no alarm.
    usual: tuple[str, ...] = ()
    # The window against what its hour has brought on the last days; None where training tolerates it,
    # and while the hour has brought too little.
    hour_psi: float | None = None
    hour_psi_threshold: float | None = None
    # A person has accepted what comes: for at most a day it is learnt, whatever it is.
    accepted: bool = False
    # Rows behind the model's histogram.
    reference_values: int = 0

    @staticmethod
    def of(feature: rollouts_pb2.FeatureDrift) -> FeatureDrift:
        """The feature of a message."""
        return FeatureDrift(
            feature=feature.feature, psi=feature.psi,
            psi_threshold=feature.psi_threshold if feature.HasField("psi_threshold") else None,
            windows_shifted=feature.windows_shifted, null_rate=feature.null_rate,
            null_rate_max=feature.null_rate_max, unseen_rate=feature.unseen_rate,
            unseen_rate_max=feature.unseen_rate_max, stale_rate=feature.stale_rate,
            stale_rate_max=feature.stale_rate_max, alarms=_signals(feature.alarms),
            usual=_signals(feature.usual),
            hour_psi=feature.hour_psi if feature.HasField("hour_psi") else None,
            hour_psi_threshold=(
                feature.hour_psi_threshold if feature.HasField("hour_psi_threshold") else None),
            accepted=feature.accepted, reference_values=feature.reference_values)


@dataclass(frozen=True)
class SlotDrift:
    """The features of one slot's model."""

    model: str
    # Full windows, and the values in the last one.
    windows: int
    values: int
    # Values since then, and whether they were too few to close a window in time: no drift, and no
    # proof of none.
    open_values: int
    too_little_traffic: bool
    # The score, then the features; those with alarms first, then those with the highest PSI.
    features: tuple[FeatureDrift, ...]
    # Inputs that the model brought no histogram for: they are not watched.
    unwatched: int = 0

    @staticmethod
    def of(slot: rollouts_pb2.SlotDrift) -> SlotDrift:
        """The slot of a message."""
        return SlotDrift(
            slot.model, slot.windows, slot.values, slot.open_values, slot.too_little_traffic,
            tuple(map(FeatureDrift.of, slot.features)), slot.unwatched)


@dataclass(frozen=True)
class DriftReport:
    """How the features and scores of a scorer's models are distributed, compared with training."""

    scorer: str
    # "STABLE", "CANARY" or "SHADOW", "PREVIOUS": those whose models brought histograms.
    slots: Mapping[str, SlotDrift]
    # "nothing", "freeze" (a candidate's own alarm pauses its rollout), "page_and_freeze" (STABLE sees
    # it, too) or "undo".
    action: str
    # When the alarm began that the action is about.
    since: datetime.datetime | None
    window_ms: int
    false_pages_per_month: float

    @property
    def alarms(self) -> tuple[tuple[str, str, str], ...]:
        """What is on: slot, feature and signal, ("STABLE", "cart.items", "shift")."""
        return tuple(
            (slot, feature.feature, alarm) for slot, drift in self.slots.items()
            for feature in drift.features for alarm in feature.alarms)

    def frame(self) -> pd.DataFrame:
        """A row per slot and feature, with the numbers of `FeatureDrift`."""
        names = ["slot", "model", *FeatureDrift.__dataclass_fields__]
        return pd.DataFrame(
            [
                {"slot": slot, "model": drift.model, **vars(feature)}
                for slot, drift in self.slots.items() for feature in drift.features],
            columns=names)

    @staticmethod
    def of(report: rollouts_pb2.DriftReport) -> DriftReport:
        """The report of a message."""
        action = rollouts_pb2.DriftAction.Name(report.action).removeprefix("DRIFT_").lower()
        return DriftReport(
            scorer=report.scorer,
            slots={scoring_pb2.Slot.Name(slot.slot): SlotDrift.of(slot) for slot in report.slots},
            action=action, since=instant(report.since_us) if report.since_us else None,
            window_ms=report.window_ms, false_pages_per_month=report.false_pages_per_month)


@dataclass(frozen=True)
class AcceptedDrift:
    """What a person has said to be normal."""

    # "abandonment@2 cart.items".
    features: tuple[str, ...]
    report: DriftReport


@dataclass(frozen=True)
class DriftAlarm:
    """One alarm's beginning or end, with the numbers that it comes from."""

    scorer: str
    slot: str
    model: str
    # "cart.items"; "score" for the score.
    feature: str
    # "shift", "null", "unseen" or "stale".
    signal: str
    # It began; otherwise it ended.
    raised: bool
    at: datetime.datetime
    # Values in the window.
    values: int
    # A PSI, or a share of values; and what is exceeded while the alarm is on.
    measured: float
    tolerated: float

    @staticmethod
    def of(alarm: rollouts_pb2.DriftAlarm) -> DriftAlarm:
        """The alarm of a message."""
        return DriftAlarm(
            alarm.scorer, scoring_pb2.Slot.Name(alarm.slot), alarm.model, alarm.feature,
            signal_name(alarm.signal), alarm.raised, instant(alarm.at_us), alarm.values,
            alarm.measured, alarm.tolerated)
