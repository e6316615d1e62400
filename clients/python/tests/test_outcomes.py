# SPDX-License-Identifier: Apache-2.0
"""Outcomes from Python: recorded scores, what came of them, and calibrations as scikit-learn counts."""

import asyncio
import dataclasses
import datetime

import numpy as np
import pandas as pd
import pytest

import kassa
from kassa import outcomes as outcomes_module
from kassa.v1 import config_pb2, scoring_pb2
from kassa_process import eventually
from test_client import Scripted

metrics = pytest.importorskip("sklearn.metrics")
xgboost = pytest.importorskip("xgboost")

ROWS = 300
SCORER = "abandonment"


@pytest.fixture(scope="module")
def shop(client):
    chance = np.random.default_rng(5)
    frame = pd.DataFrame({
        "session": [f"s-{row}" for row in range(ROWS)], "items": chance.integers(0, 9, ROWS)})
    frame["abandoned"] = chance.random(ROWS) < 1 / (1 + np.exp(0.5 * frame["items"] - 2))
    client.apply(kassa.FeatureSet("cart", ["session"], [kassa.Feature("items", "int64")]))
    client.write("cart", frame[["session", "items"]])
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=3).fit(frame[["items"]], frame["abandoned"])
    client.push(model, feature_set="cart", training_frame=frame, name=SCORER, scorer=SCORER)
    client.apply(kassa.Scorer(
        SCORER, entity="session", outcomes=kassa.OutcomePolicy(maturity="1s", horizon="1h")))
    client.frame = frame
    return client


def recorded(client, row=0):
    return client.score(SCORER, {"session": f"s-{row}"}, record=True).score_id


def test_a_scorer_says_when_outcomes_count(shop):
    found = shop.scorer(SCORER)
    assert found.model == f"{SCORER}@1" and found.entity == "session"
    assert found.outcomes == kassa.OutcomePolicy(1_000, 3_600_000, "ignore")
    assert not shop.apply(found).changed
    absent = kassa.Scorer(
        "plan", f"{SCORER}@1", outcomes=kassa.OutcomePolicy("5m", "2h", "negative"),
        decision_threshold=0.7)
    shop.apply(absent)
    assert shop.scorer("plan").decision_threshold == 0.7
    assert shop.scorer("plan").outcomes == kassa.OutcomePolicy(300_000, 7_200_000, "negative")


def test_what_a_newer_server_says_of_a_scorer_stays():
    spec = config_pb2.ScorerSpec(name="s", model="m@1", owner="ada", labels={"a": "b"})
    # Field 9,999, a text that this release does not know.
    newer = config_pb2.ScorerSpec.FromString(spec.SerializeToString() + b"\xfa\xf0\x04\x05newer")
    found = dataclasses.replace(kassa.Scorer.from_proto(newer), owner="", labels={"c": "d"})
    sent = found.to_proto()
    assert b"newer" in sent.SerializeToString()
    assert (sent.name, sent.owner, dict(sent.labels)) == ("s", "", {"c": "d"})
    assert b"newer" not in kassa.Scorer("s", "m@1").to_proto().SerializeToString()


def test_a_score_has_an_id_if_it_is_recorded(server, shop):
    assert shop.score(SCORER, {"session": "s-1"}).score_id is None
    ids = {recorded(shop, row) for row in range(5)}
    assert len(ids) == 5 and all(len(id) == 32 for id in ids)
    assert "score_id" not in shop.score_frame(SCORER, shop.frame[["session"]].head())

    async def ask():
        async with kassa.AsyncClient(server.address) as client:
            answer = await client.score(SCORER, {"session": "s-1"}, record=True)
            return await client.record_outcomes([(answer.score_id, False)])

    assert asyncio.run(ask()).statuses == ("ACCEPTED",)


def test_a_table_of_outcomes_counts_as_scikit_learn_counts(shop, start_server):
    other = start_server()
    with kassa.connect(other.address) as client:
        frame, model = shop.frame, xgboost.XGBClassifier(n_estimators=5, max_depth=3)
        client.apply(kassa.FeatureSet("cart", ["session"], [kassa.Feature("items", "int64")]))
        client.write("cart", frame[["session", "items"]])
        model.fit(frame[["items"]], frame["abandoned"])
        client.push(model, feature_set="cart", training_frame=frame, name=SCORER, scorer=SCORER)
        client.apply(kassa.Scorer(SCORER, outcomes=kassa.OutcomePolicy(maturity="1s", horizon="1h")))
        assert client.calibration(SCORER) == kassa.ScorerCalibration({}, 0, 0)
        scores = client.score_frame(SCORER, frame[["session"]], record=True)
        assert scores["score_id"].dtype == "string" and scores["score_id"].is_unique
        result = client.record_outcomes(
            scores.assign(abandoned=frame["abandoned"]), label="abandoned")
        assert result.counts == {"ACCEPTED": ROWS} and result.stored == ROWS
        assert eventually(
            lambda: [slot.labels for slot in client.calibration(SCORER).slots.values()] == [ROWS],
            seconds=15)
        found = client.calibration(SCORER)
        stable = found.slots["STABLE"]
        assert stable.positives == frame["abandoned"].sum() and stable.refused_labels == 0
        assert stable.brier == pytest.approx(
            metrics.brier_score_loss(frame["abandoned"], scores["score"]), abs=1e-4)
        assert stable.log_loss == pytest.approx(
            metrics.log_loss(frame["abandoned"], scores["score"]), abs=1e-3)
        assert stable.observed_over_expected == pytest.approx(
            frame["abandoned"].sum() / scores["score"].sum(), rel=1e-3)
        # Fewer than 500 labels.
        assert stable.expected_calibration_error is None
        assert found.recorded_scores == ROWS and found.open_scores == 0
        bundle = client.rollout(SCORER).status().slots["STABLE"].bundle
        assert bundle.startswith(stable.bundle_prefix) and len(stable.bundle_prefix) == 16


def test_each_outcome_has_a_status_of_its_own(shop):
    first, second, third = (recorded(shop, row) for row in range(3))
    stranger = first[:22] + ("1" if first[22] == "0" else "0") + first[23:]
    now = datetime.datetime.now(datetime.UTC)
    result = shop.record_outcomes([
        (first, True), (first, 1), (first.upper(), False), (stranger, False), [second, False, now],
        {"score_id": third, "label": np.bool_(True)}])
    assert result.statuses == (
        "ACCEPTED", "DUPLICATE", "CONFLICTING", "UNKNOWN", "ACCEPTED", "ACCEPTED")
    assert result.counts == {"ACCEPTED": 3, "DUPLICATE": 1, "CONFLICTING": 1, "UNKNOWN": 1}
    assert result.stored == 4
    assert shop.record_outcomes([]).statuses == ()


def test_tables_of_every_kind_are_taken(shop):
    pa = pytest.importorskip("pyarrow")
    ids = [recorded(shop, row) for row in range(4)]
    now = pd.Timestamp.now("UTC")
    frame = pd.DataFrame({
        "id": pd.array(ids[:2], dtype="string"), "bought": [1.0, 0.0], "when": [now, pd.NaT]})
    assert shop.record_outcomes(
        frame, score_id="id", label="bought", time="when").counts == {"ACCEPTED": 2}
    table = pa.table({"score_id": ids[2:], "label": [True, False]})
    assert shop.record_outcomes(table, time=now.to_pydatetime()).counts == {"ACCEPTED": 2}
    labels = [True, False, True, False]
    assert shop.record_outcomes({"score_id": ids, "label": labels}).counts == {"DUPLICATE": 4}


def test_what_does_not_fit_is_named_by_row_and_nothing_is_sent(shop):
    good = recorded(shop)
    with pytest.raises(kassa.RowsError, match="nothing was sent") as caught:
        shop.record_outcomes(pd.DataFrame({
            "score_id": [good, None, "abc", good, good], "label": [True, True, True, None, 0.5]},
            dtype=object))
    assert [(problem.row, problem.field) for problem in caught.value.problems] == [
        (1, "score_id"), (2, "score_id"), (3, "label"), (4, "label")]
    for row, outcomes in enumerate(([(good,)], [(good, True), "x"], [{"id": good}])):
        with pytest.raises(kassa.RowsError):
            shop.record_outcomes(outcomes)
    for table, arguments, field in [
            ({"score_id": [good]}, {}, "label"), ({"label": [True]}, {}, "score_id"),
            ({"score_id": [good], "label": [True]}, {"time": "at"}, "at"),
            ({"score_id": [good], "label": [True], "at": [pd.Timestamp("2026-01-01")]},
             {"time": "at"}, "at")]:
        with pytest.raises(kassa.FrameError) as refused:
            shop.record_outcomes(pd.DataFrame(table), **arguments)
        assert refused.value.field == field
    with pytest.raises(kassa.FrameError):
        shop.record_outcomes("outcomes")
    assert shop.record_outcomes([(good, True)]).statuses == ("ACCEPTED",)


def test_more_than_a_request_holds_are_several(shop, monkeypatch):
    ids = [recorded(shop, row) for row in range(7)]
    monkeypatch.setattr(outcomes_module, "OUTCOMES_MAX", 3)
    given = [(id, row % 2 == 0) for row, id in enumerate(ids)]
    assert shop.record_outcomes(given + given[:1]).statuses == ("ACCEPTED",) * 7 + ("DUPLICATE",)


def test_the_most_outcomes_of_a_request_are_taken(shop):
    ids = [recorded(shop, row) for row in range(2)]
    given = [(ids[0], True)] * outcomes_module.OUTCOMES_MAX + [(ids[1], True)]
    counts = shop.record_outcomes(given).counts
    assert counts == {"ACCEPTED": 2, "DUPLICATE": outcomes_module.OUTCOMES_MAX - 1}


def test_the_time_of_an_outcome_is_sent_with_it():
    answer = scoring_pb2.RecordOutcomeResponse(statuses=[scoring_pb2.OUTCOME_LATE] * 2)
    id = "0" * 32
    with Scripted("Scoring/RecordOutcome", scoring_pb2.RecordOutcomeRequest, answer, answer) as scripted:
        with kassa.connect(scripted.address) as client:
            assert client.record_outcomes([(id, True, 7), (id, False)]).statuses == ("LATE", "LATE")
            client.record_outcomes([(id, True), (id, False)], time=9)
    sent = [[(outcome.label, outcome.at_us) for outcome in request.outcomes] for request in scripted.requests]
    assert sent == [[(True, 7), (False, 0)], [(True, 9), (False, 9)]]


def test_a_routing_key_stays_in_one_slot_in_the_place_of_the_entity(shop):
    frame = shop.frame
    model = xgboost.XGBClassifier(n_estimators=2).fit(frame[["items"]], frame["abandoned"])
    shop.push(model, feature_set="cart", training_frame=frame, name=SCORER, scorer=SCORER,
              rollout="canary", weight_percent=50)
    slots = {key: {shop.score(SCORER, {"session": f"s-{row}"}, routing_key=key).slot for row in range(20)}
             for key in "abcdefgh"}
    assert all(len(found) == 1 for found in slots.values())
    assert len(set.union(*slots.values())) == 2
    shop.rollout(SCORER).abort()
