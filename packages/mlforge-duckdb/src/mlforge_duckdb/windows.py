"""Windowed aggregates at their change points, in one pass over the events and one over their tiles.

Events fall into tiles: one per entity and instant they are known from. Every tile makes a row where it enters and a row
where it leaves each of the windows; in the order of time the aggregates of a window are then running ones:

- a sum is the difference of two running totals: up to the latest tile that entered and up to the latest that left. That
  is sound only because totals are kept as integers: nothing is rounded before a window is complete, and a value that
  left leaves no trace;
- a least or greatest value is taken over the two blocks of the window's length that a window touches: from the start
  of its own block to now, and from the oldest tile to the end of the block before.

Running aggregates keep but one core busy, and sorting all rows at once takes the memory of all: so the tiles are cut
into slices of whole entities, and a few slices are computed side by side.
"""

from __future__ import annotations

import duckdb

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.model.metric import WindowPlan
from mlforge_duckdb.aggs import Plan, Windowed, columns
from mlforge_duckdb.raw import with_slow
from mlforge_duckdb.results import finished
from mlforge_duckdb.running import at_change_points
from mlforge_duckdb.session import Session
from mlforge_duckdb.tiles import numbered, tiles_of, with_neighbours
from mlforge_duckdb.types import quoted
from mlforge_duckdb.values import events_of, values_of

TILES_PER_SLICE = 250_000  # few enough that a slice is sorted in the cache, or nearly


def change_points(
    rows: duckdb.DuckDBPyRelation, shape: Shape, plan: WindowPlan, windowed: Windowed, session: Session
) -> duckdb.DuckDBPyRelation:
    """One row per entity and instant at which an event enters or leaves a window, sorted by keys and stamp."""
    interval = plan.interval.micros if plan.interval else None
    for window in plan.windows:
        if plan.interval and not window.is_multiple_of(plan.interval):
            raise Invalid(f"The window {window} is not a whole multiple of the interval {plan.interval}.", _MULTIPLE)
    events = events_of(shape, interval, plan.interval.origin if plan.interval else 0, windowed.inputs)
    windows = sorted({a.window for a in windowed.aggs})
    kernel = Plan(len(shape.keys), interval, windows, values_of(rows, events, windowed), windowed.aggs)
    tiles = session.store(rows, numbered(tiles_of(events, kernel), kernel))
    known = session.store(rows, numbered(events, kernel)) if kernel.slow else None
    parts = session.make_each([_slice(there, tiles, known, shape, kernel, windowed) for there in _slices(tiles, session)])
    session.drop(tiles, *([known] if known else []))
    return session.lent(" UNION ALL ".join(f"FROM {part}" for part in parts), *parts)


_MULTIPLE = "Give windows that are whole multiples of it."


def _slices(tiles: str, session: Session) -> list[str]:
    """Which entities to compute at once, as conditions on their numbers."""
    at = f"SELECT e, row_number() OVER () AS i FROM {tiles}"
    found = session.connection.execute(f"SELECT DISTINCT e FROM ({at}) WHERE i % {TILES_PER_SLICE} = 0 ORDER BY e")
    ends = [end for (end,) in found.fetchall()]
    inner = [f"e > {start} AND e <= {end}" for start, end in zip([0, *ends], ends, strict=False)]
    return [*inner, f"e > {ends[-1] if ends else 0}"]


def _slice(there: str, tiles: str, events: str | None, shape: Shape, plan: Plan, windowed: Windowed) -> str:
    """The answer's rows for some of the entities."""
    ready = with_neighbours(f"SELECT * FROM {tiles} WHERE {there}", plan)
    points = f"WITH ready AS MATERIALIZED ({ready}) {finished(at_change_points('ready', plan), plan)}"
    if events:
        points = with_slow(points, f"SELECT * FROM {events} WHERE {there}", plan)
    keys = [f"k{i} AS {quoted(k)}" for i, k in enumerate(shape.key_names)]
    stamp = f"CAST(make_timestamp(t) AS TIMESTAMPTZ) AS {quoted(shape.stamp or '')}"
    return f"SELECT {columns(keys, [stamp], windowed.over())} FROM ({points})"
