# SPDX-License-Identifier: Apache-2.0
"""Which input of a trained object is which feature, and its values as the server gets them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from kassa import columns, models
from kassa.cells import Array, Mask
from kassa.errors import FrameError, ModelError, PushWarning, RowProblem, RowsError
from kassa.models import Artefact
from kassa.schema import Feature, FeatureSet
from kassa.v1 import values_pb2


# Categories in the order of their codes 0, 1, 2, ..., or with the code of each.
Categories: TypeAlias = Sequence[str] | Mapping[str, float]


@dataclass(frozen=True)
class Input:
    """One input of the model: the column of the frame, and the feature behind it."""

    column: str
    spec: FeatureSet
    feature: Feature
    categories: tuple[str, ...]
    # All rows as the server gets them: numbers, or texts.
    values: Array
    missing: Mask
    # What the model sees of each category; empty means 0, 1, 2, ...
    codes: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """How many places of the artefact's row it takes."""
        return self.feature.dimension if self.feature.type == "vector" else 1

    @property
    def name(self) -> str:
        return f"{self.spec.name}.{self.feature.name}"

    @property
    def is_text(self) -> bool:
        return self.feature.type == "string"

    def value(self, row: int) -> values_pb2.Value:
        """The value of a row, as Score takes it."""
        if self.missing[row]:
            return values_pb2.Value(null=values_pb2.NullValue())
        found = self.values[row]
        match self.feature.type:
            case "string":
                return values_pb2.Value(text=found)
            case "bool":
                return values_pb2.Value(flag=bool(found))
            case "int64":
                return values_pb2.Value(integer=int(found))
            case "vector":
                return values_pb2.Value(vector=values_pb2.FloatVector(values=found.tolist()))
            case _:
                return values_pb2.Value(number=float(found))


def artefact_of(
    model: object, frame: pd.DataFrame, sets: Sequence[FeatureSet],
    features: Sequence[str] | Mapping[str, str] | None,
) -> Artefact:
    taken = [str(column) for column in (frame.columns if features is None else features)]
    texts = []
    for column in taken:
        try:
            _, feature = feature_of(column, sets, features)
        except ModelError:
            continue
        is_coded = column in frame and pd.api.types.is_numeric_dtype(frame[column])
        if feature.type == "string" and not is_coded:
            texts.append(column)
    return models.artefact(model, None if features is None else taken, texts)


def names_of(
    found: Artefact, sets: Sequence[FeatureSet], features: Sequence[str] | Mapping[str, str] | None
) -> tuple[str, ...]:
    """The columns of the frame behind the inputs, in the artefact's order."""
    given = tuple(features) if features is not None else None
    if found.names is None:
        if given is None:
            raise ModelError(
                f"the model was trained without names of its {found.count} features: name the columns "
                "of the training frame in the order of training, features=[...]")
        # A vector is as many features as it has components.
        named = sum(
            feature.dimension or 1
            for _, feature in (feature_of(column, sets, features) for column in given))
        if named != found.count:
            raise ModelError(f"the model takes {found.count} features, and {named} are named")
        return given
    if given is not None and not isinstance(features, Mapping) and set(given) != set(found.names):
        raise ModelError(
            f"the model was trained on {', '.join(found.names)}, not on {', '.join(given)}")
    return found.names


def feature_of(
    column: str, sets: Sequence[FeatureSet], features: Sequence[str] | Mapping[str, str] | None
) -> tuple[FeatureSet, Feature]:
    """The feature behind a column: "items", "cart.items" or "cart@3.items"."""
    wanted = features.get(column, column) if isinstance(features, Mapping) else column
    found = [
        (spec, feature) for spec in sets for feature in spec.features
        if wanted in (feature.name, f"{spec.name}.{feature.name}", f"{spec.pinned}.{feature.name}")]
    if not found:
        raise ModelError(
            f"{', '.join(spec.pinned for spec in sets)} has no feature {wanted}: map the model's "
            'columns to features, features={"column": "feature"}', field=column)
    if len(found) > 1:
        raise ModelError(
            f"{wanted} is a feature of {' and of '.join(spec.pinned for spec, _ in found)}: say which, "
            f'features={{"{column}": "{found[0][0].name}.{wanted}"}}', field=column)
    return found[0]


def inputs_of(
    found: Artefact, names: Sequence[str], frame: pd.DataFrame, sets: Sequence[FeatureSet],
    features: Sequence[str] | Mapping[str, str] | None, categories: Mapping[str, Categories],
) -> list[Input]:
    gone = [name for name in names if name not in frame]
    if gone:
        raise FrameError(f"the training frame has no column {', '.join(gone)}", field=gone[0])
    unknown = [name for name in categories if name not in names]
    if unknown:
        raise ModelError(f"the model takes no column {', '.join(unknown)}", field=unknown[0])
    own = _own_categories(found, names, frame)
    inputs = []
    for column in found.inputs or names:
        spec, feature = feature_of(column, sets, features)
        if feature.type == "strings":
            raise ModelError(f"no model takes {column}, a list of strings", field=column)
        if feature.type == "vector" and found.names is not None:
            raise ModelError(
                f"{column} is a vector, and the model has a name for each of its features: train it on "
                "an array, without names", field=column)
        cells, known = frame[column], own.get(column)
        texts: tuple[str, ...] = ()
        codes: tuple[float, ...] = ()
        if feature.type == "string":
            texts, codes, cells = _texts(
                column, feature, cells, known, categories.get(column), found)
        elif known is not None and list(known) != list(range(len(known))):
            raise ModelError(
                f"{column} is a category of numbers for the model, and the feature {feature.name} a "
                f"{feature.type}: make it a string feature", field=column)
        # What a model sees of a timestamp is how long ago it was, in seconds.
        judged = Feature(feature.name, "float64") if feature.type == "timestamp" else feature
        try:
            converted = columns.convert(cells, judged)
        except FrameError as error:
            raise FrameError(f"column {column}: {error}", field=column) from None
        if converted.problems:
            raise RowsError(f"the training frame does not fit {spec.pinned}", [
                RowProblem(row, column, why) for row, why in sorted(converted.problems.items())])
        inputs.append(
            Input(column, spec, feature, texts, converted.values, converted.missing, codes))
    return inputs


def _own_categories(
    found: Artefact, names: Sequence[str], frame: pd.DataFrame
) -> dict[str, tuple[Any, ...]]:
    """The categories that the trainer coded, by column."""
    if found.categories_in_order is None:
        in_frame: dict[str, tuple[Any, ...]] = {}
        for name in names if found.takes_codes else ():
            dtype = frame[name].dtype
            if isinstance(dtype, pd.CategoricalDtype):
                in_frame[name] = tuple(dtype.categories)
        return {**in_frame, **found.categories}
    coded = [name for name in names if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    if len(coded) != len(found.categories_in_order):
        raise ModelError(
            f"the model was trained with {len(found.categories_in_order)} categorical columns, and the "
            f"training frame has {len(coded)}")
    return dict(zip(coded, found.categories_in_order))


def _texts(
    column: str, feature: Feature, cells: Any, own: tuple[Any, ...] | None,
    given: Categories | None, found: Artefact,
) -> tuple[tuple[str, ...], tuple[float, ...], Any]:
    """The categories of a text input, their codes if they are not 0, 1, 2, ..., and its texts."""
    if column in found.texts:
        return tuple(sorted(cells.dropna().unique().tolist())), (), cells
    is_coded = pd.api.types.is_numeric_dtype(cells.dtype)
    if own is not None:
        known = own
    elif given is not None:
        known = tuple(given)
    elif isinstance(cells.dtype, pd.CategoricalDtype):
        known = tuple(cells.dtype.categories)
    elif feature.categories:
        known = feature.categories
    else:
        raise ModelError(
            f"which codes do the categories of {column} have? Make it a categorical column, or say "
            f'categories={{"{column}": [...]}} in the order of the codes', field=column)
    if not all(isinstance(name, str) for name in known):
        raise ModelError(
            f"{feature.name} is a string feature, and the categories of {column} are not strings",
            field=column)
    if given is not None and tuple(given) != tuple(known):
        raise ModelError(f"the model was trained with other categories of {column}", field=column)
    codes = _codes(column, given) if isinstance(given, Mapping) else ()
    if codes and not is_coded:
        raise ModelError(
            f"the codes of {column} are given, and the training frame has no numbers there: give it as "
            "the model was trained on it", field=column)
    if is_coded:
        cells = _decoded(column, cells, known, codes)
    return tuple(known), codes, cells


def _codes(column: str, given: Mapping[str, float]) -> tuple[float, ...]:
    """The codes of categories as a caller says them; none where they are 0, 1, 2, ..."""
    codes = tuple(float(code) for code in given.values())
    if not all(np.isfinite(code) and float(np.float32(code)) == code for code in codes):
        raise ModelError(f"a code of {column} is no float32", field=column)
    if len(set(codes)) != len(codes):
        raise ModelError(f"two categories of {column} have the same code", field=column)
    return () if codes == tuple(range(len(codes))) else codes


def _decoded(
    column: str, cells: Any, known: Sequence[str], codes: tuple[float, ...]
) -> pd.Series[Any]:
    """A column of codes as the texts that they stand for."""
    numbers = pd.to_numeric(cells).to_numpy(np.float64, na_value=np.nan)
    there = ~np.isnan(numbers)
    index = {code: place for place, code in enumerate(codes or range(len(known)))}
    strange = sorted({float(number) for number in numbers[there]} - index.keys())
    if strange and codes:
        raise ModelError(f"{column} has the code {strange[0]:g}, of no category", field=column)
    if strange:
        raise ModelError(f"{column} has codes beyond 0 to {len(known) - 1}", field=column)
    places = [index[number] if is_there else -1 for number, is_there in zip(numbers.tolist(), there)]
    return pd.Series(pd.Categorical.from_codes(
        np.asarray(places, np.int64), categories=pd.Index(known)))


def warn_of_missing(kind: str, inputs: Sequence[Input]) -> None:
    """The server has no reason to refuse what the trainer would have refused."""
    open_ended = [
        entry.name for entry in inputs
        if entry.feature.default is None and entry.feature.on_missing not in ("default", "fail")]
    if open_ended:
        warnings.warn(
            f"{kind} takes no missing values, and {', '.join(open_ended)} may be missing when it "
            'serves: declare a default or on_missing="fail", or put an imputer into the pipeline',
            PushWarning, stacklevel=5)
