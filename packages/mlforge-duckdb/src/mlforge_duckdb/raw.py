"""Aggregates that do not add up over tiles: they look at all events of a window."""

from __future__ import annotations

from mlforge.model.schema import is_float
from mlforge_duckdb.aggs import Agg, Plan, Value, columns


def with_slow(points: str, events: str, plan: Plan) -> str:
    """The change points, a query, with the aggregates that need the numbered events, which is another."""
    inputs = list(dict.fromkeys(a.column or "" for a in plan.slow))
    nothing = ", ".join("NULL" for _ in inputs)
    marked = (
        f"SELECT e, t, false AS mark, {', '.join(inputs)} FROM ({events}) "
        f"UNION ALL SELECT e, t, true, {nothing} FROM points"
    )
    frames = (
        f"in{i} AS (PARTITION BY e ORDER BY t RANGE BETWEEN {w - 1} PRECEDING AND CURRENT ROW)"
        for i, w in enumerate(plan.windows)
    )
    raw = columns(*(_raw(a, plan.windows.index(a.window)) for a in plan.slow))
    seen = f"SELECT e, t, mark, {raw} FROM ({marked}) WINDOW {', '.join(frames)}"
    made = columns([f"{_of_raw(a, plan.values[a.column or ''])} AS {a.name}" for a in plan.slow])
    found = f"SELECT e, t, {made} FROM ({seen}) WHERE mark"
    return f"WITH points AS MATERIALIZED ({points}) SELECT * FROM points JOIN ({found}) USING (e, t) ORDER BY e, t"


def _raw(agg: Agg, window: int) -> list[str]:
    column = agg.column
    if agg.function == "std":
        return [f"list({column}) FILTER (WHERE {column} IS NOT NULL) OVER in{window} AS {agg.name}_all"]
    return [
        f"quantile_disc({column}, {place}) OVER in{window} AS {agg.name}_{end}"
        for place, end in ((0.5, "low"), (-0.5, "high"))
    ]


def _of_raw(agg: Agg, value: Value) -> str:
    if agg.function == "std":
        return _spread(f"{agg.name}_all")
    low, high = f"{agg.name}_low", f"{agg.name}_high"
    if is_float(value.word):
        return f"CAST({low} AS DOUBLE) / 2 + CAST({high} AS DOUBLE) / 2"
    return f"CAST(CAST({low} AS HUGEINT) + CAST({high} AS HUGEINT) AS DOUBLE) / 2"


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
