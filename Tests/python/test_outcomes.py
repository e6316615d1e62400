# SPDX-License-Identifier: Apache-2.0
"""Outcomes of recorded scores over grpcio: joined once, over kills, and counted as scikit-learn counts."""

import json
import os
import random
import re
import subprocess
import time
import urllib.request

import grpc
import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

import client as shop
from client import CANARY, Client, assert_refused, refusal
from kassa.v1 import config_pb2, features_pb2, rollouts_pb2, scoring_pb2, storage_pb2
from kassa_process import binary, eventually
from test_real_data import case, sessions, upload, write_batches  # noqa: F401 (fixtures)
from test_real_data import CATEGORIES, COLUMNS, VALUES

Code = grpc.StatusCode
SCORER = "cart_abandonment"
ACCEPTED, DUPLICATE = scoring_pb2.OUTCOME_ACCEPTED, scoring_pb2.OUTCOME_DUPLICATE
CONFLICTING, UNKNOWN = scoring_pb2.OUTCOME_CONFLICTING, scoring_pb2.OUTCOME_UNKNOWN
LATE = scoring_pb2.OUTCOME_LATE
SEED = int(os.environ.get("KASSA_KILL_SEED", "1"))


def scorer(name=SCORER, model="abandonment@1", maturity=1.0, horizon=600.0, **more):
    """A scorer whose scores mature after `maturity` seconds."""
    return shop.scorer_spec(name, model, outcomes=config_pb2.OutcomeSpec(
        maturity_ms=int(maturity * 1_000), horizon_ms=int(horizon * 1_000), **more))


def set_up(client, **more):
    shop.set_up_shop(client)
    client.apply(scorer(**more))


def record(client, id="s-1", name=SCORER, **more):
    """A score with its id."""
    answer = client.scoring.Score(shop.score(name, id, record=True, **more), timeout=20)
    assert re.fullmatch("[0-9a-f]{32}", answer.score_id)
    return answer


def report(client, *outcomes):
    """The statuses of (score id, label) pairs."""
    return list(client.scoring.RecordOutcome(scoring_pb2.RecordOutcomeRequest(outcomes=[
        scoring_pb2.Outcome(score_id=id, label=label) for id, label in outcomes]),
        timeout=20).statuses)


def calibration(client, name=SCORER):
    return client.scoring.GetCalibration(
        scoring_pb2.GetCalibrationRequest(scorer=name), timeout=20)


def labels_of(client, name=SCORER, slot=scoring_pb2.STABLE):
    """How many labels have counted for a slot."""
    return next((s.labels for s in calibration(client, name).slots if s.slot == slot), 0)


def metrics(server):
    """The samples of the admin port: {'name{labels}': value}."""
    with urllib.request.urlopen(f"{server.admin}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    return {key: float(value) for key, value in (
        line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_a_score_has_an_id_only_if_it_is_recorded(start_server):
    server = start_server()
    with Client(server.address) as client:
        set_up(client)
        assert client.scoring.Score(shop.score(SCORER, "s-1"), timeout=20).score_id == ""
        ids = {record(client, f"s-{number}").score_id for number in range(50)}
        assert len(ids) == 50
        stream = client.scoring.ScoreStream(
            iter([shop.score(SCORER, "s-1", record=True)] * 3), timeout=20)
        ids |= {answer.score_id for answer in stream}
        batch = client.scoring.ScoreBatch(scoring_pb2.ScoreBatchRequest(
            scorer=SCORER, record=True,
            rows=[scoring_pb2.ScoreRow(entities=[shop.entity("session", f"s-{number}")])
                  for number in range(4)]), timeout=20)
        ids |= {answer.score_id for answer in batch.results}
        assert len(ids) == 57 and all(ids)
        assert eventually(lambda: calibration(client).recorded_scores == 57)


def test_an_outcome_at_once_is_joined_and_counts_at_maturity(start_server):
    server = start_server()
    with Client(server.address) as client:
        set_up(client, maturity=2)
        answers = []
        for number in range(40):
            answer = record(client, f"s-{number}")
            # No pause: the score may still be on its way to the store.
            assert report(client, (answer.score_id, number % 2 == 0)) == [ACCEPTED]
            answers.append(answer)
        first = answers[0].score_id
        assert report(client, (first, True), (first, False)) == [DUPLICATE, CONFLICTING]
        assert labels_of(client) == 0
        assert eventually(lambda: labels_of(client) == 40, seconds=10)
        slot = calibration(client).slots[0]
        assert slot.slot == scoring_pb2.STABLE
        assert slot.positives == 20
        assert slot.bundle_prefix == answers[0].bundle_sha256[:8]
        # As metrics, too.
        samples = metrics(server)
        mark = f'{{scorer="{SCORER}",slot="STABLE"}}'
        assert samples[f"kassa_calibration_labels{mark}"] == 40
        assert samples[f"kassa_calibration_brier{mark}"] == pytest.approx(slot.brier, rel=1e-12)
        assert samples[f"kassa_calibration_log_loss{mark}"] == pytest.approx(slot.log_loss)
        assert samples[f'kassa_outcomes_total{{scorer="{SCORER}",status="accepted"}}'] == 40
        assert samples[f'kassa_outcomes_total{{scorer="{SCORER}",status="conflicting"}}'] == 1
        assert samples[f'kassa_outcome_labels_total{{scorer="{SCORER}",label="positive"}}'] == 20


def test_late_and_unknown_outcomes_are_refused_one_by_one(start_server):
    server = start_server()
    with Client(server.address) as client:
        set_up(client, maturity=1, horizon=1)
        old = record(client).score_id
        time.sleep(1.1)
        new = record(client).score_id
        stranger = new[:22] + ("0" if new[22] != "0" else "1") + new[23:]
        assert report(client, (old, True), (stranger, True), (new, True)) == [
            LATE, UNKNOWN, ACCEPTED]
        # What is past the horizon is deleted.
        assert eventually(lambda: calibration(client).recorded_scores == 0)
        assert report(client, (old, True)) == [LATE]
        samples = metrics(server)
        assert samples['kassa_outcome_scores_deleted_total{why="unknown"}'] == 1
        assert samples['kassa_outcome_scores_deleted_total{why="known"}'] == 1


def test_silence_is_a_no_where_the_scorer_says_so(start_server):
    server = start_server()
    with Client(server.address) as client:
        set_up(client, absent=config_pb2.ABSENT_NEGATIVE)
        silent = record(client, "s-1").score_id
        spoken = record(client, "s-2").score_id
        assert report(client, (spoken, True)) == [ACCEPTED]
        assert eventually(lambda: labels_of(client) == 2)
        assert calibration(client).slots[0].positives == 1
        assert report(client, (silent, True), (silent, False)) == [CONFLICTING, DUPLICATE]


def test_what_is_malformed_is_refused_with_its_field(start_server):
    server = start_server()
    with Client(server.address) as client:
        set_up(client)
        good = scoring_pb2.Outcome(score_id=record(client).score_id, label=True)

        def refused(*outcomes):
            return refusal(client.scoring.RecordOutcome, scoring_pb2.RecordOutcomeRequest(
                outcomes=outcomes))

        bad_id = scoring_pb2.Outcome(score_id=CANARY, label=True)
        assert_refused(refused(good, bad_id), Code.INVALID_ARGUMENT, "outcomes[1].score_id")
        no_label = scoring_pb2.Outcome(score_id=good.score_id)
        assert_refused(refused(good, no_label), Code.INVALID_ARGUMENT, "outcomes[1].label")
        assert_refused(refused(*[good] * 10_001), Code.INVALID_ARGUMENT, "10000")
        # Nothing of those was stored.
        assert report(client, (good.score_id, False)) == [ACCEPTED]
        assert list(client.scoring.RecordOutcome(
            scoring_pb2.RecordOutcomeRequest(), timeout=20).statuses) == []
        assert_refused(
            refusal(client.scoring.GetCalibration,
                    scoring_pb2.GetCalibrationRequest(scorer=CANARY)),
            Code.NOT_FOUND, "scorer")
        for maturity, horizon in ((0.5, 60), (60, 30), (31 * 86_400, 31 * 86_400)):
            document = config_pb2.Document(scorer=scorer(maturity=maturity, horizon=horizon))
            assert_refused(
                refusal(client.config.Apply, config_pb2.ApplyRequest(documents=[document])),
                Code.INVALID_ARGUMENT, "documents[0].scorer.outcomes")


def test_every_label_counts_once_over_kills(start_server, tmp_path):
    """Outcomes in any order, some twice, while the server is killed again and again."""
    seed = random.Random(SEED)
    folder = tmp_path / "killed"
    server = start_server(folder=folder)
    with Client(server.address) as client:
        set_up(client, maturity=1)
    given = []  # (id, score, label) whose score was surely stored
    reported = 0
    for _ in range(6):
        with Client(server.address) as client:
            answers = [record(client, f"s-{seed.randrange(99)}") for _ in range(60)]
            labels = [seed.random() < answer.score for answer in answers]
            fresh = [(a.score_id, a.score, l) for a, l in zip(answers, labels)]
            for start in range(0, 60, 20):
                part = fresh[start:start + 20]
                statuses = report(client, *((id, label) for id, _, label in part))
                assert statuses == [ACCEPTED] * len(part)
            reported += 60
            given += fresh
            # What was acknowledged before is known, whatever came between.
            again = seed.sample(given, 10)
            assert report(client, *((id, label) for id, _, label in again)) == [DUPLICATE] * 10
            # Kill it while labels mature: never at the same moment.
            time.sleep(seed.uniform(0.6, 1.6))
        server.kill()
        server = start_server(folder=folder)
    with Client(server.address) as client:
        assert eventually(lambda: labels_of(client) == reported, seconds=15), labels_of(client)
        time.sleep(0.5)
        slot = calibration(client).slots[0]
        assert slot.labels == reported
        scores = np.array([score for _, score, _ in given])
        truth = np.array([label for _, _, label in given])
        assert slot.positives == truth.sum()
        assert slot.brier == pytest.approx(brier_score_loss(truth, scores), rel=1e-12)
        assert slot.log_loss == pytest.approx(log_loss(truth, scores), rel=1e-12)
        client.storage.Verify(storage_pb2.VerifyStoreRequest(), timeout=20)

        def looked_through():
            status = client.storage.Verify(
                storage_pb2.VerifyStoreRequest(only_status=True), timeout=20)
            return status.report if status.report.finished_at_us else None

        found = eventually(looked_through, seconds=20)
        assert found.sound, found
        assert next(t.entries for t in found.tables if t.name == "scores") == reported


def test_what_came_too_early_for_a_crash_is_lost_alone(start_server, tmp_path):
    """A score is kept shortly after its reply, an outcome before its own: the promise that is given."""
    folder = tmp_path / "killed"
    server = start_server(folder=folder)
    with Client(server.address) as client:
        set_up(client, maturity=60)
        kept = [record(client).score_id for _ in range(10)]
        assert report(client, *((id, True) for id in kept)) == [ACCEPTED] * 10
    server.kill()
    server = start_server(folder=folder)
    with Client(server.address) as client:
        assert report(client, *((id, True) for id in kept)) == [DUPLICATE] * 10
        assert calibration(client).open_scores == 10


def test_canary_and_stable_have_numbers_of_their_own(start_server):
    server = start_server()
    with Client(server.address) as client:
        set_up(client)
        artefact = shop.fixture_model()[0]
        inputs = list(shop.model_spec(artefact).inputs)
        client.upload(
            shop.model_spec(artefact, inputs=inputs[1:] + inputs[:1]), artefact)
        client.rollouts.Canary(rollouts_pb2.CanaryRequest(
            scorer=SCORER, model="abandonment@2", weight_percent=50), timeout=20)
        counts = {scoring_pb2.STABLE: 0, scoring_pb2.CANARY: 0}
        for number in range(60):
            answer = record(client, f"s-{number}")
            counts[answer.slot] += 1
            assert report(client, (answer.score_id, True)) == [ACCEPTED]
        assert all(counts.values())
        assert eventually(lambda: all(
            labels_of(client, slot=slot) >= count for slot, count in counts.items()))
        # The model in CANARY becomes that of STABLE, whose numbers begin anew with its labels.
        client.rollouts.Promote(
            rollouts_pb2.PromoteRequest(scorer=SCORER, full=True), timeout=20)
        answer = record(client)
        assert report(client, (answer.score_id, True)) == [ACCEPTED]

        def numbers_of_stable():
            slot = next(s for s in calibration(client).slots if s.slot == scoring_pb2.STABLE)
            return slot.bundle_prefix == answer.bundle_sha256[:8] and slot.labels == 1

        assert eventually(numbers_of_stable)


@pytest.fixture(scope="module")
def purchases(server, sessions, case):  # noqa: F811
    """12,330 real sessions, scored and recorded, with what they came to."""
    client = Client(server.address)
    client.apply(shop.feature_set(
        "shopping", ["session"], *(shop.feature(name, kind) for name, kind in COLUMNS)))

    def columns_of(start, end):
        for place, (name, kind) in enumerate(COLUMNS):
            values, convert = VALUES[kind]
            yield shop.column(name, values, [convert(row[place]) for row in sessions[start:end]])

    write_batches(client, "shopping", "s-", len(sessions), columns_of)
    upload(client, case, "purchase", "shopping@1",
           [(name, CATEGORIES.get(name, [])) for name, _ in COLUMNS])
    client.apply(scorer("purchase", "purchase@1", maturity=2))
    answers = list(client.scoring.ScoreStream(
        (shop.score("purchase", f"s-{row}", record=True) for row in range(len(sessions))),
        timeout=60))
    scores = [(a.score_id, a.score, row[-1] == "TRUE") for a, row in zip(answers, sessions)]
    yield client, scores
    client.close()


def test_real_sessions_are_calibrated_as_scikit_learn_says(purchases):
    client, scores = purchases
    shuffled = random.Random(SEED).sample(scores, len(scores))
    for start in range(0, len(shuffled), 5_000):
        part = shuffled[start:start + 5_000]
        statuses = report(client, *((id, label) for id, _, label in part))
        assert statuses == [ACCEPTED] * len(part)
    assert eventually(lambda: labels_of(client, "purchase") == len(scores), seconds=20)
    slot = calibration(client, "purchase").slots[0]
    predicted = np.array([score for _, score, _ in scores])
    truth = np.array([label for _, _, label in scores])
    assert slot.positives == truth.sum()
    assert slot.brier == pytest.approx(brier_score_loss(truth, predicted), rel=1e-12)
    assert slot.log_loss == pytest.approx(log_loss(truth, predicted), rel=1e-11)
    assert slot.observed_over_expected == pytest.approx(truth.sum() / predicted.sum(), rel=1e-12)
    # Bins of equal mass differ where scores tie; the error hardly does.
    order = np.argsort(predicted, kind="stable")
    bins = np.array_split(order, 15)
    error = sum(abs(truth[b].sum() - predicted[b].sum()) for b in bins) / len(truth)
    assert slot.expected_calibration_error == pytest.approx(error, abs=0.003)


def run(server, *words, **more):
    environment = {**os.environ, "KASSA_SERVER": server.address}
    return subprocess.run(
        [binary(), *words], env=environment, capture_output=True, text=True, timeout=60, **more)


def test_the_command_line_records_outcomes_from_words_and_files(start_server, tmp_path):
    server = start_server()
    with Client(server.address) as client:
        set_up(client, maturity=1)
        found = run(server, "score", SCORER, "-e", "session=s-1", "--record", "--json")
        first = json.loads(found.stdout)["score_id"]
        ids = [record(client).score_id for _ in range(4)]
        assert first in run(
            server, "outcome", "record", f"{first}=yes").stderr  # the word, not the label
        found = run(server, "outcome", "record", f"{first}=true", f"{ids[0]}=0")
        assert (found.returncode, found.stdout) == (0, "2 outcomes: 2 accepted\n"), found.stderr
        table = tmp_path / "outcomes.csv"
        table.write_text(f"label,score_id,at\n1,{ids[1]},2026-11-20T12:00:00Z\nfalse,{first},\n")
        found = run(server, "outcome", "record", "--file", str(table))
        assert found.returncode == 1
        assert found.stdout == f"2 outcomes: 1 accepted, 1 conflicting\n  {first} conflicting\n"
        assert "1 of 2 outcomes were not taken" in found.stderr
        lines = tmp_path / "outcomes.jsonl"
        lines.write_text(
            f'{{"score_id": "{ids[2]}", "label": true}}\n\n'
            f'{{"score_id": "{ids[3]}", "label": false, "at": 1763640000000000}}\n')
        found = run(server, "outcome", "record", "--file", str(lines), "--json")
        assert found.returncode == 0 and json.loads(found.stdout)["accepted"] == 2, found.stderr
        lines.write_text('{"score_id": "x", "label": "perhaps"}\n')
        found = run(server, "outcome", "record", "--file", str(lines))
        assert found.returncode == 1 and "line 1" in found.stderr and "label" in found.stderr
        assert eventually(lambda: labels_of(client) == 5)
        found = run(server, "calibration", SCORER)
        assert found.returncode == 0 and "STABLE" in found.stdout and "BRIER" in found.stdout
        shown = json.loads(run(server, "calibration", SCORER, "--json").stdout)
        assert shown["slots"][0]["labels"] == 5
        assert shown["slots"][0]["expected_calibration_error"] is None


def test_a_scorers_document_says_when_outcomes_count(start_server, tmp_path):
    server = start_server()
    with Client(server.address) as client:
        shop.set_up_shop(client)
        document = tmp_path / "scorer.yaml"
        text = (f"kind: scorer\nname: {SCORER}\nmodel: abandonment@1\n"
                "outcomes:\n  maturity: 45m\n  horizon: 2d\n  absent: negative\n")
        document.write_text(text)
        found = run(server, "apply", "-f", str(document))
        assert found.returncode == 0 and "when outcomes count changes" in found.stdout
        shown = run(server, "get", "scorer", SCORER).stdout
        assert "maturity: 45m" in shown and "horizon: 2d" in shown and "negative" in shown
        document.write_text(shown)
        assert "unchanged" in run(server, "apply", "-f", str(document)).stdout.lower()
        for line in ("maturity: soon", "absent: maybe", "horizont: 2d"):
            document.write_text(text + f"  {line}\n" if "horizont" in line
                                else re.sub(line.split()[0] + r" .*", line, text))
            assert run(server, "apply", "-f", str(document)).returncode == 1
