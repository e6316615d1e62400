# SPDX-License-Identifier: Apache-2.0
"""Bundles on their way to the server, and into service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kassa.bundle import Bundle
from kassa.errors import KassaError, ModelError, NotFoundError
from kassa.guards import GuardPolicy
from kassa.results import PushedModel
from kassa.schema import Scorer
from kassa.slots import RolloutStatus
from kassa.v1 import models_pb2

if TYPE_CHECKING:
    from kassa.client import Client

UPLOAD_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Entrance:
    """How a model comes into a scorer that serves another one."""

    slot: Literal["shadow", "canary"]
    weight_percent: float = 0.0
    step_percents: tuple[float, ...] = ()
    guard: GuardPolicy | None = None

    @staticmethod
    def of(
        scorer: str | None, slot: Literal["shadow", "canary"] | None,
        weight_percent: float | None, step_percents: Sequence[float], guard: GuardPolicy | None,
    ) -> Entrance | None:
        """What the arguments of a push say, if they fit each other."""
        if slot not in (None, "shadow", "canary"):
            raise ModelError(f'a push goes into "shadow" or "canary", not {slot!r}', field="rollout")
        if slot is not None and scorer is None:
            raise ModelError("a rollout of which scorer? Name it, scorer=...", field="scorer")
        if slot == "canary":
            if weight_percent is None:
                raise ModelError(
                    "a canary of which share of entities? weight_percent=1, say",
                    field="weight_percent")
            return Entrance("canary", weight_percent, tuple(step_percents), guard)
        if weight_percent is not None or step_percents:
            raise ModelError('only a rollout="canary" has weights', field="weight_percent")
        if slot is None and guard is not None:
            raise ModelError("only a rollout has a guard", field="guard")
        return None if slot is None else Entrance("shadow", guard=guard)


def upload(
    client: Client, bundle: Bundle, scorer: str | None, entrance: Entrance | None, reason: str,
    timeout: float,
) -> PushedModel:
    """Uploads a bundle, and has a scorer take the model if one is named."""
    content = bundle.content
    if scorer is not None and entrance is not None:
        _check_closed(client, scorer, bundle)
    elif scorer is not None:
        _check_free(client, scorer, bundle)

    def parts() -> Iterator[models_pb2.UploadRequest]:
        yield models_pb2.UploadRequest(spec=bundle.spec, actor=client.actor, reason=reason)
        for start in range(0, len(content), UPLOAD_CHUNK_BYTES):
            yield models_pb2.UploadRequest(chunk=content[start:start + UPLOAD_CHUNK_BYTES])

    answer = client.channel.upload(
        "Models/Upload", parts, models_pb2.UploadRequest, models_pb2.UploadResponse,
        timeout=timeout)
    model = f"{answer.model.spec.name}@{answer.model.spec.version}"
    status = None
    if scorer is not None and entrance is not None:
        status = _enter(client, scorer, model, entrance, reason or f"push of {model}")
    elif scorer is not None:
        try:
            client.scorer(scorer)
        except NotFoundError:
            client.apply(
                Scorer(scorer, model, owner=bundle.spec.owner), reason=reason or f"push of {model}")
    return PushedModel(
        model=model, sha256=answer.model.spec.sha256.hex(), format=bundle.format,
        inputs=bundle.inputs, objective=answer.model.objective, trees=answer.model.trees,
        golden_rows=len(bundle.spec.golden), narrowed_rows=bundle.narrowed_rows,
        narrowed_by=bundle.narrowed_by, already_present=answer.already_present, scorer=scorer,
        slots=status)


def _enter(
    client: Client, scorer: str, model: str, entrance: Entrance, reason: str
) -> RolloutStatus:
    rollout = client.rollout(scorer)
    try:
        if entrance.slot == "shadow":
            return rollout.shadow(model, guard=entrance.guard, reason=reason)
        return rollout.canary(
            model, weight_percent=entrance.weight_percent,
            step_percents=entrance.step_percents, guard=entrance.guard, reason=reason)
    except KassaError as error:
        error.add_note(f"{model} is uploaded, and in no slot of {scorer}")
        raise


def _check_closed(client: Client, scorer: str, bundle: Bundle) -> None:
    """Refuses a second rollout beside an open one, before anything is uploaded."""
    try:
        rollout = client.rollout(scorer).status().rollout
    except NotFoundError:
        raise ModelError(
            f"there is no scorer {scorer}, and its first model serves at once: push it without a "
            "rollout", field="scorer") from None
    pushed = f"{bundle.spec.name}@{bundle.spec.version}"
    if rollout is not None and rollout.is_open and rollout.candidate.model != pushed:
        raise ModelError(
            f"{scorer} has a rollout of {rollout.candidate.model} already, in {rollout.phase}: promote "
            "or abort it first", field="scorer")


def _check_free(client: Client, scorer: str, bundle: Bundle) -> None:
    """Refuses to take a scorer from the model that it has, before anything is uploaded."""
    try:
        serving = client.scorer(scorer).model
    except NotFoundError:
        return
    if serving != f"{bundle.spec.name}@{bundle.spec.version}":
        raise ModelError(
            f"{scorer} serves {serving} already, and a push replaces no model that serves: bring "
            'this one in by a rollout="shadow", or rollout="canary" with weight_percent=1, say',
            field="scorer")
