# SPDX-License-Identifier: Apache-2.0
"""Rollouts of real models over 12,330 real shop sessions: a good one goes through, bad ones go by themselves.

STABLE is an XGBoost model of the sessions, the good candidate a LightGBM model of the same. Needs the data
sets that are not part of the repository, as test_real_data.py does, and is skipped without them.
"""

import collections
import csv
import json
import math
import random
import statistics
import threading

import grpc
import lightgbm
import numpy as np
import pytest
import xgboost

import client as shop
import uci_split
from client import Client
from kassa.v1 import models_pb2, rollouts_pb2, scoring_pb2
from kassa_process import eventually
from test_guards import LAST_ANSWER_MEDIAN_US, LENIENT, assert_rolled_back, explain, status
from test_real_data import case, sessions  # noqa: F401 (fixtures)
from test_real_data import CATEGORIES, COLUMNS, VALUES, write_batches

ROWS = 40
STEPS = [1, 5, 25, 100]


def model_inputs(turn=0):
    """The columns of the file as inputs; each turned to another place of the row."""
    columns = COLUMNS[turn:] + COLUMNS[:turn]
    return [
        models_pb2.ModelInput(
            feature_set="shopping@1", feature=name, categories=CATEGORIES.get(name, []))
        for name, _ in columns]


def golden(case, margin, count=100):
    """Golden rows of the case, each with the margin that `margin` makes of the official one."""
    with open(case / "input.csv", newline="", encoding="ascii") as file:
        _, *rows = csv.reader(file)
    with open(case / "expected.csv", newline="", encoding="ascii") as file:
        expected = list(csv.DictReader(file))
    return [
        shop.golden_row(
            [float(cell) if cell else None for cell in row],
            margin=margin(float(one.get("margin") or one["raw"])), tolerance=1e-4)
        for row, one in list(zip(rows, expected))[:count]]


def upload(client, artefact, rows, turn=0, kind=models_pb2.XGBOOST_JSON):
    """Uploads a model of the sessions; its name and version."""
    info = client.upload(shop.model_spec(
        artefact, name="purchase", format=kind, inputs=model_inputs(turn), golden=rows),
        artefact).model
    return f"{info.spec.name}@{info.spec.version}"


def changed(case, leaf, base):
    """The case's XGBoost model with other leaves and another base score."""
    document = json.loads((case / "model.json").read_bytes())
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        tree["split_conditions"] = [
            leaf(value) if left == -1 else value
            for left, value in zip(tree["left_children"], tree["split_conditions"])]
    parameters = document["learner"]["learner_model_param"]
    parameters["base_score"] = f"[{base(float(parameters['base_score'].strip('[]'))):.8E}]"
    return json.dumps(document).encode()


class Kassa:
    """A server with the sessions, and what the libraries say of each."""

    def __init__(self, server, sessions, case, shared_data):
        self.server = server
        self.client = Client(server.address)
        self.case = case
        self.client.apply(shop.feature_set(
            "shopping", ["session"], *(shop.feature(name, kind) for name, kind in COLUMNS)))

        def columns_of(start, end):
            for place, (name, kind) in enumerate(COLUMNS):
                values, convert = VALUES[kind]
                yield shop.column(
                    name, values, [convert(row[place]) for row in sessions[start:end]])

        write_batches(self.client, "shopping", "s-", len(sessions), columns_of)
        self.stable = upload(
            self.client, (case / "model.json").read_bytes(), golden(case, lambda one: one))
        good = case.parent / "lgb_binary"
        self.good = upload(
            self.client, (good / "model.txt").read_bytes(), golden(good, lambda one: one),
            kind=models_pb2.LIGHTGBM_TEXT)
        table, _ = uci_split.load(shared_data / "uci_shoppers/online_shoppers_intention.csv")
        booster = xgboost.Booster(model_file=case / "model.json")
        self.official = {
            self.stable: booster.predict(
                xgboost.DMatrix(table, feature_names=booster.feature_names)),
            self.good: lightgbm.Booster(model_file=good / "model.txt").predict(table),
        }

    def begin(self, scorer, model, **more):
        return self.client.rollouts.Canary(rollouts_pb2.CanaryRequest(
            scorer=scorer, model=model, **more), timeout=20).status.rollout.id

    def close(self):
        self.client.close()


@pytest.fixture(scope="module")
def kassa(server, sessions, case, shared_data):  # noqa: F811
    kassa = Kassa(server, sessions, case, shared_data)
    yield kassa
    kassa.close()


class Load(threading.Thread):
    """Scores batches of random sessions; keeps (session, slot, model, epoch, score) of each answer."""

    def __init__(self, kassa, scorer, seed):
        super().__init__(daemon=True)
        self.kassa, self.scorer, self.chance = kassa, scorer, random.Random(seed)
        self.stopping = threading.Event()
        self.answers, self.mixed, self.errors = [], [], []

    def run(self):
        address = self.kassa.server.address
        count = len(self.kassa.official[self.kassa.stable])
        with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            scoring = Client(address, channel).scoring
            while not self.stopping.is_set():
                rows = self.chance.sample(range(count), ROWS)
                try:
                    results = scoring.ScoreBatch(scoring_pb2.ScoreBatchRequest(
                        scorer=self.scorer, rows=[scoring_pb2.ScoreRow(
                            entities=[shop.entity("session", f"s-{row}")]) for row in rows]),
                        timeout=20).results
                except grpc.RpcError as error:
                    self.errors.append(error)
                    continue
                self.errors += [one.refusal for one in results if one.HasField("refusal")]
                if len({one.epoch for one in results}) != 1 or len(results) != ROWS:
                    self.mixed.append(results)
                self.answers += [
                    (row, one.slot, one.model, one.epoch, one.score)
                    for row, one in zip(rows, results)]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(30)
        assert not self.is_alive()


def assert_sound(kassa, answers, transitions):
    """Every answer is that of one epoch: its slot, its model, and that model's official score."""
    models, weights = {}, {}
    for one in transitions:
        promoted = one.phase == rollouts_pb2.PHASE_PROMOTED
        models[one.epoch] = {
            scoring_pb2.STABLE: kassa.good if promoted else kassa.stable,
            scoring_pb2.CANARY: kassa.good}
        weights[one.epoch] = 100 if promoted else one.weight_percent
    before = min(models) - 1
    models[before], weights[before] = {scoring_pb2.STABLE: kassa.stable}, 0
    slots = collections.defaultdict(dict)
    for row, slot, model, epoch, score in answers:
        assert models[epoch][slot] == model
        official = kassa.official[model][row]
        assert abs(score - official) <= 1e-6 + 1e-5 * abs(official)
        has_candidate = model == kassa.good
        # Sticky: of one epoch a session has one model.
        assert slots[row].setdefault(epoch, has_candidate) == has_candidate
    for row, found in slots.items():
        # Nested: who has the candidate keeps it, as long as the weight rises.
        order = [found[epoch] for epoch in sorted(found)]
        assert order == sorted(order), (row, found)
    for epoch, weight in weights.items():
        seen = [found[epoch] for found in slots.values() if epoch in found]
        share = weight / 100
        bound = 5 * math.sqrt(len(seen) * share * (1 - share)) + 1
        assert abs(sum(seen) - len(seen) * share) <= bound, (weight, sum(seen), len(seen))
    return {weights[epoch] for _, _, _, epoch, _ in answers}


def test_a_good_model_goes_from_one_percent_to_all_without_a_failed_or_mixed_answer(kassa):
    kassa.client.apply(shop.scorer_spec("good", kassa.stable))
    with Load(kassa, "good", 1) as one, Load(kassa, "good", 2) as two:
        rollout = kassa.begin(
            "good", kassa.good, weight_percent=STEPS[0], step_percents=STEPS[1:],
            # Two of a hundred sessions are decided differently. The floor of entities counts those that the
            # budget watches, and a hundredth of some thousand sessions is not many.
            guard=rollouts_pb2.GuardPolicy(
                flip_rate_max=0.05, dwell_ms=700, entities_min=20, pairs_min=1_000, **LENIENT))
        assert eventually(lambda: status(kassa.client, "good").rollout.phase not in (
            rollouts_pb2.PHASE_CANARY,), 180, 0.1), status(kassa.client, "good")
        found = status(kassa.client, "good")
        assert found.rollout.phase == rollouts_pb2.PHASE_PROMOTED, found
        # Some that the promoted model answers.
        count = len(one.answers)
        assert eventually(lambda: len(one.answers) > count + 1_000, 20)
    told = explain(kassa.client, rollout)
    assert told.agrees and told.chain_intact, told.disagreement
    assert [(step.actor == "guard", step.weight_percent) for step in told.transitions] == [
        (False, 1), (True, 5), (True, 25), (True, 100), (True, 0)]
    assert one.errors == two.errors == [] and one.mixed == two.mixed == []
    answers = one.answers + two.answers
    weights = assert_sound(kassa, answers, told.transitions)
    assert weights >= set(STEPS)
    by_slot = collections.Counter(slot for _, slot, *_ in answers)
    print(f"\n{len(answers)} answers, {by_slot[scoring_pb2.CANARY]} by the canary; "
          f"{told.guard.differing_pairs} of {told.guard.pairs} sessions decided differently")


@pytest.fixture(scope="module")
def bad_models(kassa):
    """By name: (a) shuffled columns, (b) inverted scores, (c) constant scores."""
    case = kassa.case  # noqa: F811
    odds = math.log(0.9 / 0.1)
    return {
        "shuffled": upload(
            kassa.client, (case / "model.json").read_bytes(), golden(case, lambda one: one),
            turn=3),
        "inverted": upload(
            kassa.client, changed(case, lambda leaf: -leaf, lambda base: 1 - base),
            golden(case, lambda one: -one)),
        "constant": upload(
            kassa.client, changed(case, lambda leaf: 0.0, lambda base: 0.9),
            golden(case, lambda one: odds)),
    }


def test_bad_models_of_real_sessions_go_by_themselves(kassa, bad_models):
    """Three times each, at 5 %: the reason names the cause, and STABLE has everybody afterwards."""
    kassa.client.apply(shop.scorer_spec("bad", kassa.stable))
    took = {name: [] for name in bad_models}
    with Load(kassa, "bad", 3) as one, Load(kassa, "bad", 4) as two:
        for _ in range(3):
            for name, model in bad_models.items():
                rollout = kassa.begin(
                    "bad", model, weight_percent=5, guard=rollouts_pb2.GuardPolicy(**LENIENT))
                last = assert_rolled_back(
                    kassa.client, rollout, "decision_flips", scorer="bad")
                assert last.candidate == model
                took[name].append(last.last_answer_after_us)
                kassa.client.rollouts.ClearQuarantine(rollouts_pb2.ClearQuarantineRequest(
                    model=model, reason="once more"), timeout=20)
        epoch = status(kassa.client, "bad").epoch
        assert eventually(lambda: one.answers and one.answers[-1][3] == epoch, 20)
    assert one.errors == two.errors == [] and one.mixed == two.mixed == []
    bad = set(bad_models.values())
    for row, slot, model, _, score in one.answers + two.answers:
        assert (model in bad) == (slot == scoring_pb2.CANARY)
        if slot == scoring_pb2.STABLE:
            official = kassa.official[kassa.stable][row]
            assert abs(score - official) <= 1e-6 + 1e-5 * abs(official)
    assert all(model not in bad for _, _, model, at, _ in one.answers + two.answers if at == epoch)
    median = statistics.median(np.concatenate(list(took.values())))
    print(f"\nfrom the deciding event to the last bad answer: median {median:.0f} µs, {took}")
    assert median < LAST_ANSWER_MEDIAN_US, took
