"""The kit notices engines whose aggregations are wrong in one rule."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mlforge.testing.reference import aggregations
from mlforge.testing.reference.aggregations import FUNCTIONS
from mlforge.testing.reference.expressions import is_nan

EACH = "each_aggregation_is_that_of_the_reference"
SPECIAL = "nan_and_infinity_stay_in_their_windows"
NAN = "nan_stands_above_every_number"
CANCELLING = "float_sums_survive_cancellation"
HUGE = "floats_beside_the_greatest_are_those_of_the_reference"
TINY = "floats_beside_the_least_are_those_of_the_reference"
MEDIAN = "the_median_of_two_is_their_mean_rounded_once"
Values = Sequence[Any]


def naive_sum(values: Values) -> Any:
    total = 0.0 if any(isinstance(v, float) for v in values) else 0
    for value in values:
        total = total + value
    return total


def naive_mean(values: Values) -> float | None:
    return naive_sum(values) / len(values) if values else None


def running_sum(values: Values) -> Any:
    """The difference of two running sums: NaN never leaves it."""
    before = [1.0, math.nan] if any(is_nan(v) or v == math.inf for v in values) else []
    return aggregations.total([*before, *values])


def sum_by_floats(values: Values) -> Any:
    return int(sum(map(float, values))) if all(isinstance(v, int) for v in values) else aggregations.total(values)


def squares_subtracted(values: Values) -> float | None:
    if len(values) < 2:
        return None
    squares, total = sum(float(v) ** 2 for v in values), sum(map(float, values))
    return math.sqrt(abs(squares - total**2 / len(values)) / (len(values) - 1))


def std_of_the_population(values: Values) -> float | None:
    return statistics.pstdev(map(float, values)) if len(values) > 1 else None


def std_of_one_is_zero(values: Values) -> float | None:
    return 0.0 if len(values) == 1 else aggregations.std(values)


def lower_median(values: Values) -> float | None:
    return float(statistics.median_low(values)) if values else None


def median_of_halves(values: Values) -> float | None:
    """The least float has no half."""
    ordered = sorted(values, key=lambda v: (is_nan(v), 0 if is_nan(v) else v))
    return ordered[(len(values) - 1) // 2] / 2 + ordered[len(values) // 2] / 2 if values else None


def median_of_a_sum(values: Values) -> float | None:
    """The sum of two floats may be beyond the greatest."""
    ordered = sorted(values, key=lambda v: (is_nan(v), 0 if is_nan(v) else v))
    return (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2 if values else None


def mean_of_shares(values: Values) -> float | None:
    """A share of the least float is nothing."""
    return naive_sum([v / len(values) for v in values]) if values else None


def root_of_a_float(values: Values) -> float | None:
    return math.sqrt(float(aggregations.variance(values))) if len(values) > 1 else None


def nan_is_least(values: Values) -> Any:
    return min(values, key=lambda v: (not is_nan(v), 0 if is_nan(v) else v), default=None)


def nan_is_passed_over(values: Values) -> Any:
    return aggregations.greatest([v for v in values if not is_nan(v)])


def caseless(values: Values) -> Any:
    return max(values, key=lambda v: v.lower() if isinstance(v, str) else v, default=None)


def wrapped(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


WRONG: dict[str, tuple[Any, str, Callable[..., Any], str]] = {
    "float sums are naive": (FUNCTIONS, "sum", naive_sum, CANCELLING),
    "means are naive": (FUNCTIONS, "mean", naive_mean, CANCELLING),
    "sums are differences of running sums": (FUNCTIONS, "sum", running_sum, SPECIAL),
    "sums of integers pass through floats": (FUNCTIONS, "sum", sum_by_floats, EACH + "[sum]"),
    "the sum of nothing is null": (FUNCTIONS, "sum", lambda v: aggregations.total(v) if v else None, EACH + "[sum]"),
    "sums overflow in steps": (FUNCTIONS, "sum", naive_sum, HUGE),
    "means are sums of shares": (FUNCTIONS, "mean", mean_of_shares, TINY),
    "squares leave the range of floats": (FUNCTIONS, "std", root_of_a_float, TINY),
    "medians are of halves": (FUNCTIONS, "median", median_of_halves, MEDIAN),
    "medians are of sums": (FUNCTIONS, "median", median_of_a_sum, MEDIAN),
    "overflow wraps": (aggregations, "whole", wrapped, "a_sum_that_does_not_fit_64_bits_is_refused"),
    "the mean of nothing is zero": (FUNCTIONS, "mean", lambda v: aggregations.mean(v) or 0.0, EACH + "[mean]"),
    "std subtracts squares": (FUNCTIONS, "std", squares_subtracted, "std_survives_a_large_mean"),
    "std is that of the whole population": (FUNCTIONS, "std", std_of_the_population, EACH + "[std]"),
    "std of one value is zero": (FUNCTIONS, "std", std_of_one_is_zero, EACH + "[std]"),
    "the median is the lower one": (FUNCTIONS, "median", lower_median, EACH + "[median]"),
    "counts are distinct": (FUNCTIONS, "count", lambda v: len(set(map(repr, v))), EACH + "[count]"),
    "the count of nothing is null": (FUNCTIONS, "count", lambda v: len(v) or None, EACH + "[count]"),
    "NaN is the least value": (FUNCTIONS, "min", nan_is_least, NAN),
    "NaN is passed over": (FUNCTIONS, "max", nan_is_passed_over, NAN),
    "min is max": (FUNCTIONS, "min", aggregations.greatest, EACH + "[min]"),
    "text is compared without its case": (FUNCTIONS, "max", caseless, "extremes_of_text_and_time_keep_their_type"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_kit_notices_when(wrong: Any, notices: Callable[[Any], None]) -> None:
    notices(wrong)
