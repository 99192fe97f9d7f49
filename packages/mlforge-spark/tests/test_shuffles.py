"""How often rows change places: once for all windows of a feature, and once for all features with the same keys."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mlforge.model.duration import Duration
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import Aggregate, WindowPlan
from mlforge.model.source import ParquetFormat
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Scan
from mlforge_spark import plans
from mlforge_spark.plugin import SparkEngine
from mlforge_spark.windows import change_points

SHAPE = Shape((Key("user"),), Timestamp("at"))
FUNCTIONS = ("count", "sum", "mean", "std", "min", "max", "first", "last", "median", "count_distinct",
             "p90", "first_3", "last_3_distinct", "mode")  # fmt: skip


def exchanges(frame: Any) -> int:
    """How many exchanges a frame's physical plan has."""
    return str(frame._jdf.queryExecution().executedPlan().toString()).count("Exchange")  # noqa: SLF001 - no other way


@pytest.mark.parametrize(("interval", "most"), [("1d", 2_000), (None, 5)], ids=["listed", "ranked"])
def test_all_windows_of_a_feature_take_one_exchange(
    session: SparkSession, monkeypatch: pytest.MonkeyPatch, interval: str | None, most: int
) -> None:
    monkeypatch.setattr(plans, "MOST_LISTED", most)
    events = session.range(20).select(
        (F.col("id") % F.lit(3)).alias("user"),
        F.timestamp_micros(F.col("id") * F.lit(3_600_000_000)).alias("at"),
        F.col("id").cast("double").alias("amount"),
    )
    columns = [c for f in FUNCTIONS for c in Aggregate("amount", f, windows=["1d", "90d"]).columns()]
    plan = WindowPlan(Duration.parse(interval) if interval else None, tuple(columns))
    assert exchanges(change_points(events, SHAPE, plan)) == 1


def test_files_below_many_folders_are_read_at_once_and_those_alone_that_are_asked_for(tmp_path: Path) -> None:
    days = [f"2025-01-{n:02}" for n in range(1, 31)]
    uris = [tmp_path / "lake=1" / f"day={day}" / f"city=K%C3%B6ln {n % 2}" / "a.parquet" for n, day in enumerate(days)]
    for n, uri in enumerate(uris):
        uri.parent.mkdir(parents=True)
        columns = {"n": pa.array([n]), "v": pa.array([None if n % 3 else 1.5])}  # at times of Arrow's null
        pq.write_table(pa.table(columns), uri)
    told = (("day", "Date"), ("city", "String"))
    scan = Scan("sales", tuple(map(str, uris)), ParquetFormat(), partitions=told)
    with SparkEngine().open() as engine:
        frame = engine.scan(scan)
        asked = frame.where(F.col("day") == F.lit("2025-01-03").cast("date"))
        plan = str(asked._jdf.queryExecution().executedPlan().toString())  # noqa: SLF001 - no other way
        assert plan.count("FileScan") == 2
        assert "PartitionFilters: []" not in plan
        assert [row.asDict() for row in asked.collect()] == [
            {"n": 2, "v": None, "day": date(2025, 1, 3), "city": "Köln 0"}
        ]
        assert sorted(row["n"] for row in frame.where(F.col("city") == F.lit("Köln 1")).collect()) == [*range(1, 30, 2)]
