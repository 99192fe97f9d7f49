"""Tiles: the events of one entity and instant, and what is known of each tile beside its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlforge.model.schema import is_float
from mlforge_duckdb import exact
from mlforge_duckdb.aggs import Bound, Plan, Value, columns

RUNNING = "OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"


def partials_of(plan: Plan) -> dict[str, str]:
    """What of a tile's events adds up over tiles, and how it is computed from the events."""
    partials = {"n": "count(*)"}
    for value in plan.values.values():
        partials |= _partials(value)
    return partials


def _partials(value: Value) -> dict[str, str]:
    partials = {value.events: f"count({value.name})"} if value.nullable else {}
    sums = {limb: limb for limb in value.limbs} if value.summed else {}
    if value.squared:
        sums |= {root: root for root in value.roots}
        sums |= {pair: f"{value.roots[i]} * {value.roots[j]}" for pair, (i, j) in value.pairs.items()}
    total = "coalesce(sum({}), 0)" if value.nullable else "sum({})"
    return partials | value.unusual | {name: total.format(addend) for name, addend in sums.items()}


def tiles_of(events: str, plan: Plan) -> str:
    """One row per entity and instant among the events."""
    query = exact.computed(events, exact.side_by_side([s for v in plan.values.values() for s in _splits(v)]))
    sums = [f"{sql} AS {name}" for name, sql in partials_of(plan).items()]
    bounds = dict.fromkeys(f"{b.function}({b.value}) AS {b.tile}" for b in plan.bounds)
    identity = columns(plan.key_names, ["t"])
    return f"SELECT {columns([identity], sums, list(bounds))} FROM ({query}) GROUP BY {identity}"


def _splits(value: Value) -> Iterator[exact.Steps]:
    """How a value is split into what is summed, and what is squared."""
    floating = is_float(value.word)
    if value.summed:
        yield exact.split(value.finite, floating, value.sums, f"{value.name}_s")
    if value.squared:
        yield exact.split(value.finite, floating, value.squares, f"{value.name}_r")


def numbered(rows: str, plan: Plan) -> str:
    """Rows in the order of keys and time, their entities numbered from 1 as `e`."""
    changed = " OR ".join(f"{k} IS DISTINCT FROM lag({k}) OVER ()" for k in plan.key_names)
    query = f"SELECT *, {changed} AS changed FROM (FROM ({rows}) ORDER BY {columns(plan.key_names, ['t'])})"
    return f"SELECT * EXCLUDE (changed), count(*) FILTER (changed) {RUNNING} AS e FROM ({query})"


def with_neighbours(tiles: str, plan: Plan, longest: int) -> str:
    """Numbered tiles with running totals for partials, and what the blocks they stand in hold up to and from them.

    `{slot}` is the bound of the block up to the tile, `{slot}_on` that from it on, and `{slot}_next` that from the
    next tile on, which is the oldest in a window once this one has left. No entity has more tiles than `longest`.
    """
    totals = [f"CAST(sum({p}) {RUNNING} AS {_total(p)}) AS {p}" for p in partials_of(plan)]
    blocked = [b for b in plan.bounds if plan.blocked(b.window)]
    slots = [f"{b.tile} AS {b.slot}" for b in plan.bounds]
    slots += [f"{b.tile} AS {b.slot}_on" for b in blocked]
    query = f"SELECT * REPLACE ({', '.join(totals)}), {columns(slots)} FROM ({tiles})" if slots else ""
    query = query or f"SELECT * REPLACE ({', '.join(totals)}) FROM ({tiles})"
    for window in dict.fromkeys(b.window for b in blocked):
        query = _over_blocks(query, [b for b in blocked if b.window == window], plan, longest)
    leads = [f"lead({c}) OVER () AS {c}_next" for c in ["e", "t", *(f"{b.slot}_on" for b in blocked)]]
    return f"SELECT {columns(['*'], leads)} FROM ({query})"


def _total(partial: str) -> str:
    """The type of a running total: counts fit 64 bits."""
    return "HUGEINT" if partial.rpartition("_")[2][:1] in ("s", "r", "p") else "BIGINT"


def _over_blocks(query: str, bounds: Sequence[Bound], plan: Plan, longest: int) -> str:
    """The query with a tile's bounds made those of its block up to the tile, and from it on.

    Each step doubles how many tiles they reach over; steps are by rows, which costs less than any frame.
    """
    window = bounds[0].window
    starts = f"e IS DISTINCT FROM lag(e) OVER () OR {plan.block(window, 't')} <> lag({plan.block(window, 't')}) OVER ()"
    query = f"SELECT *, {starts} AS starts FROM ({query})"
    query = f"SELECT * EXCLUDE (starts), count(*) FILTER (starts) {RUNNING} AS block FROM ({query})"
    most = longest if plan.interval is None else min(longest, plan.windows[window] // plan.interval)
    for step in range(max(0, most - 1).bit_length()):
        query = _doubled(query, bounds, 2**step)
    return f"SELECT * EXCLUDE (block) FROM ({query})"


def _doubled(query: str, bounds: Sequence[Bound], rows: int) -> str:
    reached = [f"{look}(block, {rows}) OVER () AS {look}_block" for look in ("lag", "lead")]
    reached += [
        f"lag({b.slot}, {rows}) OVER () AS {b.slot}_far, lead({b.slot}_on, {rows}) OVER () AS {b.slot}_on_far"
        for b in bounds
    ]
    made = []
    for bound in bounds:
        choose = "least" if bound.function == "min" else "greatest"
        for name, look in ((bound.slot, "lag"), (f"{bound.slot}_on", "lead")):
            made.append(f"CASE WHEN {look}_block = block THEN {choose}({name}, {name}_far) ELSE {name} END AS {name}")
    left = columns(["lag_block", "lead_block"], [f"{b.slot}{end}" for b in bounds for end in ("_far", "_on_far")])
    return f"SELECT * EXCLUDE ({left}) REPLACE ({', '.join(made)}) FROM (SELECT *, {', '.join(reached)} FROM ({query}))"
