# SPDX-License-Identifier: Apache-2.0
"""What runs out: the map, address space, file descriptors. Refused by name, nothing torn, then on it goes."""

import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import grpc
import pytest

import client as shop
from client import Client
from kassa.v1 import config_pb2, features_pb2, generations_pb2, generations_pb2_grpc
from kassa.v1 import models_pb2, storage_pb2
from kassa_process import Server, binary, command, eventually
from test_durability import Acknowledged, Writer, assert_all_there

Code = grpc.StatusCode
CARE = {"scrub_hours": 0, "sweep_seconds": 0}


def stats(client):
    return client.storage.Stats(storage_pb2.StoreStatsRequest(), timeout=10)


def write_part(client, part, rows=500, bytes=900, kind="session"):
    return client.features.Write(
        shop.write("profile", [f"s-{part}-{i}" for i in range(rows)],
                   shop.column("city", "texts", ["x" * bytes] * rows)), timeout=20)


def assert_sound(folder):
    result = subprocess.run(
        [binary(), "store", "verify", "--data", str(folder)], capture_output=True, text=True,
        timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


class Reader(threading.Thread):
    """Scores as fast as it can, and keeps the errors."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.ended, self.answers, self.errors = address, threading.Event(), 0, []

    def run(self):
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self.address, options) as channel:
            client = Client(self.address, channel)
            while not self.ended.is_set():
                try:
                    client.scoring.Score(shop.score("cart_abandonment", "s-0-1"), timeout=5)
                    self.answers += 1
                except grpc.RpcError as error:
                    self.errors.append(error)

    def end(self):
        self.ended.set()
        self.join(20)
        assert self.answers > 0 and not self.errors, self.errors[:3]


def fill(client, parts):
    """Writes parts until one is refused; returns how many were taken, and the refusal."""
    for part in range(parts):
        try:
            write_part(client, part)
        except grpc.RpcError as error:
            return part, error
    return parts, None


# F5: the map.


def test_a_full_map_refuses_writes_and_hurts_no_reader(start_server):
    server = start_server(map_mib=16, **CARE)
    with Client(server.address) as client:
        shop.set_up_shop(client)
        generations = generations_pb2_grpc.GenerationsStub(client.channel)
        generations.Begin(
            generations_pb2.BeginGenerationRequest(feature_set="profile"), timeout=10)
        reader = Reader(server.address)
        reader.start()
        taken, error = fill(client, 100)
        assert error.code() == Code.RESOURCE_EXHAUSTED and "map" in error.details()
        assert taken > 5
        for _ in range(50):
            with pytest.raises(grpc.RpcError) as caught:
                write_part(client, 1_000)
            assert caught.value.code() == Code.RESOURCE_EXHAUSTED
        assert stats(client).map_percent >= 80 and stats(client).write_refusal == ""
        # What frees the map is taken all the same, and then writes are taken again.
        generations.Discard(
            generations_pb2.DiscardGenerationRequest(feature_set="profile", id=1), timeout=10)

        def taken_again():
            try:
                return write_part(client, 2_000, rows=50).applied == 50
            except grpc.RpcError as error:
                assert error.code() == Code.RESOURCE_EXHAUSTED
        assert eventually(taken_again, 10)
        reader.end()


def test_a_map_grows_up_to_its_bound_and_hurts_no_reader(start_server):
    server = start_server(map_mib=16, map_max_gib=1, **CARE)
    with Client(server.address) as client:
        shop.set_up_shop(client)
        reader = Reader(server.address)
        reader.start()
        before = stats(client).map_bytes
        taken, error = fill(client, 60)
        assert error is None and taken == 60
        reader.end()
        after = stats(client)
        assert before == 16 << 20 and after.map_bytes in (64 << 20, 128 << 20)
        assert after.reopens == 0
        folder = server.folder
    server.stop()
    # The file is larger than the map that is asked for.
    again = start_server(folder, map_mib=16, **CARE)
    with Client(again.address) as client:
        request = features_pb2.ReadRequest(
            keys=shop.keys("session", "s-59-499"),
            selections=[features_pb2.FeatureSelection(feature_set="profile", features=["city"])])
        (values,) = client.features.Read(request, timeout=10).feature_sets
        assert values.columns[0].texts.values[0] == "x" * 900


# F10: reader slots.

# Another process that takes every reader slot it can, says how many, and holds them until its input ends.
SLOT_TAKER = """
import ctypes, sys
lmdb = ctypes.CDLL("liblmdb.so.0")
NOTLS, RDONLY = 0x200000, 0x20000
env = ctypes.c_void_p()
assert lmdb.mdb_env_create(ctypes.byref(env)) == 0
lmdb.mdb_env_set_mapsize(env, ctypes.c_size_t(1 << 30))
assert lmdb.mdb_env_open(env, sys.argv[1].encode(), NOTLS | RDONLY, 0o600) == 0
taken = []
while True:
    transaction = ctypes.c_void_p()
    if lmdb.mdb_txn_begin(env, None, RDONLY, ctypes.byref(transaction)) != 0:
        break
    taken.append(transaction)
print(len(taken), flush=True)
sys.stdin.read()
"""


def test_without_reader_slots_control_work_is_refused_and_scoring_goes_on(start_server):
    server = start_server(map_gib=1, loops=2, **CARE)
    with Client(server.address) as client:
        shop.set_up_shop(client)
        write_part(client, 0)
        client.scoring.Score(shop.score("cart_abandonment", "s-0-1"), timeout=5)
        taker = subprocess.Popen(
            [sys.executable, "-c", SLOT_TAKER, str(server.folder)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        try:
            assert int(taker.stdout.readline()) >= 16
            reader = Reader(server.address)
            reader.start()
            audit = config_pb2.AuditRequest()
            for _ in range(20):
                error = shop.refusal(client.config.Audit, audit)
                assert error.code() == Code.RESOURCE_EXHAUSTED, error.details()
                assert "reader slots" in error.details()
                assert not stats(client).has_sizes
            # Writes need none.
            assert write_part(client, 1, rows=10).applied == 10
            reader.end()
        finally:
            taker.kill()
            taker.communicate()
        # Its slots are freed for the first who needs one, though it never gave them back.
        assert client.config.Audit(audit, timeout=5).entries
        assert stats(client).has_sizes


# F15: file descriptors.


def metric(server, name):
    text = urllib.request.urlopen(server.admin + "/metrics", timeout=5).read().decode()
    return sum(
        float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
        if line.startswith((name + " ", name + "{")))


def test_without_file_descriptors_it_serves_counts_and_recovers(tmp_path):
    server = Server(tmp_path / "data", under=("prlimit", "--nofile=64"), map_gib=1, loops=1, **CARE)
    try:
        with Client(server.address) as client:
            shop.set_up_shop(client)
            before = client.scoring.Score(shop.score("cart_abandonment", "s"), timeout=5)
            strangers = [
                socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(200)]
            # Whoever was there before is served; whoever comes too late is sent away.
            for turn in range(20):
                assert client.scoring.Score(
                    shop.score("cart_abandonment", "s"), timeout=5).score == before.score
                write_part(client, turn, rows=10)
            error = shop.refusal(client.storage.Snapshot, storage_pb2.SnapshotStoreRequest(
                folder=str(tmp_path / "copy")))
            assert error.code() in (Code.INTERNAL, Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE)
            assert "Too many open files" in error.details()
            assert not (tmp_path / "copy").exists()
            artefact = shop.edited_model(
                lambda trees: trees[0]["split_conditions"].__setitem__(-1, 2))
            error = shop.refusal(client.models.Upload, shop.upload_parts(
                shop.model_spec(artefact, name="second"), artefact))
            assert error.code() == Code.UNAVAILABLE, error
            for stranger in strangers:
                stranger.close()
            with Client(server.address, grpc.insecure_channel(
                    server.address, [("grpc.use_local_subchannel_pool", 1)])) as another:
                assert another.scoring.Score(
                    shop.score("cart_abandonment", "s"), timeout=10).score == before.score
            assert eventually(lambda: metric(server, "kassa_loop_connections_refused_total") >= 100)
            client.upload(shop.model_spec(artefact, name="second"), artefact)
            shutil.rmtree(tmp_path / "copy.partial", ignore_errors=True)
            client.storage.Snapshot(
                storage_pb2.SnapshotStoreRequest(folder=str(tmp_path / "copy")), timeout=20)
        server.stop()
    finally:
        server.kill()
    assert_sound(tmp_path / "data")


# F14 and C6: memory.


def hungry_uploads(server, count=4, byte_count=60 << 20):
    """Uploads that want more memory than there is; returns how each ended."""
    spec = shop.model_spec(b"x", name="large")
    spec.byte_count = byte_count
    ends = []

    def upload():
        def parts():
            yield models_pb2.UploadRequest(spec=spec)
            for _ in range(byte_count >> 16):
                yield models_pb2.UploadRequest(chunk=b"x" * (1 << 16))
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(server.address, options) as channel:
            try:
                Client(server.address, channel).models.Upload(parts(), timeout=30)
                ends.append(None)
            except grpc.RpcError as error:
                ends.append(error.code())

    threads = [threading.Thread(target=upload) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    return ends


def run_out_of_memory(folder, starve):
    """Streams write while `starve(server)` takes the memory away; returns the exit code, or None.

    Whatever becomes of the server, what it acknowledged is there afterwards, and whole.
    """
    server = Server(folder, map_gib=1, loops=1, **CARE)
    acknowledged = Acknowledged()
    try:
        with Client(server.address) as client:
            shop.set_up_shop(client)
        writers = [
            Writer(server.address, f"w{place}", acknowledged, random.Random(place))
            for place in range(2)]
        for writer in writers:
            writer.start()
        assert eventually(lambda: acknowledged.writes > 100, 20)
        starve(server)
        ends = hungry_uploads(server)
        assert None not in ends, "an upload that is no model went well"
        code = server.process.poll() if server.process.poll() is not None else None
        if any(end == Code.UNAVAILABLE for end in ends):
            code = server.process.wait(20)
        for writer in writers:
            writer.ended.set()
        for writer in writers:
            writer.join(20)
            assert writer.problem is None
    finally:
        server.kill()
    begun = time.monotonic()
    server = Server(folder, map_gib=1, **CARE)
    try:
        with Client(server.address) as client:
            assert_all_there(client, acknowledged)
            assert time.monotonic() - begun < 5
        server.stop()
    finally:
        server.kill()
    assert_sound(folder)
    return code, ends


@pytest.mark.parametrize("spare_mib", [0, 4, 32])
def test_without_address_space_nothing_acknowledged_is_lost(tmp_path, spare_mib):
    def starve(server):
        with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as file:
            bytes = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        bytes += spare_mib << 20
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, (bytes, bytes))
    code, ends = run_out_of_memory(tmp_path / "data", starve)
    print(f"exit code {code}, uploads {ends}")
    # The language runtime ends a process that gets no memory for something small; what is large is refused.
    if spare_mib == 32:
        assert code is None and set(ends) == {Code.RESOURCE_EXHAUSTED}
    else:
        assert code != 0, "it ended as if it had been asked to"


def test_too_little_address_space_for_the_map_is_said_at_start(tmp_path):
    result = subprocess.run(
        ["prlimit", f"--as={1 << 30}", *command(tmp_path / "data", map_gib=1)],
        capture_output=True, text=True, timeout=20)
    assert result.returncode == 1
    assert "ulimit -v" in result.stderr and "listening" not in result.stdout


@pytest.fixture
def memory_group():
    """A control group for a process and a number of bytes; skipped where none can be made."""
    folders = []

    def confine(pid, byte_count):
        for base, limits in [
                ("/sys/fs/cgroup/memory", ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]),
                ("/sys/fs/cgroup", ["memory.max", "memory.swap.max"])]:
            folder = f"{base}/kassa-test-{os.getpid()}"
            try:
                os.mkdir(folder)
                folders.append(folder)
                for limit in limits:
                    value = 0 if limit == "memory.swap.max" else byte_count
                    with open(f"{folder}/{limit}", "w", encoding="ascii") as file:
                        file.write(str(value))
                with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as file:
                    file.write(str(pid))
                return
            except OSError as error:
                reason = f"{folder}: {error}"
        pytest.skip(f"no control group of memory can be made: {reason}")

    yield confine
    for folder in folders:
        eventually(lambda: not os.path.exists(folder) or rmdir(folder), 5)


def rmdir(folder):
    try:
        os.rmdir(folder)
        return True
    except OSError:
        return False


def test_the_kernel_s_oom_killer_is_a_kill_9(tmp_path, memory_group):
    def starve(server):
        # What is mapped of the file counts too, and can be given back.
        memory_group(server.process.pid, server.memory_bytes() + (24 << 20))
    code, ends = run_out_of_memory(tmp_path / "data", starve)
    print(f"exit code {code}, uploads {ends}")
    if code != -signal.SIGKILL:
        pytest.skip(f"the limit of the control group is not enforced here: {code}, {ends}")
