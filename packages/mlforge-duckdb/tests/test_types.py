"""Types of DuckDB and Polars have mlforge's words, or are refused with the column and the way out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.model.keys import Key, surrogate_key
from mlforge.model.schema import Schema
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge_csv import dtype_of
from mlforge_duckdb.engine import LiveDuckDBEngine
from mlforge_duckdb.exchange import to_polars
from mlforge_duckdb.types import sql_of, word

WORDS = [
    *("Boolean", "Int8", "UInt64", "Float32", "String", "Binary", "Date", "Datetime", "Time", "Duration"),
    *("Decimal(10, 2)", "List(Int64)", "List(List(Datetime))"),
]


@pytest.mark.parametrize("text", WORDS)
def test_every_word_has_a_type_and_back(engine: LiveDuckDBEngine, text) -> None:
    assert word(duckdb.sqltype(sql_of(text)), "x") == text
    assert engine.schema(pl.DataFrame({"x": []}, schema={"x": dtype_of(text)})).dtype("x") == text


@pytest.mark.parametrize(
    ("sql", "way_out"),
    [
        ("NULL", "give it a type"),
        ("{'a': 1}", "s.field"),
        ("1::HUGEINT", "BIGINT"),
        ("[NULL]", "give it a type"),
        ("MAP {1: 2}", "cast it"),
    ],
)
def test_a_type_without_a_word_is_refused_with_the_column_and_the_way_out(engine, sql, way_out) -> None:
    def exotic(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.project(f"k, {sql} AS payload")

    with pytest.raises(Invalid, match=f"'payload'.*{way_out}"):
        engine.conform(engine.apply(exotic, pl.DataFrame({"k": [1]})), Shape((Key("k"),)))


@pytest.mark.parametrize(
    "values", [pl.Series([2**70], dtype=pl.Int128), pl.Series([object()], dtype=pl.Object)], ids=["Int128", "Object"]
)
def test_a_polars_type_that_duckdb_does_not_read_is_named(engine: LiveDuckDBEngine, values) -> None:
    with pytest.raises(Invalid, match="'payload'"):
        engine.conform(pl.DataFrame({"k": [1], "payload": values}), Shape((Key("k"),)))


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(Invalid, match="int64"):
        sql_of("int64")


NANOS = "[make_timestamp_ns(-1), NULL, make_timestamp_ns(1500)]"


@pytest.mark.parametrize("sql", ["TIMESTAMP_NS", "TIMESTAMPTZ_NS"])
def test_nanoseconds_are_cut_off_wherever_they_stand(engine: LiveDuckDBEngine, sql) -> None:
    def fine(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.project(f"k, CAST(make_timestamp_ns(-1) AS {sql}) AS t, CAST({NANOS} AS {sql}[]) AS l")

    made = engine.apply(fine, pl.DataFrame({"k": [1]}))
    before, after = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=n) for n in (-1, 1))
    assert engine.schema(made) == Schema.of(k="Int64", t="Datetime", l="List(Datetime)")
    for timestamp in (None, Timestamp("t")):
        rows = to_polars(engine.conform(made, Shape((Key("k"),), timestamp)).frame)
        assert rows.select("t", "l").rows() == [(before, [before, None, after])]
    span = Span(-1, 0)
    assert engine.extent(engine.within(made, Timestamp("t"), span), Timestamp("t")).rows == 1
    (key,) = to_polars(engine.with_surrogates(made, [Key("s", ("t",))]))["s"]
    assert key == surrogate_key(before)


@pytest.mark.parametrize("sql", ["TIMESTAMP_NS", "TIMESTAMPTZ_NS"])
def test_a_label_time_may_be_in_nanoseconds(engine: LiveDuckDBEngine, sql) -> None:
    def fine(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.project(f"k, CAST(make_timestamp_ns(1500) AS {sql}) AS t")

    spine = engine.apply(fine, pl.DataFrame({"k": [1]}))
    assert engine.asof(spine, Timestamp("t"), []).columns == ["k", "t"]


def test_an_infinity_of_nanoseconds_is_refused_as_every_other_is(engine: LiveDuckDBEngine) -> None:
    def endless(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.project("k, CAST('infinity' AS TIMESTAMP_NS) AS t")

    with pytest.raises(Invalid, match="infinity in row 0 is out of range"):
        engine.conform(engine.apply(endless, pl.DataFrame({"k": [1]})), Shape((Key("k"),)))


@pytest.mark.parametrize("late", ["DATE '20000-01-01'", "TIMESTAMP '290000-01-01'", "DATE '0044-03-15 (BC)'"])
def test_a_time_that_python_has_not_is_refused_where_rows_become_its_objects(engine, late):
    def come_late(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.project(f"{late} AS late")

    rows = engine.apply(come_late, pl.DataFrame({"x": [1]}))
    with pytest.raises(Invalid, match="Python objects") as refused:
        list(engine.rows(rows))
    assert "year 9999" in refused.value.hint
