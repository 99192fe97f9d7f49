"""Aggregates that look at the values of a window one by one: runs of them, in the order of entity, time and value.

How many values came to a shift by a change point is where its run begins or ends. So runs need no search, and what is
found of them stands beside the change points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from mlforge.model.aggregation import AGGREGATIONS
from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_duckdb.aggs import Plan, Stay, columns, reached, stay
from mlforge_ranges import Ranges


def inputs_of(plan: Plan) -> list[str]:
    """The inputs of runs."""
    return list(dict.fromkeys(a.column or "" for a in plan.ranged))


def ends_of_runs(plan: Plan) -> str:
    """The columns of the change points in which runs begin and end."""
    found = (reached(plan.values[a.column or ""], shift, plan) for a in plan.ranged for shift in stay(a))
    return columns(list(dict.fromkeys(found)))


def ranged(events: pl.DataFrame, points: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """The aggregates of runs, of which the ends stand at change points, over events by `e` and `happened`."""
    return pl.DataFrame([column for name in inputs_of(plan) for column in _of_input(name, events, points, plan)])


def _of_input(name: str, events: pl.DataFrame, points: pl.DataFrame, plan: Plan) -> Iterator[pl.Series]:
    mine = [a for a in plan.ranged if a.column == name]
    there = _in_order(events.select("e", "happened", name).drop_nulls(name), name, mine)
    nowhere = pl.Series(dtype=pl.UInt32)
    values = Ranges(there[name], there["e"], nowhere, nowhere)
    for window, some in _by_window(mine).items():
        high, low = (points[reached(plan.values[name], shift, plan)] for shift in window)
        runs = values.moved(low, high)
        for agg in some:
            yield runs.aggregated(agg.function, agg.options).alias(agg.name)


def _in_order(there: pl.DataFrame, name: str, aggs: Sequence[Aggregate]) -> pl.DataFrame:
    """The values in the order of time, then of value, where that matters: where there are others at the same time."""
    if all(AGGREGATIONS[a.function].needs != "order" for a in aggs):
        return there
    same = (pl.col("e") == pl.col("e").shift()) & (pl.col("happened") == pl.col("happened").shift())
    tied = there.select((same & (pl.col(name) != pl.col(name).shift())).any()).item()
    return there.sort("e", "happened", name) if tied else there


def _by_window(aggs: Sequence[Aggregate]) -> Mapping[Stay, Sequence[Aggregate]]:
    found: dict[Stay, list[Aggregate]] = {}
    for agg in aggs:
        found.setdefault(stay(agg), []).append(agg)
    return found
