# SPDX-License-Identifier: Apache-2.0
"""A warm server answers Scores and Reads without a single call of malloc or its kin."""

import json
import pathlib
import struct
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / ".build" / "release" / "Bench"
SOURCE = ROOT / "Tests" / "allocations" / "count.c"


@pytest.fixture(scope="module")
def interposer(tmp_path_factory):
    library = tmp_path_factory.mktemp("allocations") / "libcount.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", library, SOURCE],
        check=True,
    )
    return library


def count(interposer, *options):
    command = [BENCH, "allocations", interposer, *options]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout.splitlines()[0]), run.stdout


# A Score, one while a canary answers half or all of them, one after a promotion, one that is recorded, one while
# features are watched, one where STABLE lacks all features, Reads of one row, and of many.
CALLS = {"score": [], "canary": ["--canary", "50"], "whole": ["--canary", "100"],
         "aftercare": ["--aftercare", "50"], "record": ["--record", "1"], "read": ["--reads", "1"],
         "causes": ["--canary", "50", "--stable-lacks", "1"],
         "drift": ["--canary", "50", "--drift", "100"],
         "read 100": ["--reads", "100", "--calls", "5000"]}


@pytest.mark.parametrize("call", CALLS)
def test_a_warm_server_answers_without_allocating(interposer, call):
    result, _ = count(interposer, *CALLS[call])
    assert result["calls"] == (5_000 if call == "read 100" else 100_000)
    # The server started, took a model in and loaded rows: a counter that sees nothing is broken.
    assert result["allocations_before"] > 100
    if call == "drift":
        assert result["drift_windows"] > 1
    if call == "causes":
        # Of each of the 32 features that STABLE lacks the guard was told.
        assert result["causes"] == 32
    allocations = result["allocations"]
    if sum(allocations.values()) > 0:
        _, stacks = count(interposer, *CALLS[call], "--trace", "5")
        pytest.fail(f"{allocations} in {result['calls']} calls, for example\n{stacks}")


@pytest.mark.parametrize("call", ["score", "read"])
def test_the_first_calls_of_a_connection_are_seen_to_allocate(interposer, call):
    """The other half of the proof: the same counter counts where there is something to count."""
    result, _ = count(interposer, *CALLS[call], "--warm-up", "1", "--calls", "100")
    assert sum(result["allocations"].values()) > 0


def test_evidence_is_weighed_without_allocating(interposer, tmp_path):
    """As many allocations for 100,000 observations of every kind as for 100: those of the start."""
    program = ROOT / ".build" / "release" / "RolloutSimulations"
    totals = []
    for observations in (100, 100_000):
        counts = tmp_path / f"counts-{observations}"
        subprocess.run(
            [program, "observe", str(observations)],
            env={"LD_PRELOAD": str(interposer), "KASSA_ALLOCATION_COUNTS": str(counts)},
            check=True,
            capture_output=True,
            timeout=120,
        )
        totals.append(sum(struct.unpack("<6Q", counts.read_bytes()[:48])))
    # The filters and the arrays of a rollout are counted; otherwise nothing was.
    assert totals[0] > 10
    assert totals[1] == totals[0]
