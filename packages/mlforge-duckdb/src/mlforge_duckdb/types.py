"""DuckDB's types and mlforge's words for them."""

from __future__ import annotations

from typing import Any

import duckdb

from mlforge.model.schema import Column, Schema
from mlforge.plugin.engine.times import LAST
from mlforge.plugin.engine.types import cannot_hold, translated

Type = Any
"""DuckDB's own description of a column's type: `id`, `children` and a text."""

_SQL = {
    "Boolean": "BOOLEAN",
    "Int8": "TINYINT",
    "Int16": "SMALLINT",
    "Int32": "INTEGER",
    "Int64": "BIGINT",
    "UInt8": "UTINYINT",
    "UInt16": "USMALLINT",
    "UInt32": "UINTEGER",
    "UInt64": "UBIGINT",
    "Float32": "FLOAT",
    "Float64": "DOUBLE",
    "String": "VARCHAR",
    "Binary": "BLOB",
    "Date": "DATE",
    "Datetime": "TIMESTAMPTZ",
    "Time": "TIME",
    "Duration": "INTERVAL",
}
_WORDS = {
    **{sql.lower(): word for word, sql in _SQL.items()},
    "enum": "String",
    "time_ns": "Time",
    "json": "String",
    "uuid": "Binary",
    "timestamp": "Datetime",
    "timestamp_s": "Datetime",
    "timestamp_ms": "Datetime",
    "timestamp_ns": "Datetime",
    "timestamp with time zone": "Datetime",
    "timestamptz_ns": "Datetime",
}
_NANOS = ("timestamp_ns", "timestamptz_ns")
_NEVER = LAST + 1
_WAYS_OUT = {
    "null": "give it a type: NULL::VARCHAR, or CAST(... AS ...)",
    "struct": "take its fields apart: s.field",
    "hugeint": "cast it to BIGINT or DOUBLE",
    "uhugeint": "cast it to UBIGINT or DOUBLE",
}


def quoted(name: str) -> str:
    """A column's or table's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string in SQL."""
    return "'" + value.replace("'", "''") + "'"


def types_of(relation: duckdb.DuckDBPyRelation) -> dict[str, Type]:
    """The columns and their types, in order."""
    return dict(zip(relation.columns, relation.types, strict=True))


def schema_of(types: dict[str, Type]) -> Schema:
    """Columns in mlforge's words. Raises `Invalid` for a type that has none."""
    return Schema(tuple(Column(name, word(dtype, name)) for name, dtype in types.items()))


def word(dtype: Type, column: str) -> str:
    """The word of mlforge for a type.

    Raises:
        Invalid: There is none; names the column and the way out.
    """
    match dtype.id:
        case "decimal":
            precision, scale = (value for _, value in dtype.children)
            return f"Decimal({precision}, {scale})"
        case "list" | "array":
            return f"List({word(dtype.children[0][1], column)})"
        case found if found in _WORDS:
            return _WORDS[found]
        case other:
            raise cannot_hold(column, dtype, _WAYS_OUT.get(other))


def is_null(dtype: Type) -> bool:
    """Whether a column has no type: nothing but nulls."""
    return bool(dtype.id == "null")


def sql_of(word: str) -> str:
    """DuckDB's name for one of mlforge's words. Raises `Invalid` for a word that is none."""
    return translated(word, _SQL, "DECIMAL({}, {})".format, "{}[]".format)


def plainly(name: str, dtype: Type) -> str:
    """A column as it is kept: instants in UTC microseconds, categories as strings, arrays as lists."""
    kept = sql_of(word(dtype, name))
    column = quoted(name)
    if holds_nanos(dtype):
        return _cut(column, dtype)
    if str(dtype) == kept or dtype.id == "timestamp with time zone":
        return column
    if kept == _SQL["Datetime"]:  # a cast asks the calendar of the connection's zone: only where there are no micros
        made = f"make_timestamptz({micros(column, dtype)})"
        return f"CASE WHEN isinf({column}) THEN CAST({column} AS {kept}) ELSE {made} END"
    if dtype.id == "time_ns":  # a cast would round
        return f"(TIME '00:00:00' + to_microseconds(epoch_us({column})))"
    if dtype.id == "uuid":
        return bytes_of(column)
    return f"CAST({column} AS {kept})"


def holds_nanos(dtype: Type) -> bool:
    """Whether a type is that of instants in nanoseconds, or of lists of them."""
    return dtype.id in _NANOS or (dtype.id in ("list", "array") and holds_nanos(dtype.children[0][1]))


def _cut(column: str, dtype: Type) -> str:
    """Instants in nanoseconds, or lists of them, in microseconds: a cast would round."""
    if dtype.id in _NANOS:
        return f"make_timestamptz({micros(column, dtype)})"
    return f"list_transform(CAST({column} AS {dtype.children[0][1]}[]), lambda x: {_cut('x', dtype.children[0][1])})"


def in_micros(column: str, dtype: Type) -> str:
    """A column, with durations, and those in lists, as their microseconds."""
    return _each(column, dtype, "epoch_us")


def of_micros(column: str, dtype: Type) -> str:
    """A column of some type whose durations were made their microseconds, as it was."""
    return _each(column, dtype, "to_microseconds")


def has_durations(dtype: Type) -> bool:
    """Whether a type is that of durations, or of lists of them, however deep."""
    return bool(dtype.id == "interval" or (dtype.id in ("list", "array") and has_durations(dtype.children[0][1])))


def _each(column: str, dtype: Type, function: str) -> str:
    if not has_durations(dtype):
        return column
    if dtype.id == "interval":
        return f"{function}({column})"
    return f"list_transform({column}, lambda d: {_each('d', dtype.children[0][1], function)})"


def is_a_length(column: str, dtype: Type) -> str:
    """Whether durations are lengths of time, in SQL: months, which an `INTERVAL` may have, are none."""
    if dtype.id != "interval":
        return f"len(list_filter({column}, lambda d: NOT ({is_a_length('d', dtype.children[0][1])}))) = 0"
    return f"datepart('year', {column}) = 0 AND datepart('month', {column}) = 0"


def bytes_of(uuid: str) -> str:
    """The 16 bytes of a UUID, as Arrow keeps it."""
    return f"unhex(replace(CAST({uuid} AS VARCHAR), '-', ''))"


def micros(column: str, dtype: Type) -> str:
    """An instant or a date as microseconds since the Unix epoch, whatever the connection's time zone."""
    if dtype.id in _NANOS:  # an infinity has no number there, and is none of the times that there are
        return f"coalesce({floored(f'epoch_ns({column})', 1000)}, CASE WHEN {column} IS NOT NULL THEN {_NEVER} END)"
    return f"epoch_us({column})"


def floored(number: str, by: int) -> str:
    """A division of integers that rounds down, as DuckDB's own does not below zero."""
    return f"(({number}) // {by} - CAST(({number}) % {by} < 0 AS BIGINT))"
