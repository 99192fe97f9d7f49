"""Standard deviations of ranges whose numbers are so far apart that only Python's integers hold their squares."""

from __future__ import annotations

import math
from itertools import accumulate

import polars as pl

from mlforge.plugin.engine.ends import nearest_root
from mlforge_ranges.sequence import Sequence


def stds(sequence: Sequence, low: pl.Series, high: pl.Series) -> pl.Series:
    """That of each range; null of fewer than two values, NaN where one is not finite."""
    values = sequence.values
    one = 10 ** (values.dtype.scale if isinstance(values.dtype, pl.Decimal) else 0)  # digits are whole numbers
    numbers, exponent = _whole((values.cast(pl.Float64) if values.dtype.is_float() else values.to_physical()).to_list())
    odd = [0, *accumulate(number is None for number in numbers)]
    sums = [0, *accumulate(number or 0 for number in numbers)]
    squares = [0, *accumulate((number or 0) ** 2 for number in numbers)]

    def std(start: int, end: int) -> float | None:
        n, total = end - start, sums[end] - sums[start]
        if n < 2 or odd[end] - odd[start]:
            return None if n < 2 else math.nan
        return nearest_root(n * (squares[end] - squares[start]) - total**2, n * (n - 1) * one**2, exponent)

    found = [std(start, end) for start, end in zip(low.to_list(), high.to_list(), strict=True)]
    return pl.Series(found, dtype=pl.Float64)


def _whole(numbers: list[float]) -> tuple[list[int | None], int]:
    """Numbers in units of a power of two that makes them whole, and which; None for what is not finite."""
    ratios = [number.as_integer_ratio() if math.isfinite(number) else None for number in numbers]
    most = max((ratio[1].bit_length() for ratio in ratios if ratio), default=1)
    return [ratio and ratio[0] << most - ratio[1].bit_length() for ratio in ratios], 1 - most
