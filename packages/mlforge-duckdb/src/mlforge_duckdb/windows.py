"""Windowed aggregates at their change points, in one pass over the events and one over their tiles.

Events fall into tiles: one per entity and instant they are known from. Every tile makes a row at each shift: so long
after it is known it enters windows, or leaves them. In the order of time the aggregates are then running ones:

- a sum is the difference of two running totals: up to the latest tile that entered and up to the latest that left. That
  is sound only because totals are kept as integers: nothing is rounded before a window is complete, and a value that
  left leaves no trace;
- a least or greatest value is taken over the two blocks of the window's length that a window touches: from the start
  of its own block to now, and from the oldest tile to the end of the block before;
- what needs the order of the events, or all values of a window, is taken of a run of them, out of SQL: how many values
  came to a shift says where it begins or ends.

Running aggregates keep but one core busy, and sorting all rows at once takes the memory of all: so the tiles are cut
into slices of whole entities, and a few slices are computed side by side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import duckdb
import polars as pl

from mlforge.model.feature import Shape
from mlforge.model.metric import WindowPlan
from mlforge.plugin.engine.aggregations import Output, Windowed, overflow, too_many_digits
from mlforge.plugin.engine.times import LAST
from mlforge_duckdb.aggs import Plan, Value, columns, stay
from mlforge_duckdb.compile import compiled
from mlforge_duckdb.exchange import Stream, to_polars
from mlforge_duckdb.files import copying, written
from mlforge_duckdb.groups import beside_each_other, groups_of, tile_columns
from mlforge_duckdb.ranged import ends_of_runs, inputs_of, ranged
from mlforge_duckdb.results import TOO_MANY_DIGITS, finished
from mlforge_duckdb.running import at_change_points
from mlforge_duckdb.session import Session, Work
from mlforge_duckdb.tiles import numbered, tiles_of, with_neighbours
from mlforge_duckdb.types import Type, quoted, sql_of, types_of
from mlforge_duckdb.values import events_of, values_of

Copying = Callable[[duckdb.DuckDBPyConnection, Callable[[str], str]], object]
"""Writes rows on a connection; what it is given makes of their query the statement that does."""

CAST = 'CAST({0} AS DOUBLE), or pl.col("{0}").cast(pl.Float64)'  # how a column is made a float
ROWS_PER_SLICE = 250_000  # tiles, or events to look at: few enough that a slice is sorted in the cache, or nearly
LEAST_ROWS = 50_000  # in a slice, so that a small build is one query
_RUNS = "mlforge_runs"


def change_points(
    rows: duckdb.DuckDBPyRelation, shape: Shape, plan: WindowPlan, windowed: Windowed, session: Session
) -> duckdb.DuckDBPyRelation:
    """One row per entity and instant at which an event enters or leaves a window, sorted by keys and stamp."""
    interval = plan.interval.micros if plan.interval else None
    events = events_of(shape, interval, plan.interval.origin if plan.interval else 0, windowed.inputs, types_of(rows))
    values = values_of(rows, events, windowed)
    kernel = _plan(len(shape.keys), interval, windowed, values)
    tiles = session.store(rows, numbered(tiles_of(events, kernel), kernel))
    known = session.store(rows, numbered(_looked_at(events, kernel), kernel, "happened")) if kernel.looked_at else None
    with _naming_sums(kernel, windowed):
        slices = _slices(tiles, known, session)
        groups = groups_of(kernel)
        parts = [_Part(some, groups, known) for some in slices]
        queries = [_points(some, tiles, group) for some in slices for group in groups]
        made: list[str] = []
        if len(groups) > 1 or parts[0].is_ranged:
            made = session.make_each([f"FROM ({query}) ORDER BY e, t" for query in queries])
            parts = [p._replace(tables=made[i * len(groups) :][: len(groups)]) for i, p in enumerate(parts)]
        else:
            parts = [part._replace(query=query) for part, query in zip(parts, queries, strict=True)]
        typed = _outputs(_typed(tiles, kernel), shape, windowed)
        answer = _encoded([part.written_by(lambda q: _outputs(q, shape, windowed)) for part in parts], typed, session)
    session.drop(tiles, *([known] if known else []), *made)
    return answer


def _looked_at(events: str, plan: Plan) -> str:
    """The events with no other inputs than those whose values are looked at."""
    return f"SELECT {columns(plan.key_names, ['happened', 't'], plan.looked_at)} FROM ({events})"


def _plan(keys: int, interval: int | None, windowed: Windowed, values: Mapping[str, Value]) -> Plan:
    aggs = windowed.aggregates
    stays = sorted({stay(a) for a in aggs}, key=lambda s: (s[1] is None, s[1], s[0]))
    passing = {}
    for shift in {shift for found in stays for shift in found if shift}:
        conditions = dict.fromkeys(a.passes for a in aggs if shift in stay(a))
        some = [c for c in conditions if c is not None and values[c].nullable]
        if len(some) == len(conditions):
            passing[shift] = some
    return Plan(keys, interval, stays, values, aggs, passing)


@contextmanager
def _naming_sums(plan: Plan, windowed: Windowed) -> Iterator[None]:
    """Raise for a sum that does not fit its type with the names of the columns that ask for it."""
    try:
        yield
    except duckdb.InvalidInputException as error:
        if not (found := re.search(rf"{TOO_MANY_DIGITS} (\w+)", str(error))):
            raise
        raise too_many_digits(windowed.outputs_of([found[1]]), CAST.format("amount")) from error
    except duckdb.ConversionException as error:
        total = re.search(r"\bw([0-9]+)_(v_*[0-9]+)_s0\b", str(error))
        wanted = ("sum", total[2], plan.windows[int(total[1])]) if total else None
        names = windowed.outputs_of({a.name for a in plan.aggs if (a.function, a.column, stay(a)) == wanted})
        if not names:
            raise
        raise overflow(names, CAST.format("amount")) from error


class Slice(NamedTuple):
    """Entities to compute at once, by their numbers, and how many tiles one of them has at most."""

    first: int
    last: int
    longest: int

    def of(self, table: str, wanted: str) -> str:
        """Some columns of their rows in a table, numbered from 1."""
        numbered = f"* REPLACE (CAST(e - {self.first - 1} AS INTEGER) AS e)"
        return f"SELECT {numbered} FROM (SELECT {wanted} FROM {table}) WHERE e BETWEEN {self.first} AND {self.last}"


class _Part(NamedTuple):
    """A slice, the plan in groups, and what these found: as a query, or in tables that stand side by side."""

    slice: Slice
    groups: Sequence[Plan]
    events: str | None
    query: str = ""
    tables: Sequence[str] = ()

    @property
    def is_ranged(self) -> bool:
        """Is any aggregate taken of runs of values?"""
        return any(group.ranged for group in self.groups)

    def written_by(self, outputs: Callable[[str], str]) -> Copying:
        """How its rows are written to a file."""
        if not self.tables:
            return lambda connection, copied: connection.execute(copied(outputs(self.query)))
        if not self.is_ranged:
            joined = outputs(beside_each_other(self.tables, self.groups))
            return lambda connection, copied: connection.execute(copied(joined))
        return lambda connection, copied: self._write_ranged(connection, lambda q: copied(outputs(q)))

    def _write_ranged(self, connection: duckdb.DuckDBPyConnection, copied: Callable[[str], str]) -> None:
        wanted = columns(["e", "happened"], list(dict.fromkeys(n for g in self.groups for n in inputs_of(g))))
        events = to_polars(connection.sql(self.slice.of(str(self.events), wanted)))
        frames = [
            ranged(events, to_polars(connection.sql(f"SELECT {ends_of_runs(group)} FROM {table}")), group)
            for table, group in zip(self.tables, self.groups, strict=True)
            if group.ranged
        ]
        connection.register(_RUNS, Stream(pl.concat(frames, how="horizontal")))
        connection.execute(copied(beside_each_other(self.tables, self.groups, _RUNS)))
        connection.unregister(_RUNS)


def _slices(tiles: str, events: str | None, session: Session) -> list[Slice]:
    """About as many as are computed side by side, or a multiple, so that all end together."""
    sizes = f"SELECT e, count(*) AS tiles FROM {tiles} GROUP BY e"
    counts = f"SELECT *, tiles AS n FROM ({sizes})"
    if events:
        looked_at = f"SELECT e, count(*) AS events FROM {events} GROUP BY e"
        counts = f"SELECT e, tiles, greatest(tiles, events) AS n FROM ({sizes}) JOIN ({looked_at}) USING (e)"
    total = session.value(f"SELECT coalesce(sum(n), 0) FROM ({counts})")
    rounds = max(1, -(-total // (ROWS_PER_SLICE * session.side_by_side)))
    most = max(LEAST_ROWS, -(-total // (rounds * session.side_by_side)))
    before = "sum(n) OVER (ORDER BY e ROWS UNBOUNDED PRECEDING) - n"
    placed = f"SELECT e, tiles, ({before}) // {most} AS i FROM ({counts})"
    facts = "min(e), max(e), max(tiles)"
    found = session.connection.execute(f"SELECT {facts} FROM ({placed}) GROUP BY i ORDER BY i")
    return [Slice(*row) for row in found.fetchall()] or [Slice(1, 0, 0)]


def _points(some: Slice, tiles: str, plan: Plan) -> str:
    """The change points of some of the entities, and what is aggregated at them."""
    ready = with_neighbours(some.of(tiles, tile_columns(plan)), plan, some.longest)
    return f"WITH ready AS MATERIALIZED ({ready}) {finished(at_change_points('ready', plan), plan)}"


def _outputs(points: str, shape: Shape, windowed: Windowed) -> str:
    """The answer's rows, over change points."""
    keys = [f"k{i} AS {quoted(k)}" for i, k in enumerate(shape.key_names)]
    stamp = f"make_timestamptz(t) AS {quoted(shape.stamp or '')}"
    made = columns(keys, [stamp], list(map(_written, windowed.outputs)))
    return f"SELECT {made} FROM ({points}) WHERE t <= {LAST}"


def _written(output: Output) -> str:
    """A column of the answer, over the kernel's aggregates."""
    made = f"CAST({compiled(output.source, {})} AS {sql_of(output.source.word)})"
    return f"{made} AS {quoted(output.name)}"


def _typed(tiles: str, plan: Plan) -> str:
    """Change points of the right types, none of which is computed."""
    found = [f"CAST(NULL AS {sql_of(a.word)}) AS {a.name}" for a in plan.aggs]
    return f"SELECT {columns(plan.key_names, ['t'], found)} FROM {tiles}"


def _encoded(parts: Sequence[Copying], typed: str, session: Session) -> duckdb.DuckDBPyRelation:
    """The rows of some parts, one after the other, by way of Parquet files, each of which is written but once.

    They are of the types of the query `typed`.
    """
    types = types_of(session.connection.sql(typed))
    paths = [session.folder / f"{session.fresh('part')}.parquet" for _ in parts]
    session.do_each([_to(part, types, str(path)) for part, path in zip(parts, paths, strict=True)])
    return session.read(written(paths, types, session.connection), paths)


def _to(part: Copying, types: Mapping[str, Type], path: str) -> Work:
    return lambda connection: part(connection, lambda query: copying(query, types, path))
