# SPDX-License-Identifier: Apache-2.0
"""Trains the demo's abandonment model and writes what the server is given.

    python3 -m venv .venv && .venv/bin/pip install -r Sources/Demo/Training/requirements.txt
    swift run Demo export --sessions 150000 --seed 1 > .build/training.csv
    .venv/bin/python Sources/Demo/Training/train.py .build/training.csv

Reads rows of `Demo export`; writes into Sources/Demo/Configuration: abandonment.json (the model),
the inputs of abandonment.model.yaml, and abandonment.golden.jsonl (held-out rows with the scores
that XGBoost gives them, for a check of any other evaluator). A string becomes the index of its
category, an empty cell a missing value. One run is as good as another: everything is seeded.
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
HELD_OUT_PERCENT = 25
GOLDEN_ROWS = 64
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


def write_inputs():
    """Replaces the block under `inputs:`, which is the last of the document."""
    path = CONFIGURATION / "abandonment.model.yaml"
    head = path.read_text(encoding="utf-8").split("inputs:\n")[0]
    lines = []
    for feature_set, names in SETS.items():
        for name in names:
            feature = f"{feature_set}.{name}"
            if name in CATEGORIES:
                lines.append(f"  - feature: {feature}")
                lines.append(f"    categories: [{', '.join(CATEGORIES[name])}]")
            else:
                lines.append(f"  - {feature}")
    path.write_text(head + "inputs:\n" + "\n".join(lines) + "\n", encoding="utf-8")


def write_golden(cells, scores):
    """One JSON object a line; what a row lacks is null, which the model sees as missing."""
    def value(name, cell):
        if cell == "" or name in CATEGORIES:
            return cell or None
        return float(cell) if "." in cell else int(cell)

    with open(CONFIGURATION / "abandonment.golden.jsonl", "w", encoding="utf-8") as file:
        for row, score in zip(cells, scores):
            values = {name: value(name, cell) for name, cell in zip(NAMES, row)}
            file.write(json.dumps({"values": values, "score": float(f"{score:.9g}")}) + "\n")


def main():
    sessions, cells, values, labels = read(sys.argv[1])
    held_out = numpy.array([zlib.crc32(s.encode()) % 100 < HELD_OUT_PERCENT for s in sessions])
    train = xgboost.DMatrix(values[~held_out], labels[~held_out], feature_names=NAMES)
    model = xgboost.train(PARAMETERS, train, TREES)
    test = xgboost.DMatrix(values[held_out], feature_names=NAMES)
    scores = model.predict(test)
    print(f"trained on {int((~held_out).sum())} rows of "
          f"{len(set(numpy.array(sessions)[~held_out]))} sessions")
    report(labels[held_out], scores, values[held_out])
    gain = model.get_score(importance_type="total_gain")
    total = sum(gain.values())
    ranked = sorted(gain.items(), key=lambda item: -item[1])[:10]
    print("gain: " + ", ".join(f"{name} {value / total:.2f}" for name, value in ranked))

    model.save_model(CONFIGURATION / "abandonment.json")
    write_inputs()
    where = numpy.flatnonzero(held_out)
    chosen = numpy.linspace(0, len(where) - 1, GOLDEN_ROWS).astype(int)
    write_golden([cells[row] for row in where[chosen]], scores[chosen])


if __name__ == "__main__":
    main()
