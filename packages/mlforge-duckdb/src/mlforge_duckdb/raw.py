"""Aggregates that do not add up over tiles: they look at all values of a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_duckdb.aggs import Plan, Value, columns, frames
from mlforge_duckdb.medians import medians_of


def with_slow(points: str, events: str, plan: Plan) -> str:
    """The change points, a query, with the aggregates that need the numbered events, which is another."""
    tables, joins = [f"points AS MATERIALIZED ({points})"], []
    for number, query in enumerate(_found(events, plan)):
        tables.append(f"found{number} AS ({query})")
        joins.append(f"LEFT JOIN found{number} USING (e, t)")
    return f"WITH {', '.join(tables)} FROM points {' '.join(joins)} ORDER BY e, t"


def _found(events: str, plan: Plan) -> Iterator[str]:
    """Change points with some of the slow aggregates each, those aside where these are null."""
    for name in dict.fromkeys(a.column or "" for a in plan.slow):
        value, mine = plan.values[name], [a for a in plan.slow if a.column == name]
        if medians := [a for a in mine if a.function == "median"]:
            yield medians_of(value, medians, events, plan)
        if spreads := [a for a in mine if a.function == "std"]:
            yield _spreads(value, spreads, events, plan)


def _spreads(value: Value, spreads: Sequence[Aggregate], events: str, plan: Plan) -> str:
    """The standard deviations of an input at all change points."""
    marked = f"SELECT e, t, false AS mark, {value.name} FROM ({events}) UNION ALL SELECT e, t, true, NULL FROM points"
    known = f"list({value.name}) FILTER (WHERE {value.name} IS NOT NULL)"
    lists = [f"{known} OVER in{plan.windows.index(a.window)} AS {a.name}" for a in spreads]
    found = f"SELECT {columns(['e', 't', 'mark'], lists)} FROM ({marked}) {frames(plan)}"
    made = [f"{_spread(a.name)} AS {a.name}" for a in spreads]
    return f"SELECT {columns(['e', 't'], made)} FROM ({found}) WHERE mark"


def _spread(values: str) -> str:
    """The standard deviation of a list, from its distances to one of its values, so that no digit is cancelled."""
    halves = f"list_transform({values}, lambda x: CAST(x AS DOUBLE) / 2 - CAST({values}[1] AS DOUBLE) / 2)"
    size = f"list_max(list_transform({halves}, lambda d: abs(d)))"
    unit = f"list_transform({halves}, lambda d: d / {size})"
    broken = f"list_bool_or(list_transform({values}, lambda x: NOT isfinite(CAST(x AS DOUBLE))))"
    return (
        f"CASE WHEN len({values}) < 2 THEN NULL WHEN {broken} THEN CAST('nan' AS DOUBLE) WHEN {size} = 0 THEN 0.0 "
        f"ELSE list_stddev_samp({unit}) * {size} * 2 END"
    )
