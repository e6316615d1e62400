# SPDX-License-Identifier: Apache-2.0
"""The command line against a real server: what people see, what programs read, exit codes."""

import contextlib
import fcntl
import json
import os
import pty
import re
import socket
import struct
import subprocess
import termios

import pytest

from kassa_process import ROOT, binary

SHOP = ROOT / "Sources/Demo/Configuration"


class Kassa:
    """Runs `kassa` with a server in its environment."""

    def __init__(self, address):
        self.address = address

    def run(self, *words, cwd=SHOP, server=None):
        environment = {**os.environ, "KASSA_SERVER": server or self.address, "USER": "tester"}
        return subprocess.run(
            [binary(), *words], capture_output=True, text=True, cwd=cwd, env=environment,
            timeout=60)

    def __call__(self, *words, **more):
        """The output of a command that succeeds."""
        result = self.run(*words, **more)
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        return result.stdout

    def json(self, *words):
        return json.loads(self(*words, "--json"))

    def refused(self, code, *words, **more):
        """The words of a command that fails with `code`; nothing is printed as an answer."""
        result = self.run(*words, **more)
        assert result.returncode == code, result.stdout + result.stderr
        assert result.stdout == ""
        assert result.stderr.startswith("kassa: ")
        return result.stderr.removeprefix("kassa: ").rstrip("\n")


@pytest.fixture(scope="module")
def kassa(server):
    """A server with the demo's shop: two feature sets, a model, a scorer."""
    kassa = Kassa(server.address)
    kassa("apply", "-f", "checkout.yaml")
    kassa("model", "upload", "abandonment.model.yaml")
    kassa("apply", "-f", "scorer.yaml", "--reason", "first model")
    return kassa


# A first session, from nothing.


def test_a_first_session_says_what_happens(start_server):
    kassa = Kassa(start_server().address)
    assert kassa("list") == (
        "nothing there yet: `kassa apply -f FILE` puts feature sets in force\n")
    plan = kassa("apply", "-f", "checkout.yaml", "--dry-run").splitlines()
    assert plan[0] == "+ feature_set session_behaviour@1"
    assert "    feature cart_value added (float32)" in plan
    assert "+ feature_set customer_profile@1" in plan
    assert plan[-1] == "dry run: nothing was changed; epoch 0"
    assert kassa("apply", "-f", "checkout.yaml").splitlines()[-1] == "epoch 0 → 1"
    assert kassa("apply", "-f", "checkout.yaml").splitlines() == [
        "= feature_set session_behaviour@1 unchanged",
        "= feature_set customer_profile@1 unchanged",
        "nothing to change; epoch 1"]
    upload = kassa("model", "upload", "abandonment.model.yaml").splitlines()
    assert upload[0] == "+ model abandonment@1"
    assert re.fullmatch(
        r"    binary:logistic, \d+ trees of depth \d+, \d+ nodes, 27 inputs", upload[1])
    again = kassa("model", "upload", "abandonment.model.yaml").splitlines()
    assert again[0] == "= model abandonment@1 already there"
    assert kassa("apply", "-f", "scorer.yaml").splitlines() == [
        "+ scorer cart_abandonment", "    model abandonment@1 in slot STABLE", "epoch 1 → 2"]


def test_documents_of_several_files_are_one_epoch(start_server, tmp_path):
    kassa = Kassa(start_server().address)
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(
            f"kind: feature_set\nname: {name}\nentity: [session]\n"
            "features: [{name: x, type: int64}]\n")
    plan = kassa.json("apply", "-f", str(tmp_path / "a.yaml"), "-f", str(tmp_path / "b.yaml"))
    assert [entry["name"] for entry in plan["plan"]] == ["a@1", "b@1"]
    assert plan["epoch"] == 1 and plan["changed"] is True and plan["dry_run"] is False


def test_one_bad_document_keeps_all_out_and_is_named(start_server, tmp_path):
    kassa = Kassa(start_server().address)
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(
        "kind: feature_set\nname: good\nentity: [session]\n"
        "features: [{name: x, type: int64}]\n")
    bad.write_text("kind: scorer\nname: lost\nmodel: nowhere@1\n")
    words = kassa.refused(1, "apply", "-f", str(good), "-f", str(bad))
    assert words.startswith(f"FAILED_PRECONDITION: {bad}: scorer lost: model: ")
    assert "kassa model upload" in words
    assert kassa.json("list") == []


# What is there.


def test_everything_is_listed_in_columns(kassa):
    lines = kassa("list").splitlines()
    assert lines[0].split() == ["KIND", "NAME", "WHAT", "OWNER"]
    column = lines[0].index("WHAT")
    rows = {line.split()[1]: line[column:].strip() for line in lines[1:]}
    assert rows["session_behaviour@1"].startswith("22 features by session")
    assert rows["cart_abandonment"].startswith("abandonment@1")
    assert rows["abandonment@1"].startswith("120 trees, 27 inputs")
    assert all(line[column - 1] == " " for line in lines)
    assert kassa("list", "scorers").splitlines()[1:] == [
        line for line in kassa("list", "scorer").splitlines()[1:]]


def test_a_document_that_is_printed_can_be_applied_again(kassa, tmp_path):
    for kind, name in (("feature_set", "session_behaviour"), ("scorer", "cart_abandonment")):
        path = tmp_path / "again.yaml"
        path.write_text(kassa("get", kind, name))
        assert kassa("apply", "-f", str(path)).splitlines()[-1].startswith("nothing to change")


def test_documents_are_json_too(kassa):
    document = json.loads(kassa("get", "feature_set", "customer_profile@1", "-o", "json"))
    assert document["kind"] == "feature_set" and document["ttl"] == "730d"
    assert [feature["name"] for feature in document["features"]][:2] == [
        "orders", "average_basket"]
    assert document == kassa.json("get", "feature_set", "customer_profile")


def test_a_model_is_shown_with_who_serves_it(kassa):
    model = kassa.json("model", "get", "abandonment")
    assert model["name"] == "abandonment" and model["version"] == 1
    assert model["scorers"] == ["cart_abandonment"]
    assert model["inputs"][0] == "session_behaviour@1.pages_viewed"
    assert model["trees"] == 120 and model["objective"] == "binary:logistic"
    assert "abandonment@1" in kassa("model", "list")
    assert kassa.json("model", "list")[0]["sha256"] == model["sha256"]


def test_a_bundle_is_shown_with_what_it_costs(kassa, tmp_path):
    model = kassa.json("model", "get", "abandonment")
    assert model["served"] is True and "defect" not in model
    assert model["has_contributions"] is True and 0 < model["row_us"] < 5_000
    assert model["golden_rows"] == 64
    assert "golden_rows" not in kassa.json("model", "list")[0]


def test_a_bundle_is_uploaded_with_all_that_its_file_names(kassa, tmp_path):
    text = (SHOP / "abandonment.model.yaml").read_text()
    for name in ("abandonment.json", "abandonment.golden.jsonl"):
        text = text.replace(f": {name}\n", f": {SHOP}/{name}\n")
    text = text.replace("name: abandonment\n", "name: whole\n")
    text = text.replace("inputs:\n", (
        "histograms: training.jsonl\ntraining_run_id: run 7\n"
        "output: {kind: probability, calibration: {isotonic: {x: [0, 1], y: [0, 1]}}}\ninputs:\n"))
    (tmp_path / "whole.yaml").write_text(text)
    histograms = [
        {"input": 6, "n": 5, "edges": [0, 10, 50.5], "counts": [2, 2], "missing": 1},
        {"input": 18, "n": 3, "categories": ["mobile"], "category_counts": [2], "unseen": 1},
        {"input": "score", "n": 4, "edges": [0, 0.5, 1], "counts": [3, 1]}]
    (tmp_path / "training.jsonl").write_text("\n".join(map(json.dumps, histograms)))
    assert kassa("model", "upload", str(tmp_path / "whole.yaml")).startswith("+ model whole@1\n")
    model = kassa.json("model", "get", "whole")
    assert model["output"]["calibration"] == {"isotonic": {"x": [0, 1], "y": [0, 1]}}
    assert model["training_run_id"] == "run 7"
    assert [each["input"] for each in model["histograms"]] == [6, 18]
    assert model["histograms"][0]["edges"] == [0, 10, 50.5]
    assert model["histograms"][0]["counts"] == [2, 2] and model["histograms"][0]["missing"] == 1
    assert model["histograms"][1]["categories"] == ["mobile"]
    assert model["score_histogram"]["counts"] == [3, 1]

    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text('{"values": {"cart_items": 3}, "score": 0.5}\n{"values": 1}\n')
    words = kassa.refused(1, "model", "upload", str(tmp_path / "whole.yaml"), "--golden", str(wrong))
    assert words == f"{wrong}:2:12: values: expected a mapping"
    wrong.write_text('{"values": {"cart_items": 3}, "score": 0.5}\n')
    (tmp_path / "whole.yaml").write_text(text.replace("name: whole\n", "name: off\n"))
    words = kassa.refused(1, "model", "upload", str(tmp_path / "whole.yaml"), "--golden", str(wrong))
    assert words.startswith("INVALID_ARGUMENT: spec.golden[0].score: the model gives 0.")


def test_a_model_that_is_served_stays_and_another_can_go(kassa, tmp_path):
    words = kassa.refused(1, "model", "delete", "abandonment@1", "--reason", "test")
    assert words.startswith("FAILED_PRECONDITION: ") and "cart_abandonment" in words
    assert "say why" in kassa.refused(2, "model", "delete", "abandonment@1")
    copy = tmp_path / "copy.model.yaml"
    text = (SHOP / "abandonment.model.yaml").read_text()
    copy.write_text(
        text.replace("name: abandonment\n", "name: spare\n")
        .replace("artefact: abandonment.json", f"artefact: {SHOP}/abandonment.json"))
    golden = str(SHOP / "abandonment.golden.jsonl")
    spare = kassa.json("model", "upload", str(copy), "--golden", golden)
    assert spare["model"] == "spare@1"
    assert kassa("model", "delete", "spare@1", "--reason", "test") == "deleted spare@1\n"
    assert kassa.refused(1, "model", "get", "spare").startswith("NOT_FOUND: ")


# Features and scores.


def test_what_is_written_is_read_and_scored(kassa):
    row = ["-e", "session=s-81"]
    wrote = kassa(
        "write", "session_behaviour", *row, "cart_items=3", "cart_value=84.90",
        "checkout_step=shipping", "shipping_cost=null", "is_returning=true")
    assert wrote == "wrote 5 values: session_behaviour@1 session=s-81, fast\n"
    read = kassa.json("read", "session_behaviour", *row)
    cells = {cell["name"]: cell for cell in read["features"]}
    assert len(cells) == 22
    assert cells["cart_items"]["value"] == 3 and cells["cart_items"]["status"] == "PRESENT"
    assert cells["cart_value"]["value"] == 84.9
    assert cells["checkout_step"]["value"] == "shipping"
    assert cells["is_returning"]["value"] is True
    assert cells["shipping_cost"]["value"] is None and cells["shipping_cost"]["status"] == "NULL"
    assert cells["searches"] == {
        "name": "searches", "value": 0, "status": "DEFAULTED", "age_ms": None}
    assert cells["device"]["status"] == "NO_FEATURE"
    lines = kassa("read", "session_behaviour", *row, "--feature", "cart_value").splitlines()
    assert lines[0] == "session_behaviour@1 session=s-81"
    assert lines[1].split() == ["FEATURE", "VALUE", "STATUS", "AGE"]
    assert lines[2].split()[:3] == ["cart_value", "84.9", "PRESENT"]
    assert len(lines) == 3

    score = kassa.json("score", "cart_abandonment", *row, "-e", "customer=")
    assert 0 < score["score"] < 1
    assert score["model"] == "abandonment@1" and score["slot"] == "STABLE"
    assert len(score["bundle_sha256"]) == 64 and score["epoch"] >= 2
    degraded = {note["name"]: note["status"] for note in score["degraded"]}
    assert degraded["session_behaviour.shipping_cost"] == "NULL"
    assert degraded["customer_profile.orders"] == "NO_ENTITY"
    assert "session_behaviour.cart_value" not in degraded
    assert "features" not in score
    lines = kassa("score", "cart_abandonment", *row, "-e", "customer=").splitlines()
    assert lines[0] == f"cart_abandonment {score['score']:.4f}"
    assert lines[1].split() == ["model", "abandonment@1", "(STABLE)"]


def test_contributions_are_shown_and_sum_to_the_margin(kassa):
    row = ["-e", "session=", "-e", "customer=", "-c", "cart_value=84.90"]
    score = kassa.json("score", "cart_abandonment", *row, "--contributions")
    assert len(score["contributions"]) == 27 and score["other_contributions"] == 0
    total = sum(entry["value"] for entry in score["contributions"]) + score["expectation"]
    assert abs(total - score["margin"]) < 1e-4
    lines = kassa("score", "cart_abandonment", *row, "--top", "3").splitlines()
    start = lines.index("") + 1
    assert lines[start].split()[0] == "CONTRIBUTION"
    names = [line.split("  ")[1].strip() for line in lines[start + 1:]]
    assert names[:3] == [entry["name"] for entry in score["contributions"][:3]]
    assert names[3:] == ["all others", "expectation", "margin"]
    numbers = [float(line.split()[-1]) for line in lines[start + 1:]]
    assert abs(sum(numbers[:-1]) - numbers[-1]) < 1e-3
    assert kassa.refused(2, "score", "cart_abandonment", *row, "--top", "0")


def test_the_context_overrides_what_is_stored(kassa):
    row = ["-e", "session=s-context", "-e", "customer=c-7"]
    kassa("write", "session_behaviour", *row[:2], "cart_value=10")
    score = kassa.json(
        "score", "cart_abandonment", *row, "--features", "-c", "cart_value=200",
        "-c", "session_behaviour.cart_items=4", "-c", "segment=loyal")
    values = {cell["name"]: cell["value"] for cell in score["features"]}
    assert len(values) == 27
    assert values["session_behaviour.cart_value"] == 200
    assert values["session_behaviour.cart_items"] == 4
    assert values["customer_profile.segment"] == "loyal"
    assert "did you mean cart_value?" in kassa.refused(
        1, "score", "cart_abandonment", *row, "-c", "cart_valu=1")


def test_a_durable_write_says_so_and_an_older_one_is_refused_nothing(kassa):
    wrote = kassa.json(
        "write", "customer_profile", "-e", "customer=c-9", "orders=2", "segment=7", "--durable")
    assert wrote == {
        "feature_set": "customer_profile@1", "applied": 1, "ignored_older": 0,
        "ignored_erased": 0, "repeated_answer": False, "reached": "durable"}
    cells = kassa.json("read", "customer_profile", "-e", "customer=c-9")["features"]
    # Text by its declared type, though it looks like a number.
    assert {cell["name"]: cell["value"] for cell in cells}["segment"] == "7"


# What goes wrong.


@pytest.mark.parametrize(
    "code, words, expected",
    [
        (2, ["aply"], 'there is no command "aply"; did you mean "apply"?\ntry: kassa --help'),
        (2, ["model"], "kassa model needs one of upload, list, get, delete\ntry: kassa --help"),
        (2, ["list", "--sever", "x"],
         "there is no flag --sever; did you mean --server?\ntry: kassa list --help"),
        (2, ["apply"], "name at least one file: kassa apply -f checkout.yaml"
         "\ntry: kassa apply --help"),
        (2, ["get", "scorr", "x"],
         'there is no kind "scorr"; did you mean scorer?\ntry: kassa get --help'),
        (2, ["score", "cart_abandonment"],
         "name the entity: --entity KIND=ID, such as --entity session=s-81"
         "\ntry: kassa score --help"),
        (2, ["list", "--server", "nowhere"],
         '"nowhere" is no server: write HOST:PORT, such as 127.0.0.1:6750'
         "\ntry: kassa list --help"),
        (2, ["write", "session_behaviour", "-e", "session=x", "cart_items=3.5"],
         'cart_items must be a whole number or null, not "3.5"\ntry: kassa write --help'),
        (1, ["write", "session_behaviour", "-e", "session=x", "cart_item=3"],
         "session_behaviour@1 has no feature cart_item; did you mean cart_items?"),
        (1, ["write", "nix", "-e", "session=x", "y=3"],
         "there is no feature set nix: `kassa list feature_set` shows those there are"),
        (1, ["apply", "-f", "nix.yaml"], "cannot open nix.yaml: No such file or directory"),
        (1, ["apply", "-f", "scorer.yaml", "--expected-epoch", "1"],
         "ABORTED: expected_epoch: epoch 2 is in force; plan again"),
    ])
def test_a_mistake_is_answered_with_what_to_do(kassa, code, words, expected):
    assert kassa.refused(code, *words) == expected


def test_a_file_that_is_wrong_is_named_with_line_and_column(kassa, tmp_path):
    path = tmp_path / "cart.yaml"
    path.write_text("kind: feature_set\nname: cart\nentitty: [session]\n")
    assert kassa.refused(1, "apply", "-f", str(path)) == (
        f'{path}:3:1: unknown key "entitty"; did you mean "entity"?')


def test_an_artefact_that_is_missing_is_named(kassa, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text((SHOP / "abandonment.model.yaml").read_text())
    words = kassa.refused(1, "model", "upload", str(path))
    assert words == (
        f"cannot open the artefact {tmp_path}/abandonment.json: No such file or directory")


def test_an_artefact_that_is_no_model_is_refused(kassa, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(
        (SHOP / "abandonment.model.yaml").read_text().replace("name: abandonment\n", "name: bad\n"))
    (tmp_path / "abandonment.json").write_bytes(b"x" * 5_000_000)
    golden = str(SHOP / "abandonment.golden.jsonl")
    words = kassa.refused(1, "model", "upload", str(path), "--golden", golden)
    assert words.startswith("INVALID_ARGUMENT: artefact: ")
    assert kassa.refused(1, "model", "get", "bad").startswith("NOT_FOUND: ")


def test_where_no_server_is_the_exit_code_is_3(kassa):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        words = kassa.refused(3, "list", server=address)
    assert words == (
        f"no server at {address} (connect: Connection refused): start one with `kassa serve`")


def test_a_server_that_never_answers_is_given_up(kassa):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        words = kassa.refused(3, "list", "--timeout", "200ms", server=address)
    assert words.startswith(f"{address} has not answered /kassa.v1.Config/List within 200 ms")


def test_the_admin_port_is_recognised_as_no_grpc_server(kassa, server):
    words = kassa.refused(3, "list", server=f"127.0.0.1:{server.admin_port}")
    assert "is it the --admin port?" in words


def test_help_and_version_need_no_server(kassa):
    nowhere = "127.0.0.1:1"
    overview = kassa("--help", server=nowhere)
    for name in re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +[A-Z]", overview, re.MULTILINE):
        page = kassa(*name.split(), "--help", server=nowhere)
        assert page.splitlines()[2].startswith(f"usage: kassa {name}")
    assert re.fullmatch(r"kassa \d+\.\d+\.\d+\n", kassa("version", server=nowhere))
    assert set(kassa.json("version")) == {"version"}


def test_a_file_of_settings_stands_for_flags_and_flags_win(kassa, tmp_path):
    settings = tmp_path / "kassa.yaml"
    settings.write_text(f"data: {tmp_path}/data\nlisten: 127.0.0.1:1\nadmin: 127.0.0.1:0\nloops: 1\n")
    process = subprocess.Popen(
        [binary(), "serve", "--config", settings, "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().endswith(f"data in {tmp_path}/data\n")
        assert process.stdout.readline().startswith("listening on 127.0.0.1:")
    finally:
        process.terminate()
        assert process.wait(10) == 0


def on_terminal(columns, *words):
    """What a command prints on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {name: text for name, text in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(
            [binary(), *words], stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):    # the end of a terminal is an error
            while piece := os.read(ours, 65_536):
                text += piece
        os.close(ours)
        assert process.wait(20) == 0, text
    return text.decode().replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("columns", [80, 120])
def test_what_a_terminal_gets_fits_it_and_a_pipe_gets_records(start_server, columns):
    address = start_server().address
    kassa = Kassa(address)
    kassa("apply", "-f", "checkout.yaml")
    kassa("model", "upload", "abandonment.model.yaml", "--reason", "the first model " * 12)
    kassa("apply", "-f", "scorer.yaml")
    kassa("model", "upload", "retrained.model.yaml")
    kassa("rollout", "shadow", "cart_abandonment", "--model", "abandonment@2", "--reason", "word " * 40)
    kassa("rollout", "abort", "cart_abandonment", "--reason", "enough " * 30)
    (rollout,) = {one["rollout_id"] for one in kassa.json("rollout", "history", "cart_abandonment")}
    for words in (["audit"], ["rollout", "history", "cart_abandonment"],
                  ["rollout", "status", "cart_abandonment"], ["rollout", "explain", str(rollout)],
                  ["drift", "cart_abandonment"], ["list"], ["model", "list"],
                  ["calibration", "cart_abandonment"]):
        lines = on_terminal(columns, *words, "-s", address)
        # A digest is one word, which is never broken.
        assert lines and all(len(line) <= columns for line in lines), lines
    shown = on_terminal(columns, "rollout", "history", "cart_abandonment", "-s", address)
    assert re.match(r"revision 2  \S+Z  \S+  abort$", shown[0])
    assert sum(line.startswith("revision ") for line in shown) == 2
    assert "enough enough" in " ".join(line.strip() for line in shown)
    piped = kassa("rollout", "history", "cart_abandonment").splitlines()
    assert len(piped) == 3 and piped[0].startswith("REVISION  WHEN")
    assert len(kassa("audit").splitlines()) == 1 + len(kassa.json("audit"))
    # A pipe that a person reads says how wide it is.
    wide = subprocess.run(
        [binary(), "rollout", "history", "cart_abandonment", "-s", address], text=True,
        stdout=subprocess.PIPE, env={**os.environ, "COLUMNS": str(columns)}, timeout=20)
    assert wide.stdout.splitlines() == shown


def test_an_unknown_setting_is_named_with_the_nearest_one(kassa, tmp_path):
    settings = tmp_path / "kassa.yaml"
    settings.write_text("listn: 127.0.0.1:0\n")
    found = subprocess.run(
        [binary(), "serve", "--config", settings], capture_output=True, text=True)
    assert found.returncode == 1
    assert found.stderr == f'kassa: {settings}:1:1: unknown key "listn"; did you mean "listen"?\n'


def test_the_audit_log_says_who_changed_what_and_why(start_server):
    kassa = Kassa(start_server().address)
    assert kassa("audit") == "no records\n"
    kassa("apply", "-f", "checkout.yaml")
    kassa("model", "upload", "abandonment.model.yaml", "--actor", "ada", "--reason", "first model")
    kassa("model", "delete", "abandonment@1", "--actor", "bob", "--reason", "wrong labels")
    records = kassa.json("audit")
    assert [record["action"] for record in records] == ["model delete", "model upload", "apply"]
    assert [record["actor"] for record in records] == ["bob", "ada", "tester"]
    assert [record["reason"] for record in records] == ["wrong labels", "first model", ""]
    assert records[0]["details"] == ["model abandonment@1"]
    assert kassa.json("audit", "--limit", "1") == records[:1]
    assert kassa.json("audit", "--before", str(records[0]["sequence"])) == records[1:]
    lines = kassa("audit").splitlines()
    assert lines[0].split() == ["NUMBER", "WHEN", "WHO", "ACTION", "EPOCH", "WHY", "WHAT"]
    assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +bob +model delete", lines[1])
    kassa.refused(2, "audit", "--limit", "1001")
