# SPDX-License-Identifier: Apache-2.0
"""Trains small models of every kind and writes them with the library's own answers.

    python make_xgboost_fixtures.py ../Fixtures/models       # with XGBoost 1.7, 2.1 or 3.2

A case is a folder `<name>_<version>`: model.json, input.csv (an empty cell is missing) and, unless
the model is one that must be refused, expected.csv (kind, prediction, margin).
"""

import json
import pathlib
import sys

import numpy as np
import xgboost as xgb

FEATURES = 5
TREE = {"max_depth": 3, "eta": 0.5, "tree_method": "hist", "nthread": 1, "seed": 1}

# name -> parameters; the objective decides what the labels look like.
ACCEPTED = {
    "logistic": {"objective": "binary:logistic", "base_score": 0.3},
    "steep": {"objective": "binary:logistic", "eta": 60, "lambda": 0, "base_score": 0.9},
    "reg_logistic": {"objective": "reg:logistic", "base_score": 0.7},
    "logitraw": {"objective": "binary:logitraw", "base_score": 0.2},
    "squarederror": {"objective": "reg:squarederror", "base_score": -1.7},
    "squaredlogerror": {"objective": "reg:squaredlogerror", "base_score": 0.4},
    "absoluteerror": {"objective": "reg:absoluteerror", "base_score": 0.4},
    "pseudohuber": {"objective": "reg:pseudohubererror", "base_score": 0.4},
    "poisson": {"objective": "count:poisson", "base_score": 0.35},
    "gamma": {"objective": "reg:gamma", "base_score": 0.35},
    "tweedie": {"objective": "reg:tweedie", "base_score": 0.35},
    "pruned": {"objective": "binary:logistic", "tree_method": "exact", "gamma": 3, "max_depth": 6},
    "lossguide": {
        "objective": "binary:logistic",
        "grow_policy": "lossguide",
        "max_depth": 0,
        "max_leaves": 15,
    },
}
REFUSED = {
    "dart": {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5},
    "gblinear": {"objective": "binary:logistic", "booster": "gblinear"},
    "forest": {"objective": "binary:logistic", "num_parallel_tree": 3, "subsample": 0.5},
    "hinge": {"objective": "binary:hinge"},
    "softmax": {"objective": "multi:softmax", "num_class": 3},
    "rank": {"objective": "rank:pairwise"},
    "categorical": {"objective": "binary:logistic", "max_cat_to_onehot": 1},
}


def rows(random, count):
    x = random.normal(size=(count, FEATURES)).round(2).astype(np.float32)
    x[:, 4] = random.integers(0, 6, size=count)
    x[random.random(size=x.shape) < 0.1] = np.nan
    return x


def labels(objective, x, random):
    z = np.nan_to_num(x[:, 0] - x[:, 1] * x[:, 2]) + random.normal(size=len(x)) * 0.3
    if objective.startswith("multi"):
        return np.digitize(z, [-0.5, 0.5])
    if objective.startswith("rank") or "logi" in objective or "hinge" in objective:
        return (z > 0).astype(int)
    if objective == "count:poisson":
        return np.round(np.exp(z.clip(-2, 2)))
    return np.exp(z.clip(-3, 3))


def splits(path):
    model = json.loads(path.read_text())["learner"]["gradient_booster"]["model"]
    return [
        (tree["split_indices"][node], tree["split_conditions"][node])
        for tree in model["trees"]
        for node, child in enumerate(tree["left_children"])
        if child >= 0
    ]


def cell(value):
    return "" if np.isnan(value) else repr(float(value))


def main(folder):
    version = "".join(xgb.__version__.split(".")[:2])
    for name, parameters in {**ACCEPTED, **REFUSED}.items():
        random = np.random.default_rng(1)
        x = rows(random, 400)
        categorical = name == "categorical"
        kinds = ["q"] * (FEATURES - 1) + ["c" if categorical else "q"]
        if categorical:
            x[:, 4] = np.nan_to_num(x[:, 4])
        y = labels(parameters["objective"], x, random)
        data = xgb.DMatrix(
            x, label=y, feature_types=kinds, enable_categorical=categorical,
            feature_names=[f"signal {index}" for index in range(FEATURES)],
            **({"group": [100] * 4} if name == "rank" else {}),
        )
        booster = xgb.train({**TREE, **parameters}, data, num_boost_round=2 if name in REFUSED else 11)
        case = pathlib.Path(folder) / f"{name}_{version}"
        case.mkdir(parents=True, exist_ok=True)
        booster.save_model(case / "model.json")
        if name in REFUSED:
            continue
        tests = [rows(random, 60)]
        # Rows with one feature on a threshold of the model, an ulp below and an ulp above it.
        for feature, threshold in splits(case / "model.json")[:12]:
            on = np.float32(threshold)
            for value in (on, np.nextafter(on, np.float32(-9e9)), np.nextafter(on, np.float32(9e9))):
                edge = rows(random, 1)
                edge[0, feature] = value
                tests.append(edge)
        x = np.concatenate(tests)
        data = xgb.DMatrix(x, feature_names=data.feature_names, feature_types=kinds)
        predictions = booster.predict(data)
        margins = booster.predict(data, output_margin=True)
        with open(case / "input.csv", "w") as file:
            print(*data.feature_names, sep=",", file=file)
            for row in x:
                print(*map(cell, row), sep=",", file=file)
        with open(case / "expected.csv", "w") as file:
            print("kind,pred,margin", file=file)
            for index in range(len(x)):
                kind = "random" if index < 60 else "edge"
                print(f"{kind},{predictions[index]:.9g},{margins[index]:.9g}", file=file)


if __name__ == "__main__":
    main(sys.argv[1])
