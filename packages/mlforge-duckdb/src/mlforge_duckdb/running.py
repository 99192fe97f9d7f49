"""From tiles to change points: every tile makes a row where it enters and one where it leaves each of the windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_duckdb.aggs import BOUNDS, Plan, columns
from mlforge_duckdb.tiles import RUNNING, partials_of


def at_change_points(tiles: str, plan: Plan) -> str:
    """For each change point the totals of each window, `w{i}_{partial}`, and the tiles that its bounds are made of.

    `tiles` is the name of tiles with neighbours; `entered` and `left{i}` are of the latest that did.
    """
    ordered = f"SELECT * FROM ({' UNION ALL '.join(_rows(tiles, plan))}) ORDER BY e, t"
    entering = [*plan.key_names, "t", *partials_of(plan), *(b.slot for b in plan.bounds)]
    latest = [f"{_latest('source = 0', entering)} AS entered"]
    for number in range(len(plan.windows)):
        slots = [b.slot for b in plan.bounds if b.window == number and plan.blocked(number)]
        leaving = [*(p for i, p in _needed(plan) if i == number), *slots, *(["e_next", "t_next"] if slots else [])]
        latest += [f"{_latest(f'source = {number + 1}', leaving)} AS left{number}"] if leaving else []
    following = ["lead(e) OVER () AS e_after", "lead(t) OVER () AS t_after"]
    query = f"SELECT {columns(['e', 't'], following, latest)} FROM ({ordered})"
    last = "e > 0 AND (e_after IS DISTINCT FROM e OR t_after IS DISTINCT FROM t)"
    keys = [f"entered.{k} AS {k}" for k in plan.key_names]
    totals = [f"entered.{p} - left{i}.{p} AS w{i}_{p}" for i, p in _needed(plan)]
    return f"SELECT {columns(['*'], keys, totals)} FROM ({query}) WHERE {last}"


def _rows(tiles: str, plan: Plan) -> Iterator[str]:
    """A row for each tile that enters (`source` 0) and one for each that leaves a window (its number from 1).

    Before all of them each window is left once by nothing: so the first tile of all is a next one as well.
    """
    partials, bounds = list(partials_of(plan)), plan.bounds
    entering = columns(plan.key_names, partials, [b.slot for b in bounds])
    nothing = "NULL::INTEGER AS e_next, NULL::BIGINT AS t_next"
    yield f"SELECT e, t, 0::UTINYINT AS source, {entering}, {nothing} FROM {tiles}"
    for number, window in enumerate(plan.windows):
        mine = [b for b in bounds if b.window == number and plan.blocked(number)]
        unkeyed = ["NULL" for _ in plan.key_names]
        leaving = columns(unkeyed, partials, [f"{b.slot}_on_next" if b in mine else "NULL" for b in bounds])
        following = "e_next, t_next" if mine else "NULL, NULL"
        yield f"SELECT e, t + {window}, {number + 1}, {leaving}, {following} FROM {tiles}"
        first = columns(unkeyed, ["0" for _ in partials], [f"{b.slot}_on" if b in mine else "NULL" for b in bounds])
        yield f"SELECT 0, t, {number + 1}, {first}, e, t FROM (FROM {tiles} ORDER BY e, t LIMIT 1)"


def _latest(condition: str, names: Sequence[str]) -> str:
    """The columns of the latest row that fulfils a condition."""
    row = "{" + ", ".join(f"'{c}': {c}" for c in names) + "}"
    return f"last_value(CASE WHEN {condition} THEN {row} END IGNORE NULLS) {RUNNING}"


def _needed(plan: Plan) -> list[tuple[int, str]]:
    """Which partials each window is computed from."""
    added = [a for a in plan.aggs if a.function not in BOUNDS]
    return list(dict.fromkeys((plan.windows.index(a.leaves), p) for a in added for p in _partials(a, plan)))


def _partials(agg: Aggregate, plan: Plan) -> list[str]:
    if agg.column is None:
        return ["n"]
    value = plan.values[agg.column]
    if agg in plan.slow:
        return [value.events]
    match agg.function:
        case "count":
            return [value.events]
        case "sum":
            return [*value.unusual, *value.limbs]
        case "mean":
            return [value.events, *value.unusual, *value.limbs]
        case _:
            return [value.events, *value.unusual, *value.roots, *value.pairs]
