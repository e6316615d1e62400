# SPDX-License-Identifier: Apache-2.0
"""Calibrations: what makes a probability of a model's score, as part of its bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kassa.cells import Array
from kassa.v1 import models_pb2


@dataclass(frozen=True)
class Platt:
    """Makes a probability of the score: 1 / (1 + exp(a x + b))."""

    a: float
    b: float

    def __call__(self, scores: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(self.a * scores + self.b)), dtype=np.float64)

    def to_proto(self) -> models_pb2.Calibration:
        """The message."""
        return models_pb2.Calibration(platt=models_pb2.PlattCalibration(a=self.a, b=self.b))


@dataclass(frozen=True)
class Isotonic:
    """Makes a probability of the score: straight lines between the points, flat outside."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    @staticmethod
    def of(regression: Any) -> Isotonic:
        """The points of a fitted `sklearn.isotonic.IsotonicRegression`."""
        return Isotonic(
            tuple(map(float, regression.X_thresholds_)), tuple(map(float, regression.y_thresholds_)))

    def __call__(self, scores: Array) -> Array:
        return np.interp(scores, self.x, self.y)

    def to_proto(self) -> models_pb2.Calibration:
        """The message."""
        return models_pb2.Calibration(isotonic=models_pb2.IsotonicCalibration(x=self.x, y=self.y))
