# SPDX-License-Identifier: Apache-2.0
"""Trees, forests and boosting of scikit-learn as LightGBM's text, to the bit.

Both go left where x <= threshold, in float64, and say per split where a missing value goes; so
nothing is rounded, as it would be on the way through ONNX.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

# Of a split's decision_type: a missing value is a NaN, and it goes left.
_MISSING_IS_NAN = 2 << 2
_MISSING_GOES_LEFT = 2


class NotTrees(Exception):
    """The object is not of this kind; it may still be one for ONNX."""


@dataclass(frozen=True)
class _Tree:
    """Nodes in the trainer's order; a leaf has left < 0."""

    left: Any
    right: Any
    feature: Any
    threshold: Any
    missing_left: Any
    value: Any
    rows: Any


@dataclass(frozen=True)
class _Ensemble:
    trees: list[_Tree]
    # Trees per iteration, one after another.
    outputs: int = 1
    # What LightGBM calls the link; None is none.
    objective: str | None = None
    is_averaged: bool = False


def tree_text(model: Any) -> bytes:
    """The text of a tree, forest or boosted model of scikit-learn; NotTrees if it is none."""
    if not type(model).__module__.startswith("sklearn."):
        raise NotTrees("is no class of scikit-learn")
    kind = type(model).__name__
    if kind.startswith("HistGradientBoosting"):
        ensemble = _histogram_boosting(model)
    elif kind in ("GradientBoostingClassifier", "GradientBoostingRegressor"):
        ensemble = _boosting(model)
    elif kind in ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier",
                  "ExtraTreesRegressor"):
        ensemble = _forest(model, model.estimators_)
    elif kind in ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier",
                  "ExtraTreeRegressor"):
        ensemble = _forest(model, [model])
    else:
        raise NotTrees(f"{kind} has no trees")
    return _text(ensemble, int(model.n_features_in_))


def _plain_tree(tree: Any, value: Any) -> _Tree:
    return _Tree(
        tree.children_left, tree.children_right, tree.feature, tree.threshold,
        np.asarray(tree.missing_go_to_left), value, tree.n_node_samples)


def _forest(model: Any, estimators: Iterable[Any]) -> _Ensemble:
    """The mean of the trees' answers: the share of the second class, or the value."""
    if model.n_outputs_ != 1:
        raise NotTrees("has several targets")
    if not hasattr(model, "classes_"):
        return _Ensemble(
            [_plain_tree(one.tree_, one.tree_.value[:, 0, 0]) for one in estimators],
            is_averaged=True)
    if len(model.classes_) != 2:
        raise NotTrees("has other than two classes")
    trees = []
    for one in estimators:
        counts = one.tree_.value[:, 0, :]
        trees.append(_plain_tree(one.tree_, counts[:, 1] / counts.sum(axis=1)))
    return _Ensemble(trees, is_averaged=True)


def _boosting(model: Any) -> _Ensemble:
    outputs = model.estimators_.shape[1]
    objective = None
    if hasattr(model, "classes_"):
        if model.loss != "log_loss":
            raise NotTrees(f"has the loss {model.loss}")
        objective = "binary sigmoid:1" if outputs == 1 else f"multiclass num_class:{outputs}"
    elif model.loss not in ("squared_error", "absolute_error", "huber", "quantile"):
        raise NotTrees(f"has the loss {model.loss}")
    if model.init is not None and not (isinstance(model.init, str) and model.init == "zero"):
        raise NotTrees("begins with another model")
    # The same for every row: the prior of the classes, or the mean.
    base = np.ravel(model._raw_predict_init(np.zeros((1, model.n_features_in_), np.float32)))
    trees = [
        _plain_tree(one.tree_, model.learning_rate * one.tree_.value[:, 0, 0])
        for stage in model.estimators_ for one in stage]
    return _Ensemble(_with_base(trees, base), outputs, objective)


def _histogram_boosting(model: Any) -> _Ensemble:
    outputs = int(model.n_trees_per_iteration_)
    objective = None
    if hasattr(model, "classes_"):
        objective = "binary sigmoid:1" if outputs == 1 else f"multiclass num_class:{outputs}"
    elif model.loss in ("poisson", "gamma"):
        objective = model.loss
    elif model.loss not in ("squared_error", "absolute_error", "quantile"):
        raise NotTrees(f"has the loss {model.loss}")
    if model.is_categorical_ is not None and np.any(model.is_categorical_):
        raise NotTrees("has categorical features")
    trees = []
    for stage in model._predictors:
        for one in stage:
            nodes = one.nodes
            is_leaf = nodes["is_leaf"].astype(np.bool_)
            trees.append(_Tree(
                np.where(is_leaf, -1, nodes["left"].astype(np.int64)),
                np.where(is_leaf, -1, nodes["right"].astype(np.int64)),
                nodes["feature_idx"], nodes["num_threshold"], nodes["missing_go_to_left"],
                nodes["value"], nodes["count"]))
    return _Ensemble(_with_base(trees, np.ravel(model._baseline_prediction)), outputs, objective)


def _with_base(trees: list[_Tree], base: Any) -> list[_Tree]:
    """The trees behind one leaf per output, which holds where the sum begins."""
    none = np.array([-1])
    stumps = [
        _Tree(none, none, none, np.zeros(1), np.zeros(1), np.array([float(value)]), np.ones(1))
        for value in base]
    return stumps + trees


def _text(ensemble: _Ensemble, count: int) -> bytes:
    sections = [_section(number, tree) for number, tree in enumerate(ensemble.trees)]
    lines = [
        "tree", "version=v4", f"num_class={ensemble.outputs}",
        f"num_tree_per_iteration={ensemble.outputs}", "label_index=0",
        f"max_feature_idx={count - 1}"]
    if ensemble.objective is not None:
        lines.append(f"objective={ensemble.objective}")
    if ensemble.is_averaged:
        lines.append("average_output")
    lines += [
        "feature_names=" + " ".join(f"Column_{place}" for place in range(count)),
        "feature_infos=" + " ".join(["[-inf:inf]"] * count),
        "tree_sizes=" + " ".join(str(len(section)) for section in sections), "", ""]
    return ("\n".join(lines) + "".join(sections) + "end of trees\n\n").encode()


def _section(number: int, tree: _Tree) -> str:
    """One tree; LightGBM numbers splits and leaves apart, a leaf i as -i - 1."""
    splits = np.flatnonzero(tree.left >= 0)
    leaves = np.flatnonzero(tree.left < 0)
    place = np.empty(len(tree.left), np.int64)
    place[splits] = np.arange(len(splits))
    place[leaves] = -1 - np.arange(len(leaves))
    lines = {
        "num_leaves": [len(leaves)], "num_cat": [0],
        "split_feature": tree.feature[splits], "split_gain": np.zeros(len(splits), np.int64),
        "threshold": [repr(float(value)) for value in tree.threshold[splits]],
        "decision_type": np.where(
            np.asarray(tree.missing_left)[splits] > 0, _MISSING_IS_NAN | _MISSING_GOES_LEFT,
            _MISSING_IS_NAN),
        "left_child": place[tree.left[splits]], "right_child": place[tree.right[splits]],
        "leaf_value": [repr(float(value)) for value in tree.value[leaves]],
        "leaf_weight": tree.rows[leaves].astype(np.int64),
        "leaf_count": tree.rows[leaves].astype(np.int64),
        "internal_value": np.zeros(len(splits), np.int64),
        "internal_weight": tree.rows[splits].astype(np.int64),
        "internal_count": tree.rows[splits].astype(np.int64),
        "is_linear": [0], "shrinkage": [1],
    }
    if not len(splits):
        # LightGBM writes a tree of one leaf without the lines of splits.
        kept = ("num_leaves", "num_cat", "leaf_value", "is_linear", "shrinkage")
        lines = {name: lines[name] for name in kept}
    body = "".join(f"{name}={' '.join(map(str, values))}\n" for name, values in lines.items())
    return f"Tree={number}\n{body}\n\n"
