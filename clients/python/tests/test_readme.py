# SPDX-License-Identifier: Apache-2.0
"""The README's path from a DataFrame to a live score and on to its successor is executed as it stands."""

import pathlib
import re

README = pathlib.Path(__file__).resolve().parents[1] / "README.md"


def test_the_readme_runs_from_a_dataframe_to_a_promoted_second_model(server, monkeypatch, capsys):
    monkeypatch.setenv("KASSA_SERVER", server.address)
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 5
    names = {}
    for block in blocks[:1]:
        exec(compile(block, str(README), "exec"), names)
    rows, model, answer = names["rows"], names["model"], names["answer"]
    # What is served is what the trained object says of the same row.
    place = rows.index[rows["session"] == "s-81"]
    official = model.predict_proba(rows.loc[place, ["items", "value", "device"]])[0, 1]
    assert abs(answer.score - official) <= 1e-6
    assert answer.model == "abandonment@1" and 0 < answer.score < 1
    assert "golden rows agree" in capsys.readouterr().out

    exec(compile(blocks[1], str(README), "exec"), names)
    # Each session was scored by the model of its slot.
    scores = names["scores"].set_index(names["carts"]["session"])
    rows = rows.set_index("session")
    for slot, trained, name in (("STABLE", model, "abandonment@1"), ("CANARY", names["newer"], "abandonment@2")):
        there = scores[scores["slot"] == slot]
        assert set(there["model"]) == {name}
        official = trained.predict_proba(rows.loc[there.index, ["items", "value", "device"]])[:, 1]
        assert abs(there["score"].to_numpy() - official).max() <= 1e-6
    assert 0.03 < (scores["slot"] == "CANARY").mean() < 0.07
    assert names["status"].weight_percent == 5
    assert names["status"].guard.policy.flip_rate_max == 0.1
    assert names["done"].stable == "abandonment@2"
    for block in blocks[2:]:
        exec(compile(block, str(README), "exec"), names)
    assert names["event"].status == names["done"]
    out = capsys.readouterr().out
    assert "CANARY 5.0 abandonment@2 beside abandonment@1" in out and "PROMOTED None" in out
    assert names["report"].scorer == "cart_abandonment" and "nothing ()" in out
    assert "{'ACCEPTED': 5000}" in out and "('DUPLICATE', 'DUPLICATE', 'DUPLICATE')" in out
