"""The standard deviation of a list of numbers that are too far apart for sums of squares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from mlforge_spark.between import real_column

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import Column

_MOST, _LEAST = 1023, -1074
"""The exponents of the powers of two among floats."""


def std(values: Column) -> Column:
    """The sample standard deviation; null of fewer than two.

    In units of the greatest number, from the first, and again in units of the greatest of these: each step is rounded
    but once, whatever the numbers' sizes, and only the last can leave the range of floats.
    """
    numbers = F.transform(values, lambda x: x.cast("double"))
    odd = F.exists(numbers, lambda x: F.isnan(x) | (F.abs(x) == real_column(float("inf"))))
    found = F.when(odd, real_column(float("nan"))).otherwise(_let(numbers, _of_finite))
    return F.when(F.size(values) > F.lit(1), found)


def _of_finite(numbers: Column) -> Column:
    return _in_units(numbers, lambda xs: _let(F.transform(xs, lambda x: x - xs[0]), _about_the_first))


def _about_the_first(gaps: Column) -> Column:
    return _in_units(gaps, _of_few_sizes)


def _of_few_sizes(numbers: Column) -> Column:
    n = F.size(numbers).cast("double")
    gaps = _let(_total(numbers) / n, lambda mean: F.transform(numbers, lambda x: x - mean))
    return F.sqrt(_total(F.transform(gaps, lambda gap: gap * gap)) / (n - real_column(1.0)))


def _in_units(numbers: Column, of: Callable[[Column], Column]) -> Column:
    """What is computed of numbers in units of the greatest, times that unit; 0 where there is nothing else."""
    most = F.array_max(F.transform(numbers, F.abs))
    power = F.greatest(F.lit(_LEAST), F.least(F.lit(_MOST), F.floor(F.log2(most)).cast("int")))

    def computed(unit: Column) -> Column:
        return _let(F.transform(numbers, lambda x: x / unit), of) * unit

    return F.when(most > real_column(0.0), _let(F.pow(real_column(2.0), power), computed)).otherwise(real_column(0.0))


def _let(value: Column, of: Callable[[Column], Column]) -> Column:
    """What is computed of a value that is read many times, and computed once."""
    return F.transform(F.array(value), of)[0]


def _total(numbers: Column) -> Column:
    return F.aggregate(numbers, real_column(0.0), lambda total, x: total + x)
