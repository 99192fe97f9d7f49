"""The skewness and the kurtosis of short ranges by floats, all at once – where that is as good as exact.

What a range's result is depends on its own values alone, not on the ranges that are computed beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

FEW = 64
"""Values in a range that are looked at one by one faster than power sums are kept up in whole numbers of any size."""
_AT_ONCE = 2_000_000
_ROUNDED = 2.0**-53
_LOST = 1e10
"""A result may be off by one part of it: more cancellation than leaves that is left to exact arithmetic."""
_WHOLE = 2.0**53
"""Whole numbers below it are floats."""

Formula = Callable[[int], pl.Expr]
"""A moment of so many values, by the sums of their powers and by `size`, that of all cubes without their signs."""


def found(numbers: pl.Series, ranges: pl.DataFrame, formula: Formula) -> Iterator[pl.DataFrame]:
    """The moments of short ranges, each with the range's number: null where exact arithmetic has to settle it."""
    low = ranges.select("range", "low", n=pl.col("high") - pl.col("low")).filter(pl.col("n") <= FEW)
    for (n,), some in low.partition_by("n", as_dict=True).items():
        for part in some.iter_slices(max(1, _AT_ONCE // int(n))):
            yield part.select("range", moment=_moments(numbers, part["low"], int(n), formula))


def _moments(numbers: pl.Series, low: pl.Series, n: int, formula: Formula) -> pl.Series:
    values = pl.DataFrame({f"{i}": numbers.gather(low + i) for i in range(n)}).lazy().cast(pl.Float64)
    is_given = numbers.dtype.is_float() or pl.max_horizontal(pl.all().abs()) < _WHOLE
    values = values.with_columns(is_float=is_given)
    column = [pl.col(f"{i}") for i in range(n)]
    near = column[0] + pl.sum_horizontal(c - column[0] for c in column) / n
    gaps = values.with_columns(near=near).select("is_float", *(c - pl.col("near") for c in column))
    squares = gaps.with_columns((c * c).alias(f"{i}²") for i, c in enumerate(column))
    pairs = [(c, pl.col(f"{i}²")) for i, c in enumerate(column)]
    sums = squares.select(
        "is_float",
        sum=pl.sum_horizontal(column),
        square=pl.sum_horizontal(square for _, square in pairs),
        cube=pl.sum_horizontal(gap * square for gap, square in pairs),
        size=pl.sum_horizontal(gap.abs() * square for gap, square in pairs),
        fourth=pl.sum_horizontal(square * square for _, square in pairs),
    )
    spread = pl.col("square") - pl.col("sum") ** 2 / n
    is_usual = pl.col("square").is_between(2.0**-200, 2.0**200) & (spread > pl.col("square") / 2)
    settled = sums.select(pl.when("is_float", is_usual).then(formula(n)).alias("moment"))
    return settled.collect()["moment"]


def skewness(n: int) -> pl.Expr:
    """Adjusted Fisher-Pearson skewness, null where its numerator has cancelled."""
    total, square, cube = pl.col("sum"), pl.col("square"), pl.col("cube")
    spread = (square - total**2 / n) / n
    lean = cube - 3 * total * square / n + 2 * total**3 / n**2
    sure = lean.abs() >= (16 * n + 50) * _ROUNDED * _LOST * pl.col("size")
    return pl.when(sure).then(lean / n / (spread * spread.sqrt()) * ((n * (n - 1)) ** 0.5 / (n - 2)))


def kurtosis(n: int) -> pl.Expr:
    """Adjusted excess kurtosis, null where it has cancelled."""
    total, square, cube, fourth = (pl.col(c) for c in ("sum", "square", "cube", "fourth"))
    spread = square - total**2 / n
    tails = fourth - 4 * total * cube / n + 6 * total**2 * square / n**2 - 3 * total**4 / n**3
    ratio = (n + 1) * n * tails / spread**2
    excess = ratio - 3 * (n - 1)
    sure = excess.abs() >= (16 * n + 50) * _ROUNDED * _LOST * ratio
    return pl.when(sure).then(excess * (n - 1) / ((n - 2) * (n - 3)))
