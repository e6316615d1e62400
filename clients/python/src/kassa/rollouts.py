# SPDX-License-Identifier: Apache-2.0
"""Rollouts: another model into a scorer's STABLE slot, and out of it again.

    rollout = client.rollout("cart_abandonment")
    rollout.canary("abandonment@2", weight_percent=1, step_percents=[5, 25, 100], reason="retrained")
    rollout.promote()                       # the next step, behind the last STABLE
    rollout.abort(reason="more calls")      # STABLE answers everybody from the next request on

Every verb answers how the slots are then, and can be repeated without harm, except for a promote
that names no revision: it takes the next step each time, so it is never tried again by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from kassa.channel import Channel, Events
from kassa.drift import AcceptedDrift, DriftReport
from kassa.errors import KassaError
from kassa.guards import GuardPolicy
from kassa.slots import Explanation, QuarantineResult, RolloutEvent, RolloutStatus, Transition
from kassa.v1 import rollouts_pb2

if TYPE_CHECKING:
    from types import TracebackType


class Rollout:
    """The slots of one scorer.

    Of every verb `reason` and `actor` (by default the client's) stand in the audit log, and with
    `expected_revision`, that of a status, nothing happens if the slots have changed since
    (AbortedError). A verb that makes no sense now is a FailedPreconditionError and changes nothing.
    """

    def __init__(self, channel: Channel, actor: str, scorer: str) -> None:
        self.scorer = scorer
        self._channel = channel
        self._actor = actor

    def __repr__(self) -> str:
        return f"Rollout({self.scorer!r})"

    def shadow(
        self, model: str, *, guard: GuardPolicy | None = None, reason: str = "",
        actor: str | None = None, expected_revision: int | None = None,
        timeout: float | None = None,
    ) -> RolloutStatus:
        """Evaluates a model, "abandonment@2", beside STABLE; it answers nobody.

        `guard` says what is tolerated of it, now and as a canary.
        """
        return self._verb(
            "Shadow", rollouts_pb2.ShadowRequest(model=model, guard=_policy(guard)), reason, actor,
            expected_revision, timeout)

    def canary(
        self, model: str | None = None, *, weight_percent: float,
        step_percents: Sequence[float] = (), guard: GuardPolicy | None = None, reason: str = "",
        actor: str | None = None, expected_revision: int | None = None,
        timeout: float | None = None,
    ) -> RolloutStatus:
        """Lets a model, by default the one in SHADOW, answer a share of entities, always the same.

        `weight_percent` is above 0 to 100 in steps of 0.0001; `step_percents` are the rising
        weights, up to 20, that `promote` goes through. `guard` says what is tolerated of it, and with
        a `dwell` the guard takes the steps by itself. Of a model in SHADOW what decides stays as it
        began.
        """
        return self._verb(
            "Canary",
            rollouts_pb2.CanaryRequest(
                model=model or "", weight_percent=weight_percent, step_percents=step_percents,
                guard=_policy(guard)),
            reason, actor, expected_revision, timeout)

    def set_weight(
        self, weight_percent: float, *, reason: str = "", actor: str | None = None,
        expected_revision: int | None = None, timeout: float | None = None,
    ) -> RolloutStatus:
        """Another share; a greater one keeps the entities that are in. While paused it may only fall."""
        return self._verb(
            "SetWeight", rollouts_pb2.SetWeightRequest(weight_percent=weight_percent), reason,
            actor, expected_revision, timeout)

    def pause(
        self, *, reason: str = "", actor: str | None = None, expected_revision: int | None = None,
        timeout: float | None = None,
    ) -> RolloutStatus:
        """No rise of the weight until it is resumed."""
        return self._verb(
            "Pause", rollouts_pb2.PauseRequest(), reason, actor, expected_revision, timeout)

    def resume(
        self, *, reason: str = "", actor: str | None = None, expected_revision: int | None = None,
        timeout: float | None = None,
    ) -> RolloutStatus:
        """Goes on after a pause."""
        return self._verb(
            "Resume", rollouts_pb2.ResumeRequest(), reason, actor, expected_revision, timeout)

    def promote(
        self, *, full: bool = False, reason: str = "", actor: str | None = None,
        expected_revision: int | None = None, timeout: float | None = None,
    ) -> RolloutStatus:
        """The next step, behind the last STABLE; with `full` STABLE at once.

        The model before is kept as PREVIOUS for a day, for `undo`.
        """
        return self._verb(
            "Promote", rollouts_pb2.PromoteRequest(full=full), reason, actor, expected_revision,
            timeout, repeatable=full or expected_revision is not None)

    def abort(
        self, *, reason: str = "", actor: str | None = None, expected_revision: int | None = None,
        timeout: float | None = None,
    ) -> RolloutStatus:
        """Ends a rollout: STABLE answers everybody from the next request on."""
        return self._verb(
            "Abort", rollouts_pb2.AbortRequest(), reason, actor, expected_revision, timeout)

    def undo(
        self, *, reason: str = "", actor: str | None = None, expected_revision: int | None = None,
        timeout: float | None = None,
    ) -> RolloutStatus:
        """Puts the model before the last promotion back; the promoted one is put into quarantine."""
        return self._verb(
            "Undo", rollouts_pb2.UndoRequest(), reason, actor, expected_revision, timeout)

    def quarantine(
        self, model: str | None = None, *, bundle: str | None = None, reason: str,
        actor: str | None = None, timeout: float | None = None,
    ) -> QuarantineResult:
        """Keeps a bundle out of the slots of every scorer, under any name.

        It is that of a model, "abandonment@2", or the one with the SHA-256 `bundle` in hexadecimal.
        Rollouts of it are rolled back.
        """
        response = self._channel.call(
            "Rollouts/Quarantine",
            rollouts_pb2.QuarantineRequest(
                **_named(model, bundle), actor=self._by(actor), reason=reason),
            rollouts_pb2.QuarantineResponse, timeout=timeout)
        return QuarantineResult(
            response.bundle_sha256.hex(), tuple(response.rolled_back), response.unchanged)

    def clear_quarantine(
        self, model: str | None = None, *, bundle: str | None = None, reason: str,
        actor: str | None = None, timeout: float | None = None,
    ) -> QuarantineResult:
        """Lets a bundle into slots again; named as by `quarantine`."""
        response = self._channel.call(
            "Rollouts/ClearQuarantine",
            rollouts_pb2.ClearQuarantineRequest(
                **_named(model, bundle), actor=self._by(actor), reason=reason),
            rollouts_pb2.ClearQuarantineResponse, timeout=timeout)
        return QuarantineResult(response.bundle_sha256.hex(), unchanged=response.unchanged)

    def status(self, *, timeout: float | None = None) -> RolloutStatus:
        """How the slots are now."""
        return RolloutStatus.of(self._channel.call(
            "Rollouts/Status", rollouts_pb2.RolloutStatusRequest(scorer=self.scorer),
            rollouts_pb2.RolloutStatus, timeout=timeout))

    def history(
        self, *, limit: int = 100, before_revision: int | None = None,
        timeout: float | None = None,
    ) -> list[Transition]:
        """What was done to the slots, newest first: up to 1,000 changes before a revision."""
        response = self._channel.call(
            "Rollouts/History",
            rollouts_pb2.RolloutHistoryRequest(
                scorer=self.scorer, limit=limit, before_revision=before_revision or 0),
            rollouts_pb2.RolloutHistoryResponse, timeout=timeout)
        return [Transition.of(entry) for entry in response.transitions]

    def explain(
        self, rollout_id: int | None = None, *, limit: int = 0,
        before_revision: int | None = None, timeout: float | None = None
    ) -> Explanation:
        """One rollout, by default the newest, from its records, carried out again.

        All of them are checked; what is returned are the newest `limit` (0 means 100) before a revision.
        """
        if rollout_id is None:
            newest = self.status(timeout=timeout).rollout
            if newest is None:
                raise KassaError(f"{self.scorer} had no rollout yet")
            rollout_id = newest.id
        return Explanation.of(self._channel.call(
            "Rollouts/Explain",
            rollouts_pb2.ExplainRolloutRequest(
                rollout_id=rollout_id, limit=limit, before_revision=before_revision or 0),
            rollouts_pb2.ExplainRolloutResponse, timeout=timeout))

    def drift(self, *, timeout: float | None = None) -> DriftReport:
        """How far the scorer's features and scores have moved from training, slot by slot."""
        return DriftReport.of(self._channel.call(
            "Rollouts/Drift", rollouts_pb2.DriftRequest(scorer=self.scorer),
            rollouts_pb2.DriftReport, timeout=timeout))

    def accept_drift(
        self, *, reason: str, actor: str | None = None, timeout: float | None = None
    ) -> AcceptedDrift:
        """Says that the alarms of today and yesterday are about something normal.

        It is learnt as what these hours of the day usually bring, and for a day so is what comes while
        the alarms are on. Without an alarm there is nothing to accept (FailedPreconditionError).
        """
        response = self._channel.call(
            "Rollouts/AcceptDrift",
            rollouts_pb2.AcceptDriftRequest(
                scorer=self.scorer, actor=self._by(actor), reason=reason),
            rollouts_pb2.AcceptDriftResponse, timeout=timeout)
        return AcceptedDrift(tuple(response.features), DriftReport.of(response.report))

    def watch(self, *, timeout: float | None = None) -> Watch:
        """Changes and drift alarms as they happen, from now on; the first event says how the slots are.

        Without a timeout it goes on until it is closed, or the server ends (UnavailableError).
        """
        return Watch(self._channel, self.scorer, timeout)

    def _by(self, actor: str | None) -> str:
        return self._actor if actor is None else actor

    def _verb(
        self, name: str, request: Any, reason: str, actor: str | None,
        expected_revision: int | None, timeout: float | None, repeatable: bool = True,
    ) -> RolloutStatus:
        request.scorer = self.scorer
        request.actor = self._by(actor)
        request.reason = reason
        if expected_revision is not None:
            request.expected_revision = expected_revision
        response = self._channel.call(
            f"Rollouts/{name}", request, rollouts_pb2.RolloutResponse, timeout=timeout,
            repeatable=repeatable)
        return RolloutStatus.of(response.status, response.unchanged)


class Watch:
    """An iterator of events, which asks the server at once; leave it by `close` or a `with`."""

    def __init__(self, channel: Channel, scorer: str, timeout: float | None) -> None:
        self._events: Events[rollouts_pb2.RolloutEvent] = channel.subscribe(
            "Rollouts/Watch", rollouts_pb2.WatchRolloutsRequest(scorer=scorer),
            rollouts_pb2.RolloutEvent, timeout=timeout)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> RolloutEvent:
        return RolloutEvent.of(next(self._events))

    def close(self) -> None:
        """Ends it; whoever waits for the next event finds the iterator at its end."""
        self._events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Rollouts:
    """The part of a client that is about rollouts."""

    channel: Channel
    actor: str

    def rollout(self, scorer: str) -> Rollout:
        """The slots of a scorer: `.canary(...)`, `.status()`, `.promote()`, ..."""
        return Rollout(self.channel, self.actor, scorer)

    def watch_rollouts(self, *, timeout: float | None = None) -> Watch:
        """Changes of all scorers' slots as they happen; see `Rollout.watch`."""
        return Watch(self.channel, "", timeout)


def _named(model: str | None, bundle: str | None) -> dict[str, Any]:
    if (model is None) == (bundle is None):
        raise KassaError("name a model or a bundle, one of both", field="model")
    if model is not None:
        return {"model": model}
    try:
        return {"bundle_sha256": bytes.fromhex(bundle or "")}
    except ValueError:
        raise KassaError(f"{bundle!r} is no SHA-256 in hexadecimal", field="bundle") from None


def _policy(guard: GuardPolicy | None) -> rollouts_pb2.GuardPolicy | None:
    return None if guard is None else guard.to_proto()
