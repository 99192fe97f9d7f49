"""How wide exact sums are: numbers are split into integers, whose sums are exact, and rounded once at the end.

A number is a sum of limbs: of whole numbers, each of which counts a power of two. Their sums, and the sums of their
products, are integers of at most 128 bits whatever the order of the terms: so a window's sum is the difference of two
running totals, and nothing that has left it leaves a trace.
"""

from __future__ import annotations

import math
from typing import NamedTuple

MOST_SQUARED = 4
"""Limbs that are multiplied in pairs: beyond this, an engine computes deviations in another way."""

_SAFE = 126  # bits of a signed integer of 128 that may be filled


class Limbs(NamedTuple):
    """A number as integers: the sum of `limb[i] * 2 ** (width * i + exponent)`.

    Attributes:
        exponent: The power of two that the lowest limb counts.
        width: How many bits a limb has.
        length: How many limbs there are.
        narrow: Whether there is one, and a sum of as many as were sized for fits 64 bits.
        growth: By how many bits a sum of as many as were sized for outgrows a limb.

    Example:
        >>> Limbs(-3, 60, 2, narrow=False).places
        [-3, 57]
    """

    exponent: int
    width: int
    length: int
    narrow: bool
    growth: int = 0

    @property
    def places(self) -> list[int]:
        """The power of two that each limb counts, the lowest first."""
        return [self.width * i + self.exponent for i in range(self.length)]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Which limbs are multiplied for a square."""
        return [(i, j) for i in range(self.length) for j in range(i, self.length)]


def bits_of_floats(least: float | None, most: float | None) -> tuple[int, int]:
    """The exponent of the lowest bit any float can have, and how many bits there are from it to the highest.

    Args:
        least: The least absolute value that is neither 0 nor infinite; None where there is none.
        most: The greatest.

    Example:
        >>> bits_of_floats(0.5, 4.0)
        (-53, 56)
    """
    if not least or not most:
        return 0, 0
    low = max(math.frexp(least)[1] - 53, -1074)
    return low, math.frexp(most)[1] - low


def bits_of_integers(most: int | None) -> tuple[int, int]:
    """The same of integers, of which `most` is the greatest absolute value.

    Example:
        >>> bits_of_integers(255)
        (0, 8)
    """
    return 0, (most or 0).bit_length()


def limbs_for_sums(low: int, bits: int, terms: int) -> Limbs:
    """Limbs that hold every value exactly, and the sum of so many in 128 bits each.

    Example:
        >>> limbs_for_sums(*bits_of_integers(255), terms=1000)
        Limbs(exponent=0, width=116, length=1, narrow=True, growth=10)
    """
    growth = terms.bit_length()
    width = _SAFE - growth
    return Limbs(low, width, _length(bits, width), narrow=bits <= 62 - growth, growth=growth)


def limbs_for_squares(low: int, bits: int, terms: int) -> Limbs:
    """Limbs so narrow that `n * sum(a * b) - sum(a) * sum(b)` of two fits 128 bits, doubled and carried.

    Example:
        >>> limbs_for_squares(*bits_of_floats(0.5, 4.0), terms=1000)
        Limbs(exponent=-53, width=50, length=2, narrow=False, growth=10)
    """
    growth = terms.bit_length()
    width = _SAFE // 2 - 3 - growth
    return Limbs(low, width, _length(bits, width), narrow=False, growth=growth)


def _length(bits: int, width: int) -> int:
    return max(1, -(-bits // width))
