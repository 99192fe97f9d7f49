"""What the engine holds while it computes is let go of, and what the user holds stays."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import mlforge as mlf


def as_they_are(events: DataFrame) -> DataFrame:
    return events


def without_a_time(events: DataFrame) -> DataFrame:
    return events.withColumn("at", F.when(F.col("v") > 1, F.col("at")))


def that_raises(events: DataFrame) -> DataFrame:
    return events.where(F.udf(lambda x: 1 / (x - 2) < 1, "boolean")("v"))


def of_no_time(events: DataFrame) -> DataFrame:
    return events.withColumn("at", F.concat(F.lit("soon, "), F.col("at")))


def twice(events: DataFrame) -> DataFrame:
    return events.union(events)


def held_by_the_user(events: DataFrame) -> DataFrame:
    return events.select("k", "at", "v").cache()


def built(folder: Path, function, **feature) -> mlf.BuildResult:
    days = [f"2025-03-0{i}T10:00:00" for i in range(1, 5)]
    pq.write_table(pa.table({"k": [1, 2, 1, 2], "at": days, "v": [0.0, 1.0, 2.0, 3.0]}), folder / "events.parquet")
    made = mlf.feature(source=str(folder / "events.parquet"), keys="k", timestamp="at", **feature)(function)
    store = mlf.LocalStore(str(folder / "store"))
    return mlf.Definitions("shop", features=[made], offline_store=store, engine="spark").build()[made.name]


def held(session: SparkSession) -> int:
    return int(session.sparkContext._jsc.getPersistentRDDs().size())  # noqa: SLF001


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (as_they_are, None),
        (without_a_time, "null in 2 of 4"),
        (that_raises, "ZeroDivisionError"),
        (of_no_time, "is not a time"),
        (twice, "share their k"),
    ],
)
def test_no_rows_stay_in_memory_whatever_becomes_of_a_build(session: SparkSession, tmp_path, function, said):
    before = held(session)
    failure = built(tmp_path, function).failure
    assert failure is None if said is None else said in str(failure)
    assert held(session) == before


def test_what_the_user_holds_stays_held(session: SparkSession, tmp_path):
    before = held(session)
    try:
        assert built(tmp_path, held_by_the_user).ok
        assert held(session) == before + 1
    finally:
        session.catalog.clearCache()


def test_what_the_user_holds_of_files_is_not_taken_for_what_lies_there_later(session: SparkSession, tmp_path):
    source = tmp_path / "events.parquet"
    made = mlf.feature(source=str(source), keys="k", timestamp="at")(held_by_the_user)
    shop = mlf.Definitions("shop", features=[made], offline_store=mlf.LocalStore(str(tmp_path / "store")))
    try:
        for value in (1.0, 2.0):
            pq.write_table(pa.table({"k": [1], "at": ["2025-03-01T10:00:00"], "v": [value]}), source)
            shop.build(engine="spark").raise_for_failure()
            assert shop.read(made.name)["v"].to_list() == [value]
    finally:
        session.catalog.clearCache()


def test_a_function_that_draws_rows_is_asked_once_for_times_of_a_zone(session: SparkSession, tmp_path):
    asked = session.sparkContext.accumulator(0)

    def counting(events: DataFrame) -> DataFrame:
        def seen(v):
            asked.add(1)
            return v

        return events.withColumn("v", F.udf(seen, "double")("v"))

    columns = {"k": range(4), "at": pa.array([10**15 * i for i in range(4)], pa.timestamp("us")), "v": [0.5] * 4}
    pq.write_table(pa.table(columns), tmp_path / "local.parquet")
    local = mlf.Timestamp("at", timezone="Europe/Berlin")
    made = mlf.feature(source=str(tmp_path / "local.parquet"), keys="k", timestamp=local)(counting)
    store = mlf.LocalStore(str(tmp_path / "store"))
    shop = mlf.Definitions("shop", features=[made], offline_store=store, engine="spark")
    assert shop.build()["counting"].failure is None
    assert asked.value == 4
