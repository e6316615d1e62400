# SPDX-License-Identifier: Apache-2.0
"""The client: one channel to one server.

    with kassa.connect("127.0.0.1:6750") as client:
        client.write("cart", frame, keys={"session": "session_id"}, time="at")
        print(client.score("cart_abandonment", {"session": "s-81"}).score)

A client may be shared between threads. Every call has a deadline (`timeout`, for all attempts
together) and is tried again as `Retry` says.
"""

from __future__ import annotations

import datetime
import getpass
import os
import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import grpc
import pandas as pd

from kassa import cells, loading, pushing, reading, scoring
from kassa.bundle import Bundle, Output, bundle
from kassa.calibration import Isotonic, Platt
from kassa.channel import Channel, Retry
from kassa.errors import RowsError
from kassa.generations import Generations
from kassa.guards import GuardPolicy
from kassa.inputs import Categories
from kassa.outcomes import Outcomes
from kassa.results import LoadResult, PushedModel, Score, WriteResult
from kassa.rollouts import Rollouts
from kassa.rows import Missing, ready
from kassa.schema import Change, FeatureSet, Plan, Scorer, microseconds
from kassa.v1 import config_pb2, features_pb2, models_pb2, values_pb2

DEFAULT_SERVER = "127.0.0.1:6750"
Durability = Literal["fast", "durable"]
Instant = datetime.datetime | int
Slot = Literal["shadow", "canary"]


class Client(Generations, Rollouts, Outcomes):
    """The services of one server."""

    def __init__(
        self, address: str | None = None, *, timeout: float = 10.0, retry: Retry | None = None,
        credentials: grpc.ChannelCredentials | None = None, channel: grpc.Channel | None = None,
        actor: str | None = None,
    ) -> None:
        """Connects when first used; without an address to $KASSA_SERVER, else to the default.

        `actor` stands in the audit log behind every change; by default the user's name.
        """
        self.address = address or os.environ.get("KASSA_SERVER") or DEFAULT_SERVER
        self.actor = actor if actor is not None else _user()
        self.channel = Channel(self.address, timeout, retry or Retry(), credentials, channel)
        # By pinned name: a version never changes what is read here of it.
        self._sets: dict[str, FeatureSet] = {}

    def close(self) -> None:
        """Closes the channel, unless it was given."""
        self.channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.address!r})"

    # Configuration.

    def apply(
        self, *resources: FeatureSet | Scorer, reason: str = "", dry_run: bool = False,
        expected_epoch: int | None = None, timeout: float | None = None,
    ) -> Plan:
        """Applies feature sets and scorers, all or nothing; `dry_run` plans only."""
        documents = [
            config_pb2.Document(feature_set=resource.to_proto())
            if isinstance(resource, FeatureSet)
            else config_pb2.Document(scorer=resource.to_proto())
            for resource in resources]
        response = self.channel.call(
            "Config/Apply",
            config_pb2.ApplyRequest(
                documents=documents, expected_epoch=expected_epoch, dry_run=dry_run,
                actor=self.actor, reason=reason),
            config_pb2.ApplyResponse, timeout=timeout, repeatable=expected_epoch is None)
        return Plan(
            tuple(
                Change(config_pb2.PlanAction.Name(entry.action).lower(), entry.kind, entry.name,
                       tuple(entry.details), tuple(entry.warnings))
                for entry in response.plan),
            response.epoch)

    def feature_set(self, name: str) -> FeatureSet:
        """The feature set "cart@3", or the newest version of "cart"."""
        if name in self._sets:
            return self._sets[name]
        response = self.channel.call(
            "Config/Get", config_pb2.GetRequest(kind="feature_set", name=name),
            config_pb2.GetResponse)
        found = FeatureSet.from_proto(response.document.feature_set)
        self._sets[found.pinned] = found
        return found

    def scorer(self, name: str) -> Scorer:
        """The scorer of that name."""
        response = self.channel.call(
            "Config/Get", config_pb2.GetRequest(kind="scorer", name=name), config_pb2.GetResponse)
        return Scorer.from_proto(response.document.scorer)

    def feature_sets(self) -> list[FeatureSet]:
        """All feature sets, every version, by name."""
        response = self.channel.call(
            "Config/List", config_pb2.ListRequest(kind="feature_set"), config_pb2.ListResponse)
        return [FeatureSet.from_proto(document.feature_set) for document in response.documents]

    def models(self) -> list[str]:
        """All models, "abandonment@1"."""
        response = self.channel.call(
            "Models/List", models_pb2.ListModelsRequest(), models_pb2.ListModelsResponse)
        return [f"{model.spec.name}@{model.spec.version}" for model in response.models]

    # Rows in.

    def write(
        self, feature_set: str, frame: Any, *, keys: Mapping[str, str] | None = None,
        time: str | Instant | None = None, features: Sequence[str] | Mapping[str, str] | None = None,
        missing: Missing = "absent", durability: Durability = "fast",
        write_id: str | None = None, on_refused: Literal["raise", "return"] = "raise",
        timeout: float | None = None,
    ) -> WriteResult:
        """Writes the rows of a DataFrame, a pyarrow Table or a dict of columns, and waits for them.

        `keys` names the column of each entity kind ({"session": "session_id"}), by default that of
        the kind's name. `time` is the column of the event times, one instant for all, or None for
        the server's clock. `features` chooses columns; without it every other column must be a
        feature. What is missing in a cell says nothing about its feature, or is a null with
        missing="null".

        Nothing is sent if a row does not fit (RowsError). Rows that the server refuses raise
        RowsError, too, unless on_refused="return"; the others are written. A frame of more than
        10,000 rows is several requests; each has a name made of `write_id`, so that a retry is
        answered as the first time.
        """
        spec = self.feature_set(feature_set)
        table, count = cells.table(frame)
        plan = loading.plan_columns(
            spec, list(table), keys, features, time if isinstance(time, str) else None)
        rows = ready(table, count, plan.features, plan.keys, plan.time)
        if rows.problems:
            raise RowsError(f"{len(rows.problems):,} of {count:,} rows do not fit; nothing was written",
                            rows.problems)
        fixed = _instant(time) if time is not None and not isinstance(time, str) else None
        name = write_id if write_id is not None else uuid.uuid4().hex
        level = features_pb2.DURABLE if durability == "durable" else features_pb2.FAST
        requests = list(loading.requests(spec, rows, missing, fixed))
        result = loading.Tally(spec.pinned)
        for number, (request, places) in enumerate(requests):
            request.durability = level
            request.write_id = name if len(requests) == 1 else f"{name}/{number}"
            response = self.channel.call(
                "Features/Write", request, features_pb2.WriteResponse, timeout=timeout)
            result.add(response, places)
        if result.refused and on_refused == "raise":
            raise RowsError(
                f"the server refused {len(result.refused):,} of {count:,} rows; the others are written",
                result.refused)
        return result.write_result()

    def load(
        self, feature_set: str, source: Any, *, keys: Mapping[str, str] | None = None,
        time: str | Instant | None = None, features: Sequence[str] | Mapping[str, str] | None = None,
        missing: Missing = "absent", rejects_max: int | None = 0, generation: bool = False,
        switch: bool = False, in_flight: int = 8, reason: str = "load from Python",
        timeout: float = 3_600.0,
    ) -> LoadResult:
        """Loads many rows, several requests in flight: a DataFrame, a pyarrow Table,
        RecordBatchReader or record batches, or the path of an Arrow IPC, Feather or Parquet file,
        which is read batch by batch.

        A row that does not fit is rejected by itself; more than `rejects_max` (None: any number)
        end the load with a LoadError. Rows without event times have the time of the load. At the
        end rows read = applied + ignored + rejected, and all is durable, or the load has failed.

        With `generation` the rows make a new generation beside the live rows, whose gates are
        asked; with `switch`, too, it serves if they pass, and GenerationRefusedError is raised if
        not.
        """
        return loading.load(
            self, self.feature_set(feature_set), source, keys=keys,
            time_column=time if isinstance(time, str) else None,
            fixed_time=_instant(time) if time is not None and not isinstance(time, str) else None,
            features=features, missing=missing, rejects_max=rejects_max,
            generation=generation or switch, switch=switch, in_flight=in_flight, reason=reason,
            timeout=timeout)

    # Rows out.

    def read(
        self, feature_sets: str | Sequence[str], entities: Any, *,
        keys: Mapping[str, str] | None = None, features: Sequence[str] | None = None,
        as_of: Instant | None = None, statuses: bool = False, ages: bool = False,
        timeout: float | None = None,
    ) -> pd.DataFrame:
        """Features of entities as a DataFrame, a row for each, the keys first.

        `entities` is a table with a column for each entity kind, {"session": ["s-81", "s-82"]}. Of
        one feature set the columns have the features' names, of several "cart@3.items". A value is
        there where a model would be given it, defaults and policies included; `statuses` adds
        columns "items.status" and `ages` "items.age_ms". All from one batch's snapshot; `as_of`
        asks for the past.
        """
        return reading.read(
            self, feature_sets, entities, keys=keys, features=features,
            as_of=None if as_of is None else _instant(as_of), statuses=statuses, ages=ages,
            timeout=timeout)

    def training_rows(
        self, labels: pd.DataFrame, feature_sets: str | Sequence[str], *, time: str,
        keys: Mapping[str, str] | None = None, features: Sequence[str] | None = None,
        statuses: bool = False, timeout: float | None = None,
    ) -> pd.DataFrame:
        """Joins to each label row the features as they were at its time, policies and defaults
        included.

        Nothing in a row is from after its time. The label columns come first and unchanged, with
        their index; the features are named as by `read`. The feature sets must declare a history
        that goes back so far.
        """
        return reading.training_rows(
            self, labels, feature_sets, time=time, keys=keys, features=features,
            statuses=statuses, timeout=timeout)

    def erase(self, kind: str, id: str, *, reason: str) -> features_pb2.EraseResponse:
        """Erases all rows that an entity takes part in; the answer is the receipt."""
        return self.channel.call(
            "Features/Erase",
            features_pb2.EraseRequest(
                entity=values_pb2.EntityKey(kind=kind, id=id), actor=self.actor, reason=reason),
            features_pb2.EraseResponse)

    # Scores.

    def score(
        self, scorer: str, entities: Mapping[str, str | int], *,
        context: Mapping[str, object] | None = None, features: bool = False,
        contributions: int | bool = False, record: bool = False, routing_key: str = "",
        timeout: float | None = None,
    ) -> Score:
        """The score of one row: `entities` has an id for each entity kind, {"session": "s-81"}.

        `context` overrides stored values, by feature or "set.feature"; None is a null. `features`
        asks for what the model saw, `contributions` for what each input added to the margin (a
        number: only so many). With `record` the score is kept for `record_outcomes`, by its
        `score_id`. `routing_key` stays in one slot during a rollout, in the place of the entity.
        """
        return scoring.score(
            self.channel, scorer, entities, context or {}, features, contributions, record,
            routing_key, timeout)

    def score_frame(
        self, scorer: str, frame: Any, *, keys: Mapping[str, str] | None = None,
        context: Sequence[str] | Mapping[str, str] = (), shared: Mapping[str, str | int] | None = None,
        contributions: int | bool = False, record: bool = False,
        on_refused: Literal["raise", "return"] = "raise", timeout: float | None = None,
    ) -> pd.DataFrame:
        """Scores every row of a table, up to 1,000 a request; the answer has its index.

        `keys` says which columns are ids, {"session": "session_id"}, by default those of the kinds'
        names. `context` columns override stored values; a missing cell overrides nothing. `shared`
        are entities of all rows, {"customer": "c-7"}. `record` keeps the scores for
        `record_outcomes`, by the ids in the column "score_id". With on_refused="return" a row that was
        refused has no score, and says why in the column "refusal".
        """
        return scoring.score_frame(
            self, scorer, frame, keys, context, shared or {}, contributions, record, on_refused,
            timeout)

    # Models.

    def bundle(
        self, model: object, *, feature_set: str | FeatureSet | Sequence[str | FeatureSet],
        training_frame: pd.DataFrame, name: str | None = None, version: int = 0,
        features: Sequence[str] | Mapping[str, str] | None = None,
        categories: Mapping[str, Categories] | None = None,
        calibration: Platt | Isotonic | None = None, output: Output | None = None,
        golden_rows: int = 64, owner: str = "", description: str = "",
        labels: Mapping[str, str] | None = None, training_run_id: str = "",
    ) -> Bundle:
        """The bundle that `push` would upload, to look at or to write to a folder."""
        several = [feature_set] if isinstance(feature_set, (str, FeatureSet)) else feature_set
        sets = [self.feature_set(one) if isinstance(one, str) else one for one in several]
        return bundle(
            model, sets, training_frame, name=name, version=version, features=features,
            categories=categories, calibration=calibration, output=output,
            golden_rows=golden_rows, owner=owner, description=description, labels=labels,
            training_run_id=training_run_id)

    def upload(
        self, bundle: Bundle, *, scorer: str | None = None, rollout: Slot | None = None,
        weight_percent: float | None = None, step_percents: Sequence[float] = (),
        guard: GuardPolicy | None = None, reason: str = "", timeout: float = 120.0,
    ) -> PushedModel:
        """Uploads a bundle; `scorer` names a new scorer, which serves the model at once, or with
        `rollout` one that serves another model; see `push`.
        """
        return pushing.upload(
            self, bundle, scorer,
            pushing.Entrance.of(scorer, rollout, weight_percent, step_percents, guard), reason,
            timeout)

    def push(
        self, model: object, *, feature_set: str | Sequence[str], training_frame: pd.DataFrame,
        name: str | None = None, version: int = 0,
        features: Sequence[str] | Mapping[str, str] | None = None,
        categories: Mapping[str, Categories] | None = None,
        calibration: Platt | Isotonic | None = None, output: Output | None = None,
        scorer: str | None = None, rollout: Slot | None = None,
        weight_percent: float | None = None, step_percents: Sequence[float] = (),
        guard: GuardPolicy | None = None, golden_rows: int = 64, owner: str = "",
        description: str = "", labels: Mapping[str, str] | None = None, training_run_id: str = "",
        reason: str = "", timeout: float = 120.0,
    ) -> PushedModel:
        """Pushes a trained object of XGBoost, LightGBM or scikit-learn, which the server verifies.

        `training_frame` has the columns that the model was trained on; others are ignored. Each is
        a feature of `feature_set` (one or several, "cart" or pinned "cart@3"): by its name, by
        "cart.items", or as `features` maps it. A model that was trained without names takes
        `features` in the order of training. Codes of categories are taken from the model, from a
        categorical column, from the feature's declared categories, or from `categories`: those of
        a column, in the order of the codes 0, 1, 2, ..., or {"desktop": 10, "mobile": 20}.

        `name` is the model's, by default that of the (first) feature set; version 0 is the next
        one. With `scorer`, the name of a new one, the model serves at once. A scorer that serves
        another model takes it with `rollout`: "shadow" beside STABLE, where it answers nobody, or
        "canary" for `weight_percent` of entities, with `step_percents` that `Rollout.promote` goes
        through, and a `guard` that takes it out if it is worse than tolerated. Up to `golden_rows`
        rows of the frame, from all over the scores, are sent with the trainer's own answers, and
        the server refuses the model unless it answers the same. With output="class" the score is
        the number of the likeliest class, in the model's order.
        """
        return self.upload(
            self.bundle(
                model, feature_set=feature_set, training_frame=training_frame, name=name,
                version=version, features=features, categories=categories, calibration=calibration,
                output=output, golden_rows=golden_rows, owner=owner, description=description,
                labels=labels, training_run_id=training_run_id),
            scorer=scorer, rollout=rollout, weight_percent=weight_percent,
            step_percents=step_percents, guard=guard, reason=reason, timeout=timeout)


def connect(
    address: str | None = None, *, timeout: float = 10.0, retry: Retry | None = None,
    credentials: grpc.ChannelCredentials | None = None, actor: str | None = None,
) -> Client:
    """A client of the server at `address`; see `Client`."""
    return Client(address, timeout=timeout, retry=retry, credentials=credentials, actor=actor)


def _instant(when: Instant) -> int:
    return microseconds(when) if isinstance(when, datetime.datetime) else int(when)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
