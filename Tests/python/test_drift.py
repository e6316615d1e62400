# SPDX-License-Identifier: Apache-2.0
"""Drift over a real server: a pipeline that sends zeros, one that loses values, and an ordinary day."""

import json
import random
import subprocess
import time
import urllib.request

import grpc
import pytest

import client as shop
from client import Client
from kassa.v1 import config_pb2, models_pb2, rollouts_pb2, scoring_pb2, values_pb2
from kassa_process import binary, eventually
from test_rollouts import inputs

SCORER = "cart_abandonment"
WINDOW_MS = 200
ROWS = 500
SESSIONS = 4_000


def training(seed=7, count=20_000):
    """Signals as in training: a normal distribution each."""
    draw = random.Random(seed)
    return [[draw.gauss(0, 1) for _ in range(shop.SIGNALS)] for _ in range(count)]


def histogram(place, values):
    """Ten bins of equal mass over `values`."""
    ranked = sorted(values)
    edges = [ranked[min(i * len(ranked) // 10, len(ranked) - 1)] for i in range(11)]
    counts = [0] * 10
    for value in ranked:
        counts[max(i for i in range(10) if i == 0 or value >= edges[i])] += 1
    return models_pb2.ReferenceHistogram(
        input=place, n=len(ranked), edges=edges, counts=counts)


@pytest.fixture(scope="module")
def histograms():
    columns = list(zip(*training()))
    return [histogram(place, column) for place, column in enumerate(columns)]


class Traffic:
    """Scores by the thousand, with signals from a generator of rows."""

    def __init__(self, client, seed=1):
        self.client = client
        self.draw = random.Random(seed)

    def row(self, edit):
        signals = [self.draw.gauss(0, 1) for _ in range(shop.SIGNALS)]
        edit(signals, self.draw)
        context = [
            values_pb2.NamedValue(
                name=f"signal_{i}",
                value=values_pb2.Value(null=values_pb2.NullValue())
                if signal is None else values_pb2.Value(number=signal))
            for i, signal in enumerate(signals)
        ]
        session = f"s-{self.draw.randrange(SESSIONS)}"
        return scoring_pb2.ScoreRow(entities=[shop.entity("session", session)], context=context)

    def send(self, edit=lambda signals, draw: None, batches=1):
        for _ in range(batches):
            reply = self.client.scoring.ScoreBatch(
                scoring_pb2.ScoreBatchRequest(
                    scorer=SCORER, rows=[self.row(edit) for _ in range(ROWS)]),
                timeout=20)
            assert not any(result.HasField("refusal") for result in reply.results)

    def until(self, done, edit, seconds=40):
        """Sends until `done()`, which is returned."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.send(edit)
            if found := done():
                return found
        raise AssertionError("it did not come in time")


def zero(signals, draw):
    signals[2] = 0.0


def lose(signals, draw):
    if draw.random() < 0.1:
        signals[1] = None


def ordinary(signals, draw):
    pass


def set_up(client, histograms, **drift):
    """The shop, with a candidate abandonment@2 over the same signals in another order."""
    client.apply(shop.SIGNAL_SET)
    artefact = shop.fixture_model()[0]
    client.upload(shop.model_spec(artefact, histograms=histograms), artefact)
    turned = []
    for place in range(shop.SIGNALS):
        other = models_pb2.ReferenceHistogram()
        other.CopyFrom(histograms[(place + 1) % shop.SIGNALS])
        other.input = place
        turned.append(other)
    client.upload(shop.model_spec(artefact, inputs=inputs(1), histograms=turned), artefact)
    client.apply(shop.scorer_spec(
        drift=config_pb2.DriftSpec(window_ms=WINDOW_MS, **drift)))


def canary(client, weight):
    """A candidate that scores otherwise, with a threshold that no score reaches: no decision differs."""
    client.rollouts.Canary(rollouts_pb2.CanaryRequest(
        scorer=SCORER, model="abandonment@2", weight_percent=weight,
        guard=rollouts_pb2.GuardPolicy(decision_threshold=0.999999, slo_microseconds=1_000_000)),
        timeout=20)


def promote(client):
    client.rollouts.Promote(
        rollouts_pb2.PromoteRequest(scorer=SCORER, full=True), timeout=20)


def report(client):
    return client.rollouts.Drift(rollouts_pb2.DriftRequest(scorer=SCORER), timeout=20)


def status(client):
    return client.rollouts.Status(rollouts_pb2.RolloutStatusRequest(scorer=SCORER), timeout=20)


def alarms(client):
    """What is on, by slot: {("STABLE", "signals.signal_2", "DRIFT_SHIFT"), ...}."""
    return {
        (scoring_pb2.Slot.Name(slot.slot), feature.feature, rollouts_pb2.DriftSignal.Name(signal))
        for slot in report(client).slots
        for feature in slot.features
        for signal in feature.alarms
    }


def audit(client):
    return client.config.Audit(config_pb2.AuditRequest(limit=100), timeout=20).entries


def test_zeros_in_both_slots_page_and_freeze_and_roll_nothing_back(start_server, histograms):
    server = start_server()
    with Client(server.address) as client:
        set_up(client, histograms)
        canary(client, 50)
        watch = client.rollouts.Watch(rollouts_pb2.WatchRolloutsRequest(scorer=SCORER))
        traffic = Traffic(client)
        traffic.send(batches=8)
        traffic.until(lambda: report(client).action, zero)
        traffic.until(lambda: status(client).rollout.phase == rollouts_pb2.PHASE_PAUSED, zero)
        # The canary's windows may fill earlier than STABLE's; then it is held first, and the page follows.
        traffic.until(
            lambda: report(client).action == rollouts_pb2.DRIFT_PAGE_AND_FREEZE, zero)
        traffic.until(
            lambda: {("STABLE", "signals.signal_2", "DRIFT_SHIFT"),
                     ("CANARY", "signals.signal_2", "DRIFT_SHIFT")} <= alarms(client), zero)
        assert {feature for _, feature, _ in alarms(client)} == {"signals.signal_2"}
        now = status(client)
        assert now.rollout.phase == rollouts_pb2.PHASE_PAUSED
        assert now.rollout.weight_percent == 50
        assert [slot.model for slot in now.slots] == ["abandonment@1", "abandonment@2"]

        told = []
        for event in watch:
            if event.HasField("drift"):
                told.append(event.drift)
            if {alarm.slot for alarm in told} == {scoring_pb2.STABLE, scoring_pb2.CANARY}:
                break
        watch.cancel()
        assert all(alarm.raised and alarm.measured > alarm.tolerated for alarm in told)

        assert eventually(lambda: [e for e in audit(client) if e.action == "drift alarm"])
        record = next(e for e in audit(client) if e.action == "drift alarm")
        assert record.actor == "guard" and "signals.signal_2" in record.details[0]
        assert any(e.action == "rollout pause" and e.actor == "guard" for e in audit(client))

        page = urllib.request.urlopen(f"{server.admin}/metrics", timeout=10).read().decode()
        psi = next(
            float(line.split()[-1]) for line in page.splitlines()
            if line.startswith("kassa_feature_psi{")
            and 'feature="signals.signal_2"' in line and 'slot="STABLE"' in line)
        assert psi > 1
        assert 'kassa_drift_alarms_total{scorer="cart_abandonment",slot="STABLE"' in page

        shown = subprocess.run(
            [binary(), "drift", SCORER, "--server", server.address],
            capture_output=True, text=True, timeout=20, check=True).stdout
        assert "page and freeze" in shown and "signals.signal_2" in shown and "shift" in shown
        shown = subprocess.run(
            [binary(), "rollout", "status", SCORER, "--server", server.address],
            capture_output=True, text=True, timeout=20, check=True).stdout
        assert "drift: page and freeze" in shown and "signals.signal_2" in shown


def test_zeros_after_a_promotion_undo_it_where_the_policy_says_so(start_server, histograms):
    server = start_server()
    with Client(server.address) as client:
        set_up(client, histograms, on_shared_drift=config_pb2.SHARED_DRIFT_ROLLBACK)
        canary(client, 50)
        traffic = Traffic(client)
        traffic.send(batches=8)
        promote(client)
        windows = report(client).slots[0].windows
        traffic.until(lambda: report(client).slots[0].windows > windows + 2, ordinary)
        traffic.until(lambda: status(client).slots[0].model == "abandonment@1", zero)
        assert eventually(lambda: status(client).rollout.phase == rollouts_pb2.PHASE_ROLLED_BACK)
        undo = next(e for e in audit(client) if e.action == "rollout undo")
        assert undo.actor == "guard" and "signals.signal_2" in undo.reason
        assert [slot.model for slot in status(client).slots] == ["abandonment@1"]


def test_lost_values_are_an_alarm_and_an_ordinary_day_is_none(start_server, histograms):
    server = start_server()
    with Client(server.address) as client:
        set_up(client, histograms)
        traffic = Traffic(client)
        traffic.until(lambda: report(client).slots[0].windows >= 10, ordinary)
        assert alarms(client) == set() and report(client).action == rollouts_pb2.DRIFT_NOTHING
        assert not [e for e in audit(client) if e.action == "drift alarm"]
        traffic.until(
            lambda: ("STABLE", "signals.signal_1", "DRIFT_NULL") in alarms(client), lose)
        assert {feature for _, feature, _ in alarms(client)} == {"signals.signal_1"}
        # It ends as it began.
        traffic.until(lambda: not alarms(client), ordinary)


def test_a_freeze_and_its_record_outlive_a_crash(start_server, histograms):
    server = start_server()
    with Client(server.address) as client:
        set_up(client, histograms)
        canary(client, 50)
        traffic = Traffic(client)
        traffic.until(lambda: status(client).rollout.phase == rollouts_pb2.PHASE_PAUSED, zero)
        assert eventually(lambda: [e for e in audit(client) if e.action == "drift alarm"])
        server.kill()
    server = start_server(folder=server.folder)
    with Client(server.address) as client:
        assert status(client).rollout.phase == rollouts_pb2.PHASE_PAUSED
        assert len([e for e in audit(client) if e.action == "drift alarm"]) >= 1


def test_a_drift_alarm_holds_the_next_step_over_a_crash(start_server, histograms):
    server = start_server()
    with Client(server.address) as client:
        set_up(client, histograms)
        Traffic(client).until(
            lambda: report(client).action == rollouts_pb2.DRIFT_PAGE_AND_FREEZE, zero)
        before = report(client)
        # Which alarms are on is handed to the store before their record is.
        assert eventually(lambda: [e for e in audit(client) if e.action == "drift alarm"])
        server.kill()
    server = start_server(folder=server.folder)
    with Client(server.address) as client:
        assert eventually(lambda: report(client).action)
        after = report(client)
        assert after.slots[0].windows == 0
        assert (after.action, after.since_us) == (before.action, before.since_us)
        assert ("STABLE", "signals.signal_2", "DRIFT_SHIFT") in alarms(client)
        assert eventually(lambda: [
            alarm for alarm in alarms_in_log(server) if alarm["kind"] == "shared_drift"])
        # A rollout that a person begins takes no step, though no window has ended yet.
        client.rollouts.Canary(rollouts_pb2.CanaryRequest(
            scorer=SCORER, model="abandonment@2", weight_percent=50,
            guard=rollouts_pb2.GuardPolicy(
                decision_threshold=0.999999, slo_microseconds=1_000_000, dwell_ms=1,
                entities_min=1, pairs_min=1)),
            timeout=20)
        assert "drift" in status(client).guard.holds
        assert report(client).slots[0].windows == 0
        # It ends as any alarm does.
        traffic = Traffic(client, seed=2)
        traffic.until(lambda: not alarms(client), ordinary)
        assert report(client).action == rollouts_pb2.DRIFT_NOTHING
        assert eventually(lambda: any(
            "cleared" in line for entry in audit(client) for line in entry.details))
        server.kill()
    server = start_server(folder=server.folder)
    with Client(server.address) as client:
        # It is looked at for the first time with the features that it shows.
        assert eventually(lambda: report(client).slots[0].features)
        assert report(client).action == rollouts_pb2.DRIFT_NOTHING and not alarms(client)


def alarms_in_log(server):
    prefix = "kassa: alarm "
    return [json.loads(line[len(prefix):]) for line in server.output if line.startswith(prefix)]


def test_the_guard_takes_no_step_while_an_alarm_is_on(start_server, histograms):
    server = start_server()
    with Client(server.address) as client:
        set_up(client, histograms)
        traffic = Traffic(client)
        traffic.until(lambda: report(client).action == rollouts_pb2.DRIFT_PAGE_AND_FREEZE, zero)
        # It is told as every alarm is.
        def told():
            return [alarm for alarm in alarms_in_log(server) if "drift" in alarm["kind"]]
        assert eventually(lambda: {alarm["kind"] for alarm in told()}
                          == {"shared_drift", "feature_drift"})
        assert all(alarm["state"] == "raised" and alarm["scorer"] == SCORER for alarm in told())
        assert "signals.signal_2" in told()[0]["reason"]
        # A person begins a rollout all the same, which would go on by itself.
        client.rollouts.Canary(rollouts_pb2.CanaryRequest(
            scorer=SCORER, model="abandonment@2", weight_percent=50,
            guard=rollouts_pb2.GuardPolicy(
                decision_threshold=0.999999, slo_microseconds=1_000_000, dwell_ms=1,
                entities_min=100, pairs_min=100)),
            timeout=20)
        traffic.until(lambda: list(status(client).guard.holds) == ["drift"], zero)
        shown = subprocess.run(
            [binary(), "rollout", "status", SCORER, "--server", server.address],
            capture_output=True, text=True, timeout=20, check=True).stdout
        assert "the next step waits for: drift" in shown
        assert status(client).rollout.phase == rollouts_pb2.PHASE_CANARY
        traffic.until(
            lambda: status(client).rollout.phase == rollouts_pb2.PHASE_PROMOTED, ordinary)
        assert eventually(lambda: [alarm for alarm in told() if alarm["state"] == "cleared"])
        assert any(e.action == "rollout promote" and e.actor == "guard" for e in audit(client))


def test_what_a_person_accepts_is_no_alarm_after_a_crash_either(start_server, histograms):
    server = start_server()
    with Client(server.address) as client:
        set_up(client, histograms)
        error = shop.refusal(client.rollouts.AcceptDrift, rollouts_pb2.AcceptDriftRequest(
            scorer=SCORER, reason="nothing has happened"))
        assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
        traffic = Traffic(client)
        traffic.until(lambda: report(client).action == rollouts_pb2.DRIFT_PAGE_AND_FREEZE, zero)
        accept = [binary(), "drift", "accept", SCORER, "--server", server.address]
        assert subprocess.run(accept, capture_output=True, timeout=20).returncode == 2
        shown = subprocess.run(
            accept + ["--reason", "signal 2 is gone for good"],
            capture_output=True, text=True, timeout=20, check=True).stdout
        assert "abandonment@1 signals.signal_2: accepted" in shown
        assert "drift: nothing" in shown
        assert not alarms(client)
        record = next(e for e in audit(client) if e.action == "drift accept")
        assert record.reason == "signal 2 is gone for good"
        assert "abandonment@1 signals.signal_2" in record.details
        windows = report(client).slots[0].windows
        traffic.until(lambda: report(client).slots[0].windows > windows + 4, zero)
        assert not alarms(client) and report(client).action == rollouts_pb2.DRIFT_NOTHING
        feature = next(f for f in report(client).slots[0].features
                       if f.feature == "signals.signal_2")
        assert feature.psi > feature.psi_threshold
        assert list(feature.usual) == [rollouts_pb2.DRIFT_SHIFT]
        server.kill()
    server = start_server(folder=server.folder)
    with Client(server.address) as client:
        traffic = Traffic(client, seed=2)
        traffic.until(lambda: report(client).slots[0].windows >= 5, zero)
        assert not alarms(client) and report(client).action == rollouts_pb2.DRIFT_NOTHING
        # Another feature is another matter.
        def zero_another(signals, draw):
            zero(signals, draw)
            signals[1] = 0.0
        traffic.until(lambda: alarms(client), zero_another)
        assert {feature for _, feature, _ in alarms(client)} == {"signals.signal_1"}


def test_a_scorer_without_histograms_is_not_watched(start_server):
    server = start_server()
    with Client(server.address) as client:
        shop.set_up_shop(client)
        slot = report(client).slots[0]
        assert slot.unwatched == shop.SIGNALS and not slot.features
        error = shop.refusal(client.rollouts.Drift, rollouts_pb2.DriftRequest(scorer="none"))
        assert error.code() == grpc.StatusCode.NOT_FOUND
