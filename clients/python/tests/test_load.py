# SPDX-License-Identifier: Apache-2.0
"""Bulk loads: files in constant memory, rejects, generations and their gates, servers that come and go.

KASSA_LOAD_ROWS sets the rows of the large files.
"""

import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pandas as pd
import pytest

import kassa

pa = pytest.importorskip("pyarrow")

ROWS = int(os.environ.get("KASSA_LOAD_ROWS", "200000"))
FEATURES = 5


def signals(name="signals"):
    return kassa.FeatureSet(
        name, ["session"], [kassa.Feature(f"signal_{i}", "float32") for i in range(FEATURES)])


def batch(start, end, value=None):
    rows = np.arange(start, end)
    cells = rows if value is None else np.full(len(rows), value)
    return pa.record_batch({
        "session": pa.array([f"s{row}" for row in rows]),
        **{f"signal_{i}": pa.array(cells, pa.float32()) for i in range(FEATURES)}})


def write_ipc(path, count, step=50_000, stream=False):
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    with make(str(path), batch(0, 1).schema) as writer:
        for start in range(0, count, step):
            writer.write_batch(batch(start, min(start + step, count)))
    return path


@pytest.fixture(scope="module")
def ready(client):
    client.apply(signals())
    return client


def stored(client, rows, name="signals"):
    found = client.read(name, {"session": [f"s{row}" for row in rows]})
    return found["signal_3"].tolist()


def test_a_large_arrow_file_is_loaded_whole_and_durably(ready, tmp_path):
    result = ready.load("signals", write_ipc(tmp_path / "rows.arrow", ROWS))
    assert (result.read, result.applied, result.rejected, result.generation) == (ROWS, ROWS, 0, 0)
    chosen = np.random.default_rng(1).choice(ROWS, 500, replace=False).tolist()
    assert stored(ready, chosen) == [float(np.float32(row)) for row in chosen]


@pytest.mark.parametrize("kind", [
    "frame", "indexed frame", "dict", "table", "reader", "batches", "ipc stream", "feather", "parquet"])
def test_every_source_brings_the_same_rows(ready, tmp_path, kind):
    count, shift = 23_456, {"frame": 1}.get(kind, 2)
    table = pa.Table.from_batches([batch(0, count, shift)])
    path = tmp_path / "rows"
    if kind == "frame":
        source = table.to_pandas()
    elif kind == "indexed frame":
        source = table.to_pandas().set_index("session")
    elif kind == "dict":
        source = table.to_pydict()
    elif kind == "table":
        source = table
    elif kind == "reader":
        source = table.to_reader(max_chunksize=777)
    elif kind == "batches":
        source = iter(table.to_batches(max_chunksize=20_000))
    elif kind == "ipc stream":
        with pa.ipc.new_stream(str(path), table.schema) as writer:
            writer.write_table(table)
        source = str(path)
    elif kind == "feather":
        import pyarrow.feather

        pyarrow.feather.write_feather(table, str(path))
        source = path
    else:
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, path)
        source = path
    result = ready.load("signals", source)
    assert (result.read, result.applied) == (count, count)
    assert stored(ready, [0, 9_999, 10_000, count - 1]) == [shift] * 4


def test_memory_stays_the_same_however_long_the_file(ready, server, tmp_path):
    script = textwrap.dedent("""
        import resource, sys, kassa
        with kassa.connect(sys.argv[1]) as client:
            client.load("signals", sys.argv[2])
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        """)
    peaks = []
    for count in (50_000, max(ROWS, 100_000) * 2):
        path = write_ipc(tmp_path / f"{count}.arrow", count, step=10_000)
        output = subprocess.run(
            [sys.executable, "-c", script, server.address, str(path)], capture_output=True, text=True,
            timeout=300, check=True).stdout
        peaks.append(int(output))
    assert peaks[1] < peaks[0] + 32 * 1024, peaks


def test_rows_that_do_not_fit_are_rejected_by_themselves(ready):
    frame = pd.DataFrame({
        "session": ["g1", "b1", "g2", "b2", None], "signal_0": [1.0, 1e39, 2.0, np.inf, 3.0],
        "signal_1": [1.0, 1.0, 2.0, 1.0, 3.0]})
    with pytest.raises(kassa.LoadError, match="2 rows were rejected, more than rejects_max=0"):
        ready.load("signals", frame)
    with pytest.raises(kassa.LoadError, match="3 rows were rejected, more than rejects_max=2"):
        ready.load("signals", frame, rejects_max=2)
    for limit in (3, None):
        result = ready.load("signals", frame, rejects_max=limit)
        assert (result.read, result.applied, result.rejected) == (5, 2, 3)
        assert {(problem.row, problem.field) for problem in result.rejects} == {
            (1, "signal_0"), (3, "signal_0"), (4, "session")}
    found = ready.read("signals", {"session": ["g1", "g2", "b1"]})
    assert found["signal_1"].tolist()[:2] == [1, 2] and np.isnan(found["signal_1"][2])


def test_a_row_is_numbered_from_the_beginning_of_the_source(ready):
    frame = batch(0, 25_000).to_pandas().astype({"signal_4": np.float64})
    frame.loc[[12_345, 24_999], "signal_4"] = [1e39, np.inf]
    result = ready.load("signals", frame, rejects_max=None)
    assert [problem.row for problem in result.rejects] == [12_345, 24_999]
    assert result.applied == 24_998


def test_a_source_without_rows_is_an_error_not_a_success(ready, tmp_path):
    for source in (batch(0, 1).to_pandas().head(0), write_ipc(tmp_path / "empty.arrow", 0),
                   pa.Table.from_batches([], batch(0, 1).schema), iter([batch(0, 1).slice(1)])):
        with pytest.raises(kassa.LoadError, match="no row to load"):
            ready.load("signals", source)
    with pytest.raises(kassa.FrameError, match="a int cannot be loaded"):
        ready.load("signals", 5)
    with pytest.raises(kassa.FrameError, match="has no feature other"):
        ready.load("signals", {"session": ["a"], "other": [1]})


def test_what_is_older_is_counted(ready):
    now = pd.Timestamp.now("UTC")
    frame = pd.DataFrame({"session": ["o1", "o2"], "signal_0": [1.0, 2.0], "when": [now, now]})
    assert ready.load("signals", frame, time="when").applied == 2
    frame["when"] = [now - pd.Timedelta("1s"), now + pd.Timedelta("1s")]
    result = ready.load("signals", frame, time="when")
    assert (result.applied, result.ignored_older) == (1, 1)


def test_a_generation_is_checked_and_switched(client):
    client.apply(signals("whole"))
    client.load("whole", [batch(0, 3_000)])
    loaded = client.load("whole", [batch(0, 3_000, 7)], generation=True)
    assert loaded.generation == 1 and not loaded.switched
    assert stored(client, [5], "whole") == [5]
    # All values are the same now: the distributions differ.
    assert loaded.check.verdict == "REFUSE"
    assert {gate.gate for gate in loaded.check.gates if not gate.passed} == {"psi"}
    with pytest.raises(kassa.FailedPreconditionError):
        client.switch_generation("whole", 1)
    client.switch_generation("whole", 1, force=True, reason="meant")
    assert stored(client, [5], "whole") == [7]
    client.rollback_generation("whole", reason="not meant")
    assert stored(client, [5], "whole") == [5]
    client.discard_generation("whole", 1, reason="done")
    loaded = client.load("whole", [batch(0, 3_100)], switch=True)
    assert loaded.switched and loaded.check.passed and loaded.check.rows == 3_100
    assert stored(client, [3_050], "whole") == [3_050]


def test_a_generation_that_does_not_pass_is_discarded(client):
    client.apply(signals("half"))
    client.load("half", [batch(0, 3_000)])
    with pytest.raises(kassa.GenerationRefusedError, match="row_change"):
        client.load("half", [batch(0, 1_000)], switch=True)
    assert stored(client, [5, 2_000], "half") == [5, 2_000]
    with pytest.raises(kassa.LoadError):
        client.load("half", {"session": ["a"], "signal_0": [1e39]}, generation=True)
    # Neither stands in the way of the next.
    assert client.load("half", [batch(0, 3_000)], switch=True).switched


def test_a_load_outlives_a_restart_of_the_server(start_server, tmp_path):
    server = start_server()
    # The same port again, as behind a name.
    with kassa.connect(server.address, retry=kassa.Retry(attempts=60, longest_pause=0.5)) as client:
        client.apply(signals())
        batches = [batch(start, start + 2_000) for start in range(0, 120_000, 2_000)]
        reached = threading.Event()

        def source():
            for number, one in enumerate(batches):
                if number == 20:
                    reached.set()
                    time.sleep(1)
                yield one

        results = []
        loading = threading.Thread(target=lambda: results.append(client.load("signals", source())))
        loading.start()
        assert reached.wait(60)
        server.kill()
        start_server(folder=server.folder, listen=server.address)
        loading.join(120)
        result, = results
        assert result.read == 120_000
        # What was written before the crash is as new as what is written again.
        assert result.applied + result.ignored_older == 120_000
        assert stored(client, [0, 39_999, 119_999]) == [0, 39_999, 119_999]


def test_loads_are_measured(ready, capsys):
    count = 100_000
    table = pa.Table.from_batches([batch(0, count)])
    begun = time.process_time(), time.monotonic()
    result = ready.load("signals", table)
    assert result.applied == count
    with capsys.disabled():
        print(f"\n{count / result.seconds:,.0f} rows/s of {FEATURES} float32 from Arrow, "
              f"{(time.process_time() - begun[0]) / count * 1e6:.1f} us of CPU a row in Python;", end=" ")
