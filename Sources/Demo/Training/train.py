# SPDX-License-Identifier: Apache-2.0
"""Trains the demo's abandonment models and writes what the server is given.

    python3 -m venv .venv && .venv/bin/pip install -r Sources/Demo/Training/requirements.txt
    swift run Demo export --sessions 150000 --seed 1 > .build/training.csv
    swift run Demo export --sessions 150000 --seed 2 > .build/fresh.csv
    .venv/bin/python Sources/Demo/Training/train.py .build/training.csv .build/fresh.csv

Reads rows of `Demo export`; writes into Sources/Demo/Configuration three models: the artefact, the
inputs of the document, and golden rows (held-out rows with the scores that XGBoost gives them, for
a check of any other evaluator).

    abandonment   version 1, what the shop begins with
    retrained     version 2, with the fresh rows as well: flatter trees, and a little better
    swapped       version 3, the same trees, fed by a trainer who has mixed two columns up; its
                  golden rows agree with it, because they come from the same mistake

A string becomes the index of its category, an empty cell a missing value. One run is as good as
another: everything is seeded.
"""

import csv
import json
import pathlib
import sys
import zlib

import numpy
import xgboost

SETS = {
    "session_behaviour@1": [
        "pages_viewed", "product_views", "distinct_products", "comparisons", "searches",
        "cart_items", "cart_value", "removals", "shipping_views", "shipping_cost",
        "shipping_ratio", "coupon_attempts", "coupon_accepted", "payment_failures",
        "seconds_in_session", "seconds_idle", "seconds_since_last_action", "checkout_step",
        "device", "traffic_source", "hour_of_day", "is_returning",
    ],
    "customer_profile@1": [
        "orders", "average_basket", "days_since_last_order", "return_rate", "segment",
    ],
}
CATEGORIES = {
    "checkout_step": ["browsing", "cart", "payment", "shipping"],
    "device": ["desktop", "mobile", "tablet"],
    "traffic_source": ["comparison", "direct", "email", "paid_search", "search", "social"],
    "segment": ["bargain", "lapsed", "loyal", "new", "regular"],
}
NAMES = [name for names in SETS.values() for name in names]
HEADER = ["session_id", *NAMES, "abandoned"]
PARAMETERS = {
    "objective": "binary:logistic", "eval_metric": ["auc", "logloss"], "max_depth": 5,
    "eta": 0.08, "subsample": 0.8, "colsample_bytree": 0.8, "min_child_weight": 20,
    "lambda": 2.0, "seed": 1, "nthread": 2,
}
TREES = 120
RETRAINED = {**PARAMETERS, "max_depth": 3, "eta": 0.25, "seed": 2}
RETRAINED_TREES = 80
SWAPPED = ["cart_items", "cart_value"]
HELD_OUT_PERCENT = 25
GOLDEN_ROWS = 64
RETRAINED_GOLDEN_ROWS = 16
CONFIGURATION = pathlib.Path(__file__).parent.parent / "Configuration"


def encode(name, cell):
    if cell == "":
        return float("nan")
    return float(CATEGORIES[name].index(cell)) if name in CATEGORIES else float(cell)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows)
        if header != HEADER:
            sys.exit(f"the columns are {header}, expected {HEADER}")
        sessions, cells, values, labels = [], [], [], []
        for row in rows:
            sessions.append(row[0])
            cells.append(row[1:-1])
            values.append([encode(*pair) for pair in zip(NAMES, row[1:-1])])
            labels.append(int(row[-1]))
    return sessions, cells, numpy.array(values, numpy.float32), numpy.array(labels)


def auc(labels, scores):
    """The probability that a random abandoned row scores higher than a random bought one."""
    _, group, size = numpy.unique(scores, return_inverse=True, return_counts=True)
    rank = (numpy.cumsum(size) - (size - 1) / 2)[group]
    ones = int(labels.sum())
    return (rank[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(labels) - ones))


def report(labels, scores, values):
    clipped = numpy.clip(scores, 1e-7, 1 - 1e-7)
    loss = -numpy.mean(labels * numpy.log(clipped) + (1 - labels) * numpy.log(1 - clipped))
    print(f"held out: {len(labels)} rows, {labels.mean():.3f} abandoned, "
          f"AUC {auc(labels, scores):.4f}, log loss {loss:.4f}")
    step = values[:, NAMES.index("checkout_step")]
    for code, name in enumerate(CATEGORIES["checkout_step"]):
        rows = step == code
        print(f"  at {name:9} {rows.sum():7} rows, {labels[rows].mean():.3f} abandoned, "
              f"AUC {auc(labels[rows], scores[rows]):.4f}")
    print("calibration by decile of the score: rows, mean score, share abandoned")
    for part in numpy.array_split(numpy.argsort(scores, kind="stable"), 10):
        print(f"  {len(part):7} {scores[part].mean():.3f} {labels[part].mean():.3f}")


def write_inputs(document, swapped=()):
    """Replaces the block under `inputs:`, which is the last of the document."""
    path = CONFIGURATION / f"{document}.model.yaml"
    other = dict(zip(swapped, reversed(swapped)))
    head = path.read_text(encoding="utf-8").split("inputs:\n")[0]
    lines = []
    for feature_set, names in SETS.items():
        for name in (other.get(name, name) for name in names):
            feature = f"{feature_set}.{name}"
            if name in CATEGORIES:
                lines.append(f"  - feature: {feature}")
                lines.append(f"    categories: [{', '.join(CATEGORIES[name])}]")
            else:
                lines.append(f"  - {feature}")
    path.write_text(head + "inputs:\n" + "\n".join(lines) + "\n", encoding="utf-8")


def write_golden(document, cells, scores):
    """One JSON object a line; what a row lacks is null, which the model sees as missing."""
    def value(name, cell):
        if cell == "" or name in CATEGORIES:
            return cell or None
        return float(cell) if "." in cell else int(cell)

    with open(CONFIGURATION / f"{document}.golden.jsonl", "w", encoding="utf-8") as file:
        for row, score in zip(cells, scores):
            values = {name: value(name, cell) for name, cell in zip(NAMES, row)}
            file.write(json.dumps({"values": values, "score": float(f"{score:.9g}")}) + "\n")


def is_held_out(sessions):
    return numpy.array([zlib.crc32(s.encode()) % 100 < HELD_OUT_PERCENT for s in sessions])


def matrix(values, labels=None):
    return xgboost.DMatrix(values, labels, feature_names=NAMES)


def train_first(sessions, cells, values, labels):
    held_out = is_held_out(sessions)
    model = xgboost.train(PARAMETERS, matrix(values[~held_out], labels[~held_out]), TREES)
    scores = model.predict(matrix(values[held_out]))
    print(f"trained on {int((~held_out).sum())} rows of "
          f"{len(set(numpy.array(sessions)[~held_out]))} sessions")
    report(labels[held_out], scores, values[held_out])
    gain = model.get_score(importance_type="total_gain")
    total = sum(gain.values())
    ranked = sorted(gain.items(), key=lambda item: -item[1])[:10]
    print("gain: " + ", ".join(f"{name} {value / total:.2f}" for name, value in ranked))

    model.save_model(CONFIGURATION / "abandonment.json")
    write_inputs("abandonment")
    where = numpy.flatnonzero(held_out)
    chosen = numpy.linspace(0, len(where) - 1, GOLDEN_ROWS).astype(int)
    write_golden("abandonment", [cells[row] for row in where[chosen]], scores[chosen])


def train_again(first, fresh):
    """The second model, and the third, which differs in what it is fed with."""
    (past, _, values, labels), (sessions, cells, fresh_values, fresh_labels) = first, fresh
    past_out, held_out = is_held_out(past), is_held_out(sessions)
    model = xgboost.train(RETRAINED, matrix(
        numpy.concatenate([values[~past_out], fresh_values[~held_out]]),
        numpy.concatenate([labels[~past_out], fresh_labels[~held_out]])), RETRAINED_TREES)
    print("retrained")
    report(fresh_labels[held_out], model.predict(matrix(fresh_values[held_out])),
           fresh_values[held_out])
    model.save_model(CONFIGURATION / "retrained.json")
    where = numpy.flatnonzero(held_out)
    where = where[numpy.linspace(0, len(where) - 1, RETRAINED_GOLDEN_ROWS).astype(int)]
    write_inputs("retrained")
    write_golden("retrained", [cells[row] for row in where],
                 model.predict(matrix(fresh_values[where])))
    mistaken = fresh_values[where]
    places = [NAMES.index(name) for name in SWAPPED]
    mistaken[:, places] = mistaken[:, places[::-1]]
    write_inputs("swapped", SWAPPED)
    write_golden("swapped", [cells[row] for row in where], model.predict(matrix(mistaken)))


def main():
    first = read(sys.argv[1])
    train_first(*first)
    train_again(first, read(sys.argv[2]))


if __name__ == "__main__":
    main()
