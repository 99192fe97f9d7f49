"""Rows as the contract wants them: keys made, times in UTC, nulls counted, duplicates refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.model.keys import Key, surrogate_key
from mlforge.model.schema import KEY_TYPES
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Conformed
from mlforge.plugin.engine.columns import no_column
from mlforge.testing.reference.expressions import rank
from mlforge.testing.reference.naming import refuse_controls, refuse_names
from mlforge.testing.reference.table import Row, Table
from mlforge.testing.reference.times import micros, read_times


def with_surrogates(table: Table, keys: Sequence[Key]) -> Table:
    """The table with the surrogate keys it lacks and has all the sources of."""
    for key in missing_keys(table, keys):
        for source in key.sources:
            need_key_type(table, source)
        made = [surrogate_key(*(row[s] for s in key.sources)) for row in table.rows]
        table = table.with_column(key.name, "String", made)
    return table


def missing_keys(table: Table, keys: Sequence[Key]) -> list[Key]:
    """The keys that the table lacks and can make."""
    return [k for k in keys if k.name not in table.schema and k.sources and set(k.sources) <= set(table.names)]


def conform(table: Table, shape: Shape) -> Conformed:
    """The rows with keys and stamp first, the stamp in UTC; every row and column is kept."""
    keyed = with_surrogates(table, shape.keys)
    for name in shape.key_names:
        need_key_type(keyed, name)
    timed = keyed if shape.timestamp is None else stamped(keyed, shape.timestamp)
    rest = [n for n in timed.names if n not in shape.identity]
    refuse_names(timed.names, "The result")
    refuse_controls(timed.names, "The result")
    frame = timed.select([*shape.identity, *rest])
    stamps = [micros(row[shape.stamp]) for row in frame.rows] if shape.stamp else []
    nulls = sum(has_null_key(row, shape.key_names) for row in frame.rows)
    return Conformed(frame, len(frame.rows), nulls, min(stamps, default=None), max(stamps, default=None))


def stamped(table: Table, timestamp: Timestamp) -> Table:
    """The table with its timestamp as instants, under its new name."""
    need_column(table, timestamp.column)
    dtype = table.schema.dtype(timestamp.column)
    times = read_times(table.column(timestamp.column), dtype, timestamp, local=timestamp.column in table.local)
    if timestamp.name != timestamp.column and timestamp.name in table.schema:
        raise Invalid(
            f"{timestamp.column!r} cannot become {timestamp.name!r}: there is one.", hint="Choose another alias."
        )
    if nulls := times.count(None):
        raise Invalid(
            f"The timestamp {timestamp.column!r} is null in {nulls} rows.", hint="Fill or drop these rows first."
        )
    rest = table if timestamp.name == timestamp.column else table.without([timestamp.column])
    return rest.with_column(timestamp.name, "Datetime", times)


def need_column(table: Table, name: str) -> None:
    """Raise `Invalid` for a column that is not there."""
    if name not in table.schema:
        raise no_column(name, table.names, "The frame")


def need_key_type(table: Table, name: str) -> None:
    """Raise `Invalid` for a key that is not there or of a type that cannot be one."""
    need_column(table, name)
    if (dtype := table.schema.dtype(name)) not in KEY_TYPES:
        hint = f"A key is one of {', '.join(KEY_TYPES)}."
        raise Invalid(f"Column {name!r} is {dtype}, which cannot be a key.", hint=hint)


def has_null_key(row: Row, keys: Sequence[str]) -> bool:
    """Whether any part of a row's key is null."""
    return any(row[k] is None for k in keys)


def without_null_keys(table: Table, shape: Shape) -> Table:
    """The rows that can be told apart."""
    return table.where(lambda row: not has_null_key(row, shape.key_names))


def key_of(row: Row, names: Sequence[str]) -> tuple[Any, ...]:
    """A row's values under some names."""
    return tuple(row[n] for n in names)


def sort_key(row: Row, names: Sequence[str]) -> tuple[Any, ...]:
    """Ascending, strings by code point."""
    return key_of(row, names)


def by_key(table: Table, names: Sequence[str]) -> dict[tuple[Any, ...], Table]:
    """The rows of each key, in their order."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in table.rows:
        groups.setdefault(key_of(row, names), []).append(row)
    return {key: Table(table.schema, rows) for key, rows in groups.items()}


def settle(table: Table, shape: Shape) -> Table:
    """The rows of a feature without windows: unique and sorted, without what keys are made of."""
    groups = by_key(without_null_keys(table, shape), shape.identity)
    if shape.tie_break is None:
        refuse_duplicates(groups, shape)
    else:
        need_column(table, shape.tie_break)
    rows = [winner(g.rows, shape.tie_break) for g in groups.values()]
    settled = Table(table.schema, sorted(rows, key=lambda row: sort_key(row, shape.identity)))
    return settled.without(spent_sources(shape))


def spent_sources(shape: Shape) -> set[str]:
    """The columns that a key stands for."""
    return {source for key in shape.keys for source in key.sources} - set(shape.identity)


def refuse_duplicates(groups: dict[tuple[Any, ...], Table], shape: Shape) -> None:
    """Raise `Invalid` with how many rows share their keys and stamp with another, and three examples."""
    repeated = {key: g for key, g in groups.items() if len(g.rows) > 1}
    if repeated:
        raise Invalid(
            f"{sum(len(g.rows) for g in repeated.values())} rows share their {' and '.join(shape.identity)} with "
            f"another, such as {', '.join(map(repr, list(repeated)[:3]))}.",
            hint='Keep one a key, or say which wins: tie_break="column".',
        )


def winner(rows: Sequence[Row], tie_break: str | None) -> Row:
    """The row with the greatest value, or of equal ones the greatest in the other columns from left to right."""
    return rows[0] if tie_break is None else max(rows, key=lambda row: strength(row, tie_break))


def strength(row: Row, tie_break: str) -> list[Any]:
    """What a row wins by: the values of its columns, that of the tie-break first."""
    return [standing(row[tie_break]), *(standing(value) for value in row.values())]


def standing(value: Any) -> tuple[bool, Any]:
    """A value among others: a null stands below all, NaN above all numbers, lists as their elements do."""
    if isinstance(value, list):
        return (True, [standing(element) for element in value])
    return (False, 0) if value is None else (True, rank(value))
