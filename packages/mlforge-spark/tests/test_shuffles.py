"""How often rows change places: once for all windows of a feature, and once for all features with the same keys."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mlforge.model.duration import Duration
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import Aggregate, WindowPlan
from mlforge.model.timestamp import Timestamp
from mlforge_spark import plans
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
