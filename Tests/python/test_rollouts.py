# SPDX-License-Identifier: Apache-2.0
"""Slots and rollouts over grpcio: who is answered by what, under load, over kills, with a full disk.

KASSA_SWAPS sets how often models are swapped under load (10,000 for the full proof).
"""

import collections
import os
import random
import subprocess
import threading
import time

import grpc
import pytest

import client as shop
from client import CANARY, Client, assert_refused, refusal
from kassa.v1 import config_pb2, models_pb2, rollouts_pb2, scoring_pb2
from kassa_process import Server, binary, eventually
from test_storage import Fault, small_disk  # noqa: F401 (a fixture)

Code = grpc.StatusCode
SCORER = "cart_abandonment"
SWAPS = int(os.environ.get("KASSA_SWAPS", "200"))
SEED = int(os.environ.get("KASSA_KILL_SEED", "1"))
STABLE_SLOT, CANARY_SLOT = scoring_pb2.STABLE, scoring_pb2.CANARY


def inputs(turn=0):
    """The inputs of the fixture's model, in another order for another bundle."""
    given = list(shop.model_spec(shop.fixture_model()[0]).inputs)
    return given[turn:] + given[:turn]


def set_up(client, models=2):
    """The shop, and candidates abandonment@2 and on."""
    shop.set_up_shop(client)
    artefact = shop.fixture_model()[0]
    for turn in range(1, models):
        client.upload(shop.model_spec(artefact, inputs=inputs(turn)), artefact)


def canary(client, weight, model="abandonment@2", scorer=SCORER, **more):
    return client.rollouts.Canary(rollouts_pb2.CanaryRequest(
        scorer=scorer, model=model, weight_percent=weight, **more), timeout=20)


def set_weight(client, weight, **more):
    return client.rollouts.SetWeight(rollouts_pb2.SetWeightRequest(
        scorer=SCORER, weight_percent=weight, **more), timeout=20)


def promote(client, full=False, **more):
    return client.rollouts.Promote(rollouts_pb2.PromoteRequest(
        scorer=SCORER, full=full, **more), timeout=20)


def abort(client, **more):
    return client.rollouts.Abort(rollouts_pb2.AbortRequest(scorer=SCORER, **more), timeout=20)


def undo(client, **more):
    return client.rollouts.Undo(rollouts_pb2.UndoRequest(scorer=SCORER, **more), timeout=20)


def clear(client, model):
    return client.rollouts.ClearQuarantine(rollouts_pb2.ClearQuarantineRequest(
        model=model, reason="test"), timeout=20)


def status(client, scorer=SCORER):
    """How the slots are; without what a guard counts, which goes on meanwhile."""
    return slots_only(client.rollouts.Status(
        rollouts_pb2.RolloutStatusRequest(scorer=scorer), timeout=20))


def slots_only(status):
    status.ClearField("guard")
    return status


def slots_of(client, count=300):
    return [client.scoring.Score(shop.score(SCORER, f"s-{number}"), timeout=20).slot
            for number in range(count)]


def fnv_fmix(salt, unit):
    """The published hash, written down a second time."""
    state = 0xCBF29CE484222325
    for byte in salt.encode() + b"\x1f" + unit.encode():
        state = (state ^ byte) * 0x100000001B3 % 2**64
    state ^= state >> 33
    state = state * 0xFF51AFD7ED558CCD % 2**64
    state ^= state >> 33
    state = state * 0xC4CEB9FE1A85EC53 % 2**64
    return state ^ state >> 33


class Load(threading.Thread):
    """Asks for scores of ever the same sessions until told to stop, and keeps what was answered."""

    def __init__(self, address, sessions=200):
        super().__init__(daemon=True)
        self.address, self.sessions = address, sessions
        self.stopping = threading.Event()
        self.answers = []
        self.errors = []

    def run(self):
        with grpc.insecure_channel(self.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            scoring = Client(self.address, channel).scoring
            number = 0
            while not self.stopping.is_set():
                session = f"s-{number % self.sessions}"
                number += 1
                try:
                    answer = scoring.Score(shop.score(SCORER, session), timeout=20)
                    self.answers.append((
                        session, answer.slot, answer.model, answer.bundle_sha256, answer.epoch))
                except grpc.RpcError as error:
                    self.errors.append(error)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(20)
        assert not self.is_alive()


@pytest.fixture
def kassa(start_server):
    server = start_server(map_gib=1)
    client = Client(server.address)
    client.server = server
    set_up(client, models=4)
    yield client
    client.close()


def test_a_rollout_from_1_to_100_percent_fails_no_call_and_moves_nobody_back(kassa):
    weights = {}
    with Load(kassa.server.address) as one, Load(kassa.server.address) as two:
        answer = canary(kassa, 1, step_percents=[5, 25, 100]).status
        weights[answer.epoch] = 1
        for percent in (5, 25, 100):
            time.sleep(0.3)
            answer = promote(kassa).status
            assert answer.rollout.weight_percent == percent
            weights[answer.epoch] = percent
        time.sleep(0.3)
        done = promote(kassa).status
        time.sleep(0.2)
    assert done.rollout.phase == rollouts_pb2.PHASE_PROMOTED
    assert [(slot.slot, slot.model) for slot in done.slots] == [
        (scoring_pb2.STABLE, "abandonment@2"), (scoring_pb2.PREVIOUS, "abandonment@1")]
    assert one.errors == two.errors == []
    seen = collections.Counter()
    for load in (one, two):
        assert len(load.answers) > 100
        epochs = [epoch for *_, epoch in load.answers]
        assert epochs == sorted(epochs)
        was_in = set()
        for session, slot, model, digest, epoch in load.answers:
            percent = weights.get(epoch, 0)
            is_in = fnv_fmix(answer.rollout.salt, session) * 1_000_000 >> 64 < percent * 10_000
            if epoch >= done.epoch:
                assert (slot, model) == (STABLE_SLOT, "abandonment@2")
                continue
            assert slot == (CANARY_SLOT if is_in else STABLE_SLOT), (session, percent)
            assert model == ("abandonment@2" if is_in else "abandonment@1")
            if is_in:
                was_in.add(session)
                assert digest == done.slots[0].bundle_sha256
            else:
                assert session not in was_in
            seen[percent, is_in] += 1
    assert seen[100, True] and seen[25, True] and seen[25, False] and not seen[100, False]


def test_scores_of_a_canary_are_those_of_its_model(kassa):
    """Both models have the same trees over other inputs: each answers with its own features."""
    kassa.features.Write(shop.write("signals", ["both"], *(
        shop.column(f"signal_{signal}", "floats", [float(signal)])
        for signal in range(shop.SIGNALS))), timeout=20)
    request = shop.score(SCORER, "both", include=[scoring_pb2.FEATURES])
    stable = kassa.scoring.Score(request, timeout=20)
    canary(kassa, 100)
    answer = kassa.scoring.Score(request, timeout=20)
    names = [feature.name for feature in answer.features]
    assert names == [f"signals.signal_{(place + 1) % 5}" for place in range(5)]
    assert [feature.value.number for feature in answer.features] == [1, 2, 3, 4, 0]
    assert stable.features[0].name == "signals.signal_0"
    assert answer.margin != stable.margin


def test_verbs_are_refused_with_their_reason_and_change_nothing(kassa):
    before = status(kassa)
    assert (before.revision, len(before.slots), before.HasField("rollout")) == (0, 1, False)
    requests = rollouts_pb2
    for verb, request, code, word in [
        ("Pause", requests.PauseRequest(scorer=SCORER), Code.FAILED_PRECONDITION, "scorer"),
        ("Resume", requests.ResumeRequest(scorer=SCORER), Code.FAILED_PRECONDITION, "scorer"),
        ("Promote", requests.PromoteRequest(scorer=SCORER), Code.FAILED_PRECONDITION, "scorer"),
        ("Abort", requests.AbortRequest(scorer=SCORER), Code.FAILED_PRECONDITION, "scorer"),
        ("Undo", requests.UndoRequest(scorer=SCORER), Code.FAILED_PRECONDITION, "undo"),
        ("Shadow", requests.ShadowRequest(scorer=CANARY), Code.INVALID_ARGUMENT, "model"),
        ("Shadow", requests.ShadowRequest(scorer=CANARY, model="abandonment@2"), Code.NOT_FOUND,
         "scorer"),
        ("Shadow", requests.ShadowRequest(scorer=SCORER, model="abandonment@1"),
         Code.FAILED_PRECONDITION, "STABLE"),
        ("Shadow", requests.ShadowRequest(scorer=SCORER, model=f"{CANARY}@1"), Code.NOT_FOUND,
         "model"),
        ("Shadow", requests.ShadowRequest(scorer=SCORER, model="abandonment@2", reason="x" * 4097),
         Code.INVALID_ARGUMENT, "reason"),
        ("Canary", requests.CanaryRequest(scorer=SCORER, weight_percent=5), Code.INVALID_ARGUMENT,
         "model"),
        ("Canary", requests.CanaryRequest(scorer=SCORER, model="abandonment@2"),
         Code.INVALID_ARGUMENT, "weight_percent"),
        ("Canary", requests.CanaryRequest(
            scorer=SCORER, model="abandonment@2", weight_percent=5, expected_revision=3),
         Code.ABORTED, "expected_revision"),
        ("Status", requests.RolloutStatusRequest(scorer=CANARY), Code.NOT_FOUND, "scorer"),
        ("History", requests.RolloutHistoryRequest(scorer=CANARY), Code.NOT_FOUND, "scorer"),
        ("History", requests.RolloutHistoryRequest(scorer=SCORER, limit=1001),
         Code.INVALID_ARGUMENT, "limit"),
        ("Explain", requests.ExplainRolloutRequest(rollout_id=7), Code.NOT_FOUND, "rollout_id"),
        ("Quarantine", requests.QuarantineRequest(model="abandonment@2"), Code.INVALID_ARGUMENT,
         "reason"),
        ("Quarantine", requests.QuarantineRequest(model="abandonment@1", reason="r"),
         Code.FAILED_PRECONDITION, "STABLE"),
        ("Watch", requests.WatchRolloutsRequest(scorer=CANARY), Code.NOT_FOUND, "scorer"),
    ]:
        assert_refused(refusal(getattr(kassa.rollouts, verb), request), code, word)
    assert status(kassa) == before


def test_repeating_a_verb_is_harmless_and_a_retry_is_recognised(kassa):
    first = canary(kassa, 5, step_percents=[10, 20], expected_revision=0)
    again = canary(kassa, 5, step_percents=[10, 20], expected_revision=0)
    assert again.unchanged and slots_only(again.status) == slots_only(first.status)
    step = promote(kassa, expected_revision=1)
    again = promote(kassa, expected_revision=1)
    assert slots_only(again.status) == slots_only(step.status)
    assert step.status.rollout.weight_percent == 10
    assert_refused(
        refusal(kassa.rollouts.SetWeight, rollouts_pb2.SetWeightRequest(
            scorer=SCORER, weight_percent=50, expected_revision=1)),
        Code.ABORTED, "expected_revision")
    abort(kassa)
    assert abort(kassa).unchanged


def test_watchers_hear_of_every_change(kassa):
    heard, everything = [], []
    watch = kassa.rollouts.Watch(rollouts_pb2.WatchRolloutsRequest(scorer=SCORER))
    watch_all = kassa.rollouts.Watch(rollouts_pb2.WatchRolloutsRequest())

    def listen(stream, into):
        try:
            for event in stream:
                into.append(event)
        except grpc.RpcError:
            pass

    threads = [threading.Thread(target=listen, args=pair, daemon=True)
               for pair in ((watch, heard), (watch_all, everything))]
    for thread in threads:
        thread.start()
    assert eventually(lambda: heard)
    assert heard[0].status == status(kassa) and not heard[0].HasField("transition")
    kassa.apply(shop.scorer_spec("quiet", "abandonment@3"))
    canary(kassa, 5, scorer="quiet")
    canary(kassa, 5)
    for weight in range(6, 40):
        set_weight(kassa, weight)
    last = abort(kassa, reason="enough", actor="ada").status
    assert eventually(lambda: len(heard) == 37 and len(everything) == 37), len(heard)
    assert [event.transition.verb for event in heard[1:]] == (
        ["canary"] + ["set-weight"] * 34 + ["abort"])
    assert heard[-1].transition.reason == "enough" and heard[-1].transition.actor == "ada"
    assert heard[-1].status == last
    numbers = [event.sequence for event in everything]
    assert numbers == list(range(numbers[0], numbers[0] + 37))
    # A drain ends the calls of those who watch.
    kassa.server.terminate()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert watch.code() == Code.UNAVAILABLE
    kassa.close()
    assert kassa.server.wait() == 0


def test_models_are_swapped_under_load_without_a_failed_call(kassa):
    """M11: each answer carries one slot's model and digest, and memory does not grow with swaps."""
    digests = {}
    for model in kassa.models.List(models_pb2.ListModelsRequest(), timeout=20).models:
        name = f"{model.spec.name}@{model.spec.version}"
        if name == "abandonment@1":
            digests[name] = status(kassa).slots[0].bundle_sha256
        else:
            digests[name] = canary(kassa, 1, name).status.slots[1].bundle_sha256
            abort(kassa)
    epochs = {}
    memory = []
    with Load(kassa.server.address) as one, Load(kassa.server.address) as two:
        names = ("abandonment@2", "abandonment@1")
        for swap in range(SWAPS):
            model = names[swap % 2]
            epochs[canary(kassa, 100, model).status.epoch] = model
            epochs[promote(kassa, full=True).status.epoch] = model
            if swap % (SWAPS // 4) == SWAPS // 4 - 1:
                memory.append(kassa.server.memory_bytes())
    assert one.errors == two.errors == []
    answers = one.answers + two.answers
    for _, _, model, digest, epoch in answers:
        assert digests[model] == digest
        assert epochs.get(epoch, "abandonment@1") == model
    assert len({epoch for *_, epoch in answers}) > 20
    print(f"\n{SWAPS} swaps under {len(answers)} answers, memory {memory};", end=" ")
    assert memory[-1] < memory[0] + (8 << 20), memory


def test_an_uploaded_and_deleted_model_gives_its_memory_back(kassa):
    artefact = shop.fixture_model()[0]
    memory = []
    for turn in range(60):
        spec = shop.model_spec(artefact, name="passing", inputs=inputs(4))
        name = f"passing@{kassa.upload(spec, artefact).model.spec.version}"
        canary(kassa, 100, name)
        assert kassa.scoring.Score(shop.score(SCORER, "x"), timeout=20).model == name
        abort(kassa)
        kassa.models.Delete(
            models_pb2.DeleteModelRequest(model=name, reason="test"), timeout=20)
        if turn % 20 == 19:
            memory.append(kassa.server.memory_bytes())
    assert memory[-1] < memory[0] + (8 << 20), memory


def test_kill_9_between_and_in_transitions_leaves_a_whole_state(tmp_path):
    """C8: after each kill the slots are those of the last answered verb, or of the one in flight."""
    chance = random.Random(SEED)
    folder = tmp_path / "data"
    answered, kills = None, int(os.environ.get("KASSA_KILL_ROUNDS", "8"))
    for round_ in range(kills):
        server = Server(folder, map_gib=1)
        try:
            client = Client(server.address)
            if round_ == 0:
                set_up(client, models=4)
                answered = status(client)
            found = status(client)
            # A quarantine that is lifted makes an epoch and no revision.
            found.epoch = answered.epoch = 0
            whole = (found.revision == answered.revision and found == answered) or (
                found.revision == answered.revision + 1)
            assert whole, (answered, found)
            assert_slots_fit(client, found)
            if found.revision > 0:
                audit = client.config.Audit(config_pb2.AuditRequest(verify=True), timeout=20)
                assert audit.broken_at == 0 and audit.verified > 0
                history = client.rollouts.History(
                    rollouts_pb2.RolloutHistoryRequest(scorer=SCORER, limit=1000), timeout=20)
                assert [entry.revision for entry in history.transitions] == list(
                    range(found.revision, 0, -1))[:1000]
                explained = client.rollouts.Explain(rollouts_pb2.ExplainRolloutRequest(
                    rollout_id=found.rollout.id), timeout=20)
                assert explained.agrees and explained.chain_intact, explained.disagreement
            answered = found
            timer = threading.Timer(chance.uniform(0.02, 0.4), server.process.kill)
            timer.start()
            try:
                while True:
                    answered = random_verb(client, chance) or answered
            except grpc.RpcError as error:
                assert error.code() == Code.UNAVAILABLE, error
            timer.join()
            client.close()
        finally:
            server.kill()


def random_verb(client, chance):
    """Carries a verb out, sensible or not; returns the status that it answered with."""
    model = f"abandonment@{chance.randint(1, 4)}"
    verbs = [
        lambda: canary(client, chance.randint(1, 100), model),
        lambda: client.rollouts.Shadow(
            rollouts_pb2.ShadowRequest(scorer=SCORER, model=model), timeout=20),
        lambda: set_weight(client, chance.randint(0, 100)),
        lambda: client.rollouts.Pause(rollouts_pb2.PauseRequest(scorer=SCORER), timeout=20),
        lambda: client.rollouts.Resume(rollouts_pb2.ResumeRequest(scorer=SCORER), timeout=20),
        lambda: promote(client, full=True),
        lambda: abort(client),
        lambda: undo(client),
        lambda: clear(client, model),
    ]
    try:
        answer = chance.choice(verbs)()
        return slots_only(answer.status) if hasattr(answer, "status") else None
    except grpc.RpcError as error:
        if error.code() not in (Code.FAILED_PRECONDITION,):
            raise
        return None


def assert_slots_fit(client, found):
    """What answers is what the status says, for each session."""
    models = {slot.slot: slot for slot in found.slots}
    for number in range(40):
        answer = client.scoring.Score(shop.score(SCORER, f"s-{number}"), timeout=20)
        weight = found.rollout.weight_percent
        is_in = CANARY_SLOT in models and (
            fnv_fmix(found.rollout.salt, f"s-{number}") * 1_000_000 >> 64 < weight * 10_000)
        slot = CANARY_SLOT if is_in else STABLE_SLOT
        assert (answer.slot, answer.model) == (slot, models[slot].model)
        assert answer.bundle_sha256 == models[slot].bundle_sha256


def test_a_quarantine_outlives_a_kill(start_server):
    server = start_server(map_gib=1)
    client = Client(server.address)
    set_up(client)
    canary(client, 50)
    answer = client.rollouts.Quarantine(rollouts_pb2.QuarantineRequest(
        model="abandonment@2", reason="leaked", actor="ada"), timeout=20)
    assert list(answer.rolled_back) == [SCORER]
    client.close()
    server.kill()
    again = start_server(folder=server.folder, map_gib=1)
    client = Client(again.address)
    assert status(client).rollout.phase == rollouts_pb2.PHASE_ROLLED_BACK
    error = refusal(client.rollouts.Shadow, rollouts_pb2.ShadowRequest(
        scorer=SCORER, model="abandonment@2"))
    assert_refused(error, Code.FAILED_PRECONDITION, "quarantine")
    clear(client, "abandonment@2")
    assert canary(client, 1).status.rollout.weight_percent == 1
    client.close()


def test_an_abort_is_quick_while_the_control_thread_is_busy(kassa):
    """The traffic is off at once, even behind work that takes the control thread a while."""
    canary(kassa, 100)
    artefact = shop.fixture_model()[0]
    busy = [kassa.models.Upload.future(
        shop.upload_parts(shop.model_spec(artefact, name=f"busy_{number}"), artefact), timeout=60)
        for number in range(30)]
    pending = kassa.rollouts.Abort.future(rollouts_pb2.AbortRequest(scorer=SCORER), timeout=60)
    # The same connection: the server has read the abort before it reads this.
    answer = kassa.scoring.Score(shop.score(SCORER, "s-1"), timeout=20)
    assert answer.slot == STABLE_SLOT and answer.model == "abandonment@1"
    assert pending.result().status.rollout.phase == rollouts_pb2.PHASE_ABORTED
    for upload in busy:
        upload.result()


# A disk that takes no writes.


def test_an_abort_works_while_syncs_fail_and_holds_after_a_restart(tmp_path):
    server = Server(tmp_path / "data", map_gib=1)
    try:
        client = Client(server.address)
        set_up(client)
        canary(client, 100)
        with Load(server.address) as load:
            time.sleep(0.2)
            with Fault(server, "fdatasync:error=EIO", "fsync:error=EIO"):
                answer = abort(client, reason="bad").status
                # From the next request on, whatever the disk does.
                after = client.scoring.Score(shop.score(SCORER, "x"), timeout=20)
                assert (after.slot, after.model) == (STABLE_SLOT, "abandonment@1")
            assert answer.unrecorded and answer.rollout.phase == rollouts_pb2.PHASE_ABORTED
            # The store has latched read-only: nothing that gives traffic is taken now.
            error = refusal(client.rollouts.Canary, rollouts_pb2.CanaryRequest(
                scorer=SCORER, model="abandonment@2", weight_percent=1))
            assert_refused(error, Code.FAILED_PRECONDITION, "read-only")
            assert eventually(lambda: (server.folder / "retreats").exists())
        assert load.errors == []
        slots = [slot for _, slot, *_ in load.answers]
        assert slots == sorted(slots, reverse=True) and len(set(slots)) == 2
        client.close()
    finally:
        server.kill()
    again = Server(tmp_path / "data", map_gib=1)
    try:
        client = Client(again.address)
        found = status(client)
        assert found.rollout.phase == rollouts_pb2.PHASE_ABORTED and not found.unrecorded
        assert set(slots_of(client, 20)) == {STABLE_SLOT}
        assert not (again.folder / "retreats").exists()
        history = client.rollouts.History(
            rollouts_pb2.RolloutHistoryRequest(scorer=SCORER), timeout=20).transitions
        assert [(entry.verb, entry.reason) for entry in history] == [
            ("abort", "bad"), ("canary", "")]
        client.close()
        again.stop()
    finally:
        again.kill()


def test_an_undo_works_with_a_full_disk_and_is_recorded_when_there_is_room(small_disk):
    server = Server(small_disk / "data", map_gib=1)
    try:
        client = Client(server.address)
        set_up(client)
        canary(client, 5)
        promote(client, full=True)
        with open(small_disk / "ballast", "wb") as file:
            try:
                while True:
                    file.write(b"\0" * (1 << 20))
                    file.flush()
            except OSError:
                pass

        def is_full():
            try:
                client.apply(shop.scorer_spec(model="", description=f"at {time.monotonic()}"))
            except grpc.RpcError as error:
                return error.code() == Code.RESOURCE_EXHAUSTED

        assert eventually(is_full)
        answer = undo(client).status
        assert answer.unrecorded and answer.slots[0].model == "abandonment@1"
        assert client.scoring.Score(shop.score(SCORER, "x"), timeout=20).model == "abandonment@1"
        (small_disk / "ballast").unlink()
        assert eventually(lambda: not status(client).unrecorded, 10)
        explained = client.rollouts.Explain(rollouts_pb2.ExplainRolloutRequest(
            rollout_id=status(client).rollout.id), timeout=20)
        assert explained.agrees and explained.chain_intact
        client.close()
        server.stop()
    finally:
        server.kill()


# The command line.


def run(server, *words):
    environment = {**os.environ, "KASSA_SERVER": server.address, "USER": "tester"}
    return subprocess.run(
        [binary(), "rollout", *words], capture_output=True, text=True, env=environment, timeout=60)


def test_every_verb_is_a_command(kassa):
    server = kassa.server

    def ok(*words):
        result = run(server, *words)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    assert "no rollout yet" in ok("status", SCORER)
    assert "SHADOW" in ok("shadow", SCORER, "--model", "abandonment@2", "--reason", "new")
    assert "CANARY at 1%" in ok("canary", SCORER, "--weight", "1", "--steps", "5,25")
    assert "PAUSED at 1%" in ok("pause", SCORER)
    assert "(as before)" in ok("pause", SCORER)
    assert "CANARY at 1%" in ok("resume", SCORER)
    assert "CANARY at 5%" in ok("promote", SCORER)
    assert "CANARY at 0.5%" in ok("set-weight", SCORER, "--weight", "0.5%")
    assert "STABLE abandonment@2" in ok("promote", SCORER, "--full")
    assert "PREVIOUS" in ok("status", SCORER)
    assert "STABLE abandonment@1" in ok("undo", SCORER, "--reason", "worse")
    assert "may be in slots again" in ok(
        "clear-quarantine", "abandonment@2", "--reason", "was right")
    ok("canary", SCORER, "-m", "abandonment@3", "-w", "10")
    assert "ABORTED" in ok("abort", SCORER)
    assert "is in quarantine" in ok("quarantine", "abandonment@3", "--reason", "leaked")
    history = ok("history", SCORER)
    assert [line.split()[3] for line in history.splitlines()[1:3]] == ["abort", "canary"]
    found = status(kassa)
    explained = ok("explain", str(found.rollout.id))
    assert "replayed: agrees" in explained and "audit log: intact" in explained
    result = subprocess.run(
        [binary(), "audit", "--verify", "-s", server.address], capture_output=True, text=True,
        timeout=60)
    assert result.returncode == 0 and "none broken" in result.stdout
    # Refusals, and words that make no command.
    assert run(server, "pause", SCORER).returncode == 1
    assert run(server, "set-weight", SCORER).returncode == 2
    assert run(server, "quarantine", "--reason", "x").returncode == 2
    assert run(server, "explain", "x").returncode == 2


def test_status_waits_for_the_verdict(kassa):
    server = kassa.server
    assert run(server, "status", SCORER, "--wait").returncode == 0
    canary(kassa, 5)
    result = run(server, "status", SCORER, "--wait", "--deadline", "300ms")
    assert result.returncode == 2 and "no verdict" in result.stderr
    for verb, code in ((lambda: abort(kassa), 1), (lambda: promote(kassa, full=True), 0)):
        if status(kassa).rollout.phase != rollouts_pb2.PHASE_CANARY:
            canary(kassa, 5)
        environment = {**os.environ, "KASSA_SERVER": server.address}
        process = subprocess.Popen(
            [binary(), "rollout", "status", SCORER, "--wait"], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=environment)
        assert "CANARY at 5%" in process.stdout.readline()
        verb()
        output, _ = process.communicate(timeout=20)
        assert process.returncode == code, output
