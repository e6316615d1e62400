# SPDX-License-Identifier: Apache-2.0
"""Cells of pandas and Arrow as values of the features' types, without one changing silently.

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
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kassa.cells import Array, Cells, Mask, Raw, raw_cells
from kassa.errors import FrameError, KassaError, RowProblem, RowsError
from kassa.schema import Feature, microseconds

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


def convert(cells: Cells, feature: Feature) -> Values:
    """The cells of a column as values of the feature's type."""
    raw = raw_cells(cells)
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


def _each(raw: Raw, convert_cell: Callable[[Any], Any], placeholder: Any) -> Values:
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


def _floats(raw: Raw, dtype: type[np.float32] | type[np.float64], whole_max: int) -> Values:
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


def _integers(raw: Raw) -> Values:
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


def _flags(raw: Raw) -> Values:
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


def instants(raw: Raw) -> Values:
    """Instants as microseconds since the Unix epoch; whole numbers are such already."""
    if raw.kind == "naive":
        raise FrameError(_NAIVE)
    if raw.kind in ("time", "int"):
        return _integers(Raw("int", raw.values, raw.missing))
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
        found = instants(raw_cells(cells))
    except FrameError as error:
        raise FrameError(f"column {name}: {error}", field=name) from None
    for row in np.flatnonzero(found.missing):
        found.problems[int(row)] = "there is no event time"
    return found


def ids(cells: Cells) -> Values:
    """Ids of entities: strings, or whole numbers in decimal; each must be there."""
    raw = raw_cells(cells)
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
