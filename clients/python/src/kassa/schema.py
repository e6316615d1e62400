# SPDX-License-Identifier: Apache-2.0
"""Feature sets and scorers as values of Python.

    kassa.FeatureSet(
        "cart", entity=["session"], ttl="30d",
        features=[kassa.Feature("items", "int64", default=0), kassa.Feature("device", "string")])
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import pandas as pd

from kassa.errors import KassaError
from kassa.v1 import config_pb2, values_pb2

FeatureKind = Literal[
    "float32", "float64", "int64", "bool", "string", "timestamp", "vector", "strings"]
NonFinite = Literal["refuse", "missing"]
OnMissing = Literal["default", "missing", "fail"]
OnStale = Literal["use", "default", "missing", "fail"]
Scalar = float | int | bool | str | Sequence[float] | Sequence[str] | None
Duration = str | datetime.timedelta | int

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def milliseconds(duration: Duration) -> int:
    """A duration as milliseconds: "30d", "90s", a timedelta, or the number itself."""
    if isinstance(duration, datetime.timedelta):
        return round(duration.total_seconds() * 1_000)
    if isinstance(duration, str):
        match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", duration)
        if match is None:
            raise KassaError(f'{duration!r} is not a duration such as "30d", "12h", "90s" or "250ms"')
        return int(match[1]) * _UNITS[match[2]]
    return int(duration)


@dataclass(frozen=True)
class Feature:
    """A typed feature; README.md of the server explains the policies."""

    name: str
    type: FeatureKind
    default: Scalar = None
    max_age: Duration = 0
    description: str = ""
    dimension: int = 0
    categories: tuple[str, ...] = ()
    nan: NonFinite = "refuse"
    on_missing: OnMissing | None = None
    on_stale: OnStale | None = None

    def to_proto(self) -> config_pb2.FeatureSpec:
        """The message."""
        if self.type not in get_args(FeatureKind):
            raise KassaError(
                f"feature {self.name}: type {self.type!r} is none of "
                f"{', '.join(get_args(FeatureKind))}",
                field=self.name)
        spec = config_pb2.FeatureSpec(
            name=self.name, type=self.type.upper(),
            max_age_ms=milliseconds(self.max_age), description=self.description,
            dimension=self.dimension, categories=self.categories,
            nan=f"NON_FINITE_{self.nan.upper()}",
            on_missing=_fallback(self.on_missing), on_stale=_fallback(self.on_stale))
        if self.default is not None:
            spec.default.CopyFrom(value_proto(self.default))
        return spec

    @staticmethod
    def from_proto(spec: config_pb2.FeatureSpec) -> Feature:
        """The feature of a message."""
        def policy(value: config_pb2.Fallback) -> Any:
            return config_pb2.Fallback.Name(value).removeprefix("FALLBACK_").lower() if value else None

        kind: Any = values_pb2.FeatureType.Name(spec.type).lower()
        nan: Any = config_pb2.NonFinite.Name(spec.nan).removeprefix("NON_FINITE_").lower()

        return Feature(
            name=spec.name, type=kind,
            default=value_python(spec.default) if spec.HasField("default") else None,
            max_age=spec.max_age_ms, description=spec.description, dimension=spec.dimension,
            categories=tuple(spec.categories),
            nan=nan, on_missing=policy(spec.on_missing), on_stale=policy(spec.on_stale))


@dataclass(frozen=True)
class FeatureSet:
    """A version of a feature set; version 0 means: as it is if nothing changed, else the next."""

    name: str
    entity: Sequence[str]
    features: Sequence[Feature]
    version: int = 0
    ttl: Duration = 0
    history: Duration = 0
    owner: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    deprecated: str = ""

    @property
    def pinned(self) -> str:
        """ "cart@3". """
        return f"{self.name}@{self.version}"

    @property
    def by_name(self) -> dict[str, Feature]:
        """The features by their names."""
        return {feature.name: feature for feature in self.features}

    def with_features(self, *features: Feature) -> FeatureSet:
        """The same with these features in addition or instead, as the next version."""
        merged = {**self.by_name, **{feature.name: feature for feature in features}}
        return replace(self, features=tuple(merged.values()), version=0)

    def to_proto(self) -> config_pb2.FeatureSetSpec:
        """The message."""
        return config_pb2.FeatureSetSpec(
            name=self.name, version=self.version, entity=self.entity,
            features=[feature.to_proto() for feature in self.features],
            ttl_ms=milliseconds(self.ttl), history_ms=milliseconds(self.history), owner=self.owner,
            description=self.description, labels=dict(self.labels), deprecated=self.deprecated)

    @staticmethod
    def from_proto(spec: config_pb2.FeatureSetSpec) -> FeatureSet:
        """The feature set of a message."""
        return FeatureSet(
            name=spec.name, entity=tuple(spec.entity),
            features=tuple(Feature.from_proto(feature) for feature in spec.features),
            version=spec.version, ttl=spec.ttl_ms, history=spec.history_ms, owner=spec.owner,
            description=spec.description, labels=dict(spec.labels), deprecated=spec.deprecated)


@dataclass(frozen=True)
class OutcomePolicy:
    """When outcomes of recorded scores count."""

    # The age at which the outcome of a score is as good as known; 0 means 30 minutes.
    maturity: Duration = 0
    # The age up to which outcomes are taken and scores are kept; 0 means a day, or the maturity if
    # that is longer.
    horizon: Duration = 0
    # What no outcome by the maturity comes to: it waits for one, or it did not happen.
    absent: Literal["ignore", "negative"] = "ignore"


@dataclass(frozen=True)
class DriftPolicy:
    """How a scorer's features and scores are held against training; 0 is the server's default."""

    # How long a window lasts, 100 ms to 24 h; 5 minutes. One with fewer than 1,000 values stays open.
    window: Duration = 0
    # Alarms without a cause that are tolerated, all features and slots together; 0.5.
    false_pages_per_month: float = 0.0
    # What is done when both slots see the same shift: a page and a pause, or also an undo of a promotion
    # that it began within the bake time of.
    on_shared_drift: Literal["page", "rollback"] = "page"
    # For how long after a promotion a shift may be the promotion's; 24 hours.
    bake: Duration = 0
    # Count one score of so many; every one.
    sample_every: int = 0


@dataclass(frozen=True)
class Scorer:
    """What callers name; `model` is the model of its STABLE slot, "abandonment@1", set once."""

    name: str
    # Of a scorer that is there already what STABLE has, or empty.
    model: str = ""
    owner: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    # The entity kind whose id stays in one slot during a rollout; empty means the first kind of the
    # first feature set that the model reads.
    entity: str = ""
    outcomes: OutcomePolicy | None = None
    # Scores from it on are a decision, those below are the other; 0 means 0.5.
    decision_threshold: float = 0.0
    drift: DriftPolicy | None = None
    # As the server has it, so that what is not said here stays as it is when it is applied again.
    stored: config_pb2.ScorerSpec | None = field(default=None, repr=False, compare=False)

    def to_proto(self) -> config_pb2.ScorerSpec:
        """The message."""
        policy, drift = self.outcomes, self.drift
        spec = config_pb2.ScorerSpec()
        if self.stored is not None:
            spec.CopyFrom(self.stored)
        for name in ("name", "model", "owner", "description", "labels", "entity", "outcomes",
                     "decision_threshold", "drift"):
            spec.ClearField(name)
        spec.MergeFrom(config_pb2.ScorerSpec(
            name=self.name, model=self.model, owner=self.owner, description=self.description,
            labels=dict(self.labels), entity=self.entity,
            decision_threshold=self.decision_threshold,
            outcomes=None if policy is None else config_pb2.OutcomeSpec(
                maturity_ms=milliseconds(policy.maturity), horizon_ms=milliseconds(policy.horizon),
                absent=f"ABSENT_{policy.absent.upper()}"),
            drift=None if drift is None else config_pb2.DriftSpec(
                window_ms=milliseconds(drift.window),
                false_pages_per_month=drift.false_pages_per_month,
                on_shared_drift=f"SHARED_DRIFT_{drift.on_shared_drift.upper()}",
                bake_ms=milliseconds(drift.bake), sample_every=drift.sample_every)))
        return spec

    @staticmethod
    def from_proto(spec: config_pb2.ScorerSpec) -> Scorer:
        """The scorer of a message."""
        policy = None
        if spec.HasField("outcomes"):
            absent: Any = config_pb2.AbsentOutcome.Name(spec.outcomes.absent)
            policy = OutcomePolicy(
                spec.outcomes.maturity_ms, spec.outcomes.horizon_ms,
                absent.removeprefix("ABSENT_").lower())
        drift = None
        if spec.HasField("drift"):
            shared: Any = config_pb2.SharedDrift.Name(spec.drift.on_shared_drift)
            drift = DriftPolicy(
                spec.drift.window_ms, spec.drift.false_pages_per_month,
                shared.removeprefix("SHARED_DRIFT_").lower(), spec.drift.bake_ms,
                spec.drift.sample_every)
        return Scorer(
            spec.name, spec.model, spec.owner, spec.description, dict(spec.labels), spec.entity,
            policy, spec.decision_threshold, drift, spec)


@dataclass(frozen=True)
class Change:
    """A line of a plan: what Apply did or would do to one document."""

    action: str
    kind: str
    name: str
    details: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What Apply came to, and the epoch from then on."""

    changes: tuple[Change, ...]
    epoch: int

    @property
    def changed(self) -> bool:
        """Whether anything is new or different."""
        return any(change.action != "unchanged" for change in self.changes)


def _fallback(policy: str | None) -> str:
    return f"FALLBACK_{(policy or 'unspecified').upper()}"


def value_proto(value: object) -> values_pb2.Value:
    """A value of Python as a message; None is an explicit null, a datetime an instant."""
    if value is None:
        return values_pb2.Value(null=values_pb2.NullValue())
    if value is pd.NA or value is pd.NaT:
        return values_pb2.Value(null=values_pb2.NullValue())
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()  # of numpy
    if isinstance(value, bool):
        return values_pb2.Value(flag=value)
    if isinstance(value, int):
        return values_pb2.Value(integer=value)
    if isinstance(value, float):
        return values_pb2.Value(number=value)
    if isinstance(value, str):
        return values_pb2.Value(text=value)
    if isinstance(value, datetime.datetime):
        return values_pb2.Value(integer=microseconds(value))
    items = list(value) if hasattr(value, "__iter__") else None
    if items is None:
        raise KassaError(f"a {type(value).__name__} is no value of a feature")
    if items and all(isinstance(item, str) for item in items):
        return values_pb2.Value(strings=values_pb2.StringList(values=items))
    return values_pb2.Value(vector=values_pb2.FloatVector(values=[float(item) for item in items]))


def value_python(value: values_pb2.Value) -> Scalar:
    """The value of a message."""
    kind = value.WhichOneof("kind")
    if kind is None or kind == "null":
        return None
    if kind in ("vector", "strings"):
        return list(getattr(value, kind).values)
    return getattr(value, kind)  # type: ignore[no-any-return]


def microseconds(when: datetime.datetime) -> int:
    """An instant as microseconds since the Unix epoch; without a time zone it is none, and refused."""
    if when.tzinfo is None:
        raise KassaError(
            f"{when.isoformat()} has no time zone: which instant is it? Add tzinfo=datetime.UTC, say")
    return (when - _EPOCH) // datetime.timedelta(microseconds=1)


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
