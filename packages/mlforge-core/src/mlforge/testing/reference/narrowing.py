"""Fewer rows: those in a span of time, those found elsewhere, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence

from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Extent
from mlforge.testing.reference.shaping import key_of, need_column
from mlforge.testing.reference.table import Table
from mlforge.testing.reference.times import instant, micros, read_times


def within(table: Table, timestamp: Timestamp, span: Span) -> Table:
    """The rows whose time lies in the span, and those without a time."""
    times = _times(table, timestamp)
    pairs = zip(table.rows, times, strict=True)
    return Table(table.schema, [row for row, at in pairs if at is None or span.has(at)], table.local)


def timed(table: Table, timestamp: Timestamp) -> Table:
    """The table with its timestamp as instants, in their place."""
    times = [None if at is None else instant(at) for at in _times(table, timestamp)]
    return table.with_column(timestamp.column, "Datetime", times)


def matching(table: Table, others: Sequence[Table], columns: Sequence[str], *, absent: bool) -> Table:
    """The rows whose values are found in another table, or in none."""
    found = {key_of(row, columns) for other in others for row in other.rows}
    found = {key for key in found if None not in key}
    return table.where(lambda row: (key_of(row, columns) in found) is not absent)


def extent(table: Table, timestamp: Timestamp | None) -> Extent:
    """How many rows there are, and their first and last time."""
    times = [at for at in _times(table, timestamp) if at is not None] if timestamp else []
    return Extent(len(table.rows), min(times, default=None), max(times, default=None))


def _times(table: Table, timestamp: Timestamp) -> list[int | None]:
    need_column(table, timestamp.column)
    dtype = table.schema.dtype(timestamp.column)
    found = read_times(table.column(timestamp.column), dtype, timestamp, local=timestamp.column in table.local)
    return [None if at is None else micros(at) for at in found]
