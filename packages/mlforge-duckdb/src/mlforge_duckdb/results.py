"""From the totals of windows to their aggregates."""

from __future__ import annotations

from mlforge.model.schema import is_float
from mlforge.plugin.engine.aggregations import Aggregate
from mlforge.plugin.engine.types import is_decimal
from mlforge_duckdb import ends, exact
from mlforge_duckdb.aggs import BOUNDS, Plan, Value, block_start, columns, reached, stay
from mlforge_duckdb.running import entering, latest
from mlforge_duckdb.types import sql_of, text

TOO_MANY_DIGITS = "more than 38 digits in"
"""How a query says that a sum of decimals does not fit; the aggregate's name follows."""


def finished(query: str, plan: Plan) -> str:
    """The change points with a column for each aggregate that needs no events, and with what the others need."""
    runs = [(plan.values[a.column or ""], shift) for a in plan.ranged for shift in stay(a)]
    places = dict.fromkeys(f"{latest(s, plan)}.{v.events} AS {reached(v, s, plan)}" for v, s in runs)
    found = [_finish(agg, plan) for agg in plan.quick]
    made = [f"CAST({sql} AS {sql_of(a.word)}) AS {a.name}" for a, (_, sql) in zip(plan.quick, found, strict=True)]
    query = exact.computed(query, exact.side_by_side([steps for steps, _ in found]))
    return f"SELECT {columns(['e', *plan.key_names, 't'], list(places), made)} FROM ({query})"


def _finish(agg: Aggregate, plan: Plan) -> tuple[exact.Steps, str]:
    """What an aggregate is computed by, and the aggregate over it."""
    if agg.function in BOUNDS:
        return [], _bound(agg, plan)
    w = f"w{plan.window(agg)}_"
    if agg.column is None:
        return [], f"{w}n"
    value = plan.values[agg.column]
    if agg.function == "count":
        return [], w + value.events
    if agg.function == "std":
        return _std(value, w, agg.name)
    if agg.function == "sum" and is_decimal(value.word):
        return [], _digits(value, w, agg.name)
    if agg.function == "sum" and not is_float(value.word):
        return [], w + value.limbs[0]
    parts, total = [w + limb for limb in value.limbs], f"total_{agg.name}"
    if agg.function == "mean":
        return ends.mean_of(parts, value.sums, w + value.events, total), _unless_special(total, value, w)
    return ends.sum_of(parts, value.sums, total), _unless_special(total, value, w)


def _digits(value: Value, w: str, name: str) -> str:
    """The sum of the digits of decimals, or the error `TOO_MANY_DIGITS` with the aggregate's name."""
    total, most, step = w + value.limbs[0], 10**38 - 1, 2**value.sums.width
    if len(value.limbs) > 1:
        low, high = (w + limb for limb in value.limbs)
        carry, bound = f"(({low} - ({low} % {step} + {step}) % {step}) // {step})", 2 ** (127 - value.sums.width)
        fits = f"{high} + {carry} > -{bound} AND {high} + {carry} < {bound}"
        total = f"CASE WHEN {fits} THEN ({high} + {carry}) * {step} + ({low} - {carry} * {step}) END"
    error = text(f"{TOO_MANY_DIGITS} {name}")
    return f"CASE WHEN coalesce(({total}) BETWEEN -{most} AND {most}, false) THEN {total} ELSE error({error}) END"


def _unless_special(total: str, value: Value, w: str) -> str:
    """The total, unless there was NaN or an infinity."""
    if not value.special:
        return total
    nan, up, down = (f"{w}{name} > 0" for name in value.unusual)
    infinite = f"WHEN {up} THEN CAST('inf' AS DOUBLE) WHEN {down} THEN CAST('-inf' AS DOUBLE)"
    return f"CASE WHEN {nan} OR ({up} AND {down}) THEN CAST('nan' AS DOUBLE) {infinite} ELSE {total} END"


def _std(value: Value, w: str, name: str) -> tuple[exact.Steps, str]:
    """The root of `n * sum(x * x) - sum(x) ** 2` over `n * (n - 1)`, exact up to the division."""
    n, limbs, root = f"{w}{value.events}", value.squares, f"total_{name}"
    places = [""] * (2 * limbs.length - 1)
    for pair, (i, j) in value.pairs.items():
        a, b = (w + value.roots[place] for place in (i, j))
        term = f"{1 if i == j else 2} * ({n} * {w}{pair} - {a} * {b})"
        places[i + j] += f" + {term}" if places[i + j] else term
    steps = ends.std_of(places, limbs, n, root)
    if value.special:
        broken = " OR ".join(f"{w}{kind} > 0" for kind in value.unusual)
        root = f"CASE WHEN {broken} THEN CAST('nan' AS DOUBLE) ELSE {root} END"
    return steps, f"CASE WHEN {n} > 1 THEN {root} END"


def _bound(agg: Aggregate, plan: Plan) -> str:
    """The bound over the window's own block, and over what it reaches of the block before."""
    bound, now = plan.bound(agg), f"(t - {agg.enters})" if agg.enters else "t"
    time, slot, mine = entering(bound, agg.enters, plan)
    if bound.length is None:
        return f"CASE WHEN {mine} THEN {slot} END"
    if not plan.blocked(bound.length):
        return f"CASE WHEN {mine} AND {time} = {now} THEN {slot} END"
    begins, left = block_start(bound.length, now), latest(agg.leaves, plan)
    own = f"CASE WHEN {mine} AND {time} >= {begins} THEN {slot} END"
    reached = f"{left}.e_next = e AND {left}.t_next < {begins}"
    choose = "least" if agg.function == "min" else "greatest"
    return f"{choose}({own}, CASE WHEN {reached} THEN {left}.{bound.slot} END)"
