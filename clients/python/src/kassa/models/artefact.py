# SPDX-License-Identifier: Apache-2.0
"""What a trained object comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.float64]
Format: TypeAlias = Literal["XGBOOST_JSON", "XGBOOST_UBJ", "LIGHTGBM_TEXT", "ONNX", "PLAIN_JSON"]


@dataclass(frozen=True)
class Artefact:
    """The file, its inputs, and the trainer's own answers."""

    format: Format
    content: bytes
    # The names of the columns that it takes, in its order; None if it was trained without names.
    names: tuple[str, ...] | None
    count: int
    # What Score must answer to the rows of a frame that has exactly those columns.
    score: Callable[[Any], Numbers]
    # The margin behind it, where the server's margin is the trainer's.
    margin: Callable[[Any], Numbers] | None = None
    # The categories of columns that the trainer coded itself, in the order of their codes. None
    # stands for all categorical columns of the frame, one after another.
    categories: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    categories_in_order: tuple[tuple[Any, ...], ...] | None = None
    # Whether other categorical columns of a frame are taken for their codes, not for their values.
    takes_codes: bool = False
    # Text inputs that the artefact codes itself.
    texts: frozenset[str] = frozenset()
    # The columns that it really takes, if that is not all of `names`.
    inputs: tuple[str, ...] | None = None
    # Whether the trainer has an answer where a number is missing.
    takes_missing: bool = True
    # The number of the likeliest class, in the artefact's order; None for what predicts no classes.
    likeliest: Callable[[Any], Numbers] | None = None
    # How far float32 arithmetic may be from the trainer's; 0 means the server's default of 1e-6.
    tolerance: float = 0.0


def first(predictions: Any) -> Numbers:
    """Of several predictions the first: that is what the server calls the score."""
    found = np.asarray(predictions, dtype=np.float64)
    return found if found.ndim == 1 else found[:, 0]


def likeliest(predictions: Any) -> Numbers:
    """The number of the largest prediction; of a single one whether it is above a half."""
    found = np.asarray(predictions, dtype=np.float64)
    chosen = found > 0.5 if found.ndim == 1 else found.argmax(axis=1)
    return chosen.astype(np.float64)
