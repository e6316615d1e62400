# SPDX-License-Identifier: Apache-2.0
"""What a client does when things go wrong: statuses, deadlines, retries; and from many threads."""

import asyncio
import concurrent.futures
import threading
import time
import zipfile

import grpc
import numpy as np
import pandas as pd
import pytest

import kassa
from kassa.v1 import features_pb2, scoring_pb2


class Scripted:
    """A gRPC server that answers as it is told, one call after another."""

    def __init__(self, method, request, *answers):
        self.requests = []
        self.times = []
        self.answers = list(answers)
        self.lock = threading.Lock()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        service, name = method.split("/")

        def handle(message, context):
            with self.lock:
                self.requests.append(message)
                self.times.append(time.monotonic())
                answer = self.answers.pop(0) if self.answers else kassa.KassaError("asked too often")
            if isinstance(answer, float):
                time.sleep(answer)
                context.abort(grpc.StatusCode.INTERNAL, "slept")
            if isinstance(answer, tuple):
                code, text, *pushback = answer
                if pushback:
                    context.set_trailing_metadata((("grpc-retry-pushback-ms", str(pushback[0])),))
                context.abort(code, text)
            return answer

        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
            f"kassa.v1.{service}", {name: grpc.unary_unary_rpc_method_handler(
                handle, request_deserializer=request.FromString,
                response_serializer=lambda message: message.SerializeToString())}),))
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop(None).wait()


def scored(*answers, **more):
    """A scripted server of scores, and a client of it."""
    scripted = Scripted("Scoring/Score", scoring_pb2.ScoreRequest, *answers)
    return scripted, kassa.connect(scripted.address, **more)


GOOD = scoring_pb2.ScoreResponse(score=0.5, slot=scoring_pb2.STABLE)
FULL = (grpc.StatusCode.RESOURCE_EXHAUSTED, "queue: is full", 300)
AWAY = (grpc.StatusCode.UNAVAILABLE, "store: stopped")


def test_a_full_server_is_asked_again_after_the_pause_that_it_asks_for():
    scripted, client = scored(FULL, GOOD)
    with scripted, client:
        assert client.score("s", {"session": "a"}).score == 0.5
        assert 0.3 <= scripted.times[1] - scripted.times[0] < 5


def test_a_server_that_is_away_is_asked_again_with_growing_pauses():
    scripted, client = scored(AWAY, AWAY, AWAY, GOOD)
    with scripted, client:
        assert client.score("s", {"session": "a"}).slot == "STABLE"
        pauses = np.diff(scripted.times)
        assert len(pauses) == 3 and pauses[2] > 0.1


def test_attempts_end_and_say_why():
    scripted, client = scored(*[AWAY] * 9, retry=kassa.Retry(attempts=3, first_pause=0.01))
    with scripted, client:
        with pytest.raises(kassa.UnavailableError, match="store: stopped") as caught:
            client.score("s", {"session": "a"})
        assert (len(scripted.requests), caught.value.field) == (3, "store")
    scripted, client = scored(FULL, GOOD, retry=kassa.Retry(attempts=1))
    with scripted, client:
        with pytest.raises(kassa.ResourceExhaustedError) as caught:
            client.score("s", {"session": "a"})
        assert caught.value.retry_after == 0.3 and caught.value.field == "queue"
        assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_deadline_is_for_all_attempts_together():
    scripted, client = scored(*[FULL] * 9)
    with scripted, client:
        begun = time.monotonic()
        with pytest.raises((kassa.ResourceExhaustedError, kassa.DeadlineExceededError)):
            client.score("s", {"session": "a"}, timeout=0.8)
        # There is no time for a fourth: each pause is 300 ms or more.
        assert time.monotonic() - begun < 3 and len(scripted.requests) <= 3
    scripted, client = scored(2.0)
    with scripted, client:
        with pytest.raises(kassa.DeadlineExceededError) as caught:
            client.score("s", {"session": "a"}, timeout=0.2)
        assert isinstance(caught.value, TimeoutError)


def test_other_refusals_are_not_tried_again():
    for code, kind in [(grpc.StatusCode.INTERNAL, kassa.ServerError), (grpc.StatusCode.DATA_LOSS, kassa.DataLossError)]:
        scripted, client = scored((code, "it is so"), GOOD)
        with scripted, client, pytest.raises(kind, match="it is so") as caught:
            client.score("s", {"session": "a"})
        assert len(scripted.requests) == 1 and caught.value.code is code and caught.value.field is None


def test_what_is_not_repeatable_is_tried_again_only_if_nothing_was_done():
    from kassa.v1 import generations_pb2

    done = generations_pb2.RollbackGenerationResponse(epoch=7)
    scripted = Scripted("Generations/Rollback", generations_pb2.RollbackGenerationRequest, AWAY, done)
    with scripted, kassa.connect(scripted.address) as client:
        with pytest.raises(kassa.UnavailableError):
            client.rollback_generation("cart")
    scripted = Scripted("Generations/Rollback", generations_pb2.RollbackGenerationRequest, FULL, done)
    with scripted, kassa.connect(scripted.address) as client:
        assert client.rollback_generation("cart") == 7


def test_a_repeated_write_has_the_same_name_and_every_write_its_own():
    spec = kassa.FeatureSet("cart", ["session"], [kassa.Feature("items", "int64")], version=1)
    wrote = features_pb2.WriteResponse(applied=1, feature_set="cart@1")
    scripted = Scripted("Features/Write", features_pb2.WriteRequest, AWAY, wrote, wrote)
    with scripted, kassa.connect(scripted.address) as client:
        client._sets["cart@1"] = spec
        for _ in range(2):
            client.write("cart@1", {"session": ["a"], "items": [1]})
    first, repeated, second = (request.write_id for request in scripted.requests)
    assert first == repeated != second and len(first) >= 32 and second


def test_an_answer_that_does_not_add_up_is_an_error():
    spec = kassa.FeatureSet("cart", ["session"], [kassa.Feature("items", "int64")], version=1)
    wrote = features_pb2.WriteResponse(applied=1, feature_set="cart@1")
    scripted = Scripted("Features/Write", features_pb2.WriteRequest, wrote, wrote)
    with scripted, kassa.connect(scripted.address) as client:
        client._sets["cart@1"] = spec
        for call in (client.write, client.load):
            with pytest.raises(kassa.LoadError, match="of 2 rows the server applied 1"):
                call("cart@1", {"session": ["a", "b"], "items": [1, 2]})


def test_without_a_server_it_is_unavailable_soon():
    with kassa.connect("127.0.0.1:1", timeout=30) as client:
        with pytest.raises(kassa.UnavailableError) as caught:
            client.score("s", {"session": "a"})
        assert isinstance(caught.value, ConnectionError) and isinstance(caught.value, kassa.KassaError)


def test_the_address_is_given_or_in_the_environment_or_the_default(monkeypatch):
    monkeypatch.setenv("KASSA_SERVER", "127.0.0.1:7")
    assert repr(kassa.connect()) == "Client('127.0.0.1:7')"
    assert kassa.connect("127.0.0.1:8").address == "127.0.0.1:8"
    monkeypatch.delenv("KASSA_SERVER")
    assert kassa.connect().address == kassa.DEFAULT_SERVER == "127.0.0.1:6750"


def test_a_given_channel_stays_open(server):
    with grpc.insecure_channel(server.address) as channel:
        with kassa.Client(channel=channel) as client:
            client.feature_sets()
        with kassa.Client(channel=channel) as client:
            client.feature_sets()
    with kassa.connect(server.address) as client:
        client.feature_sets()
    with pytest.raises(ValueError):
        client.feature_sets()


# Of a real server.


def test_refusals_of_a_real_server_have_their_class_and_field(client):
    with pytest.raises(kassa.NotFoundError) as caught:
        client.feature_set("nix")
    assert (caught.value.field, caught.value.code) == ("name", grpc.StatusCode.NOT_FOUND)
    assert isinstance(caught.value, LookupError)
    with pytest.raises(kassa.NotFoundError):
        client.score("nix", {"session": "a"})
    with pytest.raises(kassa.InvalidArgumentError) as caught:
        client.apply(kassa.FeatureSet("Bad Name", ["session"], [kassa.Feature("a", "int64")]))
    assert caught.value.field.endswith("name")


@pytest.fixture(scope="module")
def scorer(client):
    xgboost = pytest.importorskip("xgboost")
    client.apply(
        kassa.FeatureSet("cart", ["session"], [
            kassa.Feature("items", "int64"), kassa.Feature("value", "float32"),
            kassa.Feature("device", "string", categories=("desktop", "mobile"))]),
        kassa.FeatureSet("buyer", ["customer"], [kassa.Feature("orders", "int64", on_missing="fail")]))
    chance = np.random.default_rng(2)
    frame = pd.DataFrame({
        "session": [f"s-{row}" for row in range(2_500)], "items": chance.integers(0, 9, 2_500),
        "value": chance.random(2_500).astype(np.float32), "orders": chance.integers(0, 5, 2_500),
        "device": pd.Categorical(chance.choice(["desktop", "mobile"], 2_500))})
    client.write("cart", frame, features=["items", "value", "device"])
    client.write("buyer", {"customer": ["c-3"], "orders": [3]})
    model = xgboost.XGBClassifier(n_estimators=10, enable_categorical=True)
    model.fit(frame[["items", "value", "device", "orders"]], chance.integers(0, 2, 2_500))
    client.push(model, feature_set=["cart", "buyer"], training_frame=frame, name="both", scorer="both")
    return model, frame


def official(model, frame, **more):
    return model.predict_proba(frame.assign(**more)[["items", "value", "device", "orders"]])[:, 1]


def test_a_frame_is_scored_row_by_row_with_shared_entities_and_context(client, scorer):
    model, frame = scorer
    shuffled = frame.sample(frac=1, random_state=1)
    found = client.score_frame("both", shuffled[["session"]], shared={"customer": "c-3"})
    assert len(found) == 2_500 and found.index.equals(shuffled.index)
    np.testing.assert_allclose(found["score"], official(model, shuffled, orders=3), rtol=1e-6)
    context = pd.DataFrame({
        "who": ["s-1", "s-2"], "value": [0.25, np.nan], "n": pd.array([None, 7], dtype="Int64"), "device": ["mobile", None]})
    found = client.score_frame(
        "both", context, keys={"session": "who"}, shared={"customer": "c-3"},
        context={"value": "value", "cart.items": "n", "device": "device"})
    rows = frame.iloc[[1, 2]].reset_index(drop=True)
    rows.loc[0, "value"], rows.loc[1, "items"], rows.loc[0, "device"] = 0.25, 7, "mobile"
    np.testing.assert_allclose(found["score"], official(model, rows, orders=3), rtol=1e-6)
    with pytest.raises(kassa.FrameError, match="takes no feature colour"):
        client.score_frame("both", context, keys={"session": "who"}, shared={"customer": "c-3"}, context=["colour"])
    with pytest.raises(kassa.RowsError, match="is a str, not a number"):
        client.score_frame("both", context, keys={"session": "who"}, shared={"customer": "c-3"}, context={"value": "who"})
    assert len(client.score_frame("both", frame[["session"]].head(0), shared={"customer": "c-3"})) == 0


def test_a_row_that_is_refused_does_not_take_the_others_with_it(client, scorer):
    model, frame = scorer
    rows = pd.DataFrame({"session": ["s-1", "s-2", "s-3"], "customer": ["c-3", "nobody", "c-3"]})
    with pytest.raises(kassa.FailedPreconditionError) as caught:
        client.score_frame("both", rows)
    assert "row 1 of the table" in caught.value.__notes__
    found = client.score_frame("both", rows, on_refused="return")
    np.testing.assert_allclose(found["score"][[0, 2]], official(model, frame.iloc[[1, 3]], orders=3), rtol=1e-6)
    assert np.isnan(found["score"][1]) and "buyer.orders" in found["refusal"][1]
    assert pd.isna(found["refusal"][0])


def test_a_score_says_what_it_rests_on(client, scorer):
    model, frame = scorer
    answer = client.score(
        "both", {"session": "nobody", "customer": "c-3"}, context={"items": 4, "device": None}, features=True)
    assert answer.model == "both@1" and answer.slot == "STABLE" and len(answer.bundle) == 64
    assert answer.degraded["cart@1.value" if "cart@1.value" in answer.degraded else "cart.value"] == "NO_ENTITY"
    seen = {name.split(".")[-1]: value for name, value in answer.features.items()}
    assert (seen["items"].value, seen["orders"].value, seen["value"].value) == (4, 3, None)
    assert seen["value"].age_ms is None and seen["orders"].age_ms >= 0
    row = frame.head(1).assign(items=4, value=np.nan, orders=3)
    row["device"] = pd.Categorical([None], categories=["desktop", "mobile"])
    assert answer.score == pytest.approx(official(model, row)[0], rel=1e-6)


def test_ids_of_a_score_are_strings_or_whole_numbers(client, scorer):
    client.write("buyer", {"customer": [7], "orders": [3]})
    scores = {
        client.score("both", {"session": "s-1", "customer": id}).score for id in ("7", 7, np.int64(7))}
    assert len(scores) == 1
    for id in (7.0, None, True):
        with pytest.raises(kassa.FrameError, match="id of customer is a") as caught:
            client.score("both", {"session": "s-1", "customer": id})
        assert caught.value.field == "customer"


def test_a_client_is_shared_between_threads(client, scorer):
    model, frame = scorer
    expected = official(model, frame, orders=3)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(
            lambda row: client.score("both", {"session": f"s-{row}", "customer": "c-3"}).score, range(400)))
    np.testing.assert_allclose(answers, expected[:400], rtol=1e-6)


def test_scores_are_asked_for_from_an_event_loop(server, scorer):
    model, frame = scorer

    async def run():
        async with kassa.AsyncClient(server.address) as client:
            answers = await asyncio.gather(*(
                client.score("both", {"session": f"s-{row}", "customer": "c-3"}) for row in range(300)))
            table = await client.score_frame("both", frame[["session"]].head(300), shared={"customer": "c-3"})
            with pytest.raises(kassa.NotFoundError):
                await client.score("nix", {})
            written = await client.write("cart", {"session": ["async"], "items": [3]})
            found = await client.read("cart", {"session": ["async"]})
            assert written.applied == 1 and found["items"][0] == 3
            return [answer.score for answer in answers], table["score"]

    answers, table = asyncio.run(run())
    expected = official(model, frame.head(300), orders=3)
    np.testing.assert_allclose(answers, expected, rtol=1e-6)
    np.testing.assert_allclose(table, expected, rtol=1e-6)


def test_an_event_loop_retries_and_keeps_deadlines():
    async def run(address):
        async with kassa.AsyncClient(address) as client:
            assert (await client.score("s", {"session": "a"})).score == 0.5
            with pytest.raises(kassa.DeadlineExceededError):
                await client.score("s", {"session": "a"}, timeout=0.2)
            with pytest.raises(kassa.InvalidArgumentError) as caught:
                await client.score("s", {"session": "a"})
            assert caught.value.field == "scorer"

    scripted, client = scored(FULL, AWAY, GOOD, 1.0, (grpc.StatusCode.INVALID_ARGUMENT, "scorer: is wrong"))
    with scripted, client:
        asyncio.run(run(scripted.address))
    assert scripted.times[1] - scripted.times[0] >= 0.3


def test_what_there_is_can_be_listed(client, scorer):
    assert {"cart@1", "buyer@1"} <= {spec.pinned for spec in client.feature_sets()}
    assert {"both@1"} <= set(client.models())
    assert client.scorer("both").model == "both@1"


# The package.


def test_the_wheel_has_the_stubs_and_says_that_it_is_typed(tmp_path):
    import pathlib
    import subprocess
    import sys

    folder = pathlib.Path(__file__).resolve().parents[1]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps",
         "--no-build-isolation", "-w", tmp_path, folder], check=True, timeout=120)
    wheel, = tmp_path.glob("kassa-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"kassa/py.typed", "kassa/v1/scoring_pb2.py", "kassa/v1/scoring_pb2.pyi",
            "kassa/v1/scoring_pb2_grpc.py", "kassa/models/skl.py"} <= names
    assert not any("test" in name or "__pycache__" in name for name in names)


def test_nothing_optional_is_imported_with_the_package():
    import subprocess
    import sys

    script = ("import sys, kassa; print([name for name in "
              "('pyarrow', 'xgboost', 'lightgbm', 'sklearn', 'skl2onnx', 'onnx') if name in sys.modules])")
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # pandas itself brings pyarrow where it is there.
    assert set(eval(found.stdout)) <= {"pyarrow"}
