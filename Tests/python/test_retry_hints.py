# SPDX-License-Identifier: Apache-2.0
"""Who is refused for want of room is told when to come again: grpc-retry-pushback-ms (gRFC A6)."""

import grpc
import pytest

import client as shop
from client import Client
from frames import Connection, message
from kassa.v1 import config_pb2, models_pb2, storage_pb2
from kassa_process import Server, eventually

SNAPSHOT = "/kassa.v1.Storage/Snapshot"
UPLOAD = "/kassa.v1.Models/Upload"
AUDIT = "/kassa.v1.Config/Audit"
RESOURCE_EXHAUSTED, INVALID_ARGUMENT = 8, 3
QUEUED_MAX = 64
ARTEFACT_BYTES_MAX = 256 << 20


def refusal(server, path, request, end=True):
    """The status of one call on a connection of its own, and its trailers."""
    with Connection(server.port) as connection:
        stream = connection.request(path, message(request.SerializeToString()), end=end)
        reply = connection.reply(stream)
        return reply.status, dict(reply.trailers)


@pytest.fixture
def crowded(tmp_path):
    """A server whose clients are killed with it, not waited for."""
    server = Server(tmp_path / "data", map_gib=1, loops=1, scrub_hours=0)
    with Client(server.address) as client:
        shop.set_up_shop(client)
        yield server, client
        server.kill()


def test_a_full_queue_of_long_work(crowded, tmp_path):
    server, client = crowded

    def snapshot(number):
        return storage_pb2.SnapshotStoreRequest(
            folder=str(tmp_path / f"copy-{number}"), bytes_per_second=1)
    calls = [
        client.storage.Snapshot.future(snapshot(number), timeout=60)
        # One runs; some more than fit are refused, whatever the order in which they come.
        for number in range(QUEUED_MAX + 8)]
    assert eventually(lambda: client.storage.Stats(
        storage_pb2.StoreStatsRequest(), timeout=5).snapshot_running)
    # The queue is full when the first of them is refused.
    assert eventually(lambda: any(call.done() for call in calls))
    status, trailers = refusal(server, SNAPSHOT, snapshot("too-many"))
    assert status == RESOURCE_EXHAUSTED
    assert trailers["grpc-retry-pushback-ms"] == "1000"
    # Other control work does not wait behind it.
    assert client.config.Audit(config_pb2.AuditRequest(), timeout=5).entries
    for call in calls:
        call.cancel()


def test_a_spent_budget_of_uploads(crowded):
    server, client = crowded
    spec = shop.model_spec(b"x", name="large", byte_count=ARTEFACT_BYTES_MAX)
    request = models_pb2.UploadRequest(spec=spec)
    with Connection(server.port) as connection:
        for _ in range(2):
            connection.request(UPLOAD, message(request.SerializeToString()), end=False)
        connection.until(lambda: False, 0.3)
        status, trailers = refusal(server, UPLOAD, request, end=False)
        assert status == RESOURCE_EXHAUSTED
        assert trailers["grpc-retry-pushback-ms"] == "1000"
    # Their memory is free again once they are gone.
    small = shop.fixture_model()[0]

    def uploads():
        try:
            return client.upload(shop.model_spec(small, name="small"), small)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert eventually(uploads, 5)


def test_what_is_wrong_has_no_hint(crowded):
    server, _ = crowded
    status, trailers = refusal(server, AUDIT, config_pb2.AuditRequest(limit=1_001))
    assert status == INVALID_ARGUMENT
    assert "grpc-retry-pushback-ms" not in trailers
