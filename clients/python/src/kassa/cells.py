# SPDX-License-Identifier: Apache-2.0
"""Tables of pandas and Arrow as columns, and their cells as numpy has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from kassa.errors import FrameError

Array: TypeAlias = npt.NDArray[Any]
Mask: TypeAlias = npt.NDArray[np.bool_]
# A pandas.Series or a pyarrow.Array.
Cells: TypeAlias = Any


@dataclass
class Raw:
    """Cells as numpy has them, before they are judged; which of them are missing."""

    kind: Literal["float", "int", "bool", "time", "naive", "text", "object"]
    values: Array
    missing: Mask


def table(data: Any) -> tuple[dict[str, Cells], int]:
    """The columns of a DataFrame (its named index too), a Table, a RecordBatch or a mapping."""
    if isinstance(data, pd.DataFrame):
        if data.index.names != [None]:
            data = data.reset_index()
        names = [str(name) for name in data.columns]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise FrameError(f"columns are there twice: {', '.join(sorted(twice))}")
        return {name: data.iloc[:, place] for place, name in enumerate(names)}, len(data)
    if hasattr(data, "column_names") and hasattr(data, "num_rows"):
        columns = {name: _one_array(data.column(name)) for name in data.column_names}
        return columns, data.num_rows
    if hasattr(data, "schema") and hasattr(data, "num_rows"):
        return {
            name: _one_array(data.column(place)) for place, name in enumerate(data.schema.names)
        }, data.num_rows
    if isinstance(data, Mapping):
        return table(pd.DataFrame({name: _series(values) for name, values in data.items()}))
    raise FrameError(
        f"a {type(data).__name__} is no table: give a DataFrame, a pyarrow Table or a dict of columns")


def _series(values: Any) -> Any:
    """A list as a column of objects, so that pandas guesses nothing: [1, None] stays whole numbers."""
    return pd.Series(values, dtype=object) if isinstance(values, (list, tuple)) else values


def _one_array(column: Any) -> Any:
    return column.combine_chunks() if hasattr(column, "combine_chunks") else column


def _is_arrow(cells: Cells) -> bool:
    return type(cells).__module__.startswith("pyarrow")


# Cells as numpy has them.


def raw_cells(cells: Cells) -> Raw:
    if _is_arrow(cells):
        return _raw_of_arrow(cells)
    series: pd.Series[Any] = cells
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _raw_of_codes(
            raw_cells(pd.Series(dtype.categories)), np.asarray(series.cat.codes, dtype=np.int64))
    if isinstance(dtype, pd.ArrowDtype):
        return _raw_of_arrow(_one_array(series.array.__arrow_array__()))
    missing = np.asarray(series.isna(), dtype=np.bool_)
    if isinstance(dtype, pd.DatetimeTZDtype):
        instants = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return Raw("time", _microseconds(instants.to_numpy(), missing), missing)
    if pd.api.types.is_bool_dtype(dtype):
        return Raw("bool", series.to_numpy(dtype=np.bool_, na_value=False), missing)
    if pd.api.types.is_integer_dtype(dtype):
        wide = np.uint64 if pd.api.types.is_unsigned_integer_dtype(dtype) else np.int64
        return Raw("int", series.to_numpy(dtype=wide, na_value=0), missing)
    if pd.api.types.is_float_dtype(dtype):
        return Raw("float", series.to_numpy(dtype=np.float64, na_value=np.nan), missing)
    if pd.api.types.is_datetime64_dtype(dtype):
        return Raw("naive", np.zeros(len(series), np.int64), missing)
    kind: Literal["text", "object"] = (
        "text" if isinstance(dtype, pd.StringDtype) else "object")
    return Raw(kind, series.to_numpy(dtype=object), missing)


def _raw_of_codes(categories: Raw, codes: Array) -> Raw:
    missing = codes < 0
    if len(categories.values) == 0:
        return Raw("object", np.full(len(codes), None, dtype=object), np.ones(len(codes), np.bool_))
    places = np.where(missing, 0, codes)
    return Raw(categories.kind, categories.values[places], missing | categories.missing[places])


def _raw_of_arrow(array: Any) -> Raw:
    import pyarrow as pa

    kind = array.type
    if pa.types.is_dictionary(kind):
        indices = array.indices
        codes = np.asarray(indices.fill_null(-1).cast(pa.int64()).to_numpy(zero_copy_only=False))
        return _raw_of_codes(_raw_of_arrow(array.dictionary), codes)
    missing = np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if pa.types.is_null(kind):
        return Raw("object", np.full(len(array), None, dtype=object), missing)
    if pa.types.is_boolean(kind):
        return Raw("bool", array.fill_null(False).to_numpy(zero_copy_only=False), missing)
    if pa.types.is_integer(kind):
        wide = pa.uint64() if pa.types.is_unsigned_integer(kind) else pa.int64()
        return Raw("int", array.cast(wide).fill_null(0).to_numpy(zero_copy_only=False), missing)
    if pa.types.is_floating(kind):
        return Raw(
            "float", array.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False), missing)
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            return Raw("naive", np.zeros(len(array), np.int64), missing)
        instants = array.cast(pa.timestamp(kind.unit)).to_numpy(zero_copy_only=False)
        return Raw("time", _microseconds(instants, missing), missing)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return Raw("text", array.to_numpy(zero_copy_only=False), missing)
    return Raw("object", np.array([*array.to_pylist(), None], dtype=object)[:-1], missing)


def _microseconds(instants: Array, missing: Mask) -> Array:
    """datetime64 of any unit as microseconds, cut off towards the past; 0 where missing."""
    return np.where(missing, 0, instants.astype("datetime64[us]").astype(np.int64))
