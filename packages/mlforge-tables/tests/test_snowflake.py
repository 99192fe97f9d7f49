"""Snowflake as a source, on both engines, over its own driver: its protocol is spoken by a stand-in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import adbc_driver_snowflake.dbapi
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import mlforge as mlf
from mlforge.errors import Invalid, PluginFailed
from mlforge.flow.planning.resolve import resolve
from mlforge.plugin import Narrow
from mlforge_tables.snowflake import batch_of

pytestmark = pytest.mark.linux
ENGINES = ["PolarsEngine", "DuckDBEngine"]


@pytest.fixture(scope="session")
def shop(snowflake):
    """The address of a schema with a table of events."""
    run(
        snowflake,
        "CREATE DATABASE IF NOT EXISTS SHOP",
        "CREATE SCHEMA IF NOT EXISTS SHOP.PUBLIC",
        "CREATE TABLE SHOP.PUBLIC.EVENTS (USER_ID INT, AMOUNT DOUBLE, TS TIMESTAMP_NTZ, DAY DATE, NAME VARCHAR,"
        " BIG NUMBER(38, 0), PRICE NUMBER(10, 2), PAID BOOLEAN)",
        "INSERT INTO SHOP.PUBLIC.EVENTS VALUES"
        " (1, 1.5, '2025-01-01 10:00:00.123456', '2025-01-01', 'é', 123456789012345678, 1.25, true),"
        " (2, 2.5, '2025-01-03', '2025-01-03', NULL, -2, 3.5, false),"
        " (1, 4.0, '2025-01-05', NULL, 'b', NULL, NULL, NULL)",
    )
    return snowflake


def run(address, *statements):
    with adbc_driver_snowflake.dbapi.connect(address.partition("://")[2]) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


def read(engine, source, root):
    with getattr(mlf, engine)().open() as live:
        rows = live.persist(live.scan(resolve(source, root)))
        return [row for batch in live.rows(rows) for row in batch]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_and_a_query_are_read_and_integers_are_integers(shop, tmp_path, engine):
    found = read(engine, mlf.Source(shop, table="EVENTS"), tmp_path)
    assert found[0] == {
        "USER_ID": 1, "AMOUNT": 1.5, "TS": datetime(2025, 1, 1, 10, 0, 0, 123456, UTC), "DAY": date(2025, 1, 1),
        "NAME": "é", "BIG": 123456789012345678, "PRICE": Decimal("1.25"), "PAID": True,
    }  # fmt: skip
    assert [type(found[0][name]) for name in ("USER_ID", "BIG")] == [int, int]
    assert [row["BIG"] for row in found] == [123456789012345678, -2, None]
    query = "SELECT USER_ID AS U, '2999-01-01'::TIMESTAMP_NTZ AS LATE FROM EVENTS WHERE AMOUNT > 3;"
    assert read(engine, mlf.Source(shop, query=query), tmp_path) == [{"U": 1, "LATE": datetime(2999, 1, 1, tzinfo=UTC)}]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_feature_is_built_and_an_increment_gives_what_a_full_build_gives(shop, tmp_path, engine):
    @mlf.feature(
        source=mlf.Source(shop, table="EVENTS"),
        keys="USER_ID",
        timestamp="TS",
        interval="1d",
        metrics=[mlf.Sum("AMOUNT", windows=["2d"])],
    )
    def spend(df):
        return df

    made = mlf.Definitions("shop", [spend], mlf.LocalStore(tmp_path / "store"), engine=getattr(mlf, engine)())
    made.build(since="2025-01-01", until="2025-01-04").raise_for_failure()
    made.build(since="2025-01-04").raise_for_failure()
    grown = pl.DataFrame(made.read("spend"))
    made.build(full_refresh=True).raise_for_failure()
    assert_frame_equal(grown, pl.DataFrame(made.read("spend")))
    assert grown.height > 3


@pytest.mark.parametrize(("column", "wanted"), [("TS", [4.0]), ("DAY", [4.0]), ("NAME", [1.5, 2.5, 4.0])])
def test_only_a_span_of_time_is_asked_for_where_that_can_be_said(shop, tmp_path, column, wanted):
    """And all rows without a time, and a day around it; all rows where the column is none of times."""
    since = int(datetime(2025, 1, 5, tzinfo=UTC).timestamp() * 1_000_000)
    narrow = Narrow(column, since, since + 2 * 86_400_000_000, None)
    rows = resolve(mlf.Source(shop, table="EVENTS"), tmp_path).rows
    found = [amount for batch in rows.batches(["AMOUNT"], narrow) for amount in batch["AMOUNT"].to_pylist()]
    assert found == wanted


def test_an_integer_that_64_bits_do_not_hold_is_refused_by_its_column(shop):
    batch = pa.RecordBatch.from_pydict({"N": pa.array([1, 2**63], pa.decimal128(38, 0))})
    with pytest.raises(Invalid, match="'N' holds integers beyond 64 bits") as caught:
        batch_of(mlf.Source(shop, table="EVENTS"), batch)
    assert "CAST(N AS VARCHAR)" in caught.value.hint


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_not_there_is_named_and_a_password_never(shop, tmp_path, engine):
    with pytest.raises(Invalid, match="NOPE"):
        read(engine, mlf.Source(shop, table="NOPE"), tmp_path)
    nobody = shop.replace(shop.partition("@")[2].partition("/")[0], "127.0.0.1:9")
    with pytest.raises(PluginFailed, match="Snowflake") as caught:
        read(engine, mlf.Source(nobody, table="EVENTS"), tmp_path)
    assert "hunter2" not in f"{caught.value!r} {caught.value.message} {caught.value.hint}"
