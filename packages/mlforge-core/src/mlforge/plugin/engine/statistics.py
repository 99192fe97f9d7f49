"""Statistics of exact numbers, rounded once: percentiles between order statistics, skewness and kurtosis of totals."""

from __future__ import annotations

import math
from fractions import Fraction

from mlforge.plugin.engine.ends import nearest, nearest_root


def place_of(q: float, n: int) -> tuple[int, Fraction]:
    """Where a percentile of `n` values stands: after how many of them in order, and how far on the way to the next.

    Args:
        q: The part, of which what is written in decimal counts: 0.9 is nine tenths.
        n: At least one.

    Example:
        >>> place_of(0.9, 11), place_of(0.25, 4)
        ((9, Fraction(0, 1)), (0, Fraction(3, 4)))
    """
    place = Fraction(repr(float(q))) * (n - 1)
    return math.floor(place), place % 1


def between(low: float, high: float, part: Fraction) -> float:
    """The number at a part of the way from one number to another that is no less; NaN is the greatest.

    Example:
        >>> between(1, 2, Fraction(9, 10)), between(7, 7, Fraction(1, 2)), between(1.0, math.inf, Fraction(1, 2))
        (1.9, 7.0, inf)
    """
    if not part or low == high:
        return float(low)
    if math.isfinite(low) and math.isfinite(high):
        exact = Fraction(low) + (Fraction(high) - Fraction(low)) * part
        return nearest(exact.numerator, exact.denominator, 0)
    if math.isfinite(low):
        return float(high)
    return math.nan if math.isnan(low) or not math.isfinite(high) else float(low)


def skewness(n: int, total: int, squares: int, cubes: int) -> float | None:
    """The adjusted Fisher-Pearson skewness of `n` values; None of fewer than three, or without spread.

    Args:
        n: How many.
        total: Their sum, in any unit of which all are whole multiples.
        squares: That of their squares.
        cubes: That of their third powers.

    Example:
        >>> skewness(3, 1 + 2 + 6, 1 + 4 + 36, 1 + 8 + 216), skewness(3, 6, 12, 24)
        (1.457862967321305, None)
    """
    spread = n * squares - total * total
    if n < 3 or not spread:
        return None
    lean = n * n * cubes - 3 * n * total * squares + 2 * total**3
    return math.copysign(nearest_root(lean * lean * n * (n - 1), spread**3 * (n - 2) ** 2, 0), lean)


def kurtosis(n: int, total: int, squares: int, cubes: int, fourths: int) -> float | None:
    """The adjusted excess kurtosis of `n` values; None of fewer than four, or without spread.

    Args:
        n: How many.
        total: Their sum, in any unit of which all are whole multiples.
        squares: That of their squares.
        cubes: That of their third powers.
        fourths: That of their fourth powers.

    Example:
        >>> kurtosis(4, 1 + 2 + 3 + 10, 1 + 4 + 9 + 100, 1 + 8 + 27 + 1000, 1 + 16 + 81 + 10000)
        3.228
    """
    spread = n * squares - total * total
    if n < 4 or not spread:
        return None
    tails = n**3 * fourths - 4 * n * n * total * cubes + 6 * n * total * total * squares - 3 * total**4
    square = spread * spread
    return nearest((n - 1) * ((n + 1) * tails - 3 * (n - 1) * square), (n - 2) * (n - 3) * square, 0)
