"""Which sums come near the ends of floats, and what is nearest there."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlforge.plugin.engine.ends import (
    infinite_spread,
    infinite_sum,
    nearest,
    nearest_root,
    quotients_reach_the_least,
    stds_reach_the_greatest,
    sums_reach_the_greatest,
)
from mlforge.plugin.engine.sizing import MOST_SQUARED, bits_of_floats, limbs_for_squares, limbs_for_sums

FLOATS = [5e-324, 1e-310, 2.0**-1022, 1e-154, 1.0, 2.0**900, 2.0**970, 1e300, 2.0**1023, sys.float_info.max]
TERMS = [1, 1000, 2**30]
SIZES = [(least, most, n) for (least, most), n in product(product(FLOATS, FLOATS), TERMS) if least <= most]
INFINITE = Fraction((2**54 - 1) * 2**970)


@pytest.mark.parametrize(("least", "most", "terms"), SIZES)
def test_what_comes_near_an_end_is_known_beforehand(least, most, terms):
    sums, squares = (sized(*bits_of_floats(least, most), terms) for sized in (limbs_for_sums, limbs_for_squares))
    if Fraction(most) * terms >= 2**1023:
        assert sums_reach_the_greatest(sums)
    if Fraction(most) ** 2 * 2 >= Fraction(2) ** 2046:
        assert stds_reach_the_greatest(squares)
    if Fraction(least) / terms < 2.0**-1022:
        assert quotients_reach_the_least(sums)


def test_ordinary_columns_come_near_no_end():
    limbs = limbs_for_sums(*bits_of_floats(1e-200, 1e200), 10**9)
    squares = limbs_for_squares(*bits_of_floats(1e-20, 1e20), 10**6)
    assert not sums_reach_the_greatest(limbs)
    assert not quotients_reach_the_least(limbs)
    assert not stds_reach_the_greatest(squares)


@pytest.mark.parametrize(("least", "most", "terms"), SIZES)
def test_limbs_of_the_infinite_are_those_of_the_least_that_is_rounded_to_it(least, most, terms):
    limbs = limbs_for_sums(*bits_of_floats(least, most), terms)
    if sums_reach_the_greatest(limbs):
        unit = Fraction(2) ** limbs.exponent
        total = sum(x << limbs.width * i for i, x in enumerate(infinite_sum(limbs))) * unit
        assert total - unit < INFINITE <= total
        fits = 2**62 if limbs.narrow else 2**126
        assert all(0 <= x <= fits for x in infinite_sum(limbs))


@pytest.mark.parametrize(("least", "most", "terms"), SIZES)
def test_limbs_of_an_infinite_spread_fit_beside_those_of_any(least, most, terms):
    limbs = limbs_for_squares(*bits_of_floats(least, most), terms)
    if stds_reach_the_greatest(limbs) and limbs.length <= MOST_SQUARED:
        found = infinite_spread(limbs)
        square = sum(x << limbs.width * i for i, x in enumerate(found)) * Fraction(2) ** (2 * limbs.exponent)
        assert square == 4 * INFINITE**2
        assert all(0 <= x * terms * terms < 2**126 for x in found)


@given(st.floats(min_value=0, allow_infinity=False))
def test_the_root_of_the_square_of_a_float_is_that_float(number):
    square = Fraction(number) ** 2
    assert nearest_root(square.numerator, square.denominator, 0) == number


def _halfway(one, next_one):
    return INFINITE if math.isinf(next_one) else (Fraction(one) + Fraction(next_one)) / 2


@given(st.integers(0, 2**80), st.integers(1, 2**40), st.integers(-1150, 1000))
def test_a_root_is_the_nearest_float(top, bottom, exponent):
    found = nearest_root(top, bottom, exponent)
    square = Fraction(top, bottom) * Fraction(2) ** (2 * exponent)
    if math.isinf(found):
        assert square >= INFINITE**2
        return
    above, below = (_halfway(found, math.nextafter(found, end)) for end in (math.inf, -math.inf))
    assert (below < 0 or below**2 <= square) and square <= above**2


def test_what_no_float_is_near_is_infinite():
    assert [nearest(sign * (2**54 - 1), 1, 970) for sign in (1, -1)] == [math.inf, -math.inf]
    assert nearest(2**54 - 1, 1, 969) == 2.0**1023
    assert nearest((2**54 - 1) * 2**970 - 1, 1, 0) == sys.float_info.max
    assert nearest_root(2, 1, 1024) == math.inf
