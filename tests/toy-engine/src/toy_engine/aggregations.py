"""Aggregations over runs of values. Sums are Python's integers, so that nothing that left a window leaves a trace."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge.plugin.engine.ends import nearest, nearest_root
from mlforge.plugin.engine.runs import distinct, firsts, in_order, lasts, most_frequent
from mlforge.plugin.engine.statistics import between, kurtosis, place_of, skewness
from toy_engine.order import Numbers
from toy_engine.values import Values


class Overflow(Exception):
    """A sum that does not fit its type."""


def aggregated(asked: Aggregate, values: Values | None, low: Numbers, high: Numbers) -> pa.Array:
    """An aggregation over runs of events, from `low` up to, not including, `high`. Raises `Overflow`."""
    return pa.array(high - low) if values is None else FUNCTIONS[asked.function](values, low, high, *asked.options)


def _count(values: Values, low: Numbers, high: Numbers) -> pa.Array:
    return pa.array(values.counts[high] - values.counts[low])


def _sums(values: Values, low: Numbers, high: Numbers) -> Iterator[tuple[int, int, float | None]]:
    """For each run how many values it has, their exact total, and instead of that what is not finite."""
    counts, exact = (values.counts[high] - values.counts[low]).tolist(), _totals(values, low, high, 1)[0]
    if not values.floats:
        return zip(counts, exact, [None] * len(counts), strict=True)
    nan, up, down = (c[high] - c[low] > 0 for c in values.special)
    odd = np.where(nan | (up & down), math.nan, np.where(up, math.inf, -math.inf))
    special = np.where(nan | up | down, odd, None)
    return zip(counts, exact, special.tolist(), strict=True)


def _totals(values: Values, low: Numbers, high: Numbers, powers: int) -> list[list[int]]:
    """The totals of each run: of the values, of their squares, and so on."""
    runs = list(zip(low.tolist(), high.tolist(), strict=True))
    return [[totals[b] - totals[a] for a, b in runs] for totals in values.totals[:powers]]


def _sum(values: Values, low: Numbers, high: Numbers) -> pa.Array:
    if values.floats:
        found = _sums(values, low, high)
        return pa.array([odd if odd is not None else nearest(s, 1, -values.power) for _, s, odd in found], pa.float64())
    try:
        whole = [s for _, s, _ in _sums(values, low, high)]
        if pa.types.is_decimal(values.type):
            return pa.array(map(Decimal, whole), pa.decimal128(38, 0))
        return pa.array(whole, pa.int64())
    except (OverflowError, pa.ArrowInvalid) as error:
        raise Overflow from error


def _mean(values: Values, low: Numbers, high: Numbers) -> pa.Array:
    found = _sums(values, low, high)
    means = [odd if odd is not None else nearest(s, n, -values.power) if n else None for n, s, odd in found]
    return pa.array(means, pa.float64())


def _shape(values: Values, low: Numbers, high: Numbers, least: int, shape: Callable[..., float | None]) -> pa.Array:
    """What the totals of a run's powers say of it: null of too few values, NaN where one is not finite."""
    totals = zip(*_totals(values, low, high, max(least, 2)), strict=True)
    found = zip(_sums(values, low, high), totals, strict=True)
    shapes = [
        None if n < least else math.nan if odd is not None else shape(n, *powers) for (n, _, odd), powers in found
    ]
    return pa.array(shapes, pa.float64())


def _std(values: Values, low: Numbers, high: Numbers) -> pa.Array:
    def root(n: int, total: int, squares: int) -> float:
        return nearest_root(n * squares - total * total, n * (n - 1), -values.power)

    return _shape(values, low, high, 2, root)


def _min(values: Values, low: Numbers, high: Numbers) -> pa.Array:
    places, different = values.ranks
    nothing = len(different)
    return _labels(values, _least(np.where(places < 0, nothing, places), low, high, nothing), nothing)


def _max(values: Values, low: Numbers, high: Numbers) -> pa.Array:
    places, _ = values.ranks
    return _labels(values, -_least(-places, low, high, 1), -1)


def _labels(values: Values, places: Numbers, nothing: int) -> pa.Array:
    found = values.ranks[1].take(pa.array(places, mask=places == nothing))
    return found.cast(values.type)


def _least(places: Numbers, low: Numbers, high: Numbers, nothing: int) -> Numbers:
    """The least of each run: that of two runs of a power of two that cover it."""
    least, length = np.full(len(low), nothing), 1
    lengths = high - low
    while len(places) and length <= lengths.max(initial=0):
        covered = (lengths >= length) & (lengths < 2 * length)
        first, last = low[covered], high[covered] - length
        least[covered] = np.minimum(places[first], places[last])
        places = np.minimum(places[:-length], places[length:])
        length *= 2
    return least


def _percentile(values: Values, low: Numbers, high: Numbers, q: float) -> pa.Array:
    labels = values.ranks[1].to_pylist()
    labels = [int(v) for v in labels] if pa.types.is_decimal(values.type) else labels
    found: list[float | None] = []
    for run in in_order(values.places, values.runs(low, high)):
        at, part = place_of(q, max(len(run), 1))
        found.append(between(labels[run[at]], labels[run[at + bool(part)]], part) if len(run) else None)
    return pa.array(found, pa.float64())


def _count_distinct(values: Values, low: Numbers, high: Numbers) -> pa.Array:
    return pa.array(distinct(values.places, values.runs(low, high)), pa.int64())


def _one(listing: Callable[..., list[list[int]]], *options: Any) -> Callable[..., pa.Array]:
    """An aggregation that is one of the values."""

    def aggregation(values: Values, low: Numbers, high: Numbers) -> pa.Array:
        found = listing(values.places, values.runs(low, high), 1, *options)
        return _labels(values, np.array([places[0] if places else -1 for places in found], np.int64), -1)

    return aggregation


def _several(listing: Callable[..., list[list[int]]]) -> Callable[..., pa.Array]:
    """An aggregation that is a list of the values."""

    def aggregation(values: Values, low: Numbers, high: Numbers, n: float, *options: Any) -> pa.Array:
        return _lists(values, listing(values.places, values.runs(low, high), int(n), *options))

    return aggregation


def _lists(values: Values, found: Sequence[Sequence[int]]) -> pa.Array:
    ends = np.cumsum([0, *map(len, found)])
    flat = np.array([place for places in found for place in places], np.int64)
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), _labels(values, flat, -1))


FUNCTIONS: dict[str, Callable[..., pa.Array]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "std": _std,
    "min": _min,
    "max": _max,
    "median": partial(_percentile, q=0.5),
    "percentile": _percentile,
    "skew": partial(_shape, least=3, shape=skewness),
    "kurtosis": partial(_shape, least=4, shape=kurtosis),
    "count_distinct": _count_distinct,
    "first": _one(firsts, False),
    "last": _one(lasts, False),
    "first_n": _several(firsts),
    "last_n": _several(lasts),
    "mode": _one(most_frequent),
    "top_k": _several(most_frequent),
}
