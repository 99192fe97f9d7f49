"""Frames between DuckDB and Polars, over Arrow's C interface: pyarrow is not needed."""

from __future__ import annotations

import sys

import duckdb
import polars as pl

from mlforge.errors import Invalid
from mlforge.plugin import ArrowStream
from mlforge.plugin.engine.columns import refuse_names
from mlforge_duckdb.session import Session
from mlforge_duckdb.types import Type, bytes_of, has_durations, in_micros, is_null, quoted, types_of

_WIDE = {"hugeint": pl.Int128(), "uhugeint": pl.UInt128()}


class Stream:
    """A Polars frame as nothing but an Arrow stream, which DuckDB then reads without pyarrow."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def from_polars(frame: pl.DataFrame, session: Session) -> duckdb.DuckDBPyRelation:
    """A Polars frame as a relation; its columns stay where they are.

    Raises:
        Invalid: Columns that cannot be told apart, or of a type DuckDB does not know.
    """
    refuse_names(frame.columns, "The frame", "Rename it in the function.")
    typed = {n: t for n, t in frame.schema.items() if t != pl.Null}
    for name, dtype in typed.items():
        _refuse_exotic(name, dtype)
    frame = frame.with_columns(pl.col(n).ext.storage() for n, t in typed.items() if isinstance(t, pl.BaseExtension))
    found = frame.schema  # made anew each time it is asked for
    typed = {n: found[n] for n in typed}
    rows = frame.select(_exported(n, t) for n, t in typed.items())
    _refuse_lost_times(frame, rows)
    carrier = session.fresh("carrier")
    if not typed:
        rows = pl.select(pl.repeat(0, frame.height, dtype=pl.Int8).alias(carrier))
    columns = [quoted(n) if n in typed else f"NULL AS {quoted(n)}" for n in frame.columns]
    name = session.register(Stream(rows))
    return session.connection.sql(f"SELECT {', '.join(columns)} FROM {name}")


def to_polars(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """The rows of a relation in memory; instants are in UTC, durations in microseconds."""
    types = types_of(relation)
    stream = ArrowStream(relation.project(", ".join(_imported(n, t) for n, t in types.items())))
    rows = pl.DataFrame(stream)  # Polars keeps the class of what it is given: one of DuckDB's would outlive DuckDB
    found = rows.schema
    return rows.with_columns(*(expr for n, t in types.items() for expr in _restored(n, found[n], t)))


def forget_relations() -> None:
    """Let go of DuckDB's class where a function gave Polars a relation.

    Polars remembers the class of whatever it was given, in a cache of its own. One of DuckDB's would outlive DuckDB,
    which then says on stderr, when Python ends, that it leaked.
    """
    remembered = getattr(sys.modules.get("polars._dependencies"), "_might_be", None)
    forget = getattr(remembered, "cache_clear", None)
    if forget is not None:
        forget()


def _refuse_lost_times(given: pl.DataFrame, made: pl.DataFrame) -> None:
    """Raise `Invalid` for a time of coarser unit that microseconds cannot hold."""
    for name in (n for n, t in given.schema.items() if t == pl.Datetime("ms", getattr(t, "time_zone", None))):
        lost = made[name].is_null() & given[name].is_not_null()
        if lost.any():
            row = lost.arg_true()[0]
            raise Invalid(
                f"Column {name!r}: {given[name].to_physical()[row]} in row {row:,} is out of the range of times.",
                hint="Mend or drop such rows.",
            )


def _refuse_exotic(name: str, dtype: pl.DataType) -> None:
    if isinstance(dtype, pl.Object | pl.Int128 | pl.UInt128):
        raise Invalid(
            f"Column {name!r} is {dtype}, which a feature cannot hold.", hint="Cast it to pl.Int64, pl.Float64 or text."
        )


def _exported(name: str, dtype: pl.DataType) -> pl.Expr:
    kept = _kept(dtype)
    return pl.col(name) if kept == dtype else pl.col(name).cast(kept, strict=not isinstance(dtype, pl.Datetime))


def _kept(dtype: pl.DataType) -> pl.DataType:
    match dtype:
        case pl.Float16():
            return pl.Float32()
        case pl.Datetime():
            return pl.Datetime("us", dtype.time_zone and "UTC")
        case pl.Duration():
            return pl.Duration("us")
        case pl.Categorical() | pl.Enum():
            return pl.String()
        case pl.List() | pl.Array():
            inner = dtype.inner if isinstance(dtype.inner, pl.DataType) else dtype.inner()
            return pl.List(_kept(inner))
        case _:
            return dtype


def _imported(name: str, dtype: Type) -> str:
    column = quoted(name)
    if is_null(dtype):
        return f"NULL::INTEGER AS {column}"
    if has_durations(dtype):
        return f"{in_micros(column, dtype)} AS {column}"
    if dtype.id in _WIDE:
        return f"CAST({column} AS VARCHAR) AS {column}"
    if dtype.id == "uuid":
        return f"{bytes_of(column)} AS {column}"
    return column


def _restored(name: str, found: pl.DataType, dtype: Type) -> list[pl.Expr]:
    """The column as it was meant, where it came as another."""
    if is_null(dtype):
        return [pl.lit(None).alias(name)]
    if has_durations(dtype):
        return [pl.col(name).cast(_durations(dtype))]
    if dtype.id in _WIDE:
        return [pl.col(name).cast(_WIDE[dtype.id])]
    if isinstance(found, pl.Datetime) and found.time_zone not in (None, "UTC"):
        return [pl.col(name).dt.convert_time_zone("UTC")]
    return []


def _durations(dtype: Type) -> pl.DataType:
    return pl.Duration("us") if dtype.id == "interval" else pl.List(_durations(dtype.children[0][1]))
