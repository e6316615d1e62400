# SPDX-License-Identifier: Apache-2.0
"""A real shop's event stream, folded into features: the state does not depend on how it arrived.

The stream is `events/rees46_20191001_0000_0239.csv` of the shared data (REES46 Open CDP); its README
says where it is from. Features are folded per session and per user; a write says what changed in one
second, so that rows are partial. What the store then says is compared between ways of delivery, and with
a computation from the raw events.
"""

import csv
import datetime
import random
from collections import defaultdict

import pytest

import client as shop
from client import Client
from kassa.v1 import features_pb2, values_pb2
from kassa_process import Server
from test_cli import Kassa
from test_export import labels, table
from test_lifecycle import MICROSECONDS, keys, read

SEED = 7
# The events are of 2019.
HISTORY_MS = 10 * 365 * 86_400_000
LATENESS_SECONDS = 600
RECENT = 5

FEATURES = {
    "events": ("INT64", "integers"), "last_type": ("STRING", "texts"),
    "last_price": ("FLOAT64", "doubles"), "last_product": ("INT64", "integers"),
    "brand": ("STRING", "texts"), "distinct_products": ("INT64", "integers"),
    "views": ("INT64", "integers"), "carts": ("INT64", "integers"),
    "purchases": ("INT64", "integers"), "cart_value": ("FLOAT64", "doubles"),
    "spent": ("FLOAT64", "doubles"), "mean_price": ("FLOAT32", "floats"),
    "first_seen": ("TIMESTAMP", "integers"), "recent": ("STRINGS", "lists"),
    "prices": ("VECTOR", "vectors"),
}


@pytest.fixture(scope="module")
def stream(shared_data):
    """(time in µs, type, product, brand, price, user, session), as the file has them."""
    path = shared_data / "events/rees46_20191001_0000_0239.csv"
    if not path.is_file():
        pytest.skip(f"needs the event stream: {path} is not there")
    events = []
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            when = datetime.datetime.strptime(row["event_time"], "%Y-%m-%d %H:%M:%S UTC")
            seconds = int(when.replace(tzinfo=datetime.timezone.utc).timestamp())
            events.append((
                seconds * MICROSECONDS, row["event_type"], int(row["product_id"]), row["brand"],
                float(row["price"]), row["user_id"], row["user_session"]))
    assert len(events) == 11_562
    return events


# Folding, one event after another.


class Fold:
    """The features of one entity while its events pass."""

    def __init__(self):
        self.values = {"events": 0, "spent": 0.0}
        self.products = set()
        self.recent = []
        self.price_sum = 0.0

    def take(self, when, kind, product, brand, price):
        """The features that the event changes."""
        values, first = self.values, self.values["events"] == 0
        self.products.add(product)
        self.recent = (self.recent + [(product, price)])[-RECENT:]
        self.price_sum += price
        changed = {
            "events": values["events"] + 1, "last_type": kind, "last_price": price,
            "last_product": product, "brand": brand or None,
            "distinct_products": len(self.products),
            "mean_price": self.price_sum / (values["events"] + 1),
            "recent": tuple(str(product) for product, _ in self.recent),
            "prices": tuple(
                [float(price) for _, price in self.recent] + [0.0] * (RECENT - len(self.recent)))}
        if first:
            changed["first_seen"] = when
        counter = {"view": "views", "cart": "carts", "purchase": "purchases"}[kind]
        changed[counter] = values.get(counter, 0) + 1
        if kind == "cart":
            changed["cart_value"] = values.get("cart_value", 0.0) + price
        if kind == "purchase":
            changed["spent"] = values["spent"] + price
            # An empty cart is known to be empty.
            changed["cart_value"] = None
        values.update({name: value for name, value in changed.items() if name != "cart_value"})
        if "cart_value" in changed:
            values["cart_value"] = changed["cart_value"] or 0.0
        return changed


def fold(stream, place):
    """Writes (time, id, {feature: value}) in order: what changed of an entity within one second."""
    folds, writes = defaultdict(Fold), {}
    for event in stream:
        id = event[place]
        writes.setdefault((event[0], id), {}).update(folds[id].take(*event[:5]))
    return [(when, id, told) for (when, id), told in writes.items()]


# The same, from the raw events alone.


def single(number):
    """A number as float32 has it."""
    return values_pb2.FloatVector(values=[number]).values[0]


def total(numbers):
    """The sum from left to right, which newer Pythons' sum() is not."""
    result = 0.0
    for number in numbers:
        result += number
    return result


def brute_force(own, at):
    """(status, value, age) of each feature at a time, from an entity's raw events."""
    events = [event for event in own if event[0] <= at]
    if not events:
        return {name: ("NO_ENTITY", None, -1) for name in FEATURES}
    of = {kind: [event for event in events if event[1] == kind]
          for kind in ("view", "cart", "purchase")}
    prices, products = [event[4] for event in events], [event[2] for event in events]
    last = events[-1]
    recent = prices[-RECENT:]
    values = {
        "events": (len(events), last), "last_type": (last[1], last), "last_price": (last[4], last),
        "last_product": (last[2], last), "brand": (last[3] or None, last),
        "distinct_products": (len(set(products)), last),
        "mean_price": (single(total(prices) / len(prices)), last),
        "recent": (tuple(map(str, products[-RECENT:])), last),
        "prices": (tuple(map(single, recent + [0.0] * (RECENT - len(recent)))), last),
        "first_seen": (events[0][0], events[0])}
    for kind, name in (("view", "views"), ("cart", "carts"), ("purchase", "purchases")):
        values[name] = (len(of[kind]), of[kind][-1]) if of[kind] else None
    values["spent"] = (
        (total(event[4] for event in of["purchase"]), of["purchase"][-1]) if of["purchase"] else None)
    # Since the last purchase, which empties the cart.
    cart = [event for event in events if event[1] != "view"]
    if not cart:
        values["cart_value"] = None
    elif cart[-1][1] == "purchase":
        values["cart_value"] = (None, cart[-1])
    else:
        value = 0.0
        for event in cart:
            value = value + event[4] if event[1] == "cart" else 0.0
        values["cart_value"] = (value, cart[-1])
    found = {}
    for name, value in values.items():
        if value is None:
            found[name] = ("NO_FEATURE", None, -1)
        else:
            found[name] = (
                "PRESENT" if value[0] is not None else "NULL", value[0], (at - value[1][0]) // 1_000)
    return found


# Delivery.


def declare(client, name, kind):
    client.apply(shop.feature_set(
        name, [kind],
        *(shop.feature(feature, type_, **({"dimension": RECENT} if type_ == "VECTOR" else {}))
          for feature, (type_, _) in FEATURES.items()),
        history_ms=HISTORY_MS))


def request(name, kind, part):
    """One write of several rows, columns of which rows may be silent about or say null."""
    columns = []
    for feature, (_, values_name) in FEATURES.items():
        absent = nulls = 0
        values = []
        for row, (_, _, told) in enumerate(part):
            if feature not in told:
                absent |= 1 << row
            elif told[feature] is None:
                nulls |= 1 << row
            values.append(told.get(feature))
        size = (len(part) + 7) // 8
        column = values_pb2.Column(
            name=feature, nulls=nulls.to_bytes(size, "little"), absent=absent.to_bytes(size, "little"))
        if values_name == "lists":
            column.lists.values.extend(values_pb2.StringList(values=value or ()) for value in values)
        elif values_name == "vectors":
            column.vectors.dimension = RECENT
            for value in values:
                column.vectors.values.extend(value or [0.0] * RECENT)
        else:
            none = "" if values_name == "texts" else 0
            getattr(column, values_name).values.extend(
                none if value is None else value for value in values)
        columns.append(column)
    return features_pb2.WriteRequest(
        feature_set=name, keys=keys(**{kind: [id for _, id, _ in part]}), columns=columns,
        event_time_us=[when for when, _, _ in part])


def requests(name, kind, writes, size):
    """The writes in requests of as many rows as `size()` says."""
    start = 0
    while start < len(writes):
        count = size()
        yield request(name, kind, writes[start : start + count])
        start += count


def deliver(client, pieces, streaming):
    """Delivers all of them; returns how many rows were applied and how many were ignored as older."""
    if streaming:
        answers = list(client.features.WriteStream(pieces, timeout=120))
    else:
        answers = [client.features.Write(piece, timeout=20) for piece in pieces]
    assert not any(answer.errors or answer.refusal.code for answer in answers)
    return sum(answer.applied for answer in answers), sum(answer.ignored_older for answer in answers)


def late(writes, chance):
    """The writes as they arrive when each is up to so many seconds late."""
    delayed = [(write[0] + chance.uniform(0, LATENESS_SECONDS) * MICROSECONDS, place, write)
               for place, write in enumerate(writes)]
    return [write for _, _, write in sorted(delayed, key=lambda item: item[:2])]


KINDS = {"session": 6, "user": 5}
WAYS = ("in_order", "late", "duplicated", "restarted")


@pytest.fixture(scope="module")
def delivered(stream, tmp_path_factory):
    """A server that has the stream in every way, started again afterwards."""
    chance = random.Random(SEED)
    folder = tmp_path_factory.mktemp("events") / "data"
    server = Server(folder, map_gib=4)
    client = Client(server.address)
    counts = {}
    try:
        for kind, place in KINDS.items():
            writes = fold(stream, place)
            for way in WAYS:
                declare(client, f"{kind}_{way}", kind)
            counts[kind, "in_order"] = deliver(
                client, requests(f"{kind}_in_order", kind, writes, lambda: 100), False)
            assert counts[kind, "in_order"] == (len(writes), 0)
            shuffled = late(writes, chance)
            assert shuffled != writes
            deliver(client, requests(
                f"{kind}_late", kind, shuffled, lambda: chance.randint(1, 300)), True)
            doubled = late(writes + chance.choices(writes, k=len(writes) // 2), chance)
            applied, ignored = deliver(client, requests(
                f"{kind}_duplicated", kind, doubled, lambda: chance.choice([1, 10, 500])), True)
            assert applied + ignored == len(doubled) and ignored > 0
            # Half of it, a kill -9, and again from a little earlier on.
            half = len(writes) // 2
            deliver(client, requests(
                f"{kind}_restarted", kind, writes[:half], lambda: 64), False)
            client.close()
            server.kill()
            server = Server(folder, map_gib=4)
            client = Client(server.address)
            applied, ignored = deliver(client, requests(
                f"{kind}_restarted", kind, writes[half - 500 :], lambda: 37), False)
            assert (applied, ignored) == (len(writes) - half, 500)
        client.close()
        server.stop()
        server = Server(folder, map_gib=4)
        yield server
        server.stop()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def client(delivered):
    client = Client(delivered.address)
    yield client
    client.close()


def entities(stream, kind):
    """Each entity's raw events."""
    own = defaultdict(list)
    for event in stream:
        own[event[KINDS[kind]]].append(event)
    return own


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_is_the_same_however_the_stream_arrived(stream, client, kind):
    """Of every entity all values, statuses and event times; the latter as ages of one moment."""
    own = entities(stream, kind)
    ids = list(own)
    at = stream[-1][0] + 3_600 * MICROSECONDS
    found = read(client, *(f"{kind}_{way}" for way in WAYS), as_of=at, **{kind: ids})
    for way, values in zip(WAYS, found):
        assert values == found[0], way
    # What is read now are the same values.
    now = read(client, *(f"{kind}_{way}" for way in WAYS), **{kind: ids})
    for values in now:
        for name in FEATURES:
            assert [cell[:2] for cell in values[name]] == [cell[:2] for cell in found[0][name]]
    for row, id in enumerate(ids):
        expected = brute_force(own[id], at)
        for name in FEATURES:
            assert found[0][name][row] == expected[name], (id, name)


def pairs(stream, kind, count):
    """Random entities and times, most of them near an event of the entity's."""
    chance = random.Random(f"{SEED}{kind}")
    own = entities(stream, kind)
    # Those with many events are asked for more often.
    chosen = [chance.choice(stream)[KINDS[kind]] for _ in range(count)]
    return own, [
        (id, chance.choice(own[id])[0] + chance.choice([-1, 0, 0, 1, 999_999, 60 * MICROSECONDS]))
        for id in chosen]


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_as_of_any_time_are_those_of_the_raw_events(stream, client, kind):
    own, asked = pairs(stream, kind, 500)
    found = read(client, *(f"{kind}_{way}" for way in WAYS), each=[at for _, at in asked],
                 **{kind: [id for id, _ in asked]})
    statuses = set()
    for way, values in zip(WAYS, found):
        for row, (id, at) in enumerate(asked):
            expected = brute_force(own[id], at)
            for name in FEATURES:
                assert values[name][row] == expected[name], (
                    way, id, at, name)
                statuses.add(expected[name][0])
    assert statuses == {"PRESENT", "NULL", "NO_FEATURE", "NO_ENTITY"}


def test_an_export_of_the_stream_has_the_raw_events_values(stream, delivered, tmp_path):
    """Labels by session and user, as a training job has them: no value is from after the label."""
    chance = random.Random(SEED)
    rows = [
        (event[6], event[5], event[0] + chance.choice([-1, 0, MICROSECONDS]))
        for event in chance.sample(stream, 1_000)]
    path = labels(tmp_path / "labels.csv", ["user_session", "user_id", "at"], rows)
    out = tmp_path / "rows.csv"
    counts = Kassa(delivered.address).json(
        "export", "session_late", "user_duplicated", "--labels", path, "--as-of", "at",
        "--key", "session=user_session", "--key", "user=user_id", "--out", str(out))
    assert (counts["label_rows"], counts["rows"]) == (1_000, 1_000)
    found = table(out.read_text(encoding="utf-8"))
    own = {kind: entities(stream, kind) for kind in KINDS}
    for (session, user, at), row in zip(rows, found):
        assert (row["user_session"], row["user_id"], row["at"]) == (session, user, str(at))
        for kind, way, id in (("session", "late", session), ("user", "duplicated", user)):
            expected = brute_force(own[kind][id], at)
            for name in ("events", "carts", "last_price", "cart_value", "mean_price", "spent"):
                text, value = row[f"{kind}_{way}@1.{name}"], expected[name][1]
                if value is None:
                    assert text == "", (id, at, name)
                else:
                    assert float(text) == pytest.approx(value, rel=1e-7), (id, at, name)
