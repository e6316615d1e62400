# SPDX-License-Identifier: Apache-2.0
"""What reads for long under a writer at full speed: it renews its snapshot, or it is given up.

While a snapshot is held no freed page is used again, and the data file grows with every commit.
"""

import random
import threading
import time
import urllib.request

import grpc
import pytest

import client as shop
from client import Client
from kassa.v1 import config_pb2, features_pb2, generations_pb2, generations_pb2_grpc, storage_pb2
from kassa_process import Server, eventually
from test_durability import Acknowledged, Writer, assert_all_there

ROWS, PART = 110_000, 1_000
# On a machine that others use too; alone it is a tenth of this.
AGE_MS_MAX = 2_000


def stats(client):
    return client.storage.Stats(storage_pb2.StoreStatsRequest(), timeout=10)


def used_bytes(client):
    told = stats(client)
    return told.used_pages * told.page_bytes


def metric(server, name):
    text = urllib.request.urlopen(server.admin + "/metrics", timeout=5).read().decode()
    (value,) = [line.split()[1] for line in text.splitlines() if line.startswith(name + " ")]
    return float(value)


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A server with 110 MB of rows and two streams that write as fast as they can, and a client."""
    folder = tmp_path_factory.mktemp("busy") / "data"
    server = Server(folder, map_gib=4, scrub_hours=0, sweep_seconds=0)
    client = Client(server.address)
    shop.set_up_shop(client)
    client.apply(shop.feature_set("affinity", ["product", "customer"], shop.feature("a", "INT64")))
    for start in range(0, ROWS, PART):
        client.features.Write(
            shop.write("profile", [f"s-{i}" for i in range(start, start + PART)],
                       shop.column("city", "texts", ["x" * 800] * PART)), timeout=30)
    acknowledged = Acknowledged()
    writers = [
        Writer(server.address, f"w{place}", acknowledged, random.Random(place))
        for place in range(2)]
    for writer in writers:
        writer.start()
    assert eventually(lambda: acknowledged.writes > 100, 20)
    yield server, client, acknowledged
    for writer in writers:
        writer.ended.set()
    for writer in writers:
        writer.join(20)
        assert writer.error is None and writer.problem is None
    assert_all_there(client, acknowledged)
    client.close()
    server.stop()


def test_a_snapshot_that_would_double_the_file_is_given_up(busy, tmp_path, capsys):
    server, client, acknowledged = busy
    before, writes = used_bytes(client), acknowledged.writes
    begun = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        client.storage.Snapshot(
            storage_pb2.SnapshotStoreRequest(
                folder=str(tmp_path / "copy"), bytes_per_second=1 << 20), timeout=60)
    seconds = time.monotonic() - begun
    assert caught.value.code() == grpc.StatusCode.ABORTED, caught.value.details()
    assert "grown" in caught.value.details()
    after = used_bytes(client)
    assert after < 2 * before
    assert not list(tmp_path.glob("copy*"))
    assert "grown" in stats(client).last_snapshot.failure
    assert metric(server, "kassa_store_snapshots_too_costly_total") == 1
    # What it held is used again: the file stands still, about.
    later = acknowledged.writes + 200
    assert eventually(lambda: acknowledged.writes > later, 20)
    assert used_bytes(client) < 2 * before
    with capsys.disabled():
        print(f"\n{before >> 20} MiB grew to {after >> 20} MiB in {seconds:.1f} s under "
              f"{acknowledged.writes - writes} writes;", end=" ")


def test_a_snapshot_ends_at_its_time(start_server, tmp_path):
    client = Client(start_server(map_gib=1).address)
    shop.set_up_shop(client)
    with pytest.raises(grpc.RpcError) as caught:
        client.storage.Snapshot(
            storage_pb2.SnapshotStoreRequest(
                folder=str(tmp_path / "copy"), bytes_per_second=1, seconds_max=1),
            timeout=20)
    assert caught.value.code() == grpc.StatusCode.ABORTED
    assert "for 1 s" in caught.value.details()
    assert not list(tmp_path.glob("copy*"))
    error = shop.refusal(client.storage.Snapshot, storage_pb2.SnapshotStoreRequest(
        folder=str(tmp_path / "copy"), seconds_max=86_401))
    shop.assert_refused(error, grpc.StatusCode.INVALID_ARGUMENT, "seconds_max", "86400")
    client.storage.Snapshot(storage_pb2.SnapshotStoreRequest(
        folder=str(tmp_path / "copy"), seconds_max=86_400), timeout=60)
    client.close()


def test_nothing_else_holds_a_snapshot_for_long(busy, capsys):
    """A verification, a check, an erasure that scans a table, reads of history and of the audit log."""
    _, client, _ = busy
    generations = generations_pb2_grpc.GenerationsStub(client.channel)
    before, oldest, growth = used_bytes(client), 0, 0
    ended = threading.Event()

    def watch():
        nonlocal oldest, growth
        while not ended.wait(0.02):
            told = stats(client)
            oldest = max(oldest, told.reader_age_ms)
            growth = max(growth, told.used_pages * told.page_bytes)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        status = storage_pb2.VerifyStoreRequest(only_status=True)
        client.storage.Verify(
            storage_pb2.VerifyStoreRequest(bytes_per_second=40 << 20), timeout=5)
        generations.Begin(
            generations_pb2.BeginGenerationRequest(feature_set="profile"), timeout=20)
        generations.Check(
            generations_pb2.CheckGenerationRequest(feature_set="profile", id=1), timeout=60)
        client.features.Write(
            features_pb2.WriteRequest(
                feature_set="affinity",
                keys=[*shop.keys("product", *[f"p-{i}" for i in range(10_000)]),
                      *shop.keys("customer", *["c-1"] * 10_000)],
                columns=[shop.column("a", "integers", range(10_000))]), timeout=20)
        client.features.Erase(
            features_pb2.EraseRequest(entity=shop.entity("customer", "c-1"), reason="a test"),
            timeout=60)
        client.config.Audit(config_pb2.AuditRequest(), timeout=20)
        generations.Discard(
            generations_pb2.DiscardGenerationRequest(feature_set="profile", id=1), timeout=20)
        assert eventually(
            lambda: client.storage.Verify(status, timeout=5).report.finished_at_us, 30)
    finally:
        ended.set()
        watcher.join()
    assert client.storage.Verify(status, timeout=5).report.sound
    assert oldest < AGE_MS_MAX, f"a snapshot was held for {oldest} ms"
    assert growth < 2 * before
    with capsys.disabled():
        print(f"\noldest snapshot {oldest} ms, {before >> 20} to {growth >> 20} MiB;", end=" ")
