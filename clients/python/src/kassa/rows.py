# SPDX-License-Identifier: Apache-2.0
"""Rows ready to be written, and their columns as the API has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from kassa.cells import Array, Cells, Mask
from kassa.columns import Values, convert, event_times, ids
from kassa.errors import FrameError, RowProblem
from kassa.schema import Feature
from kassa.v1 import values_pb2

Missing: TypeAlias = Literal["absent", "null"]


def wire_column(
    feature: Feature, values: Array, missing: Mask, write_missing: Missing
) -> values_pb2.Column:
    """A column of the API; `missing` is written as "nothing said" or as a null."""
    message = values_pb2.Column(name=feature.name)
    match feature.type:
        case "float32":
            message.floats.MergeFromString(_packed(values.astype("<f4", copy=False)))
        case "float64":
            message.doubles.MergeFromString(_packed(values.astype("<f8", copy=False)))
        case "int64" | "timestamp":
            message.integers.values.extend(values.tolist())
        case "bool":
            message.flags.MergeFromString(_packed(values.astype(np.uint8, copy=False)))
        case "string":
            message.texts.values.extend(values.tolist())
        case "vector":
            message.vectors.dimension = feature.dimension
            message.vectors.values.extend(values.ravel().tolist())
        case "strings":
            message.lists.values.extend(values_pb2.StringList(values=row) for row in values)
    if not message.WhichOneof("values"):
        # An empty packed field sets nothing, so the case is said by hand.
        getattr(message, _CASES[feature.type]).SetInParent()
    if missing.any():
        bitmap = np.packbits(missing, bitorder="little").tobytes()
        if write_missing == "null":
            message.nulls = bitmap
        else:
            message.absent = bitmap
    return message


_CASES = {
    "float32": "floats", "float64": "doubles", "int64": "integers", "timestamp": "integers",
    "bool": "flags", "string": "texts", "vector": "vectors", "strings": "lists",
}


def _packed(values: Array) -> bytes:
    """The bytes of a message whose field 1 is these values, packed."""
    payload = values.tobytes()
    length, prefix = len(payload), bytearray(b"\x0a")
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + payload


@dataclass
class Rows:
    """Rows ready to be written: keys by kind, times, features; those that do not fit are left out."""

    keys: dict[str, Array]
    times: Array | None
    features: list[tuple[Feature, Values]]
    # The number in what was given of each row that fits.
    places: Array
    problems: list[RowProblem]

    def __len__(self) -> int:
        return len(self.places)


def ready(
    columns: Mapping[str, Cells], count: int, features: Sequence[tuple[Feature, str]],
    keys: Sequence[tuple[str, str]], time: str | None,
) -> Rows:
    """Turns columns into rows; `features` and `keys` say which column is which."""
    problems: dict[int, RowProblem] = {}

    def note(found: Values, name: str) -> Values:
        for row, reason in found.problems.items():
            problems.setdefault(row, RowProblem(row, name, reason))
        return found

    found_keys = {}
    for kind, name in keys:
        try:
            found_keys[kind] = note(ids(columns[name]), name)
        except FrameError as error:
            raise FrameError(f"column {name}: {error}", field=name) from None
    times = note(event_times(columns[time], time), time) if time is not None else None
    found_features = []
    for feature, name in features:
        try:
            found_features.append((feature, note(convert(columns[name], feature), name)))
        except FrameError as error:
            raise FrameError(f"column {name}: {error}", field=name) from None
    places = np.arange(count)
    if problems:
        places = np.delete(places, sorted(problems))
    return Rows(
        {kind: found.values[places] for kind, found in found_keys.items()},
        None if times is None else times.values[places],
        [(feature, Values(found.values[places], found.missing[places]))
         for feature, found in found_features],
        places, [problems[row] for row in sorted(problems)])
