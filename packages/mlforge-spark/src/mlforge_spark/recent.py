"""The first and last few values of a window, of lists that are no longer than what is asked for.

A tile knows the latest values up to it, or the earliest from it on: of its own, and of the tiles 1, 2, 4, 8 … before
it, which by then know as much of the tiles before them. A window's list is that of its latest (or oldest) tile, without
what is not in the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import Window
from pyspark.sql import functions as F

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_spark.plans import RECENT, Plan, stay
from mlforge_spark.types import dtype_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


class _Few(NamedTuple):
    """So many of an input's first or last values, each once if they are distinct."""

    column: str
    function: str
    most: int
    distinct: bool

    @property
    def name(self) -> str:
        return f"{self.column}_{self.function}_{self.most}{'_distinct' if self.distinct else ''}"

    @property
    def of_last(self) -> bool:
        return self.function == "last_n"


def in_time(column: str) -> str:
    """The column of tiles that lists an input's values with their times."""
    return f"{column}_in_time"


def with_recent(tiles: DataFrame, plan: Plan) -> DataFrame:
    """Tiles with the few values up to them, or from them on."""
    asked = list(dict.fromkeys(_few(a) for a in plan.aggs if a.function in RECENT))
    tiles = tiles.select("*", *(_own(few).alias(few.name) for few in asked))
    for few in asked:
        tiles = _along(tiles, few, plan)
    return tiles


def _few(agg: Aggregate) -> _Few:
    most, distinct = agg.options
    return _Few(agg.column or "", agg.function, int(most), bool(distinct))


def _own(few: _Few) -> Column:
    """The few values of a tile alone, those that are asked for first in front; null where there are none."""
    column = in_time(few.column)
    ordered = f"reverse(array_sort({column}))" if few.of_last else f"array_sort({column})"
    values = f"transform({ordered}, x -> x.value)"
    values = f"array_distinct({values})" if few.distinct else values
    entries = f"transform(slice({values}, 1, {few.most}), x -> named_struct('t', t, 'value', x))"
    return F.expr(f"CASE WHEN size({column}) > 0 THEN {entries} END")


def _along(tiles: DataFrame, few: _Few, plan: Plan) -> DataFrame:
    beside = F.lag if few.of_last else F.lead
    there = Window.partitionBy(*plan.key_names, F.col(few.name).isNotNull()).orderBy("t")
    others, further = [c for c in tiles.columns if c != few.name], f"{few.name}_further"
    for step in range((plan.most if few.distinct else few.most - 1).bit_length()):
        tiles = tiles.select("*", beside(few.name, 2**step).over(there).alias(further))
        tiles = tiles.select(*others, F.expr(_together(few, further)).alias(few.name))
    if few.of_last:
        return tiles
    following = {f"{few.name}_after": F.lead(few.name), f"{few.name}_opens": F.lag("t")}
    tiles = tiles.select("*", *(column.over(there).alias(name) for name, column in following.items()))
    return tiles.withColumn(f"{few.name}_opens", F.col(f"{few.name}_opens").isNull())


def _together(few: _Few, further: str) -> str:
    added = further
    if few.distinct:
        added = f"filter({further}, x -> NOT exists({few.name}, y -> y.value = x.value))"
    both = f"slice(concat({few.name}, {added}), 1, {few.most})"
    return f"CASE WHEN {further} IS NULL OR size({few.name}) = {few.most} THEN {few.name} ELSE {both} END"


def followed(agg: Aggregate, plan: Plan) -> dict[str, Column]:
    """The list over the rows up to a change point, of which `recent_at` makes the value."""
    name = _few(agg).name
    entered, left = (None if shift is None else F.col("source") == F.lit(plan.source(shift)) for shift in stay(agg))
    assert entered is not None  # noqa: S101 - for the types
    there = F.col(name).isNotNull()
    if agg.function == "last_n":
        found = F.when(entered & there, F.struct(F.col(name).alias("few")))
    else:
        found = F.when(
            (F.col("source") == F.lit(0)) & F.col(f"{name}_opens") & there, F.struct(F.col(name).alias("few"))
        )
        found = found if left is None else found.when(left & there, F.struct(F.col(f"{name}_after").alias("few")))
    return {f"{agg.name}_own": F.last(found, ignorenulls=True)}


def recent_at(agg: Aggregate) -> Column:
    """The values at a change point, in the order of time."""
    few, (enters, leaves) = f"{agg.name}_own.few", stay(agg)
    if agg.function == "first_n":
        values = f"transform(filter({few}, x -> x.t <= at - {enters}), x -> x.value)"
    else:
        held = few if leaves is None else f"filter({few}, x -> x.t > at - {leaves})"
        values = f"reverse(transform({held}, x -> x.value))"
    return F.coalesce(F.expr(values), F.array().cast(dtype_of(agg.word)))
