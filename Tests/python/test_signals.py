# SPDX-License-Identifier: Apache-2.0
"""Signals under load: what stops a server for a while, what must not touch it, and what ends it once.

KASSA_STOP_SECONDS sets how long the server is stopped (30 for the full proof).
"""

import os
import random
import signal
import threading
import time

import grpc
import pytest

import client as shop
import test_guards as guards
from client import Client
from kassa.v1 import rollouts_pb2, storage_pb2
from kassa_process import Server, eventually
from test_durability import Acknowledged, Writer, assert_all_there

STOP_SECONDS = float(os.environ.get("KASSA_STOP_SECONDS", "2"))
CARE = {"map_gib": 1, "scrub_hours": 1, "sweep_seconds": 1}


@pytest.fixture
def busy(tmp_path):
    """A server, two streams that write to it, what it acknowledged to them, and a client."""
    server = Server(tmp_path / "data", **CARE)
    acknowledged = Acknowledged()
    with Client(server.address) as client:
        shop.set_up_shop(client)
        writers = [
            Writer(server.address, f"w{place}", acknowledged, random.Random(place))
            for place in range(2)]
        for writer in writers:
            writer.start()
        assert eventually(lambda: acknowledged.writes > 50, 20)
        try:
            yield server, client, writers, acknowledged
        finally:
            for writer in writers:
                writer.ended.set()
            server.kill()


def end(writers):
    for writer in writers:
        writer.ended.set()
    for writer in writers:
        writer.join(20)
        assert writer.error is None and writer.problem is None, (writer.error, writer.problem)


def assert_there_after_restart(server, acknowledged):
    again = Server(server.folder, **CARE)
    try:
        with Client(again.address) as client:
            assert_all_there(client, acknowledged)
        again.stop()
    finally:
        again.kill()


def score(client, **more):
    return client.scoring.Score(shop.score("cart_abandonment", "s"), **more)


def is_stopped(server):
    """Whether each thread stands still; a signal takes its time."""
    tasks = f"/proc/{server.process.pid}/task"
    states = []
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/stat", encoding="ascii") as file:
            states.append(file.read().rsplit(")", 1)[1].split()[0])
    return set(states) == {"T"}


def test_a_server_that_was_stopped_goes_on(busy):
    server, client, writers, acknowledged = busy
    expected = score(client, timeout=5).score
    server.process.send_signal(signal.SIGSTOP)
    try:
        assert eventually(lambda: is_stopped(server))
        # Calls that come meanwhile end at their own deadlines, whatever the server does.
        begun = time.monotonic()
        calls = [
            client.scoring.Score.future(shop.score("cart_abandonment", "s"), timeout=0.5)
            for _ in range(20)]
        write = client.features.Write.future(
            shop.write("profile", ["late"], shop.column("visits", "integers", [1])), timeout=60)
        for call in calls:
            assert call.exception().code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert time.monotonic() - begun < 2
        frozen = acknowledged.writes
        time.sleep(max(0, STOP_SECONDS - 0.5))
        assert acknowledged.writes <= frozen + 64
    finally:
        server.process.send_signal(signal.SIGCONT)
    resumed = time.monotonic()
    assert score(client, timeout=5).score == expected
    assert write.result(timeout=5).applied == 1
    # The streams that were open go on; nobody was sent away.
    before = acknowledged.writes
    assert eventually(lambda: acknowledged.writes > before + 100, 10)
    assert time.monotonic() - resumed < 10
    told = client.storage.Stats(storage_pb2.StoreStatsRequest(), timeout=5)
    assert told.write_refusal == "" and told.reader_lag < 1_000 and told.reopens == 0
    end(writers)
    assert_all_there(client, acknowledged)
    server.stop()
    assert_there_after_restart(server, acknowledged)


def test_hangups_and_broken_pipes_do_nothing(busy):
    server, client, writers, acknowledged = busy
    expected = score(client, timeout=5)
    before = acknowledged.writes
    for turn in range(200):
        for number in (signal.SIGHUP, signal.SIGPIPE):
            server.process.send_signal(number)
        if turn % 20 == 0:
            assert score(client, timeout=5) == expected
    assert eventually(lambda: acknowledged.writes > before + 100, 10)
    end(writers)
    assert_all_there(client, acknowledged)
    server.stop()
    assert_there_after_restart(server, acknowledged)


def test_a_drain_is_one_drain_whatever_else_comes(busy):
    """While open calls finish, hang-ups, broken pipes and a stop change nothing; all queued writes are synced."""
    server, client, writers, acknowledged = busy
    released = threading.Event()

    def requests():
        yield shop.score("cart_abandonment", "s")
        released.wait(20)

    stream = client.scoring.ScoreStream(requests(), timeout=30)
    next(stream)
    server.terminate()
    for _ in range(50):
        server.process.send_signal(signal.SIGHUP)
        server.process.send_signal(signal.SIGPIPE)
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    server.process.send_signal(signal.SIGCONT)
    assert server.process.poll() is None
    for writer in writers:
        writer.ended.set()
    released.set()
    assert list(stream) == []
    assert server.wait() == 0
    output = "".join(server.output)
    assert output.count("draining") == 1 and output.count("stopped") == 1
    for writer in writers:
        writer.join(20)
        assert writer.problem is None
    assert_there_after_restart(server, acknowledged)


@pytest.fixture
def canaried(tmp_path):
    """A server with a good candidate for `conversion`, and its client."""
    server = Server(tmp_path / "data", **CARE)
    client = Client(server.address)
    client.server = server
    try:
        guards.set_up(client)
        guards.upload(client, guards.plain([weight * 1.001 for weight in guards.WEIGHTS]))
        yield client
        client.close()
        server.stop()
    finally:
        server.kill()


def test_a_stopped_server_has_observed_nothing_and_takes_no_step_for_it(canaried):
    """The entities came before the stop, the time of the step did not: it does not pass in a stop."""
    client, server = canaried, canaried.server
    dwell = STOP_SECONDS + 1
    guard = rollouts_pb2.GuardPolicy(
        dwell_ms=int(dwell * 1_000), entities_min=300, pairs_min=300, **guards.LENIENT)
    with guards.Load(server.address, rows=200):
        guards.canary(client, f"{guards.SCORER}@2", weight=20, guard=guard, step_percents=[50])
        assert eventually(lambda: guards.status(client).guard.holds == ["dwell"], 20)
        time.sleep(0.5)
    # The calls of a caller who gives up are no news afterwards.
    before = guards.status(client)
    assert before.guard.holds == ["dwell"]
    stop(server)
    promote = client.rollouts.Promote.future(
        rollouts_pb2.PromoteRequest(scorer=guards.SCORER, full=True), timeout=0.5)
    assert promote.exception().code() == grpc.StatusCode.DEADLINE_EXCEEDED
    time.sleep(STOP_SECONDS)
    server.process.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    after = guards.status(client)
    assert after.rollout == before.rollout and after.revision == before.revision
    # The rollout is older by all of it, the step by what was not the stop.
    assert after.guard.age_ms > before.guard.age_ms + STOP_SECONDS * 1_000
    assert after.guard.step_age_ms < before.guard.step_age_ms + 2_500
    assert after.guard.holds == ["dwell"]
    # And then it goes on.
    with guards.Load(server.address, rows=50):
        assert eventually(
            lambda: guards.status(client).rollout.weight_percent == 50, dwell + 10)


def stop(server):
    server.process.send_signal(signal.SIGSTOP)
    assert eventually(lambda: is_stopped(server))


def test_a_bad_canary_goes_at_once_when_a_stopped_server_goes_on(canaried):
    client, server = canaried, canaried.server
    model = guards.upload(client, guards.plain([-weight for weight in guards.WEIGHTS]))
    with guards.Load(server.address, rows=5) as load:
        rollout = guards.canary(client, model, weight=20).rollout.id
        time.sleep(0.002)
        stop(server)
        time.sleep(min(STOP_SECONDS, 2))
        server.process.send_signal(signal.SIGCONT)
        last = guards.assert_rolled_back(client, rollout, "decision_flips")
        guards.assert_only_stable(client)
    assert load.errors == []
    assert last.phase == rollouts_pb2.PHASE_ROLLED_BACK
