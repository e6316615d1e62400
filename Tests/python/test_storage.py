# SPDX-License-Identifier: Apache-2.0
"""Looking after the store: copies that come back whole, damage that is found, disks that fail.

Faults of the disk are real ones: `strace` makes system calls of the running server fail, and a small
tmpfs runs full. Without the rights for that those tests are skipped and say so.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import grpc
import pytest

import client as shop
from client import Client
from kassa.v1 import features_pb2, storage_pb2
from kassa_process import Server, binary, eventually
from test_durability import Acknowledged, Writer, assert_all_there

PRESENT = 1


def kassa(*words, code=0):
    """Runs a command of `kassa` and returns what it printed, and what it complained of."""
    result = subprocess.run(
        [binary(), *map(str, words)], capture_output=True, text=True, timeout=60)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout, result.stderr


def snapshot(client, folder, **more):
    return client.storage.Snapshot(
        storage_pb2.SnapshotStoreRequest(folder=str(folder), **more), timeout=60)


def stats(client):
    return client.storage.Stats(storage_pb2.StoreStatsRequest(), timeout=10)


def write_row(client, id, value, durability=features_pb2.FAST):
    return client.features.Write(
        shop.write("profile", [id], shop.column("visits", "integers", [value]),
                   durability=durability), timeout=10)


def read_row(client, id):
    """The value of a row's `visits` and its status."""
    request = features_pb2.ReadRequest(
        keys=shop.keys("session", id),
        selections=[features_pb2.FeatureSelection(feature_set="profile", features=["visits"])])
    (values,) = client.features.Read(request, timeout=10).feature_sets
    (column,) = values.columns
    return column.integers.values[0], column.statuses[0]


def write_signals(client):
    """Rows of the model's inputs; returns what the scorer makes of them."""
    _, inputs, _, _ = shop.fixture_model()
    for row, signals in enumerate(inputs[:20]):
        columns = [
            shop.column(f"signal_{i}", "floats", [value])
            for i, value in enumerate(signals) if value is not None]
        if columns:
            client.features.Write(
                shop.write("signals", [f"fixed-{row}"], *columns), timeout=10)
    return scores(client)


def scores(client):
    answers = [
        client.scoring.Score(shop.score("cart_abandonment", f"fixed-{row}"), timeout=10)
        for row in range(20)]
    return [(answer.score, answer.bundle_sha256) for answer in answers]


@pytest.fixture
def shop_server(start_server):
    """A server with the shop, and a client of it."""
    server = start_server(map_gib=1, scrub_hours=0)
    client = Client(server.address)
    shop.set_up_shop(client)
    yield server, client
    client.close()


# Copies.


def test_a_snapshot_under_load_comes_back_with_every_acknowledged_row(
        shop_server, start_server, tmp_path):
    server, client = shop_server
    expected = write_signals(client)
    acknowledged = Acknowledged()
    writers = [
        Writer(server.address, f"w{place}", acknowledged, random.Random(place))
        for place in range(2)]
    for writer in writers:
        writer.start()
    assert eventually(lambda: acknowledged.writes > 200, 20)
    with acknowledged.lock:
        frozen = Acknowledged()
        frozen.rows = dict(acknowledged.rows)
        before = acknowledged.writes
    made = snapshot(client, tmp_path / "copy", actor="tester", reason="a test")
    after = acknowledged.writes
    time.sleep(0.2)
    for writer in writers:
        writer.ended.set()
        writer.join(20)
        assert writer.error is None and writer.problem is None
    assert made.audit_refusal == ""
    assert {file.name.split("/")[0] for file in made.files} == {"data.mdb", "bundles"}
    print(f"{made.entries} entries in {made.duration_us} us, {after - before} writes meanwhile")
    told = stats(client)
    assert told.last_snapshot.failure == "" and told.last_snapshot.sequence == made.sequence
    kassa("store", "restore", tmp_path / "copy", "--data", tmp_path / "restored")
    again = start_server(tmp_path / "restored", map_gib=1)
    restored = Client(again.address)
    assert_all_there(restored, frozen)
    assert scores(restored) == expected
    # It is a store like any other: it takes writes, and they are after the snapshot.
    write_row(restored, "after", 7)
    assert read_row(restored, "after") == (7, PRESENT)
    assert stats(restored).last_sequence > made.sequence
    restored.close()


def test_what_was_erased_stays_erased_in_a_restored_store(shop_server, start_server, tmp_path):
    server, client = shop_server
    late = int(time.time() * 1_000_000) - 1_000_000
    for id in ("gone", "kept"):
        write_row(client, id, 1)
    client.features.Erase(
        features_pb2.EraseRequest(entity=shop.entity("session", "gone"), actor="tester",
                                  reason="asked for"), timeout=10)
    snapshot(client, tmp_path / "copy")
    printed, _ = kassa("store", "restore", tmp_path / "copy", "--data", tmp_path / "restored")
    assert "erased after that time" in printed
    again = start_server(tmp_path / "restored", map_gib=1)
    restored = Client(again.address)
    answer = restored.features.Write(
        shop.write("profile", ["gone"], shop.column("visits", "integers", [2]),
                   event_time_us=[late]), timeout=10)
    assert answer.ignored_erased == 1
    assert read_row(restored, "gone")[1] != PRESENT
    assert read_row(restored, "kept") == (1, PRESENT)
    restored.close()


@pytest.mark.parametrize("name", ["data.mdb", "bundles", "MANIFEST"])
def test_a_tampered_snapshot_is_refused_by_name(shop_server, tmp_path, name):
    _, client = shop_server
    snapshot(client, tmp_path / "copy")
    path = tmp_path / "copy" / name
    if path.is_dir():
        (path,) = path.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    _, error = kassa(
        "store", "restore", tmp_path / "copy", "--data", tmp_path / "restored", code=1)
    assert ("manifest" if name == "MANIFEST" else path.name) in error
    assert "changed" in error
    assert not (tmp_path / "restored").exists()
    assert not list(tmp_path.glob("restored*"))


def test_a_snapshot_overwrites_nothing(shop_server, tmp_path):
    _, client = shop_server
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    for name in ("empty", "file"):
        error = shop.refusal(
            client.storage.Snapshot,
            storage_pb2.SnapshotStoreRequest(folder=str(tmp_path / name)))
        assert error.code() == grpc.StatusCode.ALREADY_EXISTS, error.details()
    assert (tmp_path / "file").read_text() == "mine"
    error = shop.refusal(
        client.storage.Snapshot, storage_pb2.SnapshotStoreRequest(folder="canary7/copy"))
    shop.assert_refused(error, grpc.StatusCode.INVALID_ARGUMENT, "folder", "absolute")
    error = shop.refusal(
        client.storage.Snapshot,
        storage_pb2.SnapshotStoreRequest(folder=str(tmp_path / "no/such/copy")))
    assert "does not exist" in error.details()
    assert stats(client).last_snapshot.failure != ""


def test_restore_and_compact_overwrite_nothing_and_need_what_they_name(shop_server, tmp_path):
    server, client = shop_server
    write_row(client, "s", 1)
    snapshot(client, tmp_path / "copy")
    server.stop()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("mine")
    for words in (["restore", tmp_path / "copy", "--data", tmp_path / "mine"],
                  ["compact", "--data", server.folder, "--to", tmp_path / "mine"]):
        assert "already" in kassa("store", *words, code=1)[1]
    assert os.listdir(tmp_path / "mine") == ["file"]
    missing = tmp_path / "missing"
    for words in (["restore", missing, "--data", tmp_path / "new"],
                  ["compact", "--data", missing, "--to", tmp_path / "new"],
                  ["verify", "--data", missing]):
        assert "missing" in kassa("store", *words, code=1)[1]
    assert not missing.exists() and not (tmp_path / "new").exists()
    assert "--data" in kassa("store", "restore", tmp_path / "copy", code=2)[1]
    assert "--to" in kassa("store", "compact", "--data", server.folder, code=2)[1]


def test_a_compacted_folder_is_smaller_and_serves_the_same(shop_server, start_server, tmp_path):
    server, client = shop_server
    expected = write_signals(client)
    # The same rows again and again leave free pages.
    for turn in range(20):
        client.features.Write(
            shop.write("profile", [f"s-{i}" for i in range(1_000)],
                       shop.column("city", "texts", ["x" * 200] * 1_000),
                       event_time_us=[turn + 1] * 1_000), timeout=20)
    client.close()
    server.stop()
    printed = json.loads(kassa(
        "store", "compact", "--data", server.folder, "--to", tmp_path / "small", "--json")[0])
    assert printed["bytes_after"] < printed["bytes_before"]
    again = start_server(tmp_path / "small", map_gib=1)
    compacted = Client(again.address)
    assert scores(compacted) == expected
    compacted.close()


def test_a_folder_that_a_server_has_open_is_refused(shop_server, tmp_path):
    server, _ = shop_server
    pid = str(server.process.pid)
    for words in (["verify", "--data", server.folder],
                  ["compact", "--data", server.folder, "--to", tmp_path / "new"]):
        assert pid in kassa("store", *words, code=1)[1]
    assert not (tmp_path / "new").exists()


# Damage.


def flip(path, needle):
    """Changes a byte within each occurrence of `needle`; there must be one."""
    content = bytearray(path.read_bytes())
    place = content.find(needle)
    assert place >= 0
    while place >= 0:
        content[place + len(needle) - 1] ^= 1
        place = content.find(needle, place + 1)
    path.write_bytes(content)


def test_verify_finds_a_flipped_byte_in_a_row(shop_server, start_server):
    server, client = shop_server
    client.features.Write(
        shop.write("profile", [f"s-{i:03}" for i in range(200)],
                   shop.column("city", "texts", [f"needle {i:03}" for i in range(200)]),
                   durability=features_pb2.DURABLE), timeout=10)
    client.close()
    server.stop()
    data = server.folder
    report = json.loads(kassa("store", "verify", "--data", data, "--json")[0])
    assert report["sound"] and report["damaged"] == 0
    flip(data / "data.mdb", b"needle 017")
    before = (data / "data.mdb").read_bytes()
    printed, error = kassa("store", "verify", "--data", data, "--json", code=1)
    assert (data / "data.mdb").read_bytes() == before
    report = json.loads(printed)
    (rows,) = [table for table in report["tables"] if table["name"] == "rows"]
    assert not report["sound"]
    assert (rows["entries"], rows["damaged"]) == (200, 1)
    assert "s-017" in rows["damaged_keys"][0]
    assert "1 damaged entry in rows" in error
    assert sum(table["damaged"] for table in report["tables"]) == 1

    # A running server finds it too, on request and by itself, and serves the others.
    again = start_server(data, map_gib=1)
    damaged = Client(again.address)
    assert eventually(lambda: stats(damaged).last_scrub.finished_at_us, 10)
    assert stats(damaged).last_scrub.damaged == 1
    server_flag = ["--server", again.address]
    printed, error = kassa("store", "verify", *server_flag, "--json", code=1)
    assert json.loads(printed)["damaged"] == 1 and "1 damaged entry in rows" in error
    assert "NOT SOUND" in kassa("store", "stats", *server_flag)[0]
    text = urllib.request.urlopen(again.admin + "/metrics", timeout=5).read().decode()
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(lines["kassa_store_damaged_rows_total"]) == 2
    assert float(lines["kassa_store_scrubbed_rows_total"]) == 400
    assert float(lines["kassa_store_sound"]) == 0
    assert abs(float(lines["kassa_store_last_scrub_timestamp_seconds"]) - time.time()) < 60
    assert 0 < float(lines["kassa_store_map_used_ratio"]) < 0.1
    assert 0 < float(lines["kassa_store_disk_free_ratio"]) <= 1
    damaged.close()


def test_verify_finds_a_missing_and_a_changed_artefact(shop_server):
    server, client = shop_server
    (artefact,) = (server.folder / "bundles").iterdir()
    content = bytearray(artefact.read_bytes())
    content[100] ^= 1
    artefact.write_bytes(content)
    _, error = kassa("store", "verify", "--server", server.address, code=1)
    assert "abandonment@1" in error and "SHA-256" in error
    client.close()
    server.stop()
    artefact.unlink()
    printed, error = kassa("store", "verify", "--data", server.folder, code=1)
    assert "abandonment@1" in error and artefact.name in error


def test_a_verification_is_joined_and_goes_at_its_pace(shop_server):
    _, client = shop_server
    client.features.Write(
        shop.write("profile", [f"s-{i}" for i in range(10_000)],
                   shop.column("city", "texts", ["x" * 100] * 10_000)), timeout=20)
    request = storage_pb2.VerifyStoreRequest(bytes_per_second=1 << 20)
    begun = time.monotonic()
    first = client.storage.Verify(request, timeout=5).report
    second = client.storage.Verify(request, timeout=5).report
    assert first.number == second.number and second.finished_at_us == 0
    status = storage_pb2.VerifyStoreRequest(only_status=True)
    assert eventually(
        lambda: client.storage.Verify(status, timeout=5).report.finished_at_us, 20)
    seconds = time.monotonic() - begun
    report = client.storage.Verify(status, timeout=5).report
    assert report.sound and report.number == first.number
    total = sum(table.bytes for table in report.tables)
    # The last slice of entries is not waited for.
    assert seconds > total / (1 << 20) * 0.4, f"{total} bytes in {seconds} s"
    # Another one is another one, and nothing was in its way.
    assert client.storage.Verify(storage_pb2.VerifyStoreRequest(), timeout=5).report.number > (
        first.number)


# Faults of the disk.


class Fault:
    """Makes system calls of a running server fail, from `with` to its end."""

    def __init__(self, server, *injections):
        if shutil.which("strace") is None:
            pytest.skip("needs strace")
        self.log = server.folder.parent / "strace.log"
        calls = ",".join(injection.split(":")[0] for injection in injections)
        self.command = [
            "strace", "-f", "-o", str(self.log), "-p", str(server.process.pid),
            "-e", f"trace={calls}"]
        for injection in injections:
            self.command += ["-e", f"inject={injection}"]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "attached" not in line:
            self.process.kill()
            self.process.wait()
            pytest.skip(f"strace may not attach: {line}")
        # It names each thread it has attached to; the last of them is not known here.
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        self.process.stderr.close()


def readiness(server):
    try:
        with urllib.request.urlopen(server.admin + "/readyz", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_failed_sync_latches_the_store_and_reads_go_on(tmp_path):
    server = Server(tmp_path / "data", map_gib=1)
    try:
        client = Client(server.address)
        shop.set_up_shop(client)
        expected = write_signals(client)
        write_row(client, "s", 1, features_pb2.DURABLE)
        assert readiness(server)[0] == 200
        with Fault(server, "fdatasync:error=EIO", "fsync:error=EIO"):
            error = pytest.raises(
                grpc.RpcError, write_row, client, "s", 2, features_pb2.DURABLE).value
        assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error.details()
        assert "read-only" in error.details()
        # The disk is well again; what it lost nobody knows, so the store stays as it is.
        for durability in (features_pb2.FAST, features_pb2.DURABLE):
            error = pytest.raises(grpc.RpcError, write_row, client, "t", 1, durability).value
            assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error.details()
        assert read_row(client, "s")[1] == PRESENT
        assert scores(client) == expected
        status, reason = readiness(server)
        assert status == 503 and "read-only" in reason
        assert "read-only" in stats(client).write_refusal
        # What is there can be copied, though the audit log cannot be written.
        made = snapshot(client, tmp_path / "copy")
        assert "read-only" in made.audit_refusal
        client.close()
    finally:
        server.terminate()
        server.process.wait(30)
        server.kill()
    kassa("store", "verify", "--data", tmp_path / "data")
    kassa("store", "restore", tmp_path / "copy", "--data", tmp_path / "restored")


def test_the_store_opens_again_after_lmdb_gave_up(tmp_path, capsys):
    """A failed write of a meta page: reads and writes go on within a second, without a restart."""
    found = []
    # Which of the calls of a commit writes the meta page depends on the pages that it changes.
    for number in range(1, 9):
        server = Server(tmp_path / f"data-{number}", map_gib=1)
        try:
            client = Client(server.address)
            shop.set_up_shop(client)
            for turn in range(3):
                write_row(client, "s", turn, features_pb2.DURABLE)
            with Fault(server, f"pwrite64:error=EIO:when={number}"):
                try:
                    write_row(client, "s", 10)
                except grpc.RpcError as error:
                    assert error.code() in (
                        grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.FAILED_PRECONDITION)
                begun = time.monotonic()

                def goes_on():
                    try:
                        write_row(client, "t", 5)
                        return read_row(client, "t") == (5, PRESENT)
                    except grpc.RpcError as error:
                        return error.code() == grpc.StatusCode.FAILED_PRECONDITION
                assert eventually(goes_on, 5, pause=0.002)
                seconds = time.monotonic() - begun
            told = stats(client)
            if told.reopens:
                assert told.write_refusal == ""
                assert seconds < 1, f"closed for {seconds} s"
                assert readiness(server)[0] == 200
                assert read_row(client, "s")[0] in (2, 10)
                write_row(client, "s", 11, features_pb2.DURABLE)
                assert read_row(client, "s") == (11, PRESENT)
                assert client.storage.Verify(
                    storage_pb2.VerifyStoreRequest(), timeout=5).report.number
                found.append((seconds, told.outage_us))
            client.close()
        finally:
            server.terminate()
            server.process.wait(30)
            server.kill()
        kassa("store", "verify", "--data", tmp_path / f"data-{number}")
        if found:
            break
    assert found, "LMDB never gave up: this run proves nothing"
    with capsys.disabled():
        print(f"\nopened again in {found[0][1] / 1000:.1f} ms, writes after {found[0][0]:.3f} s;",
              end=" ")


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("may not mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_refuses_writes_and_recovers(small_disk):
    server = Server(small_disk / "data", map_gib=1)
    try:
        client = Client(server.address)
        shop.set_up_shop(client)
        expected = write_signals(client)
        write_row(client, "s", 1)
        with open(small_disk / "ballast", "wb") as file:
            try:
                while True:
                    file.write(b"\0" * (1 << 20))
                    file.flush()
            except OSError:
                pass
        time.sleep(0.2)

        def refused(value):
            try:
                write_row(client, "s", value)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error.details()
                assert "full" in error.details()
                return True
        assert eventually(lambda: refused(2), 5)
        for value in range(20):
            assert refused(value)
        assert read_row(client, "s")[1] == PRESENT
        assert scores(client) == expected
        assert stats(client).disk_nearly_full
        assert "REFUSED" in kassa("store", "stats", "--server", server.address)[0]
        error = shop.refusal(
            client.storage.Snapshot,
            storage_pb2.SnapshotStoreRequest(folder=str(small_disk / "copy")))
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error.details()
        assert not list(small_disk.glob("copy*"))
        (small_disk / "ballast").unlink()
        assert eventually(lambda: not refused(3), 5)
        assert read_row(client, "s") == (3, PRESENT)
        assert stats(client).write_refusal == "" and readiness(server)[0] == 200
        client.close()
        server.stop()
    finally:
        server.kill()
    kassa("store", "verify", "--data", small_disk / "data")


def test_a_drain_gives_a_snapshot_up(tmp_path):
    server = Server(tmp_path / "data", map_gib=1)
    try:
        client = Client(server.address)
        shop.set_up_shop(client)
        for part in range(40):
            client.features.Write(
                shop.write("profile", [f"s-{part}-{i}" for i in range(1_000)],
                           shop.column("city", "texts", ["x" * 900] * 1_000)), timeout=20)
        # Each MiB of the copy takes a second.
        with Fault(server, "write:delay_enter=1000000"):
            call = client.storage.Snapshot.future(
                storage_pb2.SnapshotStoreRequest(folder=str(tmp_path / "copy")), timeout=60)
            assert eventually(lambda: stats(client).snapshot_running, 5)
            time.sleep(0.5)
            begun = time.monotonic()
            server.terminate()
            assert server.wait() == 0
            seconds = time.monotonic() - begun
        assert seconds < 8, f"the drain took {seconds} s"
        assert call.exception().code() == grpc.StatusCode.UNAVAILABLE
        assert "stopping" in call.exception().details()
        assert not list(tmp_path.glob("copy*"))
        client.close()
    finally:
        server.kill()
