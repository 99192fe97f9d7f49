"""What a timestamp column means: instants in UTC microseconds. Text is parsed by Python, each text once."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from mlforge.model.span import EPOCH
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.parsing import instant_of
from mlforge.plugin.engine.times import (
    FIRST,
    FIRST_DAY,
    LAST,
    LAST_DAY,
    Formatted,
    Iso,
    detected,
    no_time,
    out_of_range,
)
from mlforge.plugin.engine.zones import clock, has_own_zone, nonexistent
from toy_engine.types import INSTANT, plainly


def instants(column: pa.ChunkedArray, timestamp: Timestamp) -> pa.Array:
    """The instants a column means, null where it is null.

    Raises:
        Invalid: Text that is no time, with the first bad value and its row, or a column of another type.
    """
    if timestamp.timezone is None:
        return _as_utc(column, timestamp)
    if pa.types.is_timestamp(column.type) and column.type.tz:
        raise has_own_zone(timestamp)
    return _in_zone(_as_utc(column, timestamp), timestamp)


def _in_zone(local: pa.Array, timestamp: Timestamp) -> pa.Array:
    """The instants at which clocks in the timestamp's zone show what is given as if it were UTC."""
    shown = [None if t is None else (t - EPOCH) // timedelta(microseconds=1) for t in local.to_pylist()]
    given = [micros for micros in shown if micros is not None]
    table = clock(str(timestamp.timezone), min(given, default=0), max(given, default=0))
    skipped = [(row, micros) for row, micros in enumerate(shown) if micros is not None and not table.shows(micros)]
    if skipped and timestamp.nonexistent == "raise":
        raise nonexistent(timestamp, len(skipped), *skipped[0])
    made = [None if micros is None else table.instant(micros) for micros in shown]
    for row, micros in enumerate(made):
        if micros is not None and not FIRST <= micros <= LAST:
            raise out_of_range(timestamp.column, row, str(local[row]))
    return pa.array(made, pa.int64()).cast(INSTANT)


def _as_utc(column: pa.ChunkedArray, timestamp: Timestamp) -> pa.Array:
    array, name = plainly(column), timestamp.column
    if pa.types.is_timestamp(array.type):
        return array
    if pa.types.is_date(array.type):
        return array.cast(pa.timestamp("us")).cast(INSTANT)
    if pa.types.is_string(array.type):
        return _read(array, timestamp)
    if pa.types.is_null(column.type):
        return pa.nulls(len(array), INSTANT)
    number = f'pc.cast(table["{name}"], pa.timestamp("s"))' if pa.types.is_integer(array.type) else None
    raise no_time(name, column.type, number)


def in_range(name: str, column: pa.ChunkedArray) -> None:
    """Raise `Invalid` for a time or a date outside the years 1 to 9999."""
    if pa.types.is_date32(column.type):
        numbers, bounds = column.cast(pa.int32()), (FIRST_DAY, LAST_DAY)
    elif pa.types.is_timestamp(column.type) and column.type.unit != "ns":
        per = {"s": 10**6, "ms": 1000, "us": 1}[column.type.unit]
        numbers, bounds = column.cast(pa.int64()), (FIRST // per, LAST // per)
    else:
        return
    beyond = pc.or_(pc.less(numbers, bounds[0]), pc.greater(numbers, bounds[1]))
    if pc.any(beyond).as_py():
        row = pc.index(beyond, True).as_py()
        raise out_of_range(name, row, str(numbers[row]))


def _read(text: pa.Array, timestamp: Timestamp) -> pa.Array:
    coded = pc.dictionary_encode(text)
    if not len(coded.dictionary):
        return pa.nulls(len(text), INSTANT)
    row = pc.index(pc.is_valid(text), True).as_py()
    form = Formatted(timestamp.format) if timestamp.format else detected(timestamp.column, row, str(text[row]))
    if timestamp.timezone and isinstance(form, Iso) and form.has_zone:
        raise has_own_zone(timestamp)
    made = [instant_of(t, form) for t in coded.dictionary.to_pylist()]
    if None in made:
        bad = coded.dictionary[made.index(None)]
        row = pc.index(text, bad).as_py()
        raise form.misread(timestamp.column, row, str(bad))
    return pa.array(made, INSTANT).take(coded.indices)
