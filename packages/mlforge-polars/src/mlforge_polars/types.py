"""Polars' types and mlforge's words for them."""

from __future__ import annotations

import polars as pl

from mlforge.model.schema import Column, Schema
from mlforge.plugin.engine.types import cannot_hold
from mlforge_csv.words import WORDS

INSTANT = WORDS["Datetime"]
_WAYS_OUT = {
    "Null": "give it a type: pl.lit(None, dtype=pl.String), or .cast(...)",
    "Struct": "take its fields apart: .unnest(...), or encode it: .struct.json_encode()",
    "Object": "turn its Python objects into numbers or strings",
    "Int128": "cast it to pl.Int64 or pl.Float64",
    "UInt128": "cast it to pl.UInt64 or pl.Float64",
}


def schema_of(schema: pl.Schema) -> Schema:
    """A Polars schema in mlforge's words. Raises `Invalid` for a type that has none."""
    return Schema(tuple(Column(name, word(dtype, name)) for name, dtype in schema.items()))


def word(dtype: pl.DataType, column: str) -> str:
    """The word of mlforge for a type.

    Raises:
        Invalid: There is none; names the column and the way out.
    """
    match dtype:
        case pl.Decimal():
            return f"Decimal({dtype.precision}, {dtype.scale})"
        case pl.List() | pl.Array():
            return f"List({word(_inner(dtype), column)})"
        case pl.Categorical() | pl.Enum():
            return "String"
        case pl.Float16():
            return "Float32"
        case pl.BaseExtension():
            return word(_storage(dtype), column)
        case _:
            return _simple(dtype, column)


def _simple(dtype: pl.DataType, column: str) -> str:
    name = type(dtype).__name__
    if name not in WORDS:
        raise cannot_hold(column, dtype, _WAYS_OUT.get(name))
    return name


def plain(dtype: pl.DataType) -> pl.DataType:
    """The type under which a column is kept: instants in UTC microseconds, categories as strings, arrays as lists."""
    match dtype:
        case pl.Datetime():
            return INSTANT
        case pl.Duration():
            return pl.Duration("us")
        case pl.Categorical() | pl.Enum():
            return pl.String()
        case pl.List() | pl.Array():
            return pl.List(plain(_inner(dtype)))
        case pl.Float16():
            return pl.Float32()
        case pl.BaseExtension():
            return plain(_storage(dtype))
        case _:
            return dtype


def plainly(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column as it is kept, of a type that `plain` gives."""
    column = pl.col(name)
    if isinstance(dtype, pl.BaseExtension):
        return column.ext.storage().cast(plain(dtype))
    if dtype == pl.Time:  # kept by Polars in nanoseconds
        return (column.to_physical() // 1000 * 1000).cast(pl.Time)
    return column if plain(dtype) == dtype else column.cast(plain(dtype))


def _storage(dtype: pl.BaseExtension) -> pl.DataType:
    """The type of the values behind a name that Polars does not know."""
    kept = dtype.ext_storage()
    return kept if isinstance(kept, pl.DataType) else kept()


def _inner(dtype: pl.List | pl.Array) -> pl.DataType:
    return dtype.inner if isinstance(dtype.inner, pl.DataType) else dtype.inner()
