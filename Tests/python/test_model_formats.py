# SPDX-License-Identifier: Apache-2.0
"""Model files of every format through gRPC, against the answers of the libraries that wrote them.

Needs the data sets that are not part of the repository, as test_real_data.py does.
"""

import csv
import hashlib
import math
import struct

import pytest

import client as shop
from client import Client
from kassa.v1 import config_pb2, features_pb2, models_pb2, scoring_pb2, values_pb2

# Folder, file, format, the column of the score, and the columns of the classes if there are several.
CASES = [
    ("xgb_binary", "model.ubj", "XGBOOST_UBJ", "pred", []),
    ("xgb214_binary", "model.json", "XGBOOST_JSON", "pred", []),
    ("xgb_multiclass_softprob", "model.json", "XGBOOST_JSON", "pred0", ["pred0", "pred1", "pred2"]),
    ("lgb_binary", "model.txt", "LIGHTGBM_TEXT", "pred", []),
    ("onnx_mlp", "model.onnx", "ONNX", "probabilities[1]", ["probabilities[0]", "probabilities[1]"]),
    ("onnx_logreg_scaler", "model.onnx", "ONNX", "probabilities[1]",
     ["probabilities[0]", "probabilities[1]"]),
]


def is_float32(text):
    number = float(text)
    return math.isinf(number) or struct.unpack("f", struct.pack("f", number))[0] == number


def rows(folder, only_float32=False):
    """Pairs of input cells and expected cells; rows beyond the range of features are left out."""
    with open(folder / "input.csv") as inputs, open(folder / "expected.csv") as expected:
        for cells, answer in zip(csv.DictReader(inputs), csv.DictReader(expected)):
            filled = [cell for cell in cells.values() if cell]
            if any(abs(float(cell)) > 3e38 for cell in filled):
                continue
            if not only_float32 or all(is_float32(cell) for cell in filled):
                yield cells, answer


def golden(pairs, score_column):
    """Rows of the artefact's own inputs, with the score that its library gave."""
    return [
        shop.golden_row(
            [float(cell) if cell else None for cell in cells.values()],
            score=float(answer[score_column]), tolerance=1e-5)
        for cells, answer in pairs
    ]


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]}-{case[2]}" for case in CASES])
def test_a_model_answers_as_its_own_library(server, shared_data, case):
    name, file, format_name, score_column, class_columns = case
    folder = shared_data / "models" / "generated" / name
    # LightGBM compares float64: what lies between two float32 numbers must reach it as it is.
    is_wide = format_name == "LIGHTGBM_TEXT"
    pairs = list(rows(folder))
    assert len(pairs) >= 150
    golden_pairs = list(rows(folder, only_float32=True)) if is_wide else pairs
    assert not is_wide or len(golden_pairs) < len(pairs)
    names = list(pairs[0][0])
    set_name = f"{name}_{format_name.lower()}"
    with Client(server.address) as client:
        client.config.Apply(config_pb2.ApplyRequest(documents=[config_pb2.Document(
            feature_set=config_pb2.FeatureSetSpec(
                name=set_name, version=1, entity=["row"],
                features=[
                    config_pb2.FeatureSpec(name=f"f{index}", type=values_pb2.FLOAT64 if is_wide else values_pb2.FLOAT32)
                    for index in range(len(names))
                ]))]))
        artefact = (folder / file).read_bytes()
        client.upload(
            models_pb2.ModelSpec(
                name=set_name, format=models_pb2.ModelFormat.Value(format_name),
                sha256=hashlib.sha256(artefact).digest(), byte_count=len(artefact),
                inputs=[
                    models_pb2.ModelInput(feature_set=f"{set_name}@1", feature=f"f{index}")
                    for index in range(len(names))
                ],
                golden=golden(golden_pairs, score_column)),
            artefact)
        client.config.Apply(config_pb2.ApplyRequest(documents=[config_pb2.Document(
            scorer=config_pb2.ScorerSpec(name=set_name, model=f"{set_name}@1"))]))
        for number, (cells, answer) in enumerate(pairs):
            columns = []
            for index, column in enumerate(names):
                cell = cells[column]
                columns.append(shop.column(
                    f"f{index}", "doubles" if is_wide else "floats",
                    [float(cell) if cell else 0], absent=b"" if cell else b"\1"))
            reply = client.features.Write(features_pb2.WriteRequest(
                feature_set=set_name, columns=columns,
                keys=[values_pb2.KeyColumn(kind="row", ids=[f"r{number}"])]))
            assert not reply.errors
            found = client.scoring.Score(scoring_pb2.ScoreRequest(
                scorer=set_name, entities=[values_pb2.EntityKey(kind="row", id=f"r{number}")]))
            expected = float(answer[score_column])
            precision = 1e-12 if is_wide else 1e-5
            assert found.score == pytest.approx(expected, rel=precision, abs=precision / 10)
            assert list(found.class_scores) == pytest.approx(
                [float(answer[column]) for column in class_columns], rel=1e-5, abs=1e-6)


def test_a_model_that_takes_texts_answers_as_its_own_library(server, shared_data):
    """Two of the inputs are texts, which the file itself encodes."""
    folder = shared_data / "models" / "generated" / "onnx_logreg_strings"
    artefact = (folder / "model.onnx").read_bytes()
    with open(folder / "input.csv") as inputs, open(folder / "expected.csv") as expected:
        pairs = list(zip(csv.DictReader(inputs), csv.DictReader(expected)))
    assert len(pairs) >= 250
    texts = {"Month", "VisitorType"}
    names = {name: f"f{place}" for place, name in enumerate(pairs[0][0])}

    def values(cells):
        return [
            values_pb2.NamedValue(
                name=names[name], value=values_pb2.Value(text=cell) if name in texts
                else values_pb2.Value(number=float(cell)))
            for name, cell in cells.items() if name in texts or cell
        ]

    with Client(server.address) as client:
        client.apply(shop.feature_set(
            "texts", ["row"], *(
                shop.feature(short, "STRING" if name in texts else "FLOAT32")
                for name, short in names.items())))
        client.upload(
            models_pb2.ModelSpec(
                name="texts", format=models_pb2.ONNX, byte_count=len(artefact),
                sha256=hashlib.sha256(artefact).digest(),
                inputs=[
                    models_pb2.ModelInput(feature_set="texts@1", feature=short)
                    for short in names.values()],
                golden=[
                    models_pb2.GoldenRow(
                        values=values(cells), score=float(answer["probabilities[1]"]),
                        tolerance=1e-5)
                    for cells, answer in pairs]),
            artefact)
        client.apply(shop.scorer_spec("texts", "texts@1"))
        request = scoring_pb2.ScoreBatchRequest(
            scorer="texts", entities=[shop.entity("row", "")],
            rows=[scoring_pb2.ScoreRow(context=values(cells)) for cells, _ in pairs])
        answers = client.scoring.ScoreBatch(request, timeout=20).results
        for found, (_, answer) in zip(answers, pairs, strict=True):
            official = float(answer["probabilities[1]"])
            assert found.score == pytest.approx(official, rel=1e-5, abs=1e-6)
