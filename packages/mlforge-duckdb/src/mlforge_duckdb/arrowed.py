"""Columns of a Parquet file whose type only Arrow's own schema tells: what DuckDB takes for bare numbers and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import duckdb
import polars as pl

from mlforge.errors import Invalid
from mlforge.plugin import Scan
from mlforge.plugin.engine.sources import is_one_file, too_wide
from mlforge.plugin.engine.times import FIRST, LAST, out_of_range
from mlforge_csv import any_zone, storage
from mlforge_duckdb.edge import BROKEN
from mlforge_duckdb.session import asked
from mlforge_duckdb.types import Type, quoted

_ENDS = (2**63 - 1, -(2**63) + 1)
_MICROS = {"us": "{}", "ns": "{0} // 1000"}


class Column(NamedTuple):
    """A column as SQL reads it, and its type then."""

    sql: str
    type: Type


def retold(scan: Scan, uri: str, found: Mapping[str, Type], rows: duckdb.DuckDBPyRelation) -> dict[str, Column]:
    """The columns of a file that are to be read as another type than DuckDB finds.

    Raises:
        Invalid: A decimal of more digits than any engine has.
    """
    read = _opened(scan, uri)
    arrow = _arrow(read)
    columns = {}
    for name, dtype in found.items():
        micros = dict(_MICROS)
        if _within(arrow.get(name)) == pl.Duration("ms") and _inmost(dtype).id == "bigint":
            micros["ms"] = f"{{0}} * {_milliseconds(name, arrow.get(name), read, rows) * 1000}"
        if told := _column(quoted(name), dtype, arrow.get(name), micros):
            columns[name] = told
        if isinstance(t := arrow.get(name), pl.Decimal) and t.precision > 38:
            raise too_wide(scan, uri, name, t)
    return columns


def beyond(scan: Scan) -> Invalid | None:
    """The error for the first time of Parquet files that microseconds cannot tell, and DuckDB shows to nobody."""
    before = 0
    for uri in scan.uris:
        read = _opened(scan, uri)
        names = [n for n, dtype in _arrow(read).items() if isinstance(dtype, pl.Datetime) and dtype.time_unit == "ms"]
        number = {n: pl.col(n).to_physical() for n in names}
        bad = {n: ~v.is_between(FIRST // 1000, LAST // 1000) for n, v in number.items()}
        for name in names:
            rows = read.with_row_index("\0row").select(row="\0row", number=number[name], bad=bad[name])
            found = rows.filter("bad").head(1).collect().rows()
            for row, value, _ in found:
                return out_of_range(name, before + row, "infinity" if value in _ENDS else f"{value} ms after 1970")
        before += read.select(pl.len()).collect().item()
    return None


def _opened(scan: Scan, uri: str) -> pl.LazyFrame:
    whole = "://" not in uri and not is_one_file(uri)
    return pl.scan_parquet(uri, **storage(scan.options), glob=whole, hive_partitioning=False)


def _arrow(read: pl.LazyFrame) -> Mapping[str, pl.DataType]:
    """What Arrow's schema says, as Polars understands it; nothing where it does not."""
    try:
        with any_zone():
            return read.collect_schema()
    except (*BROKEN, OSError):
        return {}


def _milliseconds(name: str, arrow: object, read: pl.LazyFrame, rows: duckdb.DuckDBPyRelation) -> int:
    """How many of them a unit of a column has: Polars reads a second as a thousand of them."""
    numbers, inside = pl.col(name).to_physical(), arrow
    while isinstance(inside, pl.List | pl.Array):
        numbers, inside = numbers.explode(), inside.inner
    with any_zone():
        most = read.select(numbers.abs().max()).collect().item()
    each = f"SELECT unnest([{quoted(name)}], recursive := true) AS bare FROM frame"
    (bare,) = asked(rows, f"SELECT max(abs(bare)) FROM ({each})").fetchall()[0]
    return most // bare if bare else 1


def _within(arrow: object) -> object:
    """What the lists of a type are of, at last; a type that is none as it is."""
    return _within(arrow.inner) if isinstance(arrow, pl.List | pl.Array) else arrow


def _inmost(found: Type) -> Type:
    return _inmost(found.children[0][1]) if found.id in ("list", "array") else found


def _column(name: str, found: Type, arrow: object, micros: Mapping[str, str]) -> Column | None:
    match arrow:
        case pl.List() | pl.Array() if found.id in ("list", "array"):
            inner = _column("x", found.children[0][1], arrow.inner, micros)
            return inner and Column(f"list_transform({name}, lambda x: {inner.sql})", duckdb.sqltype(f"{inner.type}[]"))
        case pl.Duration() if found.id == "bigint" and arrow.time_unit in micros:
            return Column(f"to_microseconds({micros[arrow.time_unit].format(name)})", duckdb.sqltype("INTERVAL"))
        case pl.Datetime() if found.id == "date":
            return Column(f"CAST({name} AS TIMESTAMP)", duckdb.sqltype("TIMESTAMP"))
        case pl.Int128() if found.id == "blob":
            return Column(f"({_low(name)} + {_high(name)} * {2**64})", duckdb.sqltype("HUGEINT"))
        case pl.UInt128() if found.id == "blob":
            unsigned = f"CAST({_half(name, 0)} AS UHUGEINT) + CAST({_half(name, 16)} AS UHUGEINT) * {2**64}"
            return Column(f"({unsigned})", duckdb.sqltype("UHUGEINT"))
        case _ if found.id == "time with time zone":
            return Column(f"CAST({name} AS TIME)", duckdb.sqltype("TIME"))
        case _:
            return None


def _low(name: str) -> str:
    return f"CAST({_half(name, 0)} AS HUGEINT)"


def _high(name: str) -> str:
    half = _half(name, 16)
    return f"CASE WHEN {half} >= {2**63} THEN CAST({half} AS HUGEINT) - {2**64} ELSE CAST({half} AS HUGEINT) END"


def _half(name: str, start: int) -> str:
    """Eight bytes, the least first, as an unsigned integer."""
    places = range(start + 15, start, -2)
    return f"CAST('0x' || {' || '.join(f'substr(hex({name}), {place}, 2)' for place in places)} AS UBIGINT)"
