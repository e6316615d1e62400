# SPDX-License-Identifier: Apache-2.0
"""Rollouts from Python: every verb against a real server, pushes into slots, and who watches."""

import asyncio
import dataclasses
import datetime
import itertools
import threading
import time

import grpc
import numpy as np
import pandas as pd
import pytest

import kassa
from kassa.v1 import rollouts_pb2
from kassa_process import eventually
from test_client import Scripted

xgboost = pytest.importorskip("xgboost")

ROWS = 400
INPUTS = ["items", "value"]
# Trees on random labels decide as they like, on a machine as busy as it is.
LENIENT = kassa.GuardPolicy(decision_threshold=1, relative_risk_max=10, slo_microseconds=1_000_000)
_names = (f"scorer_{number}" for number in itertools.count())


def make_rows():
    chance = np.random.default_rng(11)
    return pd.DataFrame({
        "session": [f"s-{row}" for row in range(ROWS)],
        "items": chance.integers(0, 9, ROWS), "value": chance.gamma(2, 40, ROWS).astype(np.float32),
        "abandoned": chance.integers(0, 2, ROWS)})


def trained(trees):
    frame = make_rows()
    return xgboost.XGBClassifier(n_estimators=trees, max_depth=3).fit(frame[INPUTS], frame["abandoned"])


@pytest.fixture(scope="module")
def shop(client):
    client.apply(kassa.FeatureSet("cart", ["session"], [
        kassa.Feature("items", "int64"), kassa.Feature("value", "float32")]))
    client.write("cart", make_rows().drop(columns="abandoned"))
    return client


@pytest.fixture
def scorer(shop):
    """A scorer that serves NAME@1, with NAME@2 and NAME@3 beside it."""
    name = next(_names)
    push(shop, 1, name, scorer=name)
    push(shop, 2, name)
    push(shop, 3, name)
    return name


def push(client, trees, name, **more):
    # No bytes are those of another scorer's models: a quarantine is of bytes, and concerns all.
    model = trained(trees + 3 * int(name.rpartition("_")[2]))
    return client.push(
        model, feature_set="cart", training_frame=make_rows(), name=name, golden_rows=8, **more)


def slots_of(client, scorer):
    return client.score_frame(scorer, make_rows()[["session"]])["slot"].value_counts().to_dict()


def test_a_model_goes_from_shadow_by_steps_to_stable_and_is_undone(shop, scorer):
    rollout = shop.rollout(scorer)
    before = rollout.status()
    assert (before.stable, before.revision, before.rollout, before.phase, before.weight_percent) == (
        f"{scorer}@1", 0, None, "", 0)
    shadow = rollout.shadow(f"{scorer}@2", guard=LENIENT, reason="retrained", actor="ada")
    assert shadow.phase == "SHADOW" and shadow.slots["SHADOW"].model == f"{scorer}@2"
    assert slots_of(shop, scorer) == {"STABLE": ROWS}
    canary = rollout.canary(weight_percent=20, step_percents=[50, 100], reason="looks well")
    state = canary.rollout
    assert (state.phase, state.weight_percent, state.step_percents) == ("CANARY", 20, (50, 100))
    assert state.candidate.model == f"{scorer}@2" and state.baseline == f"{scorer}@1"
    assert state.is_open and state.id == shadow.rollout.id
    share = slots_of(shop, scorer)["CANARY"] / ROWS
    assert 0.1 < share < 0.3
    answer = shop.score(scorer, {"session": "s-1"})
    assert answer.bundle == canary.slots[answer.slot].bundle
    assert rollout.pause().phase == "PAUSED"
    with pytest.raises(kassa.FailedPreconditionError):
        rollout.set_weight(30)
    assert rollout.set_weight(10).weight_percent == 10
    assert rollout.resume().phase == "CANARY"
    assert rollout.promote().weight_percent == 50
    assert rollout.promote().weight_percent == 100
    assert slots_of(shop, scorer) == {"CANARY": ROWS}
    done = rollout.promote(reason="fine")
    assert (done.phase, done.stable, done.slots["PREVIOUS"].model) == (
        "PROMOTED", f"{scorer}@2", f"{scorer}@1")
    assert not done.rollout.is_open
    left = done.previous_until - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(hours=23) < left <= datetime.timedelta(hours=24)
    undone = rollout.undo(reason="worse")
    assert (undone.phase, undone.stable, undone.previous_until) == ("ROLLED_BACK", f"{scorer}@1", None)
    with pytest.raises(kassa.FailedPreconditionError, match="quarantine"):
        rollout.shadow(f"{scorer}@2")
    history = rollout.history()
    assert [change.verb for change in history] == [
        "undo", "promote", "promote", "promote", "resume", "set-weight", "pause", "canary", "shadow"]
    first = history[-1]
    assert (first.actor, first.reason, first.phase_before, first.phase, first.candidate) == (
        "ada", "retrained", "", "SHADOW", f"{scorer}@2")
    assert first.candidate_bundle == shadow.slots["SHADOW"].bundle
    assert history[0].actor == shop.actor and history[0].reason == "worse"
    assert [change.revision for change in history] == list(range(9, 0, -1))
    assert abs(first.at - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=5)
    assert [change.verb for change in rollout.history(limit=1, before_revision=9)] == ["promote"]
    frame = pd.DataFrame(history)
    assert list(frame["weight_percent"])[1:4] == [0, 100, 50]
    explained = rollout.explain()
    assert explained.agrees and explained.chain_intact and explained.disagreement == ""
    assert explained.scorer == scorer and explained.transitions == tuple(history[::-1])
    assert rollout.explain(state.id) == explained


def test_an_abort_sends_everybody_back_and_can_be_repeated(shop, scorer):
    rollout = shop.rollout(scorer)
    with pytest.raises(kassa.FailedPreconditionError):
        rollout.abort()
    with pytest.raises(kassa.KassaError, match="had no rollout yet"):
        rollout.explain()
    rollout.canary(f"{scorer}@2", weight_percent=100, guard=LENIENT)
    assert slots_of(shop, scorer) == {"CANARY": ROWS}
    ended = rollout.abort(reason="calls")
    assert ended.phase == "ABORTED" and not ended.unchanged
    assert slots_of(shop, scorer) == {"STABLE": ROWS}
    assert rollout.abort().unchanged
    promoted = rollout.shadow(f"{scorer}@3") and rollout.promote(full=True)
    assert promoted.stable == f"{scorer}@3"
    assert rollout.promote(full=True).unchanged


def test_another_revision_than_expected_changes_nothing(shop, scorer):
    rollout = shop.rollout(scorer)
    first = rollout.canary(f"{scorer}@2", weight_percent=1, step_percents=[5], expected_revision=0)
    # The retry of what was carried out is answered as the first time.
    again = rollout.canary(f"{scorer}@2", weight_percent=1, step_percents=[5], expected_revision=0)
    assert again.unchanged and again.revision == first.revision == 1
    for verb in (
            lambda: rollout.set_weight(50, expected_revision=0),
            lambda: rollout.pause(expected_revision=0), lambda: rollout.resume(expected_revision=7),
            lambda: rollout.promote(expected_revision=7), lambda: rollout.abort(expected_revision=7),
            lambda: rollout.undo(expected_revision=7),
            lambda: rollout.shadow(f"{scorer}@3", expected_revision=7)):
        with pytest.raises(kassa.AbortedError) as caught:
            verb()
        assert caught.value.field == "expected_revision"
    assert rollout.status().revision == 1
    assert rollout.promote(expected_revision=1).weight_percent == 5


def test_refusals_name_the_field(shop, scorer):
    rollout = shop.rollout(scorer)
    for verb, kind, field in [
            (lambda: rollout.canary(f"{scorer}@2", weight_percent=101), kassa.InvalidArgumentError,
             "weight_percent"),
            (lambda: rollout.canary(f"{scorer}@2", weight_percent=5, step_percents=[200]),
             kassa.InvalidArgumentError, "step_percents[0]"),
            (lambda: rollout.canary(weight_percent=5), kassa.InvalidArgumentError, "model"),
            (lambda: rollout.shadow("nothing@1"), kassa.NotFoundError, "model"),
            (lambda: rollout.history(limit=1_001), kassa.InvalidArgumentError, "limit"),
            (lambda: rollout.explain(987_654), kassa.NotFoundError, "rollout_id"),
            (lambda: rollout.quarantine(f"{scorer}@2", reason=""), kassa.InvalidArgumentError,
             "reason"),
            (lambda: rollout.shadow(f"{scorer}@2", guard=kassa.GuardPolicy(alpha=0.5)),
             kassa.InvalidArgumentError, "guard.alpha"),
            (lambda: shop.rollout("nobody").status(), kassa.NotFoundError, "scorer")]:
        with pytest.raises(kind) as caught:
            verb()
        assert caught.value.field == field, caught.value
    for arguments in ({}, {"model": "a@1", "bundle": "00"}, {"bundle": "no digest"}):
        for verb in (rollout.quarantine, rollout.clear_quarantine):
            with pytest.raises(kassa.KassaError):
                verb(reason="test", **arguments)
    assert rollout.status().revision == 0


def test_a_quarantine_rolls_back_and_is_lifted(shop, scorer):
    rollout = shop.rollout(scorer)
    bundle = rollout.canary(f"{scorer}@2", weight_percent=30).slots["CANARY"].bundle
    found = rollout.quarantine(bundle=bundle, reason="leaks labels")
    assert found == kassa.QuarantineResult(bundle, (scorer,), False)
    assert rollout.status().phase == "ROLLED_BACK"
    assert rollout.quarantine(f"{scorer}@2", reason="again").unchanged
    with pytest.raises(kassa.FailedPreconditionError, match="quarantine"):
        rollout.canary(f"{scorer}@2", weight_percent=1)
    assert rollout.clear_quarantine(f"{scorer}@2", reason="was right") == kassa.QuarantineResult(bundle)
    assert rollout.clear_quarantine(bundle=bundle, reason="again").unchanged
    assert rollout.canary(f"{scorer}@2", weight_percent=1).phase == "CANARY"


# Guards.


def test_a_policy_is_completed_with_defaults_and_told(shop, scorer):
    rollout = shop.rollout(scorer)
    asked = kassa.GuardPolicy(
        alpha=0.01, relative_risk_max=2, flip_rate_max=0.03, brier_margin=0.001,
        calibration_margin_pp=2, slo_microseconds=900, pair_share_percent=50, dwell="30m",
        entities_min=500, pairs_min=100, deadline=datetime.timedelta(days=2), decision_threshold=0.7, watch_share_percent=0)
    told = rollout.shadow(f"{scorer}@2", guard=asked).guard
    assert told.policy == dataclasses.replace(asked, dwell=1_800_000, deadline=172_800_000)
    assert told.verdict == "WITHIN" and told.violation == "" and told.log_evidence < 0
    assert 0 < told.log_freeze < told.log_threshold
    assert set(told.components) == {
        "errors", "slo_misses", "fallbacks", "decision_flips", "paired_brier", "calibration"}
    assert told.counts["entities"] == kassa.GuardCount(0, 0)
    with pytest.raises(kassa.FailedPreconditionError) as caught:
        rollout.canary(weight_percent=1, guard=kassa.GuardPolicy(flip_rate_max=0.5))
    assert caught.value.field == "guard.flip_rate_max"
    rollout.abort()
    default = rollout.shadow(f"{scorer}@2").guard.policy
    assert (default.alpha, default.flip_rate_max, default.dwell, default.deadline) == (
        0.001, 0.02, 0, 7 * 86_400_000)
    assert default.watch_share_percent == 5


def test_a_candidate_that_decides_otherwise_goes_by_itself_and_says_why(shop):
    name = next(_names)
    frame = make_rows()
    label = (frame["items"] > 4).astype(int)
    for given in (label, 1 - label):
        model = xgboost.XGBClassifier(n_estimators=5, max_depth=2).fit(frame[INPUTS], given)
        pushed = shop.push(
            model, feature_set="cart", training_frame=frame, name=name, golden_rows=8, scorer=name,
            **({} if given is label else {
                "rollout": "canary", "weight_percent": 50,
                "guard": kassa.GuardPolicy(relative_risk_max=10, slo_microseconds=1_000_000)}))
    rollout = shop.rollout(name)
    with rollout.watch(timeout=60) as watch:
        opening = next(watch)
        assert opening.status.phase == "CANARY" and opening.status.guard.verdict == "WITHIN"
        scores = shop.score_frame(name, frame[["session"]])
        assert "CANARY" in set(scores["slot"])
        event = next(watch)
    assert event.status.phase == "ROLLED_BACK" and event.status.stable == f"{name}@1"
    change = event.transition
    assert change.candidate == pushed.model and change.reason
    assert change.last_answer_after_us is None or change.last_answer_after_us >= 0
    explained = rollout.explain()
    assert explained.agrees
    guard = explained.guard
    assert guard.verdict == "ROLLBACK" and guard.log_evidence >= guard.log_threshold
    flips = guard.components["decision_flips"]
    assert flips.log_evidence == max(part.log_evidence for part in guard.components.values())
    assert 0 < guard.differing_pairs == guard.pairs <= ROWS
    assert any(len(entities) for entities in change.samples.values())
    with pytest.raises(kassa.FailedPreconditionError, match="quarantine"):
        rollout.shadow(pushed.model)


# Watching.


def test_who_watches_hears_of_every_change(shop, scorer):
    rollout = shop.rollout(scorer)
    with rollout.watch(timeout=30) as watch, shop.watch_rollouts() as everything:
        opening = next(watch)
        assert opening.status == rollout.status() and opening.transition is None
        rollout.canary(f"{scorer}@2", weight_percent=5, reason="try", actor="ada")
        last = rollout.abort(reason="enough")
        first, second = next(watch), next(watch)
        assert [event.transition.verb for event in (first, second)] == ["canary", "abort"]
        assert first.transition.actor == "ada" and first.status.weight_percent == 5
        assert second.status == last and second.transition == rollout.history()[0]
        assert second.sequence == first.sequence + 1 and not second.events_lost
        assert [next(everything).transition.verb for _ in range(2)] == ["canary", "abort"]
    assert list(watch) == []
    with pytest.raises(kassa.NotFoundError):
        next(shop.rollout("nobody").watch())


def test_a_watch_ends_when_it_is_closed_when_time_is_up_and_with_the_server(shop, scorer, start_server):
    watch = shop.rollout(scorer).watch()
    next(watch)
    heard = []
    listener = threading.Thread(target=lambda: heard.append(list(watch)), daemon=True)
    listener.start()
    time.sleep(0.1)
    watch.close()
    listener.join(10)
    assert heard == [[]]
    with pytest.raises(kassa.DeadlineExceededError):
        list(shop.rollout(scorer).watch(timeout=0.3))
    other = start_server()
    with kassa.connect(other.address) as client:
        watch = client.watch_rollouts()
        other.terminate()
        with pytest.raises(kassa.UnavailableError):
            next(watch)
    assert other.wait() == 0


# Pushes into slots.


def test_a_push_goes_into_shadow_or_canary_of_a_scorer_that_serves(shop):
    name = next(_names)
    assert push(shop, 1, name, scorer=name).slots is None
    with pytest.raises(kassa.ModelError, match='rollout="canary"'):
        push(shop, 2, name, scorer=name)
    pushed = push(shop, 2, name, scorer=name, rollout="shadow", reason="retrained")
    assert pushed.model == f"{name}@2" and pushed.slots.phase == "SHADOW"
    assert pushed.slots.slots["SHADOW"].model == pushed.model
    assert shop.rollout(name).history()[0].reason == "retrained"
    # The same bytes again: from SHADOW into CANARY.
    again = push(
        shop, 2, name, version=2, scorer=name, rollout="canary", weight_percent=10, step_percents=[50])
    assert again.already_present and again.slots.rollout.id == pushed.slots.rollout.id
    state = again.slots.rollout
    assert (state.phase, state.weight_percent, state.step_percents) == ("CANARY", 10, (50,))
    assert shop.rollout(name).history()[0].reason == f"push of {name}@2"
    # A third one waits, and is not even uploaded.
    with pytest.raises(kassa.ModelError, match=f"a rollout of {name}@2 already, in CANARY") as caught:
        push(shop, 3, name, scorer=name, rollout="shadow")
    assert caught.value.field == "scorer" and f"{name}@3" not in shop.models()
    shop.rollout(name).promote(full=True)
    third = push(shop, 3, name, scorer=name, rollout="canary", weight_percent=100, guard=LENIENT)
    assert third.slots.guard.policy.decision_threshold == 1
    assert third.slots.stable == f"{name}@2"
    assert set(shop.score_frame(name, make_rows()[["session"]])["model"]) == {f"{name}@3"}


def test_what_a_push_says_of_slots_must_fit(shop):
    name = next(_names)
    push(shop, 1, name, scorer=name)
    for arguments, field in [
            ({"rollout": "shadow"}, "scorer"),
            ({"rollout": "canary", "scorer": name}, "weight_percent"),
            ({"rollout": "shadow", "scorer": name, "weight_percent": 1}, "weight_percent"),
            ({"scorer": name, "weight_percent": 1}, "weight_percent"),
            ({"rollout": "shadow", "scorer": name, "step_percents": [5]}, "weight_percent"),
            ({"scorer": name, "guard": LENIENT}, "guard"),
            ({"rollout": "blue", "scorer": name}, "rollout"),
            ({"rollout": "shadow", "scorer": "nobody_yet"}, "scorer")]:
        with pytest.raises(kassa.ModelError) as caught:
            push(shop, 2, name, **arguments)
        assert caught.value.field == field
    assert f"{name}@2" not in shop.models()
    # What only the server can tell: the model is there then, and the error says so.
    with pytest.raises(kassa.InvalidArgumentError) as caught:
        push(shop, 2, name, scorer=name, rollout="canary", weight_percent=500)
    assert caught.value.__notes__ == [f"{name}@2 is uploaded, and in no slot of {name}"]
    assert f"{name}@2" in shop.models()


# Retries.


@pytest.mark.parametrize("verb, request_type, call, is_repeated", [
    ("Promote", rollouts_pb2.PromoteRequest, lambda rollout: rollout.promote(), False),
    ("Promote", rollouts_pb2.PromoteRequest, lambda rollout: rollout.promote(full=True), True),
    ("Promote", rollouts_pb2.PromoteRequest, lambda rollout: rollout.promote(expected_revision=3), True),
    ("Abort", rollouts_pb2.AbortRequest, lambda rollout: rollout.abort(), True),
    ("SetWeight", rollouts_pb2.SetWeightRequest, lambda rollout: rollout.set_weight(5), True)])
def test_a_verb_is_tried_again_unless_it_would_be_carried_out_twice(
        verb, request_type, call, is_repeated):
    away = (grpc.StatusCode.UNAVAILABLE, "store: stopped")
    answer = rollouts_pb2.RolloutResponse(status=rollouts_pb2.RolloutStatus(scorer="s", revision=4))
    with Scripted(f"Rollouts/{verb}", request_type, away, answer) as scripted:
        with kassa.connect(scripted.address) as client:
            if is_repeated:
                assert call(client.rollout("s")).revision == 4
            else:
                with pytest.raises(kassa.UnavailableError):
                    call(client.rollout("s"))
        assert len(scripted.requests) == 1 + is_repeated


# asyncio.


def test_a_service_watches_and_asks_within_its_loop(server, shop, scorer):
    async def follow():
        async with kassa.AsyncClient(server.address) as client:
            seen = []
            async for event in client.watch(scorer, timeout=30):
                seen.append(event)
                if event.transition is None:
                    await client.rollout_status(scorer)
                    await asyncio.to_thread(
                        client.tables.rollout(scorer).canary, f"{scorer}@2", weight_percent=3)
                    await asyncio.to_thread(client.tables.rollout(scorer).abort)
                elif event.transition.verb == "abort":
                    return seen, await client.rollout_status(scorer)

    seen, status = asyncio.run(follow())
    assert [event.status.phase for event in seen] == ["", "CANARY", "ABORTED"]
    assert status == seen[-1].status

    async def refused():
        async with kassa.AsyncClient(server.address) as client:
            async for _ in client.watch("nobody"):
                pass

    with pytest.raises(kassa.NotFoundError):
        asyncio.run(refused())
    assert eventually(lambda: shop.rollout(scorer).status().phase == "ABORTED")
