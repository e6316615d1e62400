# SPDX-License-Identifier: Apache-2.0
"""Short ways to say what tests say to a server, over grpcio; the shop that most tests are about."""

import csv
import hashlib
import json

import grpc
import pytest

from kassa.v1 import config_pb2, config_pb2_grpc
from kassa.v1 import features_pb2, features_pb2_grpc
from kassa.v1 import models_pb2, models_pb2_grpc
from kassa.v1 import rollouts_pb2, rollouts_pb2_grpc
from kassa.v1 import scoring_pb2, scoring_pb2_grpc
from kassa.v1 import storage_pb2_grpc
from kassa.v1 import values_pb2
from kassa_process import ROOT

FIXTURE = ROOT / "Tests/Fixtures/models/logistic_32"
SIGNALS = 5

# Must not come back in any error: every client value that tests send wrongly contains it.
CANARY = "canary7"


class Client:
    """The services on one channel."""

    def __init__(self, address, channel=None):
        self.channel = channel or grpc.insecure_channel(address)
        self.config = config_pb2_grpc.ConfigStub(self.channel)
        self.features = features_pb2_grpc.FeaturesStub(self.channel)
        self.models = models_pb2_grpc.ModelsStub(self.channel)
        self.rollouts = rollouts_pb2_grpc.RolloutsStub(self.channel)
        self.scoring = scoring_pb2_grpc.ScoringStub(self.channel)
        self.storage = storage_pb2_grpc.StorageStub(self.channel)

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def apply(self, *resources, **more):
        """Applies feature sets and scorers."""
        documents = [
            config_pb2.Document(feature_set=resource)
            if isinstance(resource, config_pb2.FeatureSetSpec)
            else config_pb2.Document(scorer=resource)
            for resource in resources
        ]
        return self.config.Apply(config_pb2.ApplyRequest(documents=documents, **more), timeout=20)

    def replace(self, scorer, model):
        """Takes another model to STABLE, where no guard looks at what it is like; the answer is the status."""
        self.rollouts.Shadow(rollouts_pb2.ShadowRequest(
            scorer=scorer, model=model,
            guard=rollouts_pb2.GuardPolicy(watch_share_percent=0)), timeout=20)
        return self.rollouts.Promote(
            rollouts_pb2.PromoteRequest(scorer=scorer, full=True), timeout=20).status

    def upload(self, spec, artefact, chunk_bytes=64 << 10):
        """Uploads a model in chunks."""
        return self.models.Upload(upload_parts(spec, artefact, chunk_bytes), timeout=20)


def upload_parts(spec, artefact, chunk_bytes=64 << 10):
    """The messages of an upload."""
    yield models_pb2.UploadRequest(spec=spec)
    for start in range(0, len(artefact), chunk_bytes):
        yield models_pb2.UploadRequest(chunk=artefact[start : start + chunk_bytes])


def feature(name, kind, **more):
    """A feature of a type by its name, "INT64"."""
    return config_pb2.FeatureSpec(name=name, type=values_pb2.FeatureType.Value(kind), **more)


def feature_set(name, entity, *features, **more):
    return config_pb2.FeatureSetSpec(name=name, entity=entity, features=features, **more)


def column(name, kind, values, **more):
    """A column of one oneof case, `column("price", "floats", [1.5])`."""
    message = {
        "floats": values_pb2.FloatValues, "doubles": values_pb2.DoubleValues,
        "integers": values_pb2.IntegerValues, "flags": values_pb2.FlagValues,
        "texts": values_pb2.TextValues,
    }[kind]
    return values_pb2.Column(name=name, **{kind: message(values=values)}, **more)


def keys(kind, *ids):
    return [values_pb2.KeyColumn(kind=kind, ids=ids)]


def entity(kind, id):
    return values_pb2.EntityKey(kind=kind, id=id)


def write(name, ids, *columns, kind="session", **more):
    return features_pb2.WriteRequest(
        feature_set=name, keys=keys(kind, *ids), columns=columns, **more)


def read(*names, ids, kind="session"):
    return features_pb2.ReadRequest(
        keys=keys(kind, *ids),
        selections=[features_pb2.FeatureSelection(feature_set=name) for name in names])


def score(scorer, id, kind="session", **more):
    return scoring_pb2.ScoreRequest(scorer=scorer, entities=[entity(kind, id)], **more)


# The shop: one feature set of the inputs of a model that XGBoost made, and one of every type.
SIGNAL_SET = feature_set(
    "signals", ["session"], *(feature(f"signal_{i}", "FLOAT32") for i in range(SIGNALS)))
PROFILE_SET = feature_set(
    "profile", ["session"],
    feature("price", "FLOAT32"), feature("balance", "FLOAT64"), feature("visits", "INT64"),
    feature("member", "BOOL"), feature("city", "STRING"))


def fixture_model():
    """The artefact and its official rows: bytes, inputs (None is missing), predictions, margins."""
    artefact = (FIXTURE / "model.json").read_bytes()
    with open(FIXTURE / "input.csv", newline="", encoding="ascii") as file:
        _, *rows = csv.reader(file)
    inputs = [[float(cell) if cell else None for cell in row] for row in rows]
    with open(FIXTURE / "expected.csv", newline="", encoding="ascii") as file:
        expected = list(csv.DictReader(file))
    return (
        artefact, inputs, [float(row["pred"]) for row in expected],
        [float(row["margin"]) for row in expected])


def golden_row(cells, **expected):
    """A golden row of the artefact's whole row; None is missing."""
    row = [float("nan") if cell is None else cell for cell in cells]
    return models_pb2.GoldenRow(row=row, **expected)


def fixture_golden(count=20):
    """Golden rows of the fixture's model, with the margins that XGBoost gave."""
    _, inputs, _, margins = fixture_model()
    return [
        golden_row(cells, margin=margin, tolerance=1e-5)
        for cells, margin in list(zip(inputs, margins))[:count]
    ]


def model_spec(artefact, name="abandonment", **more):
    """The spec of an artefact that takes the signals; the golden rows are the fixture's."""
    given = {
        "format": models_pb2.XGBOOST_JSON,
        "sha256": hashlib.sha256(artefact).digest(),
        "byte_count": len(artefact),
        "inputs": [
            models_pb2.ModelInput(feature_set="signals@1", feature=f"signal_{i}")
            for i in range(SIGNALS)
        ],
        "golden": fixture_golden(),
        **more,
    }
    return models_pb2.ModelSpec(name=name, **given)


def scorer_spec(name="cart_abandonment", model="abandonment@1", **more):
    return config_pb2.ScorerSpec(name=name, model=model, **more)


def set_up_shop(client):
    """Applies both feature sets, uploads the model and applies its scorer."""
    client.apply(SIGNAL_SET, PROFILE_SET)
    artefact = fixture_model()[0]
    client.upload(model_spec(artefact), artefact)
    client.apply(scorer_spec())


def edited_model(edit):
    """The fixture's artefact after `edit(trees)`."""
    model = json.loads((FIXTURE / "model.json").read_bytes())
    edit(model["learner"]["gradient_booster"]["model"]["trees"])
    return json.dumps(model).encode()


def refusal(call, *arguments, **more):
    """The error of a call that must be refused."""
    with pytest.raises(grpc.RpcError) as caught:
        result = call(*arguments, timeout=20, **more)
        if hasattr(result, "__iter__") and not hasattr(result, "DESCRIPTOR"):
            list(result)
    return caught.value


def assert_refused(error, code, *words):
    """The status is `code`; the message has every word and nothing of what the client sent."""
    assert error.code() == code, f"{error.code()}: {error.details()}"
    for word in words:
        assert word in error.details(), error.details()
    assert CANARY not in error.details(), error.details()
