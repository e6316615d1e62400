# SPDX-License-Identifier: Apache-2.0
"""Rollouts while the wall clock steps: what waits waits by the monotonic clock, and the record stays whole."""

import threading
import time

import pytest

import client as shop
import test_guards as guards
from client import Client
from kassa.v1 import config_pb2, rollouts_pb2, scoring_pb2
from kassa_process import eventually
from test_clocks import DAY, HOUR, Clock
from test_guards import LENIENT, SCORER, WEIGHTS, Load, plain, upload
from test_rollout_faults import ask, is_in

STEPS = [HOUR, -HOUR, DAY, -DAY, 0, 400 * DAY, -400 * DAY, DAY // 2, 1, 0]


class Stepping(threading.Thread):
    """Sets the clock ever again to another time, until the end of `with`."""

    def __init__(self, clock, seconds=0.13):
        super().__init__(daemon=True)
        self.clock, self.seconds = clock, seconds
        self.ended = threading.Event()
        self.count = 0

    def run(self):
        while not self.ended.wait(self.seconds):
            self.clock.move(STEPS[self.count % len(STEPS)])
            self.count += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join(5)
        self.clock.move(0)


@pytest.fixture
def stepped(tmp_path):
    """A server with a scorer and a good candidate, its clock, and a client."""
    clock = Clock(tmp_path / "clock")
    server = clock.serve(tmp_path / "data", sweep_seconds=0)
    client = Client(server.address)
    client.server = server
    try:
        guards.set_up(client)
        upload(client, plain([weight * 1.001 for weight in WEIGHTS]))
        upload(client, plain([-weight for weight in WEIGHTS]))
        yield clock, client
        client.close()
        server.stop()
    finally:
        server.kill()


def status(client):
    return client.rollouts.Status(
        rollouts_pb2.RolloutStatusRequest(scorer=SCORER), timeout=20)


def canary(client, model=2, **policy):
    return ask(
        "Canary", model=f"{SCORER}@{model}", weight_percent=20, step_percents=[50, 100],
        guard=rollouts_pb2.GuardPolicy(**LENIENT, **policy))(client).status


def assert_record_is_whole(client, rollout):
    explained = client.rollouts.Explain(
        rollouts_pb2.ExplainRolloutRequest(rollout_id=rollout), timeout=20)
    assert explained.agrees and explained.chain_intact, explained.disagreement
    audit = client.config.Audit(config_pb2.AuditRequest(verify=True), timeout=20)
    assert audit.broken_at == 0 and audit.verified > 0
    return explained.transitions


def test_steps_take_as_long_as_they_say_while_the_clock_steps(stepped):
    clock, client = stepped
    dwell = 1.0
    seen = []
    with Stepping(clock) as stepping, Load(client.server.address, rows=200) as load:
        started = time.monotonic()
        rollout = canary(client, dwell_ms=int(dwell * 1_000), entities_min=300,
                         pairs_min=300).rollout.id
        weight = 20
        while True:
            found = status(client).rollout
            if found.weight_percent != weight:
                seen.append(time.monotonic() - started)
                weight = found.weight_percent
            if found.phase == rollouts_pb2.PHASE_PROMOTED:
                break
            # By the monotonic clock too, whatever the other shows.
            now = status(client).guard
            assert now.age_ms <= (time.monotonic() - started) * 1_000 + 50
            assert time.monotonic() - started < 120, found
            time.sleep(0.02)
        # What was promoted can be undone for a day, and no jump shortens that.
        time.sleep(0.8)
        assert [slot.slot for slot in status(client).slots] == [
            scoring_pb2.STABLE, scoring_pb2.PREVIOUS]
    assert stepping.count > 20 and load.errors == []
    # Seen late perhaps, where the machine is busy, and never early.
    due = [dwell * place for place in (1, 2, 3)]
    assert all(at - 0.05 < when < at + 30 for at, when in zip(due, seen, strict=True)), seen
    transitions = assert_record_is_whole(client, rollout)
    # Wall times are for people, and may go back.
    assert [one.weight_percent for one in transitions] == [20, 50, 100, 0]
    undone = ask("Undo")(client).status
    assert undone.rollout.phase == rollouts_pb2.PHASE_ROLLED_BACK


def test_a_deadline_comes_when_it_is_due_while_the_clock_steps(stepped):
    clock, client = stepped
    with Stepping(clock) as stepping:
        started = time.monotonic()
        rollout = canary(client, dwell_ms=1, deadline_ms=1_500).rollout.id
        assert eventually(lambda: is_in("PAUSED")(status(client)))
        took = time.monotonic() - started
    assert 1.4 < took < 20 and stepping.count >= 8
    (last,) = assert_record_is_whole(client, rollout)[1:]
    assert "deadline" in last.reason


def test_a_bad_canary_goes_while_the_clock_steps_and_says_so_once(stepped):
    clock, client = stepped
    with Stepping(clock, 0.01) as stepping, Load(client.server.address) as load:
        assert eventually(lambda: stepping.count > 10)
        rollout = canary(client, model=3).rollout.id
        last = guards.assert_rolled_back(client, rollout, "decision_flips")
        guards.assert_only_stable(client)
    assert load.errors == []
    assert 0 <= last.last_answer_after_us < 200_000
    assert_record_is_whole(client, rollout)
    assert eventually(
        lambda: guards.metric(client, 'kassa_alarms_total{kind="rolled_back"}') == 1)


@pytest.mark.parametrize("offset, slots", [
    (-400 * DAY, 2), (-DAY, 2), (-HOUR, 2), (0, 2), (DAY - HOUR, 2), (DAY + 60, 1)])
def test_a_restart_goes_on_by_the_wall_clock_within_a_day(stepped, offset, slots):
    clock, client = stepped
    rollout = ask("Canary", model=f"{SCORER}@2", weight_percent=50)(client).status.rollout.id
    ask("Promote", full=True)(client)
    client.server.stop()
    clock.move(offset)
    server = clock.serve(client.server.folder)
    try:
        with Client(server.address) as again:
            if slots == 1:
                assert eventually(lambda: len(status(again).slots) == 1)
            else:
                time.sleep(0.4)
            assert len(status(again).slots) == slots
            # From here on the monotonic clock counts.
            if slots == 2:
                clock.move(offset + DAY)
                time.sleep(0.4)
                assert len(status(again).slots) == 2
            assert_record_is_whole(again, rollout)
        server.stop()
    finally:
        server.kill()


def test_a_clock_that_is_set_ahead_takes_no_score_that_waits_for_a_no(stepped):
    """Maturity is an age: a step of the wall clock makes no score older."""
    clock, client = stepped
    maturity = 4.0
    client.apply(shop.scorer_spec(SCORER, "", outcomes=config_pb2.OutcomeSpec(
        maturity_ms=int(maturity * 1_000), horizon_ms=60_000,
        absent=config_pb2.ABSENT_NEGATIVE)))

    def record(count=200):
        answer = client.scoring.ScoreBatch(guards.request(range(count), record=True), timeout=20)
        return [result.score_id for result in answer.results]

    def report(ids):
        return set(client.scoring.RecordOutcome(scoring_pb2.RecordOutcomeRequest(outcomes=[
            scoring_pb2.Outcome(score_id=id, label=True) for id in ids]), timeout=20).statuses)

    def counted():
        told = client.scoring.GetCalibration(
            scoring_pb2.GetCalibrationRequest(scorer=SCORER), timeout=20)
        slots = [slot for slot in told.slots if slot.slot == scoring_pb2.STABLE]
        return sum(slot.labels for slot in slots), sum(slot.positives for slot in slots)

    before = record()
    started = time.monotonic()
    for step in (HOUR, 0, HOUR, DAY):
        clock.move(step)
        time.sleep(0.3)
        assert counted() == (0, 0)
    # Of the same age, by two clocks.
    after = record()
    assert report(before) == report(after) == {scoring_pb2.OUTCOME_ACCEPTED}
    assert counted() == (0, 0)
    # None came before its time, all of them come, and with what was reported.
    while counted()[0] < 400:
        if counted()[0]:
            assert time.monotonic() - started > maturity - 0.1
        assert time.monotonic() - started < maturity + 60, counted()
        time.sleep(0.05)
    assert counted() == (400, 400)
