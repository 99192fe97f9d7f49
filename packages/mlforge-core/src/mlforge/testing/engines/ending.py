"""Floats near the ends of their range: infinite only where the exact value is, and exact where digits are few."""

from __future__ import annotations

import math
import sys
from itertools import permutations

import pytest

from mlforge.testing.compare import assert_same
from mlforge.testing.engines.aggregating import SHAPE, assert_aggregates, crowds
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.engines.summing import events, plan
from mlforge.testing.generated import generated
from mlforge.testing.strategies import Case

MOST, LEAST, NORMAL = sys.float_info.max, 5e-324, sys.float_info.min
HALF_A_STEP = 2.0**970
"""Added to the greatest float this is as near to infinity as to it, and is rounded to infinity."""

ROOT_HALF = 1.2711610061536462e308
"""The greatest float of which, with its negative, the standard deviation is one."""

FUNCTIONS = ("sum", "mean", "std", "median")
ENDS: dict[str, tuple[float, ...]] = {
    "a step of joining overflows, and the sum does not": (*[0.0] * 6, -1.7e308, 1.104648526298245e-154),
    "sums beyond and back": (1.7e308, 1.7e308, -1.7e308, -1.7e308, 1.0),
    "the greatest float and what is lost beside it": (MOST, 2.0**969, -(2.0**969), MOST, -MOST, 1.0),
    "the greatest float and half a step": (MOST, HALF_A_STEP, -MOST, -MOST, -HALF_A_STEP),
    "all but half a step": (MOST, HALF_A_STEP, -LEAST, -MOST, -MOST, LEAST, -HALF_A_STEP),
    "spreads beyond every float": (MOST, -MOST, MOST, MOST, MOST),
    "spreads that just fit": (ROOT_HALF, -ROOT_HALF),
    "spreads that just do not": (math.nextafter(ROOT_HALF, MOST), -ROOT_HALF),
    "huge beside large": (2.0**980, MOST, 2.0**1010, MOST),
    "the least float": (LEAST,) * 5,
    "halves of the least float": (0.0, 0.0, 0.0, LEAST, 3 * LEAST, 2 * LEAST, -LEAST, -3 * LEAST, 0.0),
    "subnormals": tuple(i * LEAST for i in (7, 12, -5, 1001, 2**51 - 1, 2**40 + 1, -(2**51))),
    "at the border of the subnormals": (NORMAL, NORMAL / 2, -NORMAL, 3 * LEAST, NORMAL * 3, -NORMAL / 4),
    "from one end to the other": (LEAST, 3 * LEAST, 0.0, 0.0, 0.0, 1.7e308, LEAST, 2 * LEAST, 0.0, -1.7e308, LEAST),
    "single bits far apart": (2.0**-1074, 2.0**-1000, 2.0**-960, -(2.0**-1074), 2.0**-1030),
}


class EndTests(EngineSubject):
    """Sums, means, deviations and medians are right up to the last float, and down to the least."""

    @generated(0.03, crowds(FUNCTIONS, "ends"))
    def test_floats_of_all_sizes_are_those_of_the_reference(self, bench: Bench, case: Case) -> None:
        assert_aggregates(bench, case)

    @generated(0.02, crowds(FUNCTIONS, "huge"))
    def test_floats_beside_the_greatest_are_those_of_the_reference(self, bench: Bench, case: Case) -> None:
        assert_aggregates(bench, case)

    @generated(0.02, crowds(FUNCTIONS, "tiny"))
    def test_floats_beside_the_least_are_those_of_the_reference(self, bench: Bench, case: Case) -> None:
        assert_aggregates(bench, case)

    @pytest.mark.parametrize("interval", ["1s", None])
    @pytest.mark.parametrize("name", ENDS)
    def test_floats_at_an_end_are_those_of_the_reference(self, bench: Bench, name: str, interval: str | None) -> None:
        assert_ends(bench, ENDS[name], interval, ("2s", "3s", "4s", "1h"))

    @pytest.mark.parametrize("values", sorted(set(permutations((MOST, HALF_A_STEP, -LEAST, 0.0)))))
    def test_half_a_step_beyond_the_greatest_float_is_infinite_and_less_is_not(
        self, bench: Bench, values: tuple[float, ...]
    ) -> None:
        assert_ends(bench, values, None, ("1s", "2s", "3s", "4s"))

    def test_a_sum_whose_steps_overflow_is_the_sum(self, bench: Bench) -> None:
        found = last_row(bench, ENDS["a step of joining overflows, and the sum does not"])
        assert found["sum_1h"] == -1.7e308
        assert found["mean_1h"] == -2.125e307
        assert math.isclose(found["std_1h"], 6.010407640085654e307, rel_tol=1e-9)

    def test_the_median_of_two_is_their_mean_rounded_once(self, bench: Bench) -> None:
        pairs = {(LEAST, LEAST): LEAST, (LEAST, 2 * LEAST): 2 * LEAST, (MOST, MOST): MOST, (MOST, -MOST): 0.0}
        assert {pair: last_row(bench, pair)["median_1h"] for pair in pairs} == pairs


def assert_ends(bench: Bench, values: tuple[float, ...], interval: str | None, windows: tuple[str, ...]) -> None:
    """Fail unless sums are the reference's within the tolerance: which has no room at either end."""
    columns = plan(interval, FUNCTIONS, windows)
    expected = bench.reference.aggregate(events(values), SHAPE, columns)
    found = bench.table(bench.engine.aggregate(bench.frame(events(values)), SHAPE, columns))
    assert_same(expected, found, {c.name for c in columns.columns})


def last_row(bench: Bench, values: tuple[float, ...]) -> dict[str, float]:
    """The aggregates of all of some values: those at the latest of them."""
    columns, given = plan(None, FUNCTIONS, ("1h",)), events(values)
    found = bench.table(bench.engine.aggregate(bench.frame(given), SHAPE, columns))
    return next(row for row in found.rows if row["ts"] == given.rows[-1]["ts"])
