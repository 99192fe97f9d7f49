"""Windowed aggregates at their change points, with sums that are exact.

Events fall into tiles: one per entity and instant they are known from. A window is then a run of tiles, so every count
and every sum is the difference of two prefix sums. That is sound only because sums are kept as integers: a float is
split into fixed-point limbs, nothing is rounded before a window is complete, and a value that left leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, islice

import polars as pl

from mlforge.model.duration import Duration
from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_csv import dtype_of
from mlforge_polars.aggs import Plan, is_ordered, stays_of
from mlforge_polars.entities import LAST, STAMP, Entities, clock_of, number_entities
from mlforge_polars.tiles import rows_of, tiles_of
from mlforge_polars.values import prepare

TILES_PER_SLICE = 120_000  # few enough that what a slice needs is memory the slice before has given back


def change_points(
    events: pl.LazyFrame | pl.DataFrame,
    keys: Sequence[str],
    time: str,
    interval: Duration | None,
    inputs: Mapping[str, pl.Expr],
    aggs: Sequence[Aggregate],
) -> pl.DataFrame:
    """One row per entity and instant at which an event enters or leaves a window, sorted by keys and stamp.

    Aggregates have a name that no key has. Raises OverflowError where an
    integer sum or a stamp needs more than 64 bits.
    """
    frame = _collected(events, keys, time, inputs)
    schema = {key: frame.schema[f"k{i}"] for i, key in enumerate(keys)} | {time: STAMP}
    schema |= {agg.name: dtype_of(agg.word) for agg in aggs}
    if frame.is_empty():
        return pl.DataFrame(schema=schema)
    stays = [stay for agg in aggs for stay in stays_of(agg)]
    clock = clock_of(frame["time"], interval, stays)
    shifts = sorted({0, *(stay // clock.unit for stay in stays)})
    if interval is not None and any(map(is_ordered, aggs)):
        frame = frame.with_columns(pl.col("time").alias("when"))
    numbered, entities = number_entities(frame, len(keys), clock, len(shifts), 0 if interval is None else 1)
    del frame
    prepared, values = prepare(numbered, {n: frozenset(a.function for a in aggs if a.column == n) for n in inputs})
    del numbered
    parts = list(_parts(prepared, entities, Plan(clock, shifts, values, aggs)))
    return pl.concat(parts, rechunk=False).select(
        *(pl.col(f"k{i}").alias(key) for i, key in enumerate(keys)),
        pl.col("stamp").alias(time),
        *(pl.col(f"a{i}").cast(schema[agg.name]).alias(agg.name) for i, agg in enumerate(aggs)),
    )


def _collected(
    events: pl.LazyFrame | pl.DataFrame, keys: Sequence[str], time: str, inputs: Mapping[str, pl.Expr]
) -> pl.DataFrame:
    parts = {"time": pl.col(time).cast(STAMP).to_physical()}
    parts |= {f"k{i}": pl.col(key) for i, key in enumerate(keys)}
    parts |= {f"v{i}": expr for i, expr in enumerate(inputs.values())}
    return events.lazy().select(**parts).collect()


def _parts(frame: pl.DataFrame, entities: Entities, plan: Plan) -> Iterator[pl.DataFrame]:
    """The rows of the result, in order, in pieces that fit 63 bits and, nearly, the cache."""
    stride = plan.clock.gap
    at_once = LAST // (stride * len(plan.shifts))
    if not at_once:
        raise OverflowError("the times of the events are too far apart for 64-bit arithmetic")
    for start in range(0, entities.total, at_once):
        chunk = frame
        if entities.total > at_once:
            chunk = frame.filter(pl.col("entity").is_between(start, start + at_once - 1))
        key = (pl.col("entity") - start) * stride + pl.col("index")
        events = chunk.select(key.alias("key"), pl.col("^(v|when).*$")).sort("key")
        yield from _computed(_slices(events, entities, start, plan))


def _computed(works: Iterator[Callable[[], pl.DataFrame]]) -> Iterator[pl.DataFrame]:
    """What works give, in order, side by side where there are several: most of their steps keep but one core busy."""
    first = list(islice(works, 2))
    if len(first) < 2:
        yield from (work() for work in first)
        return
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        yield from pool.map(lambda work: work(), chain(first, works))


def _slices(events: pl.DataFrame, entities: Entities, start: int, plan: Plan) -> Iterator[Callable[[], pl.DataFrame]]:
    """Whole entities at a time, as work to be done."""
    tiles, stride = tiles_of(events, plan), plan.clock.gap
    if not any(map(plan.is_ranged, plan.aggs)):
        events = events.clear()
    low = 0
    while low < tiles.height:
        last = tiles["key"][min(low + TILES_PER_SLICE, tiles.height) - 1]
        bound = (last // stride + 1) * stride
        high = int(tiles["key"].search_sorted(bound))
        first, end = (int(events["key"].search_sorted(key)) for key in (tiles["key"][low], bound))
        yield partial(_slice, tiles[low:high], events[first:end], entities, start, plan)
        low = high


def _slice(tiles: pl.DataFrame, events: pl.DataFrame, entities: Entities, start: int, plan: Plan) -> pl.DataFrame:
    rows = rows_of(tiles, events, plan).select(
        *entities.keys(pl.col("key") // plan.clock.gap + start),
        plan.clock.stamp(pl.col("key") % plan.clock.gap).alias("stamp"),
        pl.col("^a.*$"),
    )
    return rows.rechunk()  # of columns in unlike pieces, all rows would be copied at once, to memory that is new
