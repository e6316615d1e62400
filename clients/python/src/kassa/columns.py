# SPDX-License-Identifier: Apache-2.0
"""Columns of pandas and Arrow into columns of the API, without a value changing silently.

What is missing (None, NaN of a pandas column, NaT, pd.NA, a null of Arrow) says nothing about its
feature, unless the caller wants it written as a null. A NaN that Arrow tells apart from its nulls
is a NaN, and so are infinities: the feature's own `nan` policy decides about them on the server. A
value that its type cannot hold is a problem of its row: an int64 beyond 2^63, a fraction for an
int64, a whole number that float32 or float64 would round, a float beyond float32's range. Floats
are rounded to the nearest float32. An instant needs a time zone; finer than a microsecond is cut
off.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from kassa.errors import FrameError, KassaError, RowProblem, RowsError
from kassa.schema import Feature, microseconds
from kassa.v1 import values_pb2

Array: TypeAlias = npt.NDArray[Any]
Mask: TypeAlias = npt.NDArray[np.bool_]
# A pandas.Series or a pyarrow.Array.
Cells: TypeAlias = Any
Missing: TypeAlias = Literal["absent", "null"]

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)
# All whole numbers up to here are exact.
FLOAT32_WHOLE_MAX = 2**24
FLOAT64_WHOLE_MAX = 2**53
_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass
class Values:
    """n values of one type with placeholders, which of them are missing, and what does not fit."""

    values: Array
    missing: Mask
    problems: dict[int, str] = field(default_factory=dict)


@dataclass
class _Raw:
    """Cells as numpy has them, before they are judged."""

    kind: Literal["float", "int", "bool", "time", "naive", "text", "object"]
    values: Array
    missing: Mask


# What is given as a table.


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


def _raw(cells: Cells) -> _Raw:
    if _is_arrow(cells):
        return _raw_of_arrow(cells)
    series: pd.Series[Any] = cells
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _raw_of_codes(
            _raw(pd.Series(dtype.categories)), np.asarray(series.cat.codes, dtype=np.int64))
    if isinstance(dtype, pd.ArrowDtype):
        return _raw_of_arrow(_one_array(series.array.__arrow_array__()))
    missing = np.asarray(series.isna(), dtype=np.bool_)
    if isinstance(dtype, pd.DatetimeTZDtype):
        instants = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return _Raw("time", _microseconds(instants.to_numpy(), missing), missing)
    if pd.api.types.is_bool_dtype(dtype):
        return _Raw("bool", series.to_numpy(dtype=np.bool_, na_value=False), missing)
    if pd.api.types.is_integer_dtype(dtype):
        wide = np.uint64 if pd.api.types.is_unsigned_integer_dtype(dtype) else np.int64
        return _Raw("int", series.to_numpy(dtype=wide, na_value=0), missing)
    if pd.api.types.is_float_dtype(dtype):
        return _Raw("float", series.to_numpy(dtype=np.float64, na_value=np.nan), missing)
    if pd.api.types.is_datetime64_dtype(dtype):
        return _Raw("naive", np.zeros(len(series), np.int64), missing)
    kind: Literal["text", "object"] = (
        "text" if isinstance(dtype, pd.StringDtype) else "object")
    return _Raw(kind, series.to_numpy(dtype=object), missing)


def _raw_of_codes(categories: _Raw, codes: Array) -> _Raw:
    missing = codes < 0
    if len(categories.values) == 0:
        return _Raw("object", np.full(len(codes), None, dtype=object), np.ones(len(codes), np.bool_))
    places = np.where(missing, 0, codes)
    return _Raw(categories.kind, categories.values[places], missing | categories.missing[places])


def _raw_of_arrow(array: Any) -> _Raw:
    import pyarrow as pa

    kind = array.type
    if pa.types.is_dictionary(kind):
        indices = array.indices
        codes = np.asarray(indices.fill_null(-1).cast(pa.int64()).to_numpy(zero_copy_only=False))
        return _raw_of_codes(_raw_of_arrow(array.dictionary), codes)
    missing = np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if pa.types.is_null(kind):
        return _Raw("object", np.full(len(array), None, dtype=object), missing)
    if pa.types.is_boolean(kind):
        return _Raw("bool", array.fill_null(False).to_numpy(zero_copy_only=False), missing)
    if pa.types.is_integer(kind):
        wide = pa.uint64() if pa.types.is_unsigned_integer(kind) else pa.int64()
        return _Raw("int", array.cast(wide).fill_null(0).to_numpy(zero_copy_only=False), missing)
    if pa.types.is_floating(kind):
        return _Raw(
            "float", array.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False), missing)
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            return _Raw("naive", np.zeros(len(array), np.int64), missing)
        instants = array.cast(pa.timestamp(kind.unit)).to_numpy(zero_copy_only=False)
        return _Raw("time", _microseconds(instants, missing), missing)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _Raw("text", array.to_numpy(zero_copy_only=False), missing)
    return _Raw("object", np.array([*array.to_pylist(), None], dtype=object)[:-1], missing)


def _microseconds(instants: Array, missing: Mask) -> Array:
    """datetime64 of any unit as microseconds, cut off towards the past; 0 where missing."""
    return np.where(missing, 0, instants.astype("datetime64[us]").astype(np.int64))


# Judging them by the type of a feature.


def convert(cells: Cells, feature: Feature) -> Values:
    """The cells of a column as values of the feature's type."""
    raw = _raw(cells)
    match feature.type:
        case "float32":
            return _floats(raw, np.float32, FLOAT32_WHOLE_MAX)
        case "float64":
            return _floats(raw, np.float64, FLOAT64_WHOLE_MAX)
        case "int64":
            return _integers(raw)
        case "bool":
            return _flags(raw)
        case "string":
            return _each(raw, _text, "")
        case "timestamp":
            return instants(raw)
        case "vector":
            dimension = feature.dimension
            found = _each(raw, lambda cell: _vector(cell, dimension), None)
            flat = np.zeros((len(found.values), dimension), np.float32)
            for row, vector in enumerate(found.values):
                if vector is not None:
                    flat[row] = vector
            return Values(flat, found.missing, found.problems)
        case "strings":
            return _each(raw, _strings, ())


class _Unfit(Exception):
    """A cell that is no value of the type; the reason is for a person."""


def _each(raw: _Raw, convert_cell: Callable[[Any], Any], placeholder: Any) -> Values:
    """Cell by cell; what is not there becomes the placeholder."""
    if raw.kind == "naive":
        raise FrameError(_NAIVE)
    values = np.empty(len(raw.values), dtype=object)
    problems: dict[int, str] = {}
    for row, (cell, is_missing) in enumerate(zip(raw.values.tolist(), raw.missing.tolist())):
        values[row] = placeholder
        if not is_missing:
            try:
                values[row] = convert_cell(cell)
            except _Unfit as reason:
                problems[row] = str(reason)
    return Values(values, raw.missing, problems)


def _text(cell: Any) -> str:
    if not isinstance(cell, str):
        raise _Unfit(f"is a {type(cell).__name__}, not a string")
    return cell


def _vector(cell: Any, dimension: int) -> npt.NDArray[np.float32]:
    try:
        wide = np.asarray([np.nan if part is None else part for part in cell], dtype=np.float64)
    except (TypeError, ValueError):
        raise _Unfit(f"is no list of {dimension} numbers") from None
    if wide.shape != (dimension,):
        raise _Unfit(f"has {len(wide)} components, and the feature {dimension}")
    if (np.isfinite(wide) & (np.abs(wide) > _FLOAT32_MAX)).any():
        raise _Unfit("has a component beyond float32")
    return wide.astype(np.float32)


def _strings(cell: Any) -> tuple[str, ...]:
    if isinstance(cell, str) or not isinstance(cell, Iterable):
        raise _Unfit("is no list of strings")
    items = tuple(cell)
    if not all(isinstance(item, str) for item in items):
        raise _Unfit("has an element that is no string")
    return items


def _number(cell: Any) -> Any:
    """A number as Python has it; a whole number stays whole."""
    if hasattr(cell, "item") and getattr(cell, "ndim", None) == 0:
        cell = cell.item()
    if isinstance(cell, decimal.Decimal):
        return int(cell) if cell == cell.to_integral_value() else float(cell)
    if not isinstance(cell, (int, float)):
        raise _Unfit(f"is a {type(cell).__name__}, not a number")
    return cell


def _floats(raw: _Raw, dtype: type[np.float32] | type[np.float64], whole_max: int) -> Values:
    if raw.kind in ("naive", "time"):
        raise FrameError("instants are no numbers: the feature's type would be timestamp")
    def exact(number: int) -> bool:
        return abs(number) <= whole_max or (
            abs(number) <= _FLOAT32_MAX and int(dtype(number)) == number)

    if raw.kind in ("text", "object"):
        def convert_cell(cell: Any) -> float:
            number = _number(cell)
            if isinstance(number, int) and not exact(number):
                raise _Unfit(f"would be rounded to a {dtype.__name__}")
            return float(number)

        found = _each(raw, convert_cell, 0.0)
        wide, problems = found.values.astype(np.float64), found.problems
    else:
        wide, problems = raw.values.astype(np.float64), {}
        if raw.kind == "int":
            beyond = raw.values > whole_max
            if raw.values.dtype == np.int64:
                beyond |= raw.values < -whole_max
            for row in np.flatnonzero(beyond & ~raw.missing):
                if not exact(int(raw.values[row])):
                    problems[int(row)] = f"would be rounded to a {dtype.__name__}"
    wide = np.where(raw.missing, 0.0, wide)
    if dtype is np.float32:
        with np.errstate(over="ignore"):
            narrow = wide.astype(np.float32)
        for row in np.flatnonzero(np.isfinite(wide) & ~np.isfinite(narrow)):
            problems[int(row)] = "is beyond float32"
        return Values(narrow, raw.missing, problems)
    return Values(wide, raw.missing, problems)


def _integers(raw: _Raw) -> Values:
    if raw.kind in ("naive", "time"):
        raise FrameError("instants are no whole numbers: the feature's type would be timestamp")
    if raw.kind == "bool":
        return Values(raw.values.astype(np.int64), raw.missing)
    if raw.kind == "int" and raw.values.dtype == np.int64:
        return Values(raw.values, raw.missing)
    if raw.kind == "int":
        beyond = raw.values > INT64_MAX
        return Values(
            np.where(beyond, 0, raw.values).astype(np.int64), raw.missing,
            {int(row): "is beyond int64" for row in np.flatnonzero(beyond & ~raw.missing)})
    if raw.kind == "float":
        values = np.where(raw.missing, 0.0, raw.values)
        problems: dict[int, str] = {}
        with np.errstate(invalid="ignore"):
            fractions = ~np.isfinite(values) | (values != np.floor(values))
        beyond = ~fractions & (np.abs(values) > FLOAT64_WHOLE_MAX)
        for row in np.flatnonzero(fractions):
            problems[int(row)] = "is no whole number"
        for row in np.flatnonzero(beyond):
            problems[int(row)] = (
                "is a float beyond 2^53, which may have lost digits: use the dtype Int64")
        return Values(np.where(fractions | beyond, 0, values).astype(np.int64), raw.missing, problems)
    found = _each(raw, _integer, 0)
    return Values(found.values.astype(np.int64), found.missing, found.problems)


def _integer(cell: Any) -> int:
    number = _number(cell)
    if isinstance(number, float):
        if number != number or number in (float("inf"), float("-inf")) or number != int(number):
            raise _Unfit("is no whole number")
        if abs(number) > FLOAT64_WHOLE_MAX:
            raise _Unfit("is a float beyond 2^53, which may have lost digits")
    if not INT64_MIN <= int(number) <= INT64_MAX:
        raise _Unfit("is beyond int64")
    return int(number)


def _flags(raw: _Raw) -> Values:
    if raw.kind == "bool":
        return Values(raw.values.astype(np.bool_), raw.missing)

    def convert_cell(cell: Any) -> bool:
        number = _number(cell)
        if number not in (0, 1):
            raise _Unfit("is neither true nor false")
        return bool(number)

    found = _each(raw, convert_cell, False)
    return Values(found.values.astype(np.bool_), found.missing, found.problems)


_NAIVE = (
    "the datetimes have no time zone: which instants are they? "
    'Say it: column.dt.tz_localize("UTC"), or Europe/Berlin')


def instants(raw: _Raw) -> Values:
    """Instants as microseconds since the Unix epoch; whole numbers are such already."""
    if raw.kind == "naive":
        raise FrameError(_NAIVE)
    if raw.kind in ("time", "int"):
        return _integers(_Raw("int", raw.values, raw.missing))
    if raw.kind != "object":
        raise FrameError(
            "there are no instants: give datetimes with a time zone, or whole microseconds")

    def convert_cell(cell: Any) -> int:
        if isinstance(cell, datetime.datetime):
            try:
                return microseconds(cell)
            except KassaError:
                raise _Unfit("has no time zone") from None
        if isinstance(cell, bool) or not isinstance(cell, (int, np.integer)):
            raise _Unfit(f"is a {type(cell).__name__}, not an instant")
        return _integer(cell)

    found = _each(raw, convert_cell, 0)
    return Values(found.values.astype(np.int64), found.missing, found.problems)


def event_times(cells: Cells, name: str) -> Values:
    """The event times of rows; each must be there."""
    try:
        found = instants(_raw(cells))
    except FrameError as error:
        raise FrameError(f"column {name}: {error}", field=name) from None
    for row in np.flatnonzero(found.missing):
        found.problems[int(row)] = "there is no event time"
    return found


def ids(cells: Cells) -> Values:
    """Ids of entities: strings, or whole numbers in decimal; each must be there."""
    raw = _raw(cells)
    if raw.kind in ("float", "bool", "time", "naive"):
        kind = "instant" if raw.kind in ("time", "naive") else raw.kind
        raise FrameError(
            f"ids must be strings or whole numbers, not {kind}s"
            + (": a missing value makes pandas turn whole numbers into floats; use Int64"
               if raw.kind == "float" else ""))
    if raw.kind == "int":
        values = np.array([*map(str, raw.values.tolist()), None], dtype=object)[:-1]
        found = Values(values, raw.missing)
    else:
        def convert_cell(cell: Any) -> str:
            if isinstance(cell, str):
                return cell
            if isinstance(cell, (int, np.integer)) and not isinstance(cell, bool):
                return str(cell)
            raise _Unfit(f"is a {type(cell).__name__}, and an id is a string or a whole number")

        found = _each(raw, convert_cell, "")
    for row in np.flatnonzero(found.missing):
        found.problems[int(row)] = "there is no id"
    return found


def checked_ids(cells: Cells, name: str) -> Array:
    """The ids in the column of that name, all of which must fit."""
    try:
        found = ids(cells)
    except FrameError as error:
        raise FrameError(f"column {name}: {error}", field=name) from None
    if found.problems:
        raise RowsError("ids are missing or do not fit", [
            RowProblem(row, name, why) for row, why in sorted(found.problems.items())])
    return found.values


# Onto the wire.


def column(feature: Feature, values: Array, missing: Mask, write_missing: Missing) -> values_pb2.Column:
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


def rows(
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
