# SPDX-License-Identifier: Apache-2.0
"""Columns of answers as columns of pandas.

The dtypes depend on the feature alone, never on the values: float32 and float64 with NaN for what
is missing (a stored NaN does not exist), Int64, boolean, string, datetime64[us, UTC], and a
categorical with the declared order for a string feature that declares its categories.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from kassa.schema import Feature
from kassa.v1 import features_pb2, values_pb2

Series: TypeAlias = "pd.Series[Any]"

STATUSES = [name for name in values_pb2.Status.keys() if name != "STATUS_UNSPECIFIED"]
_PRESENT = values_pb2.PRESENT
_DEFAULTED = values_pb2.DEFAULTED
_STALE = values_pb2.STALE


def given(feature: Feature, statuses: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Where a model would be given the value; a stale one only where the feature's policy says so."""
    mask: npt.NDArray[np.bool_] = (statuses == _PRESENT) | (statuses == _DEFAULTED)
    if feature.on_stale not in ("missing", "fail"):
        mask |= statuses == _STALE
    return mask


def values(column: features_pb2.ReadColumn, feature: Feature) -> Series:
    """The values as a model would be given them; NA or NaN elsewhere."""
    statuses = np.frombuffer(column.statuses, dtype=np.uint8)
    missing = ~given(feature, statuses)
    case = column.WhichOneof("values")
    match feature.type:
        case "float32" | "float64":
            array = unpacked(getattr(column, case), feature.type) if case else np.zeros(0)
            floats = array.astype(np.float32 if feature.type == "float32" else np.float64)
            floats[missing] = np.nan
            return pd.Series(floats)
        case "int64":
            integers = np.array(column.integers.values, dtype=np.int64)
            return pd.Series(pd.arrays.IntegerArray(integers, missing))
        case "bool":
            return pd.Series(
                pd.arrays.BooleanArray(np.array(column.flags.values, dtype=np.bool_), missing))
        case "timestamp":
            stamps = np.array(column.integers.values, dtype=np.int64).astype("datetime64[us]")
            stamps[missing] = np.datetime64("NaT")
            return pd.Series(stamps).dt.tz_localize("UTC")
        case "string":
            texts = np.array([*column.texts.values, None], dtype=object)[:-1]
            texts[missing] = None
            if feature.categories:
                return pd.Series(pd.Categorical(texts, categories=list(feature.categories)))
            return pd.Series(texts, dtype="string")
        case "vector":
            flat = np.array(column.vectors.values, dtype=np.float32).reshape(
                len(statuses), feature.dimension)
            return _objects([None if gone else row for row, gone in zip(flat, missing)])
        case "strings":
            return _objects([
                None if gone else list(row.values)
                for row, gone in zip(column.lists.values, missing)])


def _objects(items: list[Any]) -> Series:
    array = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        array[place] = item
    return pd.Series(array)


def unpacked(message: Any, kind: str) -> npt.NDArray[Any]:
    """The packed floats of a message's field 1, without a Python object for each."""
    payload = message.SerializeToString()
    if not payload:
        return np.zeros(0, np.float32)
    start = 1
    while payload[start] & 0x80:
        start += 1
    return np.frombuffer(payload, dtype="<f4" if kind == "float32" else "<f8", offset=start + 1)


def statuses(column: features_pb2.ReadColumn) -> Series:
    """The statuses by name."""
    codes = np.frombuffer(column.statuses, dtype=np.uint8).astype(np.int8) - 1
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(STATUSES)))


def ages(column: features_pb2.ReadColumn) -> Series:
    """The ages in milliseconds; NA where nothing is stored."""
    found = np.array(column.ages_ms, dtype=np.int64)
    return pd.Series(pd.arrays.IntegerArray(np.maximum(found, 0), found < 0))
