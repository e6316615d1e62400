# SPDX-License-Identifier: Apache-2.0
"""Clocks that step, lie or come from another century: faketime moves the wall clock of a running server.

Expiry follows the wall clock, deadlines the monotonic one. So a step of the wall clock moves what has
expired by as much as the step and no more, both ways; what was swept stays gone.
"""

import calendar
import os
import pathlib
import shutil
import subprocess
import time

import grpc
import pytest

import client as shop
from client import Client
from kassa.v1 import config_pb2, features_pb2, storage_pb2
from kassa_process import Server, eventually

SECONDS = 1_000_000
HOUR, DAY = 3_600, 86_400
PRESENT, NO_ENTITY, EXPIRED = 1, 3, 6
LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


class Clock:
    """The wall clock of a server, which may be moved while it runs."""

    def __init__(self, path):
        if not os.path.exists(LIBRARY):
            pytest.skip("needs faketime")
        self.path, self.offset = pathlib.Path(path), 0
        self.move(0)

    def move(self, seconds):
        """The clock shows that many seconds more than the true time from now on."""
        self.offset = seconds
        # Whole or not at all: the server reads it at every look at the clock.
        fresh = self.path.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.rename(self.path)

    def move_to(self, *date):
        self.move(calendar.timegm((*date, 0, 0, 0)) - int(time.time()))

    def now_us(self):
        return int((time.time() + self.offset) * SECONDS)

    def serve(self, folder, environment=None, **flags):
        """A server by this clock; its monotonic clock is the true one."""
        flags = {"scrub_hours": 0, "map_gib": 1, **flags}
        environment = {
            **(environment or {}),
            "FAKETIME_TIMESTAMP_FILE": str(self.path), "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1"}
        # Preloaded into a program that becomes the server: else Swift finds no arguments.
        under = ("env", f"LD_PRELOAD={LIBRARY}", "env")
        return Server(folder, environment, under, **flags)


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path / "clock")


def status(client, id, name="brief"):
    (values,) = client.features.Read(shop.read(name, ids=[id]), timeout=5).feature_sets
    return values.columns[0].statuses[0], values.columns[0].integers.values[0]


def write(client, id, value, **more):
    return client.features.Write(
        shop.write("brief", [id], shop.column("a", "integers", [value]), **more), timeout=5)


def apply_brief(client):
    client.apply(shop.feature_set(
        "brief", ["session"], shop.feature("a", "INT64"), ttl_ms=HOUR * 1_000))


def test_a_step_of_the_clock_moves_expiry_by_as_much_and_no_more(clock, tmp_path):
    server = clock.serve(tmp_path / "data", sweep_seconds=0)
    try:
        with Client(server.address) as client:
            apply_brief(client)
            now = clock.now_us()
            write(client, "old", 1, event_time_us=[now - 2 * HOUR * SECONDS])
            write(client, "half", 2, event_time_us=[now - HOUR // 2 * SECONDS])
            write(client, "new", 3)
            expected = {
                # offset: (old, half, new)
                0: (EXPIRED, PRESENT, PRESENT),
                HOUR // 2 + 60: (EXPIRED, EXPIRED, PRESENT),
                HOUR + 60: (EXPIRED, EXPIRED, EXPIRED),
                DAY: (EXPIRED, EXPIRED, EXPIRED),
                # Back: what had expired by the true clock comes back for a step that is longer only.
                -HOUR // 2: (EXPIRED, PRESENT, PRESENT),
                -HOUR - 60: (PRESENT, PRESENT, PRESENT),
                -DAY: (PRESENT, PRESENT, PRESENT),
            }
            for offset, found in [*expected.items(), (0, expected[0])]:
                clock.move(offset)
                assert tuple(status(client, id)[0] for id in ("old", "half", "new")) == found, offset
            # A row of a future that is no more is not a trap: later writes by the true clock are older.
            clock.move(DAY)
            write(client, "future", 1)
            clock.move(0)
            assert status(client, "future") == (PRESENT, 1)
            assert write(client, "future", 2).ignored_older == 1
            # What is written ahead of the clock is refused row by row.
            (error,) = write(
                client, "s", 1, event_time_us=[clock.now_us() + DAY * SECONDS]).errors
            assert error.field == "event_time_us"
        server.stop()
    finally:
        server.kill()


def test_what_was_swept_in_a_wrong_future_stays_gone_and_nothing_else_goes(clock, tmp_path):
    folder = tmp_path / "data"
    server = clock.serve(folder, sweep_seconds=1)
    try:
        with Client(server.address) as client:
            apply_brief(client)
            client.apply(shop.PROFILE_SET)
            now = clock.now_us()
            write(client, "half", 1, event_time_us=[now - HOUR // 2 * SECONDS])
            write(client, "new", 2)
            client.features.Write(
                shop.write("profile", ["forever"], shop.column("visits", "integers", [7])),
                timeout=5)
            client.features.Erase(features_pb2.EraseRequest(
                entity=shop.entity("session", "gone"), reason="a test"), timeout=5)
            late = clock.now_us()
            clock.move(HOUR // 2 + 60)

            def rows():
                told = client.storage.Stats(storage_pb2.StoreStatsRequest(), timeout=5)
                return {table.name: table.entries for table in told.tables}["rows"]
            assert eventually(lambda: rows() == 2)
            clock.move(0)
            assert status(client, "half")[0] == NO_ENTITY
            assert status(client, "new") == (PRESENT, 2)
            # A century later everything that expires has; a tombstone never does.
            clock.move(100 * 365 * DAY)
            assert eventually(lambda: rows() == 1)
            clock.move(0)
            request = features_pb2.ReadRequest(
                keys=shop.keys("session", "forever"),
                selections=[features_pb2.FeatureSelection(
                    feature_set="profile", features=["visits"])])
            (values,) = client.features.Read(request, timeout=5).feature_sets
            assert values.columns[0].integers.values[0] == 7
            assert write(client, "gone", 1, event_time_us=[late - SECONDS]).ignored_erased == 1
            assert write(client, "half", 5).applied == 1 and status(client, "half") == (PRESENT, 5)
        server.stop()
    finally:
        server.kill()


def test_deadlines_and_work_do_not_notice_a_clock_that_jumps(clock, tmp_path):
    server = clock.serve(tmp_path / "data")
    try:
        with Client(server.address) as client:
            shop.set_up_shop(client)
            expected = client.scoring.Score(shop.score("cart_abandonment", "s"), timeout=5).score
            begun = time.monotonic()
            for turn in range(60):
                clock.move((DAY if turn % 2 else -DAY) * (1 + turn % 3))
                answer = client.scoring.Score(shop.score("cart_abandonment", "s"), timeout=1)
                assert answer.score == expected
                client.features.Write(
                    shop.write("profile", [f"s-{turn}"], shop.column("visits", "integers", [turn]),
                               durability=features_pb2.DURABLE), timeout=1)
            # A stream that nobody ends is ended at its deadline, not a day sooner or later.
            clock.move(0)
            open_ended = iter(lambda: time.sleep(60), None)
            started = time.monotonic()
            call = client.scoring.ScoreStream(open_ended, timeout=1)
            clock.move(10 * DAY)
            with pytest.raises(grpc.RpcError) as caught:
                next(call)
            assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            assert 0.8 < time.monotonic() - started < 15
            assert time.monotonic() - begun < 60
        server.stop()
    finally:
        server.kill()


@pytest.mark.parametrize("date", [
    (2038, 1, 20), (2106, 2, 8), (2262, 4, 12), (1970, 1, 2)])
def test_other_centuries_are_times_like_any_other(clock, tmp_path, date):
    clock.move_to(*date)
    folder = tmp_path / "data"
    for start in range(2):
        server = clock.serve(folder, sweep_seconds=1)
        try:
            with Client(server.address) as client:
                if start == 0:
                    shop.set_up_shop(client)
                    apply_brief(client)
                    write(client, "s", 1)
                    written = clock.now_us()
                assert status(client, "s") == (PRESENT, 1)
                answer = client.scoring.Score(shop.score("cart_abandonment", "s"), timeout=5)
                assert answer.score > 0
                (newest, *_) = client.config.Audit(config_pb2.AuditRequest(), timeout=5).entries
                assert abs(newest.at_us - written) < 60 * SECONDS
                target = tmp_path / f"copy-{start}"
                made = client.storage.Snapshot(
                    storage_pb2.SnapshotStoreRequest(folder=str(target)), timeout=20)
                assert abs(made.at_us - clock.now_us()) < 60 * SECONDS
                if start == 1:
                    clock.move(clock.offset + HOUR + 60)
                    assert status(client, "s")[0] in (EXPIRED, NO_ENTITY)
            server.stop()
        finally:
            server.kill()


def test_a_machine_that_has_been_up_for_centuries(tmp_path):
    """The monotonic clock 140 years ahead, in a time namespace: nothing overflows."""
    # The kernel takes up to 146 years.
    seconds = 140 * 365 * DAY
    under = ("unshare", "-T", "--monotonic", str(seconds), "--boottime", str(seconds))
    if shutil.which("unshare") is None or subprocess.run(
            [*under, "true"], capture_output=True).returncode != 0:
        pytest.skip("may not make a time namespace")
    server = Server(tmp_path / "data", under=under, map_gib=1, scrub_hours=24, sweep_seconds=1)
    try:
        with Client(server.address) as client:
            shop.set_up_shop(client)
            apply_brief(client)
            write(client, "s", 1)
            assert status(client, "s") == (PRESENT, 1)
            assert client.scoring.Score(shop.score("cart_abandonment", "s"), timeout=5).score > 0
            told = client.storage.Stats(storage_pb2.StoreStatsRequest(), timeout=5)
            assert told.reader_age_ms < 10_000
            started = time.monotonic()
            call = client.scoring.ScoreStream(iter(lambda: time.sleep(60), None), timeout=1)
            with pytest.raises(grpc.RpcError) as caught:
                next(call)
            assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            assert time.monotonic() - started < 15
            assert eventually(
                lambda: client.storage.Stats(
                    storage_pb2.StoreStatsRequest(), timeout=5).last_scrub.finished_at_us, 15)
        server.stop()
    finally:
        server.kill()
