"""Aggregates that do not add up over tiles: they look at all values of a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge.plugin.engine.ends import GREATEST
from mlforge_duckdb.aggs import Plan, Value, columns, frames
from mlforge_duckdb.ends import root_in_least
from mlforge_duckdb.exact import Steps, computed, float_of, power, side_by_side, times_power
from mlforge_duckdb.medians import medians_of

_HALF = float_of(GREATEST / 2)
_BEYOND = float_of(GREATEST / 2 * (1 + 1e-12))  # what lies between may be rounded up, and is the greatest float


def with_slow(points: str, events: str, plan: Plan, most: int) -> str:
    """The change points, a query, with the aggregates that need the numbered events, which is another.

    No entity has more than `most` events.
    """
    tables, joins = [f"points AS MATERIALIZED ({points})"], []
    for number, query in enumerate(_found(events, plan, most)):
        tables.append(f"found{number} AS ({query})")
        joins.append(f"LEFT JOIN found{number} USING (e, t)")
    return f"WITH {', '.join(tables)} FROM points {' '.join(joins)} ORDER BY e, t"


def _found(events: str, plan: Plan, most: int) -> Iterator[str]:
    """Change points with some of the slow aggregates each, those aside where these are null."""
    for name in dict.fromkeys(a.column or "" for a in plan.slow):
        value, mine = plan.values[name], [a for a in plan.slow if a.column == name]
        if medians := [a for a in mine if a.function == "median"]:
            yield medians_of(value, medians, events, plan, most)
        if spreads := [a for a in mine if a.function == "std"]:
            yield _spreads(value, spreads, events, plan)


def _spreads(value: Value, spreads: Sequence[Aggregate], events: str, plan: Plan) -> str:
    """The standard deviations of an input at all change points."""
    marked = f"SELECT e, t, false AS mark, {value.name} FROM ({events}) UNION ALL SELECT e, t, true, NULL FROM points"
    known = f"list({value.name}) FILTER (WHERE {value.name} IS NOT NULL)"
    lists = [f"{known} OVER in{plan.windows.index(a.leaves)} AS {a.name}" for a in spreads]
    found = f"SELECT {columns(['e', 't', 'mark'], lists)} FROM ({marked}) {frames(plan)}"
    steps = [_spread(a.name) for a in spreads]
    made = [f"{sql} AS {a.name}" for a, (_, sql) in zip(spreads, steps, strict=True)]
    query = computed(f"SELECT * FROM ({found}) WHERE mark", side_by_side([calculation for calculation, _ in steps]))
    return f"SELECT {columns(['e', 't'], made)} FROM ({query})"


def _spread(name: str) -> tuple[Steps, str]:
    """The standard deviation of a list, from its distances to one of its values, so that no digit is cancelled.

    Distances are of halves where they may be beyond the greatest float; few units of the least one are whole numbers.
    """
    large, far, size, near, whole = (f"{name}_{part}" for part in ("large", "far", "size", "near", "whole"))
    unit = f"CASE WHEN {large} THEN 0.5 ELSE 1.0 END::DOUBLE"
    few = f"{size} < {power(44 - 1074)} AND len({name}) < {2**19}"  # then squares of all of them add up in 128 bits
    counted = f"list_transform({far}, lambda d: CAST({times_power('d', 1074)} AS HUGEINT))"
    steps: Steps = [
        {large: f"list_max(list_transform({name}, lambda x: abs(CAST(x AS DOUBLE)))) > 1"},
        {f"{name}_unit": unit},
        {f"{name}_numbers": f"list_transform({name}, lambda x: CAST(x AS DOUBLE) * {name}_unit)"},
        {far: f"list_transform({name}_numbers, lambda x: x - {name}_numbers[1])"},
        {size: f"list_max(list_transform({far}, lambda d: abs(d)))"},
        {
            near: f"CASE WHEN {size} > 0 AND isfinite({size}) AND len({name}) > 1 "
            f"THEN list_stddev_samp(list_transform({far}, lambda d: d / {size})) * {size} END",
            whole: f"CASE WHEN {few} THEN {counted} END",
        },
        {f"{name}_squares": f"len({name}) * list_sum(list_transform({whole}, lambda d: d * d))"},
        {f"{name}_spread": f"CASE WHEN {few} THEN {name}_squares - list_sum({whole}) * list_sum({whole}) END"},
    ]
    pairs = f"(CAST(len({name}) AS HUGEINT) * (len({name}) - 1))"
    steps += root_in_least(f"{name}_spread", pairs, near, 0, f"{name}_fine")
    broken = f"list_bool_or(list_transform({name}, lambda x: NOT isfinite(CAST(x AS DOUBLE))))"
    doubled = f"CASE WHEN {near} > {_BEYOND} THEN CAST('inf' AS DOUBLE) ELSE least({near}, {_HALF}) * 2 END"
    return steps, (
        f"CASE WHEN len({name}) < 2 THEN NULL WHEN {broken} THEN CAST('nan' AS DOUBLE) WHEN {size} = 0 THEN 0.0 "
        f"WHEN {large} THEN {doubled} WHEN {few} THEN {name}_fine ELSE {near} END"
    )
