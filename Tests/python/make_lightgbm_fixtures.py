# SPDX-License-Identifier: Apache-2.0
"""Trains small LightGBM models of every kind and writes them with the library's own answers.

    python make_lightgbm_fixtures.py ../Fixtures/models       # with LightGBM 4

A case is a folder `lgb_<name>`: model.txt, input.csv (an empty cell is missing), expected.csv (kind,
predictions, raw sums) and contributions.csv of the first rows. Rows of kind `double` hold numbers
that are not float32; all others do.
"""

import pathlib
import sys

import lightgbm as lgb
import numpy as np

FEATURES = 5
TREE = {"num_leaves": 7, "learning_rate": 0.4, "min_data_in_leaf": 8, "verbose": -1, "seed": 1,
        "num_threads": 1, "deterministic": True, "min_data_per_group": 8, "cat_smooth": 1}

KINDS = {
    "binary": {"objective": "binary"},
    "sigmoid": {"objective": "binary", "sigmoid": 0.7},
    "multiclass": {"objective": "multiclass", "num_class": 3},
    "ova": {"objective": "multiclassova", "num_class": 3, "sigmoid": 1.3},
    "xentropy": {"objective": "cross_entropy"},
    "xentlambda": {"objective": "cross_entropy_lambda"},
    "regression": {"objective": "regression"},
    "sqrt": {"objective": "regression", "reg_sqrt": True},
    "l1": {"objective": "regression_l1"},
    "huber": {"objective": "huber"},
    "fair": {"objective": "fair"},
    "quantile": {"objective": "quantile", "alpha": 0.7},
    "mape": {"objective": "mape"},
    "poisson": {"objective": "poisson"},
    "gamma": {"objective": "gamma"},
    "tweedie": {"objective": "tweedie"},
    "lambdarank": {"objective": "lambdarank"},
    "xendcg": {"objective": "rank_xendcg"},
    "dart": {"objective": "binary", "boosting": "dart", "drop_rate": 0.5},
    "rf": {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
    "rfclasses": {"objective": "multiclass", "num_class": 3, "boosting": "rf", "bagging_freq": 1,
                  "bagging_fraction": 0.6},
    "missingnone": {"objective": "binary", "use_missing": False},
    "missingzero": {"objective": "binary", "zero_as_missing": True},
    "categorical": {"objective": "binary", "max_cat_to_onehot": 1},
    "onehot": {"objective": "regression", "max_cat_to_onehot": 100},
    "frame": {"objective": "regression", "max_cat_to_onehot": 1},
    "custom": {"objective": "none"},
    "constant": {"objective": "regression", "min_data_in_leaf": 10_000},
    "linear": {"objective": "regression", "linear_tree": True},
}
REFUSED = ["linear"]
CITIES = ["Berlin", "Łódź", "Rome", "São Paulo", "x,y", "", "Oslo", "Wien"]


def rows(random, count, categories=0):
    x = random.normal(size=(count, FEATURES)).round(2).astype(np.float32)
    x[:, 1][random.random(size=count) < 0.3] = 0
    x[:, 4] = random.integers(0, categories or 6, size=count)
    x[random.random(size=x.shape) < 0.1] = np.nan
    return x.astype(np.float64)


def labels(objective, x, random):
    z = np.nan_to_num(x[:, 0] - x[:, 1] * x[:, 2]) + np.isin(x[:, 4], [1, 3, 17, 40])
    z += random.normal(size=len(x)) * 0.3
    if objective.startswith("multi"):
        return np.digitize(z, [-0.5, 0.5])
    if objective.startswith("cross"):
        return 1 / (1 + np.exp(-z))
    if objective == "binary" or "rank" in objective:
        return (z > 0).astype(int)
    if objective == "poisson":
        return np.round(np.exp(z.clip(-2, 2)))
    return np.exp(z.clip(-3, 3))


def cell(value):
    return "" if np.isnan(value) else repr(float(value))


def write(path, header, lines):
    with open(path, "w", encoding="utf-8") as file:
        print(*header, sep=",", file=file)
        for line in lines:
            print(*line, sep=",", file=file)


def columns(name, table):
    count = table.shape[1]
    return [name] if count == 1 else [f"{name}{i}" for i in range(count)]


def squared(predictions, data):
    return predictions - data.get_label(), np.ones(len(predictions))


def edges(model, random, categories):
    """Rows on a threshold, beside it in float32, in float64, and tiny ones."""
    found = []

    def visit(node):
        if "split_feature" in node:
            if node["decision_type"] == "<=":
                found.append((node["split_feature"], node["threshold"]))
            visit(node["left_child"])
            visit(node["right_child"])

    for tree in model["tree_info"]:
        visit(tree["tree_structure"])
    single, double = [], []
    for feature, threshold in found[:5]:
        below = np.float32(threshold)
        if float(below) > threshold:
            below = np.nextafter(below, np.float32(-np.inf))
        for value in (below, np.nextafter(below, np.float32(np.inf)),
                      np.nextafter(below, np.float32(-np.inf))):
            single.append((feature, float(value)))
        for value in (threshold, np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf)):
            if float(np.float32(value)) != value:
                double.append((feature, float(value)))
    for feature in range(FEATURES):
        for value in (0.0, -0.0, 1e-35, -1e-35, 1.1e-35, -1.1e-35, 1e-40, 3e38, -3e38):
            single.append((feature, float(np.float32(value))))
    for value in (-1, -0.5, -0.99, 0.5, 1.5, 5, 6, 31, 32, 63, 64, 1000, 16777216, 3e9, np.nan):
        single.append((4, float(np.float32(value))))

    def row(feature, value):
        row = rows(random, 1, categories)
        row[0, feature] = value
        return row

    return [row(*edge) for edge in single], [row(*edge) for edge in double]


def main(folder):
    for name, given in KINDS.items():
        random = np.random.default_rng(1)
        objective = given["objective"]
        categories = 50 if name == "categorical" else 8 if name == "frame" else 0
        x = rows(random, 500, categories)
        y = labels(objective, x, random)
        parameters = {**TREE, **given}
        more = {}
        train = x
        if name in ["categorical", "onehot"]:
            more["categorical_feature"] = [4]
        if "rank" in objective:
            more["group"] = [100] * 5
        if name == "frame":
            import pandas as pd

            def frame(values):
                table = pd.DataFrame(values, columns=[f"signal_{i}" for i in range(FEATURES)])
                texts = [
                    CITIES[int(v)] if not np.isnan(v) and v in range(8) else None
                    for v in values[:, 4]]
                table["signal_4"] = pd.Categorical(texts, categories=CITIES)
                return table

            train = frame(x)
        if name == "custom":
            parameters["objective"] = squared
        data = lgb.Dataset(
            train, label=y, feature_name=[f"signal_{i}" for i in range(FEATURES)],
            params={"min_data_in_bin": 1}, **more)
        booster = lgb.train(parameters, data, num_boost_round=3)
        case = pathlib.Path(folder) / f"lgb_{name}"
        case.mkdir(parents=True, exist_ok=True)
        booster.save_model(case / "model.txt")
        if name in REFUSED:
            continue
        single, double = edges(booster.dump_model(), random, categories)
        plain = list(rows(random, 16, categories)[:, None, :])
        tests = plain + single + ([] if name == "frame" else double)
        kinds = ["random"] * len(plain) + ["edge"] * len(single) + ["double"] * len(double)
        x = np.concatenate(tests)
        table = frame(x) if name == "frame" else x
        predictions = booster.predict(table).reshape(len(x), -1)
        margins = booster.predict(table, raw_score=True).reshape(len(x), -1)
        contributions = booster.predict(table[:6], pred_contrib=True).reshape(6, -1)
        if name == "frame":
            cells = [[cell(v) for v in row[:4]] + [CITIES[int(row[4])] if row[4] in range(8) else
                     "" if np.isnan(row[4]) else "Atlantis"] for row in x]
            keep = [i for i, row in enumerate(cells) if row[4] not in ["", "x,y"]]
        else:
            cells = [[cell(v) for v in row] for row in x]
            keep = range(len(x))
        write(case / "input.csv", booster.feature_name(), [cells[i] for i in keep])
        write(
            case / "expected.csv",
            ["kind"] + columns("pred", predictions) + columns("raw", margins),
            [[kinds[i]] + [repr(float(v)) for v in [*predictions[i], *margins[i]]] for i in keep])
        if name != "frame":
            write(
                case / "contributions.csv", [f"value{i}" for i in range(contributions.shape[1])],
                [[f"{v:.9g}" for v in row] for row in contributions])


if __name__ == "__main__":
    main(*sys.argv[1:])
