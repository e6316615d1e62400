# SPDX-License-Identifier: Apache-2.0
"""Bundles: an artefact with what the server needs to know of it, and to check it by.

A bundle has the artefact, the features behind its inputs, golden rows with the trainer's own
answers, and histograms of what the model was trained on. The server evaluates the golden rows
before the model exists, so an input in the wrong place or a category with the wrong code is a
refusal, not a wrong score.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from kassa import reference
from kassa.cells import Array
from kassa.calibration import Isotonic, Platt
from kassa.errors import FrameError, ModelError
from kassa.golden import expanded, fed, golden, golden_places, narrowed, narrowing
from kassa.inputs import Categories, artefact_of, inputs_of, names_of, warn_of_missing
from kassa.models import Artefact
from kassa.schema import FeatureSet, value_python
from kassa.v1 import models_pb2

# What the score is, if not what the artefact suggests.
Output: TypeAlias = Literal["class"]
GOLDEN_ROWS_MAX = 1_000
# Rows whose scores the histogram of scores is made of.
SCORED_ROWS_MAX = 100_000
# A spec travels in one message.
SPEC_BYTES_MAX = (4 << 20) - 65_536
_SEED = 1
_ENDINGS = {
    "XGBOOST_JSON": "json", "XGBOOST_UBJ": "ubj", "LIGHTGBM_TEXT": "txt", "ONNX": "onnx",
    "PLAIN_JSON": "json",
}


@dataclass(frozen=True)
class Bundle:
    """A model that can be pushed, or written to a folder for `kassa model upload`."""

    spec: models_pb2.ModelSpec
    content: bytes
    # Golden rows whose score moved by more than a millionth when float64 inputs became float32,
    # which is what models are served with; and by how much the furthest.
    narrowed_rows: int
    narrowed_by: float

    @property
    def format(self) -> str:
        """ "xgboost_ubj", "lightgbm_text", "onnx", "plain_json", ... """
        return models_pb2.ModelFormat.Name(self.spec.format).lower()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs in the artefact's order, "cart@3.items"."""
        return tuple(f"{entry.feature_set}.{entry.feature}" for entry in self.spec.inputs)

    def write(self, folder: str | os.PathLike[str]) -> pathlib.Path:
        """Writes the files of `kassa model upload` into a folder; the path of `model.yaml`.

        They are the artefact, `golden.jsonl`, `histograms.jsonl` and `model.yaml`, which names
        the others.
        """
        place = pathlib.Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        artefact = f"artefact.{_ENDINGS[models_pb2.ModelFormat.Name(self.spec.format)]}"
        (place / artefact).write_bytes(self.content)
        _write_lines(place / "golden.jsonl", (_golden_line(row) for row in self.spec.golden))
        histograms = [_histogram_line(one, one.input) for one in self.spec.histograms]
        if self.spec.HasField("score_histogram"):
            histograms.append(_histogram_line(self.spec.score_histogram, "score"))
        _write_lines(place / "histograms.jsonl", histograms)
        lines = {
            "kind": "model", "name": self.spec.name, "version": self.spec.version or None,
            "format": self.format, "artefact": artefact, "golden": "golden.jsonl",
            "histograms": "histograms.jsonl", "output": self._output(),
            "owner": self.spec.owner, "description": self.spec.description,
            "training_run_id": self.spec.training_run_id, "labels": dict(self.spec.labels),
        }
        text = [f"{key}: {_json(value)}" for key, value in lines.items() if value]
        text.append("inputs:")
        for name, entry in zip(self.inputs, self.spec.inputs):
            coded: dict[str, Any] = {"feature": name, "categories": list(entry.categories)}
            if entry.codes:
                coded["codes"] = list(entry.codes)
            text.append("  - " + _json(coded if entry.categories else name))
        document = place / "model.yaml"
        document.write_text("\n".join(text) + "\n", encoding="utf-8")
        return document

    def _output(self) -> dict[str, Any] | None:
        if not self.spec.HasField("output"):
            return None
        output = self.spec.output
        if output.kind == models_pb2.OUTPUT_CLASS:
            return {"kind": "class"}
        calibration: dict[str, Any] = (
            {"platt": {"a": output.calibration.platt.a, "b": output.calibration.platt.b}}
            if output.calibration.WhichOneof("method") == "platt" else
            {"isotonic": {"x": list(output.calibration.isotonic.x),
                          "y": list(output.calibration.isotonic.y)}})
        kind = models_pb2.OutputKind.Name(output.kind).removeprefix("OUTPUT_").lower()
        return {"kind": kind, "index": output.index, "calibration": calibration}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write_lines(path: pathlib.Path, lines: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(_json(line) + "\n" for line in lines), encoding="utf-8")


def _golden_line(row: models_pb2.GoldenRow) -> dict[str, Any]:
    line: dict[str, Any] = {
        "values": {entry.name: value_python(entry.value) for entry in row.values}}
    for name in ("score", "margin"):
        if row.HasField(name):
            line[name] = getattr(row, name)
    if row.tolerance:
        line["tolerance"] = row.tolerance
    return line


def _histogram_line(
    histogram: models_pb2.ReferenceHistogram, place: int | str
) -> dict[str, Any]:
    line: dict[str, Any] = {"input": place, "n": histogram.n}
    for name in ("edges", "counts", "categories", "category_counts"):
        if values := list(getattr(histogram, name)):
            line[name] = values
    for name in ("missing", "out_of_range", "other", "unseen"):
        if count := getattr(histogram, name):
            line[name] = count
    return line


def _answer(
    found: Artefact, output: str | None, calibration: object, kind: str
) -> Callable[[Any], Array]:
    """What the score is, before its calibration."""
    if output is None:
        return found.score
    if output != "class":
        raise ModelError(f'the output of a push is "class" or nothing, not {output!r}', field="output")
    if calibration is not None:
        raise ModelError("a class has no calibration", field="calibration")
    if found.likeliest is None:
        raise ModelError(
            f"the artefact of this {kind} predicts one number, and no classes", field="output")
    return found.likeliest


def bundle(
    model: object, sets: Sequence[FeatureSet], training_frame: pd.DataFrame, *,
    name: str | None = None, version: int = 0,
    features: Sequence[str] | Mapping[str, str] | None = None,
    categories: Mapping[str, Categories] | None = None,
    calibration: Platt | Isotonic | None = None, output: Output | None = None, golden_rows: int = 64,
    owner: str = "", description: str = "", labels: Mapping[str, str] | None = None,
    training_run_id: str = "",
) -> Bundle:
    """The bundle of a trained object; see `Client.bundle`."""
    if not isinstance(training_frame, pd.DataFrame) or not len(training_frame):
        raise FrameError("training_frame must be a DataFrame with rows")
    if not 1 <= golden_rows <= GOLDEN_ROWS_MAX:
        raise ModelError(f"golden_rows must be from 1 to {GOLDEN_ROWS_MAX:,}")
    if not sets:
        raise ModelError("name at least one feature set")
    frame = training_frame.copy(deep=False)
    frame.columns = pd.Index([str(column) for column in frame.columns])
    found = artefact_of(model, frame, sets, features)
    names = names_of(found, sets, features)
    inputs = inputs_of(found, names, frame, sets, features, categories or {})
    wide = expanded(names, inputs, frame)
    official = narrowed(wide, inputs, found.format)

    answer = _answer(found, output, calibration, type(model).__name__)

    def score(rows: pd.DataFrame) -> Array:
        scores = answer(fed(found, rows))
        return calibration(scores) if calibration is not None else scores

    if not found.takes_missing:
        warn_of_missing(type(model).__name__, inputs)
    chance = np.random.default_rng(_SEED)
    sample = np.arange(len(frame))
    if len(frame) > SCORED_ROWS_MAX:
        sample = np.sort(chance.choice(len(frame), SCORED_ROWS_MAX, replace=False))
    scores = score(official.iloc[sample])
    if not np.isfinite(scores).all():
        raise ModelError(
            "the model gives no finite score to row "
            f"{sample[~np.isfinite(scores)][0]} of the training frame")
    chosen = golden_places(sample, scores, inputs, golden_rows, chance)
    narrowed_rows, narrowed_by = narrowing(score, official, wide, chosen)
    spec = models_pb2.ModelSpec(
        name=name or sets[0].name, version=version, format=found.format,
        sha256=hashlib.sha256(found.content).digest(), byte_count=len(found.content),
        inputs=[
            models_pb2.ModelInput(
                feature_set=entry.spec.pinned, feature=entry.feature.name,
                categories=entry.categories if entry.column not in found.texts else (),
                codes=entry.codes)
            for entry in inputs],
        owner=owner, description=description, labels=dict(labels or {}),
        golden=golden(found, score, official, inputs, chosen),
        histograms=reference.histograms(inputs), training_run_id=training_run_id)
    if output == "class":
        spec.output.kind = models_pb2.OUTPUT_CLASS
    if calibration is not None:
        spec.output.kind = models_pb2.OUTPUT_VALUE
        # Of ONNX the score of two classes is the second one's; other files have one prediction.
        has_two_classes = len(getattr(model, "classes_", ())) == 2
        spec.output.index = 1 if found.format == "ONNX" and has_two_classes else 0
        spec.output.calibration.CopyFrom(calibration.to_proto())
    score_histogram = reference.numbers(0, scores, np.zeros(len(scores), np.bool_))
    if score_histogram is not None:
        spec.score_histogram.CopyFrom(score_histogram)
    while spec.ByteSize() > SPEC_BYTES_MAX and len(spec.golden) > 1:
        del spec.golden[len(spec.golden) // 2:]
    return Bundle(spec, found.content, narrowed_rows, narrowed_by)
