# SPDX-License-Identifier: Apache-2.0
"""kill -9 between the durable steps of every change: after the next start it is as before or as after.

The server kills itself at the point that KASSA_KILL_AT names. Each case says how the store must be
found then: OLD (nothing of the change is there), NEW (all of it is) or HALF, which only an erasure may
be, whose tombstone then holds. What was acknowledged before is there in each, and the same command
asked again leads to NEW.
"""

import os
import random
import re
import signal
import subprocess

import grpc
import pytest

import client as shop
from client import Client
from kassa.v1 import config_pb2, features_pb2, models_pb2, storage_pb2
from kassa.v1 import generations_pb2, generations_pb2_grpc
from kassa_process import Server, binary, command, eventually
from test_durability import Acknowledged, Writer, assert_all_there

OLD, NEW, HALF = "old", "new", "half"
Code = grpc.StatusCode
PRESENT, NO_ENTITY = 1, 3
ROWS = 6_000
LOADED = 5_000
NO_CARE = {"map_gib": 1, "scrub_hours": 0, "sweep_seconds": 0}
BEFORE = 1_700_000_000_000_000


def spare_model():
    """Another artefact than the shop's."""
    def edit(trees):
        trees[0]["split_conditions"][-1] += 0.25
    return shop.edited_model(edit)


def generations(client):
    return generations_pb2_grpc.GenerationsStub(client.channel)


def generation_states(client):
    listed = generations(client).List(
        generations_pb2.ListGenerationsRequest(feature_set="profile"), timeout=10).generations
    return {info.id: info.state for info in listed}


def affinity(ids, values, **more):
    return features_pb2.WriteRequest(
        feature_set="affinity",
        keys=[*shop.keys("product", *ids), *shop.keys("customer", *["c-1"] * len(ids))],
        columns=[shop.column("a", "integers", values)], **more)


def read_affinity(client, count=ROWS):
    """The statuses of the rows of the customer that is erased."""
    ids = [f"p-{number}" for number in range(count)]
    request = features_pb2.ReadRequest(
        keys=[*shop.keys("product", *ids), *shop.keys("customer", *["c-1"] * count)],
        selections=[features_pb2.FeatureSelection(feature_set="affinity")])
    (values,) = client.features.Read(request, timeout=20).feature_sets
    return list(values.columns[0].statuses)


def visits(client, ids):
    request = features_pb2.ReadRequest(
        keys=shop.keys("session", *ids),
        selections=[features_pb2.FeatureSelection(feature_set="profile", features=["visits"])])
    (values,) = client.features.Read(request, timeout=20).feature_sets
    return list(values.columns[0].integers.values)


# The commands. Each has `act`, how to ask, and `state`, what is found.


class Apply:
    points = {"commit": OLD, "committed": NEW, "sync": NEW, "acknowledge": NEW,
              "configuration-committed": NEW, "configuration-published": NEW}
    start = "shop"

    def act(self, client):
        return client.apply(shop.feature_set("later", ["item"], shop.feature("price", "FLOAT32")))

    def state(self, client):
        listed = client.config.List(config_pb2.ListRequest(), timeout=10)
        names = [d.feature_set.name for d in listed.documents if d.HasField("feature_set")]
        return NEW if "later" in names else OLD


class Upload:
    points = {"model-file-written": OLD, "commit": OLD, "committed": NEW, "model-committed": NEW}
    start = "shop"

    def act(self, client):
        artefact = shop.edited_model(lambda trees: trees[0]["split_conditions"].__setitem__(-1, 2))
        return client.upload(shop.model_spec(artefact, name="second"), artefact)

    def state(self, client):
        return NEW if "second" in models(client) else OLD


class Delete:
    points = {"commit": OLD, "model-committed": NEW, "model-file-left": NEW}
    start = "shop"
    repeated = Code.NOT_FOUND

    def act(self, client):
        return client.models.Delete(models_pb2.DeleteModelRequest(model="spare@1"), timeout=10)

    def state(self, client):
        return OLD if "spare" in models(client) else NEW


class Change:
    """A change of generations."""
    points = {"commit": OLD, "generation-committed": NEW, "generation-published": NEW}

    def state(self, client):
        found = generation_states(client)
        assert found in (self.old, self.new), found
        return NEW if found == self.new else OLD


class Begin(Change):
    start, repeated = "shop", Code.FAILED_PRECONDITION
    old, new = {}, {1: generations_pb2.LOADING}

    def act(self, client):
        return generations(client).Begin(
            generations_pb2.BeginGenerationRequest(feature_set="profile"), timeout=10)

    def state(self, client):
        found = generation_states(client)
        found.pop(0, None)
        assert found in (self.old, self.new), found
        return NEW if found else OLD


class Switch(Change):
    start, repeated = "loading", Code.ABORTED
    old = {0: generations_pb2.SERVING, 1: generations_pb2.LOADING}
    new = {0: generations_pb2.KEPT, 1: generations_pb2.SERVING}

    def act(self, client):
        return generations(client).Switch(generations_pb2.SwitchGenerationRequest(
            feature_set="profile", id=1, expected_serving=0, force=True, reason="a test"),
            timeout=10)

    def state(self, client):
        state = super().state(client)
        # What is read comes from the generation that serves, whole.
        assert visits(client, [f"g-{i}" for i in range(LOADED)]) == [
            i if state == self.loaded_serves else 0 for i in range(LOADED)]
        return state

    loaded_serves = NEW


class Rollback(Switch):
    start = "switched"
    old, new = Switch.new, {0: generations_pb2.SERVING, 1: generations_pb2.KEPT}
    loaded_serves = OLD

    def act(self, client):
        return generations(client).Rollback(generations_pb2.RollbackGenerationRequest(
            feature_set="profile", expected_serving=1), timeout=10)


class Discard(Change):
    points = {**Change.points, "generation-emptied": NEW, "generation-emptied:1": NEW}
    start, repeated = "loading", Code.NOT_FOUND

    def act(self, client):
        return generations(client).Discard(
            generations_pb2.DiscardGenerationRequest(feature_set="profile", id=1), timeout=10)

    def state(self, client):
        # What was discarded is emptied by and by, whenever the process ended.
        emptied = eventually(
            lambda: generations_pb2.DISCARDED not in generation_states(client).values(), 10)
        assert emptied, "a discarded generation was never emptied"
        return OLD if 1 in generation_states(client) else NEW


class Erase:
    points = {"commit": OLD, "erase-buried": HALF, "commit:1": HALF,
              "erase-deleting": HALF, "erase-deleting:1": HALF, "erase-deleted": HALF,
              "commit:3": HALF, "committed:3": NEW}
    start = "shop"

    def act(self, client):
        return client.features.Erase(
            features_pb2.EraseRequest(entity=shop.entity("customer", "c-1"), reason="a test"),
            timeout=20)

    def state(self, client):
        found = read_affinity(client)
        late = client.features.Write(affinity(["p-late"], [1], event_time_us=[BEFORE]), timeout=10)
        if not late.ignored_erased:
            assert set(found) == {PRESENT}
            return OLD
        audit = client.config.Audit(config_pb2.AuditRequest(), timeout=10).entries
        if not any(entry.action == "erase" for entry in audit):
            return HALF
        assert set(found) == {NO_ENTITY}
        return NEW


def models(client):
    listed = client.models.List(models_pb2.ListModelsRequest(), timeout=10).models
    return [model.spec.name for model in listed]


COMMANDS = [Apply, Upload, Delete, Begin, Switch, Rollback, Discard, Erase]
CASES = [(each, point) for each in COMMANDS for point in each.points]
SNAPSHOT_POINTS = ["snapshot-copied", "snapshot-whole", "snapshot-named"]
WRITE_POINTS = ["commit", "committed", "sync", "acknowledge"]


@pytest.fixture(scope="module")
def starts(tmp_path_factory):
    """Folders of stopped servers, by what is in them."""
    base = tmp_path_factory.mktemp("starts")
    server = Server(base / "shop", **NO_CARE)
    client = Client(server.address)
    shop.set_up_shop(client)
    spare = spare_model()
    client.upload(shop.model_spec(spare, name="spare"), spare)
    client.apply(shop.feature_set("affinity", ["product", "customer"], shop.feature("a", "INT64")))
    client.features.Write(
        affinity([f"p-{number}" for number in range(ROWS)], range(ROWS),
                 event_time_us=[BEFORE] * ROWS), timeout=20)
    client.features.Write(
        shop.write("profile", [f"k-{i}" for i in range(200)],
                   shop.column("visits", "integers", range(200))), timeout=20)
    client.close()
    server.stop()
    for name, before, act in [("loading", "shop", Begin().act), ("switched", "loading", None)]:
        copy(base / before, base / name)
        server = Server(base / name, **NO_CARE)
        client = Client(server.address)
        if name == "loading":
            act(client)
            client.features.Write(
                shop.write("profile", [f"g-{i}" for i in range(LOADED)],
                           shop.column("visits", "integers", range(LOADED)), generation=1),
                timeout=20)
            # Live writes go to what is being loaded too.
            client.features.Write(
                shop.write("profile", [f"k-{i}" for i in range(200)],
                           shop.column("visits", "integers", range(200))), timeout=20)
        else:
            Switch().act(client)
        client.close()
        server.stop()
    return base


def copy(source, target):
    subprocess.run(["cp", "-r", "--sparse=always", str(source), str(target)], check=True)


def die(server):
    assert server.process.wait(20) == -signal.SIGKILL, "".join(server.output)
    server.kill()


def assert_sound(folder):
    result = subprocess.run(
        [binary(), "store", "verify", "--data", str(folder)], capture_output=True, text=True,
        timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "each, point", CASES, ids=[f"{each.__name__.lower()}-{point}" for each, point in CASES])
def test_a_change_that_was_killed_is_whole_or_not_there(starts, tmp_path, each, point):
    folder, change = tmp_path / "data", each()
    copy(starts / each.start, folder)
    server = Server(folder, {"KASSA_KILL_AT": point}, **NO_CARE)
    client = Client(server.address)
    try:
        change.act(client)
        # Only the emptying goes on after the answer.
        assert point.startswith("generation-emptied")
    except grpc.RpcError as error:
        assert error.code() == Code.UNAVAILABLE, error
    client.close()
    die(server)
    assert_sound(folder)
    server = Server(folder, **NO_CARE)
    client = Client(server.address)
    try:
        state = change.state(client)
        assert state == each.points[point]
        assert visits(client, [f"k-{i}" for i in range(200)]) == list(range(200))
        # No file without a model, and nothing half written.
        listed = client.models.List(models_pb2.ListModelsRequest(), timeout=10).models
        assert sorted(os.listdir(folder / "bundles")) == sorted(
            {model.spec.sha256.hex() for model in listed})
        score = client.scoring.Score(shop.score("cart_abandonment", "s"), timeout=10)
        assert score.epoch == client.config.List(config_pb2.ListRequest(), timeout=10).epoch
        refused = None
        try:
            change.act(client)
        except grpc.RpcError as error:
            refused = error.code()
        assert refused == (getattr(each, "repeated", None) if state == NEW else None)
        assert change.state(client) == NEW
        client.close()
        server.stop()
    finally:
        server.kill()
    assert_sound(folder)


@pytest.mark.parametrize("point", SNAPSHOT_POINTS)
def test_a_snapshot_that_was_killed_is_whole_or_not_there(starts, tmp_path, point):
    folder, target = tmp_path / "data", tmp_path / "copy"
    copy(starts / "shop", folder)
    request = storage_pb2.SnapshotStoreRequest(folder=str(target))
    server = Server(folder, {"KASSA_KILL_AT": point}, **NO_CARE)
    with Client(server.address) as client:
        with pytest.raises(grpc.RpcError):
            client.storage.Snapshot(request, timeout=20)
    die(server)
    assert target.exists() == (point == "snapshot-named")
    server = Server(folder, **NO_CARE)
    try:
        with Client(server.address) as client:
            # What is there is refused by name: it may be somebody's.
            error = shop.refusal(client.storage.Snapshot, request)
            assert error.code() == Code.ALREADY_EXISTS, error.details()
            assert visits(client, ["k-7"]) == [7]
            if not target.exists():
                assert ".partial" in error.details()
                subprocess.run(["rm", "-r", f"{target}.partial"], check=True)
                client.storage.Snapshot(request, timeout=20)
        server.stop()
    finally:
        server.kill()
    result = subprocess.run(
        [binary(), "store", "restore", str(target), "--data", str(tmp_path / "restored")],
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert_sound(tmp_path / "restored")


@pytest.mark.parametrize("point", WRITE_POINTS)
def test_writes_that_were_acknowledged_survive_a_kill_at(starts, tmp_path, point):
    folder = tmp_path / "data"
    copy(starts / "shop", folder)
    acknowledged = Acknowledged()
    server = Server(folder, {"KASSA_KILL_AT": f"{point}:30"}, **NO_CARE)
    writers = [
        Writer(server.address, f"w{place}", acknowledged, random.Random(place))
        for place in range(2)]
    for writer in writers:
        writer.start()
    die(server)
    for writer in writers:
        writer.join(20)
        assert not writer.is_alive() and writer.problem is None
    assert acknowledged.writes >= 10, "too little was acknowledged for this to prove anything"
    assert_sound(folder)
    server = Server(folder, **NO_CARE)
    try:
        with Client(server.address) as client:
            assert_all_there(client, acknowledged)
        server.stop()
    finally:
        server.kill()


def test_every_point_is_killed_at_and_another_is_refused_by_name(tmp_path):
    result = subprocess.run(
        command(tmp_path / "data"), env={**os.environ, "KASSA_KILL_AT": "canary7"},
        capture_output=True, text=True, timeout=20)
    assert result.returncode == 1 and "canary7" not in result.stderr
    listed = re.search(r"one of (.*)", result.stderr)[1].split(", ")
    killed = [point.split(":")[0] for _, point in CASES] + SNAPSHOT_POINTS + WRITE_POINTS
    # Imported here: it takes from this module.
    from test_rollout_faults import POINTS
    killed += POINTS
    assert set(listed) == set(killed)
