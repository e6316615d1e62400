# SPDX-License-Identifier: Apache-2.0
"""12,330 real shop sessions from a CSV of pandas to live scores, with four trainers as their own oracles.

Needs the data sets that are not part of the repository: in a folder shared/data above it, or where
KASSA_SHARED_DATA says.
"""

import time

import numpy as np
import pandas as pd
import pytest

import kassa

lightgbm = pytest.importorskip("lightgbm")
sklearn = pytest.importorskip("sklearn")
xgboost = pytest.importorskip("xgboost")

from sklearn.compose import make_column_transformer  # noqa: E402
from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402

COUNT = 12_330
TEXTS = ["month", "visitor_type"]
KINDS = {"int64": "int64", "float64": "float64", "bool": "bool"}


@pytest.fixture(scope="module")
def sessions(shared_data):
    frame = pd.read_csv(shared_data / "uci_shoppers/online_shoppers_intention.csv")
    frame.columns = [
        "administrative", "administrative_duration", "informational", "informational_duration",
        "product_related", "product_related_duration", "bounce_rates", "exit_rates", "page_values",
        "special_day", "month", "operating_systems", "browser", "region", "traffic_type",
        "visitor_type", "weekend", "revenue"]
    assert len(frame) == COUNT
    frame.insert(0, "session", [f"s-{row}" for row in range(COUNT)])
    return frame.astype({name: "category" for name in TEXTS})


@pytest.fixture(scope="module")
def features(sessions):
    return [name for name in sessions.columns if name not in ("session", "revenue")]


@pytest.fixture(scope="module")
def shop(client, sessions, features):
    client.apply(kassa.FeatureSet("shopping", ["session"], [
        kassa.Feature(name, "string", categories=tuple(sessions[name].cat.categories))
        if name in TEXTS else kassa.Feature(name, KINDS[str(sessions[name].dtype)])
        for name in features]))
    result = client.load("shopping", sessions, features=features)
    assert (result.applied, result.rejected) == (COUNT, 0)
    return client


def held_out():
    return np.random.default_rng(0).random(COUNT) < 0.25


def test_all_sessions_are_read_back_exactly(shop, sessions, features):
    found = shop.read("shopping", sessions[["session"]])
    for name in features:
        assert found[name].tolist() == sessions[name].tolist(), name


def prepared(features):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_column_transformer(
        (numbers, [name for name in features if name not in TEXTS]),
        (OneHotEncoder(handle_unknown="ignore"), TEXTS))


@pytest.mark.parametrize("trainer", ["XGBoost", "LightGBM", "scikit-learn boosting", "scikit-learn logistic"])
def test_every_session_scores_as_its_trainer_says(shop, sessions, features, trainer, capsys):
    train = ~held_out()
    frame = sessions
    taken = list(features)
    if trainer == "XGBoost":
        model = xgboost.XGBClassifier(n_estimators=60, max_depth=5, learning_rate=0.1, enable_categorical=True)
    elif trainer == "LightGBM":
        model = lightgbm.LGBMClassifier(n_estimators=60, learning_rate=0.1, verbose=-1)
    elif trainer == "scikit-learn boosting":
        taken = [name for name in features if name not in TEXTS]
        model = HistGradientBoostingClassifier(max_iter=60)
    else:
        frame = sessions.astype({name: object for name in TEXTS})
        model = make_pipeline(prepared(features), LogisticRegression(max_iter=1_000))
    model.fit(frame.loc[train, taken], frame.loc[train, "revenue"])
    name = trainer.lower().replace("-", "_").replace(" ", "_")
    pushed = shop.push(
        model, feature_set="shopping", training_frame=frame[train], name=name, scorer=name)
    begun = time.monotonic()
    scores = shop.score_frame(name, sessions[["session"]])
    seconds = time.monotonic() - begun
    assert (scores["degraded"] == "").all() and (scores["model"] == pushed.model).all()
    # XGBoost narrows its inputs to float32 by itself; the others compare float64, and are served with it.
    wide = model.predict_proba(frame[taken])[:, 1]
    np.testing.assert_allclose(scores["score"], wide, rtol=1e-6, atol=1e-7)
    area = roc_auc_score(frame.loc[~train, "revenue"], scores.loc[~train, "score"])
    official = roc_auc_score(frame.loc[~train, "revenue"], wide[~train])
    with capsys.disabled():
        print(f"\n{trainer}: AUC {area:.4f} (trainer {official:.4f}), "
              f"{COUNT / seconds:,.0f} scores/s through score_frame;", end=" ")
    assert area == pytest.approx(official, abs=2e-4) and area > 0.85
