"""Tiles: the events of one entity and instant, and what is known of each tile beside its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlforge.model.schema import is_float
from mlforge_duckdb import exact
from mlforge_duckdb.aggs import Bound, Plan, Value, columns
from mlforge_duckdb.types import floored

RUNNING = "OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"


def partials_of(plan: Plan) -> dict[str, str]:
    """What of a tile's events adds up over tiles, and how it is computed from the events."""
    partials = {"n": "count(*)"}
    for value in plan.values.values():
        partials |= _partials(value)
    return partials


def _partials(value: Value) -> dict[str, str]:
    partials = {value.events: f"count({value.name})"} if value.counted else {}
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
    changes = [
        f"{' OR '.join(f'count({name}) > 0' for name in names)} AS {changing(shift, plan)}"
        for shift, names in plan.passing.items()
    ]
    identity = columns(plan.key_names, ["t"])
    return f"SELECT {columns([identity], sums, list(bounds), changes)} FROM ({query}) GROUP BY {identity}"


def changing(shift: int, plan: Plan) -> str:
    """The column of tiles that says whether any window changes at a shift, of those at which not all do."""
    return f"changes{list(plan.passing).index(shift)}"


def _splits(value: Value) -> Iterator[exact.Steps]:
    """How a value is split into what is summed, and what is squared."""
    floating = is_float(value.word)
    if value.summed:
        yield exact.split(value.finite, floating, value.sums, f"{value.name}_s")
    if value.squared:
        yield exact.split(value.finite, floating, value.squares, f"{value.name}_r")


def numbered(rows: str, plan: Plan, time: str = "t") -> str:
    """Rows in the order of keys and a time, their entities numbered from 1 as `e`."""
    changed = " OR ".join(f"{k} IS DISTINCT FROM lag({k}) OVER ()" for k in plan.key_names)
    query = f"SELECT *, {changed} AS changed FROM (FROM ({rows}) ORDER BY {columns(plan.key_names, [time])})"
    return f"SELECT * EXCLUDE (changed), count(*) FILTER (changed) {RUNNING} AS e FROM ({query})"


def with_neighbours(tiles: str, plan: Plan, longest: int) -> str:
    """Numbered tiles with running totals for partials, and what the blocks they stand in hold up to and from them.

    `{slot}` is the bound of the block up to the tile, `{slot}_on` that from it on, and `{slot}_next` that from the
    next tile on, which is the oldest in a window once this one has left; where windows have no end, a block is an
    entity. No entity has more tiles than `longest`.
    """
    totals = [f"CAST(sum({p}) {RUNNING} AS {_total(p)}) AS {p}" for p in partials_of(plan)]
    blocked = [b for b in plan.bounds if plan.blocked(b.length)]
    ending = [b for b in blocked if b.length is not None]
    slots = [f"{b.tile} AS {b.slot}" for b in plan.bounds]
    slots += [f"{b.tile} AS {b.slot}_on" for b in ending]
    query = f"SELECT * REPLACE ({', '.join(totals)}), {columns(slots)} FROM ({tiles})" if slots else ""
    query = query or f"SELECT * REPLACE ({', '.join(totals)}) FROM ({tiles})"
    query = _over_blocks(query, blocked, plan, longest) if blocked else query
    leads = [f"lead({c}) OVER () AS {c}_next" for c in ["e", "t", *(f"{b.slot}_on" for b in ending)]]
    return f"SELECT {columns(['*'], leads)} FROM ({query})"


def _total(partial: str) -> str:
    """The type of a running total: counts fit 64 bits."""
    return "HUGEINT" if partial.rpartition("_")[2][:1] in ("s", "r", "p") else "BIGINT"


def _over_blocks(query: str, bounds: Sequence[Bound], plan: Plan, longest: int) -> str:
    """The query with a tile's bounds made those of its block up to the tile, and from it on.

    Each step doubles how many tiles they reach over; steps are by rows, which costs less than any frame.
    """
    lengths = list(dict.fromkeys(b.length for b in bounds))
    starts = [f"{_starts(length)} AS starts{_place(length)}" for length in lengths]
    query = f"SELECT {columns(['*'], starts)} FROM ({query})"
    places = [_place(length) for length in lengths]
    numbers = [f"count(*) FILTER (starts{place}) {RUNNING} AS block{place}" for place in places]
    query = f"SELECT * EXCLUDE ({', '.join(f'starts{place}' for place in places)}), {', '.join(numbers)} FROM ({query})"
    steps = {length: _doublings(length, plan, longest) for length in lengths}
    for step in range(max(steps.values())):
        query = _doubled(query, [b for b in bounds if steps[b.length] > step], 2**step)
    return f"SELECT * EXCLUDE ({', '.join(f'block{place}' for place in places)}) FROM ({query})"


def _place(length: int | None) -> str:
    return "_all" if length is None else str(length)


def _starts(length: int | None) -> str:
    changed = "e IS DISTINCT FROM lag(e) OVER ()"
    if length is None:
        return changed
    block = floored("t", length)
    return f"{changed} OR {block} <> lag({block}) OVER ()"


def _doublings(length: int | None, plan: Plan, longest: int) -> int:
    """How often a reach of one tile is doubled until it is that of a block."""
    most = longest if plan.interval is None or length is None else min(longest, length // plan.interval)
    return max(0, most - 1).bit_length()


def _looks(slot: str, length: int | None) -> list[tuple[str, str]]:
    """What is found of a block, and where to look: up to a tile, and from it on where windows end."""
    return [(slot, "lag"), *([(f"{slot}_on", "lead")] if length is not None else [])]


def _doubled(query: str, bounds: Sequence[Bound], rows: int) -> str:
    reached = {
        f"{look}_block{_place(length)}": f"{look}(block{_place(length)}, {rows}) OVER ()"
        for length in dict.fromkeys(b.length for b in bounds)
        for _, look in _looks("", length)
    }
    made = []
    for bound in bounds:
        choose, block = "least" if bound.function == "min" else "greatest", f"block{_place(bound.length)}"
        for name, look in _looks(bound.slot, bound.length):
            reached[f"{name}_far"] = f"{look}({name}, {rows}) OVER ()"
            made.append(
                f"CASE WHEN {look}_{block} = {block} THEN {choose}({name}, {name}_far) ELSE {name} END AS {name}"
            )
    inner = f"SELECT *, {', '.join(f'{sql} AS {name}' for name, sql in reached.items())} FROM ({query})"
    return f"SELECT * EXCLUDE ({', '.join(reached)}) REPLACE ({', '.join(made)}) FROM ({inner})"
