"""The aggregations over the non-null values of a window, by time, then by value, with exact arithmetic."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from mlforge.errors import Invalid
from mlforge.testing.reference.expressions import rank
from mlforge.testing.reference.table import EXACT


def count(values: Sequence[Any]) -> int:
    """How many."""
    return len(values)


def total(values: Sequence[Any]) -> int | float | Decimal:
    """Their sum: 0 of none, exact of integers and decimals, the nearest float of floats."""
    if any(isinstance(v, Decimal) for v in values):
        return decimal(values)
    if all(isinstance(v, int) for v in values):
        return whole(sum(values))
    return real(exact_sum(values)) if finite(values) else float(sum(values))


def whole(value: int) -> int:
    """An int64. Raises `Invalid` on overflow."""
    if not -(2**63) <= value < 2**63:
        raise Invalid(f"A sum overflows 64 bits: {value}.", hint='Sum floats: col("amount") * 1.0.')
    return value


def decimal(values: Sequence[Decimal]) -> Decimal:
    """A sum of decimals of one scale. Raises `Invalid` where it has more than 38 digits."""
    found = EXACT.create_decimal(0)
    for value in values:
        found = EXACT.add(found, value)
    if len(found.as_tuple().digits) > 38:
        raise Invalid(f"A sum overflows 38 digits: {found}.", hint='Sum floats: col("amount") * 1.0.')
    return found


def mean(values: Sequence[Any]) -> float | None:
    """Their mean, exact until it is rounded once; null of none."""
    if not values:
        return None
    return real(exact_sum(values) / len(values)) if finite(values) else float(sum(values))


def std(values: Sequence[Any]) -> float | None:
    """The sample standard deviation; null of fewer than two."""
    if len(values) < 2:
        return None
    return root(variance(values)) if finite(values) else math.nan


def var(values: Sequence[Any]) -> float | None:
    """The sample variance; null of fewer than two."""
    if len(values) < 2:
        return None
    return real(variance(values)) if finite(values) else math.nan


def variance(values: Sequence[Any]) -> Fraction:
    """Over n - 1."""
    centre = exact_sum(values) / len(values)
    return exact_sum([(Fraction(v) - centre) ** 2 for v in values]) / (len(values) - 1)


def root(square: Fraction) -> float:
    """The float nearest to the root of an exact number, however large or small."""
    top, bottom = square.as_integer_ratio()
    places = max(0, 64 - (top.bit_length() - bottom.bit_length()) // 2)  # after the point: more than a float has
    whole = math.isqrt((top << 2 * places) // bottom)
    inexact = whole * whole * bottom != top << 2 * places
    return real(Fraction(2 * whole + inexact, 2 << places))  # above what is cut off, if only by half of the last bit


def exact_sum(values: Sequence[Any]) -> Fraction:
    """Their sum without any rounding."""
    return sum(map(Fraction, values), Fraction())


def percentile(values: Sequence[Any], q: float) -> float | None:
    """Between order statistics, by linear interpolation at q (n - 1); NaN stands last."""
    if not values:
        return None
    ordered, place = sorted(values, key=rank), Fraction(repr(float(q))) * (len(values) - 1)
    low = ordered[math.floor(place)]
    if place.denominator == 1:
        return float(low)
    high = ordered[math.floor(place) + 1]
    if finite([low, high]):
        return real(Fraction(low) + (Fraction(high) - Fraction(low)) * (place % 1))
    return float(low) if low == high or (math.isinf(low) and math.isfinite(high)) else _beside(low, high)


def _beside(low: float, high: float) -> float:
    """Between a number and a greater one that is not finite."""
    return high if math.isfinite(low) else math.nan


def moments(values: Sequence[Any]) -> tuple[Fraction, Fraction, Fraction]:
    """The second, third and fourth central moment."""
    centre = exact_sum(values) / len(values)
    gaps = [Fraction(v) - centre for v in values]
    second, third, fourth = (sum((g**p for g in gaps), Fraction()) / len(values) for p in (2, 3, 4))
    return second, third, fourth


def skew(values: Sequence[Any]) -> float | None:
    """Adjusted Fisher-Pearson skewness; null of fewer than three, and without spread."""
    n = len(values)
    if n < 3:
        return None
    if not finite(values):
        return math.nan
    second, third, _ = moments(values)
    if not second:
        return None
    square = third**2 / second**3 * n * (n - 1) / Fraction(n - 2) ** 2
    return root(square) if third > 0 else 0.0 - root(square)


def kurtosis(values: Sequence[Any]) -> float | None:
    """Adjusted excess kurtosis; null of fewer than four, and without spread."""
    n = len(values)
    if n < 4:
        return None
    if not finite(values):
        return math.nan
    second, _, fourth = moments(values)
    if not second:
        return None
    return real(Fraction(n - 1, (n - 2) * (n - 3)) * ((n + 1) * fourth / second**2 - 3 * (n - 1)))


def first(values: Sequence[Any]) -> Any:
    """The earliest."""
    return values[0] if values else None


def last(values: Sequence[Any]) -> Any:
    """The latest."""
    return values[-1] if values else None


def first_n(values: Sequence[Any], n: float, distinct: bool) -> list[Any]:
    """The earliest few; of equal ones the earliest alone, where they are to be distinct."""
    return [v for i, v in enumerate(values) if not distinct or same(v) not in map(same, values[:i])][: int(n)]


def last_n(values: Sequence[Any], n: float, distinct: bool) -> list[Any]:
    """The latest few; of equal ones the latest alone, where they are to be distinct."""
    return [v for i, v in enumerate(values) if not distinct or same(v) not in map(same, values[i + 1 :])][-int(n) :]


def same(value: Any) -> Any:
    """What is equal for values that are: NaN equals NaN."""
    return "NaN" if isinstance(value, float) and math.isnan(value) else (value,)


def count_distinct(values: Sequence[Any]) -> int:
    """How many different ones."""
    return len(set(map(same, values)))


def top_k(values: Sequence[Any], k: float) -> list[Any]:
    """The most frequent few, most frequent first, the least first of equally frequent ones."""
    counts = Counter(map(same, values))
    ordered = {same(v): v for v in sorted(values, key=rank)}
    return sorted(ordered.values(), key=lambda v: -counts[same(v)])[: int(k)]


def mode(values: Sequence[Any]) -> Any:
    """The most frequent; the least of equally frequent ones."""
    return next(iter(top_k(values, 1)), None)


def median(values: Sequence[Any]) -> float | None:
    """The middle value, or the mean of the two in the middle; NaN stands last."""
    ordered = sorted(values, key=rank)
    return mean(ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1])


def least(values: Sequence[Any]) -> Any:
    """The smallest; NaN only where there is nothing else."""
    return min(values, key=rank, default=None)


def greatest(values: Sequence[Any]) -> Any:
    """The greatest; NaN where there is one."""
    return max(values, key=rank, default=None)


def finite(values: Sequence[Any]) -> bool:
    """Whether none is NaN or infinite."""
    return all(math.isfinite(v) for v in values)


def real(exact: Fraction) -> float:
    """The nearest float; infinite where there is none near."""
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "count": count,
    "sum": total,
    "mean": mean,
    "std": std,
    "median": median,
    "min": least,
    "max": greatest,
    "any": greatest,
    "all": least,
    "var": var,
    "skew": skew,
    "kurtosis": kurtosis,
    "percentile": percentile,
    "first": first,
    "last": last,
    "first_n": first_n,
    "last_n": last_n,
    "count_distinct": count_distinct,
    "mode": mode,
    "top_k": top_k,
}
