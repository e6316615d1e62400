# SPDX-License-Identifier: Apache-2.0
"""Kassa from Python: write features, push models, score.

    import kassa

    with kassa.connect("127.0.0.1:6750") as client:
        client.write("cart", frame, keys={"session": "session_id"}, time="at")
        client.push(model, feature_set="cart", training_frame=frame, scorer="cart_abandonment")
        print(client.score("cart_abandonment", {"session": "s-81"}))

Nothing is kept beside a client. Every exception is a `KassaError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as _pandas

from kassa.aio import AsyncClient
from kassa.bundle import Bundle, Output
from kassa.calibration import Isotonic, Platt
from kassa.channel import Retry
from kassa.client import DEFAULT_SERVER, Client, Slot, connect
from kassa.drift import AcceptedDrift, DriftAlarm, DriftReport, FeatureDrift, SlotDrift
from kassa.errors import (
    AbortedError, AlreadyExistsError, DataLossError, DeadlineExceededError, FailedPreconditionError,
    FrameError, GenerationRefusedError, InvalidArgumentError, KassaError, LoadError,
    MissingPackageError, ModelError, NotFoundError, PushWarning, ResourceExhaustedError, RowProblem,
    RowsError, ServerError, UnavailableError, UnimplementedError)
from kassa.guards import GuardCause, GuardComponent, GuardCount, GuardPolicy, GuardStatus
from kassa.inputs import Categories
from kassa.outcomes import OutcomesResult, ScorerCalibration, SlotCalibration
from kassa.results import (
    Check, Gate, LoadResult, PushedModel, Score, SeenFeature, WriteResult)
from kassa.rollouts import Rollout, Watch
from kassa.schema import Change, DriftPolicy, Feature, FeatureSet, OutcomePolicy, Plan, Scorer
from kassa.slots import (
    Explanation, QuarantineResult, RolloutEvent, RolloutState, RolloutStatus, SlotModel, Transition)

__all__ = [
    "AbortedError", "AcceptedDrift", "AlreadyExistsError", "AsyncClient", "Bundle", "Change",
    "Check", "Client", "DEFAULT_SERVER", "DataLossError", "DeadlineExceededError", "DriftAlarm",
    "DriftPolicy", "DriftReport", "Explanation", "FailedPreconditionError", "Feature",
    "FeatureDrift", "FeatureSet", "FrameError", "Gate", "GenerationRefusedError", "GuardCause",
    "GuardComponent", "GuardCount", "GuardPolicy", "GuardStatus", "InvalidArgumentError",
    "Isotonic", "KassaError", "LoadError", "LoadResult", "MissingPackageError", "ModelError",
    "NotFoundError", "OutcomePolicy", "OutcomesResult", "Plan", "Platt", "PushWarning",
    "PushedModel", "QuarantineResult", "ResourceExhaustedError", "Retry", "Rollout", "RolloutEvent",
    "RolloutState", "RolloutStatus", "RowProblem", "RowsError", "Score", "Scorer",
    "ScorerCalibration", "SeenFeature", "ServerError", "SlotCalibration", "SlotDrift", "SlotModel",
    "Transition", "UnavailableError", "UnimplementedError", "Watch", "WriteResult", "connect",
    "push",
]


def push(
    model: object, *, feature_set: str | Sequence[str], training_frame: _pandas.DataFrame,
    server: str | None = None, name: str | None = None, version: int = 0,
    features: Sequence[str] | Mapping[str, str] | None = None,
    categories: Mapping[str, Categories] | None = None,
    calibration: Platt | Isotonic | None = None, output: Output | None = None,
    scorer: str | None = None, rollout: Slot | None = None, weight_percent: float | None = None,
    step_percents: Sequence[float] = (), guard: GuardPolicy | None = None, golden_rows: int = 64,
    owner: str = "", description: str = "", labels: Mapping[str, str] | None = None,
    training_run_id: str = "", reason: str = "", timeout: float = 120.0,
) -> PushedModel:
    """Pushes a model to the server at `server`; everything else is as `Client.push` says."""
    with Client(server) as client:
        return client.push(
            model, feature_set=feature_set, training_frame=training_frame, name=name,
            version=version, features=features, categories=categories, calibration=calibration,
            output=output, scorer=scorer, rollout=rollout, weight_percent=weight_percent,
            step_percents=step_percents, guard=guard, golden_rows=golden_rows, owner=owner,
            description=description, labels=labels, training_run_id=training_run_id,
            reason=reason, timeout=timeout)
