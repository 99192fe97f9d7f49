"""Where exact sums come near the ends of floats: which columns can, and the numbers that settle it there.

Limbs are joined as floats, in steps. Near the greatest float a step can overflow though the answer does not; among the
subnormals a quotient that was rounded once is rounded again. What `Limbs` were made for tells beforehand whether a
column can meet either, so that all others are joined without a thought of it.
"""

from __future__ import annotations

import math
from fractions import Fraction

from mlforge.plugin.engine.sizing import Limbs

GREATEST = (2**53 - 1) * 2.0**971
LEAST = 2.0**-1074
LOWERED = 200
"""How many powers of two lower a total is joined where it may come near the greatest float."""

FEW_STEPS = 2.0**30
"""Standard deviations of fewer units of the least float are rounded by integers; of more, a digit is below 1e-9."""

_LEAST_EXPONENT = -1074
_INFINITE = (2**54 - 1) << 970  # the least number that is rounded to infinity


def sums_reach_the_greatest(limbs: Limbs) -> bool:
    """Can a sum come near the greatest float, or a mean be made of such steps?

    Example:
        >>> from mlforge.plugin.engine.sizing import limbs_for_sums
        >>> sums_reach_the_greatest(limbs_for_sums(-53, 60, terms=1000))
        False
    """
    top = 62 if limbs.narrow else limbs.width * limbs.length + limbs.growth
    return limbs.exponent + top > 1023


def stds_reach_the_greatest(limbs: Limbs) -> bool:
    """Can a standard deviation come near the greatest float?

    Example:
        >>> stds_reach_the_greatest(Limbs(971, 50, 2, narrow=False))
        True
    """
    return limbs.exponent + limbs.width * limbs.length > 1022


def quotients_reach_the_least(limbs: Limbs) -> bool:
    """Can a mean or a standard deviation be subnormal?

    Example:
        >>> from mlforge.plugin.engine.sizing import limbs_for_sums
        >>> quotients_reach_the_least(limbs_for_sums(-1015, 60, terms=1000))
        True
    """
    return limbs.exponent - limbs.growth < -1022


def steps_of_the_least(limbs: Limbs) -> int:
    """How often two is a factor of what the lowest limb counts, in units of the least float.

    Example:
        >>> steps_of_the_least(Limbs(-1070, 50, 2, narrow=False))
        4
    """
    return limbs.exponent - _LEAST_EXPONENT


def infinite_sum(limbs: Limbs) -> list[int]:
    """The limbs of the least sum that is rounded to infinity.

    Example:
        >>> infinite_sum(Limbs(971, 53, 1, narrow=True)) == [2**53]
        True
    """
    return _split(math.ceil(_INFINITE / Fraction(2) ** limbs.exponent), limbs.width, limbs.length)


def infinite_spread(limbs: Limbs) -> list[int]:
    """The limbs of four times the least square that has a root which is rounded to infinity, for one pair of terms.

    Example:
        >>> infinite_spread(Limbs(971, 60, 1, narrow=True)) == [(2**54 - 1) ** 2]
        True
    """
    return _split(int(2 * _INFINITE / Fraction(2) ** limbs.exponent) ** 2, limbs.width, 2 * limbs.length - 1)


def nearest_root(top: int, bottom: int, exponent: int) -> float:
    """The float nearest to `sqrt(top / bottom) * 2 ** exponent`; infinite where there is none near.

    Example:
        >>> nearest_root(2, 1, 0), nearest_root(1, 4, -1074), nearest_root(9, 4, -1074)
        (1.4142135623730951, 0.0, 1e-323)
    """
    places = 64 - (top.bit_length() - bottom.bit_length()) // 2
    square, rest = divmod(top << max(0, 2 * places), bottom << max(0, -2 * places))
    whole = math.isqrt(square)
    cut_off = rest != 0 or whole * whole != square
    return nearest(2 * whole + cut_off, 1, exponent - places - 1)


def nearest(top: int, bottom: int, exponent: int) -> float:
    """The float nearest to `top / bottom * 2 ** exponent`; infinite where there is none near.

    Example:
        >>> nearest(1, 3, 0), nearest(-3, 2, -1074), nearest(1, 1, 1024)
        (0.3333333333333333, -1e-323, inf)
    """
    try:
        return (top << max(0, exponent)) / (bottom << max(0, -exponent))
    except OverflowError:
        return math.inf if top > 0 else -math.inf


def _split(number: int, width: int, length: int) -> list[int]:
    """As many limbs, the lowest first; the highest holds what is left."""
    lower = [(number >> width * i) & ((1 << width) - 1) for i in range(length - 1)]
    return [*lower, number >> width * (length - 1)]
