"""Tiles: the events of one entity and instant, and what is known of each tile beside its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

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
    partials |= value.unusual
    if value.summed:
        partials |= {limb: f"sum({limb})" for limb in value.limbs}
    if value.squared:
        roots = value.roots
        partials |= {root: f"sum({root})" for root in roots}
        partials |= {pair: f"sum({roots[i]} * {roots[j]})" for pair, (i, j) in value.pairs.items()}
    return partials


def tiles_of(events: str, plan: Plan) -> str:
    """One row per entity and instant among the events."""
    query = events
    for value in plan.values.values():
        floating = is_float(value.word)
        if value.summed:
            query = exact.with_limbs(query, value.finite, floating, value.sums, f"{value.name}_s")
        if value.squared:
            query = exact.with_limbs(query, value.finite, floating, value.squares, f"{value.name}_r")
    sums = [f"{sql} AS {name}" for name, sql in partials_of(plan).items()]
    bounds = dict.fromkeys(f"{b.function}({b.value}) AS {b.tile}" for b in plan.bounds)
    identity = columns(plan.key_names, ["t"])
    return f"SELECT {columns([identity], sums, list(bounds))} FROM ({query}) GROUP BY {identity}"


def numbered(rows: str, plan: Plan) -> str:
    """Rows in the order of keys and time, their entities numbered from 1 as `e`."""
    changed = " OR ".join(f"{k} IS DISTINCT FROM lag({k}) OVER ()" for k in plan.key_names)
    query = f"SELECT *, {changed} AS changed FROM (FROM ({rows}) ORDER BY {columns(plan.key_names, ['t'])})"
    return f"SELECT * EXCLUDE (changed), count(*) FILTER (changed) {RUNNING} AS e FROM ({query})"


def with_neighbours(tiles: str, plan: Plan) -> str:
    """Numbered tiles with running totals for partials, and what the blocks they stand in hold up to and from them.

    `{slot}` is the bound of the block up to the tile, `{slot}_on` that from it on, and `{slot}_next` that from the
    next tile on, which is the oldest in a window once this one has left.
    """
    totals = [f"CAST(sum({p}) {RUNNING} AS {_total(p)}) AS {p}" for p in partials_of(plan)]
    blocked = [b for b in plan.bounds if plan.blocked(b.window)]
    slots = [f"{b.tile} AS {b.slot}" for b in plan.bounds if b not in blocked]
    for bound in blocked:
        slots += [f"{bound.function}({bound.tile}) OVER up{bound.window} AS {bound.slot}"]
        slots += [f"{bound.function}({bound.tile}) OVER on{bound.window} AS {bound.slot}_on"]
    query = f"SELECT * REPLACE ({', '.join(totals)}) FROM ({tiles})"
    query = f"SELECT {columns(['*'], slots)} FROM ({query}){_frames(blocked, plan)} ORDER BY e, t"
    leads = [f"lead({c}) OVER () AS {c}_next" for c in ["e", "t", *(f"{b.slot}_on" for b in blocked)]]
    return f"SELECT {columns(['*'], leads)} FROM ({query})"


def _total(partial: str) -> str:
    """The type of a running total: counts fit 64 bits."""
    return "HUGEINT" if partial.rpartition("_")[2][:1] in ("s", "r", "p") else "BIGINT"


def _frames(blocked: Sequence[Bound], plan: Plan) -> str:
    """For each window, a tile's block up to the tile and from it on."""
    frames = []
    for window in dict.fromkeys(b.window for b in blocked):
        block = f"PARTITION BY e, {plan.block(window, 't')} ORDER BY t ROWS BETWEEN"
        frames.append(f"up{window} AS ({block} UNBOUNDED PRECEDING AND CURRENT ROW)")
        frames.append(f"on{window} AS ({block} CURRENT ROW AND UNBOUNDED FOLLOWING)")
    return f" WINDOW {', '.join(frames)}" if frames else ""
