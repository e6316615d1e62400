# SPDX-License-Identifier: Apache-2.0
"""What becomes of values, from the first write to the erasure: types, keys, policies, versions, time."""

import math
import random
import struct
import threading
import time

import grpc
import pytest

import client as shop
from client import CANARY, Client, assert_refused, refusal
from kassa.v1 import config_pb2, features_pb2, models_pb2, rollouts_pb2, scoring_pb2, values_pb2
from kassa_process import Server, eventually
from test_admin import metrics

Code = grpc.StatusCode
MICROSECONDS = 1_000_000
DAY_MS = 86_400_000
SEED = 20


@pytest.fixture(scope="module")
def kassa(server):
    client = Client(server.address)
    yield client
    client.close()


def now_us():
    return time.time_ns() // 1_000


def keys(**ids):
    """Key columns of several kinds: `keys(customer=["c"], product=["p"])`."""
    return [values_pb2.KeyColumn(kind=kind, ids=column) for kind, column in ids.items()]


def write(client, name, ids, *columns, **more):
    return client.features.Write(
        features_pb2.WriteRequest(feature_set=name, keys=keys(**ids), columns=columns, **more),
        timeout=20)


def read(client, *names, as_of=None, each=(), **ids):
    """Per feature set and feature: the rows' (status, value, age)."""
    request = features_pb2.ReadRequest(
        keys=keys(**ids),
        selections=[features_pb2.FeatureSelection(feature_set=name) for name in names],
        as_of_us=as_of, as_of_us_each=each)
    answer = client.features.Read(request, timeout=20)
    return [{column.name: rows(column) for column in found.columns} for found in answer.feature_sets]


def rows(column):
    """A column as a list of (status, value or None, age)."""
    kind = column.WhichOneof("values")
    values = getattr(column, kind)
    if kind == "vectors":
        width = values.dimension
        values = [tuple(values.values[start : start + width])
                  for start in range(0, len(values.values), width)]
    elif kind == "lists":
        values = [tuple(value.values) for value in values.values]
    else:
        values = list(values.values)
    assert len(values) == len(column.statuses) == len(column.ages_ms)
    given = {"PRESENT", "STALE", "DEFAULTED"}
    return [
        (name, value if name in given else None, age)
        for name, value, age in zip(
            map(values_pb2.Status.Name, column.statuses), values, column.ages_ms)
    ]


def cells(found):
    """The same without ages."""
    return {name: [(status, value) for status, value, _ in column] for name, column in found.items()}


def vectors(name, *values, **more):
    return values_pb2.Column(
        name=name, vectors=values_pb2.FloatVectors(
            dimension=len(values[0]), values=[part for value in values for part in value]), **more)


def lists(name, *values, **more):
    return values_pb2.Column(
        name=name, lists=values_pb2.StringLists(
            values=[values_pb2.StringList(values=value) for value in values]), **more)


# Types.


ALL_TYPES = shop.feature_set(
    "everything", ["session"],
    shop.feature("f32", "FLOAT32", nan=config_pb2.NON_FINITE_MISSING),
    shop.feature("f64", "FLOAT64"), shop.feature("i64", "INT64"), shop.feature("flag", "BOOL"),
    shop.feature("text", "STRING"), shop.feature("step", "STRING", categories=["cart", "pay"]),
    shop.feature("seen", "TIMESTAMP"), shop.feature("taste", "VECTOR", dimension=3),
    shop.feature("tags", "STRINGS"))


def test_every_type_comes_back_as_it_was_written(kassa):
    kassa.apply(ALL_TYPES)
    answer = write(
        kassa, "everything", {"session": ["a", "b"]},
        shop.column("f32", "floats", [0.5, math.nan]),
        shop.column("f64", "doubles", [5e-324, -1.7976931348623157e308]),
        shop.column("i64", "integers", [-(2**63), 2**63 - 1]),
        shop.column("flag", "flags", [True, False]),
        shop.column("text", "texts", ["", "naïve 🛒 \0"]),
        shop.column("step", "texts", ["pay", "cart"]),
        shop.column("seen", "integers", [-62_135_596_800_000_000, 1_790_164_800_000_001]),
        vectors("taste", (1.5, -2.0, 0.0), (0.0, 0.0, 3.5)),
        lists("tags", ["new", "", "ö"], []))
    assert answer.applied == 2 and not answer.errors
    (found,) = read(kassa, "everything", session=["a", "b", "nobody"])
    assert cells(found) == {
        "f32": [("PRESENT", 0.5), ("NULL", None), ("NO_ENTITY", None)],
        "f64": [("PRESENT", 5e-324), ("PRESENT", -1.7976931348623157e308), ("NO_ENTITY", None)],
        "i64": [("PRESENT", -(2**63)), ("PRESENT", 2**63 - 1), ("NO_ENTITY", None)],
        "flag": [("PRESENT", True), ("PRESENT", False), ("NO_ENTITY", None)],
        "text": [("PRESENT", ""), ("PRESENT", "naïve 🛒 \0"), ("NO_ENTITY", None)],
        "step": [("PRESENT", "pay"), ("PRESENT", "cart"), ("NO_ENTITY", None)],
        "seen": [("PRESENT", -62_135_596_800_000_000), ("PRESENT", 1_790_164_800_000_001),
                 ("NO_ENTITY", None)],
        "taste": [("PRESENT", (1.5, -2.0, 0.0)), ("PRESENT", (0.0, 0.0, 3.5)), ("NO_ENTITY", None)],
        "tags": [("PRESENT", ("new", "", "ö")), ("PRESENT", ()), ("NO_ENTITY", None)],
    }


@pytest.mark.parametrize("column, word", [
    (shop.column("f64", "doubles", [math.nan]), "f64"),
    (shop.column("f64", "doubles", [math.inf]), "f64"),
    (shop.column("step", "texts", [CANARY]), "step"),
    (shop.column("seen", "integers", [2**62]), "seen"),
    (vectors("taste", (1.0, math.inf, 0.0)), "taste"),
    (lists("tags", [CANARY * 1_000]), "tags"),
], ids=["nan", "infinity", "category", "timestamp", "vector", "list"])
def test_a_value_that_its_feature_does_not_take_refuses_its_row(kassa, column, word):
    kassa.apply(ALL_TYPES)
    answer = write(kassa, "everything", {"session": ["refused"]}, column)
    (error,) = answer.errors
    assert answer.applied == 0 and word in error.field
    assert CANARY not in error.reason
    (found,) = read(kassa, "everything", session=["refused"])
    assert {status for status, _, _ in found[word]} == {"NO_ENTITY"}


def test_a_vector_of_another_dimension_refuses_the_request(kassa):
    kassa.apply(ALL_TYPES)
    request = features_pb2.WriteRequest(
        feature_set="everything", keys=keys(session=["x"]), columns=[vectors("taste", (1.0, 2.0))])
    assert_refused(refusal(kassa.features.Write, request), Code.INVALID_ARGUMENT, "columns[0]")


# Composite keys, and several kinds in one request.


def signals(prefix=""):
    return [shop.feature(f"{prefix}signal_{index}", "FLOAT32") for index in range(shop.SIGNALS)]


def test_rows_of_two_kinds_are_written_read_and_scored(kassa):
    """A model whose inputs are keyed by session, by customer, and by customer and product."""
    kassa.apply(
        shop.feature_set("by_session", ["session"], *signals()[:2]),
        shop.feature_set("by_customer", ["customer"], signals()[2]),
        shop.feature_set("affinity", ["customer", "product"], *signals()[3:]))
    artefact, inputs, predictions, _ = shop.fixture_model()
    places = ["by_session"] * 2 + ["by_customer"] + ["affinity"] * 2
    kassa.upload(shop.model_spec(artefact, name="crossed", inputs=[
        models_pb2.ModelInput(feature_set=f"{place}@1", feature=f"signal_{index}")
        for index, place in enumerate(places)]), artefact)
    kassa.apply(shop.scorer_spec("crossed", "crossed@1"))
    whole = [(row, score) for row, score in zip(inputs, predictions) if None not in row][:20]
    assert len(whole) == 20
    numbers = range(len(whole))

    def column(index):
        return shop.column(f"signal_{index}", "floats", [row[index] for row, _ in whole])

    sessions = [f"s-{number}" for number in numbers]
    # Few customers and products, all pairs different: a row is that of both.
    customers, products = [f"c-{n // 5}" for n in numbers], [f"p-{n % 5}" for n in numbers]
    write(kassa, "by_session", {"session": sessions}, column(0), column(1))
    # Kinds in any order: the feature set's order makes the key.
    write(kassa, "affinity", {"product": products, "customer": customers}, column(3), column(4))
    by_session, affinity = read(
        kassa, "by_session", "affinity", product=products, session=sessions, customer=customers)
    assert [value for _, value, _ in by_session["signal_1"]] == [
        values_pb2.FloatVector(values=[row[1]]).values[0] for row, _ in whole]
    assert [value for _, value, _ in affinity["signal_4"]] == [
        values_pb2.FloatVector(values=[row[4]]).values[0] for row, _ in whole]
    # The same words the other way round are another row.
    (swapped,) = read(kassa, "affinity", customer=["p-0"], product=["c-0"])
    assert swapped["signal_3"] == [("NO_ENTITY", None, -1)]
    for number, (row, expected) in enumerate(whole):
        write(kassa, "by_customer", {"customer": [customers[number]]},
              shop.column("signal_2", "floats", [row[2]]))
        request = scoring_pb2.ScoreRequest(scorer="crossed", entities=[
            shop.entity("product", products[number]), shop.entity("session", sessions[number]),
            shop.entity("customer", customers[number])])
        answer = kassa.scoring.Score(request, timeout=20)
        assert answer.score == pytest.approx(expected, abs=1e-6) and not answer.degraded
    request.entities.pop(0)
    assert_refused(refusal(kassa.scoring.Score, request), Code.INVALID_ARGUMENT, "product")


def test_a_read_without_one_of_its_kinds_is_refused(kassa):
    kassa.apply(shop.feature_set("pairs", ["customer", "product"], shop.feature("a", "INT64")))
    request = features_pb2.ReadRequest(
        keys=keys(customer=["x"]),
        selections=[features_pb2.FeatureSelection(feature_set="pairs")])
    assert_refused(refusal(kassa.features.Read, request), Code.INVALID_ARGUMENT, "keys", "product")
    request.keys.extend(keys(product=["x", "y"]))
    assert_refused(refusal(kassa.features.Read, request), Code.INVALID_ARGUMENT, "keys[product]")


# Policies.


def policy_model(client, name, **policies):
    """A scorer whose first input is a feature with policies, and the others are given."""
    default = values_pb2.Value(number=0.25)
    client.apply(shop.feature_set(
        name, ["session"],
        shop.feature("signal_0", "FLOAT32", default=default, max_age_ms=60_000, **policies),
        *signals()[1:], ttl_ms=3_600_000))
    artefact = shop.fixture_model()[0]
    client.upload(shop.model_spec(artefact, name=name, inputs=[
        models_pb2.ModelInput(feature_set=f"{name}@1", feature=f"signal_{index}")
        for index in range(shop.SIGNALS)]), artefact)
    client.apply(shop.scorer_spec(name, f"{name}@1"))
    others = [shop.column(f"signal_{index}", "floats", [0.5] * 4) for index in range(1, shop.SIGNALS)]
    age = {"fresh": 0, "stale": 600, "expired": 7_200, "null": 0}
    now = now_us()
    write(client, name, {"session": list(age)}, *others)
    write(client, name, {"session": list(age)},
          shop.column("signal_0", "floats", [0.75] * 4, nulls=b"\x08"),
          event_time_us=[now - seconds * MICROSECONDS for seconds in age.values()])


def seen(client, name, id):
    """(status, value or None) of the first input as the model saw it."""
    answer = client.scoring.Score(
        shop.score(name, id, include=[scoring_pb2.FEATURES]), timeout=20)
    first = next(feature for feature in answer.features if feature.name.endswith("signal_0"))
    given = first.value.number if first.value.WhichOneof("kind") == "number" else None
    return values_pb2.Status.Name(first.status), given


USE, DEFAULT, MISSING, FAIL = (
    config_pb2.Fallback.Value(f"FALLBACK_{name}") for name in ("USE", "DEFAULT", "MISSING", "FAIL"))


@pytest.mark.parametrize("name, policies, expected", [
    ("plain", {}, [0.75, 0.75, 0.25, None]),
    ("uses", {"on_stale": USE}, [0.75, 0.75, 0.25, None]),
    ("defaults", {"on_stale": DEFAULT, "on_missing": DEFAULT}, [0.75, 0.25, 0.25, 0.25]),
    ("misses", {"on_stale": MISSING, "on_missing": MISSING}, [0.75, None, None, None]),
])
def test_a_policy_says_what_a_model_sees(kassa, name, policies, expected):
    policy_model(kassa, f"policy_{name}", **policies)
    ids = ["fresh", "stale", "expired", "null"]
    assert [seen(kassa, f"policy_{name}", id)[1] for id in ids] == expected
    status, value = seen(kassa, f"policy_{name}", "nobody")
    assert value == (None if name == "misses" else 0.25)
    # A read says the same, and why.
    (found,) = read(kassa, f"policy_{name}", session=ids)
    statuses = [status for status, _, _ in found["signal_0"]]
    assert statuses[0] == "PRESENT"
    assert statuses[1] == ("DEFAULTED" if name == "defaults" else "STALE")
    assert statuses[2] == ("EXPIRED" if name == "misses" else "DEFAULTED")
    assert statuses[3] == ("DEFAULTED" if name == "defaults" else "NULL")


def test_a_feature_that_must_be_there_refuses_the_score_by_name(kassa):
    policy_model(kassa, "policy_fails", on_stale=FAIL, on_missing=FAIL)
    assert seen(kassa, "policy_fails", "fresh") == ("PRESENT", 0.75)
    for id in ("stale", "expired", "null", "nobody"):
        error = refusal(kassa.scoring.Score, shop.score("policy_fails", id))
        assert_refused(error, Code.FAILED_PRECONDITION, "signal_0")
    # The client's own value does.
    request = shop.score("policy_fails", "nobody", context=[
        values_pb2.NamedValue(name="signal_0", value=values_pb2.Value(number=0.5))])
    assert 0 < kassa.scoring.Score(request, timeout=20).score < 1
    # Reading is not scoring: it tells.
    (found,) = read(kassa, "policy_fails", session=["stale", "nobody"])
    assert [status for status, _, _ in found["signal_0"]] == ["STALE", "NO_ENTITY"]


# Versions.


def test_versions_live_side_by_side_until_one_is_dropped(start_server):
    server = start_server(sweep_seconds=1)
    client = Client(server.address)
    client.apply(shop.feature_set(
        "cart", ["session"], *signals(), shop.feature("old", "STRING")))
    artefact = shop.fixture_model()[0]
    client.upload(shop.model_spec(artefact, inputs=[
        models_pb2.ModelInput(feature_set="cart@1", feature=f"signal_{index}")
        for index in range(shop.SIGNALS)]), artefact)
    client.apply(shop.scorer_spec())
    # Another type of one feature, without another: a new version; the rest is shared.
    second = shop.feature_set(
        "cart", ["session"], shop.feature("signal_0", "FLOAT64"), *signals()[1:])
    answer = client.apply(second)
    assert answer.plan[0].name == "cart@2" and answer.plan[0].action == config_pb2.ADD
    changes = {change.name: change.action for change in answer.plan[0].features}
    assert changes == {"signal_0": config_pb2.CHANGE, "old": config_pb2.REMOVE}
    ids = [f"s-{row}" for row in range(500)]
    write(client, "cart@1", {"session": ids},
          shop.column("signal_0", "floats", [1.0] * 500), shop.column("signal_1", "floats", [2.0] * 500),
          shop.column("old", "texts", ["a long text that takes room"] * 500))
    write(client, "cart@2", {"session": ids}, shop.column("signal_0", "doubles", [1e-300] * 500))
    one, two = read(client, "cart@1", "cart@2", session=["s-7"])
    assert one["signal_0"][0][:2] == ("PRESENT", 1.0)
    assert two["signal_0"][0][:2] == ("PRESENT", 1e-300)
    assert one["signal_1"] == two["signal_1"] and one["signal_1"][0][:2] == ("PRESENT", 2.0)
    assert "old" not in two

    # Deprecation warns of its readers and refuses nothing.
    first = client.config.Get(
        config_pb2.GetRequest(kind="feature_set", name="cart@1"), timeout=20).document.feature_set
    first.deprecated = "signal_0 is too narrow"
    answer = client.apply(first)
    assert any("cart_abandonment" in warning for warning in answer.plan[0].warnings), answer
    assert client.scoring.Score(shop.score("cart_abandonment", "s-7"), timeout=20).score > 0

    # What is read stays.
    drop = config_pb2.DropRequest(feature_set="cart@1", reason="test")
    assert_refused(refusal(client.config.Drop, drop), Code.FAILED_PRECONDITION, "cart_abandonment")
    assert_refused(
        refusal(client.config.Drop, config_pb2.DropRequest(feature_set="cart")),
        Code.INVALID_ARGUMENT, "feature_set")
    assert_refused(
        refusal(client.config.Drop, config_pb2.DropRequest(feature_set="cart@9")),
        Code.NOT_FOUND, "feature_set")
    client.upload(shop.model_spec(artefact, version=2, inputs=[
        models_pb2.ModelInput(feature_set="cart@2", feature=f"signal_{index}")
        for index in range(shop.SIGNALS)]), artefact)
    client.replace("cart_abandonment", "abandonment@2")
    # What could still be put back reads it too.
    assert_refused(refusal(client.config.Drop, drop), Code.FAILED_PRECONDITION, "cart_abandonment")
    client.rollouts.Quarantine(
        rollouts_pb2.QuarantineRequest(model="abandonment@1", reason="test"), timeout=20)
    epoch = client.config.List(config_pb2.ListRequest(), timeout=20).epoch
    assert_refused(
        refusal(client.config.Drop, config_pb2.DropRequest(feature_set="cart@1", expected_epoch=1)),
        Code.ABORTED, "expected_epoch")
    plan = client.config.Drop(
        config_pb2.DropRequest(feature_set="cart@1", dry_run=True), timeout=20)
    assert (plan.plan.action, plan.epoch) == (config_pb2.REMOVE, epoch)
    assert read(client, "cart@1", session=["s-7"])
    answer = client.config.Drop(drop, timeout=20)
    assert answer.epoch == epoch + 1 and answer.plan.details == plan.plan.details

    # It is gone at once, and its columns soon.
    request = shop.read("cart@1", ids=["s-7"])
    assert_refused(refusal(client.features.Read, request), Code.NOT_FOUND, "feature_set")
    write_request = shop.write("cart@1", ["s-7"], shop.column("old", "texts", ["x"]))
    assert_refused(refusal(client.features.Write, write_request), Code.NOT_FOUND, "feature_set")
    assert client.scoring.Score(shop.score("cart_abandonment", "s-7"), timeout=20).score > 0
    name = 'kassa_store_swept_rows_total{why="cleaned"}'
    assert eventually(lambda: metrics(server).get(name) == 500, seconds=15), metrics(server)
    # Two columns of 500 rows, one of them a text of 27 bytes.
    assert metrics(server)['kassa_store_swept_bytes_total{table="rows"}'] >= 500 * 27
    (two,) = read(client, "cart@2", session=["s-7"])
    assert two["signal_0"][0][:2] == ("PRESENT", 1e-300)
    assert two["signal_1"][0][:2] == ("PRESENT", 2.0)
    # Its number is never given again.
    assert client.apply(shop.feature_set("cart", ["session"], *signals())).plan[0].name == "cart@3"
    client.close()


def test_a_dropped_version_stays_dropped_after_a_restart(start_server):
    server = start_server()
    client = Client(server.address)
    client.apply(shop.feature_set("cart", ["session"], shop.feature("a", "INT64")))
    client.apply(shop.feature_set("cart", ["session"], shop.feature("b", "INT64")))
    write(client, "cart@1", {"session": ["s"]}, shop.column("a", "integers", [1]))
    client.config.Drop(config_pb2.DropRequest(feature_set="cart@1", reason="test"), timeout=20)
    client.close()
    server.stop()
    client = Client(start_server(folder=server.folder).address)
    assert_refused(
        refusal(client.features.Read, shop.read("cart@1", ids=["s"])), Code.NOT_FOUND, "feature_set")
    (found,) = read(client, "cart@2", session=["s"])
    assert found["b"][0][1] is None
    # A feature of the name of a dropped one is another one.
    client.apply(shop.feature_set(
        "cart", ["session"], shop.feature("b", "INT64"), shop.feature("a", "INT64")))
    (found,) = read(client, "cart@3", session=["s"])
    assert found["a"][0][0] in ("NO_FEATURE", "NO_ENTITY")
    client.close()


# Expiry.


def test_expired_rows_go_with_the_sweep(start_server):
    server = start_server(sweep_seconds=1)
    client = Client(server.address)
    client.apply(shop.feature_set(
        "brief", ["session"], shop.feature("a", "INT64", default=values_pb2.Value(integer=-1)),
        shop.feature("b", "INT64"), ttl_ms=3_600_000))
    now, count = now_us(), 3_000
    ids = [f"s-{row}" for row in range(count)]
    old = [now - (7_200 if row % 3 else 60) * MICROSECONDS for row in range(count)]
    write(client, "brief", {"session": ids}, shop.column("a", "integers", range(count)),
          shop.column("b", "integers", range(count)), event_time_us=old)
    name = 'kassa_store_swept_rows_total{why="expired"}'
    assert eventually(lambda: metrics(server).get(name) == 2_000, seconds=15), metrics(server)
    (found,) = read(client, "brief", session=ids)
    for row in range(count):
        status, value, _ = found["b"][row]
        if row % 3:
            assert (status, value) == ("NO_ENTITY", None)
            assert found["a"][row][:2] == ("DEFAULTED", -1)
        else:
            assert (status, value) == ("PRESENT", row)
    # What was swept can be written again.
    write(client, "brief", {"session": ["s-1"]}, shop.column("b", "integers", [7]))
    (found,) = read(client, "brief", session=["s-1"])
    assert cells(found) == {"a": [("DEFAULTED", -1)], "b": [("PRESENT", 7)]}
    client.close()


# Writing again.


def test_a_write_id_makes_a_retry_safe_over_restarts(start_server):
    server = start_server()
    client = Client(server.address)
    client.apply(shop.feature_set("cart", ["session"], shop.feature("a", "INT64")))
    event_time = now_us() - MICROSECONDS

    def attempt(client, value=1, **more):
        return write(client, "cart", {"session": ["s"]}, shop.column("a", "integers", [value]),
                     event_time_us=[event_time], write_id=f"{CANARY}-1", **more)

    first = attempt(client, sequence=1)
    assert first.applied == 1 and not first.repeated_answer
    # Something newer comes between.
    write(client, "cart", {"session": ["s"]}, shop.column("a", "integers", [2]))
    again = attempt(client, sequence=2)
    assert (again.applied, again.ignored_older, again.repeated_answer, again.sequence) == (
        1, 0, True, 2)
    with pytest.raises(grpc.RpcError) as caught:
        attempt(client, value=3)
    assert_refused(caught.value, Code.ALREADY_EXISTS, "write_id")
    client.close()
    server.kill()
    again = start_server(folder=server.folder)
    client = Client(again.address)
    assert attempt(client, durability=features_pb2.DURABLE).repeated_answer
    with pytest.raises(grpc.RpcError) as caught:
        attempt(client, value=3)
    assert_refused(caught.value, Code.ALREADY_EXISTS, "write_id")
    (found,) = read(client, "cart", session=["s"])
    assert found["a"][0][:2] == ("PRESENT", 2)
    # In a stream the refusal is an answer, and the stream goes on.
    requests = [
        features_pb2.WriteRequest(
            feature_set="cart", keys=keys(session=["s"]), sequence=sequence, write_id=id,
            event_time_us=[event_time], columns=[shop.column("a", "integers", [value])])
        for sequence, id, value in [(1, f"{CANARY}-1", 9), (2, f"{CANARY}-1", 1), (3, "other", 9)]
    ]
    answers = {
        answer.sequence: answer
        for answer in client.features.WriteStream(iter(requests), timeout=20)}
    assert answers[1].refusal.code == Code.ALREADY_EXISTS.value[0]
    assert answers[2].repeated_answer and not answers[2].refusal.code
    assert not answers[3].repeated_answer and answers[3].ignored_older + answers[3].applied == 1
    client.close()


FEATURES = ("number", "count", "word", "taste", "tags")
MERGED = [
    shop.feature("number", "FLOAT32"), shop.feature("count", "INT64"), shop.feature("word", "STRING"),
    shop.feature("taste", "VECTOR", dimension=2), shop.feature("tags", "STRINGS")]


def random_events(chance, count, ids, start, step):
    """(id, time, {feature: value or None}) with ties, partial rows and nulls."""
    events = []
    for _ in range(count):
        told = {}
        for name in chance.sample(FEATURES, chance.randint(1, len(FEATURES))):
            told[name] = None if chance.random() < 0.15 else {
                "number": lambda: chance.randint(-50, 50) / 4, "count": lambda: chance.randint(-9, 9),
                "word": lambda: chance.choice("abcde") * chance.randint(0, 3),
                "taste": lambda: (chance.randint(0, 3) / 2, float(chance.randint(0, 3))),
                "tags": lambda: tuple(chance.choice("xyz") for _ in range(chance.randint(0, 2))),
            }[name]()
        events.append((chance.choice(ids), start + step * chance.randint(0, 40), told))
    return events


def requests_of(name, events, rows_at_once, **more):
    """The events as requests of up to so many rows."""
    for first in range(0, len(events), rows_at_once):
        part = events[first : first + rows_at_once]
        columns = []
        for feature in FEATURES:
            absent = nulls = 0
            values = []
            for row, (_, _, told) in enumerate(part):
                value = told.get(feature)
                if feature not in told:
                    absent |= 1 << row
                elif value is None:
                    nulls |= 1 << row
                values.append(value)
            size = (len(part) + 7) // 8
            bits = {"nulls": nulls.to_bytes(size, "little"), "absent": absent.to_bytes(size, "little")}
            if feature == "taste":
                columns.append(vectors(feature, *(value or (0.0, 0.0) for value in values), **bits))
            elif feature == "tags":
                columns.append(lists(feature, *(value or () for value in values), **bits))
            else:
                kind, none = {"number": ("floats", 0.0), "count": ("integers", 0),
                              "word": ("texts", "")}[feature]
                columns.append(shop.column(
                    feature, kind, [none if value is None else value for value in values], **bits))
        yield features_pb2.WriteRequest(
            feature_set=name, keys=keys(session=[id for id, _, _ in part]),
            event_time_us=[when for _, when, _ in part], columns=columns, **more)


def test_any_order_repetition_and_split_gives_the_same_reads(kassa):
    chance = random.Random(SEED)
    ids = [f"s-{number}" for number in range(12)]
    at = now_us() - 100 * MICROSECONDS
    events = random_events(chance, 400, ids, at - 3_600 * MICROSECONDS, MICROSECONDS)
    found = []
    for variant in range(5):
        name = f"merged_{variant}"
        kassa.apply(shop.feature_set(name, ["session"], *MERGED, history_ms=DAY_MS))
        told = list(events)
        if variant:
            told += chance.choices(events, k=200)
            chance.shuffle(told)
        requests = requests_of(name, told, [400, 1, 7, 64, 1_000][variant])
        if variant % 2:
            answers = list(kassa.features.WriteStream(requests, timeout=60))
            assert not any(answer.refusal.code or answer.errors for answer in answers)
        else:
            for request in requests:
                assert not kassa.features.Write(request, timeout=20).errors
        # As of a time, ages are the same too.
        found.append((cells(read(kassa, name, session=ids)[0]), read(kassa, name, as_of=at, session=ids)))
    assert all(other == found[0] for other in found[1:])
    assert {status for column in found[0][0].values() for status, _ in column} >= {"PRESENT", "NULL"}


# Erasure.


def test_what_is_erased_stays_away_and_what_is_new_comes(start_server):
    server = start_server()
    client = Client(server.address)
    client.apply(
        shop.feature_set("profile", ["customer"], shop.feature("a", "INT64"), history_ms=DAY_MS),
        shop.feature_set("affinity", ["product", "customer"], shop.feature("a", "INT64")),
        shop.feature_set("product", ["product"], shop.feature("a", "INT64")))
    before = now_us() - 60 * MICROSECONDS
    for step in range(3):
        write(client, "profile", {"customer": ["c-1", "c-10"]},
              shop.column("a", "integers", [step, step]), event_time_us=[before + step])
    products = [f"p-{number}" for number in range(50)]
    pairs = {"product": products * 2, "customer": ["c-1"] * 50 + ["c-10"] * 50}
    write(client, "affinity", pairs, shop.column("a", "integers", range(100)), event_time_us=[before])
    write(client, "product", {"product": products}, shop.column("a", "integers", range(50)))

    request = features_pb2.EraseRequest(
        entity=shop.entity("customer", "c-1"), actor="test", reason="request 7")
    receipt = client.features.Erase(request, timeout=20)
    assert [(set.feature_set, set.rows, set.history_rows) for set in receipt.erased] == [
        ("affinity", 50, 0), ("profile", 1, 3)]
    assert len(receipt.receipt_id) == 32 and before < receipt.erased_until_us <= now_us()

    def check(client, word):
        (profile,) = read(client, "profile", customer=["c-1", "c-10"])
        assert cells(profile)["a"] == [("NO_ENTITY", None), ("PRESENT", 2)], word
        (affinity,) = read(client, "affinity", **pairs)
        assert [status for status, _, _ in affinity["a"]] == ["NO_ENTITY"] * 50 + ["PRESENT"] * 50
        (product,) = read(client, "product", product=products)
        assert [value for _, value, _ in product["a"]] == list(range(50))
        (profile,) = read(client, "profile", as_of=before + 1, customer=["c-1", "c-10"])
        assert cells(profile)["a"] == [("NO_ENTITY", None), ("PRESENT", 1)], word
        # Late writes change nothing, neither now nor then; other entities' rows of the batch apply.
        late = write(client, "profile", {"customer": ["c-1", "c-11"]},
                     shop.column("a", "integers", [9, 9]), event_time_us=[receipt.erased_until_us])
        assert (late.applied + late.ignored_older, late.ignored_erased) == (1, 1)
        late = write(client, "affinity", {"product": ["p-99"], "customer": ["c-1"]},
                     shop.column("a", "integers", [9]), event_time_us=[before])
        assert (late.applied, late.ignored_erased) == (0, 1)

    check(client, "at once")
    check(client, "again")
    client.close()
    server.stop()
    server = start_server(folder=server.folder)
    client = Client(server.address)
    check(client, "after a restart")
    # A set that is new obeys as well.
    client.apply(shop.feature_set("later", ["customer"], shop.feature("a", "INT64")))
    late = write(client, "later", {"customer": ["c-1"]}, shop.column("a", "integers", [1]),
                 event_time_us=[before])
    assert late.ignored_erased == 1
    # Asking again is fine, and finds nothing.
    again = client.features.Erase(request, timeout=20)
    assert not again.erased and again.erased_until_us >= receipt.erased_until_us
    # What is said from now on counts, alone.
    answer = write(client, "profile", {"customer": ["c-1"]}, shop.column("a", "integers", [5]))
    assert answer.applied == 1
    (profile,) = read(client, "profile", customer=["c-1"])
    assert profile["a"][0][:2] == ("PRESENT", 5)
    (profile,) = read(client, "profile", as_of=before + 2, customer=["c-1"])
    assert profile["a"][0][0] == "NO_ENTITY"
    client.close()


@pytest.mark.parametrize("entity, code, word", [
    (shop.entity("custmer", CANARY), Code.INVALID_ARGUMENT, "entity.kind"),
    (shop.entity("session", ""), Code.INVALID_ARGUMENT, "entity.id"),
    (shop.entity("session", CANARY * 100), Code.INVALID_ARGUMENT, "entity.id"),
    (None, Code.INVALID_ARGUMENT, "entity"),
], ids=["unknown kind", "no id", "a long id", "nothing"])
def test_an_erasure_is_refused_by_name(kassa, entity, code, word):
    kassa.apply(shop.feature_set("any", ["session"], shop.feature("a", "INT64")))
    request = features_pb2.EraseRequest(entity=entity, reason="test")
    assert_refused(refusal(kassa.features.Erase, request), code, word)


def test_an_erasure_that_was_killed_half_way_holds_and_is_finished(tmp_path):
    """kill -9 while rows go: nothing of the entity can be written again, and asking again ends it."""
    chance = random.Random(SEED)
    count, half_way = 60_000, 0
    folder = tmp_path / "data"
    before = now_us() - 60 * MICROSECONDS
    # The first round is not killed: how long it takes tells when to kill the others.
    seconds = None
    for round_ in range(6):
        server = Server(folder, map_gib=1)
        try:
            client = Client(server.address)
            # The customer is second in the key, so that rows are looked for, in many transactions.
            client.apply(shop.feature_set(
                "affinity", ["product", "customer"], shop.feature("a", "INT64"), history_ms=DAY_MS))
            customer = f"c-{round_}"
            for start in range(0, count, 10_000):
                products = [f"p-{number}" for number in range(start, start + 10_000)]
                answer = write(
                    client, "affinity", {"product": products, "customer": [customer] * 10_000},
                    shop.column("a", "integers", range(10_000)), event_time_us=[before])
                assert answer.applied == 10_000
            request = features_pb2.EraseRequest(
                entity=shop.entity("customer", customer), reason="test")
            delay = 60 if seconds is None else chance.uniform(0.1, 0.9) * seconds
            killer = threading.Timer(delay, server.process.kill)
            started = time.monotonic()
            killer.start()
            receipt = None
            try:
                receipt = client.features.Erase(request, timeout=60)
            except grpc.RpcError as error:
                assert error.code() == Code.UNAVAILABLE
            if seconds is None:
                seconds = time.monotonic() - started
                killer.cancel()
            killer.join()
            client.close()
        finally:
            server.kill()
        server = Server(folder, map_gib=1)
        client = Client(server.address)
        products = [f"p-{number}" for number in range(10_000)]
        ids = {"product": products, "customer": [customer] * 10_000}
        (found,) = read(client, "affinity", **ids)
        left = sum(status == "PRESENT" for status, _, _ in found["a"])
        if receipt is None:
            # Once the tombstone is there, late writes are ignored; before it, nothing was deleted.
            late = write(client, "affinity", ids, shop.column("a", "integers", [9] * 10_000),
                         event_time_us=[before + 1])
            assert late.ignored_erased in (0, 10_000)
            if late.ignored_erased == 10_000:
                half_way += 1
            else:
                assert left == 10_000
            receipt = client.features.Erase(request, timeout=60)
            assert sum(set.rows for set in receipt.erased) <= count
        else:
            assert left == 0 and receipt.erased[0].rows == count
        (found,) = read(client, "affinity", **ids)
        assert {status for status, _, _ in found["a"]} == {"NO_ENTITY"}
        (found,) = read(client, "affinity", as_of=before + 1, **ids)
        assert {status for status, _, _ in found["a"]} == {"NO_ENTITY"}
        late = write(client, "affinity", ids, shop.column("a", "integers", [9] * 10_000),
                     event_time_us=[before + 1])
        assert late.ignored_erased == 10_000
        client.close()
        server.stop()
    assert half_way > 0, "no kill came in the middle"


# Point in time.


def order(name, value):
    """What wins at one event time: a value over a null, and the greater slot, as it is stored."""
    if value is None:
        return (0,)
    stored = {
        "number": lambda: int.from_bytes(struct.pack(">f", value), "big"),
        "count": lambda: value % 2**64, "word": lambda: value.encode(),
        "taste": lambda: struct.pack("<2f", *value),
        "tags": lambda: b"".join(
            struct.pack("<H", len(part)) + part.encode() for part in value),
    }[name]()
    return (1, stored)


def as_of(events, id, at):
    """By brute force: per feature the (status, value, age) of the latest event up to then."""
    told = [event for event in events if event[0] == id and event[1] <= at]
    found = {}
    for name in FEATURES:
        values = [(when, order(name, values[name]), values[name])
                  for _, when, values in told if name in values]
        if not told:
            found[name] = ("NO_ENTITY", None, -1)
        elif not values:
            found[name] = ("NO_FEATURE", None, -1)
        else:
            when, _, value = max(values, key=lambda value: value[:2])
            found[name] = ("NULL" if value is None else "PRESENT", value, (at - when) // 1_000)
    return found


def test_reads_as_of_any_time_are_those_of_brute_force(start_server):
    chance = random.Random(SEED)
    server = start_server(sweep_seconds=1)
    client = Client(server.address)
    client.apply(shop.feature_set("cart", ["session"], *MERGED, history_ms=DAY_MS))
    ids = [f"s-{number}" for number in range(8)]
    start = now_us() - 7_200 * MICROSECONDS
    events = random_events(chance, 600, ids, start, 1_000_003)
    told = []
    for part in range(3):
        more = events[part * 200 : (part + 1) * 200]
        told += more
        for request in requests_of("cart", more, chance.choice([1, 9, 50])):
            assert not client.features.Write(request, timeout=20).errors
        pairs = [(chance.choice([*ids, "nobody"]), start + chance.randint(-5, 45) * 1_000_003
                  + chance.choice([-1, 0, 0, 1])) for _ in range(400)]
        (found,) = read(client, "cart", each=[at for _, at in pairs], session=[id for id, _ in pairs])
        for row, (id, at) in enumerate(pairs):
            assert {name: found[name][row] for name in FEATURES} == as_of(told, id, at), (id, at, part)
        # One time for all says the same.
        id, at = pairs[0]
        (found,) = read(client, "cart", as_of=at, session=[id])
        assert {name: found[name][0] for name in FEATURES} == as_of(told, id, at)
        if part == 1:
            client.close()
            server.kill()
            server = start_server(folder=server.folder, sweep_seconds=1)
            client = Client(server.address)
    client.close()


def test_history_is_true_though_the_row_has_expired(start_server):
    """The sweep takes the row, not its history; a late write must then be merged into what was."""
    server = start_server(sweep_seconds=1)
    client = Client(server.address)
    client.apply(shop.feature_set(
        "brief", ["session"], *MERGED, ttl_ms=600_000, history_ms=DAY_MS))
    start = now_us() - 3_600 * MICROSECONDS
    events = [
        ("s", start, {"count": 1, "word": "a"}), ("s", start + 20_000_000, {"count": 2}),
    ]
    late = [
        ("s", start + 10_000_000, {"word": "b", "number": 1.5}),
        ("s", start + 30_000_000, {"tags": ("x",)}),
    ]
    for request in requests_of("brief", events, 1):
        assert client.features.Write(request, timeout=20).applied == 1
    name = 'kassa_store_swept_rows_total{why="expired"}'
    assert eventually(lambda: metrics(server).get(name) == 1, seconds=15), metrics(server)
    told = list(events)
    for event in [None, *late]:
        if event:
            told.append(event)
            for request in requests_of("brief", [event], 1):
                client.features.Write(request, timeout=20)
        for seconds in (0, 5, 10, 15, 20, 25, 30, 40):
            at = start + seconds * 1_000_000
            (found,) = read(client, "brief", as_of=at, session=["s"])
            assert {name: found[name][0] for name in FEATURES} == as_of(told, "s", at), (event, seconds)
    client.close()


def test_a_read_as_of_a_time_is_refused_by_name(kassa):
    kassa.apply(
        shop.feature_set("forgetful", ["session"], shop.feature("a", "INT64")),
        shop.feature_set("mindful", ["session"], shop.feature("a", "INT64"), history_ms=3_600_000))
    now = now_us()

    def request(name="mindful", ids=("s",), **more):
        request = shop.read(name, ids=ids)
        request.MergeFrom(features_pb2.ReadRequest(**more))
        return request

    hour = 3_600 * MICROSECONDS
    for broken, words in [
        (request("forgetful", as_of_us=now), ("as_of_us", "history", "forgetful")),
        (request("forgetful", as_of_us_each=[now]), ("as_of_us_each[0]", "history")),
        (request(as_of_us=now + hour), ("as_of_us", "future")),
        (request(as_of_us=now - 2 * hour), ("as_of_us", "before the history", "3600000 ms")),
        (request(as_of_us=-1), ("as_of_us", "before the history")),
        (request(as_of_us=-(2**63)), ("as_of_us", "before the history")),
        (request(as_of_us=2**63 - 1), ("as_of_us", "future")),
        (request(ids=["s", "t"], as_of_us_each=[now, now - 2 * hour]),
         ("as_of_us_each[1]", "before the history")),
        (request(ids=["s", "t"], as_of_us_each=[now]), ("as_of_us_each", "one time for each")),
        (request(as_of_us_each=[now, now]), ("as_of_us_each", "one time for each")),
        (request(as_of_us=now, as_of_us_each=[now]), ("as_of_us_each", "as_of_us")),
    ]:
        assert_refused(refusal(kassa.features.Read, broken), Code.INVALID_ARGUMENT, *words)
    kassa.features.Read(request(as_of_us=now - hour + 60 * MICROSECONDS), timeout=20)
