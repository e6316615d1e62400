# SPDX-License-Identifier: Apache-2.0
"""The bench of the feature store runs whole, with little data, so that it does not rot."""

import json
import math
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / ".build" / "release" / "Bench"
RAW = ROOT / ".build" / "release" / "RawLMDB"

READS = {f"Read of one row, {shape}" for shape in ("c1 m1", "c4 m10")}
WRITES = {f"{method} {durability}, batch {batch}" for method in ("Write", "WriteStream")
          for durability in ("DURABLE", "FAST") for batch in (1, 100, 1000)}
GRID = {f"Read of {features} features, batch {batch}"
        for features in (50, 250) for batch in (1, 100)} | {"Read of 1000 keys x 10 float32"}
LOADS = {"load an empty store, one client", "kassa load, CSV", "kassa load --generation, CSV"}
BESIDE_RAW = READS | WRITES | GRID | LOADS | {
    "bytes of a row, pages in use", "bytes of a row of a generation",
}


def test_the_store_bench_measures_every_case_without_errors(tmp_path):
    output = tmp_path / "results" / "store.json"
    command = [BENCH, "store", "--small", "--commit", "abc", "--output", output]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(output.read_text())
    assert set(result) == {"target", "commit", "date", "cpu", "machine", "rows"}
    assert (result["target"], result["commit"]) == ("store", "abc")

    cases = {}
    for row in result["rows"]:
        assert set(row) == {
            "case", "metric", "unit", "ours", "peer", "peer_name", "ratio", "spread",
            "rounds",
        }
        cases.setdefault(row["peer_name"], {})[row["case"], row["metric"]] = row
        low, high = row["spread"]["ours"]
        assert low <= row["ours"] <= high
        if row["ratio"] is not None and row["ours"] > 1 and row["peer"] > 1:
            ours, peer = row["ours"], row["peer"]
            is_cost = row["unit"].startswith("us") or row["unit"] == "B"
            better = peer / ours if is_cost else ours / peer
            assert math.isclose(row["ratio"], better, rel_tol=0.05, abs_tol=0.01), row

    raw = cases["raw LMDB"]
    assert {case for case, _ in raw} == BESIDE_RAW
    for case in READS | WRITES | LOADS:
        assert raw[case, "throughput"]["ours"] > 0 and raw[case, "throughput"]["peer"] > 0
    for case in READS | GRID:
        for side in ("ours", "peer"):
            assert 0 < raw[case, "p50"][side] <= raw[case, "p99"][side]
    for case in WRITES:
        # The peer commits as many rows at once as the server did.
        group = raw[case, "group"]
        assert group["ours"] >= int(case.rsplit(" ", 1)[1]) * 0.5
        assert math.isclose(group["ours"], group["peer"], abs_tol=0.51)

    # A row has 32 values, so it cannot take less than they do.
    assert cases["packed"]["bytes of a row, pages in use", "size"]["ours"] > 128
    # A generation's pages are full, so it takes what LMDB's own appending takes.
    loaded = raw["bytes of a row of a generation", "size"]
    assert math.isclose(loaded["ours"], loaded["peer"], rel_tol=0.05)
    assert 128 < loaded["ours"] <= 1.6 * cases["packed"][
        "bytes of a row of a generation", "size"]["peer"]
    assert raw["kassa load --generation, CSV", "writer's CPU"]["ours"] > 0
    score = cases["Score alone"]
    assert score["Score 5k/s, a client writes", "p99"]["ratio"] > 0
    assert score["Score 5k/s, a client writes", "rows written"]["ours"] > 0
    assert {case for case, _ in cases["Score"]} == READS
    large = cases["murr, recorded"]["Read of 1000 keys x 10 float32", "p50"]
    assert large["peer"] == 268


def test_a_peer_that_fails_fails_the_bench(tmp_path):
    command = [BENCH, "store", "--small", "--peer", "/bin/false", "--output", tmp_path / "x.json"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "RawLMDB fill" in run.stdout
    assert not (tmp_path / "x.json").exists()


def test_the_peer_reads_and_overwrites_what_it_filled(tmp_path):
    def raw(*words):
        run = subprocess.run([RAW, tmp_path, *words], capture_output=True, text=True, timeout=60)
        values = dict(line.split(" ") for line in run.stdout.splitlines())
        return run.returncode, {name: float(value) for name, value in values.items()}

    code, filled = raw("fill", "2000", "160")
    assert code == 0 and filled["rate"] > 0 and filled["bytes"] > 2000 * 176
    code, read = raw("get", "2000", "5", "0.05")
    assert code == 0 and 0 < read["p50"] <= read["p99"]
    assert raw("put", "2000", "160", "10", "0.05", "durable")[0] == 0
    # There are no more rows than were filled.
    assert raw("get", "20000000", "100", "0.05")[0] == 1
    assert raw("put", "2000", "5000", "10", "0.05", "fast")[0] == 2
