# SPDX-License-Identifier: Apache-2.0
"""Bundles on their way to the server, and into service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kassa.bundle import Bundle
from kassa.errors import ModelError, NotFoundError
from kassa.results import PushedModel
from kassa.schema import Scorer
from kassa.v1 import models_pb2

if TYPE_CHECKING:
    from kassa.client import Client

UPLOAD_CHUNK_BYTES = 1 << 20


def upload(
    client: Client, bundle: Bundle, scorer: str | None, reason: str, timeout: float
) -> PushedModel:
    """Uploads a bundle, and has a scorer serve the model if one is named."""
    content = bundle.content
    if scorer is not None:
        _check_free(client, scorer, bundle)

    def parts() -> Iterator[models_pb2.UploadRequest]:
        yield models_pb2.UploadRequest(spec=bundle.spec, actor=client.actor, reason=reason)
        for start in range(0, len(content), UPLOAD_CHUNK_BYTES):
            yield models_pb2.UploadRequest(chunk=content[start:start + UPLOAD_CHUNK_BYTES])

    answer = client.channel.upload(
        "Models/Upload", parts, models_pb2.UploadRequest, models_pb2.UploadResponse,
        timeout=timeout)
    model = f"{answer.model.spec.name}@{answer.model.spec.version}"
    if scorer is not None:
        try:
            client.scorer(scorer)
        except NotFoundError:
            client.apply(
                Scorer(scorer, model, owner=bundle.spec.owner), reason=reason or f"push of {model}")
    return PushedModel(
        model=model, sha256=answer.model.spec.sha256.hex(), format=bundle.format,
        inputs=bundle.inputs, objective=answer.model.objective, trees=answer.model.trees,
        golden_rows=len(bundle.spec.golden), narrowed_rows=bundle.narrowed_rows,
        narrowed_by=bundle.narrowed_by, already_present=answer.already_present, scorer=scorer)


def _check_free(client: Client, scorer: str, bundle: Bundle) -> None:
    """Refuses to take a scorer from the model that it has, before anything is uploaded."""
    try:
        serving = client.scorer(scorer).model
    except NotFoundError:
        return
    if serving != f"{bundle.spec.name}@{bundle.spec.version}":
        raise ModelError(
            f"{scorer} serves {serving} already, and a push replaces no model that serves: push "
            "without a scorer, and bring the model in by a rollout", field="scorer")
