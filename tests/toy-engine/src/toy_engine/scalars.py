"""Functions of one value in pyarrow; where it has none of the right meaning, value by value in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlforge.model.schema import is_integer
from mlforge.plugin.engine.times import FIRST, LAST
from toy_engine.types import INSTANT, dtype_of

_PARTS = {
    "year": pc.year,
    "quarter": pc.quarter,
    "month": pc.month,
    "day": pc.day,
    "hour": pc.hour,
    "minute": pc.minute,
    "second": pc.second,
}


def cast(array: pa.Array, word: str, to: str) -> pa.Array:
    """Values of one type as those of another; null where that does not hold them."""
    if pa.types.is_boolean(array.type) and to == "String":
        return pc.if_else(array, "true", "false")
    array = array.cast(pa.int8()) if pa.types.is_boolean(array.type) else array
    if pa.types.is_decimal(array.type) and to == "Float64":  # pyarrow's own may be the float beside the nearest
        return pa.array([None if value is None else float(value) for value in array.to_pylist()], pa.float64())
    if (word, to) == ("Date", "Datetime"):
        return array.cast(pa.timestamp("us")).cast(INSTANT)
    if (word, to) == ("Datetime", "Date"):
        return array.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)
    if (word, to) == ("Int64", "Datetime"):
        held = pc.and_(pc.greater_equal(array, FIRST), pc.less_equal(array, LAST))
        return pc.if_else(held, array, pa.scalar(None, pa.int64())).cast(INSTANT)
    if is_integer(to) and word not in ("Datetime", "Duration"):
        return pa.array([_integer(value, to) for value in array.to_pylist()], dtype_of(to))
    return array.cast(dtype_of(to), safe=False)


def _integer(value: float | str | None, to: str) -> int | None:
    """A value without what is behind its point, within the limits of a type."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return None
    limits = np.iinfo(dtype_of(to).to_pandas_dtype())
    return whole if limits.min <= (whole := int(value)) <= limits.max else None


def part_of(array: pa.Array, part: str, zone: str | None) -> pa.Array:
    """A part of instants, as the clocks of a zone show them."""
    local = array.cast(pa.timestamp("us", zone or "UTC"))
    told = pc.day_of_week(local, count_from_zero=False) if part == "weekday" else _PARTS[part](local)
    return told.cast(pa.int64())


def remainder(a: pa.Array, b: pa.Array) -> pa.Array:
    """Of the sign of the first; null where the second is 0."""
    pairs = zip(a.to_pylist(), b.to_pylist(), strict=True)
    made = [None if x is None or not y else abs(x) % abs(y) * (1 if x >= 0 else -1) for x, y in pairs]
    return pa.array(made, pa.int64())


def in_case(letters: Mapping[str, str]) -> Callable[[pa.Array], pa.Array]:
    """Letters in their other case."""
    table = str.maketrans(dict(letters))
    return lambda array: pa.array([t if t is None else t.translate(table) for t in array.to_pylist()], pa.string())


def each(rule: Callable[[str, str], Any]) -> Callable[[pa.Array, pa.Array], pa.Array]:
    """Whether a rule holds for two texts."""
    return lambda a, b: pa.array(
        [None if x is None or y is None else rule(x, y) for x, y in zip(a.to_pylist(), b.to_pylist(), strict=True)],
        pa.bool_(),
    )
