# SPDX-License-Identifier: Apache-2.0
"""kill -9 in every change of slots: after the next start the slots are the old or the new ones, never half.

The server kills itself at the point that KASSA_KILL_AT names. What gives a candidate traffic is OLD or NEW;
what takes traffic away is NEW from the moment that clients notice it, whatever was on record: a bad model
must not come back with the next start.
"""

import os
import time

import grpc
import pytest

import client as shop
import test_guards as guards
from client import Client, assert_refused, refusal
from kassa.v1 import config_pb2, rollouts_pb2, scoring_pb2
from kassa_process import Server, eventually
from test_clocks import DAY, Clock
from test_fault_points import NO_CARE, assert_sound, copy, die
from test_guards import GUARD, LENIENT, SCORER, WEIGHTS, plain, upload
from test_rollouts import fnv_fmix
from test_storage import Fault

Code = grpc.StatusCode
OLD, NEW = "old", "new"
STABLE, GOOD, BAD, BREAKING, OTHER, ELSEWHERE = (
    f"{SCORER}@{version}" for version in range(1, 7))
SECOND = "second_scorer"
RECORDED, PUBLISHED, NOTED, BRAKED, CONVICTED = (
    f"rollout-{point}" for point in ("recorded", "published", "noted", "braked", "convicted"))
FORWARD = {RECORDED: NEW, PUBLISHED: NEW}
RETREAT = {NOTED: NEW, PUBLISHED: NEW, RECORDED: NEW}
BY_ITSELF = {BRAKED: NEW, **RETREAT}
# Only where nothing is watched: else evidence is stored, which commits as well.
WRITER = {"commit": OLD, "committed": NEW, "sync": NEW, "acknowledge": NEW}
PHASE = {name: rollouts_pb2.RolloutPhase.Value(f"PHASE_{name}") for name in (
    "SHADOW", "CANARY", "PAUSED", "PROMOTED", "ABORTED", "ROLLED_BACK")}
POINTS = [BRAKED, NOTED, PUBLISHED, RECORDED, CONVICTED, "guard-evidence"]


def ask(verb, scorer=SCORER, **more):
    """Asks for a verb of `Rollouts`, by its name."""
    def act(client, **also):
        request = getattr(rollouts_pb2, f"{verb}Request")(scorer=scorer, **more, **also)
        return getattr(client.rollouts, verb)(request, timeout=20)
    return act


def say(verb, **more):
    """The same of a verb about a bundle."""
    def act(client, **_):
        request = getattr(rollouts_pb2, f"{verb}Request")(reason="a test", **more)
        return getattr(client.rollouts, verb)(request, timeout=20)
    return act


def traffic(client, **_):
    """Scores until the server is gone: a guard does something meanwhile."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        client.scoring.ScoreBatch(guards.request(range(0, guards.SESSIONS, 4)), timeout=20)
    raise AssertionError(client.rollouts.Status(
        rollouts_pb2.RolloutStatusRequest(scorer=SCORER), timeout=20))


def promote_unwatched(client, **_):
    """A promotion after which nothing is watched, so that no evidence is stored."""
    unwatched = rollouts_pb2.GuardPolicy()
    unwatched.CopyFrom(GUARD)
    unwatched.watch_share_percent = 0
    ask("Canary", model=GOOD, weight_percent=50, guard=unwatched)(client)
    ask("Promote", full=True)(client)


def abort_of_the_busy(client, **more):
    """An abort behind work that keeps the control thread."""
    artefact = shop.fixture_model()[0]
    busy = [client.models.Upload.future(shop.upload_parts(shop.model_spec(
        artefact, name=f"busy_{number}"), artefact), timeout=20) for number in range(30)]
    try:
        return ask("Abort")(client, **more)
    finally:
        for call in busy:
            call.cancel()


def is_in(phase, weight=None, stable=STABLE, slots=None):
    """What tells that a change was made."""
    def check(status):
        return (status.rollout.phase == PHASE[phase] and status.slots[0].model == stable
                and weight in (None, status.rollout.weight_percent)
                and (slots is None or len(status.slots) == slots))
    return check


AUTOMATIC = rollouts_pb2.GuardPolicy(dwell_ms=1, entities_min=100, pairs_min=100, **LENIENT)
CANARY = ask("Canary", model=GOOD, weight_percent=50, guard=GUARD)
STEPPED = ask("Canary", model=GOOD, weight_percent=20, step_percents=[50, 100], guard=GUARD)

# Folders: from which one, and what is done to it.
STARTS = {
    "shadowed": ("none", ask("Shadow", model=GOOD, guard=GUARD)),
    "canaried": ("none", CANARY),
    "stepped": ("none", STEPPED),
    "paused": ("canaried", ask("Pause")),
    "promoted": ("canaried", ask("Promote", full=True)),
    "unwatched": ("none", promote_unwatched),
    "quarantined": ("none", say("Quarantine", model=BAD)),
    "bad": ("none", ask("Canary", model=BAD, weight_percent=30, guard=GUARD)),
    "breaking": ("none", ask("Canary", model=BREAKING, weight_percent=30, guard=GUARD)),
    # Its candidate is the canary of the other scorer, too.
    "shared": ("promoted", ask("Canary", SECOND, model=GOOD, weight_percent=50, guard=GUARD)),
    "shared-bad": ("bad", ask("Canary", SECOND, model=BAD, weight_percent=50, guard=GUARD)),
    "automatic": ("none", ask(
        "Canary", model=GOOD, weight_percent=20, step_percents=[50, 100], guard=AUTOMATIC)),
}

# Name: where it starts, how it is asked, how NEW looks, points, bundles that NEW has in quarantine.
CHANGES = {
    "shadow": ("none", ask("Shadow", model=GOOD, guard=GUARD), is_in("SHADOW", 0),
               {**FORWARD, **WRITER}, 0),
    "canary-from-shadow": ("shadowed", ask("Canary", weight_percent=50), is_in("CANARY", 50),
                           FORWARD, 0),
    "canary": ("none", CANARY, is_in("CANARY", 50), {**FORWARD, **WRITER}, 0),
    "set-weight": ("canaried", ask("SetWeight", weight_percent=5), is_in("CANARY", 5), FORWARD, 0),
    "pause": ("canaried", ask("Pause"), is_in("PAUSED", 50), FORWARD, 0),
    "resume": ("paused", ask("Resume"), is_in("CANARY", 50), FORWARD, 0),
    "promote-step": ("stepped", ask("Promote"), is_in("CANARY", 50), FORWARD, 0),
    "promote-full": ("canaried", ask("Promote", full=True), is_in("PROMOTED", 0, GOOD, slots=2),
                     FORWARD, 0),
    "abort": ("canaried", ask("Abort"), is_in("ABORTED", 0, slots=1), RETREAT, 0),
    "abort-shadow": ("shadowed", ask("Abort"), is_in("ABORTED", 0, slots=1), RETREAT, 0),
    "abort-busy": ("canaried", abort_of_the_busy, is_in("ABORTED", 0, slots=1), {BRAKED: NEW}, 0),
    "undo": ("promoted", ask("Undo"), is_in("ROLLED_BACK", 0, slots=1), RETREAT, 1),
    # Its note is there before the store is asked, so not even a kill before the commit takes it back.
    "undo-unwatched": ("unwatched", ask("Undo"), is_in("ROLLED_BACK", 0, slots=1),
                       dict.fromkeys(WRITER, NEW), 1),
    "undo-shared": ("shared", ask("Undo"), is_in("ROLLED_BACK", 0, slots=1), RETREAT, 1),
    "guard-shared": ("shared-bad", traffic, is_in("ROLLED_BACK", 0, slots=1), BY_ITSELF, 1),
    "quarantine": ("canaried", say("Quarantine", model=GOOD), is_in("ROLLED_BACK", 0, slots=1),
                   RETREAT, 1),
    "quarantine-previous": ("promoted", say("Quarantine", model=STABLE),
                            is_in("PROMOTED", 0, GOOD, slots=1), RETREAT, 1),
    "quarantine-idle": ("none", say("Quarantine", model=BAD), None,
                        {NOTED: NEW, PUBLISHED: NEW, RECORDED: NEW}, 1),
    "clear-quarantine": ("quarantined", say("ClearQuarantine", model=BAD), None,
                         {**FORWARD, **WRITER}, 0),
    "guard-evidence": ("bad", traffic, is_in("ROLLED_BACK", 0, slots=1), BY_ITSELF, 1),
    "guard-violation": ("breaking", traffic, is_in("ROLLED_BACK", 0, slots=1), BY_ITSELF, 1),
    "guard-step": ("automatic", traffic, is_in("CANARY", 50), FORWARD, 0),
}
CASES = [(name, point) for name, change in CHANGES.items() for point in change[3]]


def status(client, scorer=SCORER):
    found = client.rollouts.Status(
        rollouts_pb2.RolloutStatusRequest(scorer=scorer), timeout=20)
    found.ClearField("guard")
    return found


def quarantined(server):
    client = Client(server.address)
    client.server = server
    try:
        return guards.metric(client, "kassa_rollout_quarantined_bundles")
    finally:
        client.close()


@pytest.fixture(scope="module")
def starts(tmp_path_factory):
    """Folders of stopped servers, and how the slots are in each."""
    base = tmp_path_factory.mktemp("starts")
    found = {}

    def serve(name, act):
        server = Server(base / name, **NO_CARE)
        with Client(server.address) as client:
            act(client)
            found[name] = status(client), quarantined(server)
        server.stop()

    def set_up(client):
        guards.set_up(client)
        for artefact in (plain([weight * 1.001 for weight in WEIGHTS]),
                         plain([-weight for weight in WEIGHTS]),
                         plain([400, 0, 0, 0, 0], link="exponential"),
                         plain([weight * 0.999 for weight in WEIGHTS]),
                         plain([weight * 0.998 for weight in WEIGHTS])):
            upload(client, artefact)
        client.apply(shop.scorer_spec(SECOND, ELSEWHERE))

    serve("none", set_up)
    for name, (before, act) in STARTS.items():
        copy(base / before, base / name)
        serve(name, act)
    return base, found


def assert_slots_answer(client, found):
    """Each session is answered by the slot that the status and the published hash say."""
    models = {slot.slot: slot.model for slot in found.slots}
    sessions = range(60)
    answer = client.scoring.ScoreBatch(scoring_pb2.ScoreBatchRequest(
        scorer=SCORER, rows=guards.request(sessions).rows, record=False), timeout=20)
    for number, result in zip(sessions, answer.results):
        share = fnv_fmix(found.rollout.salt, f"s-{number}") * 1_000_000 >> 64
        is_canary = (scoring_pb2.CANARY in models
                     and share < found.rollout.weight_percent * 10_000)
        assert result.slot == (scoring_pb2.CANARY if is_canary else scoring_pb2.STABLE)


def assert_whole(server, client, found):
    """The slots, what is answered, the history and the audit log agree."""
    assert not found.unrecorded and not (server.folder / "retreats").exists()
    if found.slots[-1].model != BREAKING:
        assert_slots_answer(client, found)
    audit = client.config.Audit(config_pb2.AuditRequest(verify=True, limit=1_000), timeout=20)
    assert audit.broken_at == 0 and audit.verified > 0
    history = client.rollouts.History(
        rollouts_pb2.RolloutHistoryRequest(scorer=SCORER), timeout=20).transitions
    assert [entry.revision for entry in history] == list(range(found.revision, 0, -1))
    if found.rollout.id:
        explained = client.rollouts.Explain(rollouts_pb2.ExplainRolloutRequest(
            rollout_id=found.rollout.id), timeout=20)
        assert explained.agrees and explained.chain_intact, explained.disagreement
        assert explained.transitions[-1].phase == found.rollout.phase
    # Nothing is recorded twice.
    changes = [(entry.epoch, entry.action) for entry in audit.entries
               if entry.action.startswith("rollout")]
    assert len(set(changes)) == len(changes)
    return history


@pytest.mark.parametrize("name, point", CASES, ids=[f"{name}-{point}" for name, point in CASES])
def test_a_change_of_slots_that_was_killed_is_whole(starts, tmp_path, name, point):
    base, begun = starts
    start, act, is_new, points, bundles = CHANGES[name]
    before, kept_out = begun[start]
    folder = tmp_path / "data"
    copy(base / start, folder)
    # A verb about another scorer comes first, and is answered.
    first = point in FORWARD and act is not traffic
    server = Server(folder, {"KASSA_KILL_AT": f"{point}:1" if first else point}, **NO_CARE)
    client = Client(server.address)
    is_shared = name.endswith("-shared")
    if first and is_shared:
        ask("SetWeight", SECOND, weight_percent=10)(client)
    elif first:
        ask("Canary", SECOND, model=OTHER, weight_percent=10, guard=GUARD)(client)
    try:
        with pytest.raises(grpc.RpcError) as caught:
            act(client, expected_revision=before.revision)
        assert caught.value.code() == Code.UNAVAILABLE, caught.value
        client.close()
        die(server)
    finally:
        server.kill()
    assert_sound(folder)
    server = Server(folder, **NO_CARE)
    client = Client(server.address)
    try:
        found = status(client)
        assert found.epoch >= before.epoch + first
        if is_new is None:
            state = NEW if quarantined(server) == bundles else OLD
            assert found.slots == before.slots and found.revision == before.revision
        else:
            state = NEW if is_new(found) else OLD
            assert found.revision == before.revision + (state == NEW)
            if state == OLD:
                assert found.slots == before.slots and found.rollout == before.rollout
        assert state == points[point], (before, found)
        assert quarantined(server) == (bundles if state == NEW else kept_out)
        assert_whole(server, client, found)
        if first and not is_shared:
            other = status(client, SECOND)
            assert (other.rollout.phase, other.rollout.weight_percent) == (PHASE["CANARY"], 10)
        if is_shared:
            # What was taken out of one scorer is out of the other one, too.
            other = status(client, SECOND)
            assert [slot.model for slot in other.slots] == [ELSEWHERE]
            assert other.rollout.phase == PHASE["ROLLED_BACK"]
            (last,) = client.rollouts.History(rollouts_pb2.RolloutHistoryRequest(
                scorer=SECOND, limit=1), timeout=20).transitions
            assert (last.verb, SCORER in last.reason) == ("quarantine", True)
        if name in ("undo", "undo-unwatched", "undo-shared", "guard-shared", "quarantine", "guard-evidence", "guard-violation"):
            candidate = found.rollout.candidate.model
            assert_refused(
                refusal(client.rollouts.Shadow, rollouts_pb2.ShadowRequest(
                    scorer=SCORER, model=candidate)), Code.FAILED_PRECONDITION, "quarantine")
        # The same again, as a caller would who has heard nothing.
        if act is not traffic:
            again = act(client, expected_revision=before.revision)
            assert again.unchanged == (state == NEW)
            assert quarantined(server) == bundles
            assert is_new is None or is_new(status(client))
        client.close()
        server.stop()
    finally:
        server.kill()


def test_evidence_that_is_killed_on_its_way_makes_a_verdict_later_and_no_more(starts, tmp_path):
    base, begun = starts
    folder = tmp_path / "data"
    copy(base / "canaried", folder)
    server = Server(folder, {"KASSA_KILL_AT": "guard-evidence:2"}, **NO_CARE)
    with Client(server.address) as client:
        with pytest.raises(grpc.RpcError):
            traffic(client)
    die(server)
    server = Server(folder, **NO_CARE)
    try:
        with Client(server.address) as client:
            told = client.rollouts.Status(
                rollouts_pb2.RolloutStatusRequest(scorer=SCORER), timeout=20)
            # What was stored a second before is there.
            assert told.rollout == begun["canaried"][0].rollout and told.guard.pairs > 100
            assert_whole(server, client, status(client))
        server.stop()
    finally:
        server.kill()


def killed(folder, act, point, clock=None, **flags):
    """Serves `folder` until the point is come to; `act` may be cut short."""
    environment = {"KASSA_KILL_AT": point}
    try:
        server = Server(folder, environment, **NO_CARE, **flags)
    except RuntimeError:
        return
    try:
        with Client(server.address) as client:
            try:
                act(client)
            except grpc.RpcError:
                pass
        die(server)
    finally:
        server.kill()


@pytest.mark.parametrize("point", ["commit", "committed", RECORDED])
def test_a_start_that_is_killed_over_a_note_records_it_once(starts, tmp_path, point):
    base, begun = starts
    folder = tmp_path / "data"
    copy(base / "canaried", folder)
    killed(folder, ask("Abort", reason="bad"), NOTED)
    assert (folder / "retreats").exists()
    for _ in range(2):
        killed(folder, lambda _: None, point)
        # A note that is on record already is not recorded again, so nothing is hit.
        if point != "commit":
            break
    server = Server(folder, **NO_CARE)
    try:
        with Client(server.address) as client:
            found = status(client)
            assert is_in("ABORTED", 0, slots=1)(found)
            history = assert_whole(server, client, found)
            assert [(entry.verb, entry.reason) for entry in history] == [
                ("abort", "bad"), ("canary", "")]
        server.stop()
    finally:
        server.kill()


def test_a_note_that_comes_back_from_the_dead_takes_nothing_back(starts, tmp_path):
    """A power cut may bring back the name of a file that was removed: what is on record is newer."""
    base, _ = starts
    folder = tmp_path / "data"
    copy(base / "canaried", folder)
    killed(folder, ask("Abort"), NOTED)
    note = (folder / "retreats").read_bytes()
    server = Server(folder, **NO_CARE)
    with Client(server.address) as client:
        ask("Canary", model=OTHER, weight_percent=10, guard=GUARD)(client)
        before = status(client)
    server.stop()
    for content in (note, note[:100], note[:(1 << 20) + 70_000], b"", os.urandom(len(note))):
        (folder / "retreats").write_bytes(content)
        server = Server(folder, **NO_CARE)
        try:
            with Client(server.address) as client:
                assert status(client) == before
                assert_whole(server, client, before)
            server.stop()
        finally:
            server.kill()


@pytest.mark.parametrize("point", ["commit", RECORDED, PUBLISHED])
def test_a_release_of_previous_that_was_killed_is_made_again(starts, tmp_path, point):
    base, begun = starts
    before, _ = begun["promoted"]
    folder = tmp_path / "data"
    copy(base / "promoted", folder)
    clock = Clock(tmp_path / "clock")
    clock.move(DAY + 60)
    # At its start already: the process does not come to say where it listens, or not for long.
    try:
        server = clock.serve(folder, {"KASSA_KILL_AT": point})
        die(server)
    except RuntimeError:
        pass
    clock.move(0)
    server = Server(folder, **NO_CARE)
    try:
        with Client(server.address) as client:
            found = status(client)
            assert len(found.slots) == (2 if point == "commit" else 1)
            assert found.slots[0] == before.slots[0]
            assert found.revision == before.revision + (point != "commit")
            assert_whole(server, client, found)
        server.stop()
    finally:
        server.kill()
    clock.move(DAY + 60)
    server = clock.serve(folder)
    try:
        with Client(server.address) as client:
            assert eventually(lambda: len(status(client).slots) == 1)
            assert status(client).revision == before.revision + 1
        server.stop()
    finally:
        server.kill()


def convicted_on_the_way(folder, point):
    """A promotion on a slow disk, whose model is convicted meanwhile; whether that was noticed before the kill."""
    server = Server(folder, {"KASSA_KILL_AT": point}, **NO_CARE)
    try:
        with Client(server.address) as client, Fault(server, "fdatasync:delay_enter=2000000"):
            promotion = client.rollouts.Promote.future(
                rollouts_pb2.PromoteRequest(scorer=SCORER, full=True), timeout=60)
            noticed = False
            try:
                # It is planned, and waits for the disk.
                time.sleep(0.7)
                client.scoring.ScoreBatch(guards.request(range(500)), timeout=20)
                answer = client.scoring.ScoreBatch(guards.request(range(500)), timeout=20)
                noticed = {result.slot for result in answer.results} == {scoring_pb2.STABLE}
            except grpc.RpcError:
                pass
            assert promotion.exception(60) is not None
            die(server)
            return noticed
    finally:
        server.kill()


@pytest.mark.parametrize("point", [RECORDED, PUBLISHED, CONVICTED])
def test_a_verdict_that_falls_into_the_commit_of_a_promotion_outlives_a_kill(
        starts, tmp_path, point):
    """Clients had noticed that its traffic was gone; the promotion that came on record does not bring it back."""
    base, begun = starts
    before, _ = begun["breaking"]
    for attempt in range(5):
        folder = tmp_path / f"data-{attempt}"
        copy(base / "breaking", folder)
        noticed = convicted_on_the_way(folder, point)
        server = Server(folder, **NO_CARE)
        try:
            with Client(server.address) as client:
                found = status(client)
                history = assert_whole(server, client, found)
                verbs = [entry.verb for entry in history][:-1]
                if noticed:
                    assert is_in("ROLLED_BACK", 0, STABLE, slots=1)(found), (verbs, found)
                    assert quarantined(server) == 1
                if noticed and verbs == ["undo", "promote"]:
                    assert found.rollout.id == before.rollout.id
                    assert history[0].actor == "kassa"
                    server.stop()
                    return
            # The verdict was there before the promotion was planned, or behind its commit: once more.
            server.stop()
        finally:
            server.kill()
    pytest.fail("the verdict never fell into the commit")
