"""Aggregates that look at the values of a window one by one: runs of them, in the order of entity, time and value."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_polars.aggs import Plan, is_ordered
from mlforge_polars.values import Value
from mlforge_ranges import Ranges


class Sequences:
    """The values of the inputs that are looked at one by one, without nulls, and the entity of each."""

    def __init__(self, events: pl.DataFrame, plan: Plan) -> None:
        self._events, self._plan = events, plan
        self._found: dict[str, Ranges] = {}

    def of(self, value: Value, low: pl.Series, high: pl.Series) -> Ranges:
        """Ranges of an input's values: in the order of time, then of value, where one of its aggregates asks for it."""
        if value.name not in self._found:
            nowhere = pl.Series(dtype=pl.UInt32)
            self._found[value.name] = Ranges(*self._sequence(value), nowhere, nowhere)
        return self._found[value.name].moved(low, high)

    def _sequence(self, value: Value) -> tuple[pl.Series, pl.Series]:
        name, plan = value.name, self._plan
        order = [n for n in ("key", "when") if n in self._events.columns]
        there = self._events.lazy().select(*order, name).drop_nulls(name)
        if any(is_ordered(a) for a in plan.aggs if a.column is not None and plan.values[a.column].name == name):
            there = there.sort(*order, name)
        found = there.select(pl.col("key") // plan.clock.gap, name).collect()
        return found[name], found["key"]


def ranged(
    sequences: Sequences, sums: pl.DataFrame, high: pl.Series, low: pl.Series, aggs: Sequence[Aggregate], plan: Plan
) -> list[pl.Series]:
    """What is found one by one of the tiles from `low` up to, not including, `high`: a column for each aggregate."""
    found = []
    for column in dict.fromkeys(a.column for a in aggs if plan.is_ranged(a)):
        value, counted = plan.values[column], sums[plan.values[column].events]
        runs = sequences.of(value, counted.gather(low), counted.gather(high))
        mine = [a for a in aggs if a.column == column and plan.is_ranged(a)]
        found += [runs.aggregated(a.function, a.options).alias(ranged_name(a, value)) for a in mine]
    return found


def ranged_name(agg: Aggregate, value: Value) -> str:
    """The column in which an aggregate is found."""
    return f"{value.name}.{agg.name}"
