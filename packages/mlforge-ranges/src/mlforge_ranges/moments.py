"""The skewness and the kurtosis of ranges, from power sums that are exact.

Neither changes when all values are multiplied by a number: floats and decimals are made whole numbers first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import polars as pl

from mlforge.plugin.engine.ends import nearest, nearest_root
from mlforge_ranges import few
from mlforge_ranges.sequence import Sequence

Sums = tuple[int, int, int, int, int]
"""How many numbers there are, their sum, and that of their squares, cubes and fourth powers."""
Moment = Callable[[Sums], float | None]


def skewness(sums: Sums) -> float | None:
    """Adjusted Fisher-Pearson skewness; null of fewer than three, and without spread."""
    n, first, second, third, _ = sums
    spread = n * second - first**2
    if n < 3 or not spread:
        return None
    lean = n * n * third - 3 * n * first * second + 2 * first**3
    size = nearest_root(n * (n - 1) * lean**2, (n - 2) ** 2 * spread**3, 0)
    return size if lean >= 0 else -size


def kurtosis(sums: Sums) -> float | None:
    """Adjusted excess kurtosis; null of fewer than four, and without spread."""
    n, first, second, third, fourth = sums
    square = (n * second - first**2) ** 2
    if n < 4 or not square:
        return None
    tails = n**3 * fourth - 4 * n * n * first * third + 6 * n * first**2 * second - 3 * first**4
    return nearest((n - 1) * ((n + 1) * tails - 3 * (n - 1) * square), (n - 2) * (n - 3) * square, 0)


def over(sequence: Sequence, low: pl.Series, high: pl.Series, moment: Moment) -> pl.Series:
    """A moment of each range; NaN where a value is not finite."""
    least, formula = (3, few.skewness) if moment is skewness else (4, few.kurtosis)
    rows = pl.DataFrame({"low": low, "high": high}).with_row_index("range")
    rows = rows.filter(pl.col("high") >= pl.col("low") + least)
    numbers = sequence.values.to_physical()
    found = pl.Series([None], dtype=pl.Float64).new_from_index(0, len(low))
    if numbers.dtype.is_float():
        numbers, strange = numbers.cast(pl.Float64), ~numbers.is_finite()
        before = pl.concat([pl.Series([0]), strange.cast(pl.Int64).cum_sum()])
        is_strange = before.gather(rows["high"]) > before.gather(rows["low"])
        found = found.scatter(rows["range"].filter(is_strange), math.nan)
        rows = rows.filter(~is_strange)
    for quick in few.found(numbers, rows, formula):
        found = found.scatter(quick["range"], quick["moment"])
    rows = rows.filter(found.gather(rows["range"]).is_null())
    exact = pl.Series(list(_swept(numbers, rows["low"], rows["high"], moment)), dtype=pl.Float64)
    return found.scatter(rows["range"], exact)


def _swept(numbers: pl.Series, low: pl.Series, high: pl.Series, moment: Moment) -> Iterator[float | None]:
    """By power sums that are kept up from one range to the next, for as long as they overlap."""
    apart = pl.DataFrame({"low": low, "apart": low >= high.shift(fill_value=0)}).select(pl.col("apart").cum_sum())
    for length in apart.to_series().rle().struct.field("len").to_list():
        start, end = int(low[0]), int(high[length - 1])
        ends = zip((low.head(length) - start).to_list(), (high.head(length) - start).to_list(), strict=True)
        yield from map(moment, _power_sums(_whole(numbers[start:end].to_list()), ends))
        low, high = low.slice(length), high.slice(length)


def _whole(numbers: list[float]) -> list[int]:
    """Numbers times one power of two that makes them whole."""
    ratios = [number.as_integer_ratio() for number in numbers]
    most = max(bottom for _, bottom in ratios).bit_length()
    return [top << most - bottom.bit_length() for top, bottom in ratios]


def _power_sums(numbers: list[int], ends: Iterator[tuple[int, int]]) -> Iterator[Sums]:
    first = second = third = fourth = left = reached = 0
    for low, high in ends:
        for number in numbers[reached:high]:
            square = number * number
            first, second = first + number, second + square
            third, fourth = third + square * number, fourth + square * square
        for number in numbers[left:low]:
            square = number * number
            first, second = first - number, second - square
            third, fourth = third - square * number, fourth - square * square
        left, reached = low, high
        yield high - low, first, second, third, fourth
