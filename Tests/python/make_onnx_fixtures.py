# SPDX-License-Identifier: Apache-2.0
"""Exports small scikit-learn, LightGBM and XGBoost models to ONNX with ONNX Runtime's answers.

    python make_onnx_fixtures.py ../Fixtures/models    # scikit-learn 1, skl2onnx, onnxmltools

A case is a folder `onnx_<name>`: model.onnx, input.csv (an empty cell is missing) and expected.csv
(kind and the predictions: class scores or values).
"""

import pathlib
import sys
import warnings

import lightgbm
import numpy as np
import onnxmltools
import onnxruntime
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as MLFloat
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier, GradientBoostingRegressor, HistGradientBoostingClassifier,
    RandomForestClassifier, RandomForestRegressor)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer, MinMaxScaler, Normalizer, OneHotEncoder, StandardScaler)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

FEATURES = 5
warnings.filterwarnings("ignore")


def rows(random, count, missing):
    x = random.normal(size=(count, FEATURES)).round(2).astype(np.float32)
    x[:, 4] = random.integers(0, 6, size=count)
    if missing:
        x[random.random(size=x.shape) < 0.1] = np.nan
    return x


def cell(value):
    return value if isinstance(value, str) else "" if np.isnan(value) else repr(float(value))


KINDS = {
    # name: (model, target, missing)
    "tree": (DecisionTreeClassifier(max_depth=4), "binary", False),
    "treeregressor": (DecisionTreeRegressor(max_depth=4), "value", False),
    "forest": (RandomForestClassifier(5, max_depth=3), "binary", False),
    "forestclasses": (RandomForestClassifier(4, max_depth=3), "classes", False),
    "forestregressor": (RandomForestRegressor(5, max_depth=3), "value", False),
    "boosting": (GradientBoostingClassifier(n_estimators=5), "binary", False),
    "boostingclasses": (GradientBoostingClassifier(n_estimators=3), "classes", False),
    "boostingregressor": (GradientBoostingRegressor(n_estimators=5), "value", False),
    "histogram": (HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=7), "binary", True),
    "lightgbm": (lightgbm.LGBMClassifier(n_estimators=4, num_leaves=7, verbose=-1), "binary", True),
    "lightgbmclasses": (
        lightgbm.LGBMClassifier(n_estimators=3, num_leaves=7, verbose=-1), "classes", True),
    "lightgbmregressor": (
        lightgbm.LGBMRegressor(n_estimators=4, num_leaves=7, verbose=-1), "value", True),
    "xgboost": (xgboost.XGBClassifier(n_estimators=4, max_depth=3), "binary", True),
    "xgboostclasses": (xgboost.XGBClassifier(n_estimators=3, max_depth=3), "classes", True),
    "xgboostregressor": (xgboost.XGBRegressor(n_estimators=4, max_depth=3), "value", True),
    "linear": (make_pipeline(SimpleImputer(strategy="median"), LinearRegression()), "value", True),
    "ridge": (make_pipeline(MinMaxScaler(), Ridge()), "value", False),
    "logistic": (
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), "binary", True),
    "multinomial": (make_pipeline(StandardScaler(), LogisticRegression()), "classes", False),
    "normalizer": (make_pipeline(Normalizer(), LogisticRegression()), "binary", False),
    "binarizer": (make_pipeline(Binarizer(threshold=0.2), LogisticRegression()), "binary", False),
    "network": (MLPClassifier(hidden_layer_sizes=(8, 4), activation="tanh", max_iter=60), "classes", False),
    "networkrelu": (
        make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=60)), "binary", False),
    "networkregressor": (MLPRegressor(hidden_layer_sizes=(6,), activation="logistic", max_iter=60), "value", False),
    "codes": (
        make_pipeline(
            ColumnTransformer([
                ("numbers", StandardScaler(), [0, 1, 2]),
                ("codes", OneHotEncoder(handle_unknown="ignore"), [4])]),
            LogisticRegression()), "binary", False),
    "svm": (SVC(probability=True), "binary", False),
}
REFUSED = ["svm"]


def convert(name, model, x):
    if name.startswith("lightgbm"):
        return onnxmltools.convert_lightgbm(
            model, initial_types=[("input", MLFloat([None, FEATURES]))], zipmap=False,
            target_opset=15)
    if name.startswith("xgboost"):
        return onnxmltools.convert_xgboost(
            model, initial_types=[("input", MLFloat([None, FEATURES]))], target_opset=15)
    options = {"zipmap": name == "forestclasses"} if hasattr(model, "predict_proba") else {}
    if hasattr(model, "predict_proba") and name != "forestclasses":
        options = {id(model): {"zipmap": False}}
    elif name == "forestclasses":
        options = {}
    return to_onnx(model, x[:1], options=options or None, target_opset={"": 15, "ai.onnx.ml": 3})


def thresholds(onx):
    found = []
    for node in onx.graph.node:
        attributes = {a.name: a for a in node.attribute}
        if "nodes_modes" not in attributes:
            continue
        for mode, feature, value in zip(
                attributes["nodes_modes"].strings, attributes["nodes_featureids"].ints,
                attributes["nodes_values"].floats):
            if mode != b"LEAF":
                found.append((feature, value))
    return found[:8]


def predictions(session, feed, count):
    outputs = session.run(None, feed)
    result = outputs[-1]
    if isinstance(result, list):
        result = np.array([[entry[key] for key in sorted(entry)] for entry in result])
    return np.asarray(result).reshape(count, -1)


def write(case, header, x, kinds, result):
    with open(case / "input.csv", "w", encoding="utf-8") as file:
        print(*header, sep=",", file=file)
        for row in x:
            print(*map(cell, row), sep=",", file=file)
    with open(case / "expected.csv", "w", encoding="utf-8") as file:
        names = [f"pred{i}" for i in range(result.shape[1])]
        print("kind", *names, sep=",", file=file)
        for kind, row in zip(kinds, result):
            print(kind, *(f"{value:.9g}" for value in row), sep=",", file=file)


def main(folder):
    for name, (model, target, missing) in KINDS.items():
        random = np.random.default_rng(1)
        x = rows(random, 300, missing)
        z = np.nan_to_num(x[:, 0] - x[:, 1] * x[:, 2]) + random.normal(size=len(x)) * 0.3
        y = {"binary": (z > 0).astype(int), "classes": np.digitize(z, [-0.5, 0.5]), "value": z}
        if hasattr(model, "random_state"):
            model.random_state = 1
        model.fit(x, y[target])
        try:
            onx = convert(name, model, x)
        except Exception as error:  # the converters lag behind the libraries
            print(name, "is not converted:", str(error)[:300], file=sys.stderr)
            continue
        case = pathlib.Path(folder) / f"onnx_{name}"
        case.mkdir(parents=True, exist_ok=True)
        (case / "model.onnx").write_bytes(onx.SerializeToString())
        if name in REFUSED:
            continue
        tests = [rows(random, 24, missing)]
        for feature, threshold in thresholds(onx):
            on = np.float32(threshold)
            for value in (on, np.nextafter(on, np.float32(-9e9)), np.nextafter(on, np.float32(9e9))):
                edge = rows(random, 1, missing)
                edge[0, feature] = value
                tests.append(edge)
        x = np.concatenate(tests)
        session = onnxruntime.InferenceSession(onx.SerializeToString())
        result = predictions(session, {session.get_inputs()[0].name: x}, len(x))
        kinds = ["random"] * 24 + ["edge"] * (len(x) - 24)
        write(case, [f"f{i}" for i in range(FEATURES)], x, kinds, result)
    texts(folder)


def texts(folder):
    """A column of texts among numbers, each column an input of its own."""
    random = np.random.default_rng(2)
    cities = ["Berlin", "Łódź", "Rome", "São Paulo"]
    import pandas as pd

    def frame(count, names):
        return pd.DataFrame({
            "price": random.normal(size=count).round(2).astype(np.float32),
            "city": random.choice(names, size=count),
            "device": random.choice(["phone", "desktop"], size=count)})

    train = frame(300, cities)
    y = ((train.city == "Rome") ^ (train.price > 0)).astype(int)
    model = make_pipeline(
        ColumnTransformer([
            ("numbers", StandardScaler(), ["price"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["city", "device"])]),
        RandomForestClassifier(4, max_depth=4, random_state=1)).fit(train, y)
    onx = to_onnx(
        model, initial_types=[("price", FloatTensorType([None, 1])),
                              ("city", StringTensorType([None, 1])),
                              ("device", StringTensorType([None, 1]))],
        options={id(model): {"zipmap": False}}, target_opset={"": 15, "ai.onnx.ml": 3})
    case = pathlib.Path(folder) / "onnx_texts"
    case.mkdir(parents=True, exist_ok=True)
    (case / "model.onnx").write_bytes(onx.SerializeToString())
    test = frame(40, [*cities, "Atlantis"])
    session = onnxruntime.InferenceSession(onx.SerializeToString())
    feed = {name: test[[name]].to_numpy().astype(np.float32 if name == "price" else object)
            for name in test}
    write(case, list(test), test.to_numpy().tolist(), ["random"] * 40,
          predictions(session, feed, 40))


if __name__ == "__main__":
    main(*sys.argv[1:])
