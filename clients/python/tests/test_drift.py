# SPDX-License-Identifier: Apache-2.0
"""Drift from Python: a report, an alarm as an event, and a person's word that it is normal."""

import threading
import time

import numpy as np
import pandas as pd
import pytest

import kassa

xgboost = pytest.importorskip("xgboost")

ROWS = 1_200
SCORER = "drifting"
INPUTS = ["items", "value"]


def make_rows(items=5, seed=3):
    chance = np.random.default_rng(seed)
    return pd.DataFrame({
        "session": [f"s-{row}" for row in range(ROWS)],
        "items": chance.poisson(items, ROWS), "value": chance.gamma(2, 40, ROWS).astype(np.float32),
        "abandoned": chance.integers(0, 2, ROWS)})


@pytest.fixture(scope="module")
def shop(client):
    client.apply(kassa.FeatureSet("cart", ["session"], [
        kassa.Feature("items", "int64"), kassa.Feature("value", "float32")]))
    frame = make_rows()
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=3).fit(frame[INPUTS], frame["abandoned"])
    client.push(
        model, feature_set="cart", training_frame=frame, name="drifting", golden_rows=8,
        scorer=SCORER)
    return client


def traffic_until(shop, done, seconds=60):
    """Scores until `done()`, which is returned."""
    keys = make_rows()[["session"]]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        shop.score_frame(SCORER, keys)
        if found := done():
            return found
    raise AssertionError("it did not come in time")


def test_a_scorers_windows_are_said_by_its_policy(shop):
    policy = kassa.DriftPolicy(window="200ms", false_pages_per_month=2, bake="1h", sample_every=1)
    shop.apply(kassa.Scorer(SCORER, drift=policy))
    scorer = shop.scorer(SCORER)
    assert scorer.drift == kassa.DriftPolicy(200, 2.0, "page", 3_600_000, 1)
    assert scorer.to_proto().drift.window_ms == 200
    assert not shop.apply(scorer).changed
    both = kassa.Scorer(SCORER, drift=kassa.DriftPolicy(on_shared_drift="rollback"))
    assert kassa.Scorer.from_proto(both.to_proto()).drift == both.drift
    assert kassa.Scorer.from_proto(kassa.Scorer(SCORER).to_proto()).drift is None


def test_what_has_moved_is_reported_told_and_accepted(shop):
    shop.apply(kassa.Scorer(SCORER, drift=kassa.DriftPolicy(window="200ms")))
    rollout = shop.rollout(SCORER)
    empty = rollout.drift()
    assert empty.scorer == SCORER and empty.action == "nothing" and empty.since is None
    assert empty.window_ms == 200 and empty.slots["STABLE"].model == "drifting@1"
    assert {"slot", "model", "feature", "psi"} <= set(empty.frame().columns)
    with pytest.raises(kassa.FailedPreconditionError, match="no drift alarm"):
        rollout.accept_drift(reason="nothing has happened")

    shop.write("cart", make_rows().drop(columns="abandoned"))
    quiet = traffic_until(shop, lambda: (
        report := rollout.drift()).slots["STABLE"].windows >= 3 and report)
    assert quiet.alarms == () and quiet.action == "nothing"
    assert all(one.psi < one.psi_threshold for one in quiet.slots["STABLE"].features)
    shown = quiet.frame()
    assert set(shown["feature"]) == {"score", "cart.items", "cart.value"}
    assert set(shown["slot"]) == {"STABLE"}

    told = []
    with rollout.watch(timeout=90) as watch:
        assert next(watch).drift is None

        def listen():
            for event in watch:
                if event.drift is not None:
                    told.append(event)
                    return

        listener = threading.Thread(target=listen)
        listener.start()
        shop.write("cart", make_rows(items=15).drop(columns="abandoned"))
        report = traffic_until(shop, lambda: (
            report := rollout.drift()) and ("STABLE", "cart.items", "shift") in report.alarms
            and report)
        listener.join(30)
    assert report.action == "page_and_freeze" and report.since is not None
    moved = report.frame().set_index("feature").loc["cart.items"]
    assert moved["psi"] > moved["psi_threshold"] and "shift" in moved["alarms"]
    (event,) = told
    assert event.transition is None and event.status.stable == "drifting@1"
    assert (event.drift.scorer, event.drift.slot, event.drift.raised) == (SCORER, "STABLE", True)
    assert event.drift.measured > event.drift.tolerated and event.drift.values >= 1_000

    with pytest.raises(kassa.InvalidArgumentError):
        rollout.accept_drift(reason="")
    accepted = rollout.accept_drift(reason="the season of large carts", actor="ada")
    assert "drifting@1 cart.items" in accepted.features
    assert accepted.report.action == "nothing" and accepted.report.alarms == ()
