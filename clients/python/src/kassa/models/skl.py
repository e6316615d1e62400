# SPDX-License-Identifier: Apache-2.0
"""scikit-learn: linear models as plain JSON, trees as LightGBM's text, the rest through skl2onnx."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kassa.errors import ModelError, needed
from kassa.models.artefact import Artefact, Numbers, likeliest
from kassa.models.linear import NotLinear, linear_model
from kassa.models.trees import NotTrees, tree_text

# float32 arithmetic of ONNX beside the float64 of scikit-learn.
ONNX_TOLERANCE = 1e-5
# ONNX-ML opset whose operators the server knows.
_OPSET = {"": 15, "ai.onnx.ml": 3}


def artefact(
    model: Any, columns: Sequence[str] | None, text_columns: Sequence[str]
) -> Artefact:
    """The artefact of a fitted estimator or pipeline."""
    from sklearn.base import is_classifier
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(model)
    classes: Callable[[Any], Numbers] | None = None
    if is_classifier(model):
        if not hasattr(model, "predict_proba"):
            raise ModelError(
                f"{type(model).__name__} has no predict_proba: what would its score be? "
                "CalibratedClassifierCV gives it one")
        # Of two classes the second is the positive one; of more the first is the score.
        place = 1 if len(model.classes_) == 2 else 0

        def score(frame: Any) -> Numbers:
            return np.asarray(model.predict_proba(frame)[:, place], dtype=np.float64)

        def classes(frame: Any) -> Numbers:
            return likeliest(model.predict_proba(frame))
    else:
        def score(frame: Any) -> Numbers:
            return np.asarray(model.predict(frame), dtype=np.float64).reshape(len(frame), -1)[:, 0]

    found = _artefact(model, columns, text_columns, score)
    # A forest of two classes is the mean of one number, of which nobody knows that it is a chance.
    is_mean = found.format == "LIGHTGBM_TEXT" and b"\nobjective=" not in found.content
    if is_mean and len(getattr(model, "classes_", ())) == 2:
        return found
    return replace(found, likeliest=classes)


def _artefact(
    model: Any, columns: Sequence[str] | None, text_columns: Sequence[str],
    score: Callable[[Any], Numbers],
) -> Artefact:
    names = tuple(getattr(model, "feature_names_in_", ())) or None
    count = int(model.n_features_in_)
    taken = names or tuple(columns or ())
    if len(taken) == count:
        try:
            linear = linear_model(model, taken, text_columns)
        except NotLinear:
            pass
        else:
            if not linear.needed:
                return Artefact(
                    format="PLAIN_JSON", content=linear.content, names=names, count=count, score=score,
                    texts=linear.texts, inputs=linear.inputs)
    try:
        text = tree_text(model)
    except NotTrees:
        return _onnx(model, names, count, text_columns, score)
    return Artefact(
        format="LIGHTGBM_TEXT", content=text, names=names, count=count, score=score,
        takes_missing=_takes_missing(model))


def _onnx(
    model: Any, names: tuple[str, ...] | None, count: int, text_columns: Sequence[str], score: Any
) -> Artefact:
    try:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    except ImportError:
        raise needed(
            "skl2onnx", "sklearn",
            f"pushing a {type(model).__name__} (linear models behind an imputer go without, and trees)"
        ) from None
    texts = frozenset(text_columns) & frozenset(names or ())
    if texts and names is not None:
        types = [
            (name, (StringTensorType if name in texts else FloatTensorType)([None, 1]))
            for name in names]
    else:
        types = [("X", FloatTensorType([None, count]))]
    try:
        document = to_onnx(model, initial_types=types, target_opset=_OPSET, options=_options(model))
    except Exception as error:
        raise ModelError(
            f"skl2onnx does not convert this {type(model).__name__}: {str(error)[:300]}") from error
    return Artefact(
        format="ONNX", content=document.SerializeToString(), names=names, count=count, score=score,
        texts=texts, takes_missing=_takes_missing(model), tolerance=ONNX_TOLERANCE)


def _takes_missing(model: Any) -> bool:
    from sklearn.utils import get_tags

    return bool(get_tags(model).input_tags.allow_nan)


def _options(model: Any) -> dict[int, dict[str, bool]] | None:
    from sklearn.base import is_classifier

    return {id(model): {"zipmap": False}} if is_classifier(model) else None
