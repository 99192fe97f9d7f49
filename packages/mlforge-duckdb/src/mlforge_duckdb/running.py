"""From tiles to change points: every tile makes a row at each shift at which it enters windows or leaves them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_duckdb.aggs import BOUNDS, Bound, Plan, columns
from mlforge_duckdb.tiles import RUNNING, changing, partials_of

_NEVER = 2**63 - 1  # later than any instant


def at_change_points(tiles: str, plan: Plan) -> str:
    """For each change point the totals of each window, `w{i}_{partial}`, and the tiles that its bounds are made of.

    `tiles` is the name of tiles with neighbours; `entered` and `past{i}` are of the latest that came to each shift.
    """
    tidied = _tidied_late(plan)
    order = "e, t, changes" if tidied else "e, t"
    ordered = f"SELECT * FROM ({' UNION ALL '.join(_rows(tiles, plan))}) ORDER BY {order}"
    found = [
        f"{_latest(f'source = {number}', carried)} AS {latest(shift, plan)}"
        for number, shift in enumerate(plan.shifts)
        if (carried := _carried(shift, plan))
    ]
    following = ["lead(e) OVER () AS e_after", "lead(t) OVER () AS t_after"]
    query = f"SELECT {columns(['e', 't'], ['changes'] if tidied else [], following, found)} FROM ({ordered})"
    last = "e > 0 AND (e_after IS DISTINCT FROM e OR t_after IS DISTINCT FROM t)"
    last += f" AND t < {_NEVER}" if None in plan.shifts else ""
    last += " AND changes" if tidied else ""
    keys = [f"entered.{k} AS {k}" for k in plan.key_names]
    totals = [f"{total(i, p, plan)} AS w{i}_{p}" for i, p in _needed(plan)]
    return f"SELECT {columns(['*'], keys, totals)} FROM ({query}) WHERE {last}"


def latest(shift: int | None, plan: Plan) -> str:
    """The column of the change points that is of the latest tile which came to a shift."""
    return f"past{plan.shifts.index(shift)}" if shift != 0 else "entered"


def total(window: int, partial: str, plan: Plan) -> str:
    """What a window holds: what entered it without what left, or without what was before the entity, in SQL."""
    entered, left = (f"{latest(shift, plan)}.{partial}" for shift in plan.windows[window])
    return f"{entered} - {left}"


def entering(bound: Bound, shift: int, plan: Plan) -> tuple[str, str, str]:
    """Of the latest tile in a window: its time, the bound up to it, and whether it is of the entity, in SQL."""
    name = latest(shift, plan)
    if shift == 0:
        return f"{name}.t", f"{name}.{bound.slot}", "true"
    return f"{name}.t_in", f"{name}.{bound.slot}_in", f"{name}.e_in = e"


def _tidied_late(plan: Plan) -> bool:
    """Are rows that change nothing needed up to the end, to know which tile is the next?"""
    return any(plan.bounds_at(shift)[1] for shift in plan.passing)


def _carried(shift: int | None, plan: Plan) -> list[str]:
    """What is needed of the latest tile at a shift."""
    if shift == 0:
        return [*plan.key_names, "t", *partials_of(plan), *(b.slot for b in plan.bounds_at(0)[0])]
    totals = dict.fromkeys(p for i, p in _needed(plan) if shift in plan.windows[i])
    arriving, leaving = plan.bounds_at(shift) if shift is not None else ([], [])
    next_ = [*(b.slot for b in leaving), "e_next", "t_next"] if leaving else []
    return [*totals, *next_, *([*(f"{b.slot}_in" for b in arriving), "e_in", "t_in"] if arriving else [])]


def _rows(tiles: str, plan: Plan) -> Iterator[str]:
    """A row for each tile at each shift; `source` is the number of the shift.

    Before all of them each shift but the first is come to by nothing: so the first tile of all is a next one as well.
    Where windows have no end, the last tile of an entity leaves them at the end of time.
    """
    for number, shift in enumerate(plan.shifts):
        tidied = ["true" if shift not in plan.passing else changing(shift or 0, plan)] if _tidied_late(plan) else []
        if shift is None:
            yield _row(tiles, str(_NEVER), number, None, plan, tidied) + f" WHERE {tiles}.e_next IS DISTINCT FROM e"
        elif shift in plan.passing and not tidied:
            yield _row(tiles, f"t + {shift}", number, shift, plan, tidied) + f" WHERE {changing(shift, plan)}"
        else:
            yield _row(tiles, f"t + {shift}" if shift else "t", number, shift, plan, tidied)
        if number:
            yield _nothing(tiles, number, shift, plan)
    yield from _elsewhere(tiles, plan)


def _elsewhere(tiles: str, plan: Plan) -> Iterator[str]:
    """The rows of tiles at the shifts of other plans, which make change points and nothing else."""
    tidied, number = _tidied_late(plan), len(plan.shifts)
    if plain := [shift for shift in plan.elsewhere if shift not in plan.passing]:
        row = _row(tiles, "t + shift", number, None, plan, ["true"] if tidied else [])
        yield f"{row}, (SELECT unnest({plain}::BIGINT[]) AS shift)"
    for shift in plan.elsewhere:
        if shift in plan.passing:
            changes = changing(shift, plan)
            row = _row(tiles, f"t + {shift}", number, None, plan, [changes] if tidied else [])
            yield row if tidied else f"{row} WHERE {changes}"


def _row(tiles: str, time: str, number: int, shift: int | None, plan: Plan, tidied: Sequence[str]) -> str:
    """The rows of tiles at a shift."""
    keys = plan.key_names if shift == 0 else [f"NULL AS {k}" for k in plan.key_names]
    arriving, leaving = plan.bounds_at(shift) if shift is not None else ([], [])
    slots = [_slot(b, shift, leaving, f"{b.slot}_on_next") for b in plan.bounds]
    next_ = ["e_next", "t_next"] if leaving else ["NULL::INTEGER AS e_next", "NULL::BIGINT AS t_next"]
    changes = [f"{sql} AS changes" for sql in tidied]
    small = "UTINYINT" if len(plan.shifts) < 255 else "USMALLINT"
    named = columns(["e", f"{time} AS t", f"{number}::{small} AS source"], changes, keys, list(partials_of(plan)))
    return f"SELECT {columns([named], slots, next_, _arrived(tiles, plan, arriving if shift else []))} FROM {tiles}"


def _nothing(tiles: str, number: int, shift: int | None, plan: Plan) -> str:
    """The row of nothing before all tiles at a shift."""
    leaving = plan.bounds_at(shift)[1] if shift is not None else []
    slots = [_slot(b, shift, leaving, f"{b.slot}_on") for b in plan.bounds]
    changes = ["true"] if _tidied_late(plan) else []
    head = columns(["0", "t", str(number)], changes, ["NULL" for _ in plan.key_names], ["0" for _ in partials_of(plan)])
    found = columns([head], slots, ["e", "t"], _arrived("first", plan, []))
    return f"SELECT {found} FROM (FROM {tiles} ORDER BY e, t LIMIT 1) AS first"


def _slot(bound: Bound, shift: int | None, leaving: Sequence[Bound], on: str) -> str:
    if shift == 0:
        return bound.slot
    return f"{on if bound in leaving else 'NULL'} AS {bound.slot}"


def _arrived(tiles: str, plan: Plan, arriving: Sequence[Bound]) -> list[str]:
    """The tiles that enter windows later than they are known, and their bounds."""
    late = dict.fromkeys(b for s in plan.shifts if s for b in plan.bounds_at(s)[0])
    if not late:
        return []
    slots = [f"CASE WHEN {str(b in arriving).lower()} THEN {tiles}.{b.slot} END AS {b.slot}_in" for b in late]
    tile = (
        [f"{tiles}.e AS e_in", f"{tiles}.t AS t_in"] if arriving else ["NULL::INTEGER AS e_in", "NULL::BIGINT AS t_in"]
    )
    return [*slots, *tile]


def _latest(condition: str, names: Sequence[str]) -> str:
    """The columns of the latest row that fulfils a condition."""
    row = "{" + ", ".join(f"'{c}': {c}" for c in names) + "}"
    return f"last_value(CASE WHEN {condition} THEN {row} END IGNORE NULLS) {RUNNING}"


def _needed(plan: Plan) -> list[tuple[int, str]]:
    """Which partials each window is computed from."""
    added = [a for a in plan.aggs if a.function not in BOUNDS]
    return list(dict.fromkeys((plan.window(a), p) for a in added for p in _partials(a, plan)))


def _partials(agg: Aggregate, plan: Plan) -> list[str]:
    if agg.column is None:
        return ["n"]
    value = plan.values[agg.column]
    if agg in plan.ranged:
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
