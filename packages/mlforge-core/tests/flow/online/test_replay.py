import math

import pytest

from mlforge.flow.online.replay import close


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1.0, 1.0 + 2**-52, True),
        (1.0, 1.001, False),
        (math.nan, math.nan, True),
        (math.nan, 1.0, False),
        (math.inf, math.inf, True),
        (1, 1.0, False),
        (None, None, True),
        ([1.0, math.nan], [1.0, math.nan], True),
        ([1.0], [1.0, 1.0], False),
        ([1], [True], False),
    ],
)
def test_values_are_one_to_the_last_bits_of_a_float_and_to_their_types(one, other, same):
    assert close(one, other) is same
    assert close(other, one) is same
