"""Aggregates of the list of the values in a window: order statistics and frequencies.

A window's list is looked up twice a tile: when the tile has just entered the window, and when it has just left it. In
between nothing changes. So it costs as much as there are values in windows, tile by tile: Spark has no window function
that moves over order statistics or frequencies without looking at all of them. Of crowded entities nothing is listed:
what was found beside their events stands there.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pyspark.sql import Window
from pyspark.sql import functions as F

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_spark import ranks, runs
from mlforge_spark.between import decimal_column, interpolated
from mlforge_spark.bounds import in_or_out
from mlforge_spark.frequent import k_of, most_frequent
from mlforge_spark.plans import FREQUENT, Plan, length, stay
from mlforge_spark.spreads import std
from mlforge_spark.tiles import by_entity
from mlforge_spark.types import dtype_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, WindowSpec


def with_lists(tiles: DataFrame, plan: Plan) -> DataFrame:
    """Tiles with the aggregates of windows that a tile has just entered (`…_in`), or just left (`…_out`)."""
    aggs = [a for a in plan.aggs if plan.is_listed(a)]
    lists = {}
    for a in aggs:
        lists[_list(a, plan)] = _collected(a, _held(a, plan), plan)
        if (reach := length(a)) is not None:
            lists[f"{_list(a, plan)}_out"] = _collected(a, _by_listed(a, plan).rangeBetween(1, reach), plan)
    tiles = tiles.select("*", *(column.alias(name) for name, column in lists.items()))
    found = {}
    for a in aggs:
        found[f"{a.name}_in"] = _aggregated(a, plan, "in")
        if length(a) is not None:
            found[f"{a.name}_out"] = _aggregated(a, plan, "out")
    return tiles.select("*", *(column.alias(name) for name, column in found.items()))


def _collected(agg: Aggregate, held: WindowSpec, plan: Plan) -> Column:
    values = F.flatten(F.collect_list(plan.value(agg).listed).over(held))
    return values if agg.function == "std" else F.sort_array(values)


def _list(agg: Aggregate, plan: Plan) -> str:
    """The column with the values of a window, in order but for `std`."""
    kind = "all" if agg.function == "std" else "ordered"
    return f"{agg.column}_{kind}_{length(agg)}{'_few' if agg in plan.crowded else ''}"


def _by_listed(agg: Aggregate, plan: Plan) -> WindowSpec:
    """The tiles of an entity; of a crowded one each alone, where its windows need not be listed."""
    if agg not in plan.crowded:
        return by_entity(plan, "t")
    return Window.partitionBy(*plan.key_names, F.when(F.col("crowded"), F.col("t"))).orderBy("t")


def _held(agg: Aggregate, plan: Plan) -> Any:
    reach, rows = length(agg), _by_listed(agg, plan)
    if reach is None:
        return rows.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return rows.rangeBetween(-(reach - 1), 0)


def listed(agg: Aggregate, plan: Plan) -> dict[str, Column]:
    """The aggregate over the rows up to a change point, of which `listed_at` makes the value."""
    entered, left = (None if shift is None else F.col("source") == F.lit(plan.source(shift)) for shift in stay(agg))
    assert entered is not None  # noqa: S101 - for the types
    then = None if left is None else F.col(f"{agg.name}_out")
    found = in_or_out(entered, left, F.col(f"{agg.name}_in"), then, agg.name)
    return {f"{agg.name}_own": F.last(found, ignorenulls=True)}


def listed_at(agg: Aggregate) -> Column:
    """The value at a change point: of nothing, where nothing has come to the window."""
    found = F.col(f"{agg.name}_own")[agg.name]
    return F.coalesce(found, F.array().cast(dtype_of(agg.word))) if agg.function == "top_k" else found


def _aggregated(agg: Aggregate, plan: Plan, side: str) -> Column:
    name, word = _list(agg, plan) + ("_out" if side == "out" else ""), plan.value(agg).word
    if agg.function == "std":
        return std(F.col(name))
    if agg.function in FREQUENT:
        found = F.expr(f"transform({runs.most_frequent(name, k_of(agg))}, x -> x.value)")
        if agg in plan.crowded:
            found = F.when(F.col("crowded"), most_frequent(agg, int(side == "out"), plan)).otherwise(found)
        return F.get(found, F.lit(0)) if agg.function == "mode" else found
    listed = _percentile(F.col(name), word, *agg.options)
    if agg not in plan.crowded:
        return listed
    low, high, rest = (F.col(name) for name in ranks.parts_of(agg, side))
    bottom = ranks.fraction_of(agg).denominator
    among = F.when(rest == decimal_column(0), low).otherwise(interpolated(low, high, rest, bottom, "Float64"))
    return F.when(F.col("crowded"), among).otherwise(listed)


def _percentile(ordered: Column, word: str, q: float = 0.5) -> Column:
    """Between order statistics, by linear interpolation; the place is computed without rounding."""
    place = Fraction(repr(float(q)))
    top, bottom = place.numerator, place.denominator

    def between(xs: Column) -> Column:
        steps = (F.size(xs) - F.lit(1)).cast("decimal(10,0)") * decimal_column(top)
        rest = steps % decimal_column(bottom)
        at = ((steps - rest) / decimal_column(bottom)).cast("int")
        low, high = F.get(xs, at), F.get(xs, at + F.lit(1))
        return F.when(rest == decimal_column(0), low.cast("double")).otherwise(
            interpolated(low, high, rest, bottom, word)
        )

    return F.transform(F.array(ordered), between)[0]
