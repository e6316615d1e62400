# SPDX-License-Identifier: Apache-2.0
"""LightGBM: Booster, LGBMClassifier, LGBMRegressor, LGBMRanker."""

from __future__ import annotations

from typing import Any

from kassa.models.artefact import Artefact, first


def artefact(model: Any) -> Artefact:
    """The artefact of a trained object; if it stopped early its best iteration, as it predicts."""
    import lightgbm

    booster = model if isinstance(model, lightgbm.Booster) else model.booster_
    names = tuple(booster.feature_name())
    unnamed = names == tuple(f"Column_{place}" for place in range(len(names)))
    kept = booster.pandas_categorical
    return Artefact(
        format="LIGHTGBM_TEXT", content=booster.model_to_string().encode(),
        names=None if unnamed else names, count=len(names),
        score=lambda frame: first(booster.predict(frame)),
        margin=lambda frame: first(booster.predict(frame, raw_score=True)),
        categories_in_order=tuple(map(tuple, kept)) if kept else None)
