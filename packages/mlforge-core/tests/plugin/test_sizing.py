"""Limbs hold every value exactly, and the sums of as many as there are."""

from __future__ import annotations

import math

import pytest

from mlforge.plugin.engine.sizing import bits_of_floats, bits_of_integers, limbs_for_squares, limbs_for_sums

FLOATS = [(5e-324, 1.7e308), (5e-324, 5e-324), (0.1, 0.1), (1e-300, 1.0), (2.0**-60, 2.0**70), (1.0, 1.7e308)]
TERMS = [1, 2, 1000, 10**6, 2**40]
MOST = 2**127


@pytest.mark.parametrize(("least", "most"), FLOATS)
def test_the_bits_of_floats_hold_the_least_and_the_greatest(least, most):
    low, bits = bits_of_floats(least, most)
    for number in (least, most):
        top, bottom = number.as_integer_ratio()
        whole, rest = divmod(top << max(0, -low), bottom << max(0, low))
        assert rest == 0
        assert whole.bit_length() <= bits


def test_no_values_and_zeros_take_no_bits():
    nothing = [bits_of_floats(None, None), bits_of_floats(None, 0.0), bits_of_integers(None), bits_of_integers(0)]
    assert nothing == [(0, 0)] * 4


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("bits", [0, 1, 20, 53, 62, 63, 64, 127, 2098])
def test_sums_of_limbs_fit(bits, terms):
    limbs = limbs_for_sums(0, bits, terms)
    assert limbs.length * limbs.width >= bits
    assert terms * 2**limbs.width < MOST
    if limbs.narrow:
        assert limbs.length == 1
        assert terms * 2**bits < 2**63


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("bits", [0, 1, 53, 127, 2098])
def test_squares_of_limbs_fit_doubled_and_carried(bits, terms):
    limbs = limbs_for_squares(0, bits, terms)
    assert limbs.length * limbs.width >= bits
    assert 2 * 2 * terms * terms * 2 ** (2 * limbs.width) < MOST
    assert len(limbs.pairs) == math.comb(limbs.length + 1, 2)
    assert limbs.places == [limbs.width * i for i in range(limbs.length)]
