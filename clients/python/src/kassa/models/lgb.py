# SPDX-License-Identifier: Apache-2.0
"""LightGBM: Booster, LGBMClassifier, LGBMRegressor, LGBMRanker."""

from __future__ import annotations

from typing import Any

from kassa.models.artefact import Artefact, first, likeliest


def artefact(model: Any) -> Artefact:
    """The artefact of a trained object; if it stopped early its best iteration, as it predicts."""
    import lightgbm

    booster = model if isinstance(model, lightgbm.Booster) else model.booster_
    names = tuple(booster.feature_name())
    unnamed = names == tuple(f"Column_{place}" for place in range(len(names)))
    kept = booster.pandas_categorical
    text = booster.model_to_string()
    if kept and not all(isinstance(name, str) for column in kept for name in column):
        # The server codes texts by this line, and takes whole numbers for the codes that they are.
        head, _, _ = text.rpartition("\npandas_categorical:")
        text = f"{head}\npandas_categorical:null\n"
    return Artefact(
        format="LIGHTGBM_TEXT", content=text.encode(),
        names=None if unnamed else names, count=len(names),
        score=lambda frame: first(booster.predict(frame)),
        margin=lambda frame: first(booster.predict(frame, raw_score=True)),
        likeliest=lambda frame: likeliest(booster.predict(frame)),
        categories_in_order=tuple(map(tuple, kept)) if kept else None)
