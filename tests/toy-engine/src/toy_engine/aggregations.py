"""Aggregations over runs of values. Sums are Python's integers, so that nothing that left a window leaves a trace."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from mlforge.plugin.engine.ends import nearest, nearest_root
from toy_engine.order import Numbers, ranks


class Overflow(Exception):
    """A sum that does not fit its type."""


class Values:
    """An aggregated column in the order of the events, and its running totals."""

    def __init__(self, array: pa.Array) -> None:
        self.array = array.cast(pa.int8()) if pa.types.is_boolean(array.type) else array
        self.type = array.type
        self.floats = pa.types.is_floating(array.type)
        self.counts = _running(array.is_valid().to_numpy(zero_copy_only=False))

    @cached_property
    def special(self) -> list[Numbers]:
        """Running counts of NaN, infinity and minus infinity."""
        numbers = self.array.cast(pa.float64()).fill_null(0).to_numpy()
        return [_running(found) for found in (np.isnan(numbers), numbers == math.inf, numbers == -math.inf)]

    @cached_property
    def _exact(self) -> tuple[int, list[int]]:
        """A power of two, and the values as whole multiples of its inverse; 0 for what is not finite."""
        given = self.array.to_pylist()
        if not self.floats:
            return 0, [int(v or 0) for v in given]
        ratios = [v.as_integer_ratio() if v is not None and math.isfinite(v) else (0, 1) for v in given]
        power = max((bottom.bit_length() for _, bottom in ratios), default=1) - 1
        return power, [top << (power + 1 - bottom.bit_length()) for top, bottom in ratios]

    @property
    def power(self) -> int:
        """Of two, by which the totals are divided."""
        return self._exact[0]

    @cached_property
    def totals(self) -> list[int]:
        """Running totals."""
        return [0, *accumulate(self._exact[1])]

    @cached_property
    def squares(self) -> list[int]:
        """Running totals of squares."""
        return [0, *accumulate(v * v for v in self._exact[1])]

    @cached_property
    def ranks(self) -> tuple[Numbers, pa.Array]:
        """Places among the different values, -1 for null; and those."""
        return ranks(self.array)


def aggregated(function: str, values: Values | None, low: Numbers, high: Numbers) -> pa.Array:
    """An aggregation over runs of events, from `low` up to, not including, `high`. Raises `Overflow`."""
    return pa.array(high - low) if values is None else FUNCTIONS[function](values, low, high)


def _running(found: np.ndarray[Any, Any]) -> Numbers:
    return np.r_[0, np.cumsum(found, dtype=np.int64)]


def _count(values: Values, low: Numbers, high: Numbers) -> pa.Array:
    return pa.array(values.counts[high] - values.counts[low])


def _sums(values: Values, low: Numbers, high: Numbers) -> Iterator[tuple[int, int, float | None]]:
    """For each run how many values it has, their exact total, and instead of that what is not finite."""
    totals, counts = values.totals, (values.counts[high] - values.counts[low]).tolist()
    runs = zip(low.tolist(), high.tolist(), strict=True)
    exact = [totals[b] - totals[a] for a, b in runs]
    if not values.floats:
        return zip(counts, exact, [None] * len(counts), strict=True)
    nan, up, down = (c[high] - c[low] > 0 for c in values.special)
    odd = np.where(nan | (up & down), math.nan, np.where(up, math.inf, -math.inf))
    special = np.where(nan | up | down, odd, None)
    return zip(counts, exact, special.tolist(), strict=True)


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


def _std(values: Values, low: Numbers, high: Numbers) -> pa.Array:
    squares, runs = values.squares, zip(low.tolist(), high.tolist(), strict=True)
    spreads = (squares[b] - squares[a] for a, b in runs)
    found = zip(_sums(values, low, high), spreads, strict=True)
    return pa.array([_root(n, s, q, odd, values.power) for (n, s, odd), q in found], pa.float64())


def _root(n: int, total: int, squares: int, odd: float | None, power: int) -> float | None:
    """The sample standard deviation of `n` values."""
    if n < 2:
        return None
    if odd is not None:
        return math.nan
    return nearest_root(n * squares - total * total, n * (n - 1), -power)


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


def _median(values: Values, low: Numbers, high: Numbers) -> pa.Array:
    """Runs follow each other, and neither end goes back: one sorted list is kept up."""
    places, labels = values.ranks[0].tolist(), values.ranks[1].to_pylist()
    labels = [int(v) for v in labels] if pa.types.is_decimal(values.type) else labels
    kept: list[int] = []
    start = end = 0
    medians = []
    for a, b in zip(low.tolist(), high.tolist(), strict=True):
        for place in places[end:b]:
            if place >= 0:
                insort(kept, place)
        for place in places[start:a]:
            if place >= 0:
                del kept[bisect_left(kept, place)]
        start, end = a, b
        medians.append(_middle(labels[kept[(len(kept) - 1) // 2]], labels[kept[len(kept) // 2]]) if kept else None)
    return pa.array(medians, pa.float64())


def _middle(a: float, b: float) -> float:
    """Their mean; halves of small numbers would lose a digit, and a sum of large ones overflow."""
    return a / 2 + b / 2 if max(abs(a), abs(b)) > 1 else (a + b) / 2


FUNCTIONS: dict[str, Callable[[Values, Numbers, Numbers], pa.Array]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "std": _std,
    "min": _min,
    "max": _max,
    "median": _median,
}
