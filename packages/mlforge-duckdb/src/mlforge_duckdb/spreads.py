"""Standard deviations of numbers so far apart that only Python's integers hold their squares."""

from __future__ import annotations

import math
from itertools import accumulate

import polars as pl

from mlforge.plugin.engine.ends import nearest_root


def stds(values: pl.Series, low: pl.Series, high: pl.Series, exponent: int) -> pl.Series:
    """Those of runs, from `low` up to, not including, `high`, of values that are multiples of `2 ** exponent`."""
    given = values.cast(pl.Float64).to_list() if values.dtype.is_float() else values.to_list()
    numbers = [_fixed(number, exponent) for number in given]
    odd = [0, *accumulate(not math.isfinite(number) for number in given)]
    sums, squares = [0, *accumulate(numbers)], [0, *accumulate(number**2 for number in numbers)]

    def std(start: int, end: int) -> float | None:
        n, total = end - start, sums[end] - sums[start]
        if n < 2 or odd[end] - odd[start]:
            return None if n < 2 else math.nan
        return nearest_root(n * (squares[end] - squares[start]) - total**2, n * (n - 1), exponent)

    found = [std(start, end) for start, end in zip(low.to_list(), high.to_list(), strict=True)]
    return pl.Series(found, dtype=pl.Float64)


def _fixed(number: float, exponent: int) -> int:
    """A number in units of a power of two; 0 for what is not finite."""
    if not math.isfinite(number):
        return 0
    top, bottom = number.as_integer_ratio()
    return (top << -exponent) // bottom if exponent < 0 else top >> exponent
