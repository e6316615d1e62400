# SPDX-License-Identifier: Apache-2.0
"""The demo, small: what it shows and measures is true, and it fails when something is wrong."""

import os
import pathlib
import re
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
