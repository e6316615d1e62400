# SPDX-License-Identifier: Apache-2.0
"""Feature sets, writes, models and scores over grpcio; what is refused, how, and that the rest goes on."""

import asyncio
import hashlib
import math
import threading
import time

import grpc
import pytest

import client as shop
from client import CANARY, Client, assert_refused, refusal
from kassa.v1 import config_pb2, features_pb2, models_pb2, scoring_pb2, values_pb2

Code = grpc.StatusCode
MICROSECONDS = 1_000_000
PRESENT, NULL, NO_ENTITY, NO_FEATURE = 1, 2, 3, 4


@pytest.fixture(scope="module")
def kassa(server):
    client = Client(server.address)
    shop.set_up_shop(client)
    yield client
    client.close()


def still_answers(kassa):
    """The connection of a refused call is as good as before."""
    assert kassa.scoring.Score(shop.score("cart_abandonment", ""), timeout=10).epoch > 0


def write_signals(kassa, prefix, inputs, **more):
    """Writes rows of the signals, None as absent; the ids are prefix-0, prefix-1, ..."""
    ids = [f"{prefix}-{row}" for row in range(len(inputs))]
    columns = []
    for signal in range(shop.SIGNALS):
        cells = [row[signal] for row in inputs]
        absent = bytearray((len(cells) + 7) // 8)
        for row, cell in enumerate(cells):
            if cell is None:
                absent[row // 8] |= 1 << row % 8
        columns.append(
            shop.column(
                f"signal_{signal}", "floats", [cell or 0 for cell in cells], absent=bytes(absent)))
    return kassa.features.Write(shop.write("signals", ids, *columns, **more), timeout=20)


# What works.


def test_every_type_is_read_back_as_it_was_written(kassa):
    request = shop.write(
        "profile", ["types-a", "types-b", "types-c"],
        shop.column("price", "floats", [1.5, -0.0, 3.4e38]),
        shop.column("balance", "doubles", [0.1, 1e308, -5e-324]),
        shop.column("visits", "integers", [2**63 - 1, -(2**63), 0]),
        shop.column("member", "flags", [True, False, True], nulls=b"\x04"),
        shop.column("city", "texts", ["Zürich", "", "x" * 1024], absent=b"\x02"),
        sequence=7, durability=features_pb2.DURABLE)
    answer = kassa.features.Write(request, timeout=20)
    assert (answer.applied, answer.ignored_older, list(answer.errors)) == (3, 0, [])
    assert answer.reached == features_pb2.DURABLE
    assert (answer.sequence, answer.feature_set) == (7, "profile@1")

    ids = ["types-a", "types-b", "types-c", "types-nobody"]
    (values,) = kassa.features.Read(shop.read("profile", ids=ids), timeout=20).feature_sets
    columns = {column.name: column for column in values.columns}
    assert list(columns) == ["price", "balance", "visits", "member", "city"]
    assert columns["price"].floats.values[:3] == pytest.approx([1.5, 0, 3.4e38], rel=1e-7)
    assert math.copysign(1, columns["price"].floats.values[1]) == -1
    assert columns["balance"].doubles.values[:3] == [0.1, 1e308, -5e-324]
    assert columns["visits"].integers.values[:3] == [2**63 - 1, -(2**63), 0]
    assert columns["member"].flags.values[:2] == [True, False]
    assert columns["city"].texts.values[0] == "Zürich"
    assert columns["city"].texts.values[2] == "x" * 1024
    assert list(columns["price"].statuses) == [PRESENT] * 3 + [NO_ENTITY]
    assert list(columns["member"].statuses) == [PRESENT, PRESENT, NULL, NO_ENTITY]
    assert list(columns["city"].statuses) == [PRESENT, NO_FEATURE, PRESENT, NO_ENTITY]
    ages = columns["price"].ages_ms
    assert all(0 <= age < 20_000 for age in ages[:3]) and ages[3] == -1


def test_scores_are_those_of_xgboost(kassa):
    _, inputs, predictions, margins = shop.fixture_model()
    assert write_signals(kassa, "official", inputs).applied == len(inputs)
    for row, (prediction, margin) in enumerate(zip(predictions, margins)):
        answer = kassa.scoring.Score(
            shop.score("cart_abandonment", f"official-{row}"), timeout=20)
        assert answer.score == pytest.approx(prediction, rel=1e-5, abs=1e-6)
        assert answer.margin == pytest.approx(margin, rel=1e-5, abs=1e-5)
        assert answer.model == "abandonment@1" and answer.slot == scoring_pb2.STABLE
        assert len(answer.bundle_sha256) == 32
        missing = [cell is None for cell in inputs[row]]
        assert [note.name for note in answer.degraded] == [
            f"signals.signal_{signal}" for signal in range(shop.SIGNALS) if missing[signal]]


def test_context_gives_the_same_score_as_stored_values(kassa):
    _, inputs, predictions, _ = shop.fixture_model()
    for row, prediction in enumerate(predictions):
        context = [
            values_pb2.NamedValue(
                name=f"signal_{signal}" if signal % 2 else f"signals.signal_{signal}",
                value=values_pb2.Value(null=values_pb2.NullValue()) if cell is None
                else values_pb2.Value(number=cell))
            for signal, cell in enumerate(inputs[row])
        ]
        answer = kassa.scoring.Score(
            shop.score("cart_abandonment", "", context=context), timeout=20)
        assert answer.score == pytest.approx(prediction, rel=1e-5, abs=1e-6)


def test_an_empty_id_and_an_unknown_one_are_no_entity(kassa):
    for id in ["", "never-written"]:
        answer = kassa.scoring.Score(
            shop.score("cart_abandonment", id, include=[scoring_pb2.FEATURES]), timeout=20)
        assert [note.status for note in answer.degraded] == [NO_ENTITY] * shop.SIGNALS
        assert [feature.status for feature in answer.features] == [NO_ENTITY] * shop.SIGNALS
        assert all(feature.age_ms == -1 for feature in answer.features)
        assert 0 < answer.score < 1


def test_the_features_that_the_model_saw_are_shown(kassa):
    write_signals(kassa, "shown", [[0.25, -1.5, None, 4, 5]])
    answer = kassa.scoring.Score(
        shop.score("cart_abandonment", "shown-0", include=[scoring_pb2.FEATURES],
                   context=[values_pb2.NamedValue(
                       name="signal_4", value=values_pb2.Value(integer=2))]),
        timeout=20)
    values = [feature.value.number for feature in answer.features]
    assert (values[0], values[1], values[3], values[4]) == (0.25, -1.5, 4, 2)
    assert answer.features[2].value.WhichOneof("kind") == "null"
    assert [feature.status for feature in answer.features] == [1, 1, NO_FEATURE, 1, 1]


def test_an_older_write_does_not_replace_a_newer_one(kassa):
    now = int(time.time() * MICROSECONDS)
    # Of two values with one event time the greater wins, so that the order of arrival never matters.
    steps = [(5, now, 1), (9, now - MICROSECONDS, 0), (5, now, 0), (4, now, 0), (6, now, 1),
             (2, now + 1, 1)]
    for value, event_time, applied in steps:
        answer = kassa.features.Write(
            shop.write("profile", ["ordered"], shop.column("visits", "integers", [value]),
                       event_time_us=[event_time]), timeout=20)
        assert (answer.applied, answer.ignored_older) == (applied, 1 - applied), value
    answer = kassa.features.Read(shop.read("profile", ids=["ordered"]), timeout=20)
    assert answer.feature_sets[0].columns[2].integers.values[0] == 2


def test_a_write_is_read_by_the_next_request_of_any_client(kassa, server):
    with grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        other = Client(server.address, channel)
        for count in range(200):
            kassa.features.Write(
                shop.write("profile", ["own"], shop.column("visits", "integers", [count])),
                timeout=20)
            for reader in (kassa, other):
                answer = reader.features.Read(shop.read("profile", ids=["own"]), timeout=20)
                assert answer.feature_sets[0].columns[2].integers.values[0] == count


def test_write_stream_answers_every_request_with_its_sequence(kassa):
    count = 500

    def requests():
        for sequence in range(count):
            if sequence % 100 == 50:
                yield shop.write(
                    CANARY, ["s"], shop.column("visits", "integers", [1]), sequence=sequence)
            else:
                yield shop.write(
                    "profile", [f"stream-{sequence}"],
                    shop.column("visits", "integers", [sequence]), sequence=sequence,
                    durability=sequence % 2)

    answers = list(kassa.features.WriteStream(requests(), timeout=30))
    assert sorted(answer.sequence for answer in answers) == list(range(count))
    for answer in answers:
        if answer.sequence % 100 == 50:
            assert answer.refusal.code == Code.NOT_FOUND.value[0]
            assert "feature_set" in answer.refusal.message
            assert CANARY not in answer.refusal.message
        else:
            assert (answer.refusal.code, answer.applied) == (0, 1)
            assert answer.reached >= answer.sequence % 2
    ids = [f"stream-{sequence}" for sequence in range(count)]
    (values,) = kassa.features.Read(shop.read("profile", ids=ids), timeout=20).feature_sets
    for sequence in range(count):
        if sequence % 100 == 50:
            assert values.columns[2].statuses[sequence] == NO_ENTITY
        else:
            assert values.columns[2].integers.values[sequence] == sequence


def test_score_stream_answers_in_order_and_outlives_refusals(kassa):
    _, inputs, predictions, _ = shop.fixture_model()
    write_signals(kassa, "streamed", inputs)
    requests = []
    for row in range(len(inputs)):
        requests.append(shop.score("cart_abandonment", f"streamed-{row}"))
        requests.append(shop.score(f"no_{CANARY}", "x"))
    answers = list(kassa.scoring.ScoreStream(iter(requests), timeout=30))
    assert len(answers) == len(requests)
    for row, prediction in enumerate(predictions):
        assert answers[2 * row].score == pytest.approx(prediction, rel=1e-5, abs=1e-6)
        refused = answers[2 * row + 1].refusal
        assert refused.code == Code.NOT_FOUND.value[0] and "scorer" in refused.message
        assert CANARY not in refused.message


def test_asyncio_clients_get_the_same_answers(kassa, server):
    _, inputs, predictions, _ = shop.fixture_model()
    write_signals(kassa, "async", inputs)

    async def run():
        async with grpc.aio.insecure_channel(server.address) as channel:
            client = Client(server.address, channel)
            calls = [
                client.scoring.Score(
                    shop.score("cart_abandonment", f"async-{row}"), timeout=20)
                for row in range(len(inputs)) for _ in range(10)
            ]
            unary = await asyncio.gather(*calls)
            stream = client.scoring.ScoreStream(timeout=20)
            streamed = []
            for row in range(len(inputs)):
                await stream.write(shop.score("cart_abandonment", f"async-{row}"))
                streamed.append(await stream.read())
            await stream.done_writing()
            assert await stream.read() is grpc.aio.EOF
            writes = client.features.WriteStream(timeout=20)
            await writes.write(
                shop.write("profile", ["aio"], shop.column("visits", "integers", [5])))
            assert (await writes.read()).applied == 1
            await writes.done_writing()
            assert await writes.read() is grpc.aio.EOF
            assert await writes.code() == Code.OK
            return unary, streamed

    unary, streamed = asyncio.run(run())
    for row, prediction in enumerate(predictions):
        for answer in [streamed[row], *unary[10 * row : 10 * row + 10]]:
            assert answer.score == pytest.approx(prediction, rel=1e-5, abs=1e-6)


def test_batches_at_the_limits_are_taken(kassa):
    ids = [f"full-{row}" for row in range(10_000)]
    answer = kassa.features.Write(
        shop.write("profile", ids, shop.column("visits", "integers", range(10_000)),
                   event_time_us=[1]), timeout=20)
    assert answer.applied == 10_000
    (values,) = kassa.features.Read(shop.read("profile", ids=ids), timeout=20).feature_sets
    assert list(values.columns[2].integers.values) == list(range(10_000))
    longest = "ü" * 128
    answer = kassa.features.Write(
        shop.write("profile", [longest], shop.column("visits", "integers", [1])), timeout=20)
    assert answer.applied == 1


def test_a_message_of_exactly_4_mib_is_taken(kassa):
    request = shop.write("profile", ["big"], shop.column("visits", "integers", [1]))
    # A field that the server does not know fills the rest: tag, length, bytes.
    room = (4 << 20) - request.ByteSize() - 6
    message = request.SerializeToString() + b"\xa2\x06" + bytes(
        [room & 0x7F | 0x80, room >> 7 & 0x7F | 0x80, room >> 14 & 0x7F | 0x80, room >> 21]
    ) + bytes(room)
    assert len(message) == 4 << 20
    call = kassa.channel.unary_unary("/kassa.v1.Features/Write")
    answer = features_pb2.WriteResponse.FromString(call(message, timeout=20))
    assert answer.applied == 1
    assert_refused(refusal(call, message + b"\0"), Code.RESOURCE_EXHAUSTED, "message")
    still_answers(kassa)


def test_old_values_say_so_and_defaults_stand_in(kassa):
    """Stale keeps its value; expired and missing give way to the default, or to nothing."""
    kassa.apply(shop.feature_set(
        "freshness", ["session"],
        shop.feature("fresh", "INT64", max_age_ms=1_000, default=values_pb2.Value(integer=-1)),
        shop.feature("plain", "FLOAT32"),
        shop.feature("tagged", "STRING", default=values_pb2.Value(text="none")),
        ttl_ms=3_600_000))
    now = int(time.time() * MICROSECONDS)
    kassa.features.Write(
        shop.write("freshness", ["new", "old", "ancient"],
                   shop.column("fresh", "integers", [1, 2, 3]),
                   shop.column("plain", "floats", [1, 2, 3]),
                   event_time_us=[now, now - 60 * MICROSECONDS, now - 7_200 * MICROSECONDS]),
        timeout=20)
    ids = ["new", "old", "ancient", "nobody"]
    (values,) = kassa.features.Read(shop.read("freshness", ids=ids), timeout=20).feature_sets
    fresh, plain, tagged = values.columns
    stale, expired, defaulted = (
        values_pb2.Status.Value(name) for name in ("STALE", "EXPIRED", "DEFAULTED"))
    assert list(fresh.statuses) == [PRESENT, stale, defaulted, defaulted]
    assert list(fresh.integers.values) == [1, 2, -1, -1]
    assert list(plain.statuses) == [PRESENT, PRESENT, expired, NO_ENTITY]
    assert list(tagged.statuses) == [defaulted] * 4
    assert list(tagged.texts.values) == ["none"] * 4
    assert 59_000 < fresh.ages_ms[1] < 90_000


def test_a_set_grows_while_its_old_version_is_read(kassa):
    kassa.apply(shop.feature_set("grown", ["session"], shop.feature("a", "INT64")))
    kassa.features.Write(shop.write("grown", ["g"], shop.column("a", "integers", [1])), timeout=20)
    answer = kassa.apply(shop.feature_set(
        "grown", ["session"], shop.feature("b", "STRING"), shop.feature("a", "INT64")))
    # A version never changes, so another content is another version.
    assert (answer.plan[0].name, answer.plan[0].action) == ("grown@2", config_pb2.ADD)
    kassa.features.Write(
        shop.write("grown@2", ["g"], shop.column("b", "texts", ["new"])), timeout=20)
    answer = kassa.features.Read(
        shop.read("grown@1", "grown@2", "grown", ids=["g"]), timeout=20)
    old, new, newest = answer.feature_sets
    assert [column.name for column in old.columns] == ["a"]
    assert [column.name for column in new.columns] == ["b", "a"]
    assert old.columns[0].integers.values == new.columns[1].integers.values == [1]
    assert new.columns[0].texts.values == ["new"]
    assert newest.feature_set == "grown@2" and newest.columns == new.columns
    error = refusal(
        kassa.features.Write, shop.write("grown@1", ["g"], shop.column("b", "texts", [CANARY])))
    assert_refused(error, Code.INVALID_ARGUMENT, "columns[0].name")


def test_an_answer_is_of_one_configuration(kassa):
    """While a scorer changes between two models, each answer's model, digest and epoch belong together."""
    artefact = shop.fixture_model()[0]
    other = inputs()[::-1]
    names = {}
    for name, given in (("left", inputs()), ("right", other)):
        kassa.upload(shop.model_spec(artefact, name, inputs=given), artefact)
    stop = threading.Event()
    seen = []

    def ask():
        while not stop.is_set():
            answer = kassa.scoring.Score(
                shop.score("turning", "", include=[scoring_pb2.FEATURES]), timeout=20)
            first = answer.features[0].name
            seen.append((answer.epoch, answer.model, answer.bundle_sha256, first))

    kassa.apply(shop.scorer_spec("turning", "left@1"))
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for turn in range(100):
        model = ("right@1", "left@1")[turn % 2]
        epoch = kassa.replace("turning", model).epoch
        # Before the promotion the epoch of the shadow was in force.
        names[epoch - 1], names[epoch] = ("left@1", "right@1")[turn % 2], model
        answer = kassa.scoring.Score(shop.score("turning", ""), timeout=20)
        assert (answer.epoch, answer.model) == (epoch, model)
    stop.set()
    for thread in threads:
        thread.join()
    digests = {}
    for epoch, model, digest, first in seen:
        assert names.get(epoch, "left@1") == model
        assert digests.setdefault(model, digest) == digest
        assert first == {"left@1": "signals.signal_0", "right@1": "signals.signal_4"}[model]
    assert len(set(digests.values())) == 2
    assert len({epoch for epoch, *_ in seen}) > 10


# What is refused as a whole: the request, the status, words of the message.

SET, VISITS = "profile", shop.column("visits", "integers", [1])


def bad_column(name, kind, values, **more):
    return shop.write(SET, ["a"], shop.column(name, kind, values, **more))


REFUSED_WRITES = {
    "unknown set": (
        shop.write(f"{CANARY}_set", ["a"], VISITS), Code.NOT_FOUND, "feature_set"),
    "unknown version": (
        shop.write(f"{SET}@8193", ["a"], VISITS), Code.NOT_FOUND, "feature_set"),
    "malformed set": (
        shop.write(f"{CANARY}@x", ["a"], VISITS), Code.INVALID_ARGUMENT, "feature_set"),
    "no set": (shop.write("", ["a"], VISITS), Code.INVALID_ARGUMENT, "feature_set"),
    "no keys": (
        features_pb2.WriteRequest(feature_set=SET, columns=[VISITS]),
        Code.INVALID_ARGUMENT, "keys"),
    "wrong kind": (
        shop.write(SET, ["a"], VISITS, kind=CANARY), Code.INVALID_ARGUMENT, "keys", "session"),
    "no columns": (shop.write(SET, ["a"]), Code.INVALID_ARGUMENT, "columns"),
    "unknown feature": (
        bad_column(CANARY, "integers", [1]), Code.INVALID_ARGUMENT, "columns[0].name"),
    "same column twice": (
        shop.write(SET, ["a"], VISITS, VISITS), Code.INVALID_ARGUMENT, "columns[1].name"),
    "text for int64": (
        bad_column("visits", "texts", [CANARY]), Code.INVALID_ARGUMENT, "columns[0].values", "int64"),
    "float for int64": (
        bad_column("visits", "doubles", [81.93]), Code.INVALID_ARGUMENT, "columns[0].values"),
    "integer for bool": (
        bad_column("member", "integers", [1]), Code.INVALID_ARGUMENT, "columns[0].values", "bool"),
    "flag for string": (
        bad_column("city", "flags", [True]), Code.INVALID_ARGUMENT, "columns[0].values", "string"),
    "text for float32": (
        bad_column("price", "texts", [CANARY]),
        Code.INVALID_ARGUMENT, "columns[0].values", "float32"),
    "too few values": (
        shop.write(SET, ["a", "b"], VISITS), Code.INVALID_ARGUMENT, "columns[0].values"),
    "too many values": (
        bad_column("visits", "integers", [1, 2]), Code.INVALID_ARGUMENT, "columns[0].values"),
    "no values": (
        shop.write(SET, ["a"], values_pb2.Column(name="visits")),
        Code.INVALID_ARGUMENT, "columns[0].values"),
    "nulls of another length": (
        bad_column("visits", "integers", [1], nulls=b"\0\0"),
        Code.INVALID_ARGUMENT, "columns[0].nulls"),
    "absent of another length": (
        bad_column("visits", "integers", [1], absent=b"\0\0"),
        Code.INVALID_ARGUMENT, "columns[0].absent"),
    "event times of another number": (
        shop.write(SET, ["a", "b"], shop.column("visits", "integers", [1, 2]),
                   event_time_us=[1, 2, 3]), Code.INVALID_ARGUMENT, "event_time_us"),
    "one future time for all": (
        shop.write(SET, ["a", "b"], shop.column("visits", "integers", [1, 2]),
                   event_time_us=[2**63 - 1]), Code.INVALID_ARGUMENT, "event_time_us"),
    "one negative time for all": (
        shop.write(SET, ["a", "b"], shop.column("visits", "integers", [1, 2]),
                   event_time_us=[-(2**63)]), Code.INVALID_ARGUMENT, "event_time_us"),
    "unknown durability": (
        shop.write(SET, ["a"], VISITS, durability=8193), Code.INVALID_ARGUMENT, "durability"),
    "10,001 rows": (
        shop.write(SET, [str(row) for row in range(10_001)],
                   shop.column("visits", "integers", range(10_001))),
        Code.INVALID_ARGUMENT, "keys", "10000"),
}


@pytest.mark.parametrize("case", REFUSED_WRITES)
def test_a_write_is_refused(kassa, case):
    request, code, *words = REFUSED_WRITES[case]
    assert_refused(refusal(kassa.features.Write, request), code, *words)
    (answer,) = kassa.features.WriteStream(iter([request]), timeout=20)
    assert answer.refusal.code == code.value[0]
    assert all(word in answer.refusal.message for word in words)
    assert CANARY not in answer.refusal.message
    still_answers(kassa)


DAY = 86_400 * MICROSECONDS

# What is refused of a batch: row 1 of 3, whose field and reason the answer names.
REFUSED_ROWS = {
    "NaN for float32": (
        shop.column("price", "floats", [1, math.nan, 3]), {}, "price", "finite"),
    "infinity for float64": (
        shop.column("balance", "doubles", [1, -math.inf, 3]), {}, "balance", "finite"),
    "too large for float32": (
        shop.column("price", "doubles", [1, 1e39, 3]), {}, "price", "float32"),
    "inexact integer for float64": (
        shop.column("balance", "integers", [1, 2**53 + 1, 3]), {}, "balance", "float64"),
    "text of 1,025 bytes": (
        shop.column("city", "texts", ["a", CANARY + "x" * 1018, "c"]), {}, "city", "1024"),
    "null and absent": (
        shop.column("visits", "integers", [1, 2, 3], nulls=b"\2", absent=b"\2"), {},
        "visits", "null"),
    "empty id": (shop.column("visits", "integers", [1, 2, 3]), {"id": ""}, "keys[session]", "empty"),
    "id of 257 bytes": (
        shop.column("visits", "integers", [1, 2, 3]), {"id": CANARY + "x" * 250},
        "keys[session]", "256"),
    "id with NUL": (
        shop.column("visits", "integers", [1, 2, 3]), {"id": CANARY + "\0"},
        "keys[session]", "NUL"),
    "future event time": (
        shop.column("visits", "integers", [1, 2, 3]), {"time": DAY}, "event_time_us", "future"),
    "negative event time": (
        shop.column("visits", "integers", [1, 2, 3]), {"time": None}, "event_time_us", "negative"),
}


@pytest.mark.parametrize("case", REFUSED_ROWS)
def test_a_row_is_refused_by_itself(kassa, case):
    column, other, field, reason = REFUSED_ROWS[case]
    prefix = case.replace(" ", "-")
    ids = [f"{prefix}-0", other.get("id", f"{prefix}-1"), f"{prefix}-2"]
    now = int(time.time() * MICROSECONDS)
    times = [now, now, now]
    if "time" in other:
        times[1] = -1 if other["time"] is None else now + other["time"]
    answer = kassa.features.Write(
        shop.write("profile", ids, column, event_time_us=times), timeout=20)
    assert answer.applied == 2
    (error,) = answer.errors
    assert (error.row, error.field) == (1, field) and reason in error.reason
    assert CANARY not in error.reason
    (values,) = kassa.features.Read(
        shop.read("profile", ids=[ids[0], f"{prefix}-1", ids[2]]), timeout=20).feature_sets
    statuses = [read.statuses for read in values.columns if read.name == column.name][0]
    assert list(statuses) == [PRESENT, NO_ENTITY, PRESENT]


CONTEXT_NAN = values_pb2.NamedValue(name="signal_0", value=values_pb2.Value(number=math.nan))


def context(name, **value):
    return [values_pb2.NamedValue(name=name, value=values_pb2.Value(**value))]


REFUSED_SCORES = {
    "unknown scorer": (shop.score(CANARY, "a"), Code.NOT_FOUND, "scorer"),
    "no scorer": (shop.score("", "a"), Code.NOT_FOUND, "scorer"),
    "missing entity kind": (
        scoring_pb2.ScoreRequest(scorer="cart_abandonment"),
        Code.INVALID_ARGUMENT, "entities", "session"),
    "another entity kind": (
        shop.score("cart_abandonment", "a", kind=CANARY),
        Code.INVALID_ARGUMENT, "entities", "session"),
    "entity kind twice": (
        scoring_pb2.ScoreRequest(
            scorer="cart_abandonment",
            entities=[shop.entity("session", CANARY), shop.entity("session", "b")]),
        Code.INVALID_ARGUMENT, "entities[1].kind"),
    "id of 257 bytes": (
        shop.score("cart_abandonment", CANARY + "x" * 250),
        Code.INVALID_ARGUMENT, "entities[0].id", "256"),
    "id with NUL": (
        shop.score("cart_abandonment", CANARY + "\0"),
        Code.INVALID_ARGUMENT, "entities[0].id", "NUL"),
    "nine entities": (
        scoring_pb2.ScoreRequest(
            scorer="cart_abandonment",
            entities=[shop.entity(f"kind{i}", "a") for i in range(9)]),
        Code.INVALID_ARGUMENT, "entities"),
    "unknown context": (
        shop.score("cart_abandonment", "a", context=context(CANARY, number=1)),
        Code.INVALID_ARGUMENT, "context[0].name"),
    "context of another type": (
        shop.score("cart_abandonment", "a", context=context("signal_0", text=CANARY)),
        Code.INVALID_ARGUMENT, "context[0].value", "signal_0", "float32"),
    "context without value": (
        shop.score("cart_abandonment", "a",
                   context=[values_pb2.NamedValue(name="signal_0")]),
        Code.INVALID_ARGUMENT, "context[0].value"),
    "NaN in context": (
        shop.score("cart_abandonment", "a", context=context("signal_0", number=math.nan)),
        Code.INVALID_ARGUMENT, "context[0].value"),
    "infinity in context": (
        shop.score("cart_abandonment", "a", context=context("signal_0", number=math.inf)),
        Code.INVALID_ARGUMENT, "context[0].value"),
    "vector in context": (
        shop.score("cart_abandonment", "a",
                   context=context("signal_0", vector=values_pb2.FloatVector(values=[1]))),
        Code.INVALID_ARGUMENT, "context[0].value"),
    "1,001 context values": (
        shop.score("cart_abandonment", "a", context=context("signal_0", number=1) * 1001),
        Code.INVALID_ARGUMENT, "context", "1000"),
}


@pytest.mark.parametrize("case", REFUSED_SCORES)
def test_a_score_is_refused(kassa, case):
    request, code, *words = REFUSED_SCORES[case]
    assert_refused(refusal(kassa.scoring.Score, request), code, *words)
    answers = list(kassa.scoring.ScoreStream(
        iter([request, shop.score("cart_abandonment", "a")]), timeout=20))
    assert answers[0].refusal.code == code.value[0]
    assert CANARY not in answers[0].refusal.message
    assert answers[1].refusal.code == 0 and answers[1].model == "abandonment@1"
    still_answers(kassa)


def selection(name, *features):
    return features_pb2.FeatureSelection(feature_set=name, features=features)


REFUSED_READS = {
    "unknown set": (shop.read(CANARY, ids=["a"]), Code.NOT_FOUND, "selections[0].feature_set"),
    "unknown feature": (
        features_pb2.ReadRequest(
            keys=shop.keys("session", "a"), selections=[selection("profile", CANARY)]),
        Code.INVALID_ARGUMENT, "selections[0].features"),
    "no ids": (
        features_pb2.ReadRequest(selections=[selection("profile")]),
        Code.INVALID_ARGUMENT, "keys"),
    "no selection": (
        features_pb2.ReadRequest(keys=shop.keys("session", "a")),
        Code.INVALID_ARGUMENT, "selections"),
    "wrong kind": (
        shop.read("profile", ids=["a"], kind=CANARY), Code.INVALID_ARGUMENT, "keys", "session"),
    "empty id": (shop.read("profile", ids=["a", ""]), Code.INVALID_ARGUMENT, "keys", "ids[1]"),
    "10,001 ids": (
        shop.read("profile", ids=[str(row) for row in range(10_001)]),
        Code.INVALID_ARGUMENT, "keys", "10000"),
    "65 selections": (
        shop.read(*["profile"] * 65, ids=["a"]), Code.INVALID_ARGUMENT, "selections", "64"),
    "too long a reply": (
        shop.read(*["profile"] * 21, ids=[str(row) for row in range(10_000)]),
        Code.INVALID_ARGUMENT, "selections[16]", "4194304", "fewer entities"),
}


@pytest.mark.parametrize("case", REFUSED_READS)
def test_a_read_is_refused(kassa, case):
    request, code, *words = REFUSED_READS[case]
    assert_refused(refusal(kassa.features.Read, request), code, *words)
    still_answers(kassa)


# Configuration.


def good_set(**more):
    return shop.feature_set("goods", ["item"], shop.feature("price", "FLOAT32"), **more)


def bad_set(name="goods", kinds=("item",), *features):
    return shop.feature_set(name, kinds, *(features or [shop.feature("price", "FLOAT32")]))


REFUSED_DOCUMENTS = {
    "set without a name": (bad_set(""), Code.INVALID_ARGUMENT, "documents[0]", "name"),
    "set with a bad name": (
        bad_set(f"{CANARY}-Set"), Code.INVALID_ARGUMENT, "documents[0]", "name"),
    "name of 65 bytes": (
        bad_set(CANARY + "x" * 58), Code.INVALID_ARGUMENT, "documents[0]", "name"),
    "set without features": (
        shop.feature_set("goods", ["item"]), Code.INVALID_ARGUMENT, "documents[0]", "features"),
    "set without entity": (bad_set("goods", ()), Code.INVALID_ARGUMENT, "documents[0]", "entity"),
    "feature twice": (
        bad_set("goods", ["item"], shop.feature("a", "BOOL"), shop.feature("a", "BOOL")),
        Code.INVALID_ARGUMENT, "documents[0]", "features[1]"),
    "feature without a type": (
        bad_set("goods", ["item"], config_pb2.FeatureSpec(name="a")),
        Code.INVALID_ARGUMENT, "documents[0]", "features[0].type"),
    "default of another type": (
        bad_set("goods", ["item"], shop.feature(
            "a", "INT64", default=values_pb2.Value(text=CANARY))),
        Code.INVALID_ARGUMENT, "documents[0]", "features[0].default"),
    "NaN as default": (
        bad_set("goods", ["item"], shop.feature(
            "a", "FLOAT64", default=values_pb2.Value(number=math.nan))),
        Code.INVALID_ARGUMENT, "documents[0]", "features[0].default"),
    "version that skips": (
        good_set(version=8193), Code.FAILED_PRECONDITION, "documents[0]", "version"),
    "same version, other content": (
        shop.feature_set("profile", ["session"], shop.feature(CANARY, "FLOAT32"), version=1),
        Code.FAILED_PRECONDITION, "documents[0]", "version"),
    "scorer of an unknown model": (
        shop.scorer_spec("other", f"{CANARY}@1"), Code.FAILED_PRECONDITION, "documents[0]", "model"),
    "scorer with a bad name": (
        shop.scorer_spec(f"{CANARY}!"), Code.INVALID_ARGUMENT, "documents[0]", "name"),
}


@pytest.mark.parametrize("case", REFUSED_DOCUMENTS)
def test_a_document_is_refused(kassa, case):
    resource, code, *words = REFUSED_DOCUMENTS[case]
    before = kassa.config.List(config_pb2.ListRequest(), timeout=20)
    assert_refused(refusal(lambda **more: kassa.apply(resource), ), code, *words)
    # Nothing of a request is applied when one document of it is refused.
    assert_refused(refusal(lambda **more: kassa.apply(good_set(), resource)), code)
    assert kassa.config.List(config_pb2.ListRequest(), timeout=20) == before
    still_answers(kassa)


def test_a_document_without_a_resource_is_refused(kassa):
    request = config_pb2.ApplyRequest(documents=[config_pb2.Document()])
    assert_refused(
        refusal(kassa.config.Apply, request), Code.INVALID_ARGUMENT, "documents[0]")


def test_an_apply_that_expects_another_epoch_is_aborted(kassa):
    epoch = kassa.config.List(config_pb2.ListRequest(), timeout=20).epoch
    for expected in (epoch - 1, epoch + 1, 0):
        error = refusal(lambda **more: kassa.apply(good_set(), expected_epoch=expected))
        assert_refused(error, Code.ABORTED, "expected_epoch")
    answer = kassa.apply(good_set(), expected_epoch=epoch, dry_run=True)
    assert answer.epoch == epoch and answer.plan[0].action == config_pb2.ADD
    assert kassa.config.List(config_pb2.ListRequest(), timeout=20).epoch == epoch


def test_applying_the_same_again_changes_nothing(kassa):
    answer = kassa.apply(shop.PROFILE_SET, shop.scorer_spec())
    again = kassa.apply(shop.PROFILE_SET, shop.scorer_spec())
    assert {entry.action for entry in again.plan} == {config_pb2.UNCHANGED}
    assert answer.epoch == again.epoch


def test_documents_are_read_back(kassa):
    got = kassa.config.Get(
        config_pb2.GetRequest(kind="feature_set", name="profile@1"), timeout=20)
    expected = config_pb2.FeatureSetSpec()
    expected.CopyFrom(shop.PROFILE_SET)
    expected.version = 1
    assert got.document.feature_set == expected
    got = kassa.config.Get(
        config_pb2.GetRequest(kind="scorer", name="cart_abandonment"), timeout=20)
    assert got.document.scorer == shop.scorer_spec()
    for kind, name, code, word in [
        ("feature_set", CANARY, Code.NOT_FOUND, "name"),
        ("scorer", CANARY, Code.NOT_FOUND, "name"),
        (CANARY, "profile", Code.INVALID_ARGUMENT, "kind"),
    ]:
        request = config_pb2.GetRequest(kind=kind, name=name)
        assert_refused(refusal(kassa.config.Get, request), code, word)
    request = config_pb2.ListRequest(kind=CANARY)
    assert_refused(refusal(kassa.config.List, request), Code.INVALID_ARGUMENT, "kind")


# Models.


def upload_error(kassa, parts):
    return refusal(kassa.models.Upload, iter(parts))


def spec(**more):
    artefact = shop.fixture_model()[0]
    return shop.model_spec(artefact, **{"name": "trial", **more})


def inputs(feature_set="signals@1", last="signal_4", count=shop.SIGNALS, **more):
    names = [f"signal_{i}" for i in range(count - 1)] + [last]
    return [
        models_pb2.ModelInput(feature_set=feature_set, feature=name, **more) for name in names]


REFUSED_SPECS = {
    "bad name": (spec(name=f"{CANARY}!"), Code.INVALID_ARGUMENT, "spec.name"),
    "no format": (spec(format=0), Code.INVALID_ARGUMENT, "spec.format"),
    "short digest": (spec(sha256=b"x" * 31), Code.INVALID_ARGUMENT, "spec.sha256"),
    "no bytes": (spec(byte_count=0), Code.INVALID_ARGUMENT, "spec.byte_count"),
    "256 MiB + 1": (spec(byte_count=(256 << 20) + 1), Code.INVALID_ARGUMENT, "spec.byte_count"),
    "2^64 - 1 bytes": (spec(byte_count=2**64 - 1), Code.INVALID_ARGUMENT, "spec.byte_count"),
    "version 1,000,000,001": (
        spec(version=10**9 + 1), Code.INVALID_ARGUMENT, "spec.version"),
    "fewer bytes announced": (spec(byte_count=100), Code.INVALID_ARGUMENT, "byte_count"),
    "more bytes announced": (spec(byte_count=1 << 20), Code.INVALID_ARGUMENT, "spec.byte_count"),
    "another digest": (
        spec(sha256=hashlib.sha256(b"").digest()), Code.DATA_LOSS, "spec.sha256"),
    "no inputs": (spec(inputs=[]), Code.INVALID_ARGUMENT, "spec.inputs"),
    "too few inputs": (spec(inputs=inputs(count=4)), Code.INVALID_ARGUMENT, "spec.inputs"),
    "unknown set": (spec(inputs=inputs(f"{CANARY}@1")), Code.NOT_FOUND, "inputs[0].feature_set"),
    "unpinned set": (
        spec(inputs=inputs("signals")), Code.INVALID_ARGUMENT, "inputs[0].feature_set"),
    "unknown feature": (
        spec(inputs=inputs(last=CANARY)), Code.INVALID_ARGUMENT, "inputs[4].feature"),
    "categories of a number": (
        spec(inputs=inputs(categories=[CANARY])), Code.INVALID_ARGUMENT, "inputs[0].categories"),
    "string without categories": (
        spec(inputs=inputs()[:4] + [
            models_pb2.ModelInput(feature_set="profile@1", feature="city")]),
        Code.INVALID_ARGUMENT, "inputs[4].categories"),
}


@pytest.mark.parametrize("case", REFUSED_SPECS)
def test_a_model_is_refused_by_its_spec(kassa, case):
    given, code, *words = REFUSED_SPECS[case]
    artefact = shop.fixture_model()[0]
    before = kassa.models.List(models_pb2.ListModelsRequest(), timeout=20)
    assert_refused(upload_error(kassa, shop.upload_parts(given, artefact, 1000)), code, *words)
    assert kassa.models.List(models_pb2.ListModelsRequest(), timeout=20) == before
    still_answers(kassa)


def child_out_of_range(trees):
    trees[3]["left_children"][1] = 99


def cycle(trees):
    trees[2]["left_children"][1] = 0


def unknown_feature(trees):
    trees[1]["split_indices"][2] = 5


def infinite_leaf(trees):
    trees[0]["split_conditions"][-1] = 1e300


@pytest.mark.parametrize("edit, place", [
    (child_out_of_range, "tree 3 node 1"),
    (cycle, "tree 2 node"),
    (unknown_feature, "tree 1 node 2"),
    (infinite_leaf, "tree 0 node"),
])
def test_a_bad_model_is_refused_naming_the_node(kassa, edit, place):
    artefact = shop.edited_model(edit)
    error = upload_error(kassa, shop.upload_parts(shop.model_spec(artefact, "trial"), artefact))
    assert_refused(error, Code.INVALID_ARGUMENT, "artefact", place)
    still_answers(kassa)


@pytest.mark.parametrize("artefact", [
    b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"learner": 1e400}', b"PK\x03\x04",
    CANARY.encode(),
])
def test_what_is_no_model_is_refused(kassa, artefact):
    error = upload_error(kassa, shop.upload_parts(shop.model_spec(artefact, "trial"), artefact))
    assert_refused(error, Code.INVALID_ARGUMENT, "artefact")
    still_answers(kassa)


def test_an_upload_begins_with_its_spec_and_has_one(kassa):
    artefact = shop.fixture_model()[0]
    header, *chunks = shop.upload_parts(spec(), artefact, 4096)
    for parts in ([*chunks], [], [models_pb2.UploadRequest()]):
        assert_refused(upload_error(kassa, parts), Code.INVALID_ARGUMENT, "spec")
    assert_refused(
        upload_error(kassa, [header, chunks[0], header]), Code.INVALID_ARGUMENT, "part")
    still_answers(kassa)


def test_an_upload_again_is_already_present(kassa):
    artefact = shop.fixture_model()[0]
    for version in (0, 1):
        answer = kassa.upload(shop.model_spec(artefact, version=version), artefact)
        assert answer.already_present and answer.model.spec.version == 1
    given = shop.model_spec(artefact, version=1, inputs=inputs()[::-1])
    assert_refused(
        upload_error(kassa, shop.upload_parts(given, artefact)),
        Code.ALREADY_EXISTS, "spec.version")


def test_a_model_in_use_cannot_be_deleted(kassa):
    artefact = shop.fixture_model()[0]
    kassa.upload(spec(name="unused"), artefact)
    listed = kassa.models.List(models_pb2.ListModelsRequest(), timeout=20).models
    assert {"abandonment", "unused"} <= {model.spec.name for model in listed}
    got = kassa.models.Get(models_pb2.GetModelRequest(model="abandonment"), timeout=20)
    assert list(got.scorers) == ["cart_abandonment"]
    assert (got.model.trees, got.model.objective) == (11, "binary:logistic")
    error = refusal(
        kassa.models.Delete, models_pb2.DeleteModelRequest(model="abandonment@1"))
    assert_refused(error, Code.FAILED_PRECONDITION, "model", "cart_abandonment")
    kassa.models.Delete(models_pb2.DeleteModelRequest(model="unused@1"), timeout=20)
    for model in ("unused@1", CANARY, f"{CANARY}@1"):
        assert_refused(
            refusal(kassa.models.Get, models_pb2.GetModelRequest(model=model)),
            Code.NOT_FOUND, "model")
        assert_refused(
            refusal(kassa.models.Delete, models_pb2.DeleteModelRequest(model=model)),
            Code.NOT_FOUND, "model")
    still_answers(kassa)


def test_a_deadline_that_has_passed_is_kept(kassa):
    def endless():
        yield shop.score("cart_abandonment", "a")
        time.sleep(2)

    begun = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        list(kassa.scoring.ScoreStream(endless(), timeout=0.2))
    assert caught.value.code() == Code.DEADLINE_EXCEEDED
    assert time.monotonic() - begun < 1.5
    still_answers(kassa)
