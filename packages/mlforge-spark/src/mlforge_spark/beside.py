"""Rows beside the events of crowded entities, whose windows are too long to be listed.

Each event of such an entity makes two rows for a window, where it enters and where it leaves; and its first of an
instant one for each thing that is asked for then. They go into tiles like events, and are counted in nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import Window
from pyspark.sql import functions as F

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_spark import plans
from mlforge_spark.numbers import ZERO, long
from mlforge_spark.plans import Plan, Stay, stay

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, WindowSpec


class InWindow(NamedTuple):
    """An input over a window, and the aggregates of it."""

    number: int
    column: str
    stay: Stay
    aggs: list[Aggregate]

    @property
    def sides(self) -> range:
        """Where it changes: a tile enters it (0), or leaves it (1)."""
        return range(1 if self.stay[1] is None else 2)


class Ask(NamedTuple):
    """What is asked for, by its number, on a side of a window."""

    number: int
    window: InWindow
    side: int


def windows_of(aggs: Sequence[Aggregate]) -> list[InWindow]:
    """The inputs and windows of aggregates, each once."""
    groups: dict[tuple[str, Stay], list[Aggregate]] = {}
    for agg in aggs:
        groups.setdefault((agg.column or "", stay(agg)), []).append(agg)
    return [InWindow(i, column, when, aggs) for i, ((column, when), aggs) in enumerate(groups.items())]


def with_crowds(events: DataFrame, plan: Plan) -> DataFrame:
    """Events, and whether they are of a crowded entity, and the first of their instant."""
    if not plan.crowded:
        return events
    entity = Window.partitionBy(*plan.key_names)
    opens = F.coalesce(F.lag("t").over(entity.orderBy("t")) < F.col("t"), F.lit(True))
    events = events.select("*", opens.alias("opens"))
    return events.select("*", (F.count(F.lit(1)).over(entity) > F.lit(plans.MOST_LISTED)).alias("crowded"))


def is_crowded(plan: Plan) -> dict[str, Column]:
    """The column of tiles that says whether their entity is crowded."""
    return {"crowded": F.max("crowded")} if plan.crowded else {}


def beside(
    events: DataFrame, plan: Plan, windows: Sequence[InWindow], asks: Sequence[Ask], values: Mapping[str, str]
) -> DataFrame:
    """The events, and rows for each window: `sign` says whether an event comes or goes, `asked` what is asked for.

    Of rows that come or go, `values` are what is made of an event, where `side.window` is the number of the window.
    Rows that are no event's `happened` at no time.
    """
    event = ["named_struct('window', -1, 'sign', 0, 'asked', -1, 'shift', " + ZERO + ")"]
    moving = [_row(w, side, -1 if side else 1, -1) for w in windows for side in w.sides]
    asked = [_row(one.window, one.side, 0, one.number) for one in asks]
    some, all_ = ", ".join([*event, *moving]), ", ".join([*event, *moving, *asked])
    mine = "crowded AND happened IS NOT NULL"
    sides = f"CASE WHEN NOT ({mine}) THEN array({event[0]}) WHEN opens THEN array({all_}) ELSE array({some}) END"
    rows = events.select("*", F.explode(F.expr(sides)).alias("side"))
    whole = (*plan.key_names, "t", "opens", "crowded")
    rows = rows.select(
        *whole,
        *(F.expr(f"CASE WHEN side.window = -1 THEN {c} END").alias(c) for c in events.columns if c not in whole),
        *(F.expr(f"CASE WHEN side.sign != 0 THEN {value} END").alias(name) for name, value in values.items()),
        F.col("side.window").alias("window"), F.col("side.sign").alias("sign"), F.col("side.asked").alias("asked"),
        F.expr("CASE WHEN side.window >= 0 THEN t + side.shift END").alias("at"),
    )  # fmt: skip
    return rows.where(F.expr(" OR ".join(["sign = 0", *(f"{name} IS NOT NULL" for name in values)])))


def _row(window: InWindow, side: int, sign: int, asked: int) -> str:
    shift = long(window.stay[side] or 0)
    return f"named_struct('window', {window.number}, 'sign', {sign}, 'asked', {asked}, 'shift', {shift})"


def by_window(plan: Plan, *also: str | Column) -> WindowSpec:
    """The rows of an entity and window."""
    return Window.partitionBy(*plan.key_names, "window", *also)


def until(plan: Plan, *also: str) -> WindowSpec:
    """The rows of an entity and window up to an instant."""
    return by_window(plan, *also).orderBy("at").rangeBetween(Window.unboundedPreceding, Window.currentRow)
