"""The seven aggregations over the non-null values of a window, with exact arithmetic."""

from __future__ import annotations

import math
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


FUNCTIONS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "count": count,
    "sum": total,
    "mean": mean,
    "std": std,
    "median": median,
    "min": least,
    "max": greatest,
}
