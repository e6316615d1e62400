# SPDX-License-Identifier: Apache-2.0
"""Bundles with stock clients: golden rows, pinned outputs, encodings, histograms, contributions, batches."""

import csv
import hashlib
import json
import math
import struct
import urllib.request

import grpc
import numpy as np
import pytest

import client as shop
from client import Client, assert_refused, refusal
from kassa.v1 import config_pb2, models_pb2, scoring_pb2, values_pb2
from kassa_process import ROOT

Code = grpc.StatusCode
FIXTURES = ROOT / "Tests/Fixtures/models"
GOLDEN_MAX = 1_000
ROWS_MAX = 1_000


@pytest.fixture(scope="module")
def kassa(server):
    client = Client(server.address)
    shop.set_up_shop(client)
    _, inputs, _, _ = shop.fixture_model()
    columns = [
        shop.column(
            f"signal_{place}", "floats", [row[place] or 0 for row in inputs],
            absent=np.packbits([row[place] is None for row in inputs], bitorder="little").tobytes())
        for place in range(shop.SIGNALS)
    ]
    client.features.Write(shop.write("signals", ids(inputs), *columns), timeout=20)
    yield client
    client.close()


def ids(inputs):
    return [f"row-{number}" for number in range(len(inputs))]


def upload_error(kassa, spec, artefact=None):
    parts = shop.upload_parts(spec, artefact or shop.fixture_model()[0])
    return refusal(kassa.models.Upload, iter(parts))


def fixture_spec(**more):
    return shop.model_spec(shop.fixture_model()[0], **{"name": "trial", **more})


def serve(kassa, name, artefact=None, **more):
    """Uploads an artefact, the fixture's unless another is given, with a scorer of its name."""
    artefact = artefact or shop.fixture_model()[0]
    answer = kassa.upload(shop.model_spec(artefact, name, **more), artefact)
    kassa.apply(shop.scorer_spec(name, f"{name}@{answer.model.spec.version}"))
    return answer


def named(name, **value):
    return values_pb2.NamedValue(name=name, value=values_pb2.Value(**value))


def score(kassa, scorer, id, **more):
    return kassa.scoring.Score(shop.score(scorer, id, **more), timeout=20)


# Golden rows.


def test_a_model_without_golden_rows_is_refused_with_what_to_do(kassa):
    error = upload_error(kassa, fixture_spec(golden=[]))
    assert_refused(error, Code.INVALID_ARGUMENT, "spec.golden", "at least one", "--golden")


def test_as_many_golden_rows_as_the_limit_says_and_no_more(kassa):
    row = shop.fixture_golden(1)
    artefact = shop.fixture_model()[0]
    kassa.upload(fixture_spec(name="many", golden=row * GOLDEN_MAX), artefact)
    error = upload_error(kassa, fixture_spec(golden=row * (GOLDEN_MAX + 1)))
    assert_refused(error, Code.INVALID_ARGUMENT, "spec.golden", "1000")


def wrong(field, by):
    """The fixture's golden rows, the fourth off by a little."""
    _, inputs, scores, margins = shop.fixture_model()
    rows = [
        shop.golden_row(cells, score=a, margin=b, tolerance=1e-5)
        for cells, a, b in zip(inputs, scores, margins)
    ][:8]
    setattr(rows[3], field, getattr(rows[3], field) + by)
    return rows


@pytest.mark.parametrize("field", ["score", "margin"])
def test_a_golden_row_is_met_within_its_tolerance_and_not_beyond(kassa, field):
    artefact = shop.fixture_model()[0]
    kassa.upload(fixture_spec(name=f"near_{field}", golden=wrong(field, 0.5e-5)), artefact)
    error = upload_error(kassa, fixture_spec(golden=wrong(field, 2e-5)))
    assert_refused(error, Code.INVALID_ARGUMENT, f"spec.golden[3].{field}", "off by")


def test_inputs_in_the_wrong_order_do_not_pass_the_golden_rows(kassa):
    """The mistake that golden rows by name are for: everything fits, and every score is wrong."""
    _, inputs, scores, _ = shop.fixture_model()
    golden = [
        models_pb2.GoldenRow(score=expected, tolerance=1e-5, values=[
            named(f"signal_{place}", number=cell) if cell is not None
            else named(f"signals.signal_{place}", null=values_pb2.NullValue())
            for place, cell in enumerate(cells)])
        for cells, expected in zip(inputs, scores)
    ]
    artefact = shop.fixture_model()[0]
    kassa.upload(fixture_spec(name="by_name", golden=golden), artefact)
    turned = list(fixture_spec().inputs)[::-1]
    error = upload_error(kassa, fixture_spec(golden=golden, inputs=turned))
    assert_refused(error, Code.INVALID_ARGUMENT, "spec.golden[", ".score", "order")


def golden(**more):
    return [models_pb2.GoldenRow(**{"row": [0] * 5, "margin": 0, **more})]


@pytest.mark.parametrize("rows, words", [
    (golden(row=[]), ["golden[0]", "row or values"]),
    (golden(values=[named("signal_0", number=1)]), ["golden[0]", "row or values"]),
    ([models_pb2.GoldenRow(row=[0] * 5)], ["golden[0]", "score or a margin"]),
    (golden(row=[0] * 4), ["golden[0].row", "5 values"]),
    (golden(margin=math.nan), ["golden[0]", "finite"]),
    (golden(score=math.inf), ["golden[0]", "finite"]),
    (golden(tolerance=-1), ["golden[0].tolerance"]),
    (golden(tolerance=math.nan), ["golden[0].tolerance"]),
    (golden(tolerance=0.0100001), ["golden[0].tolerance"]),
    (golden(row=[], values=[named(shop.CANARY, number=1)]), ["golden[0].values[0].name"]),
    (golden(row=[], values=[named("signal_0", text=shop.CANARY)]), ["golden[0].values[0].value"]),
    (golden(row=[], values=[named("signal_0", number=1e300)]), ["golden[0].values[0].value"]),
    (golden(row=[], values=[values_pb2.NamedValue(name="signal_0")]),
     ["golden[0].values[0].value"]),
])
def test_a_golden_row_that_is_none_is_refused(kassa, rows, words):
    assert_refused(upload_error(kassa, fixture_spec(golden=rows)), Code.INVALID_ARGUMENT, *words)


def test_a_spec_is_as_large_as_the_limit_says_and_no_more(kassa):
    """Many golden rows, with the same value again and again."""
    value = named("signals.signal_1", number=1)
    row = models_pb2.GoldenRow(margin=1, values=[value] * 120)
    spec = fixture_spec(name="large", golden=[row] * GOLDEN_MAX)
    over = spec.ByteSize() - (3 << 20)
    assert over > 0
    assert_refused(upload_error(kassa, spec), Code.INVALID_ARGUMENT, "spec: more than 3145728")
    less = over // row.ByteSize() + 1
    spec = fixture_spec(name="large", golden=[row] * (GOLDEN_MAX - less))
    # Small enough: now it is the rows that are wrong.
    assert_refused(upload_error(kassa, spec), Code.INVALID_ARGUMENT, "spec.golden[0].margin")


def test_other_golden_rows_make_another_bundle(kassa):
    artefact = shop.fixture_model()[0]
    first = kassa.upload(fixture_spec(name="pinned"), artefact)
    assert kassa.upload(fixture_spec(name="pinned"), artefact).already_present
    error = upload_error(kassa, fixture_spec(name="pinned", version=1, golden=wrong("score", 0)))
    assert_refused(error, Code.ALREADY_EXISTS, "spec.version")
    assert first.model.spec.version == 1


# What is served after a start.


def patch(folder, old, new):
    """Replaces bytes in the data file of a server that does not run; LMDB keeps no checksums."""
    path = folder / "data.mdb"
    data = path.read_bytes()
    assert data.count(old) >= 1 and len(old) == len(new)
    path.write_bytes(data.replace(old, new))


def metrics(server):
    with urllib.request.urlopen(f"{server.admin}/metrics", timeout=20) as response:
        return response.read().decode()


def test_a_model_that_fails_its_golden_rows_at_start_is_not_served_and_the_rest_is(start_server):
    server = start_server()
    bad = 0.987654321098765
    artefact, inputs, _, margins = shop.fixture_model()
    with Client(server.address) as client:
        shop.set_up_shop(client)
        # A number that is nowhere else in the data file, and near enough to pass.
        row = shop.golden_row(inputs[0], margin=margins[0], tolerance=1e-5)
        row.margin = margins[0] + 3.33e-6
        mark = struct.pack("<d", row.margin)
        spec = shop.model_spec(artefact, "fragile", golden=shop.fixture_golden(4) + [row])
        client.upload(spec, artefact)
        client.apply(shop.scorer_spec("fragile", "fragile@1"))
        before = client.scoring.Score(shop.score("fragile", ""), timeout=20)
    assert 'kassa_models{state="unserved"} 0' in metrics(server)
    server.stop()
    assert "warning" not in "".join(server.output)
    patch(server.folder, mark, struct.pack("<d", bad))

    server = start_server(folder=server.folder)
    with Client(server.address) as client:
        error = refusal(client.scoring.Score, shop.score("fragile", ""))
        assert_refused(
            error, Code.FAILED_PRECONDITION, "fragile@1", "not served", "golden[4].margin")
        assert client.scoring.Score(shop.score("cart_abandonment", ""), timeout=20).score > 0
        got = client.models.Get(models_pb2.GetModelRequest(model="fragile"), timeout=20)
        assert "golden[4].margin" in got.model.defect and got.scorers == ["fragile"]
        listed = client.models.List(models_pb2.ListModelsRequest(), timeout=20).models
        assert {m.spec.name: bool(m.defect) for m in listed} == {
            "abandonment": False, "fragile": True}
        document = config_pb2.Document(scorer=shop.scorer_spec("another", "fragile@1"))
        error = refusal(client.config.Apply, config_pb2.ApplyRequest(documents=[document]))
        assert_refused(error, Code.FAILED_PRECONDITION, "model", "not served")
        batch = scoring_pb2.ScoreBatchRequest(scorer="fragile", rows=[scoring_pb2.ScoreRow()])
        assert_refused(
            refusal(client.scoring.ScoreBatch, batch), Code.FAILED_PRECONDITION, "not served")
    assert 'kassa_models{state="unserved"} 1' in metrics(server)
    server.stop()
    assert "warning: model fragile@1: golden[4].margin" in "".join(server.output)

    patch(server.folder, struct.pack("<d", bad), mark)
    server = start_server(folder=server.folder)
    with Client(server.address) as client:
        after = client.scoring.Score(shop.score("fragile", ""), timeout=20)
        assert (after.score, after.bundle_sha256) == (before.score, before.bundle_sha256)


# Outputs and calibrations.


def output(kind, **more):
    return models_pb2.ModelOutput(kind=models_pb2.OutputKind.Value(kind), **more)


def platt(a, b):
    return models_pb2.Calibration(platt=models_pb2.PlattCalibration(a=a, b=b))


def isotonic(x, y):
    return models_pb2.Calibration(isotonic=models_pb2.IsotonicCalibration(x=x, y=y))


X = [-2.0, -0.5, 0.25, 1.0, 3.0]
Y = [0.01, 0.2, 0.2, 0.65, 0.99]

OUTPUTS = {
    "margin": (output("OUTPUT_MARGIN"), lambda score, margin: margin),
    "class": (output("OUTPUT_CLASS"), lambda score, margin: float(score > 0.5)),
    "value": (output("OUTPUT_VALUE"), lambda score, margin: score),
    "probability": (output("OUTPUT_PROBABILITY"), lambda score, margin: score),
    "platt_margin": (
        output("OUTPUT_MARGIN", calibration=platt(-1.7, 0.3)),
        lambda score, margin: 1 / (1 + math.exp(-1.7 * margin + 0.3))),
    "platt_only": (
        output("OUTPUT_KIND_UNSPECIFIED", calibration=platt(-4, 2)),
        lambda score, margin: 1 / (1 + math.exp(-4 * score + 2))),
    "isotonic_margin": (
        output("OUTPUT_MARGIN", calibration=isotonic(X, Y)),
        lambda score, margin: float(np.interp(margin, X, Y))),
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_the_score_is_the_pinned_output_calibrated(kassa, case):
    pinned, expected = OUTPUTS[case]
    _, inputs, scores, margins = shop.fixture_model()
    golden = [
        shop.golden_row(cells, score=expected(a, b), margin=b, tolerance=1e-4)
        for cells, a, b in zip(inputs, scores, margins)
    ]
    name = f"output_{case}"
    serve(kassa, name, output=pinned, golden=golden)
    seen = set()
    for number in range(len(inputs)):
        answer = score(kassa, name, f"row-{number}")
        plain = score(kassa, "cart_abandonment", f"row-{number}")
        assert answer.margin == plain.margin == pytest.approx(margins[number], abs=1e-5)
        assert answer.score == pytest.approx(expected(plain.score, plain.margin), rel=1e-12)
        seen.add(round(answer.score, 6))
    assert len(seen) >= 2
    got = kassa.models.Get(models_pb2.GetModelRequest(model=name), timeout=20)
    assert got.model.spec.output == pinned


@pytest.mark.parametrize("given, word", [
    (output("OUTPUT_PROBABILITY", index=1), "output.index"),
    (output("OUTPUT_VALUE", index=2**32 - 1), "output.index"),
    (output("OUTPUT_MARGIN", index=1), "output.index"),
    (output("OUTPUT_CLASS", index=1), "output.index"),
    (output("OUTPUT_KIND_UNSPECIFIED", index=1), "output.index"),
    (models_pb2.ModelOutput(kind=99), "output.kind"),
    (output("OUTPUT_CLASS", calibration=platt(-1, 0)), "output.calibration"),
    (output("OUTPUT_MARGIN", calibration=models_pb2.Calibration()), "output.calibration"),
    (output("OUTPUT_MARGIN", calibration=platt(0, 0)), "calibration.platt"),
    (output("OUTPUT_MARGIN", calibration=platt(math.nan, 0)), "calibration.platt"),
    (output("OUTPUT_MARGIN", calibration=platt(1, math.inf)), "calibration.platt"),
    (output("OUTPUT_MARGIN", calibration=isotonic([1], [1])), "calibration.isotonic"),
    (output("OUTPUT_MARGIN", calibration=isotonic([1, 2], [1])), "calibration.isotonic"),
    (output("OUTPUT_MARGIN", calibration=isotonic([1, 1], [0, 1])), "calibration.isotonic.x"),
    (output("OUTPUT_MARGIN", calibration=isotonic([1, math.nan], [0, 1])), "isotonic.x"),
    (output("OUTPUT_MARGIN", calibration=isotonic([-1e308, 1e308], [0, 1])), "isotonic.x"),
    (output("OUTPUT_MARGIN", calibration=isotonic([1, 2], [1, 0])), "calibration.isotonic.y"),
    (output("OUTPUT_MARGIN", calibration=isotonic([1, 2], [0, 1.01])), "isotonic.y"),
    (output("OUTPUT_MARGIN", calibration=isotonic(range(1001), [0] * 1001)), "2 to 1000 points"),
])
def test_an_output_that_cannot_be_is_refused(kassa, given, word):
    assert_refused(
        upload_error(kassa, fixture_spec(output=given)), Code.INVALID_ARGUMENT, word)


def test_an_isotonic_calibration_has_as_many_points_as_the_limit_says(kassa):
    table = isotonic([place - 500 for place in range(1000)], [place / 999 for place in range(1000)])
    _, inputs, _, margins = shop.fixture_model()
    points = table.isotonic
    golden = [
        shop.golden_row(inputs[0], score=float(np.interp(margins[0], points.x, points.y)))]
    serve(kassa, "dense", output=output("OUTPUT_MARGIN", calibration=table), golden=golden)


# Encodings, defaults and texts.


def test_a_category_is_seen_as_its_code(kassa):
    """A text in the place of the first signal: each category stands for a number of the model's."""
    kassa.apply(shop.feature_set(
        "coded", ["session"], shop.feature("city", "STRING"),
        *(shop.feature(f"signal_{place}", "FLOAT32") for place in range(1, shop.SIGNALS))))
    coded = [models_pb2.ModelInput(
        feature_set="coded@1", feature="city", categories=["Oslo", "Rome", "Łódź"],
        codes=[1.5, -0.75, 1.5], other_code=-2, default=values_pb2.Value(text="Rome"))]
    coded += [
        models_pb2.ModelInput(feature_set="coded@1", feature=f"signal_{place}")
        for place in range(1, shop.SIGNALS)]
    serve(kassa, "coded", inputs=coded)
    for city, code in [
            ("Oslo", 1.5), ("Rome", -0.75), ("Łódź", 1.5), ("Atlantis", -2), ("", -2)]:
        kassa.features.Write(shop.write(
            "coded", [f"in-{city}"], shop.column("city", "texts", [city]),
            shop.column("signal_1", "floats", [0.5])))
        for context in ([], [named("city", text=city)]):
            answer = score(
                kassa, "coded", f"in-{city}", context=context, include=[scoring_pb2.FEATURES])
            same = score(kassa, "cart_abandonment", "", context=[
                named("signal_0", number=code), named("signal_1", number=0.5)])
            assert answer.score == same.score
            shown = answer.features[0].value
            # Two categories have the code of the first, and no category that of the fourth.
            assert shown == (
                values_pb2.Value(text="Rome") if code == -0.75 else values_pb2.Value(number=code))
    answer = score(kassa, "coded", "nobody", include=[scoring_pb2.FEATURES])
    same = score(kassa, "cart_abandonment", "", context=[named("signal_0", number=-0.75)])
    assert answer.score == same.score
    assert answer.features[0].status == values_pb2.DEFAULTED


def test_an_input_has_a_default_of_its_own(kassa):
    inputs = list(fixture_spec().inputs)
    inputs[0].default.number = 1.25
    inputs[1].default.integer = -1
    serve(kassa, "defaulting", inputs=inputs)
    answer = score(kassa, "defaulting", "nobody", include=[scoring_pb2.FEATURES])
    same = score(kassa, "cart_abandonment", "", context=[
        named("signal_0", number=1.25), named("signal_1", number=-1)])
    assert answer.score == same.score
    assert [f.status for f in answer.features][:3] == [
        values_pb2.DEFAULTED, values_pb2.DEFAULTED, values_pb2.NO_ENTITY]
    # A golden row that leaves a value out is a row that is not stored.
    row = models_pb2.GoldenRow(
        margin=answer.margin, values=[named("signal_4", null=values_pb2.NullValue())])
    serve(kassa, "defaulting_again", inputs=inputs, golden=[row])


def profile_input(**more):
    return models_pb2.ModelInput(feature_set="profile@1", feature="city", **more)


@pytest.mark.parametrize("given, word", [
    (profile_input(categories=["a", "b"], codes=[1]), "codes"),
    (profile_input(categories=["a"], codes=[math.nan]), "codes"),
    (profile_input(categories=["a"], other_code=math.inf), "other_code"),
    (profile_input(categories=["a"], default=values_pb2.Value(text="b")), "default"),
    (profile_input(categories=["a"], default=values_pb2.Value(number=1)), "default"),
    (models_pb2.ModelInput(feature_set="profile@1", feature="visits", codes=[1]), "codes"),
    (models_pb2.ModelInput(feature_set="profile@1", feature="visits", other_code=1), "other_code"),
    (models_pb2.ModelInput(feature_set="profile@1", feature="price",
                           default=values_pb2.Value(number=math.inf)), "default"),
])
def test_an_encoding_that_cannot_be_is_refused(kassa, given, word):
    inputs = [given] + list(fixture_spec().inputs)[1:]
    assert_refused(
        upload_error(kassa, fixture_spec(inputs=inputs)), Code.INVALID_ARGUMENT,
        f"inputs[0].{word}")


def texts_model():
    folder = FIXTURES / "onnx_texts"
    with open(folder / "input.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(folder / "expected.csv", newline="", encoding="utf-8") as file:
        scores = [float(row["pred1"]) for row in csv.DictReader(file)]
    return (folder / "model.onnx").read_bytes(), rows, scores


def texts_spec(artefact, golden, **more):
    return models_pb2.ModelSpec(**{
        "name": "texts", "format": models_pb2.ONNX, "golden": golden,
        "sha256": hashlib.sha256(artefact).digest(), "byte_count": len(artefact),
        "inputs": [
            models_pb2.ModelInput(feature_set="visits@1", feature=name)
            for name in ("price", "city", "device")],
        **more})


def test_a_model_with_texts_of_its_own_takes_string_features(kassa):
    artefact, rows, scores = texts_model()
    kassa.apply(shop.feature_set(
        "visits", ["session"], shop.feature("price", "FLOAT32"), shop.feature("city", "STRING"),
        shop.feature("device", "STRING")))

    def values(row):
        return [
            named("price", number=float(row["price"])), named("city", text=row["city"]),
            named("device", text=row["device"])]

    golden = [
        models_pb2.GoldenRow(values=values(row), score=expected, tolerance=1e-5)
        for row, expected in zip(rows, scores)]
    kassa.upload(texts_spec(artefact, golden), artefact)
    kassa.apply(shop.scorer_spec("texts", "texts@1"))
    kassa.features.Write(shop.write(
        "visits", ids(rows), shop.column("price", "floats", [float(r["price"]) for r in rows]),
        shop.column("city", "texts", [r["city"] for r in rows]),
        shop.column("device", "texts", [r["device"] for r in rows])))
    assert len({row["city"] for row in rows}) >= 5
    for number, expected in enumerate(scores):
        stored = score(kassa, "texts", f"row-{number}")
        given = score(kassa, "texts", "", context=values(rows[number]))
        assert stored.score == given.score == pytest.approx(expected, abs=1e-5)

    wrong_type = list(texts_spec(artefact, golden).inputs)
    wrong_type[1].feature = "price"
    wrong_type[0].feature = "city"
    error = upload_error(kassa, texts_spec(artefact, golden, inputs=wrong_type), artefact)
    assert_refused(error, Code.INVALID_ARGUMENT, "inputs[")
    own = list(texts_spec(artefact, golden).inputs)
    own[1].categories.extend(["Berlin", "Rome"])
    error = upload_error(kassa, texts_spec(artefact, golden, inputs=own), artefact)
    assert_refused(error, Code.INVALID_ARGUMENT, "inputs[1].categories", "itself")


# Histograms and words.


def histogram(**more):
    return models_pb2.ReferenceHistogram(**{
        "n": 10, "edges": [-1, 0, 1.5], "counts": [4, 3], "missing": 2, "out_of_range": 1, **more})


def texts(**more):
    return models_pb2.ReferenceHistogram(**{
        "n": 10, "categories": ["a", "b"], "category_counts": [4, 3], "other": 2, "unseen": 1,
        **more})


def test_histograms_are_kept_with_the_bundle_and_left_out_of_lists(kassa):
    given = [histogram(), histogram(input=4, edges=range(11), counts=[1] * 10, n=13)]
    answer = serve(
        kassa, "measured", histograms=given, score_histogram=histogram(),
        training_run_id="run 7", owner="growth", labels={"stage": "trial"})
    got = kassa.models.Get(models_pb2.GetModelRequest(model="measured"), timeout=20).model
    assert list(got.spec.histograms) == given and got.spec.score_histogram == histogram()
    assert got.spec.training_run_id == "run 7" and got.spec.labels == {"stage": "trial"}
    assert got.row_us > 0 and got.has_contributions and not got.defect
    assert len(got.spec.golden) == len(shop.fixture_golden())
    listed = kassa.models.List(models_pb2.ListModelsRequest(), timeout=20).models
    (short,) = [model for model in listed if model.spec.name == "measured"]
    assert not short.spec.histograms and not short.spec.golden
    assert not short.spec.HasField("score_histogram")
    assert not answer.model.spec.golden and answer.model.spec.training_run_id == "run 7"


@pytest.mark.parametrize("given, word", [
    (histogram(n=11), ".n"),
    (histogram(n=0, counts=[0, 0], missing=0, out_of_range=0), ".n"),
    (histogram(counts=[2**63, 2**63]), ".n"),
    (histogram(edges=[0, 0, 1]), ".edges"),
    (histogram(edges=[0, math.nan, 1]), ".edges"),
    (histogram(edges=[0, 1, math.inf]), ".edges"),
    (histogram(edges=[0, 1]), ".counts"),
    (histogram(edges=[0], counts=[]), ".counts"),
    (histogram(edges=range(12), counts=[1] * 11), ".counts"),
    (histogram(categories=["a"]), ".categories"),
    (histogram(edges=[], counts=[1], out_of_range=0), ".edges"),
    (texts(categories=["a", "a"]), ".categories"),
    (texts(category_counts=[4]), ".category_counts"),
    (texts(categories=[str(i) for i in range(21)], category_counts=[1] * 21), ".categories"),
    (texts(), ".edges"),
    (histogram(input=5), ".input"),
])
def test_a_histogram_that_cannot_be_is_refused(kassa, given, word):
    error = upload_error(kassa, fixture_spec(histograms=[given]))
    assert_refused(error, Code.INVALID_ARGUMENT, f"spec.histograms[0]{word}")


def test_an_input_has_one_histogram_and_a_text_one_of_categories(kassa):
    error = upload_error(kassa, fixture_spec(histograms=[histogram(), histogram()]))
    assert_refused(error, Code.INVALID_ARGUMENT, "spec.histograms[1].input")
    error = upload_error(kassa, fixture_spec(score_histogram=texts()))
    assert_refused(error, Code.INVALID_ARGUMENT, "spec.score_histogram")
    inputs = [profile_input(categories=["a", "b"])] + list(fixture_spec().inputs)[1:]
    twenty = texts(
        categories=[str(i) for i in range(20)], category_counts=[1] * 20, other=0, unseen=0, n=20)
    artefact = shop.fixture_model()[0]
    kassa.upload(fixture_spec(name="texted", inputs=inputs, histograms=[twenty]), artefact)
    error = upload_error(kassa, fixture_spec(inputs=inputs, histograms=[histogram()]))
    assert_refused(error, Code.INVALID_ARGUMENT, "spec.histograms[0].edges")


# Contributions.


def official_contributions():
    with open(shop.FIXTURE / "contributions.csv", newline="", encoding="ascii") as file:
        _, *rows = csv.reader(file)
    return [[float(cell) for cell in row] for row in rows]


def test_contributions_are_those_of_xgboost_and_sum_to_the_margin(kassa):
    official = official_contributions()
    assert len(official) == 6
    for number, row in enumerate(official):
        answer = score(
            kassa, "cart_abandonment", f"row-{number}", include=[scoring_pb2.CONTRIBUTIONS])
        found = {entry.name: entry.value for entry in answer.contributions}
        assert found == {
            f"signals.signal_{place}": pytest.approx(row[place], abs=2e-5)
            for place in range(shop.SIGNALS)}
        assert answer.expectation == pytest.approx(row[-1], abs=2e-5)
        assert answer.other_contributions == 0
        assert sum(found.values()) + answer.expectation == pytest.approx(answer.margin, abs=1e-5)
        sizes = [abs(entry.value) for entry in answer.contributions]
        assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("top", [1, 3, 5, 2**32 - 1])
def test_the_top_contributions_come_with_the_sum_of_the_others(kassa, top):
    everything = score(kassa, "cart_abandonment", "row-3", include=[scoring_pb2.CONTRIBUTIONS])
    answer = score(
        kassa, "cart_abandonment", "row-3", include=[scoring_pb2.CONTRIBUTIONS],
        top_contributions=top)
    assert list(answer.contributions) == list(everything.contributions)[:top]
    rest = sum(entry.value for entry in list(everything.contributions)[top:])
    assert answer.other_contributions == pytest.approx(rest, abs=1e-12)
    without = score(kassa, "cart_abandonment", "row-3", top_contributions=top)
    assert not without.contributions and without.expectation == 0


def test_a_model_that_has_no_contributions_says_so(kassa):
    folder = FIXTURES / "onnx_network"
    artefact = (folder / "model.onnx").read_bytes()
    with open(folder / "input.csv", newline="", encoding="utf-8") as file:
        names, *rows = list(csv.reader(file))
    with open(folder / "expected.csv", newline="", encoding="utf-8") as file:
        expected = list(csv.DictReader(file))
    row = shop.golden_row(
        [float(cell) for cell in rows[0]], score=float(expected[0]["pred2"]), tolerance=1e-4)
    kassa.apply(shop.feature_set(
        "network", ["session"], *(shop.feature(f"f{i}", "FLOAT32") for i in range(len(names)))))
    third = output("OUTPUT_PROBABILITY", index=2)
    spec = texts_spec(artefact, [row], name="network", output=third, inputs=[
        models_pb2.ModelInput(feature_set="network@1", feature=f"f{i}")
        for i in range(len(names))])
    assert not kassa.upload(spec, artefact).model.has_contributions
    kassa.apply(shop.scorer_spec("network", "network@1"))
    context = [named(f"f{i}", number=float(cell)) for i, cell in enumerate(rows[0])]
    assert score(kassa, "network", "", context=context).score == pytest.approx(row.score, abs=1e-4)
    request = shop.score("network", "", context=context, include=[scoring_pb2.CONTRIBUTIONS])
    error = refusal(kassa.scoring.Score, request)
    assert_refused(error, Code.FAILED_PRECONDITION, "include", "network@1")


# Batches.


def batch(scorer, rows, **more):
    return scoring_pb2.ScoreBatchRequest(scorer=scorer, rows=rows, **more)


def row(id=None, *context):
    entities = [] if id is None else [shop.entity("session", id)]
    return scoring_pb2.ScoreRow(entities=entities, context=context)


@pytest.mark.parametrize("include", [
    [], [scoring_pb2.FEATURES], [scoring_pb2.CONTRIBUTIONS, scoring_pb2.FEATURES]])
def test_each_result_of_a_batch_is_that_of_a_single_score(kassa, include):
    _, inputs, _, _ = shop.fixture_model()
    names = ids(inputs) + ["nobody", ""]
    answer = kassa.scoring.ScoreBatch(
        batch("cart_abandonment", [row(name) for name in names], include=include,
              top_contributions=2), timeout=20)
    assert len(answer.results) == len(names)
    assert len({result.score for result in answer.results}) > 10
    for name, result in zip(names, answer.results):
        single = score(kassa, "cart_abandonment", name, include=include, top_contributions=2)
        # Ages go on between the two calls.
        for each in (result, single):
            each.oldest_feature_age_ms = 0
            for value in each.features:
                value.age_ms = min(value.age_ms, 0)
        assert result == single


def test_rows_share_entities_and_values_and_may_override_them(kassa):
    shared = [named("signal_0", number=1), named("signal_1", number=2)]
    answer = kassa.scoring.ScoreBatch(batch(
        "cart_abandonment", entities=[shop.entity("session", "row-1")], context=shared,
        rows=[row(), row(None, named("signal_1", number=-3)), row()]), timeout=20)
    first = score(kassa, "cart_abandonment", "row-1", context=shared)
    second = score(
        kassa, "cart_abandonment", "row-1",
        context=[named("signal_0", number=1), named("signal_1", number=-3)])
    assert [result.score for result in answer.results] == [first.score, second.score, first.score]
    assert first.score != second.score


def test_a_row_that_is_refused_does_not_stop_the_others(kassa):
    answer = kassa.scoring.ScoreBatch(batch("cart_abandonment", [
        row("row-0"), row(), row("row-1", named(shop.CANARY, number=1)), row("x" * 257),
        row("row-1", named("signal_0", text=shop.CANARY)), row("row-1"),
        scoring_pb2.ScoreRow(entities=[shop.entity("session", "a")] * 9),
        scoring_pb2.ScoreRow(entities=[shop.entity("session", "a")] * 2),
    ]), timeout=20)
    words = [None, "entities", "context[0].name", "entities[0].id", "context[0].value", None,
             "entities: more than 8", "entities[1].kind"]
    assert len(answer.results) == len(words)
    for result, word in zip(answer.results, words):
        if word is None:
            assert result.refusal.code == 0 and 0 < result.score < 1
            assert result.model == "abandonment@1" and result.epoch > 0
        else:
            assert result.refusal.code == Code.INVALID_ARGUMENT.value[0]
            assert word in result.refusal.message and shop.CANARY not in result.refusal.message
            assert (result.score, result.model) == (0, "")


def test_a_batch_has_as_many_rows_as_the_limit_says_and_no_more(kassa):
    answer = kassa.scoring.ScoreBatch(
        batch("cart_abandonment", [row("row-2")] * ROWS_MAX), timeout=20)
    single = score(kassa, "cart_abandonment", "row-2")
    assert {result.score for result in answer.results} == {single.score}
    assert len(answer.results) == ROWS_MAX
    error = refusal(
        kassa.scoring.ScoreBatch, batch("cart_abandonment", [row("row-2")] * (ROWS_MAX + 1)))
    assert_refused(error, Code.INVALID_ARGUMENT, "rows", "1000")
    assert not kassa.scoring.ScoreBatch(batch("cart_abandonment", []), timeout=20).results


@pytest.mark.parametrize("request_, code, word", [
    (batch(shop.CANARY, [row("a")]), Code.NOT_FOUND, "scorer"),
    (batch("", [row("a")]), Code.NOT_FOUND, "scorer"),
    (batch("cart_abandonment", [row()], entities=[shop.entity("session", "a")] * 9),
     Code.INVALID_ARGUMENT, "entities"),
    (batch("cart_abandonment", [row()], context=[named("signal_0", number=1)] * 1001),
     Code.INVALID_ARGUMENT, "context"),
])
def test_a_batch_that_is_wrong_for_all_rows_is_refused(kassa, request_, code, word):
    assert_refused(refusal(kassa.scoring.ScoreBatch, request_), code, word)


def test_a_batch_whose_bytes_are_no_message_is_refused(kassa):
    call = kassa.channel.unary_unary(
        "/kassa.v1.Scoring/ScoreBatch", request_serializer=bytes, response_deserializer=bytes)
    rows = b"\xaa\x01"  # field 21
    for bytes_ in (b"\xff", rows + b"\x05\x0a", rows + b"\x02\x0a\x7f"):
        message = b"\x0a\x10cart_abandonment" + bytes_
        with pytest.raises(grpc.RpcError) as caught:
            call(message, timeout=20)
        assert caught.value.code() in (Code.INVALID_ARGUMENT, Code.INTERNAL)
    assert score(kassa, "cart_abandonment", "row-0").score > 0


def test_a_batch_whose_reply_would_be_too_large_is_refused(kassa):
    names = [f"a_feature_with_a_rather_long_name_{place}" for place in range(150)]
    terms = [{"feature": name, "weight": 0.01, "missing": 0.5} for name in names]
    artefact = json.dumps(
        {"kassa_model": 1, "link": "identity", "intercept": 1, "terms": terms}).encode()
    kassa.apply(shop.feature_set(
        "wide", ["session"], *(shop.feature(name, "FLOAT32") for name in names)))
    serve(kassa, "wide", artefact, format=models_pb2.PLAIN_JSON, inputs=[
        models_pb2.ModelInput(feature_set="wide@1", feature=name) for name in names],
        golden=[shop.golden_row([None] * 150, margin=76), shop.golden_row([1] * 150, margin=2.5)])
    request = batch("wide", [row("a")] * 500, include=[scoring_pb2.FEATURES])
    assert_refused(
        refusal(kassa.scoring.ScoreBatch, request), Code.RESOURCE_EXHAUSTED, "rows", "4194304")
    del request.rows[100:]
    answer = kassa.scoring.ScoreBatch(request, timeout=20)
    assert [result.score for result in answer.results] == [76] * 100
    # A linear model has contributions, too: of each weight its own, of the intercept the rest.
    single = score(kassa, "wide", "a", include=[scoring_pb2.CONTRIBUTIONS])
    assert [entry.value for entry in single.contributions] == [0.5] * 150
    assert single.expectation == 1 and single.margin == 76
