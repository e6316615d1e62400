# SPDX-License-Identifier: Apache-2.0
"""Rows in and out: every value comes back as it was, or is refused by name."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

import kassa

pa = pytest.importorskip("pyarrow")

UTC = datetime.UTC
SET = kassa.FeatureSet("every", ["session"], [
    kassa.Feature("f32", "float32"), kassa.Feature("f64", "float64"), kassa.Feature("i64", "int64"),
    kassa.Feature("flag", "bool"), kassa.Feature("text", "string"),
    kassa.Feature("level", "string", categories=("low", "high")),
    kassa.Feature("at", "timestamp"), kassa.Feature("taste", "vector", dimension=2),
    kassa.Feature("tags", "strings"), kassa.Feature("soft", "float32", nan="missing")])


@pytest.fixture(scope="module")
def every(client):
    client.apply(SET)
    return client


def read(client, ids, **more):
    return client.read("every", {"session": ids}, **more)


def refused(client, column, values, match):
    """The problem of the row that a column of one value has."""
    with pytest.raises(kassa.KassaError, match=match) as caught:
        client.write("every", {"session": ["x"], column: values})
    assert isinstance(caught.value, (kassa.RowsError, kassa.FrameError))
    assert caught.value.field == column
    # Nothing was sent.
    assert read(client, ["x"], statuses=True)[f"{column}.status"][0] == "NO_ENTITY"


def test_every_type_comes_back_as_it_was(every):
    when = pd.to_datetime(["2026-01-02T03:04:05.678901+01:00", None, "1960-06-01T00:00:00Z"], utc=True, format="ISO8601")
    frame = pd.DataFrame({
        "session": ["a", "b", "c"],
        "f32": np.array([0.1, np.nan, -3e38], dtype=np.float64),
        "f64": [0.1, 2.0**-1074, np.nan],
        "i64": pd.array([2**63 - 1, None, -(2**63)], dtype="Int64"),
        "flag": pd.array([True, None, False], dtype="boolean"),
        "text": pd.array(["Łódź", None, ""], dtype="string"),
        "level": pd.Categorical(["high", None, "low"]),
        "at": when,
        "taste": [[1.5, -2.0], None, np.array([0, 1])],
        "tags": [["x", "y"], None, []],
    })
    result = every.write("every", frame, durability="durable")
    assert (result.applied, result.durability, result.feature_set) == (3, "durable", "every@1")
    found = read(every, ["a", "b", "c", "nobody"], statuses=True)
    assert found["f32"].dtype == np.float32
    np.testing.assert_array_equal(
        found["f32"], np.array([0.1, np.nan, -3e38, np.nan], dtype=np.float32))
    np.testing.assert_array_equal(found["f64"], [0.1, 2.0**-1074, np.nan, np.nan])
    assert found["i64"].dtype == "Int64" and found["flag"].dtype == "boolean"
    assert found["i64"].tolist() == [2**63 - 1, pd.NA, -(2**63), pd.NA]
    assert found["flag"].tolist() == [True, pd.NA, False, pd.NA]
    assert found["text"].tolist() == ["Łódź", pd.NA, "", pd.NA]
    assert list(found["level"].cat.categories) == ["low", "high"]
    assert found["level"].tolist()[:3] == ["high", np.nan, "low"] or pd.isna(found["level"][1])
    assert found["at"].dtype == "datetime64[us, UTC]"
    assert found["at"][0] == when[0] and found["at"][2] == when[2] and pd.isna(found["at"][1])
    assert found["taste"][0].tolist() == [1.5, -2.0] and found["taste"][1] is None
    assert found["tags"].tolist() == [["x", "y"], None, [], None]
    # What was missing said nothing.
    assert found["f64.status"].tolist() == ["PRESENT", "PRESENT", "NO_FEATURE", "NO_ENTITY"]


def test_arrow_data_come_back_as_they_were(every):
    table = pa.table({
        "session": pa.array([7, 8, 9], pa.int64()),
        "f32": pa.array([1.5, None, 2.5], pa.float32()),
        "i64": pa.array([2**53 + 1, None, -1], pa.int64()),
        "flag": pa.array([True, None, False]),
        "text": pa.array(["x", None, "y"]).dictionary_encode(),
        "at": pa.array([0, None, -1_500], pa.timestamp("ns", "Europe/Berlin")),
        "taste": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.float32(), 2)),
        "tags": pa.array([["a"], None, []], pa.list_(pa.string())),
        "level": pa.nulls(3),
    })
    for data in (table, table.to_batches()[0], table.to_pandas(types_mapper=pd.ArrowDtype)):
        every.write("every", data)
        found = read(every, ["7", "8", "9"])
        assert found["i64"].tolist() == [2**53 + 1, pd.NA, -1]
        assert found["text"].tolist() == ["x", pd.NA, "y"]
        assert found["at"][0] == pd.Timestamp(0, tz="UTC")
        # Cut off to the microsecond before, not to the one nearer to 1970.
        assert found["at"][2] == pd.Timestamp(-2, unit="us", tz="UTC")
        assert found["taste"][2].tolist() == [3, 4] and found["tags"][0] == ["a"]
        assert found["flag"].tolist() == [True, pd.NA, False]


def test_missing_is_nothing_said_or_a_null(every):
    every.write("every", {"session": ["m"], "i64": [5], "f64": [1.0]})
    every.write("every", {"session": ["m"], "i64": [None], "f64": [2.0]})
    found = read(every, ["m"], statuses=True)
    assert (found["i64"][0], found["i64.status"][0], found["f64"][0]) == (5, "PRESENT", 2.0)
    every.write("every", {"session": ["m"], "i64": [None], "f64": [3.0]}, missing="null")
    found = read(every, ["m"], statuses=True, ages=True)
    assert found["i64"][0] is pd.NA and found["i64.status"][0] == "NULL"
    assert 0 <= found["i64.age_ms"][0] < 60_000 and found["text.age_ms"][0] is pd.NA


def test_nan_and_infinity_are_the_features_own_matter(every):
    nan = pa.table({"session": ["n"], "soft": pa.array([float("nan")]), "f32": pa.array([1.0])})
    assert every.write("every", nan).applied == 1
    assert read(every, ["n"], statuses=True)["soft.status"][0] == "NULL"
    for value in (float("nan"), float("inf")):
        hard = pa.table({"session": ["n", "o"], "f32": pa.array([value, 1.0])})
        with pytest.raises(kassa.RowsError, match="server refused 1 of 2 rows") as caught:
            every.write("every", hard)
        problem, = caught.value.problems
        assert (problem.row, problem.field) == (0, "f32")
        result = every.write("every", hard, on_refused="return")
        assert result.applied == 1 and result.refused[0].row == 0
    # Of pandas a NaN is what is missing.
    assert every.write("every", pd.DataFrame({"session": ["p"], "f32": [np.nan], "f64": [1.0]})).applied == 1


@pytest.mark.parametrize("values, stored", [
    (pd.array([3], dtype="Int64"), 3), (np.array([3.0]), 3), ([decimal.Decimal("3")], 3),
    (np.array([2.0**53]), 2**53), (np.array([2**63 - 1], np.uint64), 2**63 - 1), ([2**53 + 1], 2**53 + 1),
    (np.array([True]), 1), ([np.int16(-3)], -3)])
def test_what_is_a_whole_number_is_taken(every, values, stored):
    every.write("every", {"session": ["w"], "i64": values})
    assert read(every, ["w"])["i64"][0] == stored


@pytest.mark.parametrize("column, values, match", [
    ("i64", np.array([0.5]), "is no whole number"), ("i64", np.array([np.inf]), "is no whole number"),
    ("i64", np.array([2.0**53 + 2]), "float beyond 2\\^53"), ("i64", ["3"], "is a str, not a number"),
    ("i64", [2**63], "is beyond int64"), ("i64", np.array([2**63], np.uint64), "is beyond int64"),
    ("i64", [-(2**63) - 1], "is beyond int64"),
    ("f32", np.array([3.5e38]), "is beyond float32"), ("f32", np.array([2**24 + 1]), "would be rounded"),
    ("f64", np.array([2**53 + 1]), "would be rounded"), ("f64", [2**53 + 1], "would be rounded"),
    ("f64", [10**400], "would be rounded"), ("f32", ["1.5"], "is a str, not a number"),
    ("flag", [2], "neither true nor false"), ("flag", ["yes"], "is a str"),
    ("text", [5], "is a int, not a string"), ("text", np.array([5]), "is a int, not a string"),
    ("at", pd.to_datetime(["2026-01-01"]), "no time zone"),
    ("at", [datetime.datetime(2026, 1, 1)], "no time zone"),
    ("at", ["2026-01-01T00:00:00Z"], "is a str, not an instant"), ("at", np.array([1.5]), "no instants"),
    ("i64", pd.to_datetime(["2026-01-01"], utc=True), "type would be timestamp"),
    ("taste", [[1.0]], "has 1 components, and the feature 2"), ("taste", [[1e39, 0]], "beyond float32"),
    ("taste", [5], "no list of 2 numbers"), ("tags", ["ab"], "no list of strings"),
    ("tags", [["a", 1]], "an element that is no string")])
def test_what_a_type_cannot_hold_is_refused_before_anything_is_sent(every, column, values, match):
    refused(every, column, values, match)


def test_values_at_the_limits_are_taken(every):
    limit = float(np.finfo(np.float32).max)
    every.write("every", {"session": ["l"], "f32": [limit], "f64": [2**53], "i64": [-(2**63)], "flag": [1]})
    found = read(every, ["l"])
    assert found["f32"][0] == np.float32(limit) and found["f64"][0] == 2.0**53
    assert found["i64"][0] == -(2**63) and bool(found["flag"][0])
    every.write("every", {"session": ["l"], "f32": np.array([2**24, ])})
    assert read(every, ["l"])["f32"][0] == 2**24


def test_ids_are_strings_or_whole_numbers(every):
    every.write("every", pd.DataFrame({"session": np.array([12, 13]), "i64": [1, 2]}))
    assert read(every, ["12", "13"])["i64"].tolist() == [1, 2]
    assert every.read("every", pd.DataFrame({"session": [12]}))["i64"][0] == 1
    for ids, match in [(np.array([1.0]), "use Int64"), ([None], "there is no id"),
                       (np.array([True]), "not bools")]:
        with pytest.raises(kassa.KassaError, match=match):
            every.write("every", pd.DataFrame({"session": ids, "i64": [1]}))
        with pytest.raises(kassa.KassaError, match=match):
            every.read("every", pd.DataFrame({"session": ids}))


def test_columns_are_never_overlooked_in_silence(every):
    frame = pd.DataFrame({"who": ["k"], "i64": [1], "label": [0]})
    with pytest.raises(kassa.FrameError, match="no column session with the ids of session"):
        every.write("every", frame)
    with pytest.raises(kassa.FrameError, match="has no feature label") as caught:
        every.write("every", frame, keys={"session": "who"})
    assert caught.value.field == "label"
    with pytest.raises(kassa.FrameError, match="nothing is keyed by sesion"):
        every.write("every", frame, keys={"sesion": "who"})
    with pytest.raises(kassa.FrameError, match="no column i65"):
        every.write("every", frame, keys={"session": "who"}, features={"i64": "i65"})
    with pytest.raises(kassa.FrameError, match="no column at"):
        every.write("every", frame, keys={"session": "who"}, time="at", features=["i64"])
    with pytest.raises(kassa.FrameError, match="no column is a feature"):
        every.write("every", frame[["who"]], keys={"session": "who"})
    every.write("every", frame, keys={"session": "who"}, features={"i64": "label"})
    assert read(every, ["k"])["i64"][0] == 0
    every.write("every", frame.drop(columns="label").set_index("who"), keys={"session": "who"})
    assert read(every, ["k"])["i64"][0] == 1
    with pytest.raises(kassa.FrameError, match="twice: i64"):
        every.write("every", pd.DataFrame([["k", 1, 2]], columns=["session", "i64", "i64"]))
    with pytest.raises(kassa.FrameError, match="a int is no table"):
        every.write("every", 5)


def test_event_times_decide_and_may_be_a_column_or_one_instant(every):
    now = datetime.datetime.now(UTC)
    old = now - datetime.timedelta(hours=1)
    frame = pd.DataFrame({"session": ["t1", "t2"], "when": [now, old], "i64": [1, 2]})
    assert every.write("every", frame, time="when").applied == 2
    later = every.write("every", {"session": ["t1", "t2"], "i64": [8, 9]}, time=old + datetime.timedelta(minutes=1))
    assert (later.applied, later.ignored_older) == (1, 1)
    assert read(every, ["t1", "t2"])["i64"].tolist() == [1, 9]
    with pytest.raises(kassa.KassaError, match="has no time zone"):
        every.write("every", {"session": ["t1"], "i64": [8]}, time=datetime.datetime(2026, 1, 1))
    frame["when"] = [now, None]
    with pytest.raises(kassa.RowsError, match="row 1: when: there is no event time"):
        every.write("every", frame, time="when")


def test_a_retry_with_the_same_write_id_is_answered_as_the_first_time(every):
    frame = {"session": ["r"], "i64": [1]}
    assert not every.write("every", frame, write_id="w-1").repeated_answer
    again = every.write("every", frame, write_id="w-1")
    assert again.repeated_answer and again.applied == 1
    with pytest.raises(kassa.AlreadyExistsError):
        every.write("every", {"session": ["r"], "i64": [2]}, write_id="w-1")


@pytest.mark.parametrize("count", [1, 10_000, 10_001])
def test_frames_of_any_length_are_written_and_read(every, count):
    frame = pd.DataFrame({"session": [f"n-{row}" for row in range(count)], "i64": np.arange(count)})
    result = every.write("every", frame, write_id=f"long-{count}")
    assert result.applied == count
    found = read(every, frame["session"], features=["i64"])
    assert found["i64"].tolist() == list(range(count)) and found["session"].tolist() == frame["session"].tolist()
    assert every.write("every", frame, write_id=f"long-{count}").repeated_answer


def test_long_texts_are_split_by_bytes(every):
    frame = {"session": [f"b-{row}" for row in range(6_000)], "text": ["é" * 500] * 6_000}
    assert every.write("every", frame).applied == 6_000


def test_an_empty_frame_reads_as_one(every):
    found = every.read("every", pd.DataFrame({"session": pd.Series([], dtype="str")}))
    assert len(found) == 0 and found["i64"].dtype == "Int64"
    with pytest.raises(kassa.FrameError, match="has no feature nix"):
        read(every, ["a"], features=["nix"])


# The past.


@pytest.fixture(scope="module")
def past(client):
    client.apply(
        kassa.FeatureSet("cart", ["session"], [
            kassa.Feature("items", "int64", default=0), kassa.Feature("value", "float32", max_age="10m", on_stale="missing")],
            history="30d"),
        kassa.FeatureSet("buyer", ["customer"], [kassa.Feature("items", "int64")], history="30d"),
        kassa.FeatureSet("forgetful", ["session"], [kassa.Feature("items", "int64")]))
    return client


def test_each_label_gets_the_values_of_its_own_time(past):
    start = pd.Timestamp.now("UTC").floor("s") - pd.Timedelta("6h")
    chance = np.random.default_rng(5)
    events = pd.DataFrame({
        "session": chance.choice([f"e{n}" for n in range(20)], 800),
        "at": start + pd.to_timedelta(np.sort(chance.choice(20_000, 800, replace=False)), "s"),
        "items": np.arange(800), "value": chance.random(800).astype(np.float32)})
    past.load("cart", events, time="at")
    labels = pd.DataFrame({
        "who": chance.choice([f"e{n}" for n in range(22)], 3_000),
        "decided_at": start + pd.to_timedelta(chance.integers(-100, 20_100, 3_000), "s"),
        "bought": chance.random(3_000) < 0.5}, index=chance.permutation(3_000))
    rows = past.training_rows(labels, "cart", time="decided_at", keys={"session": "who"}, statuses=True)
    pd.testing.assert_frame_equal(rows[["who", "decided_at", "bought"]], labels)
    # pandas joins them itself: the last event at or before each label.
    expected = pd.merge_asof(
        labels.reset_index().sort_values("decided_at", kind="stable"), events.rename(columns={"session": "who"}),
        left_on="decided_at", right_on="at", by="who").set_index("index").loc[labels.index]
    known = expected["items"].notna()
    assert rows["items"].tolist() == expected["items"].fillna(0).astype(int).tolist()
    assert set(rows.loc[~known, "items.status"]) == {"DEFAULTED"}
    fresh = known & (labels["decided_at"] - expected["at"] <= pd.Timedelta("10min"))
    np.testing.assert_array_equal(rows["value"], expected["value"].where(fresh).to_numpy(np.float32))
    assert (rows.loc[known & ~fresh, "value.status"] == "STALE").all() and (known & ~fresh).sum() > 500
    now = past.read("cart", {"session": ["e1"]}, as_of=(start + pd.Timedelta("20ms")).to_pydatetime(), statuses=True)
    assert now["value.status"][0] == "NO_ENTITY"


def test_features_of_several_sets_have_their_names_in_front(past):
    past.write("cart", {"session": ["v"], "items": [1]})
    past.write("buyer", {"customer": ["c"], "items": [2]})
    found = past.read(["cart", "buyer"], {"session": ["v"], "customer": ["c"]}, features=["items"])
    assert list(found.columns) == ["session", "customer", "cart@1.items", "buyer@1.items"]
    assert found.iloc[0].tolist() == ["v", "c", 1, 2]


def test_what_cannot_be_joined_is_said(past):
    labels = pd.DataFrame({"session": ["v"], "at": [pd.Timestamp.now("UTC")]})
    with pytest.raises(kassa.KassaError, match="forgetful@1 keeps no history"):
        past.training_rows(labels, "forgetful", time="at")
    with pytest.raises(kassa.FrameError, match="no column when"):
        past.training_rows(labels, "cart", time="when")
    with pytest.raises(kassa.FrameError, match="named as features: items"):
        past.training_rows(labels.assign(items=1), "cart", time="at")
    with pytest.raises(kassa.RowsError, match="no event time"):
        past.training_rows(labels.assign(at=pd.NaT).assign(at=lambda f: f["at"].dt.tz_localize("UTC")), "cart", time="at")
    future = labels.assign(at=labels["at"] + pd.Timedelta("2h"))
    with pytest.raises(kassa.InvalidArgumentError, match="in the future"):
        past.training_rows(future, "cart", time="at")


def test_an_erased_entity_has_a_receipt_and_stays_away(past):
    past.write("buyer", {"customer": ["gone"], "items": [1]})
    receipt = past.erase("customer", "gone", reason="asked for")
    assert receipt.erased[0].rows == 1 and len(receipt.receipt_id) == 32
    late = past.write("buyer", {"customer": ["gone"], "items": [1]}, time=datetime.datetime.now(UTC) - datetime.timedelta(hours=1))
    assert (late.applied, late.ignored_erased) == (0, 1)


# Feature sets.


def test_feature_sets_come_back_as_they_were_declared(client):
    spec = kassa.FeatureSet(
        "declared", ["session", "item"], [
            kassa.Feature("a", "float32", default=1.5, max_age="90s", on_stale="default", description="words"),
            kassa.Feature("b", "string", categories=("x", "y"), default="x", on_missing="default"),
            kassa.Feature("c", "vector", dimension=2, default=[1.0, 2.0]), kassa.Feature("d", "float64", nan="missing")],
        ttl=datetime.timedelta(days=2), history="12h", owner="growth", labels={"team": "a"})
    assert client.apply(spec, dry_run=True).changed
    with pytest.raises(kassa.NotFoundError):
        client.feature_set("declared")
    plan = client.apply(spec, reason="test")
    assert plan.changes[0].action == "add" and plan.changes[0].name == "declared@1"
    found = client.feature_set("declared")
    assert found.pinned == "declared@1" and found.ttl == 172_800_000 and found.history == 43_200_000
    assert found.to_proto().features == kassa.FeatureSet.to_proto(spec).features
    assert not client.apply(spec).changed
    with pytest.raises(kassa.AbortedError):
        client.apply(spec.with_features(kassa.Feature("e", "bool")), expected_epoch=0)
    assert client.apply(spec.with_features(kassa.Feature("e", "bool"))).changes[0].name == "declared@2"
    assert client.feature_set("declared@1") == found and len(client.feature_set("declared").features) == 5
    with pytest.raises(kassa.KassaError, match="is not a duration"):
        kassa.FeatureSet("x", ["s"], [], ttl="1 week").to_proto()
    with pytest.raises(kassa.KassaError, match="type 'decimal' is none of"):
        kassa.Feature("x", "decimal").to_proto()
