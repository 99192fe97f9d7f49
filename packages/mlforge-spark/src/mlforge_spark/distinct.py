"""How many different values a window holds: what comes to be in it, and what is no longer.

An event brings a value to a window where its value was not there: where the one before of the same value had left. It
takes it away where the next one has not come by then. So different values are counted like events: by running totals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from mlforge_spark.numbers import long
from mlforge_spark.plans import Plan, Value, length

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

COUNTED = "count_distinct"


def with_neighbours(events: DataFrame, plan: Plan) -> DataFrame:
    """Events with the instants at which the same value was known last, and will be known next."""
    for value in _counted(plan):
        same = Window.partitionBy(*plan.key_names, value.name).orderBy("t")
        beside = [F.lag("t").over(same).alias(_before(value)), F.lead("t").over(same).alias(_after(value))]
        events = events.select("*", *beside)
    return events


def changes(plan: Plan) -> dict[str, Column]:
    """The columns of tiles that say how many values come to windows of a length, and how many go."""
    found = {}
    for value in _counted(plan):
        lengths = {length(a) for a in plan.aggs if a.function == COUNTED and a.column == value.name}
        for reach in lengths:
            come, gone = come_and_gone(value.name, reach)
            found[come] = _alone(value, _before(value), "t - {}", reach)
            if reach is not None:
                found[gone] = _alone(value, _after(value), "{} - t", reach)
    return found


def come_and_gone(column: str, reach: int | None) -> tuple[str, str]:
    """The columns of tiles of an input, for windows of a length."""
    return f"{column}_come_{reach}", f"{column}_gone_{reach}"


def _counted(plan: Plan) -> list[Value]:
    return [value for value in plan.values.values() if COUNTED in value.functions]


def _before(value: Value) -> str:
    return f"{value.name}_before"


def _after(value: Value) -> str:
    return f"{value.name}_after"


def _alone(value: Value, other: str, between: str, reach: int | None) -> Column:
    """How many events have no other of their value within a window's length on one side."""
    far = "" if reach is None else f" OR {between.format(other)} >= {long(reach)}"
    return F.expr(f"count(CASE WHEN {value.name} IS NOT NULL AND ({other} IS NULL{far}) THEN 1 END)")
