"""From tiles to change points: every tile makes a row at each shift at which it enters windows or leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_spark import recent
from mlforge_spark.bounds import followed, is_counted, latest
from mlforge_spark.distinct import COUNTED, come_and_gone
from mlforge_spark.lists import listed
from mlforge_spark.numbers import ZERO
from mlforge_spark.plans import BOUNDS, ENDS, RECENT, Plan, known_by_the_end, length, stay, total
from mlforge_spark.tiles import by_entity, changing

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def at_change_points(tiles: DataFrame, plan: Plan) -> DataFrame:
    """For each change point the totals of each window, and what else follows from the rows up to it.

    A total is a running one, of what enters minus what leaves: nothing is rounded, so nothing that left is in it.
    """
    order = ["at", *(["changes"] if plan.passing else [])]
    rows = _moved(tiles, plan).sortWithinPartitions(*plan.key_names, *order)  # narrow yet: what windows read follows
    upto = by_entity(plan, *order).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    found = {name: column.over(upto) for name, column in _running(plan).items()}
    found["at_next"] = F.lead("at").over(by_entity(plan, *order))
    kept = [*plan.key_names, "at", *(["changes"] if plan.passing else [])]
    points = rows.select(*kept, *(column.alias(name) for name, column in found.items()))
    last = F.col("at_next").isNull() | (F.col("at_next") > F.col("at"))
    return points.filter(last & F.col("changes") if plan.passing else last)


def _moved(tiles: DataFrame, plan: Plan) -> DataFrame:
    """The rows of tiles at each shift, its number as `source`: those by the end of what can be asked."""
    sources = F.array(*(F.lit(i) for i in range(len(plan.shifts))))
    rows = tiles.select("*", F.explode(sources).alias("source"))
    after = F.lit(0).cast("long")
    for number, shift in enumerate(plan.shifts[1:], 1):
        chosen = F.when(F.col("source") == F.lit(number), F.lit(shift).cast("long"))
        after = chosen.otherwise(after)
    rows = rows.select("*", (F.col("t") + after).alias("at"))
    if plan.passing:
        changes = F.lit(True)
        for shift in plan.passing:
            is_it = F.col("source") == F.lit(plan.source(shift))
            changes = F.when(is_it, F.col(changing(shift, plan))).otherwise(changes)
        rows = rows.select("*", changes.alias("changes"))
    rows = rows.filter(known_by_the_end(F.col("at")))
    seen = {name: column for a in plan.aggs for name, column in latest(a, plan).items()}
    return rows.select("*", *(column.alias(name) for name, column in seen.items()))


def _running(plan: Plan) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for agg in plan.aggs:
        if plan.is_listed(agg):
            found |= listed(agg, plan)
        elif agg.function in (*BOUNDS, *ENDS):
            found |= followed(agg, plan)
        elif agg.function in RECENT:
            found |= recent.followed(agg, plan)
        if _adds_up(agg, plan):
            found |= {total(agg, p, plan): _total(agg, p, plan) for p in partials(agg, plan)}
    return found


def _adds_up(agg: Aggregate, plan: Plan) -> bool:
    """Is anything of its window a running total?"""
    return is_counted(agg, plan) or not (plan.is_listed(agg) or agg.function in (*BOUNDS, *ENDS, *RECENT))


def _total(agg: Aggregate, partial: str, plan: Plan) -> Column:
    entered, left = stay(agg)
    leaving = come_and_gone(agg.column or "", length(agg))[1] if agg.function == COUNTED else partial
    change = f"WHEN {plan.source(entered)} THEN {partial}"
    change += "" if left is None else f" WHEN {plan.source(left)} THEN -{leaving}"
    return F.expr(f"sum(CASE source {change} ELSE {ZERO} END)")


def partials(agg: Aggregate, plan: Plan) -> list[str]:
    """Which columns of tiles an aggregate is added up of."""
    if agg.column is None:
        return ["n"]
    value = plan.value(agg)
    match agg.function:
        case "count" | "min" | "max":
            return [value.counted]
        case "count_distinct":
            return [come_and_gone(value.name, length(agg))[0]]
        case "sum":
            return [*value.unusual, *value.limbs]
        case "skew" | "kurtosis":
            powers = value.powers[: 4 if agg.function == "kurtosis" else 3]
            return [value.counted, *value.unusual, *(name for names in powers for name in names)]
        case "mean":
            return [value.counted, *value.unusual, *value.limbs]
        case _:
            return [value.counted, *value.unusual, *value.root_limbs, *value.square_limbs]
