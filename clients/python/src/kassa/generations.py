# SPDX-License-Identifier: Apache-2.0
"""Generations: whole replacements of a feature set's rows, loaded beside the live ones."""

from __future__ import annotations

from kassa.channel import Channel
from kassa.results import Check
from kassa.v1 import generations_pb2


class Generations:
    """The part of a client that is about generations; `Client.load` takes all of these steps."""

    channel: Channel
    actor: str

    def begin_generation(self, feature_set: str, *, reason: str = "") -> tuple[int, int]:
        """Begins an empty generation: its number, and when it was created in microseconds."""
        response = self.channel.call(
            "Generations/Begin",
            generations_pb2.BeginGenerationRequest(
                feature_set=_bare(feature_set), actor=self.actor, reason=reason),
            generations_pb2.BeginGenerationResponse, repeatable=False)
        return response.generation.id, response.generation.created_at_us

    def check_generation(
        self, feature_set: str, generation: int, *, rows_min: int | None = None,
        row_change_max: float | None = None, null_rise_max: float | None = None,
        duplicate_share_max: float | None = None, psi_max: float | None = None,
        timeout: float = 300.0,
    ) -> Check:
        """Compares a loaded generation with what serves; None means the server's limit."""
        return Check.of(self.channel.call(
            "Generations/Check",
            generations_pb2.CheckGenerationRequest(
                feature_set=_bare(feature_set), id=generation, actor=self.actor,
                limits=generations_pb2.GenerationLimits(
                    rows_min=rows_min, row_change_max=row_change_max, null_rise_max=null_rise_max,
                    duplicate_share_max=duplicate_share_max, psi_max=psi_max)),
            generations_pb2.CheckGenerationResponse, timeout=timeout))

    def switch_generation(
        self, feature_set: str, generation: int, *, force: bool = False, reason: str = "",
        expected_serving: int | None = None,
    ) -> int:
        """Serves a generation that passed its gates; the epoch from then on."""
        return self.channel.call(
            "Generations/Switch",
            generations_pb2.SwitchGenerationRequest(
                feature_set=_bare(feature_set), id=generation, expected_serving=expected_serving,
                force=force, actor=self.actor, reason=reason),
            generations_pb2.SwitchGenerationResponse, repeatable=False).epoch

    def rollback_generation(
        self, feature_set: str, *, reason: str = "", expected_serving: int | None = None
    ) -> int:
        """Serves the generation before again; the epoch from then on."""
        return self.channel.call(
            "Generations/Rollback",
            generations_pb2.RollbackGenerationRequest(
                feature_set=_bare(feature_set), expected_serving=expected_serving,
                actor=self.actor, reason=reason),
            generations_pb2.RollbackGenerationResponse, repeatable=False).epoch

    def discard_generation(self, feature_set: str, generation: int, *, reason: str = "") -> int:
        """Gives up a generation that does not serve; the epoch from then on."""
        return self.channel.call(
            "Generations/Discard",
            generations_pb2.DiscardGenerationRequest(
                feature_set=_bare(feature_set), id=generation, actor=self.actor, reason=reason),
            generations_pb2.DiscardGenerationResponse, repeatable=False).epoch


def _bare(feature_set: str) -> str:
    return feature_set.split("@")[0]
