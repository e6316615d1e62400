# SPDX-License-Identifier: Apache-2.0
"""The README's path from a DataFrame to a live score is executed as it stands."""

import pathlib
import re

README = pathlib.Path(__file__).resolve().parents[1] / "README.md"


def test_the_readme_runs_from_a_dataframe_to_a_live_score(server, monkeypatch, capsys):
    monkeypatch.setenv("KASSA_SERVER", server.address)
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 1
    names = {}
    exec(compile(blocks[0], str(README), "exec"), names)
    rows, model, answer = names["rows"], names["model"], names["answer"]
    # What is served is what the trained object says of the same row.
    place = rows.index[rows["session"] == "s-81"]
    official = model.predict_proba(rows.loc[place, ["items", "value", "device"]])[0, 1]
    assert abs(answer.score - official) <= 1e-6
    assert answer.model == "abandonment@1" and 0 < answer.score < 1
    assert "golden rows agree" in capsys.readouterr().out
