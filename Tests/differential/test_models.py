# SPDX-License-Identifier: Apache-2.0
"""Random models by the official libraries, trained here and now, against what Kassa makes of them.

For every objective a small model with random settings; rows with missing values, infinities,
categories in and out of the sets, and numbers beside thresholds in float32 and float64. Sums are equal
to the bit; every layout is asked. KASSA_MODEL_SEED changes the seed, which a failure prints.
"""

import json
import math
import os
import pathlib
import subprocess

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

ROOT = pathlib.Path(__file__).parents[2]
SEED = int(os.environ.get("KASSA_MODEL_SEED", "1"))
HAS_KERNELS = "avx512_vbmi" in pathlib.Path("/proc/cpuinfo").read_text().split()
FEATURES = 6
# The last feature holds categories where the model has any.
CATEGORY = FEATURES - 1

XGBOOST = {
    "binary:logistic": {}, "reg:logistic": {}, "binary:logitraw": {}, "binary:hinge": {},
    "reg:squarederror": {}, "reg:squaredlogerror": {}, "reg:absoluteerror": {},
    "reg:pseudohubererror": {}, "count:poisson": {}, "reg:gamma": {}, "reg:tweedie": {},
    "multi:softprob": {"num_class": 3}, "multi:softmax": {"num_class": 4}, "rank:pairwise": {},
    "rank:ndcg": {}, "survival:cox": {}, "survival:aft": {},
}
LIGHTGBM = {
    "binary": {}, "multiclass": {"num_class": 3}, "multiclassova": {"num_class": 3},
    "cross_entropy": {}, "cross_entropy_lambda": {}, "regression": {}, "regression_l1": {},
    "huber": {}, "fair": {}, "quantile": {"alpha": 0.7}, "mape": {}, "poisson": {}, "gamma": {},
    "tweedie": {}, "lambdarank": {}, "rank_xendcg": {},
}


def program():
    for build in ("release", "debug"):
        path = ROOT / ".build" / build / "ModelEcho"
        if path.exists():
            return path
    pytest.fail("ModelEcho is not built")


def table(random, count):
    x = random.normal(size=(count, FEATURES)).round(2)
    x[:, 1][random.random(count) < 0.3] = 0
    x[:, CATEGORY] = random.integers(0, 40, count)
    x[random.random(x.shape) < 0.1] = np.nan
    return x.astype(np.float32)


def labels(random, objective, classes, x):
    z = np.nan_to_num(x[:, 0] - x[:, 1] * x[:, 2]) + np.isin(x[:, CATEGORY], [1, 3, 17, 31])
    z = z + random.normal(scale=0.3, size=len(x))
    if classes:
        return np.digitize(z, np.quantile(z, np.arange(1, classes) / classes))
    if objective.startswith(("cross", "reg:logistic")):
        return 1 / (1 + np.exp(-z))
    if objective.startswith(("binary", "rank", "lambdarank")):
        return (z > 0).astype(int)
    if "poisson" in objective:
        return np.round(np.exp(z.clip(-2, 2)))
    return np.exp(z.clip(-3, 3))


def probes(random, thresholds):
    """Rows in float64 with numbers on, above and below thresholds, and strange ones."""
    values = [(CATEGORY, value) for value in (-1, -0.5, 0.5, 31, 32, 39.5, 40, 1e4, 16777216, 3e9)]
    for feature in range(FEATURES):
        values += [(feature, value) for value in (
            0.0, -0.0, 1e-35, -1e-35, 1e-40, 3e38, -3e38, math.inf, -math.inf, math.nan)]
    for feature, threshold in random.permutation(thresholds)[:20] if len(thresholds) else []:
        with np.errstate(over="ignore"):
            single = np.float32(threshold)
        for value in (single, np.nextafter(single, np.float32(np.inf)),
                      np.nextafter(single, np.float32(-np.inf)), threshold,
                      np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf)):
            values.append((int(feature), float(value)))
    rows = table(random, len(values)).astype(np.float64)
    for row, (feature, value) in zip(rows, values):
        row[feature] = value
    return np.concatenate([rows, table(random, 40).astype(np.float64)])


def echo(folder, model, format_name, rows, width, layout):
    rows.tofile(folder / "rows")
    done = subprocess.run(
        [program(), model, format_name, folder / "rows", str(width), layout],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {"row": [], "batch": [], "contributions": [], "layout": []}
    for line in done.stdout.splitlines():
        kind, *rest = line.split()
        found[kind].append(rest if kind == "layout" else [float(word) for word in rest])
    return found


def compare(folder, model, format_name, rows, width, official, name):
    """Every layout gives the official margins, and one batch what its rows give alone."""
    margins, predictions, tolerance = official
    asked = set()
    for layout in ("nodes", "heaps", "paths"):
        found = echo(folder, model, format_name, rows, width, layout)
        asked.add(found["layout"][0][0])
        got = np.array(found["row"])
        count = margins.shape[1]
        where = f"{name}, {layout}, float{width}, seed {SEED}"
        assert np.array_equal(got[:, :count], margins), where
        assert np.allclose(got[:, count:], predictions, rtol=tolerance, atol=0), where
        if width == 32:
            assert np.array_equal(
                np.array(found["batch"][0]).reshape(len(rows), -1), got[:, count:]), where
    return asked, found


def two_dimensional(answers):
    return np.asarray(answers, dtype=np.float64).reshape(len(answers), -1)


@pytest.mark.parametrize("objective", XGBOOST)
def test_a_random_model_of_xgboost_is_evaluated_to_the_bit(tmp_path, objective):
    random = np.random.default_rng([SEED, *objective.encode()])
    settings = XGBOOST[objective]
    has_categories = random.random() < 0.5
    x = table(random, 300)
    y = labels(random, objective, settings.get("num_class"), x)
    types = ["q"] * CATEGORY + ["c" if has_categories else "q"]

    def matrix(rows, **more):
        return xgb.DMatrix(rows, feature_types=types, enable_categorical=True, **more)

    data = matrix(x, label=y)
    if objective.startswith("rank"):
        data.set_group([30] * 10)
    if objective.endswith("aft"):
        data.set_float_info("label_lower_bound", y)
        data.set_float_info("label_upper_bound", y * 1.5)
    depth = int(random.integers(1, 11))
    model = xgb.train(
        {"objective": objective, "max_depth": depth, "eta": 0.3, "min_child_weight": 0,
         "tree_method": "hist", "max_bin": int(random.integers(8, 257)), "seed": SEED,
         "max_cat_to_onehot": int(random.choice([1, 100])), "nthread": 1,
         "num_parallel_tree": int(random.integers(1, 3)), "verbosity": 0, **settings},
        data, int(random.integers(1, 20)))
    thresholds = []

    def visit(node):
        if "children" in node:
            if not isinstance(node["split_condition"], list):
                thresholds.append((int(node["split"][1:]), node["split_condition"]))
            for child in node["children"]:
                visit(child)

    for tree in model.get_dump(dump_format="json"):
        visit(json.loads(tree))
    wide = probes(random, thresholds)
    # The library refuses infinities, and takes no negative or huge category.
    wide[np.isinf(wide)] = 1e30
    if has_categories:
        wide[:, CATEGORY] = np.where(
            (wide[:, CATEGORY] >= 0) & (wide[:, CATEGORY] < 2**24), wide[:, CATEGORY], 3)
    rows = wide.astype(np.float32)
    official = (
        two_dimensional(model.predict(matrix(rows), output_margin=True)),
        two_dimensional(model.predict(matrix(rows))), 2e-6)
    contributions = two_dimensional(model.predict(matrix(rows[:4]), pred_contribs=True))
    for extension, format_name in (("json", "xgboost-json"), ("ubj", "xgboost-ubj")):
        path = tmp_path / f"model.{extension}"
        model.save_model(path)
        asked, found = compare(tmp_path, path, format_name, rows, 32, official, objective)
        assert asked == {"nodes", "heaps"} or depth > 6 or not HAS_KERNELS
        assert np.allclose(found["contributions"], contributions, rtol=1e-4, atol=1e-4)
    compare(tmp_path, path, format_name, rows.astype(np.float64), 64, official, objective)


@pytest.mark.parametrize("objective", LIGHTGBM)
def test_a_random_model_of_lightgbm_is_evaluated_to_the_bit(tmp_path, objective):
    random = np.random.default_rng([SEED, *objective.encode()])
    settings = LIGHTGBM[objective]
    x = table(random, 300)
    y = labels(random, objective, settings.get("num_class"), x)
    has_categories = random.random() < 0.5
    data = lgb.Dataset(
        x.astype(np.float64), y, categorical_feature=[CATEGORY] if has_categories else [],
        group=[30] * 10 if "rank" in objective else None)
    model = lgb.train(
        {"objective": objective, "num_leaves": int(random.integers(2, 80)), "verbose": -1,
         "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0, "num_threads": 1, "seed": SEED,
         "max_bin": int(random.integers(8, 256)), "min_data_per_group": 4, "cat_smooth": 1,
         "max_cat_to_onehot": int(random.choice([1, 100])),
         "zero_as_missing": bool(random.random() < 0.3),
         "boosting": str(random.choice(["gbdt", "dart"])), **settings},
        data, int(random.integers(1, 20)))
    thresholds = []

    def visit(node):
        if "split_feature" in node:
            if node["decision_type"] == "<=":
                thresholds.append((node["split_feature"], node["threshold"]))
            visit(node["left_child"])
            visit(node["right_child"])

    for tree in model.dump_model()["tree_info"]:
        visit(tree["tree_structure"])
    path = tmp_path / "model.txt"
    model.save_model(path)
    wide = probes(random, thresholds)
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    for rows, width in ((narrow, 32), (wide, 64)):
        given = rows.astype(np.float64)
        official = (
            two_dimensional(model.predict(given, raw_score=True)),
            two_dimensional(model.predict(given)), 1e-14)
        _, found = compare(tmp_path, path, "lightgbm", rows, width, official, objective)
        if width == 32 and found["contributions"]:
            expected = two_dimensional(model.predict(given[:4], pred_contrib=True))
            assert np.allclose(found["contributions"], expected, rtol=1e-9, atol=1e-9)
