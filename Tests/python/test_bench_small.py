# SPDX-License-Identifier: Apache-2.0
"""The benches run whole, with little data, so that none of them rots."""

import datetime
import json
import math
import pathlib
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / ".build" / "release" / "Bench"

LATENCY_CASES = {
    "unloaded, client sleeps",
    "unloaded, client spins",
    "open loop 10k/s, 4 connections",
}
THROUGHPUT_CASES = {
    f"closed loop, c{connections} m{streams}" for connections in (1, 4, 16) for streams in (1, 10, 100)
}
H2LOAD_CASES = {f"h2load, one entity, c16 m{streams}" for streams in (1, 10, 100)}


DEMO = ["--demo", ROOT / "Sources" / "Demo" / "Configuration"]


@pytest.mark.parametrize("target, options", [("score", []), ("score-demo", DEMO)])
def test_the_score_bench_measures_every_case_without_errors(tmp_path, target, options):
    output = tmp_path / "results" / "score.json"
    command = [BENCH, "score", "--small", "--commit", "abc", "--output", output, *options]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(output.read_text())
    assert set(result) == {"target", "commit", "date", "cpu", "machine", "rows"}
    assert result["cpu"] and result["machine"].startswith(result["cpu"])
    assert (result["target"], result["commit"]) == (target, "abc")

    by_case = {}
    for row in result["rows"]:
        assert set(row) == {
            "case", "metric", "unit", "ours", "peer", "peer_name", "ratio", "spread", "rounds",
        }
        if row["peer_name"] == "nghttpd":
            by_case.setdefault(row["case"], {})[row["metric"]] = row
        for side in ("ours", "peer"):
            low, high = row["spread"][side]
            assert low <= row[side] <= high
        if row["ratio"] is not None:
            ours, peer = row["ours"], row["peer"]
            better = peer / ours if row["unit"].startswith("us") else ours / peer
            assert math.isclose(row["ratio"], better, rel_tol=0.05, abs_tol=0.01), row
    assert set(by_case) == LATENCY_CASES | THROUGHPUT_CASES | H2LOAD_CASES

    for case in LATENCY_CASES:
        for side in ("ours", "peer"):
            quantiles = [by_case[case][name][side] for name in ("p50", "p90", "p99", "p99.9", "max")]
            assert 0 < quantiles[0] and quantiles == sorted(quantiles), (case, quantiles)
    for case in THROUGHPUT_CASES:
        assert {"throughput", "p50", "p99"} <= set(by_case[case])


def test_the_bench_of_guards_measures_every_mode_and_sees_what_it_measures(tmp_path):
    output = tmp_path / "guards.json"
    began = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    # Long enough for a few turns of the budget, and entities for more than the guard's first pairs.
    run = subprocess.run(
        [BENCH, "guards", "--small", "--entities", "5000", "--output", output],
        capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(output.read_text())
    assert_checked_out(result["commit"])
    date = datetime.datetime.fromisoformat(result["date"])
    assert began <= date <= datetime.datetime.now(datetime.timezone.utc)
    rows = result["rows"]
    found = {(row["case"], row["metric"]): row for row in rows}
    loads = ("c4 m10", "c16 m100", "open loop 10k/s")
    for mode in ("shadow", "canary 50 %", "canary 5 %"):
        for load in loads:
            case = f"{mode}, {load}"
            metrics = {"p50", "p99", "server CPU", "guard CPU", "weighed", "dropped", "pairs"}
            if load != loads[2]:
                metrics |= {"throughput", "CPU more"}
            assert {metric for name, metric in found if name == case} == metrics
            weighed, pairs = (found[case, metric]["ours"] for metric in ("weighed", "pairs"))
            assert 0 < pairs <= weighed <= 100.5, case
            assert found[case, "guard CPU"]["ours"] > 0
            # Both sides are of one round, so the ratio of rounds is the ratio.
            row = found[case, "p50"]
            assert row["spread"]["ratio"] == [row["ratio"]] * 2
    # Two measurements of the same: what a ratio is worth.
    again = {metric for name, metric in found if name == "no rollout again, c4 m10"}
    assert {"throughput", "p50", "p99"} <= again and "pairs" not in again
    swaps = "Score 5k/s, 20 swaps/s"
    assert {"p50", "p99", "p99.9", "swaps"} == {metric for name, metric in found if name == swaps}
    assert found[swaps, "swaps"]["ours"] > 0
    row = found[swaps, "p99"]
    (least, most), (low, high) = row["spread"]["ratio"], row["rounds"]["quartiles"]
    assert row["rounds"]["count"] == 8
    assert least <= low <= row["rounds"]["ratio"] <= high <= most
    rollbacks = "rollbacks, Score 5k/s"
    count = found[rollbacks, "rollbacks"]["ours"]
    assert count >= 1 and found[rollbacks, "last bad"]["rounds"]["count"] == count
    assert 0 <= found[rollbacks, "last bad"]["ours"] <= found[rollbacks, "last bad p99"]["ours"]
    assert "the last bad answer comes" in run.stdout


def assert_checked_out(commit):
    """The hash of HEAD, and whether files differ from it."""
    def git(*words):
        return subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    assert commit == git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain") else "")


def test_what_guards_cost_is_measured_without_a_network():
    run = subprocess.run(
        [BENCH, "guard-cost", "--rounds", "2", "--scores", "2000", "--per-second", "20000"],
        capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert [line["mode"] for line in lines] == ["no rollout", "shadow", "canary 50 %", "canary 5 %"]
    for line in lines:
        assert 0 < line["ns"][1] <= line["ns"][0] <= line["ns"][2]
        if line["mode"] == "no rollout":
            assert line["weighed"][0] == 0
        else:
            # At 20,000 a second all are watched, unless a busy machine makes that longer.
            assert 0.5 < line["weighed"][0] <= 1.01


def test_a_server_that_does_not_answer_fails_the_bench(tmp_path):
    command = [BENCH, "score", "--small", "--server", "/bin/false", "--output", tmp_path / "x.json"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "did not start" in run.stdout
    assert not (tmp_path / "x.json").exists()


def test_a_load_with_errors_fails(tmp_path):
    (tmp_path / "reply").write_text("x" * 100)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = subprocess.Popen(
        ["nghttpd", "--no-tls", "-d", tmp_path, str(port)], stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        assert load(port, "get", "/reply").returncode == 0
        missing = load(port, "get", "/missing")
        assert missing.returncode == 1 and "unimplemented" in missing.stdout
        # A web page is no gRPC reply, although its HTTP status is 200.
        page = load(port, "grpc", "/reply")
        assert page.returncode == 1, page.stdout
    finally:
        server.terminate()
        server.wait(timeout=10)


def load(port, kind, path):
    command = [BENCH, "load", str(port), kind, path, "2", "5", "0", "0.2"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def wait_for(port):
    for _ in range(500):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError("nghttpd did not start")
