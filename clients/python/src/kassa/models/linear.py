# SPDX-License-Identifier: Apache-2.0
"""Linear models of scikit-learn with their scalers, imputers and one-hot encoders as plain JSON.

Each column that reaches the model is a straight line of one input, or tells whether an input is one
category; so the whole is a sum of one term per input, in float64, which a person can read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


class NotLinear(Exception):
    """The object is not of this kind; it may still be one for ONNX."""


@dataclass(frozen=True)
class _Line:
    """slope * x + offset; `missing` instead where x is missing, None where that has no answer."""

    input: str
    slope: float = 1.0
    offset: float = 0.0
    missing: float | None = None

    def through(self, slope: float, offset: float) -> _Line:
        """Behind another straight line."""
        return replace(
            self, slope=self.slope * slope, offset=self.offset * slope + offset,
            missing=None if self.missing is None else self.missing * slope + offset)


@dataclass(frozen=True)
class _Text:
    """A text as it came; `missing` is the text that stands in for a missing one."""

    input: str
    missing: str | None = None


@dataclass(frozen=True)
class _Is:
    """1 where the input is `category`, else 0."""

    input: str
    category: str
    known: tuple[str, ...]
    missing: str | None


_Column = _Line | _Text | _Is


@dataclass(frozen=True)
class LinearModel:
    """The document, and the inputs in the order of its terms."""

    content: bytes
    inputs: tuple[str, ...]
    texts: frozenset[str]
    # Inputs without which there is no answer.
    needed: tuple[str, ...]


def linear_model(model: Any, names: Sequence[str], texts: Sequence[str]) -> LinearModel:
    """The plain document of a linear model or a pipeline that ends in one; NotLinear if it is none."""
    columns: list[_Column] = [_Text(name) if name in texts else _Line(name) for name in names]
    steps = [step for _, step in model.steps] if _is(model, "Pipeline") else [model]
    for step in steps[:-1]:
        columns = _through(step, columns)
    estimator = steps[-1]
    link = _link(estimator)
    weights = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    if weights.shape != (1, len(columns)):
        raise NotLinear("has several outputs")
    intercept = float(np.ravel(estimator.intercept_)[0])
    return _document(link, intercept, weights[0].tolist(), columns)


def _is(step: Any, *names: str) -> bool:
    """Whether a step is exactly one of scikit-learn's own classes: a subclass may do anything."""
    return type(step).__module__.startswith("sklearn.") and type(step).__name__ in names


def _link(estimator: Any) -> str:
    if _is(estimator, "LogisticRegression", "LogisticRegressionCV"):
        if len(estimator.classes_) != 2:
            raise NotLinear("has several classes")
        return "logistic"
    if _is(estimator, "SGDClassifier") and estimator.loss == "log_loss":
        if len(estimator.classes_) == 2:
            return "logistic"
    if _is(estimator, "PoissonRegressor", "GammaRegressor"):
        return "exponential"
    if _is(estimator, "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet",
           "ElasticNetCV", "SGDRegressor", "HuberRegressor", "BayesianRidge", "ARDRegression",
           "LinearSVR", "Lars", "LassoLars"):
        return "identity"
    raise NotLinear(f"{type(estimator).__name__} is no linear model")


def _through(step: Any, columns: list[_Column]) -> list[_Column]:
    """The columns behind a step."""
    if step is None or isinstance(step, str) and step == "passthrough":
        return columns
    if _is(step, "Pipeline"):
        for _, inner in step.steps:
            columns = _through(inner, columns)
        return columns
    if _is(step, "ColumnTransformer"):
        return _of_transformer(step, columns)
    if _is(step, "SimpleImputer"):
        if step.add_indicator or not (step.missing_values is np.nan or step.missing_values is None):
            raise NotLinear("the imputer does more than stand in for missing values")
        if len(step.statistics_) != len(columns):
            raise NotLinear("the imputer drops columns")
        return [_imputed(column, value) for column, value in zip(columns, step.statistics_)]
    if _is(step, "OneHotEncoder"):
        return _one_hot(step, columns)
    slopes, offsets = _lines(step, len(columns))
    behind: list[_Column] = []
    for column, slope, offset in zip(columns, slopes, offsets, strict=True):
        if not isinstance(column, _Line):
            raise NotLinear("a category is scaled")
        behind.append(column.through(float(slope), float(offset)))
    return behind


def _imputed(column: _Column, value: Any) -> _Column:
    if isinstance(column, _Line) and column.missing is None:
        return replace(column, missing=float(value))
    if isinstance(column, _Text) and isinstance(value, str):
        return replace(column, missing=value)
    return column


def _lines(step: Any, count: int) -> tuple[Any, Any]:
    """Slopes and offsets of a scaler."""
    ones, zeros = np.ones(count), np.zeros(count)
    if _is(step, "StandardScaler"):
        slopes = 1 / (ones if step.scale_ is None else step.scale_)
        return slopes, -(zeros if step.mean_ is None else step.mean_) * slopes
    if _is(step, "MinMaxScaler") and not step.clip:
        return step.scale_, step.min_
    if _is(step, "MaxAbsScaler"):
        return 1 / step.scale_, zeros
    if _is(step, "RobustScaler"):
        slopes = 1 / (step.scale_ if step.with_scaling else ones)
        return slopes, -(step.center_ if step.with_centering else zeros) * slopes
    raise NotLinear(f"{type(step).__name__} is no straight line")


def _one_hot(step: Any, columns: list[_Column]) -> list[_Column]:
    behind: list[_Column] = []
    for place, (column, categories) in enumerate(zip(columns, step.categories_, strict=True)):
        if not isinstance(column, _Text) or not all(isinstance(name, str) for name in categories):
            raise NotLinear("one-hot encoding of other than strings")
        if step.handle_unknown not in ("ignore", "error") or step.max_categories or step.min_frequency:
            raise NotLinear("one-hot encoding with rare categories")
        dropped = None if step.drop_idx_ is None else step.drop_idx_[place]
        known = tuple(categories)
        behind += [
            _Is(column.input, name, known, column.missing)
            for number, name in enumerate(known) if number != dropped]
    return behind


def _of_transformer(step: Any, columns: list[_Column]) -> list[_Column]:
    names = list(getattr(step, "feature_names_in_", range(len(columns))))
    behind: list[_Column] = []
    for _, transformer, chosen in step.transformers_:
        if isinstance(transformer, str) and transformer == "drop":
            continue
        if isinstance(chosen, slice) or callable(chosen) or np.asarray(chosen).dtype == np.bool_:
            raise NotLinear("columns of a ColumnTransformer that are no names or numbers")
        places = [names.index(name) if isinstance(name, str) else int(name)
                  for name in ([chosen] if isinstance(chosen, str) else chosen)]
        behind += _through(transformer, [columns[place] for place in places])
    return behind


def _document(
    link: str, intercept: float, weights: Sequence[float], columns: Sequence[_Column]
) -> LinearModel:
    inputs = tuple(dict.fromkeys(column.input for column in columns))
    terms: list[dict[str, Any]] = []
    needed, texts = [], []
    for name in inputs:
        own = [(weight, column) for weight, column in zip(weights, columns) if column.input == name]
        if all(isinstance(column, _Line) for _, column in own):
            lines = [(weight, column) for weight, column in own if isinstance(column, _Line)]
            offset = sum(weight * line.offset for weight, line in lines)
            intercept += offset
            if any(line.missing is None for _, line in lines):
                needed.append(name)
            missing = sum(weight * (line.missing or 0.0) for weight, line in lines) - offset
            terms.append({
                "feature": name, "weight": sum(weight * line.slope for weight, line in lines),
                "missing": missing})
            continue
        hots = [(weight, column) for weight, column in own if isinstance(column, _Is)]
        if len(hots) != len(own):
            raise NotLinear("an input is a number and a category")
        points = dict.fromkeys(hots[0][1].known, 0.0)
        for weight, hot in hots:
            points[hot.category] += weight
        stand_in = hots[0][1].missing
        texts.append(name)
        terms.append({
            "feature": name, "categories": points, "other": 0.0,
            "missing": points.get(stand_in, 0.0) if stand_in is not None else 0.0})
    document = {"kassa_model": 1, "link": link, "intercept": intercept, "terms": terms}
    return LinearModel(
        json.dumps(document, indent=1, ensure_ascii=False).encode(), inputs, frozenset(texts),
        tuple(needed))
