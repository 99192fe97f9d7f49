"""Windowed aggregates at their change points, with sums that are exact.

Events fall into tiles: one per entity and instant they are known from. A window is then a run of tiles, so every count
and every sum is the difference of two prefix sums. That is sound only because sums are kept as integers: a float is
split into fixed-point limbs, nothing is rounded before a window is complete, and a value that left leaves no trace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from itertools import accumulate
from operator import add
from typing import Literal, NamedTuple, cast

import polars as pl

STAMP = pl.Datetime("us", "UTC")
WEEK = 7 * 86_400_000_000
MONDAY = -3 * 86_400_000_000  # 1969-12-29: whole weeks are aligned to it, all other buckets to the epoch
UNITS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000)
FUNCTIONS = ("count", "sum", "mean", "std", "min", "max", "median")
SIDES: tuple[Literal["lower"], Literal["higher"]] = ("lower", "higher")
LAST = 2**63 - 1
TILES_PER_SLICE = 1_000_000  # few enough that sorting and gathering stay near the cache
MOST_SQUARED_LIMBS = 4  # limbs are multiplied in pairs: beyond this, Python's own integers are used


class Agg(NamedTuple):
    """One output column: a function of a column (None: of the events themselves) over a window in microseconds."""

    function: str
    column: str | None
    window: int
    name: str


class Clock(NamedTuple):
    """Instants as small integers: how many units after the first one an event is known."""

    unit: int
    origin: int
    first: int
    gap: int  # entities stand this many units apart, so that no window reaches into the next one

    def units_of(self, time: pl.Expr, known_after: int) -> pl.Expr:
        units = time - self.origin if self.unit == 1 else (time - self.origin) // self.unit
        return units + (known_after - self.first)

    def stamp(self, index: pl.Expr) -> pl.Expr:
        return ((index + self.first) * self.unit + self.origin).cast(STAMP)


class Entities(NamedTuple):
    """Entities are numbered in key order: a number is the key less `low`, or a row of `table`."""

    total: int
    low: int
    table: pl.DataFrame
    computed: bool

    def keys(self, number: pl.Expr) -> list[pl.Expr]:
        if self.computed:
            dtype = self.table.dtypes[0]
            return [(number.cast(_wide(dtype)) + pl.lit(self.low, dtype=_wide(dtype))).cast(dtype).alias("k0")]
        return [pl.lit(column).gather(number).alias(column.name) for column in self.table]


class Limbs(NamedTuple):
    """A number as integers: the sum of limb[i] * 2 ** (width * i + exponent)."""

    exponent: int
    width: int
    length: int
    dtype: pl.DataType


class Value(NamedTuple):
    """A value column and what its data ask for. Names of partial aggregates start with its own."""

    name: str
    source: str
    dtype: pl.DataType
    functions: frozenset[str]
    nullable: bool
    special: bool  # there are NaN or infinities
    sums: Limbs
    squares: Limbs
    labels: pl.Series  # the sorted distinct values behind the ranks

    @property
    def events(self) -> str:
        return f"{self.name}.events" if self.nullable else "events"

    @property
    def ranked(self) -> bool:
        """Are min and max found among ranks?"""
        return self.dtype.is_decimal() or not (
            self.dtype.is_numeric() or self.dtype.is_temporal() or self.dtype == pl.Boolean
        )

    @property
    def squared(self) -> bool:
        return "std" in self.functions and self.squares.length <= MOST_SQUARED_LIMBS

    @property
    def unbounded(self) -> bool:
        """Do squares need more bits than limbs can give?"""
        return "std" in self.functions and self.squares.length > MOST_SQUARED_LIMBS


class Plan(NamedTuple):
    """What to compute: the clock, the distinct windows, the values and the aggregates of them."""

    clock: Clock
    windows: Sequence[int]  # distinct and ascending, in units of the clock
    values: Mapping[str | None, Value]
    aggs: Sequence[Agg]

    def at(self, window: int) -> list[Agg]:
        return [agg for agg in self.aggs if agg.window == window * self.clock.unit]

    @property
    def sources(self) -> int:
        """A point comes from a tile that enters, or that leaves one of the windows."""
        return len(self.windows) + 1


def change_points(
    events: pl.LazyFrame | pl.DataFrame, keys: Sequence[str], time: str, interval: int | None, aggs: Sequence[Agg]
) -> pl.DataFrame:
    """One row per entity and instant at which an event enters or leaves a window, sorted by keys and stamp.

    Windows and the interval are microseconds. Raises ValueError for an aggregate that cannot be, TypeError for a column
    it cannot take, OverflowError where an integer sum or a stamp needs more than 64 bits.
    """
    _check(keys, time, interval, aggs)
    sources = list(dict.fromkeys(agg.column for agg in aggs if agg.column is not None))
    frame = _collected(events, keys, time, sources)
    types = {source: frame.schema[f"v{i}"] for i, source in enumerate(sources)}
    schema = {key: frame.schema[f"k{i}"] for i, key in enumerate(keys)} | {time: STAMP}
    schema |= {agg.name: _result(agg, types) for agg in aggs}
    if frame.is_empty():
        return pl.DataFrame(schema=schema)
    clock = _clock(frame["time"], interval, [agg.window for agg in aggs])
    windows = sorted({agg.window // clock.unit for agg in aggs})
    numbered, entities = _numbered(frame, len(keys), clock, len(windows) + 1, 0 if interval is None else 1)
    del frame
    prepared, values = _prepared(numbered, {source: _functions(source, aggs) for source in sources})
    del numbered
    parts = list(_parts(prepared, entities, Plan(clock, windows, values, aggs)))
    return pl.concat(parts, rechunk=False).select(
        *(pl.col(f"k{i}").alias(key) for i, key in enumerate(keys)),
        pl.col("stamp").alias(time),
        *(pl.col(f"a{i}").cast(schema[agg.name]).alias(agg.name) for i, agg in enumerate(aggs)),
    )


def _check(keys: Sequence[str], time: str, interval: int | None, aggs: Sequence[Agg]) -> None:
    if not keys or not aggs:
        raise ValueError("change points need at least one key and one aggregate")
    if interval is not None and interval <= 0:
        raise ValueError(f"the interval must be positive, not {interval}")
    names = [*keys, time, *(agg.name for agg in aggs)]
    if len(set(names)) < len(names):
        raise ValueError(f"two columns of the result would share a name: {', '.join(names)}")
    for agg in aggs:
        _check_agg(agg, interval or 1)


def _check_agg(agg: Agg, interval: int) -> None:
    if agg.function not in FUNCTIONS:
        raise ValueError(f"{agg.name}: unknown function {agg.function!r}, known are {', '.join(FUNCTIONS)}")
    if agg.column is None and agg.function != "count":
        raise ValueError(f"{agg.name}: {agg.function} needs a column")
    if agg.window <= 0 or agg.window % interval:
        raise ValueError(f"{agg.name}: the window {agg.window} is not a whole multiple of the interval {interval}")


def _result(agg: Agg, types: Mapping[str, pl.DataType]) -> pl.DataType:
    if agg.column is None or agg.function == "count":
        return pl.Int64()
    dtype = types[agg.column]
    if agg.function in ("min", "max"):
        return dtype
    if not (dtype.is_float() or dtype.is_integer() or dtype == pl.Boolean) or dtype in (pl.Int128, pl.UInt128):
        raise TypeError(f"{agg.name}: {agg.function} of {agg.column}, which is {dtype}, not a number of up to 64 bits")
    return pl.Int64() if agg.function == "sum" and not dtype.is_float() else pl.Float64()


def _functions(source: str, aggs: Sequence[Agg]) -> frozenset[str]:
    return frozenset(agg.function for agg in aggs if agg.column == source)


def _collected(
    events: pl.LazyFrame | pl.DataFrame, keys: Sequence[str], time: str, sources: Sequence[str]
) -> pl.DataFrame:
    names = (
        {"time": time}
        | {f"k{i}": key for i, key in enumerate(keys)}
        | {f"v{i}": source for i, source in enumerate(sources)}
    )
    frame = events.lazy().select(pl.col(source).alias(name) for name, source in names.items()).collect()
    for name in ("time", *(f"k{i}" for i in range(len(keys)))):
        if frame[name].null_count():
            raise ValueError(f"{names[name]}: {frame[name].null_count()} nulls in a key or time column")
    return frame.with_columns(pl.col("time").cast(STAMP).to_physical())


# --- an entity and an instant as one integer --------------------------------------------------------------------------


def _clock(time: pl.Series, interval: int | None, windows: Sequence[int]) -> Clock:
    unit = interval or _coarsest_unit(time, windows)
    origin = MONDAY if interval is not None and interval % WEEK == 0 else 0
    low, high = ((_integer(bound) - origin) // unit + (interval is not None) for bound in (time.min(), time.max()))
    if low * unit + origin < -LAST or high * unit + origin + max(windows) > LAST:
        raise OverflowError("a stamp would leave the range of a 64-bit microsecond timestamp")
    return Clock(unit, origin, low, high - low + max(windows) // unit + 1)


def _coarsest_unit(time: pl.Series, windows: Sequence[int]) -> int:
    """The coarser the unit, the more entities fit into 63 bits beside it."""
    for unit in UNITS:
        if (
            not any(window % unit for window in windows)
            and (time.head(100) % unit == 0).all()
            and (time % unit == 0).all()
        ):
            return unit
    return 1


def _integer(value: object) -> int:
    return cast("int", value)


def _wide(dtype: pl.DataType) -> pl.DataType:
    return pl.UInt64() if dtype == pl.UInt64 else pl.Int64()


def _numbered(
    frame: pl.DataFrame, keys: int, clock: Clock, sources: int, known_after: int
) -> tuple[pl.DataFrame, Entities]:
    """The events with `entity` and `index` in place of their keys and time."""
    index = clock.units_of(pl.col("time"), known_after).alias("index")
    entities = _computed_entities(frame, keys, clock.gap * sources)
    if entities is not None:
        wide = _wide(frame.schema["k0"])
        entity = (pl.col("k0").cast(wide) - pl.lit(entities.low, dtype=wide)).cast(pl.Int64)
        return frame.select(entity.alias("entity"), index, pl.col("^v.*$")), entities
    names = [f"k{i}" for i in range(keys)]
    table = (
        frame.lazy()
        .select(names)
        .unique()
        .sort(names)
        .with_row_index("entity")
        .with_columns(pl.col("entity").cast(pl.Int64))
    )
    table = table.collect().lazy()
    numbered = frame.lazy().join(table, on=names, how="left").select("entity", index, pl.col("^v.*$")).collect()
    found = table.select(names).collect()
    return numbered, Entities(found.height, 0, found, computed=False)


def _computed_entities(frame: pl.DataFrame, keys: int, stride: int) -> Entities | None:
    """A single integer key is its own number, if the range of its values leaves room for the stride."""
    dtype = frame.schema["k0"]
    if keys > 1 or not dtype.is_integer() or dtype in (pl.Int128, pl.UInt128):
        return None
    low, high = _integer(frame["k0"].min()), _integer(frame["k0"].max())
    if (high - low + 1) * stride > LAST:
        return None
    return Entities(high - low + 1, low, frame.select("k0").clear(), computed=True)


# --- what the values ask for ------------------------------------------------------------------------------------------


def _prepared(
    frame: pl.DataFrame, functions: Mapping[str, frozenset[str]]
) -> tuple[pl.DataFrame, dict[str | None, Value]]:
    """The events with a rank beside each value that needs one, and what is known of each column."""
    frame = frame.with_columns(
        pl.col(f"v{i}").cast(pl.UInt8) for i in range(len(functions)) if frame.schema[f"v{i}"] == pl.Boolean
    )
    values: dict[str | None, Value] = {}
    for i, (source, wanted) in enumerate(functions.items()):
        value = _value(frame[f"v{i}"], source, wanted)
        if "median" in wanted or (value.ranked and wanted & {"min", "max"}):
            frame, value = _with_ranks(frame, value)
        values[source] = value
    return frame, values


def _value(column: pl.Series, source: str, functions: frozenset[str]) -> Value:
    finite = column.is_finite() if column.dtype.is_float() else None
    special = finite is not None and not finite.all()
    bounded = column.filter(finite) if special and finite is not None else column
    whole = Limbs(0, 0, 0, pl.Int64())
    sums = _limbs(bounded, 126 - len(column).bit_length(), len(column)) if functions & {"sum", "mean"} else whole
    # n * sum(a * b) - sum(a) * sum(b) of two limbs, doubled and carried, must fit into 127 bits
    squares = _limbs(bounded, 60 - len(column).bit_length(), LAST) if "std" in functions else whole
    return Value(
        column.name, source, column.dtype, functions, column.null_count() > 0, special, sums, squares, pl.Series([0])
    )


def _limbs(column: pl.Series, width: int, terms: int) -> Limbs:
    """The limbs that hold every value of a column exactly, of a type that holds the sum of so many."""
    low, bits = _float_bits(column) if column.dtype.is_float() else _integer_bits(column)
    if bits <= 62 - terms.bit_length():
        return Limbs(low, width, 1, pl.Int64())
    return Limbs(low, width, max(1, -(-bits // width)), pl.Int128())


def _integer_bits(column: pl.Series) -> tuple[int, int]:
    bounds = [_integer(bound) for bound in (column.min(), column.max()) if bound is not None]
    return 0, max((abs(bound) for bound in bounds), default=0).bit_length()


def _float_bits(column: pl.Series) -> tuple[int, int]:
    """The exponent of the lowest bit any value can have, and how many bits there are from it to the highest."""
    sizes = column.to_frame("x").select(pl.col("x").cast(pl.Float64).abs())
    least, most = sizes.select(pl.col("x").filter(pl.col("x") > 0).min(), most=pl.col("x").max()).row(0)
    if not most:
        return 0, 0
    low = max(math.frexp(least)[1] - 53, -1074)
    return low, math.frexp(most)[1] - low


def _with_ranks(frame: pl.DataFrame, value: Value) -> tuple[pl.DataFrame, Value]:
    column = frame[value.name]
    if column.dtype.is_float():
        column = column + 0.0  # -0.0 and 0.0 are one value; NaN gets the highest rank
    labels = column.drop_nulls().unique().sort()
    ranks = (column.rank("dense") - 1).cast(pl.Float64)
    return frame.with_columns(ranks.alias(f"{value.name}.rank")), value._replace(labels=labels)


def _with_limbs(events: pl.LazyFrame, value: Value, limbs: Limbs, kind: str) -> pl.LazyFrame:
    """Adds the limbs of every value, splitting off the highest first.

    Each step is exact, for floats too: a float times a power of two, its whole part, and what is left of it are floats.
    """
    rest = pl.col(f"{value.name}.rest")
    events = events.with_columns(_splittable(value, limbs).alias(f"{value.name}.rest")) if limbs.length else events
    for i in reversed(range(limbs.length)):
        whole, part, place = f"{value.name}.{kind}.{i}", pl.col(f"{value.name}.{kind}.{i}"), limbs.width * i
        if value.dtype.is_float():
            events = events.with_columns(_times_power(rest, -place - limbs.exponent).cast(limbs.dtype).alias(whole))
            part = _times_power(part.cast(pl.Float64), place + limbs.exponent)
        else:
            events = events.with_columns((rest // 2**place if i else rest).alias(whole))
            part = part * 2**place
        events = events.with_columns(rest - part) if i else events
    return events


def _splittable(value: Value, limbs: Limbs) -> pl.Expr:
    if not value.dtype.is_float():
        return pl.col(value.name).cast(limbs.dtype)
    column = pl.col(value.name).cast(pl.Float64)
    return pl.when(column.is_finite()).then(column).otherwise(0.0) if value.special else column


def _times_power(number: pl.Expr, exponent: int) -> pl.Expr:
    if exponent > 1000:  # 2.0 ** 1024 is not a float
        return number * 2.0**1000 * 2.0 ** (exponent - 1000)
    return number * 2.0**exponent if exponent else number


def _joined(parts: Sequence[pl.Expr], limbs: Limbs, divisor: pl.Expr | None = None) -> pl.Expr:
    """Limbs of a total, which may have outgrown their width, as one float.

    Carrying so that all but the highest lie within half a unit of zero leaves one that outweighs all below it: nothing
    is cancelled when they are added as floats.
    """
    carry, terms = pl.lit(0, dtype=limbs.dtype), []
    for i, part in enumerate(parts):
        total = part + carry if i else part
        if i < len(parts) - 1:
            carry = (total + 2 ** (limbs.width - 1)) // 2**limbs.width
            total = total - carry * 2**limbs.width
        size = total.cast(pl.Float64) if divisor is None else total.cast(pl.Float64) / divisor
        terms.append(_times_power(size, limbs.width * i + limbs.exponent))
    return reduce(add, terms)


# --- tiles ------------------------------------------------------------------------------------------------------------


def _tile_sums(value: Value) -> dict[str, pl.Expr]:
    """Partial aggregates of a tile that add up over tiles."""
    column, partials = pl.col(value.name), {}
    if value.nullable:
        partials[f"{value.name}.events"] = column.count()
    if value.special:
        partials[f"{value.name}.nan"] = column.is_nan().sum()
        partials[f"{value.name}.up"] = (column == math.inf).sum()
        partials[f"{value.name}.down"] = (column == -math.inf).sum()
    partials |= {name: pl.col(name).sum() for name in _limb_names(value, "sum", value.sums)}
    if value.squared:
        roots = _limb_names(value, "root", value.squares)
        partials |= {name: pl.col(name).sum() for name in roots}
        partials |= {
            f"{value.name}.pair.{i}.{j}": (pl.col(roots[i]) * pl.col(roots[j])).sum() for i, j in _pairs(value.squares)
        }
    return partials


def _limb_names(value: Value, kind: str, limbs: Limbs) -> list[str]:
    return [f"{value.name}.{kind}.{i}" for i in range(limbs.length)]


def _pairs(limbs: Limbs) -> list[tuple[int, int]]:
    return [(i, j) for i in range(limbs.length) for j in range(i, limbs.length)]


def _tile_bounds(value: Value) -> dict[str, pl.Expr]:
    """Least and greatest value of a tile, NaN aside: a rolling minimum would hand NaN on."""
    column = pl.col(f"{value.name}.rank" if value.ranked else value.name)
    if value.special:
        column = column.fill_nan(None)
    bounds = {"min": column.min(), "max": column.max()}
    return {f"{value.name}.{name}": bound for name, bound in bounds.items() if name in value.functions}


def _tiles(events: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    partials, lazy = {"events": pl.len().cast(pl.Int64)}, events.lazy()
    for value in plan.values.values():
        partials |= _tile_sums(value) | _tile_bounds(value)
        lazy = _with_limbs(lazy, value, value.sums, "sum")
        lazy = _with_limbs(lazy, value, value.squares, "root") if value.squared else lazy
    return lazy.group_by("key", maintain_order=True).agg(**partials).collect()


def _parts(frame: pl.DataFrame, entities: Entities, plan: Plan) -> Iterator[pl.DataFrame]:
    """The rows of the result, in order, in pieces that fit 63 bits and, nearly, the cache."""
    stride = plan.clock.gap
    at_once = LAST // (stride * plan.sources)
    if not at_once:
        raise OverflowError("the times of the events are too far apart for 64-bit arithmetic")
    for start in range(0, entities.total, at_once):
        chunk = frame
        if entities.total > at_once:
            chunk = frame.filter(pl.col("entity").is_between(start, start + at_once - 1))
        key = (pl.col("entity") - start) * stride + pl.col("index")
        events = chunk.select(key.alias("key"), pl.col("^v.*$")).sort("key")
        with ThreadPoolExecutor(pl.thread_pool_size()) as pool:  # most of a slice's steps keep but one core busy
            yield from pool.map(lambda rows: rows(), _slices(events, entities, start, plan))


def _slices(events: pl.DataFrame, entities: Entities, start: int, plan: Plan) -> Iterator[Callable[[], pl.DataFrame]]:
    """Whole entities at a time, as work to be done."""
    tiles, stride = _tiles(events, plan), plan.clock.gap
    if not any(value.unbounded or "median" in value.functions for value in plan.values.values()):
        events = events.clear()
    low = 0
    while low < tiles.height:
        last = tiles["key"][min(low + TILES_PER_SLICE, tiles.height) - 1]
        bound = (last // stride + 1) * stride
        high = int(tiles["key"].search_sorted(bound))
        inside = events.filter(pl.col("key").is_between(tiles["key"][low], bound - 1))
        yield partial(_slice, tiles[low:high], inside, entities, start, plan)
        low = high


def _slice(tiles: pl.DataFrame, events: pl.DataFrame, entities: Entities, start: int, plan: Plan) -> pl.DataFrame:
    return _rows(tiles, events, plan).select(
        *entities.keys(pl.col("key") // plan.clock.gap + start),
        plan.clock.stamp(pl.col("key") % plan.clock.gap).alias("stamp"),
        pl.col("^a.*$"),
    )


# --- windows ----------------------------------------------------------------------------------------------------------


def _points(tiles: pl.Series, windows: Sequence[int]) -> pl.DataFrame:
    """Every instant at which a tile enters or leaves.

    With it, the number of tiles that by then have entered (`past0`) or have left each of the windows (`past1`, ...).
    """
    sources = len(windows) + 1
    runs = [((tiles + window) * sources + i).alias("mark").to_frame().lazy() for i, window in enumerate([0, *windows])]
    mark = pl.col("mark")
    marked = _merged(runs).select(key=mark // sources, source=(mark % sources).cast(pl.UInt8)).collect()
    past = {f"past{i}": (pl.col("source") == i).cum_sum() for i in range(sources)}
    last = (pl.col("key") != pl.col("key").shift(-1)).fill_null(True)
    return marked.select("key", last=last, **past).filter("last").drop("last")


def _merged(runs: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Sorted runs as one: twice as fast as sorting them."""
    half = len(runs) // 2
    return _merged(runs[:half]).merge_sorted(_merged(runs[half:]), "mark") if half else runs[0]


def _rows(tiles: pl.DataFrame, events: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    points = _points(tiles["key"], plan.windows)
    sums = _prefix_sums(tiles.select(pl.exclude("key", "^.*[.]min$", "^.*[.]max$")))
    entered = sums.select(pl.all().gather(points["past0"]))
    bounds = _bounds_at(points, tiles.select("^.*[.]min$", "^.*[.]max$"))
    ranks = _ranks_at(points, events, plan)
    parts = [points.select("key")]
    for i, window in enumerate(plan.windows, 1):
        aggs, left = plan.at(window), points[f"past{i}"]
        found = sums.select(entered[name] - pl.col(name).gather(left) for name in _addends(sums.columns, aggs, plan))
        found = found.with_columns(bounds.lazy().select(_window_bounds(window, aggs, plan)).collect())
        found = found.with_columns(
            ranks.lazy().select("point", *_window_ranks(window, aggs, plan)).filter("point").drop("point").collect()
        )
        found = found.with_columns(_exact_stds(events, tiles["events"], points["past0"], left, aggs, plan))
        parts.append(_finished(found, aggs, plan))
    return pl.concat(parts, how="horizontal")


def _prefix_sums(tiles: pl.DataFrame) -> pl.DataFrame:
    """Row i: the sum over the first i tiles. It may wrap around: the difference of two is right all the same."""
    zero = pl.DataFrame([pl.Series(name, [0], dtype=dtype) for name, dtype in tiles.schema.items()])
    return pl.concat([zero.cast(tiles.schema), tiles]).lazy().select(pl.all().cum_sum()).collect()


def _addends(names: Sequence[str], aggs: Sequence[Agg], plan: Plan) -> list[str]:
    owners = {"events", *(plan.values[agg.column].name for agg in aggs if agg.column is not None)}
    return [name for name in names if name.split(".")[0] in owners]


def _bounds_at(points: pl.DataFrame, bounds: pl.DataFrame) -> pl.DataFrame:
    """The bounds of the tile that enters at each point, null where none does."""
    entered = points["past0"]
    enters = entered != entered.shift(1, fill_value=0)
    tile = points.select(pl.when(enters).then(pl.col("past0") - 1)).to_series()
    return points.select("key").with_columns(column.gather(tile) for column in bounds)


def _window_bounds(window: int, aggs: Sequence[Agg], plan: Plan) -> list[pl.Expr]:
    rolls = {"min": pl.Expr.rolling_min_by, "max": pl.Expr.rolling_max_by}
    wanted = dict.fromkeys((plan.values[agg.column].name, agg.function) for agg in aggs if agg.function in rolls)
    return [rolls[function](pl.col(f"{name}.{function}"), "key", f"{window}i") for name, function in wanted]


def _medians(aggs: Sequence[Agg], plan: Plan) -> list[str]:
    return list(dict.fromkeys(plan.values[agg.column].name for agg in aggs if agg.function == "median"))


def _ranks_at(points: pl.DataFrame, events: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """The ranks of all events, and a null at each point for a window to end at."""
    names = [f"{name}.rank" for name in _medians(plan.aggs, plan)]
    if not names:
        return points.select("key", point=True)
    ends = points.select("key", point=True)
    return pl.concat([events.select("key", *names, point=False), ends], how="diagonal").sort("key")


def _window_ranks(window: int, aggs: Sequence[Agg], plan: Plan) -> list[pl.Expr]:
    """The two ranks in the middle of each window, which are the same one for an odd number of values."""
    return [
        pl.col(f"{name}.rank")
        .rolling_quantile_by("key", f"{window}i", quantile=0.5, interpolation=side)
        .alias(f"{name}.{side}")
        for name in _medians(aggs, plan)
        for side in SIDES
    ]


def _exact_stds(
    events: pl.DataFrame, sizes: pl.Series, entered: pl.Series, left: pl.Series, aggs: Sequence[Agg], plan: Plan
) -> list[pl.Series]:
    wanted = dict.fromkeys(agg.column for agg in aggs if agg.function == "std")
    values = [value for value in (plan.values[column] for column in wanted) if value.unbounded]
    if not values:
        return []
    starts = [0, *accumulate(sizes.to_list())]
    ranges = [(starts[low], starts[high]) for low, high in zip(left.to_list(), entered.to_list(), strict=True)]
    return [
        pl.Series(f"{value.name}.std", _python_stds(events[value.name], value, ranges), dtype=pl.Float64)
        for value in values
    ]


def _python_stds(column: pl.Series, value: Value, ranges: Sequence[tuple[int, int]]) -> Iterator[float | None]:
    """As `_std`, for numbers so far apart that only Python's integers hold their squares."""
    low = value.squares.exponent
    numbers = [_fixed(number, low) for number in column.cast(pl.Float64).to_list()]
    counts = [0, *accumulate(number is not None for number in numbers)]
    sums = [0, *accumulate(number or 0 for number in numbers)]
    squares = [0, *accumulate((number or 0) ** 2 for number in numbers)]
    for start, end in ranges:
        n = counts[end] - counts[start]
        spread = n * (squares[end] - squares[start]) - (sums[end] - sums[start]) ** 2
        yield _root(spread, n * (n - 1), low) if n > 1 else None


def _fixed(number: float | None, low: int) -> int | None:
    """A float as a multiple of 2 ** low. What is not finite counts, and is dealt with by the caller."""
    if number is None or not math.isfinite(number):
        return None if number is None else 0
    top, bottom = number.as_integer_ratio()
    return (top << -low) // bottom if low < 0 else top >> low


def _root(spread: int, divisor: int, low: int) -> float:
    shift = max(0, spread.bit_length() - 500) & ~1  # even, so that its root is whole
    try:
        return math.ldexp(math.sqrt((spread >> shift) / divisor), shift // 2 + low)
    except OverflowError:
        return math.inf


# --- results ----------------------------------------------------------------------------------------------------------


def _finished(found: pl.DataFrame, aggs: Sequence[Agg], plan: Plan) -> pl.DataFrame:
    finals = {f"a{plan.aggs.index(agg)}": _final(agg, plan) for agg in aggs}
    finished = found.lazy().select(**finals).collect()
    for agg in aggs:
        if agg.function == "sum" and finished[f"a{plan.aggs.index(agg)}"].null_count():
            raise OverflowError(f"{agg.name}: the sum over a window does not fit into 64 bits")
    return finished


def _final(agg: Agg, plan: Plan) -> pl.Expr:
    if agg.column is None:
        return pl.col("events").cast(pl.Int64)
    return FINALS[agg.function](plan.values[agg.column])


def _count(value: Value) -> pl.Expr:
    return pl.col(value.events).cast(pl.Int64)


def _totals(value: Value) -> list[pl.Expr]:
    return [pl.col(name) for name in _limb_names(value, "sum", value.sums)]


def _sum(value: Value) -> pl.Expr:
    if not value.dtype.is_float():
        return _totals(value)[0].cast(pl.Int64, strict=False)
    return _or_special(_joined(_totals(value), value.sums), value)


def _mean(value: Value) -> pl.Expr:
    mean = _joined(_totals(value), value.sums, divisor=pl.col(value.events))
    return pl.when(pl.col(value.events) > 0).then(_or_special(mean, value))


def _or_special(number: pl.Expr, value: Value) -> pl.Expr:
    """A sum or mean as IEEE has it once there are NaN or infinities among its terms."""
    if not value.special:
        return number
    nan, up, down = (pl.col(f"{value.name}.{kind}") > 0 for kind in ("nan", "up", "down"))
    infinite = pl.when(up).then(math.inf).when(down).then(-math.inf).otherwise(number)
    return pl.when(nan | (up & down)).then(math.nan).otherwise(infinite)


def _std(value: Value) -> pl.Expr:
    n = _count(value)
    std = _squares_std(value, n) if value.squared else pl.col(f"{value.name}.std")
    if value.special:
        special = pl.any_horizontal(pl.col(f"{value.name}.{kind}") > 0 for kind in ("nan", "up", "down"))
        std = pl.when(special).then(math.nan).otherwise(std)
    return pl.when(n > 1).then(std)


def _squares_std(value: Value, n: pl.Expr) -> pl.Expr:
    """The root of (n * sum(x * x) - sum(x) ** 2) / (n * (n - 1)), the numerator limb by limb and exact."""
    limbs, spread = value.squares, dict[int, pl.Expr]()
    roots = [pl.col(name) for name in _limb_names(value, "root", limbs)]
    for i, j in _pairs(limbs):
        part = n.cast(pl.Int128) * pl.col(f"{value.name}.pair.{i}.{j}") - roots[i] * roots[j]
        part = part if i == j else part + part
        spread[i + j] = spread[i + j] + part if i + j in spread else part
    parts = [spread[place] for place in sorted(spread)]
    variance = _joined(parts, limbs._replace(exponent=0)) / (n.cast(pl.Float64) * (n - 1))
    return _times_power(variance.sqrt(), limbs.exponent)


def _median(value: Value) -> pl.Expr:
    low, high = (pl.lit(value.labels).gather(pl.col(f"{value.name}.{side}").cast(pl.UInt32)) for side in SIDES)
    if not value.dtype.is_float():
        return (low.cast(pl.Int128) + high.cast(pl.Int128)).cast(pl.Float64) / 2
    low, high = low.cast(pl.Float64), high.cast(pl.Float64)
    return pl.when(low.abs() < 2.0**1000).then((low + high) / 2).otherwise(low / 2 + high / 2)


def _min(value: Value) -> pl.Expr:
    least = pl.col(f"{value.name}.min")
    if value.special:
        return pl.when(least.is_null() & (pl.col(value.events) > 0)).then(math.nan).otherwise(least)
    return _unranked(least, value)


def _max(value: Value) -> pl.Expr:
    greatest = pl.col(f"{value.name}.max")
    if value.special:
        return pl.when(pl.col(f"{value.name}.nan") > 0).then(math.nan).otherwise(greatest)
    return _unranked(greatest, value)


def _unranked(bound: pl.Expr, value: Value) -> pl.Expr:
    return pl.lit(value.labels).gather(bound.cast(pl.UInt32)) if value.ranked else bound


FINALS: Mapping[str, Callable[[Value], pl.Expr]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "std": _std,
    "min": _min,
    "max": _max,
    "median": _median,
}
