"""Sums of floats in windows, against exact fractions, where floats added one by one would be wrong in every digit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import accumulate

import pytest

from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Col
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.schema import Schema
from mlforge.model.timestamp import Timestamp
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.reference import Table
from mlforge.testing.reference.aggregations import root
from mlforge.testing.reference.times import instant, micros

SHAPE = Shape((Key("k"),), Timestamp("ts"))
SCHEMA = Schema.of(k="Int64", ts="Datetime", x="Float64")
SECOND = 1_000_000
WINDOWS = ("2s", "7s", "1m", "1h")
FUNCTIONS = ("sum", "mean", "std")
LONG = (0.1, 1e16, *([0.1] * 300))
TOLERANCE = Fraction(1, 10**9)
STREAMS: dict[str, tuple[float, ...]] = {
    "huge next to one": (1e16, 1.0, -1e16, 0.5, 1e16, 1.0, 1.0, -1e16) * 8,
    "huge, then small for long": (1e16, *([0.1] * 60), -1e16, *([1 / 3] * 20)),
    "alternating signs": tuple((-1) ** i * (1e9 + i / 7) for i in range(80)),
    "each a little smaller": tuple(3.0**-i for i in range(40)) * 2,
    "the whole range of sizes": (1e300, 1e-300, -1e300, 2.5, 1e-9, 1e150, -1e150) * 8,
    "far from zero, close together": tuple(1e12 + (i % 3) / 4 for i in range(80)),
}


class SumTests(EngineSubject):
    """Every sum is right to the last digits it can have, and nothing that left a window is left in it."""

    @pytest.mark.parametrize("interval", ["1s", None])
    @pytest.mark.parametrize("stream", STREAMS)
    def test_floats_in_windows_agree_with_exact_fractions(
        self, bench: Bench, stream: str, interval: str | None
    ) -> None:
        assert_exact(bench, STREAMS[stream], interval, FUNCTIONS, WINDOWS)

    @pytest.mark.parametrize("interval", ["1s", None])
    def test_floats_in_a_long_run_agree_with_exact_fractions(self, bench: Bench, interval: str | None) -> None:
        assert_exact(bench, LONG, interval, ("sum",), ("7s", "1h"))

    def test_what_is_left_when_huge_numbers_cancel_is_exact(self, bench: Bench) -> None:
        found = bench.table(
            bench.engine.aggregate(bench.frame(events((1e16, 1.0, -1e16))), SHAPE, plan(None, ("sum",), ("1h",)))
        )
        assert [row["sum_1h"] for row in found.rows if row["ts"] == instant(2 * SECOND)] == [1.0]


def events(values: tuple[float, ...]) -> Table:
    """One entity's events, a second apart."""
    return Table.of(SCHEMA, [{"k": 1, "ts": instant(i * SECOND), "x": x} for i, x in enumerate(values)])


def plan(interval: str | None, functions: Sequence[str], windows: Sequence[str]) -> WindowPlan:
    """Every function over every window."""
    return WindowPlan(
        Duration.parse(interval) if interval else None,
        tuple(
            MetricColumn(f"{function}_{window}", Duration.parse(window), Agg(function, Col("x")), function)
            for window in windows
            for function in functions
        ),
    )


def assert_exact(
    bench: Bench, values: tuple[float, ...], interval: str | None, functions: Sequence[str], windows: Sequence[str]
) -> None:
    """Fail where an aggregate at a change point is not what fractions give."""
    columns = plan(interval, functions, windows)
    found = bench.table(bench.engine.aggregate(bench.frame(events(values)), SHAPE, columns))
    for window in windows:
        exact = exact_sums(values, interval, Duration.parse(window).micros)
        for row in found.rows:
            n, total, squares = exact(micros(row["ts"]))
            for function in functions:
                assert row[f"{function}_{window}"] == EXPECTED[function](n, total, squares)


def exact_sums(
    values: tuple[float, ...], interval: str | None, window: int
) -> Callable[[int], tuple[int, Fraction, Fraction]]:
    """For a stamp: how many events its window holds, their sum and that of their squares."""
    known = [i * SECOND + (SECOND if interval else 0) for i in range(len(values))]
    sums = [Fraction(), *accumulate(map(Fraction, values))]
    squares = [Fraction(), *accumulate(Fraction(x) ** 2 for x in values)]

    def at(stamp: int) -> tuple[int, Fraction, Fraction]:
        first, last = bisect_right(known, stamp - window), bisect_right(known, stamp)
        return last - first, sums[last] - sums[first], squares[last] - squares[first]

    return at


class near:  # noqa: N801 - reads as a word
    """Equals a float within the tolerance of an exact number: relative to it, so that nothing else is near 0."""

    def __init__(self, exact: Fraction) -> None:
        self.exact = exact

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and abs(Fraction(other) - self.exact) <= TOLERANCE * abs(self.exact)

    def __hash__(self) -> int:
        return hash(self.exact)

    def __repr__(self) -> str:
        return f"near({float(self.exact)!r})"


def near_std(n: int, total: Fraction, squares: Fraction) -> near | None:
    """The sample standard deviation."""
    return near(Fraction(root((squares - total**2 / n) / (n - 1)))) if n > 1 else None


EXPECTED: dict[str, Callable[[int, Fraction, Fraction], near | None]] = {
    "sum": lambda _n, total, _squares: near(total),
    "mean": lambda n, total, _squares: near(total / n) if n else None,
    "std": near_std,
}
