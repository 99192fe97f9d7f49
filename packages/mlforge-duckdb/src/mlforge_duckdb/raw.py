"""Aggregates that do not add up over tiles: they look at all values of a window.

Where windows hold few values, their medians are taken of lists. The values stand one after the other in the order of
entities and time; a window is a run of them, and lies within two blocks of as many values as it may hold. Where a
window holds many, a frame costs less, whose effort does not grow with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from mlforge.model.schema import is_float
from mlforge_duckdb.aggs import Agg, Plan, Value, columns, ended, held

BLOCKS = (8, 32, 128)  # values: each window is copied with the rest of its two blocks

_MIDDLE = "[0.5, 0.50001]"  # the lower and the upper of two values in the middle, or twice the one, of not too many


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
            yield " UNION ALL ".join(_medians(value, medians, events, plan))
        if spreads := [a for a in mine if a.function == "std"]:
            yield _spreads(value, spreads, events, plan)


def _medians(value: Value, medians: Sequence[Agg], events: str, plan: Plan) -> Iterator[str]:
    """The medians of an input, by how many values the fullest window of a change point holds."""
    fullest = f"greatest({', '.join(held(a, plan) for a in medians)})"
    ends = f"SELECT *, {fullest} AS n FROM points"
    for above, most in pairwise((0, *BLOCKS)):
        yield _listed(value, medians, f"FROM ({ends}) WHERE n > {above} AND n <= {most}", most, events, plan)
    yield _framed(value, medians, f"FROM ({ends}) WHERE n > {BLOCKS[-1]}", events, plan)


def _listed(value: Value, medians: Sequence[Agg], ends: str, most: int, events: str, plan: Plan) -> str:
    """The medians at change points whose windows hold no more than `most` values."""
    name, end = value.name, ended(value)
    known = f"SELECT {name}, row_number() OVER () AS r FROM ({events}) WHERE {name} IS NOT NULL"
    blocks = f"SELECT (r - 1) // {most} AS b, list({name} ORDER BY r) AS vs FROM ({known}) GROUP BY b"
    both = f"SELECT b, list_concat(coalesce(lag(vs) OVER (ORDER BY b), []), vs) AS vs FROM ({blocks})"
    placed = f"SELECT *, ({end} - 1) // {most} AS b, {end} - greatest(b - 1, 0) * {most} AS z FROM ({ends})"
    seen = f"SELECT * REPLACE (vs[z - n + 1:z] AS vs) FROM ({placed}) JOIN ({both}) USING (b)"
    middles = [f"list_aggregate(vs[-{held(a, plan)}:], 'quantile_disc', {_MIDDLE})" for a in medians]
    pairs = [f"CASE WHEN {held(a, plan)} > 0 THEN {m} END AS {a.name}" for a, m in zip(medians, middles, strict=True)]
    found = f"SELECT {columns(['e', 't'], pairs)} FROM ({seen})"
    return _halfway(value, [(a.name, f"{a.name}[1]", f"{a.name}[2]") for a in medians], found)


def _framed(value: Value, medians: Sequence[Agg], ends: str, events: str, plan: Plan) -> str:
    """The medians at other change points."""
    low, high = (
        [
            f"quantile_disc({value.name}, {place}) OVER in{plan.windows.index(a.window)} AS {a.name}_{side}"
            for a in medians
        ]
        for side, place in (("low", 0.5), ("high", -0.5))
    )
    marked = (
        f"SELECT e, t, false AS mark, {value.name} FROM ({events}) SEMI JOIN ({ends}) USING (e) "
        f"UNION ALL SELECT e, t, true, NULL FROM ({ends})"
    )
    found = f"FROM (SELECT {columns(['e', 't', 'mark'], low, high)} FROM ({marked}) {_windows(plan)}) WHERE mark"
    return _halfway(value, [(a.name, f"{a.name}_low", f"{a.name}_high") for a in medians], found)


def _windows(plan: Plan) -> str:
    frames = (
        f"in{i} AS (PARTITION BY e ORDER BY t RANGE BETWEEN {w - 1} PRECEDING AND CURRENT ROW)"
        for i, w in enumerate(plan.windows)
    )
    return f"WINDOW {', '.join(frames)}"


def _halfway(value: Value, middles: Sequence[tuple[str, str, str]], found: str) -> str:
    """Change points with the means, under a name, of two values each."""
    if is_float(value.word):
        made = [f"CAST({low} AS DOUBLE) / 2 + CAST({high} AS DOUBLE) / 2 AS {name}" for name, low, high in middles]
    else:
        made = [
            f"CAST(CAST({low} AS HUGEINT) + CAST({high} AS HUGEINT) AS DOUBLE) / 2 AS {name}"
            for name, low, high in middles
        ]
    return f"SELECT {columns(['e', 't'], made)} FROM ({found})"


def _spreads(value: Value, spreads: Sequence[Agg], events: str, plan: Plan) -> str:
    """The standard deviations of an input at all change points."""
    marked = f"SELECT e, t, false AS mark, {value.name} FROM ({events}) UNION ALL SELECT e, t, true, NULL FROM points"
    known = f"list({value.name}) FILTER (WHERE {value.name} IS NOT NULL)"
    lists = [f"{known} OVER in{plan.windows.index(a.window)} AS {a.name}" for a in spreads]
    found = f"SELECT {columns(['e', 't', 'mark'], lists)} FROM ({marked}) {_windows(plan)}"
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
