"""Windowed aggregates at their change points, in one pass over the events and one over their tiles.

Events fall into tiles: one per entity and instant they are known from. Every tile makes a row where it enters and a row
where it leaves each of the windows; in the order of time the aggregates of a window are then running ones:

- a sum is the difference of two running totals: up to the latest tile that entered and up to the latest that left. That
  is sound only because totals are kept as integers: nothing is rounded before a window is complete, and a value that
  left leaves no trace;
- a least or greatest value is taken over the two blocks of the window's length that a window touches: from the start
  of its own block to now, and from the oldest tile to the end of the block before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import duckdb

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.model.metric import WindowPlan
from mlforge.model.schema import is_float
from mlforge_duckdb import exact
from mlforge_duckdb.session import Session, asked
from mlforge_duckdb.types import floored, quoted, sql_of

_RUNNING = "OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
_SUMMED = ("sum", "mean")


class Input(NamedTuple):
    """A column to aggregate: its name, how it is computed from the rows, and the word for its type."""

    name: str
    sql: str
    word: str


class Agg(NamedTuple):
    """One aggregate: a function of an input (None: of the events themselves) over a window in microseconds."""

    function: str
    column: str | None
    window: int
    name: str
    word: str


class Windowed(Protocol):
    """What to aggregate, and what to make of the aggregates."""

    @property
    def inputs(self) -> list[Input]: ...

    @property
    def aggs(self) -> list[Agg]: ...

    def over(self) -> list[str]: ...


class Value(NamedTuple):
    """An input and what its data ask for."""

    name: str
    word: str
    functions: frozenset[str]
    nullable: bool
    special: bool  # there are NaN or infinities
    sums: exact.Limbs
    squares: exact.Limbs

    @property
    def events(self) -> str:
        """The partial that counts its values."""
        return f"{self.name}_n" if self.nullable else "n"

    @property
    def squared(self) -> bool:
        return "std" in self.functions and self.squares.length <= exact.MOST_SQUARED

    @property
    def finite(self) -> str:
        """Its value where that is finite, else 0, in SQL."""
        if self.word == "Boolean":
            return f"CAST({self.name} AS INTEGER)"
        if not is_float(self.word):
            return self.name
        column = f"CAST({self.name} AS DOUBLE)"
        return f"CASE WHEN isfinite({column}) THEN {column} WHEN {column} IS NOT NULL THEN 0.0 END"


class Bound(NamedTuple):
    """A least or greatest value: the tiles' column, the window's number and the slot it stands in."""

    function: str
    value: str
    window: int
    slot: str

    @property
    def tile(self) -> str:
        return f"{self.value}_{self.function}"


class Plan(NamedTuple):
    """What to compute: how many keys there are, the interval, the distinct windows, the values and the aggregates."""

    keys: int
    interval: int | None
    windows: Sequence[int]
    values: Mapping[str, Value]
    aggs: Sequence[Agg]

    @property
    def key_names(self) -> list[str]:
        return [f"k{i}" for i in range(self.keys)]

    @property
    def bounds(self) -> list[Bound]:
        found = dict.fromkeys((a.function, a.column, a.window) for a in self.aggs if a.function in ("min", "max"))
        return [Bound(f, c or "", self.windows.index(w), f"slot{i}") for i, (f, c, w) in enumerate(found)]

    def blocked(self, window: int) -> bool:
        """Is a window longer than one tile?"""
        return self.windows[window] != self.interval

    def block(self, window: int, time: str) -> str:
        return floored(time, self.windows[window])


def change_points(
    rows: duckdb.DuckDBPyRelation, shape: Shape, plan: WindowPlan, windowed: Windowed, session: Session
) -> duckdb.DuckDBPyRelation:
    """One row per entity and instant at which an event enters or leaves a window, sorted by keys and stamp."""
    interval = plan.interval.micros if plan.interval else None
    for window in plan.windows:
        if plan.interval and not window.is_multiple_of(plan.interval):
            raise Invalid(f"The window {window} is not a whole multiple of the interval {plan.interval}.", _MULTIPLE)
    events = _events(shape, interval, plan.interval.origin if plan.interval else 0, windowed.inputs)
    values = _values(rows, events, windowed)
    windows = sorted({a.window for a in windowed.aggs})
    kernel = Plan(len(shape.keys), interval, windows, values, windowed.aggs)
    tiles = session.store(rows, _tiles(events, kernel))
    ready = session.make(_neighbours(tiles, kernel))
    session.drop(tiles)
    points = _finished(_running(ready, kernel), kernel)
    slow = [a for a in windowed.aggs if _is_slow(a, values)]
    if not slow:
        return session.lent(_answer(points, shape, windowed), ready)
    found, known = session.make(points), session.store(rows, events)
    return session.lent(_answer(_with_slow(found, known, slow, kernel), shape, windowed), ready, found, known)


_MULTIPLE = "Give windows that are whole multiples of it."


def _columns(*parts: Sequence[str]) -> str:
    return ", ".join(column for part in parts for column in part)


# --- what the values ask for ------------------------------------------------------------------------------------------


def _events(shape: Shape, interval: int | None, origin: int, inputs: Sequence[Input]) -> str:
    """The events as keys `k0` …, the instant `t` they are known from, and the inputs."""
    keys = [f"{quoted(k)} AS k{i}" for i, k in enumerate(shape.key_names)]
    known = f"epoch_us({quoted(shape.stamp or '')})"
    if interval is not None:
        known = f"({floored(f'{known} - {origin}', interval)} + 1) * {interval} + {origin}"
    there = " AND ".join(f"{quoted(k)} IS NOT NULL" for k in shape.key_names)
    columns = _columns(keys, [f"{known} AS t"], [f"{i.sql} AS {i.name}" for i in inputs])
    return f"SELECT {columns} FROM frame WHERE {there}"


def _values(rows: duckdb.DuckDBPyRelation, events: str, windowed: Windowed) -> dict[str, Value]:
    """What is known of each input, looked up in one pass."""
    functions = {i.name: frozenset(a.function for a in windowed.aggs if a.column == i.name) for i in windowed.inputs}
    facts = [_facts(i, functions[i.name]) for i in windowed.inputs]
    found = asked(rows, f"SELECT {_columns(['count(*)'], *facts)} FROM ({events})").fetchall()[0]
    total, given = found[0], iter(found[1:])
    return {i.name: _value(i, functions[i.name], total, [next(given) for _ in range(4)]) for i in windowed.inputs}


def _facts(column: Input, functions: frozenset[str]) -> list[str]:
    """How many values there are, how many of them are not finite, and the least and greatest size of the others."""
    name, counted = column.name, f"count({column.name})"
    if not functions & {"sum", "mean", "std"}:
        return [counted, "0", "0", "0"]
    if not is_float(column.word):
        return [counted, "0", "0", f"max(abs(CAST({name} AS HUGEINT)))"]
    size, used = f"abs(CAST({name} AS DOUBLE))", f"FILTER (WHERE isfinite({name}) AND {name} <> 0)"
    broken = f"count(*) FILTER (WHERE NOT isfinite({name}))"
    return [counted, broken, *(f"{bound}({size}) {used}" for bound in ("min", "max"))]


def _value(column: Input, functions: frozenset[str], total: int, facts: Sequence[int | float | None]) -> Value:
    counted, broken, least, most = facts
    low, bits = exact.bits_of_floats(least, most) if is_float(column.word) else (0, int(most or 0).bit_length())
    sums, squares = exact.limbs_for_sums(low, bits, total), exact.limbs_for_squares(low, bits, total)
    return Value(column.name, column.word, functions, counted != total, bool(broken), sums, squares)


def _is_slow(agg: Agg, values: Mapping[str, Value]) -> bool:
    """Does an aggregate look at the events themselves?"""
    return agg.function == "median" or (agg.function == "std" and not values[agg.column or ""].squared)


# --- tiles ------------------------------------------------------------------------------------------------------------


def _partials(value: Value) -> dict[str, str]:
    """What of a tile's values adds up over tiles."""
    name, partials = value.name, {}
    if value.nullable:
        partials[value.events] = f"count({name})"
    if value.special:
        partials[f"{name}_nan"] = f"count(*) FILTER (WHERE isnan({name}))"
        partials[f"{name}_up"] = f"count(*) FILTER (WHERE {name} = 'inf')"
        partials[f"{name}_down"] = f"count(*) FILTER (WHERE {name} = '-inf')"
    if value.functions & set(_SUMMED):
        partials |= {part: f"sum({part})" for part in _limbs(value, "s")}
    if value.squared:
        roots = _limbs(value, "r")
        partials |= {part: f"sum({part})" for part in roots}
        partials |= {f"{name}_p{i}{j}": f"sum({roots[i]} * {roots[j]})" for i, j in _pairs(value)}
    return partials


def _limbs(value: Value, kind: str) -> list[str]:
    limbs = value.sums if kind == "s" else value.squares
    return [f"{value.name}_{kind}{i}" for i in range(limbs.length)]


def _pairs(value: Value) -> list[tuple[int, int]]:
    return [(i, j) for i in range(value.squares.length) for j in range(i, value.squares.length)]


def _all_partials(plan: Plan) -> dict[str, str]:
    partials = {"n": "count(*)"}
    for value in plan.values.values():
        partials |= _partials(value)
    return partials


def _tiles(events: str, plan: Plan) -> str:
    query = events
    for value in plan.values.values():
        floating = is_float(value.word)
        if value.functions & set(_SUMMED):
            query = exact.with_limbs(query, value.finite, floating, value.sums, f"{value.name}_s")
        if value.squared:
            query = exact.with_limbs(query, value.finite, floating, value.squares, f"{value.name}_r")
    sums = [f"{sql} AS {name}" for name, sql in _all_partials(plan).items()]
    bounds = dict.fromkeys(f"{b.function}({b.value}) AS {b.tile}" for b in plan.bounds)
    return f"SELECT {_columns(plan.key_names, ['t'], sums, list(bounds))} FROM ({query}) GROUP BY {_identity(plan)}"


def _identity(plan: Plan) -> str:
    return _columns(plan.key_names, ["t"])


def _neighbours(tiles: str, plan: Plan) -> str:
    """The tiles in order, their entities numbered from 1, with what the blocks they stand in hold up to and from them.

    `{slot}` is the bound of the block up to the tile, `{slot}_on` that from it on, and `{slot}_next` that from the
    next tile on, which is the oldest in a window once this one has left.
    """
    changed = " OR ".join(f"{k} IS DISTINCT FROM lag({k}) OVER ()" for k in plan.key_names)
    query = f"SELECT *, {changed} AS changed FROM (FROM {tiles} ORDER BY {_identity(plan)})"
    query = f"SELECT * EXCLUDE (changed), CAST(sum(CAST(changed AS INTEGER)) {_RUNNING} AS BIGINT) AS e FROM ({query})"
    blocked = [b for b in plan.bounds if plan.blocked(b.window)]
    slots = [f"{b.tile} AS {b.slot}" for b in plan.bounds if b not in blocked]
    totals = [f"CAST(sum({p}) {_RUNNING} AS {_total(p)}) AS {p}" for p in _all_partials(plan)]
    query = f"SELECT * REPLACE ({', '.join(totals)}) FROM ({query})"
    for bound in blocked:
        slots += [f"{bound.function}({bound.tile}) OVER up{bound.window} AS {bound.slot}"]
        slots += [f"{bound.function}({bound.tile}) OVER on{bound.window} AS {bound.slot}_on"]
    query = f"SELECT {_columns(['*'], slots)} FROM ({query}){_frames(blocked, plan)} ORDER BY e, t"
    leads = [f"lead({c}) OVER () AS {c}_next" for c in ["e", "t", *(f"{b.slot}_on" for b in blocked)]]
    return f"SELECT {_columns(['*'], leads)} FROM ({query})"


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


# --- windows ----------------------------------------------------------------------------------------------------------


def _rows(tiles: str, plan: Plan) -> Iterator[str]:
    """A row for each tile that enters (`source` 0) and one for each that leaves a window (its number from 1).

    The window of no entity yet (`e` 0) is left once by nothing: so the first tile of all is a next one as well.
    """
    partials, bounds = list(_all_partials(plan)), plan.bounds
    fixed = _columns(["e", *plan.key_names])
    entering = _columns(partials, [b.slot for b in bounds])
    yield f"SELECT {fixed}, t, 0 AS source, {entering}, NULL AS e_next, NULL AS t_next FROM {tiles}"
    for number, window in enumerate(plan.windows):
        mine = [b for b in bounds if b.window == number and plan.blocked(number)]
        leaving = _columns(partials, [f"{b.slot}_on_next" if b in mine else "NULL" for b in bounds])
        following = "e_next, t_next" if mine else "NULL, NULL"
        yield f"SELECT {fixed}, t + {window}, {number + 1}, {leaving}, {following} FROM {tiles}"
        if mine:
            first = _columns(["0"] * len(partials), [f"{b.slot}_on" if b in mine else "NULL" for b in bounds])
            keys = ", ".join(plan.key_names)
            yield f"SELECT 0, {keys}, t, {number + 1}, {first}, e, t FROM (FROM {tiles} ORDER BY e, t LIMIT 1)"


def _running(tiles: str, plan: Plan) -> str:
    """For each change point the totals of each window, `w{i}_{partial}`, and its bounds, by slot."""
    ordered = f"SELECT * FROM ({' UNION ALL '.join(_rows(tiles, plan))}) ORDER BY e, t"
    entering = ["t", *_all_partials(plan), *(b.slot for b in plan.bounds)]
    latest = [f"{_latest('source = 0', entering)} AS entered"]
    for number in range(len(plan.windows)):
        slots = [b.slot for b in plan.bounds if b.window == number and plan.blocked(number)]
        leaving = [*(p for i, p in _needed(plan) if i == number), *slots, *(["e_next", "t_next"] if slots else [])]
        latest += [f"{_latest(f'source = {number + 1}', leaving)} AS left{number}"] if leaving else []
    following = ["lead(e) OVER () AS e_after", "lead(t) OVER () AS t_after"]
    query = f"SELECT {_columns(['e', *plan.key_names, 't'], following, latest)} FROM ({ordered})"
    last = "e > 0 AND (e_after IS DISTINCT FROM e OR t_after IS DISTINCT FROM t)"
    totals = [f"coalesce(entered.{p} - coalesce(left{i}.{p}, 0), 0) AS w{i}_{p}" for i, p in _needed(plan)]
    return f"SELECT {_columns(['*'], totals)} FROM ({query}) WHERE {last}"


def _latest(condition: str, columns: Sequence[str]) -> str:
    """The columns of the latest row that fulfils a condition."""
    row = "{" + ", ".join(f"'{c}': {c}" for c in columns) + "}"
    return f"last_value(CASE WHEN {condition} THEN {row} END IGNORE NULLS) {_RUNNING}"


def _needed(plan: Plan) -> list[tuple[int, str]]:
    """Which partials each window is computed from."""
    found: dict[tuple[int, str], None] = {}
    for agg in plan.aggs:
        if agg.function not in ("min", "max") and not _is_slow(agg, plan.values):
            found |= dict.fromkeys((plan.windows.index(agg.window), p) for p in _partials_of(agg, plan))
    return list(found)


def _partials_of(agg: Agg, plan: Plan) -> list[str]:
    if agg.column is None:
        return ["n"]
    value = plan.values[agg.column]
    special = [f"{value.name}_{kind}" for kind in ("nan", "up", "down")] if value.special else []
    match agg.function:
        case "count":
            return [value.events]
        case "sum":
            return [*special, *_limbs(value, "s")]
        case "mean":
            return [value.events, *special, *_limbs(value, "s")]
        case _:
            pairs = [f"{value.name}_p{i}{j}" for i, j in _pairs(value)]
            return [value.events, *special, *_limbs(value, "r"), *pairs]


# --- from totals to values --------------------------------------------------------------------------------------------


def _finished(query: str, plan: Plan) -> str:
    """The points with a column for each aggregate that needs no events."""
    columns = []
    for agg in plan.aggs:
        if not _is_slow(agg, plan.values):
            query, sql = _finish(query, agg, plan)
            columns.append(f"CAST({sql} AS {sql_of(agg.word)}) AS {agg.name}")
    return f"SELECT {_columns(plan.key_names, ['t'], columns)} FROM ({query})"


def _finish(query: str, agg: Agg, plan: Plan) -> tuple[str, str]:
    """The query with what an aggregate needs, and the aggregate over it."""
    if agg.function in ("min", "max"):
        return query, _bound(agg, plan)
    w = f"w{plan.windows.index(agg.window)}_"
    if agg.function == "count":
        return query, w + _partials_of(agg, plan)[0]
    value = plan.values[agg.column or ""]
    count = f"nullif({w}{value.events}, 0)" if agg.function != "sum" else None
    if agg.function == "std":
        return _std(query, value, w, agg.name)
    if agg.function == "sum" and not is_float(value.word):
        return query, f"{w}{value.name}_s0"
    parts = [f"{w}{part}" for part in _limbs(value, "s")]
    query = exact.with_total(query, parts, value.sums, count and f"CAST({count} AS DOUBLE)", f"total_{agg.name}")
    return query, _unless_special(f"total_{agg.name}", value, w)


def _unless_special(total: str, value: Value, w: str) -> str:
    """The total, unless there was NaN or an infinity."""
    if not value.special:
        return total
    nan, up, down = (f"{w}{value.name}_{kind} > 0" for kind in ("nan", "up", "down"))
    infinite = f"WHEN {up} THEN CAST('inf' AS DOUBLE) WHEN {down} THEN CAST('-inf' AS DOUBLE)"
    return f"CASE WHEN {nan} OR ({up} AND {down}) THEN CAST('nan' AS DOUBLE) {infinite} ELSE {total} END"


def _std(query: str, value: Value, w: str, name: str) -> tuple[str, str]:
    """The root of `n * sum(x * x) - sum(x) ** 2` over `n * (n - 1)`, exact up to the division."""
    n, limbs = f"{w}{value.events}", value.squares
    places = [""] * (2 * limbs.length - 1)
    for i, j in _pairs(value):
        a, b = f"{w}{value.name}_r{i}", f"{w}{value.name}_r{j}"
        term = f"{1 if i == j else 2} * ({n} * {w}{value.name}_p{i}{j} - {a} * {b})"
        places[i + j] += f" + {term}" if places[i + j] else term
    widths = exact.Limbs(0, limbs.width, len(places))
    query = exact.with_total(query, places, widths, None, f"total_{name}")
    variance = f"greatest(total_{name}, 0) / (CAST({n} AS DOUBLE) * CAST({n} - 1 AS DOUBLE))"
    root = exact.times_power(f"sqrt({variance})", limbs.exponent)
    if value.special:
        broken = " OR ".join(f"{w}{value.name}_{kind} > 0" for kind in ("nan", "up", "down"))
        root = f"CASE WHEN {broken} THEN CAST('nan' AS DOUBLE) ELSE {root} END"
    return query, f"CASE WHEN {n} > 1 THEN {root} END"


def _bound(agg: Agg, plan: Plan) -> str:
    """The bound over the window's own block, and over what it reaches of the block before."""
    bound = next(
        b
        for b in plan.bounds
        if (b.function, b.value, plan.windows[b.window]) == (agg.function, agg.column, agg.window)
    )
    now = plan.block(bound.window, "t")
    if not plan.blocked(bound.window):
        return f"CASE WHEN entered.t = t THEN entered.{bound.slot} END"
    own = f"CASE WHEN {plan.block(bound.window, 'entered.t')} = {now} THEN entered.{bound.slot} END"
    left = f"left{bound.window}"
    reached = f"{left}.e_next = e AND {plan.block(bound.window, f'{left}.t_next')} = {now} - 1"
    choose = "least" if agg.function == "min" else "greatest"
    return f"{choose}({own}, CASE WHEN {reached} THEN {left}.{bound.slot} END)"


# --- aggregates that do not add up ------------------------------------------------------------------------------------


def _with_slow(points: str, events: str, slow: Sequence[Agg], plan: Plan) -> str:
    """The points with the aggregates that look at all events of a window."""
    keys, inputs = ", ".join(plan.key_names), list(dict.fromkeys(a.column or "" for a in slow))
    nothing = ", ".join("NULL" for _ in inputs)
    marked = (
        f"SELECT {keys}, t, false AS mark, {', '.join(inputs)} FROM {events} "
        f"UNION ALL SELECT {keys}, t, true, {nothing} FROM {points}"
    )
    frames = (
        f"in{i} AS (PARTITION BY {keys} ORDER BY t RANGE BETWEEN {w - 1} PRECEDING AND CURRENT ROW)"
        for i, w in enumerate(plan.windows)
    )
    raw = _columns(*(_raw(a, plan.windows.index(a.window)) for a in slow))
    seen = f"SELECT {keys}, t, mark, {raw} FROM ({marked}) WINDOW {', '.join(frames)}"
    made = _columns([f"{_of_raw(a, plan.values[a.column or ''])} AS {a.name}" for a in slow])
    found = f"SELECT {keys}, t, {made} FROM ({seen}) WHERE mark"
    return f"SELECT * FROM {points} JOIN ({found}) USING ({keys}, t) ORDER BY {keys}, t"


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


# --- the answer -------------------------------------------------------------------------------------------------------


def _answer(points: str, shape: Shape, windowed: Windowed) -> str:
    keys = [f"k{i} AS {quoted(k)}" for i, k in enumerate(shape.key_names)]
    stamp = f"CAST(make_timestamp(t) AS TIMESTAMPTZ) AS {quoted(shape.stamp or '')}"
    return f"SELECT {_columns(keys, [stamp], windowed.over())} FROM ({points})"
