# SPDX-License-Identifier: Apache-2.0
"""12,330 real shop sessions through gRPC: stored, scored, and compared with XGBoost's own answers.

Needs the data sets that are not part of the repository: in a folder shared/data above it, or where
KASSA_SHARED_DATA says.
"""

import asyncio
import csv
import hashlib
import json
import time

import grpc
import numpy as np
import pytest

import client as shop
import uci_split
from client import Client
from kassa.v1 import features_pb2, models_pb2

BATCH_ROWS = 1_000
CALLS_OPEN = 64

# The columns in the order of the file: name, type. Strings have their categories in code order.
COLUMNS = [
    ("administrative", "INT64"), ("administrative_duration", "FLOAT32"),
    ("informational", "INT64"), ("informational_duration", "FLOAT32"),
    ("product_related", "INT64"), ("product_related_duration", "FLOAT32"),
    ("bounce_rates", "FLOAT32"), ("exit_rates", "FLOAT32"), ("page_values", "FLOAT64"),
    ("special_day", "FLOAT32"), ("month", "STRING"), ("operating_systems", "INT64"),
    ("browser", "INT64"), ("region", "INT64"), ("traffic_type", "INT64"),
    ("visitor_type", "STRING"), ("weekend", "BOOL"),
]
CATEGORIES = {"month": uci_split.MONTHS, "visitor_type": uci_split.VISITORS}
VALUES = {
    "INT64": ("integers", int), "FLOAT32": ("floats", float), "FLOAT64": ("doubles", float),
    "STRING": ("texts", str), "BOOL": ("flags", lambda text: text == "TRUE"),
}


def upload(client, case, name, feature_set, features):
    """Uploads the case's model with the features of one set as its inputs, and its rows as golden."""
    artefact = (case / "model.json").read_bytes()
    with open(case / "input.csv", newline="", encoding="ascii") as file:
        _, *rows = csv.reader(file)
    with open(case / "expected.csv", newline="", encoding="ascii") as file:
        golden = [
            shop.golden_row(
                [float(cell) if cell else None for cell in row],
                margin=float(official["margin"]), tolerance=1e-5)
            for row, official in zip(rows, csv.DictReader(file))
        ]
    inputs = [
        models_pb2.ModelInput(
            feature_set=feature_set, feature=feature, categories=categories)
        for feature, categories in features
    ]
    return client.upload(
        models_pb2.ModelSpec(
            name=name, format=models_pb2.XGBOOST_JSON, inputs=inputs, golden=golden,
            sha256=hashlib.sha256(artefact).digest(), byte_count=len(artefact)),
        artefact)


def write_batches(client, name, prefix, count, columns_of):
    """Writes `count` rows in batches on one stream; every row must be applied."""
    batches = range(0, count, BATCH_ROWS)
    requests = [
        shop.write(name, [f"{prefix}{row}" for row in range(start, min(start + BATCH_ROWS, count))],
                   *columns_of(start, min(start + BATCH_ROWS, count)), sequence=start,
                   durability=features_pb2.DURABLE if start == 0 else features_pb2.FAST)
        for start in batches
    ]
    answers = list(client.features.WriteStream(iter(requests), timeout=60))
    assert [answer.sequence for answer in answers] == list(batches)
    assert not any(answer.HasField("refusal") or answer.errors for answer in answers)
    assert sum(answer.applied for answer in answers) == count


@pytest.fixture(scope="module")
def sessions(shared_data):
    with open(shared_data / "uci_shoppers/online_shoppers_intention.csv", newline="",
              encoding="ascii") as file:
        _, *rows = csv.reader(file)
    assert len(rows) == 12_330
    return rows


@pytest.fixture(scope="module")
def case(shared_data):
    return shared_data / "models/generated/xgb_binary"


@pytest.fixture(scope="module")
def kassa(server, sessions, case):
    client = Client(server.address)
    client.apply(
        shop.feature_set(
            "shopping", ["session"], *(shop.feature(name, kind) for name, kind in COLUMNS)))

    def columns_of(start, end):
        for place, (name, kind) in enumerate(COLUMNS):
            values, convert = VALUES[kind]
            yield shop.column(name, values, [convert(row[place]) for row in sessions[start:end]])

    write_batches(client, "shopping", "s-", len(sessions), columns_of)
    answer = upload(
        client, case, "purchase", "shopping@1",
        [(name, CATEGORIES.get(name, [])) for name, _ in COLUMNS])
    assert answer.model.trees == 40
    client.apply(shop.scorer_spec("purchase", "purchase@1"))
    yield client
    client.close()


@pytest.fixture(scope="module")
def scores(kassa, server, sessions):
    """Every session's score, in the order of the file, many calls open at once."""

    async def run():
        async with grpc.aio.insecure_channel(server.address) as channel:
            client = Client(server.address, channel)
            answers = [None] * len(sessions)
            rows = iter(range(len(sessions)))

            async def work():
                for row in rows:
                    answers[row] = await client.scoring.Score(
                        shop.score("purchase", f"s-{row}"), timeout=30)

            await asyncio.gather(*(work() for _ in range(CALLS_OPEN)))
            return answers

    answers = asyncio.run(run())
    assert all(answer.model == "purchase@1" and not answer.degraded for answer in answers)
    return answers


def report(capsys, text):
    with capsys.disabled():
        print(f"\n{text}", end=" ")


def percentiles(latencies):
    p50, p99 = np.percentile(latencies, [50, 99]) * 1e6
    return f"p50 {p50:.0f} us, p99 {p99:.0f} us"


def test_real_sessions_get_the_official_predictions(kassa, scores, sessions, case):
    with open(case / "input.csv", newline="", encoding="ascii") as file:
        _, *inputs = csv.reader(file)
    with open(case / "expected.csv", newline="", encoding="ascii") as file:
        expected = list(csv.DictReader(file))
    # The case's real rows are sessions of the file, found again by their values.
    table = np.array(
        [[float(uci_number(place, cell)) for place, cell in enumerate(row[:-1])]
         for row in sessions], dtype=np.float32)
    place_of = {row.tobytes(): index for index, row in enumerate(table)}
    compared = 0
    for cells, official in zip(inputs, expected):
        if official["kind"] != "real":
            continue
        row = place_of[np.array([float(cell) for cell in cells], dtype=np.float32).tobytes()]
        answer = scores[row]
        assert_official(answer, official)
        compared += 1
    assert compared == 200


def uci_number(place, cell):
    name, kind = COLUMNS[place]
    if name in CATEGORIES:
        return CATEGORIES[name].index(cell)
    return {"TRUE": 1, "FALSE": 0}[cell] if kind == "BOOL" else cell


def assert_official(answer, official):
    """The tolerance of the case's meta.json."""
    prediction, margin = float(official["pred"]), float(official["margin"])
    assert abs(answer.score - prediction) <= 1e-6 + 1e-5 * abs(prediction)
    assert abs(answer.margin - margin) <= 1e-5 + 1e-5 * abs(margin)


def test_every_row_of_the_case_gets_the_official_prediction(kassa, case):
    """Random and edge rows too (missing, one ulp beside a threshold, huge), as plain float32 features."""
    with open(case / "input.csv", newline="", encoding="ascii") as file:
        header, *inputs = csv.reader(file)
    with open(case / "expected.csv", newline="", encoding="ascii") as file:
        expected = list(csv.DictReader(file))
    kassa.apply(
        shop.feature_set("plain", ["session"], *(shop.feature(name, "FLOAT32") for name in header)))

    def columns_of(start, end):
        for place, name in enumerate(header):
            cells = [row[place] for row in inputs[start:end]]
            nulls = np.packbits([not cell for cell in cells], bitorder="little").tobytes()
            yield shop.column(name, "floats", [float(cell or 0) for cell in cells], nulls=nulls)

    write_batches(kassa, "plain", "case-", len(inputs), columns_of)
    upload(kassa, case, "plain", "plain@1", [(name, []) for name in header])
    kassa.apply(shop.scorer_spec("plain", "plain@1"))
    requests = [shop.score("plain", f"case-{row}") for row in range(len(inputs))]
    answers = list(kassa.scoring.ScoreStream(iter(requests), timeout=30))
    assert len(answers) == len(expected) == 409
    for answer, official in zip(answers, expected):
        assert answer.refusal.code == 0
        assert_official(answer, official)


def auc(labels, scores):
    """The area under the ROC curve, ties counted half (Mann and Whitney's U)."""
    _, ranks, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    positives = labels == 1
    count = positives.sum()
    return (middle[ranks][positives].sum() - count * (count + 1) / 2) / (
        count * (len(labels) - count))


def test_the_held_out_sessions_are_told_apart_as_well_as_published(
        scores, sessions, shared_data, capsys):
    with open(shared_data / "models/generated/uci_test_metrics.json", encoding="ascii") as file:
        published = json.load(file)
    labels = np.array([row[-1] == "TRUE" for row in sessions]).astype(int)
    held_out = uci_split.test_rows(labels)
    assert len(held_out) == published["test_rows"]
    given = np.array([answer.score for answer in scores])
    area = auc(labels[held_out], given[held_out])
    loss = -np.mean(np.log(np.where(labels == 1, given, 1 - given)[held_out]))
    report(capsys, f"held out: AUC {area:.4f}, log loss {loss:.4f};")
    assert round(area, 4) == published["metrics"]["xgb_binary"]["auc"]
    assert round(loss, 4) == published["metrics"]["xgb_binary"]["logloss"]


def test_stored_sessions_are_read_back_exactly(kassa, sessions):
    for start in range(0, len(sessions), 5_000):
        rows = sessions[start : start + 5_000]
        answer = kassa.features.Read(
            shop.read("shopping", ids=[f"s-{start + row}" for row in range(len(rows))]), timeout=30)
        (values,) = answer.feature_sets
        for place, ((name, kind), column) in enumerate(zip(COLUMNS, values.columns)):
            case, convert = VALUES[kind]
            written = [convert(row[place]) for row in rows]
            if kind == "FLOAT32":
                written = np.array(written, dtype=np.float32).tolist()
            assert list(getattr(column, case).values) == written, name
            assert column.statuses == b"\1" * len(rows)


def test_score_latency_seen_from_python(kassa, scores, sessions, capsys):
    """One call after another; what is measured is mostly grpcio, so the bound is generous."""
    latencies = []
    for row in range(3_000):
        begun = time.perf_counter()
        answer = kassa.scoring.Score(shop.score("purchase", f"s-{row}"), timeout=30)
        latencies.append(time.perf_counter() - begun)
        assert answer.score == scores[row].score
    report(capsys, f"Score from Python, one at a time: {percentiles(latencies)};")
    assert np.percentile(latencies, 50) < 0.05
