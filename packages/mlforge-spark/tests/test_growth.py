"""Many events of one entity cost about as much each as few do, whichever aggregation they are in."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mlforge import col
from mlforge.model.duration import Duration
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import Aggregate, WindowPlan
from mlforge.model.timestamp import Timestamp
from mlforge_spark import plans
from mlforge_spark.windows import change_points

SHAPE = Shape((Key("user"),), Timestamp("at"))
GROUPS = {
    "sums": (3_000, ("count", "sum", "mean", "std", "count_distinct")),
    "looked up": (1_500, ("min", "max", "first", "last", "first_5", "last_5_distinct")),
    "ranked": (1_500, ("median",)),
    "moments": (1_500, ("skew",)),
    "frequent": (1_500, ("mode", "top_3")),
}


@pytest.mark.parametrize("group", GROUPS)
def test_the_cost_of_one_entity_grows_with_its_events_and_not_with_their_square(session, monkeypatch, group):
    monkeypatch.setattr(plans, "MOST_LISTED", 100)
    events, functions = GROUPS[group]
    some, more = (_cpu(session, n, functions) for n in (events, 4 * events))
    assert more < 8 * some, (some, more)  # 4 × the events; 16 × if each looked at all


def test_the_cost_of_a_list_does_not_grow_with_its_different_values(session):
    median, mode = (_cpu(session, 250, (function,)) for function in ("median", "mode"))
    assert mode < 8 * median, (mode, median)


def _cpu(session: SparkSession, events: int, functions: tuple[str, ...]) -> float:
    """The seconds that the change points of so many events of one entity take, all in one window."""
    frame = session.range(events, numPartitions=1).select(
        F.lit(1).alias("user"),
        F.timestamp_micros(F.col("id") * F.lit(60_000_000)).alias("at"),
        F.pmod(F.xxhash64("id"), F.lit(1_000_000)).cast("double").alias("amount"),
    )
    before = _spent(session)
    points = change_points(frame, SHAPE, _plan(None, functions, "365d"))
    points.write.format("noop").mode("overwrite").save()
    return _spent(session) - before


def _spent(session: SparkSession) -> float:
    """The seconds of processors that tasks have taken in a session, once it has heard of all of them."""
    context = session.sparkContext
    context._jsc.sc().listenerBus().waitUntilEmpty()  # noqa: SLF001 - no other way
    quantiles = context._gateway.new_array(context._jvm.double, 0)  # noqa: SLF001 - no other way
    none = context._jvm.java.util.ArrayList()  # noqa: SLF001
    stages = context._jsc.sc().statusStore().stageList(none, False, False, quantiles, none)  # noqa: SLF001
    return sum(stages.apply(i).executorCpuTime() for i in range(stages.size())) / 1e9


def _plan(interval: str | None, functions: tuple[str, ...], *windows: str) -> WindowPlan:
    columns = [c for f in functions for c in Aggregate("amount", f, windows=list(windows)).columns()]
    return WindowPlan(Duration.parse(interval) if interval else None, tuple(columns))


RANKED, FREQUENT, BOTH = ("median", "p33", "max"), ("mode", "top_2", "top_9"), ("p90", "top_3", "count")


@pytest.mark.parametrize(("interval", "functions"), [("2h", RANKED), (None, RANKED), ("2h", FREQUENT), (None, BOTH)])
def test_what_crowded_entities_have_in_their_windows_is_what_is_listed_of_others(
    session, monkeypatch, interval, functions
):
    chance = random.Random(3)
    amounts = [None, float("nan"), float("inf"), -1.0, 0.0, -0.0, 1.5, 2.0, 7.25]
    rows = [(chance.choice("aaab"), chance.randrange(40) * 1800 * 10**6, chance.choice(amounts)) for _ in range(120)]
    frame = session.createDataFrame(rows, "user string, at bigint, amount double").coalesce(1)
    events = frame.select("user", F.timestamp_micros("at").alias("at"), "amount")
    plan = _plan(interval, functions, "4h", "all")
    listed = _rows(change_points(events, SHAPE, plan))
    monkeypatch.setattr(plans, "MOST_LISTED", 50)
    assert _rows(change_points(events, SHAPE, plan)) == listed


def test_the_most_frequent_values_of_crowded_entities_are_of_any_type(session, monkeypatch):
    chance = random.Random(5)
    rows = [(chance.randrange(300) * 60 * 10**6, chance.choice("0112345")) for _ in range(200)]
    frame = session.createDataFrame(rows, "at bigint, digit string").coalesce(1)
    number = F.col("digit").cast("int")
    values = {
        "text": F.col("digit"), "whole": number, "flag": number > F.lit(2), "narrow": number.cast("float"),
        "price": number.cast("decimal(9,2)"), "on": F.date_add(F.lit("2024-01-01").cast("date"), number),
        "paid": F.timestamp_micros(number.cast("long")),
    }  # fmt: skip
    named = [value.alias(name) for name, value in values.items()]
    events = frame.select(F.lit(1).alias("user"), F.timestamp_micros("at").alias("at"), *named)
    asked = [Aggregate(name, "top_3", ["15m", "2h"]) for name in values]
    asked.append(Aggregate("text", "mode", ["2h"], name="large", where=col("whole") > 1))
    plan = WindowPlan(None, tuple(c for one in asked for c in one.columns()))
    listed = _rows(change_points(events, SHAPE, plan))
    monkeypatch.setattr(plans, "MOST_LISTED", 50)
    assert _rows(change_points(events, SHAPE, plan)) == listed


def _rows(frame: DataFrame) -> list[Any]:
    return [repr(row) for row in frame.collect()]
