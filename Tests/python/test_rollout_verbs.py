# SPDX-License-Identifier: Apache-2.0
"""What the verbs of rollouts refuse and what they do to other scorers, over grpcio and the command line."""

import json
import subprocess
import time

import grpc
import pytest

import client as shop
from client import Client, assert_refused, refusal
from kassa.v1 import config_pb2, rollouts_pb2
from kassa_process import Server, binary, eventually
from test_rollouts import SCORER, abort, canary, promote, run, set_up, set_weight, status, undo

Code = grpc.StatusCode
OTHER = "other"
MODEL = "abandonment@2"


@pytest.fixture
def kassa(start_server):
    server = start_server(map_gib=1)
    with Client(server.address) as client:
        client.server = server
        set_up(client, models=4)
        yield client


def request(verb, more):
    name = {"History": "RolloutHistory", "Status": "RolloutStatus", "Explain": "ExplainRollout"}
    return getattr(rollouts_pb2, f"{name.get(verb, verb)}Request")(**more)


def ask(client, verb, **more):
    return getattr(client.rollouts, verb)(request(verb, more), timeout=20)


def refused(client, verb, **more):
    return refusal(getattr(client.rollouts, verb), request(verb, more))


def alarms(server):
    """What the server's log says to people, oldest first."""
    told = [line.split("kassa: alarm ", 1)[1] for line in server.output if "kassa: alarm " in line]
    return [json.loads(line) for line in told]


def models_of(client, scorer):
    return [slot.model for slot in status(client, scorer).slots]


# Quarantine.


def test_a_bundle_that_one_scorer_undoes_leaves_the_other_and_stays_out_behind_a_kill(tmp_path):
    folder = tmp_path / "data"
    server = Server(folder, map_gib=1)
    try:
        with Client(server.address) as client:
            set_up(client, models=4)
            client.apply(shop.scorer_spec(OTHER, "abandonment@1"))
            client.apply(shop.scorer_spec("third", MODEL))
            client.apply(shop.scorer_spec("fourth", MODEL))
            canary(client, 5, scorer=OTHER)
            ask(client, "Shadow", scorer="fourth", model="abandonment@3")
            ask(client, "Promote", scorer="fourth", full=True)
            assert models_of(client, "fourth") == ["abandonment@3", MODEL]
            canary(client, 50)
            promote(client, full=True)
            undo(client, reason="it refuses everybody")
            for scorer in (SCORER, OTHER):
                assert models_of(client, scorer) == ["abandonment@1"]
                assert status(client, scorer).rollout.phase == rollouts_pb2.PHASE_ROLLED_BACK
            assert models_of(client, "fourth") == ["abandonment@3"]
            assert models_of(client, "third") == [MODEL]
            # As one change, with who and why.
            (mine,) = ask(client, "History", scorer=SCORER, limit=1).transitions
            (other,) = ask(client, "History", scorer=OTHER, limit=1).transitions
            assert (mine.verb, other.verb) == ("undo", "quarantine") and mine.epoch == other.epoch
            assert SCORER in other.reason and "it refuses everybody" in other.reason
            explained = ask(client, "Explain", rollout_id=other.rollout_id)
            assert explained.agrees and explained.chain_intact
            told = eventually(lambda: len(alarms(server)) >= 2 and alarms(server))
            assert [(one["kind"], one["scorer"]) for one in told] == [
                ("rolled_back", OTHER), ("quarantined_stable", "third")]
        server.kill()
        server = Server(folder, map_gib=1)
        with Client(server.address) as client:
            assert models_of(client, OTHER) == ["abandonment@1"]
            assert models_of(client, "fourth") == ["abandonment@3"]
            for verb, more in (("Canary", {"weight_percent": 60}), ("Shadow", {})):
                assert_refused(
                    refused(client, verb, scorer=OTHER, model=MODEL, **more),
                    Code.FAILED_PRECONDITION, "quarantine")
            for verb, more in (("SetWeight", {"weight_percent": 60}), ("Promote", {"full": True})):
                assert_refused(
                    refused(client, verb, scorer=OTHER, **more), Code.FAILED_PRECONDITION, "rollout")
            assert_refused(refused(client, "Undo", scorer="fourth"), Code.FAILED_PRECONDITION)
            answers = {client.scoring.Score(shop.score(OTHER, f"s-{n}"), timeout=20).model
                       for n in range(100)}
            assert answers == {"abandonment@1"}
    finally:
        server.kill()


# What stays while a rollout is judged.


def test_the_entity_of_a_scorer_stays_while_its_rollout_is_judged(kassa):
    def apply(entity):
        return kassa.config.Apply(config_pb2.ApplyRequest(documents=[config_pb2.Document(
            scorer=shop.scorer_spec(model="", entity=entity))]), timeout=20)

    rollout = canary(kassa, 10).status.rollout.id
    before = kassa.config.Get(config_pb2.GetRequest(kind="scorer", name=SCORER), timeout=20)
    for end in (lambda: promote(kassa, full=True), lambda: undo(kassa)):
        with pytest.raises(grpc.RpcError) as caught:
            apply("customer")
        assert_refused(
            caught.value, Code.FAILED_PRECONDITION, "documents[0].scorer.entity", str(rollout))
        end()
    after = kassa.config.Get(config_pb2.GetRequest(kind="scorer", name=SCORER), timeout=20)
    assert before.document == after.document
    apply("customer")


# The deadline.


def test_a_deadline_counts_from_the_canary_and_anew_from_each_resume(kassa):
    guard = rollouts_pb2.GuardPolicy(dwell_ms=100, deadline_ms=2_000)

    def paused_after(began):
        assert eventually(lambda: status(kassa).rollout.phase == rollouts_pb2.PHASE_PAUSED, 15)
        return time.monotonic() - began

    ask(kassa, "Shadow", scorer=SCORER, model=MODEL)
    time.sleep(2.5)
    began = time.monotonic()
    canary(kassa, 10, model="", step_percents=[50], guard=guard)
    assert 1.9 < paused_after(began)
    time.sleep(1)
    for _ in range(2):
        began = time.monotonic()
        ask(kassa, "Resume", scorer=SCORER)
        assert 1.9 < paused_after(began)
    # Behind a restart, too: paused, killed, resumed.
    pauses = [one.verb for one in ask(kassa, "History", scorer=SCORER).transitions]
    assert pauses == ["pause", "resume", "pause", "resume", "pause", "canary", "shadow"]
    told = eventually(lambda: len(alarms(kassa.server)) >= 3 and alarms(kassa.server))
    assert [one["kind"] for one in told] == ["deadline"] * 3


def test_days_are_durations_of_the_command(kassa):
    def canary_for(*durations):
        return run(kassa.server, "canary", SCORER, "-m", MODEL, "-w", "5", *durations)

    for flag in ("--dwell", "--deadline"):
        beyond = canary_for(flag, "366d")
        assert beyond.returncode == 2 and "365d" in beyond.stderr
    result = canary_for("--dwell", "365d", "--deadline", "7d")
    assert result.returncode == 0, result.stderr
    policy = ask(kassa, "Status", scorer=SCORER).guard.policy
    assert (policy.dwell_ms, policy.deadline_ms) == (31_536_000_000, 7 * 86_400_000)


# Weights.


def test_the_65th_weight_is_refused_and_nothing_else_happens(kassa):
    canary(kassa, 1)
    for weight in range(2, 64):
        set_weight(kassa, weight)
    with pytest.raises(grpc.RpcError) as caught:
        set_weight(kassa, 70)
    assert_refused(
        caught.value, Code.RESOURCE_EXHAUSTED, "weight_percent", "64 different weights", "sharesMax")
    # The guard looks ten times a second and finds nothing to do.
    time.sleep(0.5)
    assert status(kassa).rollout.weight_percent == 63
    for weight in (0, 30):
        assert set_weight(kassa, weight).status.rollout.weight_percent == weight
    time.sleep(0.5)
    assert status(kassa).rollout.weight_percent == 30 and alarms(kassa.server) == []
    result = run(kassa.server, "set-weight", SCORER, "--weight", "70")
    assert result.returncode == 1 and "64 different weights" in result.stderr


# Repeated verbs.


def test_a_repeated_verb_with_another_guard_is_refused(kassa):
    def words(*more):
        return run(kassa.server, "canary", SCORER, "-m", MODEL, "-w", "5", *more)

    assert words().returncode == 0
    assert "(as before)" in words().stdout
    result = words("--flip-max", "10", "--alpha", "0.01", "--dwell", "1h")
    assert result.returncode == 1 and "guard.alpha" in result.stderr
    result = words("--flip-max", "10", "--dwell", "1h")
    assert result.returncode == 1 and "guard.flip_rate_max" in result.stderr
    assert "(as before)" in words("--flip-max", "2").stdout
    revision = status(kassa).revision
    assert canary(kassa, 5, expected_revision=revision - 1).unchanged
    with pytest.raises(grpc.RpcError) as caught:
        canary(kassa, 5, expected_revision=revision - 1,
               guard=rollouts_pb2.GuardPolicy(dwell_ms=3_600_000))
    assert_refused(caught.value, Code.FAILED_PRECONDITION, "guard.dwell_ms")
    assert status(kassa).revision == revision
    abort(kassa)
    assert run(kassa.server, "shadow", SCORER, "-m", MODEL).returncode == 0
    result = run(kassa.server, "shadow", SCORER, "-m", MODEL, "--flip-max", "20")
    assert result.returncode == 1 and "guard.flip_rate_max" in result.stderr


def test_policies_by_which_nothing_is_decided_are_refused(kassa):
    for field, value in (
            ("alpha", 1e-320), ("decision_threshold", 5), ("pair_share_percent", 1e-300),
            ("entities_min", 2**64 - 1), ("pairs_min", 2_000_001), ("watch_share_percent", 1e-9)):
        assert_refused(
            refused(kassa, "Shadow", scorer=SCORER, model=MODEL,
                    guard=rollouts_pb2.GuardPolicy(**{field: value})),
            Code.INVALID_ARGUMENT, f"guard.{field}")


# Answers.


def test_a_long_rollout_is_explained_within_the_size_of_a_message(kassa):
    rollout = canary(kassa, 5).status.rollout.id
    reason = "why " * 1_000
    for _ in range(700):
        ask(kassa, "Pause", scorer=SCORER, reason=reason)
        ask(kassa, "Resume", scorer=SCORER, reason=reason)
    revisions, before = [], 0
    while before != 1:
        page = ask(kassa, "Explain", rollout_id=rollout, limit=1_000, before_revision=before)
        assert page.ByteSize() < 4 << 20 and page.agrees and page.chain_intact
        assert page.guard.verdict == "WITHIN"
        revisions = [one.revision for one in page.transitions] + revisions
        assert page.left_out == revisions[0] - 1
        before = revisions[0]
    assert revisions == list(range(1, 1_402))
    assert ask(kassa, "History", scorer=SCORER, limit=1_000).ByteSize() < 4 << 20
    told = run(kassa.server, "explain", str(rollout), "--limit", "3")
    assert told.returncode == 0 and "1398 earlier ones left out: --before 1399" in told.stdout


def test_a_reason_commands_no_terminal(kassa):
    reason = "a\u202eb\u2028c\u2029d\u200be\u0007f\u2066g"
    canary(kassa, 5, reason=reason, actor="\u202dme")
    (entry,) = ask(kassa, "History", scorer=SCORER).transitions
    assert entry.reason == reason
    commands = [["rollout", "history", SCORER], ["rollout", "explain", str(entry.rollout_id)],
                ["audit"]]
    for words in commands:
        for more in ([], ["--json"]):
            text = subprocess.run(
                [binary(), *words, *more, "-s", kassa.server.address], capture_output=True,
                timeout=60, check=True).stdout.decode()
            shown = [char for char in "\u202e\u2028\u2029\u200b\u0007\u2066\u202d" if char in text]
            assert shown == [], words + more
            if more and words[0] == "rollout":
                assert reason in json.dumps(json.loads(text), ensure_ascii=False).replace(
                    "\\u0007", "\u0007")
            elif not more:
                assert "a\\u{202e}b\\u{2028}c" in text
