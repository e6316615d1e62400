# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is there after kill -9, through gRPC; and one folder has one server.

KASSA_KILL_ROUNDS sets the number of kills (200 for the full proof).
"""

import os
import random
import subprocess
import threading
import time

import grpc
import pytest

import client as shop
from client import Client
from kassa.v1 import config_pb2, features_pb2, models_pb2
from kassa_process import Server, command

ROUNDS = int(os.environ.get("KASSA_KILL_ROUNDS", "12"))
SEED = int(os.environ.get("KASSA_KILL_SEED", "1"))
MICROSECONDS = 1_000_000
PRESENT = 1


class Acknowledged:
    """What clients were told is stored: by entity, the newest event time, which is the value."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rows = {}
        self.writes = 0

    def note(self, ids, times):
        with self.lock:
            self.writes += 1
            for id, event_time in zip(ids, times):
                self.rows[id] = max(self.rows.get(id, 0), event_time)


class Writer(threading.Thread):
    """Writes on one stream until the server dies, several requests in flight, and notes the answers.

    Its rows are its own; it writes them again and again, each time with a later event time, which is
    the value too: so a row that fell back to an older value is found.
    """

    IN_FLIGHT = 16

    def __init__(self, address, name, acknowledged, chance):
        super().__init__(daemon=True)
        self.address, self.name_, self.acknowledged = address, name, acknowledged
        self.chance = chance
        self.sent = {}
        self.room = threading.Semaphore(self.IN_FLIGHT)
        self.ended = threading.Event()
        self.error = None
        self.problem = None

    def requests(self):
        sequence, clock = 0, int(time.time() * MICROSECONDS) - 60 * MICROSECONDS
        while not self.ended.is_set():
            if not self.room.acquire(timeout=0.1):
                continue
            sequence += 1
            rows = self.chance.choice([1, 1, 1, 1, 10, 200])
            numbers = self.chance.sample(range(400), rows)
            ids = [f"{self.name_}-{number}" for number in numbers]
            times = list(range(clock, clock + rows))
            clock += rows
            durability = self.chance.choice([features_pb2.FAST, features_pb2.DURABLE])
            self.sent[sequence] = (ids, times, durability)
            yield shop.write(
                "profile", ids, shop.column("visits", "integers", times),
                shop.column("city", "texts", [f"{self.name_} {value}" for value in times]),
                event_time_us=times, sequence=sequence, durability=durability)

    def run(self):
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self.address, options) as channel:
            try:
                for answer in Client(self.address, channel).features.WriteStream(self.requests()):
                    ids, times, durability = self.sent.pop(answer.sequence)
                    if answer.refusal.code or answer.errors or answer.reached < durability or (
                            answer.applied + answer.ignored_older != len(ids)):
                        self.problem = answer
                        break
                    self.acknowledged.note(ids, times)
                    self.room.release()
            except grpc.RpcError as error:
                self.error = error
            finally:
                self.ended.set()


def assert_all_there(client, acknowledged):
    """Every acknowledged row has the acknowledged value, or one that was sent after it."""
    ids = list(acknowledged.rows)
    for start in range(0, len(ids), 10_000):
        part = ids[start : start + 10_000]
        request = features_pb2.ReadRequest(
            keys=shop.keys("session", *part),
            selections=[features_pb2.FeatureSelection(
                feature_set="profile", features=["visits", "city"])])
        (values,) = client.features.Read(request, timeout=30).feature_sets
        visits, city = values.columns
        for row, id in enumerate(part):
            value = acknowledged.rows[id]
            found = visits.integers.values[row]
            assert visits.statuses[row] == PRESENT, f"{id} is lost: {value} was acknowledged"
            assert found >= value, f"{id} is {found}, {value} was acknowledged"
            # Both columns were written together, and so they are found.
            assert city.texts.values[row] == f"{id.rsplit('-', 1)[0]} {found}"


def test_acknowledged_writes_survive_kill_9(tmp_path, capsys):
    chance = random.Random(SEED)
    acknowledged = Acknowledged()
    epoch = digest = None
    for round_ in range(ROUNDS):
        print(f"round {round_}, seed {SEED}")
        server = Server(tmp_path / "data", map_gib=1)
        try:
            client = Client(server.address)
            if round_ == 0:
                shop.set_up_shop(client)
                listed = client.config.List(config_pb2.ListRequest(), timeout=20)
                epoch, documents = listed.epoch, listed.documents
                digest = client.scoring.Score(
                    shop.score("cart_abandonment", ""), timeout=20).bundle_sha256
            listed = client.config.List(config_pb2.ListRequest(), timeout=20)
            assert (listed.epoch, listed.documents) == (epoch, documents)
            answer = client.scoring.Score(shop.score("cart_abandonment", ""), timeout=20)
            assert (answer.epoch, answer.bundle_sha256) == (epoch, digest)
            assert_all_there(client, acknowledged)
            writers = [
                Writer(server.address, f"r{round_ % 3}w{place}", acknowledged,
                       random.Random(chance.random()))
                for place in range(2)
            ]
            # A round goes on with the rows of the third one before it, where event times are later.
            before = acknowledged.writes
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.02, 0.6))
            while acknowledged.writes == before and server.process.poll() is None:
                time.sleep(0.01)
            client.close()
        finally:
            server.kill()
        for writer in writers:
            writer.join(20)
            assert not writer.is_alive() and writer.problem is None, writer.problem
            assert writer.error is not None, "the stream ended well although the server was killed"
    server = Server(tmp_path / "data", map_gib=1)
    client = Client(server.address)
    assert_all_there(client, acknowledged)
    client.close()
    server.stop()
    assert acknowledged.writes >= ROUNDS
    with capsys.disabled():
        print(f"\n{ROUNDS} kills, {acknowledged.writes} acknowledged writes, none lost;", end=" ")


def test_configuration_and_models_survive_kill_9_at_any_moment(tmp_path):
    """Each answered Apply and Upload is there after the kill, with its epoch; nothing is there by half."""
    chance = random.Random(SEED)
    artefact = shop.fixture_model()[0]
    versions, epochs = 0, []
    for round_ in range(max(3, ROUNDS // 3)):
        # A model has at most 1,000 versions.
        folder = tmp_path / f"data-{round_ // 10}"
        server = Server(folder, map_gib=1)
        try:
            client = Client(server.address)
            if round_ % 10 == 0:
                shop.set_up_shop(client)
                epochs = [client.config.List(config_pb2.ListRequest(), timeout=20).epoch]
                versions = 1
            killer = threading.Timer(chance.uniform(0.01, 0.3), server.process.kill)
            killer.start()
            try:
                while True:
                    # Inputs in another order make other content, and so a new version.
                    inputs = list(shop.model_spec(artefact).inputs)
                    chance.shuffle(inputs)
                    answer = client.upload(
                        shop.model_spec(artefact, version=versions + 1, inputs=inputs), artefact)
                    versions = answer.model.spec.version
                    answer = client.apply(
                        shop.scorer_spec(model="",
                                         description=f"round {round_} version {versions}"))
                    epochs.append(answer.epoch)
            except grpc.RpcError as error:
                assert error.code() in (
                    grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ALREADY_EXISTS), error
            killer.join()
            client.close()
        finally:
            server.kill()
        server = Server(folder, map_gib=1)
        client = Client(server.address)
        listed = client.models.List(models_pb2.ListModelsRequest(), timeout=20)
        found = [model.spec.version for model in listed.models]
        # The answer of the last one may have been lost, not the change.
        assert found in (list(range(1, versions + 1)), list(range(1, versions + 2)))
        versions = len(found)
        config = client.config.List(config_pb2.ListRequest(), timeout=20)
        assert config.epoch in (epochs[-1], epochs[-1] + 1)
        epochs.append(config.epoch)
        score = client.scoring.Score(shop.score("cart_abandonment", ""), timeout=20)
        (scorer,) = [d.scorer for d in config.documents if d.HasField("scorer")]
        assert score.model == scorer.model and score.epoch == config.epoch
        assert epochs == sorted(epochs)
        client.close()
        server.stop()


def test_a_second_server_on_the_folder_does_not_start(start_server):
    server = start_server()
    client = Client(server.address)
    shop.set_up_shop(client)
    begun = time.monotonic()
    second = subprocess.run(
        command(server.folder), capture_output=True, text=True, timeout=20)
    elapsed = time.monotonic() - begun
    assert second.returncode == 1
    assert elapsed < 1, f"it took {elapsed:.1f} s"
    assert "listening" not in second.stdout
    (line,) = second.stderr.strip().splitlines()
    assert f"{server.folder} is in use by process {server.process.pid}" in line, line
    # The first one has noticed nothing.
    client.apply(shop.feature_set("later", ["item"], shop.feature("price", "FLOAT32")))
    assert client.scoring.Score(shop.score("cart_abandonment", ""), timeout=20).score > 0
    client.close()
    server.stop()
    again = start_server(folder=server.folder)
    client = Client(again.address)
    assert client.scoring.Score(shop.score("cart_abandonment", ""), timeout=20).score > 0
    client.close()


@pytest.mark.parametrize("flags, word", [
    ({"data": "/proc/kassa"}, "/proc/kassa"),
    ({"data": "/dev/null"}, "/dev/null"),
    ({"listen": "127.0.0.1:1"}, "127.0.0.1:1"),
    ({"admin": "192.0.2.1:0"}, "192.0.2.1"),
])
def test_a_server_that_cannot_start_says_why(tmp_path, flags, word):
    line = command(flags.get("data", tmp_path / "data"), **flags)
    if os.geteuid() == 0 and word == "127.0.0.1:1":
        line[line.index(word)] = word = "192.0.2.1:6750"
    result = subprocess.run(line, capture_output=True, text=True, timeout=20)
    assert result.returncode == 1
    assert word in result.stderr and "listening" not in result.stdout


def test_a_server_whose_output_nobody_reads_still_drains(tmp_path):
    process = subprocess.Popen(
        command(tmp_path / "data"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while "admin on" not in process.stdout.readline():
        assert process.poll() is None
    process.stdout.close()
    process.terminate()
    assert process.wait(40) == 0


def test_a_drained_server_starts_again_with_everything(start_server):
    server = start_server()
    client = Client(server.address)
    shop.set_up_shop(client)
    before = client.config.List(config_pb2.ListRequest(), timeout=20)
    models = client.models.List(models_pb2.ListModelsRequest(), timeout=20)
    ids = [f"d-{row}" for row in range(1_000)]
    client.features.Write(
        shop.write("profile", ids, shop.column("visits", "integers", range(1_000))), timeout=20)
    client.close()
    server.stop()
    again = start_server(folder=server.folder)
    client = Client(again.address)
    assert client.config.List(config_pb2.ListRequest(), timeout=20) == before
    assert client.models.List(models_pb2.ListModelsRequest(), timeout=20) == models
    (values,) = client.features.Read(shop.read("profile", ids=ids), timeout=20).feature_sets
    assert list(values.columns[2].integers.values) == list(range(1_000))
    client.close()
