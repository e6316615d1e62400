# SPDX-License-Identifier: Apache-2.0
"""Rolling back with a disk that takes nothing: the pointer moves first, the record follows when it can.

And the bad model stays away over a kill and a start, whether or not the disk has become well by then.
"""

import time

import grpc
import pytest

import test_guards as guards
from client import Client, assert_refused, refusal
from kassa.v1 import config_pb2, rollouts_pb2, scoring_pb2, storage_pb2
from kassa_process import Server, eventually
from test_guards import GUARD, SCORER, WEIGHTS, Load, plain, upload
from test_rollout_faults import NO_CARE, ask, is_in, say
from test_storage import Fault, kassa, small_disk  # noqa: F401 (a fixture)

Code = grpc.StatusCode
STABLE, BAD, BREAKING, GOOD = (f"{SCORER}@{version}" for version in range(1, 5))

# Name: what gives the traffic, what takes it (nothing: a guard does), how the slots are then.
RETREATS = {
    "evidence": (ask("Canary", model=BAD, weight_percent=30, guard=GUARD), None,
                 is_in("ROLLED_BACK", 0, STABLE, slots=1)),
    "violation": (ask("Canary", model=BREAKING, weight_percent=30, guard=GUARD), None,
                  is_in("ROLLED_BACK", 0, STABLE, slots=1)),
    "abort": (ask("Canary", model=GOOD, weight_percent=100, guard=GUARD), ask("Abort"),
              is_in("ABORTED", 0, STABLE, slots=1)),
    "undo": (ask("Canary", model=GOOD, weight_percent=50, guard=GUARD), ask("Undo"),
             is_in("ROLLED_BACK", 0, STABLE, slots=1)),
    "quarantine": (ask("Canary", model=GOOD, weight_percent=100, guard=GUARD),
                   say("Quarantine", model=GOOD), is_in("ROLLED_BACK", 0, STABLE, slots=1)),
}
FAULTS = {
    "no-sync": ["fdatasync:error=EIO", "fsync:error=EIO"],
    "no-space": [f"{call}:error=ENOSPC" for call in ("pwrite64", "pwritev", "writev")],
    "read-only": [f"{call}:error=EROFS" for call in (
        "pwrite64", "pwritev", "rename", "unlink", "fdatasync", "fsync", "ftruncate")],
}


def set_up(client):
    guards.set_up(client)
    for artefact in (plain([-weight for weight in WEIGHTS]),
                     plain([400, 0, 0, 0, 0], link="exponential"),
                     plain([weight * 1.001 for weight in WEIGHTS])):
        upload(client, artefact)


def status(client):
    return client.rollouts.Status(
        rollouts_pb2.RolloutStatusRequest(scorer=SCORER), timeout=20)


def fill(folder):
    with open(folder / "ballast", "ab", buffering=0) as file:
        for size in (1 << 20, 4_096, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                pass


def is_full(client):
    try:
        client.apply(config_pb2.ScorerSpec(name=SCORER, description=f"at {time.monotonic()}"))
    except grpc.RpcError as error:
        return error.code() == Code.RESOURCE_EXHAUSTED
    return False


def assert_recorded(server, client, is_done):
    """All that was in force is on record, once, and fits."""
    assert eventually(lambda: not status(client).unrecorded, 10), status(client)
    found = status(client)
    assert is_done(found), found
    explained = client.rollouts.Explain(rollouts_pb2.ExplainRolloutRequest(
        rollout_id=found.rollout.id), timeout=20)
    assert explained.agrees and explained.chain_intact, explained.disagreement
    history = client.rollouts.History(
        rollouts_pb2.RolloutHistoryRequest(scorer=SCORER), timeout=20).transitions
    assert [entry.revision for entry in history] == list(range(found.revision, 0, -1))
    epochs = [entry.epoch for entry in client.config.Audit(
        config_pb2.AuditRequest(verify=True), timeout=20).entries]
    assert epochs == sorted(epochs, reverse=True)
    assert eventually(lambda: not (server.folder / "retreats").exists())


def assert_only_stable(client):
    answer = client.scoring.ScoreBatch(guards.request(range(300)), timeout=20)
    assert {result.slot for result in answer.results} == {scoring_pb2.STABLE}


def retreat(client, server, how):
    """Takes the candidate out, or has a guard do it under load."""
    _, act, is_done = RETREATS[how]
    if act is None:
        with Load(server.address) as load:
            assert eventually(lambda: is_done(status(client)), 20), status(client)
            assert_only_stable(client)
        assert load.errors == []
    else:
        act(client)
    found = status(client)
    assert is_done(found) and found.unrecorded, found
    assert_only_stable(client)


@pytest.mark.parametrize("how", RETREATS)
def test_a_retreat_with_a_full_disk_holds_over_a_kill_and_is_recorded_when_there_is_room(
        small_disk, how):
    folder = small_disk / "data"
    give, _, is_done = RETREATS[how]
    server = Server(folder, **NO_CARE)
    try:
        client = Client(server.address)
        set_up(client)
        give(client)
        if how == "undo":
            ask("Promote", full=True)(client)
        fill(small_disk)
        assert eventually(lambda: is_full(client), 20)
        fill(small_disk)
        retreat(client, server, how)
        # What gives a candidate traffic waits for room.
        assert_refused(
            refusal(client.rollouts.Canary, rollouts_pb2.CanaryRequest(
                scorer=SCORER, model=GOOD, weight_percent=1)),
            Code.FAILED_PRECONDITION if how in ("undo", "quarantine") else Code.RESOURCE_EXHAUSTED)
        client.close()
        server.kill()
        # The disk is as full as before.
        fill(small_disk)
        server = Server(folder, **NO_CARE)
        client = Client(server.address)
        found = status(client)
        assert is_done(found) and found.unrecorded, found
        assert_only_stable(client)
        time.sleep(0.3)
        assert status(client).unrecorded
        (small_disk / "ballast").unlink()
        assert_recorded(server, client, is_done)
        client.close()
        server.stop()
        server = Server(folder, **NO_CARE)
        with Client(server.address) as client:
            assert_recorded(server, client, is_done)
        server.stop()
    finally:
        server.kill()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("how", ["evidence", "undo"])
def test_a_retreat_with_a_failing_disk_holds_over_a_kill(tmp_path, how, fault):
    give, _, is_done = RETREATS[how]
    folder = tmp_path / "data"
    server = Server(folder, **NO_CARE)
    try:
        client = Client(server.address)
        set_up(client)
        give(client)
        if how == "undo":
            ask("Promote", full=True)(client)
        with Fault(server, *FAULTS[fault]):
            retreat(client, server, how)
            if fault == "no-sync":
                # It is noted all the same, and a kill leaves what was written.
                assert (folder / "retreats").exists()
        # Nothing could be written at all, perhaps: as soon as something can, it is.
        assert eventually(
            lambda: (folder / "retreats").exists() or not status(client).unrecorded, 10)
        client.close()
        server.kill()
        server = Server(folder, **NO_CARE)
        with Client(server.address) as client:
            assert is_done(status(client)), status(client)
            assert_only_stable(client)
            assert_recorded(server, client, is_done)
        server.stop()
    finally:
        server.kill()


@pytest.mark.parametrize("copied", ["snapshot", "compact"])
def test_a_copy_of_a_store_that_has_not_got_a_retreat_has_its_note(tmp_path, copied):
    """A store that takes no writes is the very one to be copied."""
    folder, target = tmp_path / "data", tmp_path / "copy"
    give, act, is_done = RETREATS["abort"]
    server = Server(folder, **NO_CARE)
    try:
        client = Client(server.address)
        set_up(client)
        give(client)
        with Fault(server, *FAULTS["no-sync"]):
            retreat(client, server, "abort")
        if copied == "snapshot":
            made = client.storage.Snapshot(
                storage_pb2.SnapshotStoreRequest(folder=str(target)), timeout=20)
            assert "retreats" in {file.name for file in made.files}
        client.close()
        server.kill()
        if copied == "snapshot":
            kassa("store", "restore", target, "--data", tmp_path / "new")
        else:
            kassa("store", "compact", "--data", folder, "--to", tmp_path / "new")
        server = Server(tmp_path / "new", **NO_CARE)
        with Client(server.address) as client:
            assert_only_stable(client)
            assert_recorded(server, client, is_done)
        server.stop()
    finally:
        server.kill()
