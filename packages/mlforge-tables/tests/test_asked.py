"""What of a table is read: the columns that a feature's function leaves, whatever it does with the frame."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest

import mlforge as mlf
from mlforge.errors import Invalid, MlforgeError, PluginFailed
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Rows, Scan
from mlforge_duckdb.late import LateRows
from mlforge_duckdb.session import Session
from mlforge_duckdb.sources import parquet

EVENTS = pl.DataFrame(
    {
        "user": [1, 2, 2],
        "amount": [1.0, 2.0, None],
        "kind": ["pay", "pay", "back"],
        "paid": [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)],
        "note": ["a", "b", "c"],
    }
)
SHAPE = Shape((Key("user"),), Timestamp("paid"))


class Noting(Rows):
    """Rows of a frame; notes which columns were asked for each time they were read."""

    def __init__(self, frame=EVENTS) -> None:
        self.frame, self.asked = frame, []

    def state(self):
        return None

    def empty(self):
        return self.frame.head(0)

    def batches(self, columns=None, narrow=None):
        self.asked.append(set(columns or self.frame.columns))
        rows = self.frame.select(columns) if columns else self.frame
        yield rows.head(2)
        yield rows.tail(1)


def chosen(df: duckdb.DuckDBPyRelation):
    return df.filter("kind = 'pay'").project('"user", amount * 2 AS twice, paid')


def by_sql(df: duckdb.DuckDBPyRelation):
    return df.query("rows", "SELECT \"user\", amount * 2 AS twice, paid FROM rows WHERE kind = 'pay'")


def lazily(df: pl.LazyFrame):
    return df.filter(kind="pay").select("user", pl.col("amount").mul(2).alias("twice"), "paid")


def with_itself(df: duckdb.DuckDBPyRelation):
    return df.query(
        "r", "SELECT a.user, b.amount * 2 AS twice, paid FROM r a JOIN r b USING (paid) WHERE a.kind = 'pay'"
    )


def by_other_columns(df: duckdb.DuckDBPyRelation):
    return df.query(
        "r",
        "SELECT a.user, b.amount * 2 AS twice, paid FROM (SELECT user, kind, paid FROM r) a"
        " JOIN (SELECT amount, paid FROM r) b USING (paid) WHERE a.kind = 'pay'",
    )


def by_its_values(df: duckdb.DuckDBPyRelation):
    (most,) = df.aggregate("max(kind)").fetchall()[0]
    return df.filter(f"kind = '{most}'").project('"user", amount * 2 AS twice, paid')


def with_its_own(df: duckdb.DuckDBPyRelation):
    own = pl.DataFrame({"kind": ["pay"], "factor": [2]})  # noqa: F841 - the query finds it by its name
    return df.query("r", 'SELECT "user", amount * factor AS twice, paid FROM r JOIN own USING (kind)')


def counted(df: duckdb.DuckDBPyRelation):
    return df.aggregate("1 AS user, count(*)::DOUBLE AS twice, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS paid")


def refused(df: duckdb.DuckDBPyRelation):
    return df.project('"user", amount::VARCHAR::DATE AS twice, paid')


def refused_without_rows(df: duckdb.DuckDBPyRelation):
    failing = "CAST(error('no') AS DOUBLE) AS twice"
    return df.query("r", f"SELECT 1 AS user, now() AS paid, {failing} FROM (SELECT count(*) FROM r)")


def conformed(engine, function, rows):
    with engine.open() as live:
        made = live.apply(
            function, live.with_surrogates(live.scan(Scan("events", ("a table",), "lake", rows=rows)), ())
        )
        held = live.conform(made, SHAPE)
        kept = live.settle(held.frame, SHAPE)
        return sorted((row["user"], row["twice"]) for page in live.rows(kept) for row in page)


@pytest.mark.parametrize(
    ("engine", "function"), [("DuckDBEngine", f) for f in (chosen, by_sql, with_itself)] + [("PolarsEngine", lazily)]
)
def test_only_the_columns_that_a_function_asks_for_are_read_and_once(engine, function):
    rows = Noting()
    assert conformed(getattr(mlf, engine)(), function, rows) == [(1, 2.0), (2, 4.0)]
    assert rows.asked == [{"user", "amount", "kind", "paid"}]


@pytest.mark.parametrize("function", [by_its_values, with_its_own, by_other_columns])
def test_a_function_that_looks_at_its_rows_sees_them(function):
    assert conformed(mlf.DuckDBEngine(), function, Noting()) == [(1, 2.0), (2, 4.0)]


def test_a_function_that_counts_needs_no_column():
    assert conformed(mlf.DuckDBEngine(), counted, Noting()) == [(1, 3.0)]


@pytest.mark.parametrize("function", [refused, refused_without_rows])
def test_what_cannot_be_computed_is_refused(function):
    with pytest.raises(Invalid, match="cannot be computed"):
        conformed(mlf.DuckDBEngine(), function, Noting())


@pytest.mark.parametrize(
    ("dtype", "value", "told"),
    [
        (pl.Int128, 2**70, 2.0**70),
        (pl.UInt128, 2**70, 2.0**70),
        (pl.Float16, 1.5, 1.5),
        (pl.Datetime("ms"), datetime.fromtimestamp(90, UTC).replace(tzinfo=None), 90.0),
        (pl.Array(pl.Int64, 1), [7], 7.0),
        (pl.Duration("ns"), timedelta(seconds=90), 90.0),
    ],
    ids=str,
)
def test_what_arrow_tells_otherwise_than_a_file_is_read_all_the_same(dtype, value, told):
    read = {pl.Datetime: "epoch(value)", pl.Duration: "epoch(value)", pl.Array: "value[1]"}.get(type(dtype), "value")

    def function(df: duckdb.DuckDBPyRelation):
        return df.project(f"CAST({read} AS DOUBLE) AS value")

    rows = Noting(pl.DataFrame({"value": pl.Series([value, None, value], dtype=dtype)}))
    with mlf.DuckDBEngine().open() as live:
        made = live.apply(function, live.scan(Scan("events", ("a table",), "lake", rows=rows)))
        assert [row["value"] for page in live.rows(live.persist(made)) for row in page] == [told, None, told]


def test_columns_that_turn_out_to_be_needed_after_all_are_read():
    with closing(Session(mlf.DuckDBEngine())) as session:
        late = LateRows(session, parquet)
        whole = late.open(Scan("events", ("a table",), "lake", rows=Noting()))
        kept = late.compute(whole.project('"user"'), lambda _: session.keep(whole))
        assert [row[4] for row in kept.fetchall()] == ["a", "b", "c"]


class Broken(Noting):
    def batches(self, columns=None, narrow=None):
        yield from super().batches(columns, narrow)
        raise PluginFailed("The lake is gone.", hint="Fill it again.")


@pytest.mark.parametrize(("engine", "function"), [("DuckDBEngine", chosen), ("PolarsEngine", lazily)])
def test_a_table_that_breaks_off_is_refused(engine, function):
    with pytest.raises(MlforgeError, match=r"The lake is gone\."):
        conformed(getattr(mlf, engine)(), function, Broken())
