# SPDX-License-Identifier: Apache-2.0
"""The demo, small: what it shows and measures is true, and it fails when something is wrong."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

from kassa_process import ROOT, binary


def demo(*words, **more):
    """Runs the Demo beside the kassa under test."""
    program = pathlib.Path(binary()).parent / "Demo"
    assert program.exists(), f"no {program}: make release"
    return subprocess.run(
        [program, *words], capture_output=True, text=True, cwd=ROOT, timeout=120, **more)


def test_a_small_demo_is_good(tmp_path):
    result = demo(
        "run", "--sessions", "400", "--kassa", binary(),
        env={**os.environ, "TMPDIR": str(tmp_path)})
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr
    text = result.stdout
    assert "$ kassa serve" in text and "$ kassa model upload" in text
    assert "epoch 1 → 2" in text and "\nstopped\n" in text
    assert re.search(r"  sessions +400\n", text)
    assert 0.75 <= float(re.search(r"AUC +(\d\.\d+)", text)[1]) <= 1
    # Ten deciles; what was said and what came agree, roughly, at either end.
    deciles = re.findall(r"^ +\d+ +(\d+) % +(\d+) % +\d+ ", text, re.MULTILINE)
    assert len(deciles) == 10
    assert int(deciles[0][1]) < 60 < int(deciles[9][1])
    assert re.search(r"scores per second +\d+ +p50 \d", text)
    assert re.search(r"likely to leave$", text, re.MULTILINE)
    assert all(len(line) <= 100 for line in text.splitlines() if not line.startswith("$"))
    assert list(tmp_path.iterdir()) == [], "the folder is gone"
    assert_the_story(text)


def number(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    assert found, pattern
    return float(found[1].replace(" ", ""))


def assert_the_story(text):
    """A shadow that answers nobody, a canary that goes through, one that goes, and the records."""
    first, shadow, canary, bad, record = re.split("\n── (?=[AT])", text)
    rows = re.findall(r"^  shadow +0 +(\d[\d ]*?)  ", shadow, re.MULTILINE)
    assert rows, shadow
    assert 0 < number(r"^  scores differ by +([\d.]+)", shadow) < 0.1
    flips, pairs = re.search(r"decided differently +([\d ]+)   of ([\d ]+?) scored", shadow).groups()
    assert int(pairs.replace(" ", "")) >= 2_000
    assert 0 < int(flips) < 0.06 * int(pairs.replace(" ", ""))
    stable, candidate = (
        number(rf"^  Brier score of {slot} +([\d.]+)", shadow) for slot in ("STABLE", "SHADOW"))
    assert 0.05 < stable < 0.25 and 0.05 < candidate < 0.25

    steps = re.findall(r"the guard: (\d+ %) → (\S+(?: %)?)$", canary, re.MULTILINE)
    assert steps == [("5 %", "25 %"), ("25 %", "100 %"), ("100 %", "STABLE")]
    # One row of evidence at least in each step; the weight only rises.
    weights = [int(one) for one in re.findall(
        r"^  (\d+) % +\d[\d ]*(?: +[-\d.]+)+$", canary, re.MULTILINE)]
    assert set(weights) == {5, 25, 100} and weights == sorted(weights)
    assert number(r"answers of abandonment@2 +([\d ]+)$", canary) > 1_000
    assert number(r"outcomes reported +([\d ]+)  ", canary) > 1_000

    assert "rolled back, by the server itself" in bad
    assert "decision_flips:" in bad and "\nreplayed: agrees\n" in bad
    assert re.search(r"^guard: ROLLBACK, log evidence [\d.]+ ", bad, re.MULTILINE)
    answers = number(r"^  of them by the bad model +([\d ]+)$", bad)
    assert answers < 0.2 * number(r"^  answers until this was seen +([\d ]+)$", bad)
    assert number(r"^  its last answer +([\d ]+) µs", bad) < 1_000_000
    assert "its bundle is quarantined" in re.sub(r"\s+", " ", bad)
    assert re.search(r"^\d+ records linked, none broken$", record, re.MULTILINE)
    assert "carried out again from their records, agree" in record
    # Nothing of the story is wider than a narrow terminal, but a digest.
    assert all(len(line) <= 80 for line in (shadow + canary + bad + record).splitlines()
               if "sha256" not in line and not line.startswith("$"))


def test_a_bad_canary_that_is_not_rolled_back_fails_the_demo(tmp_path):
    """The third model is the second one under another digest: it goes through."""
    folder = tmp_path / "configuration"
    shutil.copytree(ROOT / "Sources/Demo/Configuration", folder)
    document = (folder / "retrained.model.yaml").read_text().replace("version: 2", "version: 3")
    # A default that no row needs.
    name = "session_behaviour@1.pages_viewed"
    (folder / "swapped.model.yaml").write_text(
        document.replace(f"- {name}", f"- {{feature: {name}, default: 1}}"))
    result = demo(
        "run", "--sessions", "60", "--kassa", binary(), "--configuration", str(folder),
        env={**os.environ, "TMPDIR": str(tmp_path)})
    assert result.returncode == 1, result.stdout[-2000:]
    assert "Demo: the bad canary was not rolled back: PHASE_PROMOTED" in result.stderr
    assert "none broken" not in result.stdout
    assert list(tmp_path.iterdir()) == [folder]


def test_a_good_canary_that_is_rolled_back_fails_the_demo(tmp_path):
    """The retrained model is the mistaken one: even as a shadow it does not last."""
    folder = tmp_path / "configuration"
    shutil.copytree(ROOT / "Sources/Demo/Configuration", folder)
    document = (folder / "swapped.model.yaml").read_text()
    (folder / "retrained.model.yaml").write_text(document.replace("version: 3", "version: 2"))
    result = demo(
        "run", "--sessions", "60", "--kassa", binary(), "--configuration", str(folder),
        env={**os.environ, "TMPDIR": str(tmp_path)})
    assert result.returncode == 1, result.stdout[-2000:]
    assert "Demo: the shadow has not stayed one: PHASE_ROLLED_BACK" in result.stderr
    assert list(tmp_path.iterdir()) == [folder]


def test_the_same_seed_gives_the_same_scores():
    def told():
        result = demo("run", "--sessions", "60", "--seed", "5", "--kassa", binary())
        return re.findall(r"^\d\d:\d\d:\d\d .*$", result.stdout, re.MULTILINE)

    first = told()
    assert len(first) > 20
    assert told() == first


def test_a_server_that_does_not_start_fails_the_demo(tmp_path):
    result = demo(
        "run", "--kassa", "/bin/false", env={**os.environ, "TMPDIR": str(tmp_path)})
    assert result.returncode == 1
    assert "Demo: the server has not started; exit code 1" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(tmp_path):
    program = pathlib.Path(binary()).parent / "Demo"
    # A group of its own, as a terminal's foreground job is.
    process = subprocess.Popen(
        [program, "run", "--sessions", "20000", "--kassa", binary()], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path)})
    for line in process.stdout:
        if "likely to leave" in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    # The server drains meanwhile: a call is refused, or the connection is gone.
    assert "Demo: " in errors, errors
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_a_wrong_word_shows_the_usage():
    result = demo("fly")
    assert result.returncode == 2
    assert "there is no command 'fly'" in result.stderr and "usage: Demo" in result.stderr
