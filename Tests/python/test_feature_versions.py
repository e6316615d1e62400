# SPDX-License-Identifier: Apache-2.0
"""S5: versions of a feature set come and go under reads and scores; each answer is of one version, or refused.

Version n of `cart` has the features `a`, which all versions share, and `v_n`, which only it has and which
is freed with it. The value of `v_n` tells the version, the session and the write that it is of.
"""

import json
import os
import threading
import time

import grpc
import pytest

import client as shop
from client import Client, assert_refused, refusal
from kassa.v1 import config_pb2, features_pb2, models_pb2, rollouts_pb2, scoring_pb2
from kassa_process import eventually

Code = grpc.StatusCode
SCORER = "checkout"
SESSIONS = 40
IDS = [f"s-{number}" for number in range(SESSIONS)]
VERSIONS = int(os.environ.get("KASSA_FEATURE_VERSIONS", "10"))
PRESENT, NO_FEATURE = 1, 4
GUARD = rollouts_pb2.GuardPolicy(slo_microseconds=2_000_000)


def version(number, **more):
    return shop.feature_set(
        "cart", ["session"], shop.feature("a", "INT64"), shop.feature(f"v_{number}", "INT64"),
        **more)


def value(number, session):
    return number * 1_000 + session


def model(number):
    """a + 2 v_n: a score tells which version it is of."""
    artefact = json.dumps({
        "kassa_model": 1, "link": "identity", "intercept": 0,
        "terms": [{"feature": "a", "weight": 1, "missing": -1e6},
                  {"feature": f"v_{number}", "weight": 2, "missing": -1e6}]}).encode()
    inputs = [models_pb2.ModelInput(feature_set=f"cart@{number}", feature=name)
              for name in ("a", f"v_{number}")]
    return shop.model_spec(
        artefact, name=SCORER, format=models_pb2.PLAIN_JSON, inputs=inputs,
        golden=[shop.golden_row([1, 2], margin=5)]), artefact


def write(client, number):
    client.features.Write(shop.write(
        f"cart@{number}", IDS, shop.column("a", "integers", range(SESSIONS)),
        shop.column(f"v_{number}", "integers", [value(number, i) for i in range(SESSIONS)])),
        timeout=20)


class Asking(threading.Thread):
    """Asks on a connection of its own until told to stop; what must not be is in `wrong`."""

    def __init__(self, address, ask):
        super().__init__(daemon=True)
        self.address, self.ask = address, ask
        self.stopping = threading.Event()
        self.count, self.refused, self.wrong = 0, 0, []
        self.start()

    def run(self):
        with grpc.insecure_channel(self.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            client = Client(self.address, channel)
            while not self.stopping.is_set() and not self.wrong:
                try:
                    problem = self.ask(client)
                    self.count += 1
                except grpc.RpcError as error:
                    problem = self.refusal(error)
                except Exception as error:  # noqa: BLE001 (the test shows it)
                    problem = repr(error)
                if problem:
                    self.wrong.append(problem)

    def refusal(self, error):
        self.refused += 1
        return f"{error.code()}: {error.details()}"

    def end(self):
        self.stopping.set()
        self.join(20)
        assert not self.is_alive() and self.wrong == [], self.wrong
        return self.count


class Reads(Asking):
    """Reads the newest version by its number, the one before, and whichever is meant without a number."""

    def __init__(self, address):
        self.newest = 1
        self.gone = set()
        super().__init__(address, self.read)

    def read(self, client):
        for number in (self.newest, max(1, self.newest - 1), max(1, self.newest - 2), 0):
            name = f"cart@{number}" if number else "cart"
            try:
                (found,) = client.features.Read(
                    shop.read(name, ids=IDS), timeout=20).feature_sets
            except grpc.RpcError as error:
                # Only what is not there is refused, and with what a caller can tell it by.
                if error.code() != Code.NOT_FOUND or number == 0:
                    raise
                self.refused += 1
                self.gone.add(number)
                continue
            if number in self.gone:
                return f"version {number} came back"
            names = [column.name for column in found.columns]
            seen = int(names[1].removeprefix("v_"))
            if names != ["a", f"v_{seen}"] or number not in (0, seen):
                return f"{name} has {names}"
            for place, column in enumerate(found.columns):
                values = list(column.integers.values)
                expected = [i if place == 0 else value(seen, i) for i in range(SESSIONS)]
                if place == 1 and number == 0 and set(column.statuses) == {NO_FEATURE}:
                    # The newest version is there, and nothing is written to it yet.
                    continue
                if set(column.statuses) != {PRESENT} or values != expected:
                    return f"{name}.{column.name}: {list(column.statuses)} {values}"
        return None


def scores(kind):
    """Scores in one call or many; each must be of one model and of the version that it reads."""
    number = iter(range(10**9))

    def check(session, answer):
        name = int(answer.model.removeprefix(f"{SCORER}@"))
        names = [feature.name for feature in answer.features]
        if names != ["cart.a", f"cart.v_{name}"]:
            return f"{answer.model} with {names}"
        if any(feature.status != PRESENT for feature in answer.features):
            return f"{answer.model}: {answer.features}"
        found = [feature.value.integer for feature in answer.features]
        if found != [session, value(name, session)] or answer.score != found[0] + 2 * found[1]:
            return f"{answer.model} gave {answer.score} of {found}"
        if answer.fallback:
            return "a fallback"
        return None

    def one(client):
        session = next(number) % SESSIONS
        return check(session, client.scoring.Score(
            shop.score(SCORER, IDS[session], include=[scoring_pb2.FEATURES]), timeout=20))

    def many(client):
        answer = client.scoring.ScoreBatch(scoring_pb2.ScoreBatchRequest(
            scorer=SCORER, include=[scoring_pb2.FEATURES],
            rows=[scoring_pb2.ScoreRow(entities=[shop.entity("session", id)]) for id in IDS]),
            timeout=20)
        if len({result.epoch for result in answer.results} - {0}) > 1:
            return "a batch of two epochs"
        for session, result in enumerate(answer.results):
            if not result.model:
                result.model = answer.model
            if problem := check(session, result):
                return problem
        return None

    return {"one": one, "many": many}[kind]


def drop(client, number):
    return client.config.Drop(
        config_pb2.DropRequest(feature_set=f"cart@{number}", reason="a test"), timeout=20)


def drop_request(number):
    return config_pb2.DropRequest(feature_set=f"cart@{number}")


def apply_version(client, number, **more):
    client.apply(version(number, **more))


def test_versions_come_and_go_under_reads_and_scores_and_no_answer_mixes_two(start_server):
    server = start_server(map_gib=1, sweep_seconds=1, loops=2)
    client = Client(server.address)
    apply_version(client, 1)
    write(client, 1)
    spec, artefact = model(1)
    client.upload(spec, artefact)
    client.apply(shop.scorer_spec(SCORER, f"{SCORER}@1"))
    reads = [Reads(server.address) for _ in range(2)]
    scored = [Asking(server.address, scores(kind)) for kind in ("one", "many")]
    for number in range(2, VERSIONS + 1):
        apply_version(client, number)
        # Columns of dropped versions are gone from rows by and by; the new version's are written anew.
        write(client, number)
        for read in reads:
            read.newest = number
        # Nobody may take away what a slot reads: STABLE, then the canary, then PREVIOUS.
        old, new = number - 1, f"{SCORER}@{number}"
        assert_refused(refusal(client.config.Drop, drop_request(old)),
                       Code.FAILED_PRECONDITION, f"cart@{old} is read by")
        spec, artefact = model(number)
        client.upload(spec, artefact)
        client.rollouts.Canary(rollouts_pb2.CanaryRequest(
            scorer=SCORER, model=new, weight_percent=50, guard=GUARD), timeout=20)
        for kept in (old, number):
            assert_refused(refusal(client.config.Drop, drop_request(kept)),
                           Code.FAILED_PRECONDITION, f"cart@{kept} is read by")
        # A warning to people; for answers nothing changes.
        client.apply(version(old, version=old, deprecated="there is a newer one"))
        time.sleep(0.02)
        client.rollouts.Promote(
            rollouts_pb2.PromoteRequest(scorer=SCORER, full=True), timeout=20)
        assert_refused(refusal(client.config.Drop, drop_request(old)),
                       Code.FAILED_PRECONDITION, f"cart@{old} is read by")
        client.rollouts.Quarantine(rollouts_pb2.QuarantineRequest(
            model=f"{SCORER}@{old}", reason="its features go"), timeout=20)
        drop(client, old)
        assert refusal(client.config.Drop, drop_request(old)).code() == Code.NOT_FOUND
        time.sleep(0.05)
    eventually(lambda: all(max(read.gone, default=0) >= VERSIONS - 1 for read in reads))
    counts = [asking.end() for asking in reads + scored]
    print(f"\n{VERSIONS - 1} versions dropped under {counts[:2]} rounds of reads, "
          f"{counts[2]} scores and {counts[3]} batches")
    assert min(counts) > 20
    assert all(max(read.gone, default=0) == VERSIONS - 1 for read in reads)
    client.close()


def test_a_model_whose_version_was_dropped_comes_into_no_slot_and_stops_no_start(start_server):
    server = start_server(map_gib=1, sweep_seconds=1)
    client = Client(server.address)
    for number in (1, 2):
        apply_version(client, number)
        write(client, number)
        client.upload(*model(number))
    client.apply(shop.scorer_spec(SCORER, f"{SCORER}@2"))
    # It is in no slot, so its version may go.
    drop(client, 1)
    before = client.rollouts.Status(
        rollouts_pb2.RolloutStatusRequest(scorer=SCORER), timeout=20)
    for turn in range(2):
        for verb, request in [
                (client.rollouts.Shadow, rollouts_pb2.ShadowRequest(
                    scorer=SCORER, model=f"{SCORER}@1")),
                (client.rollouts.Canary, rollouts_pb2.CanaryRequest(
                    scorer=SCORER, model=f"{SCORER}@1", weight_percent=50))]:
            error = refusal(verb, request)
            assert error.code() == Code.FAILED_PRECONDITION, error
            assert "inputs[0].feature_set: there is no such" in error.details(), error.details()
        assert refusal(client.features.Read, shop.read("cart@1", ids=IDS)).code() == Code.NOT_FOUND
        answer = client.scoring.Score(shop.score(SCORER, "s-7"), timeout=20)
        assert answer.score == 7 + 2 * value(2, 7)
        after = client.rollouts.Status(
            rollouts_pb2.RolloutStatusRequest(scorer=SCORER), timeout=20)
        assert after.slots == before.slots and after.revision == before.revision
        if turn == 0:
            client.close()
            server.stop()
            server = start_server(folder=server.folder, map_gib=1, sweep_seconds=1)
            client = Client(server.address)
    client.close()


@pytest.mark.parametrize("of", ["canary", "shadow"])
def test_a_candidate_that_reads_another_version_is_scored_by_its_own(start_server, of):
    """Both models score each request, by two versions of one row, while writes go on."""
    server = start_server(map_gib=1)
    client = Client(server.address)
    for number in (1, 2):
        apply_version(client, number)
        write(client, number)
        client.upload(*model(number))
    client.apply(shop.scorer_spec(SCORER, f"{SCORER}@1"))
    if of == "canary":
        client.rollouts.Canary(rollouts_pb2.CanaryRequest(
            scorer=SCORER, model=f"{SCORER}@2", weight_percent=50, guard=GUARD), timeout=20)
    else:
        client.rollouts.Shadow(rollouts_pb2.ShadowRequest(
            scorer=SCORER, model=f"{SCORER}@2", guard=GUARD), timeout=20)
    asked = [Asking(server.address, scores(kind)) for kind in ("one", "many")]
    end = time.monotonic() + 1
    while time.monotonic() < end:
        for number in (1, 2):
            write(client, number)
    for asking in asked:
        assert asking.end() > 20
    told = client.rollouts.Status(
        rollouts_pb2.RolloutStatusRequest(scorer=SCORER), timeout=20).guard
    assert told.pairs == SESSIONS and told.verdict == "WITHIN", told
    client.close()
