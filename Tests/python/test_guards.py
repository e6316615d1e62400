# SPDX-License-Identifier: Apache-2.0
"""Guards over grpcio: bad candidates go by themselves and say why, good ones go through by steps."""

import itertools
import json
import math
import random
import threading
import time
import urllib.request

import grpc
import pytest

import client as shop
from client import Client, assert_refused, refusal
from kassa.v1 import config_pb2, models_pb2, rollouts_pb2, scoring_pb2, values_pb2
from kassa_process import Server, eventually

Code = grpc.StatusCode
SCORER = "conversion"
WEIGHTS = [1.2, -0.8, 0.5, 0.3, -0.4]
SESSIONS = 4_000
RANDOM = random.Random(7)
ROWS = [[round(RANDOM.gauss(0, 1), 3) for _ in WEIGHTS] for _ in range(SESSIONS)]
LENIENT = dict(slo_microseconds=2_000_000)
GUARD = rollouts_pb2.GuardPolicy(**LENIENT)


def plain(weights=WEIGHTS, intercept=0.0, link="logistic"):
    return json.dumps({
        "kassa_model": 1, "link": link, "intercept": intercept,
        "terms": [{"feature": f"signal_{place}", "weight": weight, "missing": 0}
                  for place, weight in enumerate(weights)]}).encode()


def upload(kassa, artefact, turn=0, inputs=None, **more):
    """Uploads a candidate; its name and version."""
    names = [f"signal_{place}" for place in range(len(WEIGHTS))]
    inputs = inputs or [models_pb2.ModelInput(feature_set="signals@1", feature=name)
                        for name in names[turn:] + names[:turn]]
    spec = shop.model_spec(artefact, name=SCORER, **{
        "format": models_pb2.PLAIN_JSON, "inputs": inputs,
        "golden": [shop.golden_row([0] * 5, margin=json.loads(artefact).get("intercept", 0))],
        **more})
    info = kassa.upload(spec, artefact).model
    return f"{info.spec.name}@{info.spec.version}"


def request(sessions, **more):
    return scoring_pb2.ScoreBatchRequest(scorer=SCORER, rows=[
        scoring_pb2.ScoreRow(entities=[shop.entity("session", f"s-{number}")])
        for number in sessions], **more)


class Load(threading.Thread):
    """Scores batch after batch of ever other sessions."""

    def __init__(self, address, rows=50):
        super().__init__(daemon=True)
        self.address, self.rows = address, rows
        self.stopping = threading.Event()
        self.slots = {}
        self.fallbacks = 0
        self.errors = []

    def run(self):
        with grpc.insecure_channel(self.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            scoring = Client(self.address, channel).scoring
            numbers = itertools.cycle(range(SESSIONS))
            while not self.stopping.is_set():
                try:
                    answer = scoring.ScoreBatch(
                        request(itertools.islice(numbers, self.rows)), timeout=20)
                except grpc.RpcError as error:
                    self.errors.append(error)
                    continue
                for result in answer.results:
                    if result.HasField("refusal"):
                        self.errors.append(result.refusal)
                    else:
                        assert math.isfinite(result.score)
                        self.fallbacks += result.fallback
                        self.slots[result.slot] = self.slots.get(result.slot, 0) + 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(20)
        assert not self.is_alive()


def set_up(client):
    client.apply(shop.SIGNAL_SET)
    for start in range(0, SESSIONS, 1_000):
        client.features.Write(shop.write(
            "signals", [f"s-{number}" for number in range(start, start + 1_000)], *(
                shop.column(f"signal_{place}", "floats", [
                    row[place] for row in ROWS[start:start + 1_000]])
                for place in range(len(WEIGHTS)))), timeout=20)
    upload(client, plain())
    client.apply(shop.scorer_spec(SCORER, f"{SCORER}@1"))


@pytest.fixture
def kassa(start_server):
    server = start_server(map_gib=1)
    client = Client(server.address)
    client.server = server
    set_up(client)
    yield client
    client.close()


def canary(kassa, model, weight=50, guard=GUARD, **more):
    return kassa.rollouts.Canary(rollouts_pb2.CanaryRequest(
        scorer=SCORER, model=model, weight_percent=weight, guard=guard, **more), timeout=20).status


def shadow(kassa, model, guard=GUARD):
    return kassa.rollouts.Shadow(rollouts_pb2.ShadowRequest(
        scorer=SCORER, model=model, guard=guard), timeout=20).status


def status(kassa):
    return kassa.rollouts.Status(rollouts_pb2.RolloutStatusRequest(scorer=SCORER), timeout=20)


def explain(kassa, rollout):
    return kassa.rollouts.Explain(
        rollouts_pb2.ExplainRolloutRequest(rollout_id=rollout), timeout=20)


def metric(kassa, name):
    with urllib.request.urlopen(f"{kassa.server.admin}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.startswith((name + " ", name + "{")))


def assert_rolled_back(kassa, rollout, word, seconds=20):
    """The rollout goes by itself; its last transition."""
    began = time.monotonic()
    while status(kassa).rollout.phase != rollouts_pb2.PHASE_ROLLED_BACK:
        assert time.monotonic() - began < seconds, status(kassa)
        time.sleep(0.005)
    took = time.monotonic() - began
    told = explain(kassa, rollout)
    assert told.agrees and told.chain_intact, told.disagreement
    last = told.transitions[-1]
    assert (last.verb, last.actor) == ("roll-back", "guard")
    assert word in last.reason, last.reason
    assert last.evidence and told.guard.verdict == "ROLLBACK"
    assert sum(len(sample.entities) for sample in last.samples) > 0
    print(f"\n{last.reason}: last bad answer {last.last_answer_after_us} µs after the event that "
          f"decided; rolled back {took:.3f} s after the verb")
    # The bundle is kept out.
    model = last.candidate
    assert_refused(
        refusal(kassa.rollouts.Canary, rollouts_pb2.CanaryRequest(
            scorer=SCORER, model=model, weight_percent=1)), Code.FAILED_PRECONDITION, "quarantine")
    return last


def assert_only_stable(kassa):
    answer = kassa.scoring.ScoreBatch(request(range(200)), timeout=20)
    assert {result.slot for result in answer.results} == {scoring_pb2.STABLE}


@pytest.mark.parametrize("name,artefact,turn", [
    ("shuffled", plain(), 2),
    ("inverted", plain([-weight for weight in WEIGHTS]), 0),
    ("constant", plain([0] * 5, intercept=3), 0),
])
def test_a_canary_that_decides_differently_goes(kassa, name, artefact, turn):
    model = upload(kassa, artefact, turn)
    with Load(kassa.server.address) as load:
        rollout = canary(kassa, model, weight=10).rollout.id
        last = assert_rolled_back(kassa, rollout, "decision_flips")
        assert_only_stable(kassa)
    assert load.errors == []
    assert last.last_answer_after_us < 20_000
    assert eventually(lambda: metric(kassa, 'kassa_alarms_total{kind="rolled_back"}') == 1)


def test_how_late_the_last_bad_answer_was_is_told_in_seconds(kassa):
    model = upload(kassa, plain([-weight for weight in WEIGHTS]))
    with Load(kassa.server.address):
        rollout = canary(kassa, model).rollout.id
        assert_rolled_back(kassa, rollout, "decision_flips")
    with urllib.request.urlopen(f"{kassa.server.admin}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    (line,) = [line for line in lines if line.startswith("kassa_rollback_")]
    name, value = line.rsplit(" ", 1)
    assert name == f'kassa_rollback_seconds{{scorer="{SCORER}"}}'
    assert 0 <= float(value) < 1


def test_a_shadow_that_decides_differently_goes_without_having_answered(kassa):
    model = upload(kassa, plain([-weight for weight in WEIGHTS]))
    with Load(kassa.server.address) as load:
        rollout = shadow(kassa, model).rollout.id
        assert_rolled_back(kassa, rollout, "decision_flips")
    assert load.errors == []
    assert set(load.slots) == {scoring_pb2.STABLE}


def test_a_score_that_is_no_number_is_never_answered(kassa):
    """exp() of a large number: only some rows overflow, and STABLE answers them."""
    model = upload(kassa, plain([400, 0, 0, 0, 0], link="exponential"))
    with Load(kassa.server.address) as load:
        rollout = canary(kassa, model, weight=50).rollout.id
        last = assert_rolled_back(kassa, rollout, "non-finite score")
        assert_only_stable(kassa)
    assert load.errors == []
    assert last.samples[0].event or last.samples


def test_a_canary_whose_own_features_are_missing_goes(kassa):
    kassa.apply(shop.feature_set("fresh", ["session"], shop.feature("signal_0", "FLOAT32")))
    inputs = [models_pb2.ModelInput(feature_set="fresh@1", feature="signal_0")] + [
        models_pb2.ModelInput(feature_set="signals@1", feature=f"signal_{place}")
        for place in range(1, 5)]
    model = upload(kassa, plain(), inputs=inputs)
    guard = rollouts_pb2.GuardPolicy(flip_rate_max=0.5, **LENIENT)
    with Load(kassa.server.address) as load:
        rollout = canary(kassa, model, weight=20, guard=guard).rollout.id
        assert_rolled_back(kassa, rollout, "fallbacks")
    assert load.errors == []


class Pipeline(threading.Thread):
    """Writes some features of every session ever again, until it is stopped."""

    def __init__(self, address, feature_set, *features):
        super().__init__(daemon=True)
        self.address = address
        self.request = shop.write(
            feature_set, [f"s-{number}" for number in range(SESSIONS)],
            *(shop.column(feature, "floats", [row[place] for row in ROWS])
              for place, feature in enumerate(features)))
        self.stopping, self.written = threading.Event(), threading.Event()
        self.error = None

    def run(self):
        with grpc.insecure_channel(self.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            features = Client(self.address, channel).features
            try:
                while not self.stopping.is_set():
                    features.Write(self.request, timeout=20)
                    self.written.set()
                    self.stopping.wait(0.1)
            except grpc.RpcError as error:
                self.error = error

    def __enter__(self):
        self.start()
        assert self.written.wait(20)
        return self

    def stop(self):
        self.stopping.set()
        self.join(20)
        assert not self.is_alive() and self.error is None

    def __exit__(self, *_):
        self.stop()


def with_momentum():
    """The plain model with one more input, of little weight."""
    artefact = json.loads(plain())
    artefact["terms"].append({"feature": "momentum", "weight": 0.001, "missing": 0})
    return json.dumps(artefact).encode()


def test_a_candidate_by_whose_version_the_same_rows_are_too_old_goes(kassa):
    """Its version says how long a row lives, STABLE's does not; both have the same features."""
    kassa.apply(shop.feature_set(
        "signals", ["session"], *shop.SIGNAL_SET.features, ttl_ms=1_000))
    names = [f"signal_{place}" for place in range(5)]
    # The decision flips are not what it is to go for.
    guard = rollouts_pb2.GuardPolicy(flip_rate_max=0.5, **LENIENT)
    model = upload(kassa, plain([weight * 1.001 for weight in WEIGHTS]), inputs=[
        models_pb2.ModelInput(feature_set="signals@2", feature=name, default=values_pb2.Value(
            number=0.1)) for name in names])
    with Pipeline(kassa.server.address, "signals", *names) as pipeline, \
            Load(kassa.server.address) as load:
        rollout = canary(kassa, model, weight=30, guard=guard).rollout.id
        time.sleep(1.5)
        assert status(kassa).guard.verdict == "WITHIN"
        pipeline.stop()
        assert_rolled_back(kassa, rollout, "fallbacks")
        assert_only_stable(kassa)
    assert load.errors == []


@pytest.mark.parametrize("how", ["stale", "expired", "default", "shadow"])
def test_a_candidate_whose_own_features_grow_stale_goes(kassa, how):
    """It reads a newer version of the feature set than STABLE does, and the pipeline of that stops."""
    fresh = shop.feature("momentum", "FLOAT32")
    if how == "expired":
        kassa.apply(shop.feature_set("fresh", ["session"], fresh, ttl_ms=1_000))
        name, own = "fresh", "fresh@1"
    else:
        fresh.max_age_ms = 1_000
        if how == "default":
            fresh.default.number = 0.5
            fresh.on_stale = config_pb2.FALLBACK_DEFAULT
        kassa.apply(shop.feature_set("signals", ["session"], *shop.SIGNAL_SET.features, fresh))
        name, own = "signals@2", "signals@2"
    inputs = [models_pb2.ModelInput(
        feature_set="signals@1" if how == "expired" else own, feature=f"signal_{place}")
        for place in range(5)] + [models_pb2.ModelInput(feature_set=own, feature="momentum")]
    model = upload(
        kassa, with_momentum(), inputs=inputs, golden=[shop.golden_row([0] * 6, margin=0)])
    with Pipeline(kassa.server.address, name, "momentum") as pipeline, \
            Load(kassa.server.address) as load:
        rollout = (shadow(kassa, model) if how == "shadow"
                   else canary(kassa, model, weight=30)).rollout.id
        # Longer than a value lives: as long as somebody writes, all is well.
        time.sleep(1.5)
        before = status(kassa)
        assert before.guard.verdict == "WITHIN" and before.rollout.phase in (
            rollouts_pb2.PHASE_CANARY, rollouts_pb2.PHASE_SHADOW)
        bad = {sample.event for sample in before.guard.samples}
        assert "fallbacks" not in bad, before.guard
        pipeline.stop()
        last = assert_rolled_back(kassa, rollout, "fallbacks")
        assert_only_stable(kassa)
    assert load.errors == []
    assert last.candidate == model
    assert {sample.event for sample in last.samples} >= {"fallbacks"}


def test_what_both_models_read_grows_stale_and_is_no_evidence_against_one(kassa):
    """The features of both are as old: no candidate goes for that."""
    stale = [shop.feature(f"signal_{place}", "FLOAT32", max_age_ms=300) for place in range(5)]
    kassa.apply(shop.feature_set("signals", ["session"], *stale))
    inputs = [models_pb2.ModelInput(feature_set="signals@2", feature=f"signal_{place}")
              for place in range(5)]
    kassa.replace(SCORER, upload(kassa, plain([weight * 1.002 for weight in WEIGHTS]), inputs=inputs))
    model = upload(kassa, plain([weight * 1.001 for weight in WEIGHTS]), inputs=inputs)
    time.sleep(0.4)
    # Before the load: the model in STABLE fails where PREVIOUS does not, and would be undone for it.
    canary(kassa, model, weight=30)
    with Load(kassa.server.address) as load:
        assert eventually(lambda: status(kassa).guard.pairs > 1_000, 20)
    found = status(kassa)
    assert found.rollout.phase == rollouts_pb2.PHASE_CANARY
    assert found.guard.verdict == "WITHIN", found.guard
    assert load.errors == []


def test_a_slow_canary_goes(kassa):
    artefact, *_ = shop.fixture_model()
    fast = upload(kassa, artefact, format=models_pb2.XGBOOST_JSON,
        golden=shop.fixture_golden())
    document = json.loads(artefact)
    model = document["learner"]["gradient_booster"]["model"]
    times = max(1, 40_000 // len(model["trees"]))
    model["trees"] = [
        {**tree, "id": number} for number, tree in enumerate(model["trees"] * times)]
    model["tree_info"] = model["tree_info"] * times
    model["iteration_indptr"] = list(range(len(model["trees"]) + 1))
    model["gbtree_model_param"]["num_trees"] = str(len(model["trees"]))
    kassa.replace(SCORER, fast)
    _, (cells, *_), _, (margin, *_) = shop.fixture_model()
    base = document["learner"]["learner_model_param"]["base_score"].strip("[]")
    base = math.log(float(base) / (1 - float(base)))
    golden = [shop.golden_row(cells, margin=base + times * (margin - base), tolerance=1)]
    many = upload(
        kassa, json.dumps(document).encode(), format=models_pb2.XGBOOST_JSON, golden=golden)
    # It takes some 100 µs, STABLE one: whoever is twice as fast as this machine still misses.
    guard = rollouts_pb2.GuardPolicy(flip_rate_max=0.5, slo_microseconds=40)
    with Load(kassa.server.address, rows=20) as load:
        rollout = canary(kassa, many, weight=20, guard=guard).rollout.id
        assert_rolled_back(kassa, rollout, "slo_misses")
    assert load.errors == []


def test_a_good_canary_goes_through_its_steps_by_itself(kassa):
    model = upload(kassa, plain([weight * 1.001 for weight in WEIGHTS]))
    guard = rollouts_pb2.GuardPolicy(dwell_ms=300, entities_min=300, pairs_min=500, **LENIENT)
    with Load(kassa.server.address, rows=200) as load:
        rollout = canary(kassa, model, weight=20, guard=guard, step_percents=[50, 100]).rollout.id
        began = time.monotonic()
        while status(kassa).rollout.phase != rollouts_pb2.PHASE_PROMOTED:
            assert time.monotonic() - began < 40, status(kassa)
            time.sleep(0.1)
    told = explain(kassa, rollout)
    assert told.agrees, told.disagreement
    assert [(one.verb, one.actor, one.weight_percent) for one in told.transitions[1:]] == [
        ("promote", "guard", 50), ("promote", "guard", 100), ("promote", "guard", 0)]
    assert load.errors == []
    assert status(kassa).slots[0].model == model


def test_a_rollout_that_does_not_get_through_is_paused_at_its_deadline(kassa):
    model = upload(kassa, plain([weight * 1.001 for weight in WEIGHTS]))
    guard = rollouts_pb2.GuardPolicy(dwell_ms=100, deadline_ms=700, **LENIENT)
    canary(kassa, model, weight=20, guard=guard, step_percents=[50])
    eventually(lambda: status(kassa).rollout.phase == rollouts_pb2.PHASE_PAUSED, 10)
    last = explain(kassa, status(kassa).rollout.id).transitions[-1]
    assert last.actor == "guard" and "deadline" in last.reason and "entities" in last.reason


def test_the_evidence_outlives_a_kill(kassa, tmp_path):
    model = upload(kassa, plain([weight * 1.001 for weight in WEIGHTS]))
    with Load(kassa.server.address):
        canary(kassa, model, weight=20)
        time.sleep(2.5)
    time.sleep(1.2)
    before = status(kassa)
    kassa.server.kill()
    kassa.close()
    server = Server(kassa.server.folder, map_gib=1)
    try:
        with Client(server.address) as client:
            after = status(client)
            assert after.rollout == before.rollout
            assert after.guard.pairs == before.guard.pairs > 500
            assert after.guard.counts == before.guard.counts
            assert after.guard.log_evidence == before.guard.log_evidence
            assert after.guard.age_ms >= before.guard.age_ms - 2_500 > 0
            # Whoever has spoken does not speak again.
            with Load(server.address):
                time.sleep(1)
            assert status(client).guard.pairs <= SESSIONS
    finally:
        server.stop()


def test_kill_9_around_verdicts_and_steps_leaves_a_bad_candidate_no_traffic(kassa):
    """Whenever it is killed: what comes back goes on judging, or the candidate has gone already."""
    chance = random.Random(11)
    server, client, kills = kassa.server, kassa, 6
    for round_ in range(kills):
        weights = [-weight + round_ * 0.01 for weight in WEIGHTS]
        model = upload(client, plain(weights))
        rollout = canary(client, model, weight=30).rollout.id
        with Load(server.address, rows=5):
            # From before the first event to behind the record.
            time.sleep(chance.uniform(0, 0.03))
            server.kill()
        client.close()
        server = Server(kassa.server.folder, map_gib=1)
        client = Client(server.address)
        client.server = server
        found = status(client)
        assert found.rollout.id == rollout
        assert found.rollout.phase in (
            rollouts_pb2.PHASE_CANARY, rollouts_pb2.PHASE_ROLLED_BACK)
        last = explain(client, rollout).transitions[-1]
        with Load(server.address) as load:
            if last.actor == "kassa":
                # The brake was pulled and noted, and the start has carried that out.
                assert found.rollout.phase == rollouts_pb2.PHASE_ROLLED_BACK
                assert last.verb == "roll-back" and "taken away" in last.reason
                assert_refused(
                    refusal(client.rollouts.Shadow, rollouts_pb2.ShadowRequest(
                        scorer=SCORER, model=model)), Code.FAILED_PRECONDITION, "quarantine")
            else:
                assert_rolled_back(client, rollout, "decision_flips")
            told = explain(client, rollout)
            assert told.agrees and told.chain_intact, told.disagreement
            assert_only_stable(client)
        assert load.errors == []
    client.close()
    server.stop()


def test_evidence_keeps_people_from_giving_a_candidate_more(kassa):
    """Between freeze and rollback the weight may fall, and not rise."""
    model = upload(kassa, plain([weight * 1.001 for weight in WEIGHTS], intercept=0.35))
    guard = rollouts_pb2.GuardPolicy(alpha=1e-12, flip_rate_max=0.02, **LENIENT)
    canary(kassa, model, weight=10, guard=guard)
    # A few at a time, so that it is looked at before there is enough for a rollback.
    for first in range(0, SESSIONS, 10):
        kassa.scoring.ScoreBatch(request(range(first, first + 10)), timeout=20)
        time.sleep(0.02)
        if status(kassa).guard.verdict != "WITHIN":
            break
    assert status(kassa).guard.verdict == "FREEZE"
    for verb, request_ in [
            (kassa.rollouts.SetWeight,
             rollouts_pb2.SetWeightRequest(scorer=SCORER, weight_percent=20)),
            (kassa.rollouts.Promote, rollouts_pb2.PromoteRequest(scorer=SCORER, full=True))]:
        assert_refused(refusal(verb, request_), Code.FAILED_PRECONDITION, "FREEZE")
    kassa.rollouts.SetWeight(
        rollouts_pb2.SetWeightRequest(scorer=SCORER, weight_percent=5), timeout=20)
    kassa.rollouts.Abort(rollouts_pb2.AbortRequest(scorer=SCORER), timeout=20)


def test_what_decides_is_fixed_when_a_shadow_begins(kassa):
    model = upload(kassa, plain([weight * 1.001 for weight in WEIGHTS]))
    shadow(kassa, model, rollouts_pb2.GuardPolicy(flip_rate_max=0.03, **LENIENT))
    assert_refused(refusal(kassa.rollouts.Canary, rollouts_pb2.CanaryRequest(
        scorer=SCORER, weight_percent=5,
        guard=rollouts_pb2.GuardPolicy(flip_rate_max=0.1))),
        Code.FAILED_PRECONDITION, "guard.flip_rate_max")
    found = canary(kassa, "", weight=5, guard=rollouts_pb2.GuardPolicy(dwell_ms=60_000))
    assert found.guard.policy.flip_rate_max == 0.03
    assert found.guard.policy.dwell_ms == 60_000
    assert found.guard.policy.slo_microseconds == LENIENT["slo_microseconds"]
    assert "dwell" in found.guard.holds


def test_metrics_tell_of_evidence_and_of_pairs(kassa):
    model = upload(kassa, plain([weight * 1.001 for weight in WEIGHTS]))
    canary(kassa, model, weight=50)
    answer = kassa.scoring.ScoreBatch(request(range(1_000)), timeout=20)
    assert len(answer.results) == 1_000
    assert eventually(lambda: metric(kassa, "kassa_guard_events_total") == 1_000)
    assert metric(kassa, "kassa_guard_events_dropped_total") == 0
    assert metric(kassa, "kassa_pair_score_delta_count") == 1_000
    assert metric(kassa, "kassa_slot_score_seconds_count") == 2_000
    assert metric(kassa, 'kassa_rollout_log_evidence{scorer="conversion",component="merged"}') < 1
    assert status(kassa).guard.pairs == 1_000
    # So few are all watched.
    assert metric(kassa, 'kassa_guard_watched_ratio{loop="0"}') == 1
    assert status(kassa).guard.watched_ratio == 1
    assert 0 < metric(kassa, "kassa_guard_time_ratio_max") <= 0.1


class FullLoad:
    """Calls of the same bytes, as many as the server answers: nothing is decoded on the way back."""

    def __init__(self, address, threads=2, rows=1_000):
        self.messages = [
            request(range(start, start + rows)).SerializeToString()
            for start in range(0, SESSIONS, rows)]
        self.address = address
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(threads)]

    def run(self):
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self.address, options) as channel:
            call = channel.unary_unary("/kassa.v1.Scoring/ScoreBatch")
            for message in itertools.cycle(self.messages):
                if self.stopping.is_set():
                    return
                call(message, timeout=20)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(20)


def test_under_full_load_a_share_is_watched_and_a_bad_canary_still_goes(kassa):
    good = upload(kassa, plain([weight * 1.001 for weight in WEIGHTS]))
    bad = upload(kassa, plain([-weight for weight in WEIGHTS]))
    with FullLoad(kassa.server.address):
        canary(kassa, good, weight=50)
        shares = []
        for _ in range(200):
            shares.append(status(kassa).guard.watched_ratio)
            if len(shares) > 100 and min(shares) < 0.9:
                break
            time.sleep(0.02)
        # Every request is answered, and fewer are watched than there are.
        assert 0 < min(shares) < 0.9, shares
        assert metric(kassa, "kassa_guard_events_total") > 0
        assert metric(kassa, "kassa_guard_event_seconds") > 0
        assert status(kassa).guard.verdict == "WITHIN"
        kassa.rollouts.Abort(
            rollouts_pb2.AbortRequest(scorer=SCORER, actor="test", reason="next"), timeout=20)
        rollout = canary(kassa, bad, weight=50).rollout.id
        assert_rolled_back(kassa, rollout, "decision_flips")
        assert_only_stable(kassa)
    # Nothing is open, so nothing is left out.
    assert eventually(lambda: metric(kassa, 'kassa_guard_watched_ratio{loop="0"}') == 1)


def test_outcomes_take_a_miscalibrated_canary_out(kassa):
    """It decides alike, because no score reaches the threshold; only what happened tells."""
    outcomes = config_pb2.OutcomeSpec(maturity_ms=1_000, horizon_ms=60_000)
    kassa.apply(shop.scorer_spec(SCORER, "", outcomes=outcomes, decision_threshold=0.9999))
    model = upload(kassa, plain(intercept=1.5))
    rollout = canary(kassa, model, weight=10).rollout.id
    chance = random.Random(3)
    for start in range(0, SESSIONS, 500):
        sessions = range(start, start + 500)
        answer = kassa.scoring.ScoreBatch(request(sessions, record=True), timeout=20)
        reports = []
        for number, result in zip(sessions, answer.results):
            margin = sum(weight * value for weight, value in zip(WEIGHTS, ROWS[number]))
            happened = chance.random() < 1 / (1 + math.exp(-margin))
            reports.append(scoring_pb2.Outcome(score_id=result.score_id, label=happened))
        kassa.scoring.RecordOutcome(
            scoring_pb2.RecordOutcomeRequest(outcomes=reports), timeout=20)
    began = time.monotonic()
    while status(kassa).rollout.phase != rollouts_pb2.PHASE_ROLLED_BACK:
        assert time.monotonic() - began < 20, status(kassa)
        time.sleep(0.05)
    told = explain(kassa, rollout)
    assert told.agrees, told.disagreement
    last = told.transitions[-1]
    assert last.actor == "guard" and ("outcomes" in last.reason), last.reason
    assert told.guard.labels > 50 and told.guard.differing_pairs == 0
    print("\n" + last.reason)
