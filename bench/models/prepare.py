# SPDX-License-Identifier: Apache-2.0
"""Trains the models of `make bench-models` and compiles them for the engines that compile.

    prepare.py FOLDER           # what is there already stays

For each shape a folder: model.txt (LightGBM), model.ubj (XGBoost of the same shape), model.onnx,
libtl2cgen.so and liblleaves.so (all three of the LightGBM model), ydf (a model of the same shape that
YDF trained), rows-random.f32 and rows-real.f32. A peer that does not take a model leaves a file
`<product>.failed` that says why.
"""

import pathlib
import subprocess
import sys
import time

import numpy as np

FEATURES = 32
ROWS = 8192
TRAINING = 20_000
# Name: trees, leaves, depth.
SHAPES = {"100x6": (100, 64, 6), "500x31": (500, 31, -1), "1000x8": (1000, 256, 8)}


def real_rows(random, count):
    """Rows with what features of a shop have: counts, skewed amounts, shares, flags, gaps."""
    x = random.normal(size=(count, FEATURES))
    taste = random.normal(size=(count, 1))
    x[:, :16] += 0.7 * taste
    x[:, 8:16] = np.exp(x[:, 8:16])
    x[:, 16:22] = np.floor(random.exponential(3, size=(count, 6)))
    x[:, 22:26] = random.random(size=(count, 4)) ** 2
    x[:, 26:28] = random.random(size=(count, 2)) < 0.2
    x = x.astype(np.float32)
    x[:, 4:12][random.random(size=(count, 8)) < 0.05] = np.nan
    return x


def random_rows(random, count, real):
    """Each feature on its own, as often below as above any of its thresholds."""
    columns = [random.permutation(real[:, column])[:count] for column in range(FEATURES)]
    return np.stack(columns, axis=1).astype(np.float32)


def target(random, x):
    x = np.nan_to_num(x, nan=0.3)
    weights = random.normal(size=(FEATURES, 12))
    hidden = np.tanh(x @ weights / 4)
    return (hidden @ random.normal(size=12) + np.sin(3 * x[:, 0]) * x[:, 22]
            + random.normal(scale=0.5, size=len(x)))


def train_lightgbm(folder, x, y, shape):
    import lightgbm as lgb
    trees, leaves, depth = shape
    model = lgb.train(
        {"objective": "regression", "num_leaves": leaves, "max_depth": depth, "verbose": -1,
         "min_data_in_leaf": 3, "learning_rate": 0.05, "num_threads": 1, "seed": 1,
         "min_gain_to_split": 0, "min_sum_hessian_in_leaf": 0}, lgb.Dataset(x, y), trees)
    model.save_model(folder / "model.txt")


def train_xgboost(folder, x, y, shape):
    import xgboost as xgb
    trees, leaves, depth = shape
    size = ({"max_depth": depth, "min_child_weight": 0} if depth > 0 else
            {"max_depth": 0, "max_leaves": leaves, "grow_policy": "lossguide"})
    model = xgb.train(
        {"objective": "reg:squarederror", "tree_method": "hist", "eta": 0.05, "nthread": 1,
         "seed": 1, **size}, xgb.DMatrix(x, y), trees)
    model.save_model(folder / "model.ubj")


def convert_onnx(folder):
    import lightgbm as lgb
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType
    graph = onnxmltools.convert_lightgbm(
        lgb.Booster(model_file=folder / "model.txt"),
        initial_types=[("input", FloatTensorType([1, FEATURES]))], target_opset=15)
    (folder / "model.onnx").write_bytes(graph.SerializeToString())


def compile_tl2cgen(folder):
    import tl2cgen
    import treelite
    tl2cgen.export_lib(
        treelite.frontend.load_lightgbm_model(folder / "model.txt"), toolchain="gcc",
        libpath=str(folder / "libtl2cgen.so"), params={"parallel_comp": 64}, nthread=1)


def compile_lleaves(folder):
    import lleaves
    model = lleaves.Model(model_file=str(folder / "model.txt"))
    model.compile(cache=str(folder / "lleaves.o"), fblocksize=34)
    subprocess.run(["cc", "-shared", "-o", folder / "liblleaves.so", folder / "lleaves.o"],
                   check=True)


def train_ydf(folder, x, y, shape):
    import ydf
    trees, leaves, depth = shape
    names = [f"f{index}" for index in range(FEATURES)]
    data = {name: x[:, index] for index, name in enumerate(names)} | {"label": y}
    size = ({"max_depth": depth + 1} if depth > 0 else
            {"growing_strategy": "BEST_FIRST_GLOBAL", "max_num_nodes": leaves, "max_depth": -1})
    model = ydf.GradientBoostedTreesLearner(
        label="label", task=ydf.Task.REGRESSION, num_trees=trees, validation_ratio=0.0,
        early_stopping="NONE", min_examples=3, num_threads=1, **size).train(data, verbose=0)
    model.save(str(folder / "ydf"))


STEPS = [("model.txt", train_lightgbm, True), ("model.ubj", train_xgboost, True),
         ("model.onnx", convert_onnx, False), ("liblleaves.so", compile_lleaves, False),
         ("libtl2cgen.so", compile_tl2cgen, False), ("ydf", train_ydf, True)]


def main():
    root = pathlib.Path(sys.argv[1])
    random = np.random.default_rng(1)
    x = real_rows(random, TRAINING)
    y = target(random, x)
    real = real_rows(random, ROWS)
    shuffled = random_rows(random, ROWS, x)
    for name, shape in SHAPES.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        real.tofile(folder / "rows-real.f32")
        shuffled.tofile(folder / "rows-random.f32")
        for product, step, takes_data in STEPS:
            if (folder / product).exists() or (folder / f"{product}.failed").exists():
                continue
            began = time.monotonic()
            try:
                if takes_data:
                    step(folder, x, y, shape)
                else:
                    step(folder)
                print(f"{name}: {product} in {time.monotonic() - began:.0f} s", flush=True)
            except Exception as problem:  # A peer that does not take a model is left out.
                (folder / f"{product}.failed").write_text(repr(problem))
                print(f"{name}: no {product}: {problem!r}", flush=True)


if __name__ == "__main__":
    main()
