# SPDX-License-Identifier: Apache-2.0
"""XGBoost: Booster, XGBClassifier, XGBRegressor, XGBRanker and their like."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from kassa.errors import ModelError
from kassa.models.artefact import Artefact, first, likeliest


def artefact(model: Any) -> Artefact:
    """The artefact of a trained object; of one that stopped early as far as it predicts."""
    import xgboost

    if isinstance(model, xgboost.Booster):
        booster = model
    else:
        booster = model.get_booster()
        if model.missing is not None and not np.isnan(model.missing):
            raise ModelError(
                f"the model takes {model.missing} for missing, and the server only what is missing: "
                "train with NaN instead")
        best = getattr(model, "best_iteration", None) if model.early_stopping_rounds else None
        if best is not None:
            booster = booster[: best + 1]
    document = json.loads(booster.save_raw("json"))
    categories = _take_categories(document, booster.feature_names)
    if categories:
        content, format = json.dumps(document, separators=(",", ":")).encode(), "XGBOOST_JSON"
    else:
        content, format = bytes(booster.save_raw("ubj")), "XGBOOST_UBJ"

    is_label = document["learner"]["objective"]["name"] == "multi:softmax"

    def predict(frame: Any, margin: bool = False) -> Any:
        rows = xgboost.DMatrix(frame, enable_categorical=True)
        return booster.predict(rows, output_margin=margin)

    names = booster.feature_names
    return Artefact(
        format=format, content=content,  # type: ignore[arg-type]
        names=tuple(names) if names else None, count=booster.num_features(),
        score=lambda frame: first(predict(frame)),
        margin=lambda frame: first(predict(frame, margin=True)),
        likeliest=lambda frame: (first if is_label else likeliest)(predict(frame)),
        categories=categories, takes_codes=True)


def _take_categories(document: Any, names: list[str] | None) -> dict[str, tuple[Any, ...]]:
    """Takes out the dictionary that XGBoost 3.1 or later codes with: here the server does."""
    model = document["learner"]["gradient_booster"]
    model = model.get("gbtree", model).get("model", {})
    cats = model.get("cats")
    if not cats or not cats.get("enc"):
        return {}
    found: dict[str, tuple[Any, ...]] = {}
    segments = cats["feature_segments"]
    for place, (start, end) in enumerate(zip(segments, segments[1:])):
        if start == end or names is None:
            continue
        found[names[place]] = _decoded(cats["enc"][place])
    model["cats"] = {"enc": [], "feature_segments": [], "sorted_idx": []}
    return found


def _decoded(entry: Any) -> tuple[Any, ...]:
    """Strings are offsets and bytes; numbers are values."""
    if "offsets" in entry:
        text = bytes(value & 0xFF for value in entry["values"])
        return tuple(
            text[start:end].decode() for start, end in zip(entry["offsets"], entry["offsets"][1:]))
    return tuple(entry["values"])
