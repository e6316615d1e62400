# SPDX-License-Identifier: Apache-2.0
"""From a trained object and its training frame to a verified model on the server.

The bundle that is uploaded has the artefact, the features behind its inputs, golden rows with the
trainer's own answers, and histograms of what the model was trained on. The server evaluates the
golden rows before the model exists, so an input in the wrong place or a category with the wrong
code is a refusal, not a wrong score.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kassa import columns, models, reference
from kassa.errors import (
    FrameError, ModelError, NotFoundError, PushWarning, RowProblem, RowsError)
from kassa.models import Artefact
from kassa.results import PushedModel
from kassa.schema import Feature, FeatureSet
from kassa.v1 import config_pb2, models_pb2, values_pb2

if TYPE_CHECKING:
    from kassa.client import Client

GOLDEN_ROWS_MAX = 1_000
# Rows whose scores the histogram of scores is made of.
SCORED_ROWS_MAX = 100_000
UPLOAD_CHUNK_BYTES = 1 << 20
# A spec travels in one message.
SPEC_BYTES_MAX = (4 << 20) - 65_536
SEED = 1


@dataclass(frozen=True)
class Platt:
    """Makes a probability of the score: 1 / (1 + exp(a x + b))."""

    a: float
    b: float

    def __call__(self, scores: columns.Array) -> columns.Array:
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

    def __call__(self, scores: columns.Array) -> columns.Array:
        return np.interp(scores, self.x, self.y)

    def to_proto(self) -> models_pb2.Calibration:
        """The message."""
        return models_pb2.Calibration(isotonic=models_pb2.IsotonicCalibration(x=self.x, y=self.y))


@dataclass(frozen=True)
class _Input:
    """One input of the model: the column of the frame, and the feature behind it."""

    column: str
    spec: FeatureSet
    feature: Feature
    categories: tuple[str, ...]
    # All rows as the server gets them: numbers, or texts.
    values: columns.Array
    missing: columns.Mask

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


def push(
    client: Client, model: object, *, feature_set: str | Sequence[str], training_frame: pd.DataFrame,
    name: str | None = None, version: int = 0,
    features: Sequence[str] | Mapping[str, str] | None = None,
    categories: Mapping[str, Sequence[str]] | None = None,
    calibration: Platt | Isotonic | None = None, scorer: str | None = None, golden_rows: int = 64,
    owner: str = "", description: str = "", labels: Mapping[str, str] | None = None,
    training_run_id: str = "", reason: str = "", timeout: float = 120.0,
) -> PushedModel:
    """Pushes a trained object of XGBoost, LightGBM or scikit-learn; see `kassa.push`."""
    if not isinstance(training_frame, pd.DataFrame) or not len(training_frame):
        raise FrameError("training_frame must be a DataFrame with rows")
    if not 1 <= golden_rows <= GOLDEN_ROWS_MAX:
        raise ModelError(f"golden_rows must be from 1 to {GOLDEN_ROWS_MAX:,}")
    sets = [client.feature_set(one)
            for one in ([feature_set] if isinstance(feature_set, str) else feature_set)]
    if not sets:
        raise ModelError("name at least one feature set")
    frame = training_frame.copy(deep=False)
    frame.columns = pd.Index([str(column) for column in frame.columns])
    found = _artefact(model, frame, sets, features)
    names = _names(found, sets, features)
    inputs = _inputs(found, names, frame, sets, features, dict(categories or {}))
    wide = _expanded(names, inputs, frame)
    official = _narrowed(wide)

    def score(rows: Any) -> columns.Array:
        scores = found.score(_fed(found, rows))
        return calibration(scores) if calibration is not None else scores

    if not found.takes_missing:
        _warn_of_missing(type(model).__name__, inputs)
    chance = np.random.default_rng(SEED)
    sample = np.arange(len(frame))
    if len(frame) > SCORED_ROWS_MAX:
        sample = np.sort(chance.choice(len(frame), SCORED_ROWS_MAX, replace=False))
    scores = score(official.iloc[sample])
    if not np.isfinite(scores).all():
        raise ModelError(
            "the model gives no finite score to row "
            f"{sample[~np.isfinite(scores)][0]} of the training frame")
    chosen = _golden_places(sample, scores, inputs, golden_rows, chance)
    narrowed_rows, narrowed_by = _narrowing(score, official, wide, chosen)
    spec = models_pb2.ModelSpec(
        name=name or sets[0].name, version=version,
        format=found.format,
        sha256=hashlib.sha256(found.content).digest(), byte_count=len(found.content),
        inputs=[
            models_pb2.ModelInput(
                feature_set=entry.spec.pinned, feature=entry.feature.name,
                categories=entry.categories if entry.column not in found.texts else ())
            for entry in inputs],
        owner=owner, description=description, labels=dict(labels or {}),
        golden=_golden(found, score, official, inputs, chosen, calibration is not None),
        histograms=_histograms(inputs), training_run_id=training_run_id)
    if calibration is not None:
        spec.output.kind = models_pb2.OUTPUT_VALUE
        # The score of two classes is the second one's; a single prediction has the number 0.
        spec.output.index = 1 if found.format == "ONNX" and _has_two_classes(model) else 0
        spec.output.calibration.CopyFrom(calibration.to_proto())
    score_histogram = reference.numbers(0, scores, np.zeros(len(scores), np.bool_))
    if score_histogram is not None:
        spec.score_histogram.CopyFrom(score_histogram)
    while spec.ByteSize() > SPEC_BYTES_MAX and len(spec.golden) > 1:
        del spec.golden[len(spec.golden) // 2:]

    def parts() -> Iterator[models_pb2.UploadRequest]:
        yield models_pb2.UploadRequest(spec=spec, actor=client.actor, reason=reason)
        for start in range(0, len(found.content), UPLOAD_CHUNK_BYTES):
            yield models_pb2.UploadRequest(chunk=found.content[start:start + UPLOAD_CHUNK_BYTES])

    answer = client.channel.upload(
        "Models/Upload", parts, models_pb2.UploadRequest, models_pb2.UploadResponse, timeout=timeout)
    pushed = f"{answer.model.spec.name}@{answer.model.spec.version}"
    if scorer is not None:
        _serve(client, scorer, pushed, owner, reason or f"push of {pushed}")
    return PushedModel(
        model=pushed, sha256=answer.model.spec.sha256.hex(), format=found.format.lower(),
        inputs=tuple(f"{entry.spec.pinned}.{entry.feature.name}" for entry in inputs),
        objective=answer.model.objective, trees=answer.model.trees, golden_rows=len(spec.golden),
        narrowed_rows=narrowed_rows, narrowed_by=narrowed_by,
        already_present=answer.already_present, scorer=scorer)


def _serve(client: Client, scorer: str, model: str, owner: str, reason: str) -> None:
    """Has a scorer serve a model; whatever else is declared of the scorer stays."""
    spec = config_pb2.ScorerSpec(name=scorer, owner=owner)
    try:
        spec = client.channel.call(
            "Config/Get", config_pb2.GetRequest(kind="scorer", name=scorer),
            config_pb2.GetResponse).document.scorer
    except NotFoundError:
        pass
    spec.model = model
    client.channel.call(
        "Config/Apply",
        config_pb2.ApplyRequest(
            documents=[config_pb2.Document(scorer=spec)], actor=client.actor, reason=reason),
        config_pb2.ApplyResponse)


def _has_two_classes(model: Any) -> bool:
    return len(getattr(model, "classes_", ())) == 2


# Which input is which feature.


def _artefact(
    model: object, frame: pd.DataFrame, sets: Sequence[FeatureSet],
    features: Sequence[str] | Mapping[str, str] | None,
) -> Artefact:
    taken = [str(column) for column in (frame.columns if features is None else features)]
    texts = []
    for column in taken:
        try:
            _, feature = _feature(column, sets, features)
        except ModelError:
            continue
        is_coded = column in frame and pd.api.types.is_numeric_dtype(frame[column])
        if feature.type == "string" and not is_coded:
            texts.append(column)
    return models.artefact(model, None if features is None else taken, texts)


def _names(
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
            for _, feature in (_feature(column, sets, features) for column in given))
        if named != found.count:
            raise ModelError(f"the model takes {found.count} features, and {named} are named")
        return given
    if given is not None and not isinstance(features, Mapping) and set(given) != set(found.names):
        raise ModelError(
            f"the model was trained on {', '.join(found.names)}, not on {', '.join(given)}")
    return found.names


def _feature(
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


def _inputs(
    found: Artefact, names: Sequence[str], frame: pd.DataFrame, sets: Sequence[FeatureSet],
    features: Sequence[str] | Mapping[str, str] | None, categories: dict[str, Sequence[str]],
) -> list[_Input]:
    gone = [name for name in names if name not in frame]
    if gone:
        raise FrameError(f"the training frame has no column {', '.join(gone)}", field=gone[0])
    unknown = [name for name in categories if name not in names]
    if unknown:
        raise ModelError(f"the model takes no column {', '.join(unknown)}", field=unknown[0])
    own = _own_categories(found, names, frame)
    inputs = []
    for column in found.inputs or names:
        spec, feature = _feature(column, sets, features)
        if feature.type == "strings":
            raise ModelError(f"no model takes {column}, a list of strings", field=column)
        if feature.type == "vector" and found.names is not None:
            raise ModelError(
                f"{column} is a vector, and the model has a name for each of its features: train it on "
                "an array, without names", field=column)
        cells, known = frame[column], own.get(column)
        texts: tuple[str, ...] = ()
        if feature.type == "string":
            texts, cells = _texts(column, feature, cells, known, categories.get(column), found)
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
            _Input(column, spec, feature, texts, converted.values, converted.missing))
    return inputs


def _own_categories(
    found: Artefact, names: Sequence[str], frame: pd.DataFrame
) -> dict[str, tuple[Any, ...]]:
    """The categories that the trainer coded, by column."""
    if found.categories_in_order is None:
        return dict(found.categories)
    coded = [name for name in names if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    if len(coded) != len(found.categories_in_order):
        raise ModelError(
            f"the model was trained with {len(found.categories_in_order)} categorical columns, and the "
            f"training frame has {len(coded)}")
    return dict(zip(coded, found.categories_in_order))


def _texts(
    column: str, feature: Feature, cells: Any, own: tuple[Any, ...] | None,
    given: Sequence[str] | None, found: Artefact,
) -> tuple[tuple[str, ...], Any]:
    """The categories of a text input in the order of their codes, and its cells as texts."""
    if column in found.texts:
        return tuple(sorted(cells.dropna().unique().tolist())), cells
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
    if is_coded:
        codes = pd.to_numeric(cells).to_numpy(np.float64, na_value=np.nan)
        there = ~np.isnan(codes)
        if not np.isin(codes[there], np.arange(len(known))).all():
            raise ModelError(f"{column} has codes beyond 0 to {len(known) - 1}", field=column)
        cells = pd.Series(pd.Categorical.from_codes(
            np.where(there, codes, -1).astype(np.int64), categories=pd.Index(known)))
    return tuple(known), cells


def _warn_of_missing(kind: str, inputs: Sequence[_Input]) -> None:
    """The server has no reason to refuse what the trainer would have refused."""
    open_ended = [
        entry.name for entry in inputs
        if entry.feature.default is None and entry.feature.on_missing not in ("default", "fail")]
    if open_ended:
        warnings.warn(
            f"{kind} takes no missing values, and {', '.join(open_ended)} may be missing when it "
            'serves: declare a default or on_missing="fail", or put an imputer into the pipeline',
            PushWarning, stacklevel=4)


# What the trainer says.


def _expanded(
    names: Sequence[str], inputs: Sequence[_Input], frame: pd.DataFrame
) -> pd.DataFrame:
    """The columns of the model; a vector has one for each component."""
    by_column = {entry.column: entry for entry in inputs}
    found: dict[str, Any] = {}
    for column in names:
        entry = by_column.get(column)
        if entry is None or entry.feature.type != "vector":
            found[column] = frame[column].reset_index(drop=True)
            continue
        for place in range(entry.width):
            component = entry.values[:, place].astype(np.float64)
            found[f"{column}[{place}]"] = pd.Series(np.where(entry.missing, np.nan, component))
    return pd.DataFrame(found)


def _narrowed(wide: pd.DataFrame) -> pd.DataFrame:
    """Numbers as float32 has them: so a model is served."""
    official = wide.copy()
    for column in wide.columns:
        if pd.api.types.is_numeric_dtype(official[column].dtype):
            numbers = official[column].to_numpy(np.float64, na_value=np.nan)
            with np.errstate(over="ignore"):
                official[column] = numbers.astype(np.float32).astype(np.float64)
    return official


def _fed(found: Artefact, rows: pd.DataFrame) -> Any:
    """Rows as the model was trained on: named or not."""
    if found.names is not None:
        return rows
    return rows.to_numpy(object) if found.texts else rows.to_numpy(np.float64, na_value=np.nan)


def _golden_places(
    sample: columns.Array, scores: columns.Array, inputs: Sequence[_Input], count: int,
    chance: np.random.Generator,
) -> columns.Array:
    """Rows from all over the scores, and rows that miss something."""
    ranked = sample[np.argsort(scores, kind="stable")]
    count = min(count, len(ranked))
    spread = ranked[np.linspace(0, len(ranked) - 1, count).round().astype(np.int64)]
    incomplete = np.zeros(len(sample), np.bool_)
    for entry in inputs:
        incomplete |= entry.missing[sample]
    gaps = sample[incomplete]
    kept = min(len(gaps), count // 4)
    if kept:
        spread = np.concatenate([chance.choice(gaps, kept, replace=False), spread])
    _, firsts = np.unique(spread, return_index=True)
    return spread[np.sort(firsts)][:count] if kept == 0 else _thinned(spread, firsts, kept, count)


def _thinned(
    places: columns.Array, firsts: columns.Array, kept: int, count: int
) -> columns.Array:
    """The first `kept` places, and of the others as many as still fit, evenly."""
    unique = places[np.sort(firsts)]
    rest = unique[kept:]
    room = min(len(rest), count - kept)
    even = rest[np.linspace(0, len(rest) - 1, room).round().astype(np.int64)] if room else rest[:0]
    return np.concatenate([unique[:kept], even])


def _narrowing(
    score: Any, official: pd.DataFrame, wide: pd.DataFrame, chosen: columns.Array
) -> tuple[int, float]:
    """How many of the golden rows score differently as float32, and by how much."""
    try:
        before = score(wide.iloc[chosen])
    except (TypeError, ValueError):
        # Nullable columns that the trainer does not take as they are.
        return 0, 0.0
    moved = np.abs(before - score(official.iloc[chosen]))
    return int((moved > 1e-6).sum()), float(moved.max(initial=0))


def _golden(
    found: Artefact, score: Any, official: pd.DataFrame, inputs: Sequence[_Input],
    chosen: columns.Array, is_calibrated: bool,
) -> list[models_pb2.GoldenRow]:
    rows = official.iloc[chosen]
    scores = score(rows)
    margins = found.margin(_fed(found, rows)) if found.margin is not None else None
    golden = []
    for number, row in enumerate(chosen.tolist()):
        entry = models_pb2.GoldenRow(
            values=[values_pb2.NamedValue(name=one.name, value=one.value(row)) for one in inputs],
            score=float(scores[number]),
            tolerance=found.tolerance * max(1.0, abs(float(scores[number]))))
        if margins is not None:
            entry.margin = float(margins[number])
        golden.append(entry)
    return golden


def _histograms(inputs: Sequence[_Input]) -> list[models_pb2.ReferenceHistogram]:
    found: list[models_pb2.ReferenceHistogram | None] = []
    for entry in inputs:
        if entry.is_text:
            found.append(
                reference.texts(len(found), entry.values, entry.missing, entry.categories))
            continue
        with np.errstate(over="ignore"):
            narrow = entry.values.astype(np.float32).reshape(len(entry.missing), entry.width)
        for place in range(entry.width):
            found.append(reference.numbers(len(found), narrow[:, place], entry.missing))
    return [histogram for histogram in found if histogram is not None]
