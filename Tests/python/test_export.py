# SPDX-License-Identifier: Apache-2.0
"""`kassa export`: training rows as of each label's time; and the other commands of a value's life."""

import csv
import io
import json
import os
import random
import subprocess
import time

import pytest

import client as shop
from client import Client
from kassa.v1 import models_pb2, scoring_pb2, values_pb2
from kassa_process import binary
from test_cli import Kassa
from test_lifecycle import (
    DAY_MS, DEFAULT, FEATURES, MERGED, MICROSECONDS, MISSING, as_of, now_us, random_events,
    requests_of, write)

SEED = 21


@pytest.fixture(scope="module")
def client(server):
    client = Client(server.address)
    yield client
    client.close()


@pytest.fixture(scope="module")
def kassa(server):
    return Kassa(server.address)


def labels(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def table(text):
    """Rows of CSV by column; empty cells are None, unless they are quoted."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def cell(name, value):
    """A value as a cell; a vector has several."""
    if value is None:
        return ["", ""] if name == "taste" else [""]
    if name == "taste":
        return [f"{part:g}" for part in value]
    if name == "tags":
        return [json.dumps(list(value), separators=(",", ":"))]
    return [f"{value:g}" if name == "number" else str(value)]


@pytest.fixture(scope="module")
def told(client):
    """A feature set with a history, and the events that are in it."""
    client.apply(shop.feature_set("cart", ["session"], *MERGED, history_ms=DAY_MS))
    chance = random.Random(SEED)
    start = now_us() - 7_200 * MICROSECONDS
    events = random_events(chance, 800, [f"s,{n}" for n in range(20)], start, MICROSECONDS)
    for request in requests_of("cart", events, 100):
        assert not client.features.Write(request, timeout=20).errors
    return events


def columns(name):
    return [f"cart@1.{name}[{i}]" for i in range(2)] if name == "taste" else [f"cart@1.{name}"]


def test_each_label_gets_the_values_of_its_time(kassa, told, tmp_path):
    chance = random.Random(SEED)
    start = min(when for _, when, _ in told)
    rows = [(f"s,{chance.randrange(25)}", start + chance.randint(-3, 45) * MICROSECONDS,
             chance.choice(["yes", 'n"o', ""])) for _ in range(5_000)]
    path = labels(tmp_path / "labels.csv", ["who", "at", "bought"], rows)
    out = tmp_path / "rows.csv"
    counts = kassa.json("export", "cart", "--labels", path, "--as-of", "at", "--key", "session=who",
                        "--statuses", "--out", str(out))
    assert (counts["label_rows"], counts["rows"]) == (5_000, 5_000)
    assert sum(counts["values"].values()) == 5_000 * len(FEATURES)
    found = table(out.read_text(encoding="utf-8"))
    assert len(found) == 5_000
    for (id, at, bought), row in zip(rows, found):
        assert (row["who"], row["at"], row["bought"]) == (id, str(at), bought)
        for name, (status, value, _) in as_of(told, id, at).items():
            assert [row[column] for column in columns(name)] == cell(name, value), (id, at, name)
            assert row[f"cart@1.{name}.status"] == status
    assert not list(tmp_path.glob("*.partial"))
    # The same on standard output, without statuses; the counts go elsewhere.
    result = kassa.run("export", "cart", "--labels", path, "--as-of", "at", "--key", "session=who")
    assert result.returncode == 0
    assert result.stderr.splitlines()[0] == "joined 5000 label rows, wrote 5000 rows"
    plain = table(result.stdout)
    wanted = [name for name in found[0] if not name.endswith(".status")]
    assert plain == [{name: row[name] for name in wanted} for row in found]


def test_an_empty_text_is_not_a_missing_one(kassa, client, tmp_path):
    client.apply(shop.feature_set("words", ["session"], shop.feature("a", "STRING"), history_ms=DAY_MS))
    write(client, "words", {"session": ["s"]}, shop.column("a", "texts", [""]))
    path = labels(tmp_path / "l.csv", ["session", "t"], [("s", now_us()), ("t", now_us())])
    lines = kassa.run("export", "words", "--labels", path, "--as-of", "t").stdout.splitlines()
    assert lines[1].endswith(',""') and lines[2].endswith(",")


def test_values_are_those_that_a_model_was_given(kassa, client, tmp_path):
    """Scores now; more writes; then the export of now: the same inputs, with every policy at work."""
    default = values_pb2.Value(number=0.25)
    policies = [{}, {"on_stale": MISSING}, {"on_stale": DEFAULT, "default": default},
                {"default": default, "on_missing": DEFAULT}, {"on_missing": MISSING, "default": default}]
    client.apply(shop.feature_set(
        "given", ["session"], *(
            shop.feature(f"signal_{index}", "FLOAT32", max_age_ms=60_000, **more)
            for index, more in enumerate(policies)), ttl_ms=3_600_000, history_ms=DAY_MS))
    artefact = shop.fixture_model()[0]
    client.upload(shop.model_spec(artefact, name="given", inputs=[
        models_pb2.ModelInput(feature_set="given@1", feature=f"signal_{index}")
        for index in range(shop.SIGNALS)]), artefact)
    client.apply(shop.scorer_spec("given", "given@1"))
    chance = random.Random(SEED)
    ids = [f"s-{number}" for number in range(60)]
    now = now_us()
    for index in range(shop.SIGNALS):
        some = chance.sample(ids, 50)
        nulls = chance.getrandbits(50) & chance.getrandbits(50)
        write(client, "given", {"session": some},
              shop.column(f"signal_{index}", "floats", [chance.uniform(-3, 3) for _ in some],
                          nulls=nulls.to_bytes(7, "little")),
              event_time_us=[now - chance.choice([5, 600, 7_200]) * MICROSECONDS for _ in some])
    seen, rows = {}, []
    for id in ids:
        answer = client.scoring.Score(
            shop.score("given", id, include=[scoring_pb2.FEATURES]), timeout=20)
        rows.append((id, now_us()))
        seen[id] = {
            feature.name.removeprefix("given@1.").removeprefix("given."):
            feature.value.number if feature.value.WhichOneof("kind") == "number" else None
            for feature in answer.features}
    write(client, "given", {"session": ids}, *(
        shop.column(f"signal_{index}", "floats", [9.0] * 60) for index in range(shop.SIGNALS)))
    path = labels(tmp_path / "l.csv", ["session", "at"], rows)
    out = tmp_path / "rows.csv"
    counts = kassa.json("export", "given", "--labels", path, "--as-of", "at", "--out", str(out))
    assert set(counts["values"]) >= {"PRESENT", "STALE", "EXPIRED", "NULL", "DEFAULTED"}
    for row in table(out.read_text()):
        found = {
            name.removeprefix("given@1."): values_pb2.FloatVector(values=[float(text)]).values[0]
            if text else None for name, text in row.items() if name.startswith("given@1.")}
        assert found == pytest.approx(seen[row["session"]]), row


def test_several_sets_of_several_kinds_are_joined(kassa, client, tmp_path):
    client.apply(
        shop.feature_set("per_user", ["user"], shop.feature("a", "INT64"), history_ms=DAY_MS),
        shop.feature_set("per_pair", ["user", "item"], shop.feature("a", "INT64"), history_ms=DAY_MS))
    write(client, "per_user", {"user": ["u"]}, shop.column("a", "integers", [1]))
    write(client, "per_pair", {"user": ["u"], "item": ["i"]}, shop.column("a", "integers", [2]))
    text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
    time.sleep(1.1)
    path = labels(tmp_path / "l.csv", ["item", "uid", "t"], [("i", "u", text), ("j", "u", text)])
    result = kassa.run("export", "per_pair", "per_user@1", "--labels", path, "--as-of", "t",
                       "--key", "user=uid")
    assert result.stdout.splitlines() == [
        "item,uid,t,per_pair@1.a,per_user@1.a", f"i,u,{text},2,1", f"j,u,{text},,1"]


def test_an_export_needs_no_more_memory_for_more_rows(server, told, tmp_path):
    def peak(count):
        start = min(when for _, when, _ in told)
        path = labels(tmp_path / f"{count}.csv", ["session", "t"],
                      ((f"s,{row % 20}", start + row % 40 * MICROSECONDS) for row in range(count)))
        out = tmp_path / f"{count}.out.csv"
        process = subprocess.Popen(
            [binary(), "export", "cart", "--labels", path, "--as-of", "t", "--out", str(out),
             "--server", server.address], stderr=subprocess.PIPE, text=True)
        process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        assert process.returncode == 0
        with open(out, "rb") as file:
            assert sum(1 for _ in file) == count + 1
        return usage.ru_maxrss

    small = peak(4_000)
    assert peak(40_000) < small + (8 << 10), "kilobytes"


def test_what_cannot_be_joined_is_said_with_its_line(kassa, client, told, tmp_path):
    client.apply(shop.feature_set("forgetful", ["session"], shop.feature("a", "INT64")))
    at = now_us() - 60 * MICROSECONDS
    good = [("s,1", at, "x")] * 5
    header = ["session", "t", "label"]
    out = tmp_path / "rows.csv"

    def refused(code, *words, rows=good, sets=("cart",), header=header):
        path = labels(tmp_path / "l.csv", header, rows)
        message = kassa.refused(
            code, "export", *sets, "--labels", path, "--out", str(out), *words)
        assert list(tmp_path.glob("rows.csv*")) == []
        return message.replace(path, "l.csv")

    future = good + [("s,1", at + 7_200 * MICROSECONDS, "x")]
    assert refused(1, "--as-of", "t", rows=future) == (
        "INVALID_ARGUMENT: l.csv:7: as_of_us_each: is in the future")
    old = good[:2] + [("s,1", at - 2 * DAY_MS * 1_000, "x")]
    assert refused(1, "--as-of", "t", rows=old).startswith(
        "INVALID_ARGUMENT: l.csv:4: as_of_us_each: is before the history of cart")
    assert refused(1, "--as-of", "t", rows=[*good, ("", at, "x")]).startswith(
        "INVALID_ARGUMENT: l.csv:7: keys: ")
    assert refused(1, "--as-of", "t", rows=[*good, ("s,1", "noon", "x")]).startswith(
        "l.csv:7: t is not a time")
    assert refused(1, "--as-of", "t", rows=[*good, ("s,1", at)]) == (
        "l.csv:7: the record has 2 fields; the header has 3")
    assert refused(1, "--as-of", "when") == "l.csv has no column when; it has session, t, label"
    assert "no column who" in refused(1, "--as-of", "t", "--key", "session=who")
    assert "no feature set is keyed by user" in refused(2, "--as-of", "t", "--key", "user=label")
    assert "keeps no history" in refused(1, "--as-of", "t", sets=("forgetful",))
    assert "was given twice" in refused(2, "--as-of", "t", sets=("cart", "cart@1"))
    assert "there is no feature set" in refused(1, "--as-of", "t", sets=("nix",))


# The other commands.


def test_a_value_is_written_read_back_and_erased_from_the_command_line(kassa, client):
    client.apply(
        shop.feature_set("profile", ["customer"], shop.feature("a", "INT64"), history_ms=DAY_MS))
    row = ["-e", "customer=c-7"]
    kassa("write", "profile", *row, "a=1", "--event-time", str(now_us() - 60 * MICROSECONDS))
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 30))
    wrote = kassa.json("write", "profile", *row, "a=2", "--write-id", "m-1")
    assert wrote["applied"] == 1 and not wrote["repeated_answer"]
    assert kassa("read", "profile", *row).splitlines()[2].split()[:3] == ["a", "2", "PRESENT"]
    lines = kassa("read", "profile", *row, "--as-of", at).splitlines()
    assert lines[0] == f"profile@1 customer=c-7 as of {at}"
    assert lines[2].split()[:3] == ["a", "1", "PRESENT"]
    assert kassa.json("read", "profile", *row, "--as-of", at)["features"][0]["value"] == 1
    assert "history" in kassa.refused(1, "read", "profile", *row, "--as-of", "1000")
    assert "future" in kassa.refused(1, "read", "profile", *row, "--as-of", "9999-01-01T00:00:00Z")
    assert "--as-of must be a time" in kassa.refused(2, "read", "profile", *row, "--as-of", "noon")

    assert "say why" in kassa.refused(2, "erase", *row)
    lines = kassa("erase", *row, "--reason", "request 7").splitlines()
    assert lines[0] == "erased customer=c-7: 1 row, 2 rows of history"
    assert lines[2].split() == ["profile", "1", "2"]
    assert lines[3].startswith("until") and len(lines[4].split()[1]) == 64
    again = kassa.json("erase", *row, "--reason", "request 7")
    assert (again["rows"], again["erased"]) == (0, [])
    wrote = kassa("write", "profile", *row, "a=3", "--event-time", at)
    assert wrote.startswith("ignored as older than the erasure of the entity: profile@1")
    assert "entity.kind" in kassa.refused(1, "erase", "-e", "custmer=c", "--reason", "x")


def test_a_write_id_is_known_again(kassa, client):
    client.apply(shop.feature_set("once", ["session"], shop.feature("a", "INT64")))
    words = ["write", "once", "-e", "session=s", "--write-id", "w", "--event-time", str(now_us())]
    assert "first time" not in kassa(*words, "a=1")
    assert kassa(*words, "a=1").endswith("the answer of the first time\n")
    assert kassa.refused(1, *words, "a=2").startswith("ALREADY_EXISTS: write_id")


def test_a_version_is_dropped_from_the_command_line(kassa, client):
    client.apply(shop.feature_set("gone", ["session"], shop.feature("a", "INT64")))
    assert "only version left" in kassa.refused(1, "drop", "gone@1", "--reason", "x")
    client.apply(shop.feature_set("gone", ["session"], shop.feature("b", "INT64")))
    plan = kassa("drop", "gone@1", "--dry-run").splitlines()
    assert plan[0] == "- feature_set gone@1" and plan[-1].startswith("dry run: ")
    assert any("columns freed: a" in line for line in plan)
    assert "say why" in kassa.refused(2, "drop", "gone@1")
    assert kassa.refused(1, "drop", "gone@1", "--reason", "x", "--expected-epoch", "0").startswith(
        "ABORTED: ")
    dropped = kassa.json("drop", "gone@1", "--reason", "test")
    assert dropped["changed"] and dropped["plan"][0]["action"] == "remove"
    assert kassa.refused(1, "drop", "gone@1", "--reason", "x").startswith("NOT_FOUND: ")
