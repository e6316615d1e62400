# SPDX-License-Identifier: Apache-2.0
"""kassa load and kassa generation, end to end: counts that reconcile, interruptions, gates, switches.

KASSA_LOAD_ROWS sets the rows of the large files.
"""

import concurrent.futures
import json
import os
import random
import signal
import subprocess
import threading
import time

import grpc
import pytest

import client as shop
from client import Client
from kassa.v1 import config_pb2, config_pb2_grpc
from kassa.v1 import features_pb2, features_pb2_grpc
from kassa.v1 import generations_pb2, generations_pb2_grpc
from kassa_process import binary, eventually

ROWS = int(os.environ.get("KASSA_LOAD_ROWS", "200000"))
MICROSECONDS = 1_000_000
PRESENT, NULL, NO_ENTITY, NO_FEATURE = 1, 2, 3, 4
FEATURES = 5

STATES = generations_pb2.GenerationState
SIGNALS = shop.SIGNAL_SET


def kassa(server, *words, code=0, **more):
    """Runs a command against a server and returns its output."""
    result = subprocess.run(
        [binary(), *map(str, words), "--server", server.address], capture_output=True, text=True,
        timeout=120, **more)
    assert result.returncode == code, (
        f"{words} ended with {result.returncode}:\n{result.stdout}{result.stderr}")
    return result.stdout + result.stderr if code else result.stdout


def report(output):
    return json.loads(output.splitlines()[0])


def write_csv(path, rows, header=None):
    """A file of signals: `rows` are (id, value), and every feature has the value."""
    with open(path, "w", encoding="utf-8") as file:
        names = ",".join(f"signal_{i}" for i in range(FEATURES))
        file.write(header or f"session,{names}\n")
        for id, value in rows:
            file.write(f"{id}," + ",".join([str(value)] * FEATURES) + "\n")
    return path


def stored(client, ids, name="signals"):
    """For each id the values of its row; None where there is none."""
    response = client.features.Read(shop.read(name, ids=ids), timeout=20)
    columns = response.feature_sets[0].columns
    return [
        None if columns[0].statuses[i] == NO_ENTITY
        else tuple(getattr(c, c.WhichOneof("values")).values[i] for c in columns)
        for i in range(len(ids))]


def generations(server, name="signals"):
    return json.loads(kassa(server, "generation", "list", name, "--json"))


@pytest.fixture
def ready(start_server):
    """A server with the shop's feature sets and scorer, and a client."""
    server = start_server()
    client = Client(server.address)
    shop.set_up_shop(client)
    yield server, client
    client.close()


def test_a_large_file_is_loaded_whole(ready, tmp_path):
    server, client = ready
    path = write_csv(tmp_path / "rows.csv", ((f"s{i}", i) for i in range(ROWS)))
    done = report(kassa(server, "load", "signals", path, "--json"))
    assert (done["read"], done["applied"], done["rejected"]) == (ROWS, ROWS, 0)
    assert done["reconciles"]
    assert not (tmp_path / "rows.csv.load").exists()
    chosen = random.Random(1).sample(range(ROWS), 1_000)
    assert stored(client, [f"s{i}" for i in chosen]) == [(float(i),) * FEATURES for i in chosen]
    # The same file again: rows without a time of their own are of the load's time, so they are newer.
    again = report(kassa(server, "load", "signals", path, "--json"))
    assert again["applied"] == ROWS


def test_memory_stays_the_same_however_long_the_file(ready, tmp_path):
    server, _ = ready
    peaks = []
    for rows in [20_000, ROWS]:
        path = write_csv(tmp_path / f"{rows}.csv", ((f"s{i}", i) for i in range(rows)))
        process = subprocess.Popen(
            [binary(), "load", "signals", str(path), "--server", server.address],
            stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        peaks.append(usage.ru_maxrss)
    assert peaks[1] < peaks[0] + 32 * 1024, peaks


def test_types_times_and_nulls_of_both_formats(ready, tmp_path):
    server, client = ready
    csv = tmp_path / "rows.csv"
    csv.write_text(
        "who,price,balance,visits,member,city,at,extra\r\n"
        'a,1.5,-2e3,7,true,"Köln, ""Süd""",2020-04-01 12:00:00 UTC,x\r\n'
        "b,,,NULL,,,2020-04-01T14:00:00+02:00,\r\n")
    words = ["load", "profile", csv, "--key", "session=who", "--time", "at", "--null", "NULL"]
    done = report(kassa(server, *words, "--json"))
    assert (done["read"], done["applied"]) == (2, 2)
    # Applied once: the rows have times of their own.
    done = report(kassa(server, *words, "--json"))
    assert (done["applied"], done["ignored_older"]) == (0, 2)
    assert stored(client, ["a"], "profile") == [(1.5, -2000.0, 7, True, 'Köln, "Süd"')]
    response = client.features.Read(shop.read("profile", ids=["b"]))
    statuses = {c.name: c.statuses[0] for c in response.feature_sets[0].columns}
    assert statuses["visits"] == NULL and statuses["price"] == NO_FEATURE
    lines = tmp_path / "rows.jsonl"
    lines.write_text(
        '{"session": "j", "price": 0.5, "city": "caf\\u00e9", "visits": null, "at": 1585742400}\n'
        '{"session": 12, "member": false, "at": 1585742400}\n')
    done = report(kassa(
        server, "load", "profile", lines, "--time", "at", "--time-format", "s", "--json"))
    assert (done["read"], done["applied"]) == (2, 2)
    response = client.features.Read(shop.read("profile", ids=["j", "12"]))
    columns = {c.name: c for c in response.feature_sets[0].columns}
    assert list(columns["city"].texts.values)[0] == "café"
    assert list(columns["visits"].statuses) == [NULL, NO_FEATURE]
    assert list(columns["member"].statuses) == [NO_FEATURE, PRESENT]


def test_rejects_are_listed_with_line_field_and_reason(ready, tmp_path):
    server, client = ready
    path, rejects = tmp_path / "rows.csv", tmp_path / "rejects.jsonl"
    year_3000 = "3000-01-01T00:00:00Z"
    path.write_text(
        "session,price,city,at\n"
        "good,1,x,2020-01-01T00:00:00Z\n"
        f"bad,{shop.CANARY},x,2020-01-01T00:00:00Z\n"
        "short,1\n"
        f"late,1,x,{year_3000}\n"
        f"long,1,{'x' * 1025},2020-01-01T00:00:00Z\n"
        "good2,2,y,2020-01-01T00:00:00Z\n")
    words = ["load", "profile", path, "--time", "at", "--rejects", rejects]
    done = report(kassa(server, *words, "--json"))
    assert (done["read"], done["applied"], done["rejected"]) == (6, 2, 4)
    listed = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [(r["line"], r["field"]) for r in listed] == [
        (3, "price"), (4, ""), (5, "event_time_us"), (6, "city")]
    assert all(r["reason"] for r in listed)
    assert shop.CANARY not in rejects.read_text()
    assert stored(client, ["good2", "bad"], "profile")[1] is None
    output = kassa(server, *words, "--rejects-max", 3, code=1)
    assert "4 rows were rejected, more than --rejects-max 3" in output
    kassa(server, *words, "--rejects-max", 4)


def test_files_that_cannot_be_loaded_change_nothing(ready, tmp_path):
    server, _ = ready
    cases = {
        "": "empty", "who,price\na,1\n": "no column session", "session,colour\na,1\n": "no column",
        "session,price,price\n": "twice", "session,price\n": "no rows",
    }
    for number, (text, words) in enumerate(cases.items()):
        path = tmp_path / f"{number}.csv"
        path.write_text(text)
        assert words in kassa(server, "load", "profile", path, code=1)
        kassa(server, "load", "profile", path, "--generation", code=1) if number < 4 else None
    assert "cannot read" in kassa(server, "load", "profile", tmp_path / "none.csv", code=1)
    assert "--format" in kassa(server, "load", "profile", tmp_path / "rows.txt", code=2)
    assert "no feature set" in kassa(server, "load", "nothing", path, code=1)
    assert [g["state"] for g in generations(server, "profile")] == ["SERVING"]


def interrupt(server, path, state, *words, after):
    """Kills a load with SIGKILL once its state file is `after` bytes into the file."""
    process = subprocess.Popen(
        [binary(), "load", "signals", str(path), *words, "--server", server.address],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def offset():
            try:
                return json.loads(state.read_text())["offset"]
            except (FileNotFoundError, ValueError):
                return 0
        while process.poll() is None and offset() < after:
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
    return process.returncode == -signal.SIGKILL


def test_an_interrupted_load_goes_on_where_it_is_durable(ready, tmp_path):
    server, client = ready
    path, rejects = tmp_path / "rows.csv", tmp_path / "rejects.jsonl"
    state = tmp_path / "state"
    # Enough for some seconds, for the state is written about once in one.
    rows = ROWS * 12
    # Every 1,000th row is no number.
    write_csv(path, ((f"s{i}", "x" if i % 1_000 == 7 else i) for i in range(rows)))
    words = ["--state", str(state), "--rejects", str(rejects), "--in-flight", "1", "--durable"]
    interruptions = 0
    resume = []
    for share in [0.01, 0.3]:
        target = int(path.stat().st_size * share)
        if not interrupt(server, path, state, *words, *resume, after=target):
            break
        interruptions += 1
        resume = ["--resume"]
    assert interruptions > 0, "the load was done before it could be interrupted"
    known = json.loads(state.read_text())
    assert 0 < known["offset"] < path.stat().st_size
    assert known["read"] == known["applied"] + known["ignored_older"] + known["rejected"]
    # Everything before the offset is there.
    before = [i for i in range(0, known["read"], 997) if i % 1_000 != 7]
    assert stored(client, [f"s{i}" for i in before]) == [(float(i),) * FEATURES for i in before]
    done = report(kassa(server, "load", "signals", path, *words, "--resume", "--json"))
    assert done["read"] == rows
    assert done["rejected"] == rows // 1_000
    assert done["applied"] + done["ignored_older"] == rows - done["rejected"]
    lines = [json.loads(line)["line"] for line in rejects.read_text().splitlines()]
    assert lines == [i + 2 for i in range(7, rows, 1_000)], "each reject is listed once"
    assert not state.exists()
    assert "no interrupted load" in kassa(
        server, "load", "signals", path, *words, "--resume", code=1)


def test_a_load_does_not_go_on_with_another_file_or_other_columns(ready, tmp_path):
    server, _ = ready
    path = write_csv(tmp_path / "rows.csv", ((f"s{i}", i) for i in range(ROWS * 12)))
    state = tmp_path / "rows.csv.load"
    assert interrupt(server, path, state, "--in-flight", "1", "--durable", after=1)
    assert "another feature set, format or columns" in kassa(
        server, "load", "signals", path, "--empty-is-null", "--resume", code=1)
    with open(path, "a", encoding="utf-8") as file:
        file.write("more," + ",".join(["1"] * FEATURES) + "\n")
    assert "has changed" in kassa(server, "load", "signals", path, "--resume", code=1)
    state.write_text("nonsense")
    assert "no state" in kassa(server, "load", "signals", path, "--resume", code=1)


class Liar(features_pb2_grpc.FeaturesServicer, config_pb2_grpc.ConfigServicer):
    """A server that loses a row of each write, and has no room now and then."""

    def __init__(self, lost, refusals):
        self.lost, self.refusals = lost, refusals
        self.rows = 0

    def Get(self, request, context):
        spec = config_pb2.FeatureSetSpec()
        spec.CopyFrom(SIGNALS)
        spec.version = 1
        return config_pb2.GetResponse(document=config_pb2.Document(feature_set=spec))

    def Write(self, request, context):
        if self.refusals > 0:
            self.refusals -= 1
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no room")
        self.rows += len(request.keys[0].ids)
        return features_pb2.WriteResponse(
            applied=len(request.keys[0].ids) - self.lost, feature_set="signals@1")


class Fake:
    def __init__(self, servicer):
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        features_pb2_grpc.add_FeaturesServicer_to_server(servicer, self.server)
        config_pb2_grpc.add_ConfigServicer_to_server(servicer, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(None).wait()


def test_counts_that_do_not_agree_fail_the_load(tmp_path):
    path = write_csv(tmp_path / "rows.csv", ((f"s{i}", i) for i in range(25_000)))
    with Fake(Liar(lost=1, refusals=0)) as fake:
        output = kassa(fake, "load", "signals", path, code=1)
    assert "the counts do not agree: 25000 rows were read, but 24997 applied" in output
    assert "from line 2 on the server applied 9999" in output
    assert (tmp_path / "rows.csv.load").exists()


def test_a_server_without_room_is_asked_again_and_nothing_is_dropped(tmp_path):
    path = write_csv(tmp_path / "rows.csv", ((f"s{i}", i) for i in range(45_000)))
    liar = Liar(lost=0, refusals=7)
    with Fake(liar) as fake:
        done = report(kassa(fake, "load", "signals", path, "--json"))
    assert done["applied"] == done["read"] == liar.rows == 45_000
    assert liar.refusals == 0


# Generations.


def load_generation(server, path, *words):
    done = report(kassa(server, "load", "signals", path, "--generation", *words, "--json"))
    assert done["reconciles"]
    return done["generation"]


def test_a_generation_is_loaded_checked_switched_and_rolled_back(ready, tmp_path):
    server, client = ready
    chance = random.Random(3)
    values = [chance.gauss(0, 1) for _ in range(20_000)]
    write_csv(tmp_path / "old.csv", ((f"s{i}", v) for i, v in enumerate(values)))
    kassa(server, "load", "signals", tmp_path / "old.csv")
    new = write_csv(
        tmp_path / "new.csv", ((f"s{i}", chance.gauss(0, 1)) for i in range(100, 20_100)))
    before = stored(client, ["s5", "s20050"])
    assert load_generation(server, new) == 1
    assert stored(client, ["s5", "s20050"]) == before
    assert "not checked" in kassa(server, "generation", "switch", "signals", code=1)
    checked = json.loads(kassa(server, "generation", "check", "signals", "--json"))
    assert checked["verdict"] == "PROCEED" and checked["rows"] == 20_000
    assert {g["gate"] for g in checked["gates"]} >= {
        "rows_min", "row_change", "duplicate_share", "null_rise", "psi"}
    assert "generation 1 serves" in kassa(
        server, "generation", "switch", "signals", "--expected-serving", 0, "--reason", "test")
    after = stored(client, ["s5", "s20050"])
    assert after[0] is None and after[1] is not None
    assert "expected_serving" in kassa(
        server, "generation", "rollback", "signals", "--expected-serving", 0, code=1)
    kassa(server, "generation", "rollback", "signals")
    assert stored(client, ["s5", "s20050"]) == before
    assert [(g["id"], g["state"]) for g in generations(server)] == [(1, "KEPT"), (0, "SERVING")]
    kassa(server, "generation", "discard", "signals")
    assert eventually(lambda: [g["id"] for g in generations(server)] == [0])


@pytest.mark.parametrize("gate, change", [
    ("null_rise", lambda i, v: "" if i % 4 == 0 else v),
    ("row_change", lambda i, v: v if i % 2 else None),
    ("psi", lambda i, v: v + 2),
    ("duplicate_share", lambda i, v: v),
])
def test_a_gate_refuses_a_generation_that_is_wrong(ready, tmp_path, gate, change):
    server, client = ready
    chance = random.Random(4)
    values = [chance.gauss(0, 1) for _ in range(5_000)]
    write_csv(tmp_path / "old.csv", ((f"s{i}", v) for i, v in enumerate(values)))
    kassa(server, "load", "signals", tmp_path / "old.csv")
    rows = [(f"s{i}", change(i, v)) for i, v in enumerate(values) if change(i, v) is not None]
    if gate == "duplicate_share":
        rows += [(id, value + 0.01) for id, value in rows[:200]]
    load_generation(server, write_csv(tmp_path / "new.csv", rows), "--empty-is-null")
    result = subprocess.run(
        [binary(), "generation", "check", "signals", "--json", "--server", server.address],
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    checked = report(result.stdout)
    assert checked["verdict"] == "REFUSE"
    assert {g["gate"] for g in checked["gates"] if not g["passed"]} == {gate}
    assert "refused" in kassa(server, "generation", "switch", "signals", code=1)
    assert "reason" in kassa(server, "generation", "switch", "signals", "--force", code=1)
    assert generations(server)[-1]["state"] == "SERVING"
    kassa(server, "generation", "switch", "signals", "--force", "--reason", "known")
    assert generations(server)[0]["state"] == "SERVING"


class Scorers:
    """Scores entities without a pause and checks that no reply mixes two generations."""

    def __init__(self, address, ids, threads=2):
        self.seen, self.problems, self.replies = set(), [], 0
        self.ended = threading.Event()
        self.address, self.ids = address, ids
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def run(self, number):
        chance = random.Random(number)
        client = Client(
            self.address, grpc.insecure_channel(self.address, options=[("lane", number)]))
        while not self.ended.is_set():
            id = chance.choice(self.ids)
            request = shop.score("cart_abandonment", id)
            request.include.append(shop.scoring_pb2.FEATURES)
            try:
                reply = client.scoring.Score(request, timeout=10)
            except grpc.RpcError as error:
                self.problems.append(str(error))
                continue
            stamps = {f.value.number for f in reply.features}
            if len(stamps) != 1 or any(f.status != PRESENT for f in reply.features):
                self.problems.append(f"{id}: {stamps}")
            self.seen |= stamps
            self.replies += 1
        client.close()


def test_no_answer_mixes_generations_while_they_are_switched(ready, tmp_path):
    server, _ = ready
    ids = [f"s{i}" for i in range(2_000)]
    write_csv(tmp_path / "0.csv", ((id, 0) for id in ids))
    kassa(server, "load", "signals", tmp_path / "0.csv")
    with Scorers(server.address, ids) as scorers:
        for number in range(1, 7):
            path = write_csv(tmp_path / f"{number}.csv", ((id, number) for id in ids))
            load_generation(server, path)
            kassa(server, "generation", "check", "signals", "--psi-max", 1_000)
            kassa(server, "generation", "switch", "signals")
            time.sleep(0.1)
            kassa(server, "generation", "rollback", "signals")
            kassa(server, "generation", "rollback", "signals")
            time.sleep(0.1)
    assert not scorers.problems, scorers.problems[:5]
    assert scorers.seen == set(range(7))
    assert scorers.replies > 500


def test_live_writes_of_the_load_are_there_after_the_switch_and_the_rollback(ready, tmp_path):
    server, client = ready
    path = write_csv(tmp_path / "rows.csv", ((f"s{i}", 1) for i in range(ROWS)))
    kassa(server, "load", "signals", path)
    acknowledged = {}
    ended = threading.Event()
    begun = threading.Event()
    problems = []

    def live():
        chance, value = random.Random(5), 1_000
        while not ended.is_set():
            value += 1
            ids = [f"s{chance.randrange(ROWS)}", f"live{value}"]
            columns = [
                shop.column(f"signal_{i}", "floats", [value, value]) for i in range(FEATURES)]
            # A write that was sent before the generation began may be in the old one only.
            counts = begun.is_set()
            try:
                reply = client.features.Write(
                    shop.write("signals", ids, *columns, event_time_us=[
                        int(time.time() * MICROSECONDS) + 1_000_000]), timeout=20)
            except grpc.RpcError as error:
                problems.append(str(error))
                continue
            assert reply.applied == 2
            if counts:
                acknowledged.update({id: float(value) for id in ids})

    writer = threading.Thread(target=live)
    writer.start()
    loader = subprocess.Popen(
        [binary(), "load", "signals", str(path), "--generation", "--server", server.address],
        stdout=subprocess.DEVNULL)
    try:
        assert eventually(lambda: generations(server)[0]["state"] == "LOADING")
        begun.set()
        assert loader.wait(120) == 0
        kassa(server, "generation", "check", "signals", "--psi-max", 1_000)
        kassa(server, "generation", "switch", "signals")
        time.sleep(0.3)
    finally:
        ended.set()
        writer.join()
        loader.kill()
        loader.wait()
    assert not problems, problems[:3]
    assert len(acknowledged) > 20
    ids = list(acknowledged)
    for _ in range(2):
        for start in range(0, len(ids), 10_000):
            some = ids[start : start + 10_000]
            assert stored(client, some) == [(acknowledged[id],) * FEATURES for id in some]
        kassa(server, "generation", "rollback", "signals")


def test_a_load_of_a_generation_goes_on_after_it_and_the_server_were_killed(
        start_server, tmp_path):
    server = start_server()
    client = Client(server.address)
    shop.set_up_shop(client)
    path = write_csv(tmp_path / "rows.csv", ((f"s{i}", i % 100) for i in range(ROWS * 12)))
    state = tmp_path / "rows.csv.load"
    assert interrupt(
        server, path, state, "--generation", "--in-flight", "1", "--durable", after=1)
    client.close()
    server.kill()
    server = start_server(folder=server.folder)
    with_rows = generations(server)[0]
    known = json.loads(state.read_text())
    assert with_rows["state"] == "LOADING" and with_rows["rows"] >= known["read"] > 0
    assert "is being loaded" in kassa(server, "load", "signals", path, "--generation", "--state",
                                      tmp_path / "other", code=1)
    done = report(kassa(server, "load", "signals", path, "--resume", "--json"))
    assert done["read"] == ROWS * 12
    assert generations(server)[0]["rows"] == ROWS * 12
    assert generations(server)[0]["duplicate_keys"] == 0
    kassa(server, "generation", "check", "signals")
    kassa(server, "generation", "switch", "signals")


def test_a_kill_at_any_step_leaves_the_state_before_or_after_it(start_server, tmp_path):
    """Each change is asked for and the server killed at a random moment; answers stay whole."""
    chance = random.Random(int(os.environ.get("KASSA_KILL_SEED", "1")))
    server = start_server()
    client = Client(server.address)
    shop.set_up_shop(client)
    ids = [f"s{i}" for i in range(3_000)]
    columns = lambda value: [
        shop.column(f"signal_{i}", "floats", [value] * len(ids)) for i in range(FEATURES)]
    client.features.Write(shop.write(
        "signals", ids, *columns(0), event_time_us=[1], durability=features_pb2.DURABLE))
    for _ in range(int(os.environ.get("KASSA_KILL_ROUNDS", "12"))):
        listed = generations(server)
        by_state = {g["state"]: g for g in listed}
        stub = generations_pb2_grpc.GenerationsStub(client.channel)
        name = {"feature_set": "signals"}
        if "LOADING" not in by_state:
            step, call = "begin", lambda: stub.Begin(
                generations_pb2.BeginGenerationRequest(**name), timeout=5)
        else:
            id = by_state["LOADING"]["id"]
            step = chance.choice(["load", "check", "switch", "rollback", "discard"])
            if by_state["LOADING"]["rows"] == 0:
                step = "load"
            if step == "rollback" and "KEPT" not in by_state:
                step = "switch"
            call = {
                "load": lambda: client.features.Write(shop.write(
                    "signals", ids, *columns(id), event_time_us=[1], generation=id), timeout=5),
                "check": lambda: stub.Check(
                    generations_pb2.CheckGenerationRequest(id=id, **name), timeout=5),
                "switch": lambda: stub.Switch(generations_pb2.SwitchGenerationRequest(
                    id=id, force=True, reason="test", **name), timeout=5),
                "rollback": lambda: stub.Rollback(
                    generations_pb2.RollbackGenerationRequest(**name), timeout=5),
                "discard": lambda: stub.Discard(
                    generations_pb2.DiscardGenerationRequest(id=id, **name), timeout=5),
            }[step]
        outcome = []

        def ask():
            try:
                call()
                outcome.append(True)
            except grpc.RpcError:
                pass

        asker = threading.Thread(target=ask)
        asker.start()
        time.sleep(chance.uniform(0, 0.02))
        server.kill()
        asker.join()
        client.close()
        server = start_server(folder=server.folder)
        client = Client(server.address)
        now = {g["state"]: g for g in generations(server)}
        ids_now = {state: g["id"] for state, g in now.items() if state != "DISCARDED"}
        before = {state: g["id"] for state, g in by_state.items() if state != "DISCARDED"}
        after = {
            "begin": lambda: {**before, "LOADING": ids_now.get("LOADING")},
            "load": lambda: before, "check": lambda: before,
            "switch": lambda: {"SERVING": before["LOADING"], "KEPT": before["SERVING"]},
            "rollback": lambda: {
                **before, "SERVING": before.get("KEPT"), "KEPT": before["SERVING"]},
            "discard": lambda: {s: i for s, i in before.items() if s != "LOADING"},
        }[step]()
        assert ids_now == after if outcome else ids_now in (before, after), (step, before, ids_now)
        # Whole: a load is one write, so it is there or not; and the serving rows are of one number.
        if "LOADING" in now:
            assert now["LOADING"]["rows"] in (0, len(ids))
        rows = set(stored(client, ids))
        assert rows == {(float(ids_now["SERVING"]),) * FEATURES}, rows
    client.close()
    assert eventually(
        lambda: not any(g["state"] == "DISCARDED" for g in generations(server)), seconds=20)
