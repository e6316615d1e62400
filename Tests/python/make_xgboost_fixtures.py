# SPDX-License-Identifier: Apache-2.0
"""Trains small models of every kind and writes them with the library's own answers.

    python make_xgboost_fixtures.py ../Fixtures/models       # with XGBoost 1.7, 2.1 or 3.2

A case is a folder `<name>_<version>`: model.json, for some also model.ubj of the same model,
input.csv (an empty cell is missing), expected.csv (kind, predictions, margins) and contributions.csv
(of the first rows: per margin one value per feature and the bias).
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
# Kinds of boosters, splits and outputs, on any objective.
KINDS = {
    "dart": {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5},
    "dartclasses": {"objective": "multi:softprob", "num_class": 3, "booster": "dart", "rate_drop": 0.5},
    "gblinear": {"objective": "binary:logistic", "booster": "gblinear"},
    "gblinearclasses": {"objective": "multi:softprob", "num_class": 3, "booster": "gblinear"},
    "forest": {"objective": "binary:logistic", "num_parallel_tree": 3, "subsample": 0.5},
    "forestclasses": {
        "objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2, "subsample": 0.5},
    "hinge": {"objective": "binary:hinge"},
    "softmax": {"objective": "multi:softmax", "num_class": 3},
    "softprob": {"objective": "multi:softprob", "num_class": 3},
    "rank": {"objective": "rank:pairwise"},
    "ndcg": {"objective": "rank:ndcg"},
    "map": {"objective": "rank:map"},
    "cox": {"objective": "survival:cox", "base_score": 0.4},
    "aft": {"objective": "survival:aft", "base_score": 0.4},
    "categorical": {"objective": "binary:logistic", "max_cat_to_onehot": 1},
    "onehot": {"objective": "reg:squarederror", "max_cat_to_onehot": 100},
    "targets": {"objective": "reg:squarederror"},
    "quantiles": {"objective": "reg:quantileerror", "quantile_alpha": [0.2, 0.8]},
    "vectorleaves": {"objective": "reg:squarederror", "multi_strategy": "multi_output_tree"},
}
REFUSED = ["vectorleaves"]
UBJ = ["categorical", "dartclasses", "logistic"]
CATEGORICAL = ["categorical", "onehot"]


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
    booster = json.loads(path.read_text())["learner"]["gradient_booster"]
    model = booster.get("gbtree", booster)["model"]
    return [
        (tree["split_indices"][node], tree["split_conditions"][node])
        for tree in model["trees"]
        for node, child in enumerate(tree["left_children"])
        if child >= 0 and node not in tree["categories_nodes"]
    ]


def cell(value):
    return "" if np.isnan(value) else repr(float(value))


def write(path, header, lines):
    with open(path, "w") as file:
        print(*header, sep=",", file=file)
        for line in lines:
            print(*line, sep=",", file=file)


def columns(name, table):
    count = table.shape[1]
    return [name] if count == 1 else [f"{name}{i}" for i in range(count)]


def main(folder, *names):
    version = "".join(xgb.__version__.split(".")[:2])
    for name, parameters in {**ACCEPTED, **KINDS}.items():
        if names and name not in names:
            continue
        if version == "17" and name in ["quantiles", "vectorleaves"]:
            continue
        random = np.random.default_rng(1)
        x = rows(random, 400)
        categorical = name in CATEGORICAL
        kinds = ["q"] * (FEATURES - 1) + ["c" if categorical else "q"]
        objective = parameters["objective"]
        y = labels(objective, x, random)
        if name in ["targets", "vectorleaves"]:
            y = np.stack([y, np.sin(y)], axis=1)
        feature_names = [f"signal {index}" for index in range(FEATURES)]
        data = xgb.DMatrix(
            x, label=y, feature_types=kinds, enable_categorical=categorical,
            feature_names=feature_names,
            **({"group": [100] * 4} if objective.startswith("rank") else {}),
        )
        if objective == "survival:aft":
            data.set_float_info("label_lower_bound", y)
            data.set_float_info("label_upper_bound", y * 2)
        booster = xgb.train({**TREE, **parameters}, data, num_boost_round=11 if name in ACCEPTED else 3)
        case = pathlib.Path(folder) / f"{name}_{version}"
        case.mkdir(parents=True, exist_ok=True)
        booster.save_model(case / "model.json")
        if name in REFUSED or (version == "32" and name == "gblinearclasses"):
            continue
        if name in UBJ if version == "17" else version == "32" and name not in ACCEPTED:
            booster.save_model(case / "model.ubj")
        tests = [rows(random, 60 if name in ACCEPTED else 16)]
        random_count = len(tests[0])
        # Rows with one feature on a threshold of the model, an ulp below and an ulp above it.
        for feature, threshold in [] if "gblinear" in name else splits(case / "model.json")[: 12 if name in ACCEPTED else 6]:
            on = np.float32(threshold)
            for value in (on, np.nextafter(on, np.float32(-9e9)), np.nextafter(on, np.float32(9e9))):
                edge = rows(random, 1)
                edge[0, feature] = value
                tests.append(edge)
        if categorical:
            # The library refuses negative categories; those beyond the training's are taken.
            for value in (0, 5, 6, 31, 32, 63, 64, 1000, 5.5, 0.5, np.nan):
                edge = rows(random, 1)
                edge[0, 4] = value
                tests.append(edge)
        x = np.concatenate(tests)
        data = xgb.DMatrix(
            x, feature_names=feature_names, feature_types=kinds, enable_categorical=categorical)
        predictions = booster.predict(data).reshape(len(x), -1)
        margins = booster.predict(data, output_margin=True).reshape(len(x), -1)
        write(case / "input.csv", feature_names, [[cell(value) for value in row] for row in x])
        write(
            case / "expected.csv",
            ["kind"] + columns("pred", predictions) + columns("margin", margins),
            [
                ["random" if index < random_count else "edge"]
                + [f"{value:.9g}" for value in [*predictions[index], *margins[index]]]
                for index in range(len(x))
            ])
        few = data.slice(range(6))
        contributions = booster.predict(few, pred_contribs=True).reshape(6, -1)
        write(
            case / "contributions.csv", [f"value{i}" for i in range(contributions.shape[1])],
            [[f"{value:.9g}" for value in row] for row in contributions])


if __name__ == "__main__":
    main(*sys.argv[1:])
