# SPDX-License-Identifier: Apache-2.0
"""What runs out: the map, address space, file descriptors. Refused by name, nothing torn, then on it goes."""

import os
import random
import resource
import signal
import subprocess
import threading
import time

import grpc
import pytest

import client as shop
from client import Client
from kassa.v1 import features_pb2, generations_pb2, generations_pb2_grpc, storage_pb2
from kassa_process import ROOT, Server, binary, eventually
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
