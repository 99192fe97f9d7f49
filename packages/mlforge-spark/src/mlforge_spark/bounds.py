"""Least and greatest values, the earliest and the latest: what follows from a few tiles at an end of a window.

- A window of one bucket, or without end, needs nothing else than its latest tile, or a running bound.
- One of few buckets: its bound when a tile has just entered, and when one has just left, are looked up among its tiles.
  Of these the latest holds, as long as the window has values at all, which its count tells.
- A longer one touches two blocks of its own length: what it holds is the bound from the start of its own block to now,
  and that from the oldest tile in it to the end of the block before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_spark.plans import BOUNDS, ENDS, Plan, length, stay, total
from mlforge_spark.tiles import by_entity
from mlforge_spark.types import floor_div

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, WindowSpec

_FUNCTIONS = {"min": F.min, "max": F.max}
_CHOICES = {"min": F.least, "max": F.greatest}


def with_bounds(tiles: DataFrame, plan: Plan) -> DataFrame:
    """Tiles with what the bounds of windows are made of."""
    found: dict[str, Column] = {}
    for agg in plan.aggs:
        if agg.function in BOUNDS:
            found |= _looked_up(agg, plan)
        if agg.function in ENDS:
            found |= _neighbours(agg, plan)
    tiles = tiles.select("*", *(column.alias(name) for name, column in found.items()))
    oldest = {f"{name}_next": F.lead(name).over(by_entity(plan, "t")) for name in found if name.endswith("_on")}
    if oldest:
        oldest |= {"t_next": F.lead("t").over(by_entity(plan, "t"))}
        oldest |= {"is_first": F.lag("t").over(by_entity(plan, "t")).isNull()}
    return tiles.select("*", *(column.alias(name) for name, column in oldest.items()))


def _looked_up(agg: Aggregate, plan: Plan) -> dict[str, Column]:
    tile, reach = f"{agg.column}_{agg.function}", length(agg)
    if reach is None or reach == plan.interval:
        return {}
    bound = _FUNCTIONS[agg.function](tile)
    if plan.in_frame(reach):
        return {
            f"{tile}_{reach}_in": bound.over(by_entity(plan, "t").rangeBetween(-(reach - 1), 0)),
            f"{tile}_{reach}_out": bound.over(by_entity(plan, "t").rangeBetween(1, reach)),
        }
    return {
        f"{tile}_{reach}_upto": bound.over(_in_block(plan, reach, F.asc("t"))),
        f"{tile}_{reach}_on": bound.over(_in_block(plan, reach, F.desc("t"))),
    }


def _in_block(plan: Plan, reach: int, order: Column) -> WindowSpec:
    block = Window.partitionBy(*plan.key_names, floor_div(F.col("t"), reach)).orderBy(order)
    return block.rowsBetween(Window.unboundedPreceding, Window.currentRow)


def _neighbours(agg: Aggregate, plan: Plan) -> dict[str, Column]:
    """Of tiles that have a value the next that has one, and whether there is none before."""
    if agg.function == "last":
        return {}
    tile = f"{agg.column}_first"
    there = Window.partitionBy(*plan.key_names, F.col(tile).isNotNull()).orderBy("t")
    following = F.lead(F.struct(F.col("t"), F.col(f"{tile}.value").alias("value"))).over(there)
    return {f"{tile}_after": following, f"{tile}_opens": F.lag("t").over(there).isNull()}


def is_counted(agg: Aggregate, plan: Plan) -> bool:
    """Is it the count of a window's values that tells whether it has a bound?"""
    return agg.function in BOUNDS and (plan.in_frame(length(agg)) or length(agg) == plan.interval is not None)


def latest(agg: Aggregate, plan: Plan) -> dict[str, Column]:
    """What a window has come to where a tile has just entered or left, of rows of tiles at a shift."""
    tile, reach = f"{agg.column}_{agg.function}", length(agg)
    if reach is None or not is_counted(agg, plan):
        return {}
    entered, left = _passed(agg, plan)
    if reach == plan.interval:
        return {f"{agg.name}_seen": F.when(entered, F.col(tile))}
    now, then = F.col(f"{tile}_{reach}_in"), F.col(f"{tile}_{reach}_out")
    return {f"{agg.name}_seen": F.when(entered, now).when(left, then)}


def _passed(agg: Aggregate, plan: Plan) -> list[Column]:
    """Whether a row is of a tile that has just entered an aggregate's window, and whether of one that has left it."""
    return [F.lit(False) if s is None else F.col("source") == F.lit(plan.source(s)) for s in stay(agg)]


def followed(agg: Aggregate, plan: Plan) -> dict[str, Column]:
    """Aggregates over the rows up to a change point, of which `bound_at` makes a bound."""
    if is_counted(agg, plan):
        return {f"{agg.name}_own": _last(F.col(f"{agg.name}_seen"))}
    tile, reach = f"{agg.column}_{agg.function}", length(agg)
    entered, left = (None if shift is None else F.col("source") == F.lit(plan.source(shift)) for shift in stay(agg))
    assert entered is not None  # noqa: S101 - for the types
    if agg.function in ENDS:
        return {f"{agg.name}_own": _last(_end(agg, tile, entered, left))}
    if reach is None:
        return {f"{agg.name}_own": _FUNCTIONS[agg.function](F.when(entered, F.col(tile)))}
    assert left is not None  # noqa: S101 - for the types
    tile = f"{tile}_{reach}"
    oldest = F.when(left, F.struct(F.col("t_next").alias("t"), F.col(f"{tile}_on_next").alias(agg.name)))
    opening = (F.col("source") == F.lit(0)) & F.col("is_first")
    return {
        f"{agg.name}_own": _last(F.when(entered, F.struct("t", F.col(f"{tile}_upto").alias(agg.name)))),
        f"{agg.name}_past": _last(oldest.when(opening, F.struct("t", F.col(f"{tile}_on").alias(agg.name)))),
    }


def in_or_out(entered: Column, left: Column | None, now: Column, then: Column | None, name: str) -> Column:
    """What a window has come to where a tile has just entered, or has just left; both at once give the same.

    It is in a struct, under a name that is no other's: Sail takes what it shows alike for one.
    """
    found = F.when(entered, F.struct(now.alias(name)))
    return found if left is None or then is None else found.when(left, F.struct(then.alias(name)))


def _last(column: Column) -> Column:
    return F.last(column, ignorenulls=True)


def _end(agg: Aggregate, tile: str, entered: Column, left: Column | None) -> Column:
    there, own = F.col(tile).isNotNull(), F.struct("t", F.col(f"{tile}.value").alias("value"))
    if agg.function == "last":
        return F.when(entered & there, F.struct(own.alias("tile")))
    opening = F.when((F.col("source") == F.lit(0)) & there & F.col(f"{tile}_opens"), F.struct(own.alias("tile")))
    return opening if left is None else opening.when(left & there, F.struct(F.col(f"{tile}_after").alias("tile")))


def bound_at(agg: Aggregate, plan: Plan) -> Column:
    """The bound at a change point."""
    own, reach, (enters, leaves) = F.col(f"{agg.name}_own"), length(agg), stay(agg)
    now = F.col("at") - F.lit(enters)
    match agg.function:
        case "last":
            tile = own["tile"]
            return tile["value"] if leaves is None else F.when(tile["t"] > F.col("at") - F.lit(leaves), tile["value"])
        case "first":
            return F.when(own["tile"]["t"] <= now, own["tile"]["value"])
        case _:
            pass
    if reach is None:
        return own
    if is_counted(agg, plan):
        return F.when(F.col(total(agg, plan.value(agg).counted, plan)) > F.lit(0), own)
    past, begins = F.col(f"{agg.name}_past"), floor_div(now, reach) * F.lit(reach)
    mine, before = F.when(own["t"] >= begins, own[agg.name]), F.when(past["t"] < begins, past[agg.name])
    return _CHOICES[agg.function](mine, before)
