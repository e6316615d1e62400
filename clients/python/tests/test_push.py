# SPDX-License-Identifier: Apache-2.0
"""What is pushed scores as its own library says: XGBoost, LightGBM and scikit-learn are the oracles."""

import itertools
import json
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import kassa
from kassa.v1 import models_pb2
from kassa_process import binary

lightgbm = pytest.importorskip("lightgbm")
sklearn = pytest.importorskip("sklearn")
xgboost = pytest.importorskip("xgboost")

from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    ExtraTreesClassifier, GradientBoostingClassifier, GradientBoostingRegressor,
    HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier,
    RandomForestRegressor)
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.isotonic import IsotonicRegression  # noqa: E402
from sklearn.linear_model import (  # noqa: E402
    LinearRegression, LogisticRegression, PoissonRegressor, Ridge)
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import (  # noqa: E402
    MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore::kassa.PushWarning", "ignore::sklearn.exceptions.ConvergenceWarning")

ROWS = 600
NUMBERS = ["items", "value", "seconds", "coupon"]
ALL = [*NUMBERS, "device"]
DEVICES = ("desktop", "mobile", "tablet")
_names = (f"model_{number}" for number in itertools.count())


def make_rows(count=ROWS, gaps=True, seed=3):
    """Rows of the feature set below, with what is missing if `gaps`."""
    chance = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "session": [f"s-{row}" for row in range(count)],
        "items": pd.array(chance.integers(0, 9, count), dtype="Int64"),
        "value": chance.gamma(2, 40, count).astype(np.float32),
        # More digits than float32 has.
        "seconds": chance.gamma(1, 300, count),
        "coupon": chance.random(count) < 0.3,
        "device": pd.Categorical(chance.choice(DEVICES, count), categories=DEVICES),
    })
    if gaps:
        frame.loc[chance.random(count) < 0.2, "value"] = np.nan
        frame.loc[chance.random(count) < 0.1, "items"] = pd.NA
        frame.loc[chance.random(count) < 0.1, "device"] = np.nan
    odds = (0.03 * frame["value"].fillna(30) - 0.4 * frame["items"].fillna(2).astype(float)
            + (frame["device"] == "mobile") - 0.5)
    frame.attrs["y"] = (chance.random(count) < 1 / (1 + np.exp(-odds))).astype(int).to_numpy()
    return frame


@pytest.fixture(scope="module")
def shop(client):
    client.apply(kassa.FeatureSet("cart", ["session"], [
        kassa.Feature("items", "int64"), kassa.Feature("value", "float32"),
        kassa.Feature("seconds", "float64"), kassa.Feature("coupon", "bool"),
        kassa.Feature("device", "string", categories=DEVICES)]))
    client.write("cart", make_rows(), missing="null")
    client.write("cart", whole().assign(session=lambda f: "w" + f["session"]))
    return client


def whole():
    return make_rows(gaps=False, seed=4)


def plain(frame):
    """Numbers as numpy has them, for libraries that do not know Int64."""
    return frame.assign(items=frame["items"].to_numpy(np.float64, na_value=np.nan))


def narrow(frame):
    """Numbers as float32 has them, which is what a model is served with."""
    return frame.assign(**{
        name: frame[name].to_numpy(np.float64, na_value=np.nan).astype(np.float32).astype(np.float64)
        for name in NUMBERS if name in frame})


def served(client, model, frame, prefix="", **more):
    """Pushes a model and scores all rows: the scores, and what the push said."""
    name = next(_names)
    pushed = client.push(
        model, feature_set="cart", training_frame=frame, name=name, scorer=name, **more)
    assert pushed.model == f"{name}@1" and pushed.scorer == name
    scores = client.score_frame(name, pd.DataFrame({"session": prefix + frame["session"]}))
    assert list(scores["model"].unique()) == [pushed.model]
    return scores["score"].to_numpy(), pushed


# XGBoost.


@pytest.mark.parametrize("make", [
    lambda: xgboost.XGBClassifier(n_estimators=30, max_depth=4),
    lambda: xgboost.XGBClassifier(n_estimators=30, max_depth=4, booster="dart", rate_drop=0.2),
    lambda: xgboost.XGBRFClassifier(n_estimators=10, max_depth=4),
], ids=["gbtree", "dart", "random forest"])
def test_an_xgboost_classifier_scores_as_its_predict_proba(shop, make):
    frame = make_rows()
    model = make().fit(frame[NUMBERS], frame.attrs["y"])
    scores, pushed = served(shop, model, frame)
    official = model.predict_proba(narrow(frame)[NUMBERS])[:, 1]
    np.testing.assert_allclose(scores, official, rtol=1e-6, atol=1e-7)
    assert pushed.format == "xgboost_ubj" and pushed.golden_rows == 64
    assert pushed.objective == "binary:logistic"


@pytest.mark.skipif(
    tuple(map(int, xgboost.__version__.split(".")[:2])) < (3, 1),
    reason="XGBoost knows its categories by name since 3.1")
def test_an_xgboost_model_of_categories_gets_its_codes(shop):
    frame = make_rows()
    model = xgboost.XGBClassifier(n_estimators=30, max_depth=4, enable_categorical=True, max_cat_to_onehot=1)
    model.fit(frame[ALL], frame.attrs["y"])
    # The order of the frame's categories is not the order of the training: the model knows its own.
    turned = frame.assign(device=frame["device"].cat.reorder_categories(DEVICES[::-1]))
    scores, pushed = served(shop, model, turned)
    np.testing.assert_allclose(
        scores, model.predict_proba(narrow(frame)[ALL])[:, 1], rtol=1e-6, atol=1e-7)
    assert pushed.format == "xgboost_json" and pushed.inputs[-1] == "cart@1.device"


def test_an_xgboost_model_that_stopped_early_predicts_with_its_best_iteration(shop):
    frame = make_rows()
    chance = np.random.default_rng(1)
    noise = chance.integers(0, 2, len(frame))
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=3, max_depth=5)
    model.fit(frame[NUMBERS], frame.attrs["y"], eval_set=[(frame[NUMBERS], noise)], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    scores, pushed = served(shop, model, frame)
    np.testing.assert_allclose(
        scores, model.predict_proba(narrow(frame)[NUMBERS])[:, 1], rtol=1e-6, atol=1e-7)
    assert pushed.trees == model.best_iteration + 1


def test_a_booster_and_a_regressor_are_pushed_as_well(shop):
    frame = make_rows()
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 3},
        xgboost.DMatrix(frame[NUMBERS], frame.attrs["y"]), 10)
    scores, _ = served(shop, booster, frame)
    np.testing.assert_allclose(
        scores, booster.predict(xgboost.DMatrix(narrow(frame)[NUMBERS])), rtol=1e-6, atol=1e-7)
    model = xgboost.XGBRegressor(n_estimators=10, objective="reg:tweedie")
    model.fit(frame[NUMBERS], frame["seconds"])
    scores, _ = served(shop, model, frame)
    np.testing.assert_allclose(scores, model.predict(narrow(frame)[NUMBERS]), rtol=1e-6)


def test_several_classes_score_as_the_first(shop):
    frame = make_rows()
    classes = np.digitize(frame["seconds"], [100, 400])
    model = xgboost.XGBClassifier(n_estimators=10).fit(frame[NUMBERS], classes)
    scores, _ = served(shop, model, frame)
    np.testing.assert_allclose(
        scores, model.predict_proba(narrow(frame)[NUMBERS])[:, 0], rtol=1e-6, atol=1e-7)


def test_a_model_without_names_takes_them_in_the_order_of_training(shop):
    frame = make_rows()
    rows = plain(frame)[["value", "items"]].to_numpy(np.float32)
    model = xgboost.XGBClassifier(n_estimators=10).fit(rows, frame.attrs["y"])
    with pytest.raises(kassa.ModelError, match="without names of its 2 features"):
        shop.push(model, feature_set="cart", training_frame=frame)
    with pytest.raises(kassa.ModelError, match="takes 2 features, and 1 are named"):
        shop.push(model, feature_set="cart", training_frame=frame, features=["value"])
    scores, _ = served(shop, model, frame, features=["value", "items"])
    np.testing.assert_allclose(scores, model.predict_proba(rows)[:, 1], rtol=1e-6, atol=1e-7)


def test_columns_that_were_coded_by_hand_have_their_categories_named(shop):
    frame = make_rows()
    coded = frame.assign(device=frame["device"].cat.codes.where(frame["device"].notna(), np.nan))
    model = xgboost.XGBClassifier(n_estimators=20, max_depth=4).fit(coded[ALL], frame.attrs["y"])
    other = ["tablet", "mobile", "desktop"]
    with pytest.raises(kassa.InvalidArgumentError, match="golden"):
        # Pushed with the wrong codes, the golden rows do not agree with what Score would say. Official
        # answers are made of the coded column, so nothing else can notice.
        wrong = coded.assign(device=pd.Categorical(frame["device"], categories=other))
        swapped = xgboost.XGBClassifier(n_estimators=20, max_depth=4, feature_types=None)
        swapped.fit(coded[ALL], frame.attrs["y"])
        _push_with_wrong_codes(shop, swapped, coded, wrong)
    scores, _ = served(shop, model, coded, categories={"device": list(DEVICES)})
    np.testing.assert_allclose(
        scores, model.predict_proba(narrow(coded)[ALL])[:, 1], rtol=1e-6, atol=1e-7)


def _push_with_wrong_codes(client, model, coded, wrong):
    """An upload whose inputs claim another order of the categories than the trainer's."""
    from kassa import bundle as making
    from kassa.inputs import Input

    sent = making.inputs_of

    def lying(*arguments):
        inputs = sent(*arguments)
        return [
            Input(
                one.column, one.spec, one.feature, tuple(wrong["device"].cat.categories), one.values,
                one.missing) if one.is_text else one
            for one in inputs]

    making.inputs_of = lying
    try:
        client.push(model, feature_set="cart", training_frame=coded, name="wrong",
                    categories={"device": list(DEVICES)})
    finally:
        making.inputs_of = sent


@pytest.mark.parametrize("fit", [
    lambda x, y: xgboost.XGBClassifier(n_estimators=20, max_depth=4).fit(x, y),
    lambda x, y: lightgbm.LGBMClassifier(
        n_estimators=20, verbose=-1, min_child_samples=5).fit(x, y, categorical_feature=["device"])],
    ids=["XGBoost", "LightGBM, categorical"])
def test_codes_of_categories_are_any_numbers_if_they_are_said(shop, fit):
    frame = plain(make_rows())
    # Neither from 0 nor in the order of the feature's categories.
    codes = {"tablet": 3, "desktop": 11, "mobile": 7}
    coded = frame.assign(device=frame["device"].astype(object).map(codes).astype(float))
    model = fit(coded[ALL], frame.attrs["y"])
    scores, pushed = served(shop, model, coded, categories={"device": codes})
    np.testing.assert_allclose(
        scores, model.predict_proba(narrow(coded)[ALL])[:, 1], rtol=1e-6, atol=1e-7)
    stored = spec_of(shop, pushed.model).inputs[-1]
    assert list(stored.categories) == list(codes) and list(stored.codes) == [3, 11, 7]
    device = spec_of(shop, pushed.model).histograms[-1]
    assert dict(zip(device.categories, device.category_counts)) == frame["device"].value_counts().to_dict()


def test_codes_of_categories_that_do_not_fit_are_refused(shop):
    frame = plain(make_rows())
    codes = {"desktop": 1, "mobile": 2, "tablet": 4}
    coded = frame.assign(device=frame["device"].astype(object).map(codes).astype(float))
    model = xgboost.XGBClassifier(n_estimators=3).fit(coded[ALL], frame.attrs["y"])
    for given, rows, why in [
            ({"desktop": 1, "mobile": 2}, coded, "has the code 4, of no category"),
            (["desktop", "mobile", "tablet"], coded, "has codes beyond 0 to 2"),
            ({"desktop": 1, "mobile": 1, "tablet": 4}, coded, "have the same code"),
            ({"desktop": 1, "mobile": 2, "tablet": float("nan")}, coded, "is no float32"),
            ({"desktop": 1, "mobile": 2, "tablet": 2**24 + 1}, coded, "is no float32"),
            (codes, frame.assign(device=frame["device"].astype(object)), "has no numbers there")]:
        with pytest.raises(kassa.ModelError, match=why) as caught:
            shop.push(model, feature_set="cart", training_frame=rows, name="miscoded",
                      categories={"device": given})
        assert caught.value.field == "device"
    assert "miscoded@1" not in shop.models()


# LightGBM.


def test_a_lightgbm_classifier_scores_as_its_predict_proba(shop):
    frame = plain(make_rows())
    model = lightgbm.LGBMClassifier(n_estimators=30, verbose=-1, min_child_samples=5)
    model.fit(frame[ALL], frame.attrs["y"])
    turned = frame.assign(device=frame["device"].cat.reorder_categories(DEVICES[::-1]))
    scores, pushed = served(shop, model, turned)
    np.testing.assert_allclose(
        scores, model.predict_proba(narrow(frame)[ALL])[:, 1], rtol=1e-6, atol=1e-7)
    assert pushed.format == "lightgbm_text" and pushed.trees == 30


def test_a_lightgbm_booster_that_stopped_early_and_a_regressor(shop):
    frame = plain(make_rows())
    noise = np.random.default_rng(1).integers(0, 2, len(frame))
    train = lightgbm.Dataset(frame[NUMBERS], frame.attrs["y"], free_raw_data=False)
    booster = lightgbm.train(
        {"objective": "binary", "verbose": -1}, train, 60,
        valid_sets=[lightgbm.Dataset(frame[NUMBERS], noise, reference=train)],
        callbacks=[lightgbm.early_stopping(3, verbose=False)])
    assert booster.best_iteration < 60
    scores, pushed = served(shop, booster, frame)
    np.testing.assert_allclose(
        scores, booster.predict(narrow(frame)[NUMBERS]), rtol=1e-6, atol=1e-7)
    assert pushed.trees == booster.best_iteration
    model = lightgbm.LGBMRegressor(n_estimators=10, verbose=-1).fit(frame[NUMBERS], frame["seconds"])
    scores, _ = served(shop, model, frame)
    np.testing.assert_allclose(scores, model.predict(narrow(frame)[NUMBERS]), rtol=1e-6)


# scikit-learn.

PREPARED = ColumnTransformer([
    ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
    ("device", make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", drop=None)),
     ["device"])])


@pytest.mark.parametrize("pipeline", [
    make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=500)),
    make_pipeline(SimpleImputer(strategy="median"), MinMaxScaler(), LogisticRegression()),
    make_pipeline(RobustScaler(), SimpleImputer(), LogisticRegression()),
], ids=["standard", "min-max", "robust, imputed behind it"])
def test_a_logistic_regression_is_plain_json_and_scores_the_same(shop, pipeline):
    frame = plain(make_rows())
    model = sklearn.clone(pipeline).fit(frame[NUMBERS], frame.attrs["y"])
    scores, pushed = served(shop, model, frame)
    np.testing.assert_allclose(
        scores, model.predict_proba(frame[NUMBERS])[:, 1], rtol=1e-9)
    assert pushed.format == "plain_json"


def test_scaled_numbers_and_one_hot_texts_are_plain_json(shop):
    frame = plain(make_rows())
    frame["device"] = frame["device"].astype(object)
    model = make_pipeline(PREPARED, LogisticRegression(max_iter=500)).fit(frame[ALL], frame.attrs["y"])
    scores, pushed = served(shop, model, frame)
    np.testing.assert_allclose(scores, model.predict_proba(frame[ALL])[:, 1], rtol=1e-9)
    assert pushed.format == "plain_json" and pushed.inputs[-1] == "cart@1.device"


@pytest.mark.parametrize("regressor", [LinearRegression(), Ridge(), PoissonRegressor(max_iter=500)])
def test_linear_regressions_are_plain_json(shop, regressor):
    frame = plain(make_rows())
    model = make_pipeline(SimpleImputer(), StandardScaler(), regressor)
    model.fit(frame[NUMBERS], frame["seconds"])
    scores, pushed = served(shop, model, frame)
    np.testing.assert_allclose(scores, model.predict(frame[NUMBERS]), rtol=1e-9, atol=1e-9)
    assert pushed.format == "plain_json"


def test_a_linear_model_without_an_imputer_gives_no_score_for_what_is_missing(shop):
    pytest.importorskip("skl2onnx")
    frame = plain(whole())
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame[NUMBERS], frame.attrs["y"])
    scores, pushed = served(shop, model, frame, prefix="w")
    np.testing.assert_allclose(
        scores, model.predict_proba(narrow(frame)[NUMBERS])[:, 1], rtol=1e-5, atol=1e-5)
    assert pushed.format == "onnx"
    with pytest.raises(kassa.ServerError):
        shop.score(pushed.scorer, {"session": "w-s-1"}, context={"value": None})


@pytest.mark.parametrize("model", [
    DecisionTreeClassifier(max_depth=4), RandomForestClassifier(10, max_depth=5),
    ExtraTreesClassifier(7, max_depth=5), GradientBoostingClassifier(n_estimators=10),
    GradientBoostingClassifier(n_estimators=5, init="zero"),
    HistGradientBoostingClassifier(max_iter=10)],
    ids=lambda model: type(model).__name__)
def test_trees_of_scikit_learn_score_the_same_to_the_bit_of_float32(shop, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    frame = plain(whole())
    model = sklearn.clone(model).set_params(random_state=1).fit(frame[NUMBERS], frame.attrs["y"])
    scores, pushed = served(shop, model, frame, prefix="w")
    official = model.predict_proba(frame[NUMBERS])[:, 1]
    np.testing.assert_allclose(scores, official, rtol=1e-12)
    assert pushed.format == "lightgbm_text"


@pytest.mark.parametrize("model", [
    DecisionTreeRegressor(max_depth=4), RandomForestRegressor(10, max_depth=5),
    GradientBoostingRegressor(n_estimators=10), GradientBoostingRegressor(n_estimators=5, loss="huber"),
    HistGradientBoostingRegressor(max_iter=10),
    HistGradientBoostingRegressor(max_iter=10, loss="poisson")],
    ids=lambda model: f"{type(model).__name__} {getattr(model, 'loss', '')}")
def test_regression_trees_of_scikit_learn_answer_the_same(shop, model):
    frame = plain(whole())
    model = sklearn.clone(model).set_params(random_state=1).fit(frame[["items", "value", "coupon"]], frame["seconds"])
    scores, pushed = served(shop, model, frame, prefix="w")
    official = model.predict(narrow(frame)[["items", "value", "coupon"]])
    np.testing.assert_allclose(scores, official, rtol=1e-12)
    assert pushed.format == "lightgbm_text"


def test_a_model_that_refuses_what_is_missing_warns_of_it(shop):
    frame = plain(whole())
    model = GradientBoostingClassifier(n_estimators=2).fit(frame[["items", "value"]], frame.attrs["y"])
    with pytest.warns(kassa.PushWarning, match="cart.items, cart.value may be missing"):
        shop.push(model, feature_set="cart", training_frame=frame, name="warned")
    shop.apply(kassa.FeatureSet("guarded", ["session"], [
        kassa.Feature("items", "int64", default=0), kassa.Feature("value", "float32", on_missing="fail")]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shop.push(model, feature_set="guarded", training_frame=frame, name="guarded")


@pytest.mark.parametrize("fit", [
    lambda x, y: lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, min_child_samples=5).fit(x, y),
    lambda x, y: xgboost.XGBClassifier(n_estimators=10, enable_categorical=True).fit(x, y)],
    ids=["LightGBM", "XGBoost"])
def test_categories_of_whole_numbers_are_their_own_codes(shop, fit):
    frame = plain(make_rows())
    frame["items"] = pd.Categorical(frame["items"].fillna(0).astype(int), categories=range(9))
    model = fit(frame[["items", "value"]], frame.attrs["y"])
    scores, _ = served(shop, model, frame, features=["items", "value"])
    known = make_rows()["items"].notna().to_numpy()
    official = model.predict_proba(frame[["items", "value"]])[:, 1]
    np.testing.assert_allclose(scores[known], official[known], rtol=1e-6)
    other = frame.assign(items=pd.Categorical(frame["items"].astype(int) + 1))
    model = fit(other[["items", "value"]], frame.attrs["y"])
    with pytest.raises(kassa.ModelError, match="items is a category of numbers"):
        shop.push(model, feature_set="cart", training_frame=other, name="shifted")


@pytest.mark.parametrize("model", [
    DecisionTreeClassifier(max_depth=5), RandomForestClassifier(10, max_depth=5),
    HistGradientBoostingClassifier(max_iter=10)], ids=lambda model: type(model).__name__)
def test_what_is_missing_goes_where_scikit_learn_sends_it(shop, model):
    frame = plain(make_rows())
    model = sklearn.clone(model).set_params(random_state=1).fit(frame[NUMBERS], frame.attrs["y"])
    scores, _ = served(shop, model, frame)
    official = model.predict_proba(frame[NUMBERS])[:, 1]
    np.testing.assert_allclose(scores, official, rtol=1e-12)


@pytest.mark.parametrize("model", [
    GradientBoostingClassifier(n_estimators=4), HistGradientBoostingClassifier(max_iter=4)],
    ids=lambda model: type(model).__name__)
def test_boosting_of_several_classes_scores_as_the_first(shop, model):
    frame = plain(whole())
    classes = np.digitize(frame["seconds"], [100, 400])
    model = sklearn.clone(model).set_params(random_state=1)
    model.fit(frame[["items", "value", "coupon"]], classes)
    scores, _ = served(shop, model, frame, prefix="w")
    official = model.predict_proba(narrow(frame)[["items", "value", "coupon"]])[:, 0]
    np.testing.assert_allclose(scores, official, rtol=1e-9)


def test_lightgbm_itself_reads_the_text_of_a_forest(shop):
    from kassa.models.trees import tree_text

    frame = plain(make_rows())
    model = HistGradientBoostingClassifier(max_iter=10, random_state=1).fit(frame[NUMBERS], frame.attrs["y"])
    booster = lightgbm.Booster(model_str=tree_text(model).decode())
    np.testing.assert_allclose(
        booster.predict(frame[NUMBERS].to_numpy(float)), model.predict_proba(frame[NUMBERS])[:, 1],
        rtol=1e-12)


@pytest.mark.parametrize("model", [
    MLPClassifier((8,), max_iter=50), RandomForestClassifier(5, max_depth=3)],
    ids=lambda model: type(model).__name__)
def test_the_rest_goes_through_onnx(shop, model):
    pytest.importorskip("skl2onnx")
    frame = plain(whole())
    model = make_pipeline(StandardScaler(), sklearn.clone(model).set_params(random_state=1))
    model.fit(frame[["items", "value"]], frame.attrs["y"])
    scores, pushed = served(shop, model, frame, prefix="w")
    official = model.predict_proba(narrow(frame)[["items", "value"]])[:, 1]
    np.testing.assert_allclose(scores, official, rtol=1e-4, atol=1e-5)
    assert pushed.format == "onnx"


def test_a_forest_behind_one_hot_texts_goes_through_onnx(shop):
    pytest.importorskip("skl2onnx")
    frame = plain(whole())
    frame["device"] = frame["device"].astype(object)
    model = make_pipeline(
        ColumnTransformer([
            ("numbers", StandardScaler(), NUMBERS),
            ("device", OneHotEncoder(handle_unknown="ignore"), ["device"])]),
        RandomForestRegressor(8, max_depth=4, random_state=1)).fit(frame[ALL], frame["seconds"])
    scores, pushed = served(shop, model, frame, prefix="w")
    np.testing.assert_allclose(scores, model.predict(narrow(frame)[ALL]), rtol=1e-4)
    assert pushed.format == "onnx"


# Classes.


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("make", [
    lambda: xgboost.XGBClassifier(n_estimators=10, max_depth=3),
    lambda: lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, min_child_samples=5),
    lambda: RandomForestClassifier(10, max_depth=5, random_state=1),
    lambda: make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=50, random_state=1)),
    lambda: make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=500))],
    ids=["XGBoost", "LightGBM", "forest", "ONNX", "linear"])
def test_the_score_is_the_number_of_the_likeliest_class_if_asked_for(shop, make, count):
    frame = plain(whole())
    taken = ["items", "value", "coupon"]
    limits = np.quantile(frame["value"] - 8 * frame["items"], np.arange(1, count) / count)
    classes = np.array([10, 20, 30])[np.digitize(frame["value"] - 8 * frame["items"], limits)]
    model = make()
    if "xgboost" in type(model).__module__:
        classes = classes // 10 - 1
    if isinstance(model, RandomForestClassifier) and count == 2:
        # Its LightGBM text is one mean of numbers.
        model = HistGradientBoostingClassifier(max_iter=10)
    model.fit(frame[taken], classes)
    scores, pushed = served(shop, model, frame, prefix="w", output="class")
    official = model.predict_proba(narrow(frame)[taken])
    # Where the first two are as good as equal either may be it.
    clear = np.ptp(np.sort(official, axis=1)[:, -2:], axis=1) > 1e-4
    assert clear.mean() > 0.95 and len(set(scores)) == count
    np.testing.assert_array_equal(scores[clear], official.argmax(axis=1)[clear])
    assert spec_of(shop, pushed.model).output.kind == models_pb2.OUTPUT_CLASS


def test_a_booster_of_labels_scores_its_label(shop):
    frame = make_rows()
    classes = np.digitize(frame["seconds"], [100, 400])
    rows = xgboost.DMatrix(frame[NUMBERS], classes)
    booster = xgboost.train({"objective": "multi:softmax", "num_class": 3, "max_depth": 3}, rows, 5)
    scores, _ = served(shop, booster, frame, output="class")
    np.testing.assert_array_equal(scores, booster.predict(xgboost.DMatrix(narrow(frame)[NUMBERS])))


def test_what_has_no_classes_is_refused_as_one(shop):
    frame = plain(whole())
    arguments = {"feature_set": "cart", "training_frame": frame, "name": "classless"}
    model = Ridge().fit(frame[NUMBERS], frame["seconds"])
    with pytest.raises(kassa.ModelError, match="this Ridge predicts one number"):
        shop.push(model, output="class", **arguments)
    model = RandomForestClassifier(3, max_depth=3).fit(frame[NUMBERS], frame.attrs["y"])
    with pytest.raises(kassa.ModelError, match="this RandomForestClassifier predicts one number"):
        shop.push(model, output="class", **arguments)
    model = xgboost.XGBRegressor(n_estimators=2).fit(frame[NUMBERS], frame["seconds"])
    with pytest.raises(kassa.InvalidArgumentError, match="predicts no classes"):
        shop.push(model, output="class", **arguments)
    model = xgboost.XGBClassifier(n_estimators=2).fit(frame[NUMBERS], frame.attrs["y"])
    with pytest.raises(kassa.ModelError, match="a class has no calibration"):
        shop.push(model, output="class", calibration=kassa.Platt(-1, 0), **arguments)
    with pytest.raises(kassa.ModelError, match='"class" or nothing, not \'margin\''):
        shop.push(model, output="margin", **arguments)


# The bundle.


def spec_of(client, model):
    return client.channel.call(
        "Models/Get", models_pb2.GetModelRequest(model=model), models_pb2.GetModelResponse).model.spec


def test_the_bundle_has_golden_rows_histograms_and_words(shop):
    frame = make_rows()
    model = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True).fit(frame[ALL], frame.attrs["y"])
    _, pushed = served(
        shop, model, frame, owner="growth", description="carts", labels={"team": "checkout"},
        training_run_id="run-7", golden_rows=40)
    spec = spec_of(shop, pushed.model)
    assert (spec.owner, spec.description, dict(spec.labels), spec.training_run_id) == (
        "growth", "carts", {"team": "checkout"}, "run-7")
    assert len(spec.golden) == pushed.golden_rows == 40
    expected = [row.score for row in spec.golden]
    assert min(expected) < np.quantile(expected, 0.5) < max(expected)
    gaps = [any(value.value.HasField("null") for value in row.values) for row in spec.golden]
    assert 10 <= sum(gaps) < 40
    histograms = {histogram.input: histogram for histogram in spec.histograms}
    assert sorted(histograms) == list(range(len(ALL)))
    value = histograms[ALL.index("value")]
    assert len(value.edges) == 11 and value.n == ROWS
    assert value.missing == frame["value"].isna().sum()
    assert sum(value.counts) + value.missing == ROWS
    assert max(value.counts) - min(value.counts) <= 2
    device = histograms[ALL.index("device")]
    counts = frame["device"].value_counts()
    assert dict(zip(device.categories, device.category_counts)) == counts.to_dict()
    assert device.missing == frame["device"].isna().sum() and device.unseen == 0
    assert spec.score_histogram.n == ROWS and sum(spec.score_histogram.counts) == ROWS


def test_calibration_is_part_of_the_score(shop):
    frame = make_rows()
    model = xgboost.XGBClassifier(n_estimators=10).fit(frame[NUMBERS], frame.attrs["y"])
    raw = model.predict_proba(narrow(frame)[NUMBERS])[:, 1].astype(np.float64)
    scores, _ = served(shop, model, frame, calibration=kassa.Platt(-3.0, 1.0))
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-3 * raw + 1)), rtol=1e-6)
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(raw, frame.attrs["y"])
    scores, _ = served(shop, model, frame, calibration=kassa.Isotonic.of(isotonic))
    np.testing.assert_allclose(scores, isotonic.predict(raw), rtol=1e-4, atol=1e-4)
    forest = RandomForestClassifier(5, max_depth=3, random_state=1)
    rows = plain(whole())
    forest.fit(rows[NUMBERS], rows.attrs["y"])
    scores, _ = served(shop, forest, rows, prefix="w", calibration=kassa.Platt(-2.0, 0.5))
    raw = forest.predict_proba(narrow(rows)[NUMBERS])[:, 1]
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-2 * raw + 0.5)), rtol=1e-4)


def test_what_lies_between_two_float32_numbers_reaches_lightgbm(shop):
    frame = plain(whole())
    # The threshold lies between a float64 and the float32 that it would become.
    frame["seconds"] = 16_777_216.0 + (np.arange(len(frame)) % 2) * 0.6
    y = (frame["seconds"] > 16_777_216.3).astype(int)
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(frame[["seconds"]], y)
    pushed = shop.push(model, feature_set="cart", training_frame=frame, name="wide")
    assert pushed.narrowed_rows == 0 and pushed.narrowed_by == 0


def test_a_second_push_of_the_same_is_there_already_and_another_is_the_next_version(shop):
    frame = make_rows()
    model = xgboost.XGBClassifier(n_estimators=5).fit(frame[NUMBERS], frame.attrs["y"])
    arguments = {"feature_set": "cart", "training_frame": frame, "name": "twice"}
    assert not shop.push(model, **arguments).already_present
    again = shop.push(model, version=1, **arguments)
    assert again.already_present and again.model == "twice@1"
    model = xgboost.XGBClassifier(n_estimators=6).fit(frame[NUMBERS], frame.attrs["y"])
    assert shop.push(model, **arguments).model == "twice@2"
    with pytest.raises(kassa.AlreadyExistsError):
        shop.push(model, version=1, **arguments)


def test_contributions_come_with_the_score(shop):
    frame = make_rows()
    model = xgboost.XGBClassifier(n_estimators=10).fit(frame[NUMBERS], frame.attrs["y"])
    _, pushed = served(shop, model, frame)
    answer = shop.score(pushed.scorer, {"session": "s-5"}, contributions=2)
    assert len(answer.contributions) == 2
    parts = sum(answer.contributions.values()) + answer.expectation + answer.other_contributions
    assert parts == pytest.approx(answer.margin, abs=1e-5)


def test_features_of_several_sets_are_told_apart_by_their_names(shop):
    shop.apply(kassa.FeatureSet("buyer", ["customer"], [
        kassa.Feature("value", "float32"), kassa.Feature("orders", "int64")]))
    frame = make_rows()
    frame["orders"] = np.arange(len(frame)) % 5
    frame["buyer.value"] = np.arange(len(frame)) % 7
    model = xgboost.XGBClassifier(n_estimators=5)
    model.fit(frame[["items", "value", "orders"]], frame.attrs["y"])
    with pytest.raises(kassa.ModelError, match="feature of cart@1 and of buyer@1"):
        shop.push(model, feature_set=["cart", "buyer"], training_frame=frame, name="both")
    pushed = shop.push(
        model, feature_set=["cart", "buyer"], training_frame=frame, name="both",
        features={"value": "cart.value"}, scorer="both")
    assert pushed.inputs == ("cart@1.items", "cart@1.value", "buyer@1.orders")
    shop.write("buyer", {"customer": ["c-1"], "orders": [3]})
    found = shop.score_frame("both", frame[["session"]].head(3), shared={"customer": "c-1"})
    rows = narrow(frame.head(3).assign(orders=3))[["items", "value", "orders"]]
    np.testing.assert_allclose(found["score"], model.predict_proba(rows)[:, 1], rtol=1e-6)


# What is refused.


def test_what_cannot_be_pushed_is_refused_by_name(shop):
    frame = make_rows()
    y = frame.attrs["y"]
    arguments = {"feature_set": "cart", "training_frame": frame}
    with pytest.raises(kassa.ModelError, match="a builtins.dict cannot be pushed"):
        shop.push({}, **arguments)
    odd = xgboost.XGBClassifier(n_estimators=2, missing=-1).fit(frame[NUMBERS], y)
    with pytest.raises(kassa.ModelError, match="takes -1 for missing"):
        shop.push(odd, **arguments)
    model = xgboost.XGBClassifier(n_estimators=2).fit(frame[NUMBERS].rename(columns={"value": "worth"}), y)
    with pytest.raises(kassa.FrameError, match="no column worth"):
        shop.push(model, **arguments)
    with pytest.raises(kassa.ModelError, match="cart@1 has no feature worth") as caught:
        shop.push(model, feature_set="cart", training_frame=frame.rename(columns={"value": "worth"}))
    assert caught.value.field == "worth"
    good = xgboost.XGBClassifier(n_estimators=2).fit(frame[NUMBERS], y)
    with pytest.raises(kassa.FrameError, match="must be a DataFrame with rows"):
        shop.push(good, feature_set="cart", training_frame=frame.head(0))
    with pytest.raises(kassa.NotFoundError):
        shop.push(good, feature_set="nothing", training_frame=frame)
    fractions = frame.assign(items=0.5)
    with pytest.raises(kassa.RowsError, match="items: is no whole number"):
        shop.push(good, feature_set="cart", training_frame=fractions)
    for golden_rows in (0, 1_001):
        with pytest.raises(kassa.ModelError, match="golden_rows must be from 1 to 1,000"):
            shop.push(good, golden_rows=golden_rows, **arguments)
    from sklearn.svm import LinearSVC

    margin = LinearSVC().fit(plain(whole())[NUMBERS], whole().attrs["y"])
    with pytest.raises(kassa.ModelError, match="LinearSVC has no predict_proba"):
        shop.push(margin, **arguments)


def test_a_missing_package_is_named_with_its_extra(shop, monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    frame = plain(whole())
    model = MLPClassifier((2,), max_iter=5).fit(frame[NUMBERS], frame.attrs["y"])
    with pytest.raises(kassa.MissingPackageError, match=r"pip install 'kassa\[sklearn\]'"):
        shop.push(model, feature_set="cart", training_frame=frame)


def test_a_linear_model_without_names_takes_them_in_the_order_of_training(shop):
    frame = plain(make_rows())
    rows = frame[["value", "items"]].to_numpy()
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(rows, frame.attrs["y"])
    # Two columns, as many as the model takes: still nobody knows which is which.
    with pytest.raises(kassa.ModelError, match="without names of its 2 features"):
        shop.push(model, feature_set="cart", training_frame=frame[["items", "value"]])
    scores, pushed = served(shop, model, frame, features=["value", "items"])
    official = model.predict_proba(narrow(frame)[["value", "items"]].to_numpy())[:, 1]
    np.testing.assert_allclose(scores, official, rtol=1e-9)
    assert pushed.format == "plain_json" and pushed.inputs == ("cart@1.value", "cart@1.items")


def test_a_vector_is_as_many_features_as_it_has_components(shop):
    shop.apply(kassa.FeatureSet("embedded", ["session"], [
        kassa.Feature("items", "int64"), kassa.Feature("taste", "vector", dimension=3),
        kassa.Feature("value", "float32")]))
    frame = make_rows()[["session", "items", "value"]]
    vectors = np.random.default_rng(5).normal(size=(len(frame), 3)).astype(np.float32)
    frame["taste"] = [None if row % 7 == 0 else vectors[row] for row in range(len(frame))]
    shop.write("embedded", frame)
    vectors[::7] = np.nan
    rows = np.column_stack([plain(frame)["items"], vectors, frame["value"]])
    y = (np.nan_to_num(vectors).sum(axis=1) > 0).astype(int)
    model = xgboost.XGBClassifier(n_estimators=20, max_depth=4).fit(rows, y)
    arguments = {"feature_set": "embedded", "training_frame": frame, "name": "vectors", "scorer": "vectors"}
    with pytest.raises(kassa.ModelError, match="takes 5 features, and 4 are named"):
        shop.push(model, features=["items", "taste"], **arguments)
    pushed = shop.push(model, features=["items", "taste", "value"], **arguments)
    scores = shop.score_frame("vectors", frame[["session"]])["score"]
    np.testing.assert_allclose(scores, model.predict_proba(rows)[:, 1], rtol=1e-6, atol=1e-7)
    histograms = spec_of(shop, pushed.model).histograms
    assert [histogram.input for histogram in histograms] == list(range(5))
    assert histograms[2].missing == np.isnan(vectors[:, 0]).sum()


def test_a_push_replaces_no_model_that_serves(shop):
    frame = make_rows()
    arguments = {"feature_set": "cart", "training_frame": frame, "name": "kept", "scorer": "kept"}
    first = xgboost.XGBClassifier(n_estimators=2).fit(frame[NUMBERS], frame.attrs["y"])
    shop.push(first, owner="growth", **arguments)
    assert shop.scorer("kept") == kassa.Scorer("kept", "kept@1", owner="growth")
    second = xgboost.XGBClassifier(n_estimators=3).fit(frame[NUMBERS], frame.attrs["y"])
    with pytest.raises(kassa.ModelError, match="kept serves kept@1 already") as caught:
        shop.push(second, **arguments)
    assert caught.value.field == "scorer" and "kept@2" not in shop.models()
    # The same once more is no replacement.
    assert shop.push(first, owner="growth", version=1, **arguments).already_present
    assert shop.push(second, **{**arguments, "scorer": None}).model == "kept@2"
    assert shop.scorer("kept").model == "kept@1"


def test_push_without_a_client_opens_one(server, shop):
    frame = make_rows()
    model = xgboost.XGBClassifier(n_estimators=2).fit(frame[NUMBERS], frame.attrs["y"])
    assert kassa.push(
        model, feature_set="cart", training_frame=frame, server=server.address, name="alone",
    ).model == "alone@1"


def test_the_plain_document_can_be_read(shop):
    from kassa.models.linear import linear_model

    frame = plain(make_rows())
    model = make_pipeline(SimpleImputer(), LinearRegression()).fit(frame[["value"]], frame["seconds"])
    document = json.loads(linear_model(model, ["value"], []).content)
    weight, = model[-1].coef_
    assert document["link"] == "identity" and document["intercept"] == model[-1].intercept_
    term, = document["terms"]
    assert term["weight"] == weight and term["missing"] == weight * model[0].statistics_[0]


# Bundles as files.


@pytest.mark.parametrize("kind", [
    "XGBoost", "LightGBM, calibrated", "linear", "forest", "classes", "coded"])
def test_a_bundle_in_a_folder_is_what_the_command_uploads(shop, server, tmp_path, kind):
    frame = plain(make_rows())
    taken, more = ALL, {"labels": {"team": "checkout"}, "description": 'Łódź: "carts"'}
    if kind == "XGBoost":
        model = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True)
    elif kind == "LightGBM, calibrated":
        model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1)
        more["calibration"] = kassa.Isotonic((0.0, 0.5, 1.0), (0.1, 0.2, 0.9))
    elif kind == "linear":
        frame["device"] = frame["device"].astype(object)
        model = make_pipeline(PREPARED, LogisticRegression(max_iter=500))
    elif kind == "classes":
        taken, model = NUMBERS, xgboost.XGBClassifier(n_estimators=5)
        more["output"] = "class"
    elif kind == "coded":
        codes = {"tablet": 3, "desktop": 11.5, "mobile": 7}
        frame["device"] = frame["device"].astype(object).map(codes).astype(float)
        model, more["categories"] = xgboost.XGBClassifier(n_estimators=5), {"device": codes}
    else:
        taken, model = NUMBERS, RandomForestClassifier(5, max_depth=4)
    model.fit(frame[taken], frame.attrs["y"])
    name = f"folder_{kind.split(',')[0].lower()}"
    bundle = shop.bundle(model, feature_set="cart", training_frame=frame, name=name, owner="growth",
                         training_run_id="run-1", **more)
    document = bundle.write(tmp_path / "bundle")
    assert sorted(path.name for path in document.parent.iterdir())[1:] == [
        "golden.jsonl", "histograms.jsonl", "model.yaml"]
    result = subprocess.run(
        [binary(), "model", "upload", str(document), "--server", server.address],
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    # The same, to the byte of its golden rows and histograms.
    pushed = shop.upload(bundle)
    assert pushed.model == f"{name}@1" and pushed.already_present
    stored = spec_of(shop, pushed.model)
    bundle.spec.version = 1
    assert stored == bundle.spec


def test_a_bundle_is_made_without_a_server():
    frame = make_rows()
    model = xgboost.XGBClassifier(n_estimators=5).fit(frame[NUMBERS], frame.attrs["y"])
    spec = kassa.FeatureSet("cart", ["session"], [
        kassa.Feature("items", "int64"), kassa.Feature("value", "float32"),
        kassa.Feature("seconds", "float64"), kassa.Feature("coupon", "bool")], version=3)
    with kassa.connect("127.0.0.1:1") as nobody:
        bundle = nobody.bundle(model, feature_set=spec, training_frame=frame)
    assert bundle.inputs[0] == "cart@3.items" and len(bundle.spec.golden) == 64
