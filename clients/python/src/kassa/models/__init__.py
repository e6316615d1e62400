# SPDX-License-Identifier: Apache-2.0
"""Trained objects of XGBoost, LightGBM and scikit-learn as artefacts that the server reads.

Nothing of a library is imported unless an object of it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kassa.errors import ModelError
from kassa.models.artefact import Artefact

__all__ = ["Artefact", "artefact"]


def artefact(
    model: Any, columns: Sequence[str] | None, text_columns: Sequence[str]
) -> Artefact:
    """The artefact of a trained object.

    `columns` are what the caller says that its inputs are, in their order; `text_columns` are the
    columns of the training frame that are string features.
    """
    packages = {kind.__module__.split(".")[0] for kind in type(model).__mro__}
    if "xgboost" in packages:
        from kassa.models import xgb

        return xgb.artefact(model)
    if "lightgbm" in packages:
        from kassa.models import lgb

        return lgb.artefact(model)
    if "sklearn" in packages:
        from kassa.models import skl

        return skl.artefact(model, columns, text_columns)
    raise ModelError(
        f"a {type(model).__module__}.{type(model).__name__} cannot be pushed: give a trained object of "
        "XGBoost, LightGBM or scikit-learn, or upload an ONNX file with `kassa model upload`")
