# SPDX-License-Identifier: Apache-2.0
"""Bundles on their way to the server, and into service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kassa.bundle import Bundle
from kassa.errors import NotFoundError
from kassa.results import PushedModel
from kassa.v1 import config_pb2, models_pb2

if TYPE_CHECKING:
    from kassa.client import Client

UPLOAD_CHUNK_BYTES = 1 << 20


def upload(
    client: Client, bundle: Bundle, scorer: str | None, reason: str, timeout: float
) -> PushedModel:
    """Uploads a bundle, and has a scorer serve the model if one is named."""
    content = bundle.content

    def parts() -> Iterator[models_pb2.UploadRequest]:
        yield models_pb2.UploadRequest(spec=bundle.spec, actor=client.actor, reason=reason)
        for start in range(0, len(content), UPLOAD_CHUNK_BYTES):
            yield models_pb2.UploadRequest(chunk=content[start:start + UPLOAD_CHUNK_BYTES])

    answer = client.channel.upload(
        "Models/Upload", parts, models_pb2.UploadRequest, models_pb2.UploadResponse,
        timeout=timeout)
    model = f"{answer.model.spec.name}@{answer.model.spec.version}"
    if scorer is not None:
        _serve(client, scorer, model, bundle.spec.owner, reason or f"push of {model}")
    return PushedModel(
        model=model, sha256=answer.model.spec.sha256.hex(), format=bundle.format,
        inputs=bundle.inputs, objective=answer.model.objective, trees=answer.model.trees,
        golden_rows=len(bundle.spec.golden), narrowed_rows=bundle.narrowed_rows,
        narrowed_by=bundle.narrowed_by, already_present=answer.already_present, scorer=scorer)


def _serve(client: Client, scorer: str, model: str, owner: str, reason: str) -> None:
    """Has a scorer serve a model; whatever else is declared of the scorer stays."""
    spec = config_pb2.ScorerSpec(name=scorer, owner=owner)
    try:
        spec = client.channel.call(
            "Config/Get", config_pb2.GetRequest(kind="scorer", name=scorer),
            config_pb2.GetResponse).document.scorer
    except NotFoundError:
        pass
    spec.model = model
    client.channel.call(
        "Config/Apply",
        config_pb2.ApplyRequest(
            documents=[config_pb2.Document(scorer=spec)], actor=client.actor, reason=reason),
        config_pb2.ApplyResponse)
