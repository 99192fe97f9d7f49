"""A relation never leaves DuckDB, whose settings and time zone do not matter."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Artifact, FeatureMeta, Recipe, Target
from mlforge.model.metric import Aggregate, WindowPlan
from mlforge.model.source import ParquetFormat
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join, Scan
from mlforge_duckdb.engine import LiveDuckDBEngine
from mlforge_duckdb.exchange import to_polars

Relation = duckdb.DuckDBPyRelation
START = datetime(2024, 1, 1, tzinfo=UTC)
SHAPE = Shape((Key("k"),), Timestamp("t"))
EVENTS = pl.DataFrame({"k": [2, 1, 1], "t": [START] * 3, "x": [1.5, 2.5, None]})
PLAN = WindowPlan(None, Aggregate("x", "sum", ["1d"]).columns())


def relation(df: Relation) -> Relation:
    return df.filter("x > 2").select("k, t, x")


def queried(df: Relation | None) -> Relation:
    return df.query("df", "SELECT k, t, x FROM df WHERE x > 2")


def named_in_text(df: duckdb.DuckDBPyRelation) -> Relation:
    return df.filter("x > 2")


def to_frame(df: Relation) -> pl.DataFrame:
    return relation(df).pl(lazy=True).collect()


def unannotated(df):
    return df.filter(pl.col("x") > 2)


@pytest.mark.parametrize("function", [relation, queried, named_in_text, to_frame, unannotated])
def test_a_function_that_takes_a_relation_makes_what_one_that_takes_a_frame_makes(engine, function) -> None:
    held = engine.conform(engine.apply(function, EVENTS), SHAPE)
    assert to_polars(held.frame).rows() == [(1, START, 2.5)]


def test_a_function_that_takes_a_relation_gets_one(engine: LiveDuckDBEngine) -> None:
    def watched(df: Relation) -> Relation:
        assert isinstance(df, Relation)
        return df

    assert isinstance(engine.apply(watched, EVENTS), Relation)


def test_a_relation_of_another_connection_is_refused_with_the_way_to_write_it(engine: LiveDuckDBEngine) -> None:
    with duckdb.connect() as other:
        other.execute("CREATE TABLE t AS SELECT 1 AS k")

        def elsewhere(df: Relation) -> Relation:
            return other.table("t")

        with pytest.raises(Invalid, match=r"elsewhere\(\) returned a relation of another connection.*df\.query"):
            engine.apply(elsewhere, EVENTS)


def test_a_relation_that_names_no_column_is_refused_with_those_there_are(engine: LiveDuckDBEngine) -> None:
    def typo(df: Relation) -> Relation:
        return df.select("xx")

    with pytest.raises(Invalid, match=r"typo\(\) raised BinderException.*The source's columns: k, t, x\."):
        engine.apply(typo, EVENTS)


def test_a_relation_with_two_columns_of_one_name_is_refused(engine: LiveDuckDBEngine) -> None:
    def twice(df: Relation) -> Relation:
        return df.select("*, x + 1 AS x")

    with pytest.raises(Invalid, match=r"has two columns 'x'\. Rename one of them in the function"):
        engine.apply(twice, EVENTS)


def test_a_duration_of_a_file_is_cut_off_at_microseconds(engine: LiveDuckDBEngine, tmp_path: Path) -> None:
    fine = pl.Series([-1500, 1500, -1, None]).cast(pl.Duration("ns"))
    pl.DataFrame({"k": [1, 2, 3, 4], "x": fine}).write_parquet(tmp_path / "fine.parquet")
    read = engine.scan(Scan("fine", (str(tmp_path / "fine.parquet"),), ParquetFormat()))
    held = engine.conform(read, Shape((Key("k"),), None)).frame
    assert to_polars(held)["x"].dt.total_microseconds().to_list() == [-1, 1, 0, None]


@pytest.mark.parametrize(
    ("value", "row"),
    [
        ("INTERVAL 2 MONTH", "2 months in row 0"),
        ("INTERVAL 1 YEAR - INTERVAL 10 MONTH + INTERVAL 3 DAY", "2 months 3 days in row 0"),
        ("age(TIMESTAMP '2026-03-01', TIMESTAMP '2024-02-01')", "2 years 1 month in row 0"),
        ("[INTERVAL 1 DAY, NULL, INTERVAL 1 MONTH]", r"\[1 day, NULL, 1 month\] in row 0"),
    ],
)
def test_months_are_no_length_of_time(engine: LiveDuckDBEngine, value: str, row: str) -> None:
    def lasting(df: Relation) -> Relation:
        return df.project(f"k, t, {value} AS x")

    rows = engine.apply(lasting, EVENTS)
    with pytest.raises(Invalid, match=f"Column 'x': {row} is no length of time.*Say it in days"):
        engine.conform(rows, SHAPE)


@pytest.mark.parametrize(
    "value", ["INTERVAL 400 DAY", "TIMESTAMP '2026-03-01' - TIMESTAMP '1024-02-01'", "[INTERVAL 40 DAY]"]
)
def test_days_are_a_length_of_time_however_many(engine: LiveDuckDBEngine, value: str) -> None:
    def lasting(df: Relation) -> Relation:
        return df.project(f"k, t, {value} AS x")

    assert engine.conform(engine.apply(lasting, EVENTS), SHAPE).rows == len(EVENTS)


def test_a_relation_that_fails_when_it_is_computed_keeps_the_cause(engine: LiveDuckDBEngine) -> None:
    def late(df: Relation) -> Relation:
        return df.project("k, t, CAST('x' || k AS BIGINT) AS n")

    with pytest.raises(Invalid, match="ConversionException") as caught:
        engine.conform(engine.apply(late, EVENTS), SHAPE)
    assert isinstance(caught.value.__cause__, duckdb.ConversionException)


def stored(engine: LiveDuckDBEngine, path: Path) -> Artifact:
    rows = engine.aggregate(engine.conform(EVENTS, SHAPE).frame, SHAPE, PLAN)
    written = engine.write(rows, Target("spend", str(path)))
    meta = FeatureMeta(
        name="spend",
        version="1.0.0",
        created_at="",
        updated_at="",
        row_count=written.rows,
        entity_keys=("k",),
        timestamp="t",
        interval=None,
        columns=engine.schema(rows).columns,
        schema_hash="",
        config_hash="",
        config=Recipe((Key("k"),), "t"),
    )
    return Artifact(meta, (str(path),))


def test_what_was_read_can_be_used_after_the_engine_is_closed(engine: LiveDuckDBEngine, tmp_path: Path) -> None:
    with engine:
        rows = engine.read_version(stored(engine, tmp_path / "spend.parquet"))
    assert rows.filter("k = 1").aggregate("max(x__sum__1d)").fetchall() == [(2.5,)]


def test_a_spine_that_is_a_relation_is_joined_on_its_own_connection(engine: LiveDuckDBEngine, tmp_path: Path) -> None:
    with duckdb.connect() as mine:
        mine.execute("SET TimeZone = 'Asia/Kolkata'")
        mine.execute("CREATE TABLE spine AS SELECT 1 AS k, TIMESTAMPTZ '2024-01-01 05:30:00+05:30' AS label")
        with engine:
            join = Join(stored(engine, tmp_path / "spend.parquet"), {"x__sum__1d": "spent"})
            answer = engine.asof(mine.table("spine"), Timestamp("label"), [join])
        assert answer.select("k, spent").fetchall() == [(1, 2.5)]
        assert mine.sql("SHOW TABLES").fetchall() == [("spine",)]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_the_time_zone_of_the_process_does_not_matter(monkeypatch, zone) -> None:
    from mlforge_duckdb.plugin import DuckDBEngine

    monkeypatch.setenv("TZ", zone)
    rows = pl.DataFrame({"k": [1], "n": [datetime(2024, 1, 1)], "t": ["2024-01-01 00:00"]})
    with DuckDBEngine().open() as live:
        held = to_polars(live.conform(live.apply(named_times, rows), SHAPE).frame)
    assert held.select("t", "n", "d").rows() == [(START, START, datetime(2024, 1, 1).date())]


def named_times(df: Relation) -> Relation:
    return df.project("*, CAST(n AS DATE) AS d")


def test_the_first_rows_of_a_frame_that_no_memory_holds_are_there_at_once(engine: LiveDuckDBEngine) -> None:
    def endless(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.query("df", "SELECT i FROM range(1_000_000_000_000) r(i)")

    rows = engine.rows(engine.apply(endless, pl.DataFrame({"k": [1]})), 3)
    assert next(rows) == [{"i": 0}, {"i": 1}, {"i": 2}]


@pytest.mark.parametrize("number", [0, 4, 5, 6, 1_200_000])
def test_rows_come_in_batches_and_in_order(engine: LiveDuckDBEngine, number: int) -> None:
    size = max(5, number // 7)
    batches = list(engine.rows(pl.DataFrame({"i": range(number)}, schema={"i": pl.Int64}), size))
    assert [row["i"] for batch in batches for row in batch] == list(range(number))
    assert {len(batch) for batch in batches[:-1]} <= {size}
