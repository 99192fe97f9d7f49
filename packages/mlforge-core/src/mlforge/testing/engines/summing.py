"""Sums in windows, against exact fractions, where floats added one by one would be wrong in every digit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any

import pytest

from mlforge.errors import Invalid
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
from mlforge.testing.reference.table import EXACT
from mlforge.testing.reference.times import instant, micros
from mlforge.testing.refusals import refused

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


MANY = Decimal(10) ** 36
DECIMALS: dict[str, tuple[str, tuple[str | None, ...]]] = {
    "cents": ("Decimal(9, 2)", ("0.10", "0.20", "-0.30", None, "9999999.99", "-9999999.99", "0.01") * 5),
    "no digit after the point": ("Decimal(18, 0)", ("999999999999999999", "1", "-1", None, "7") * 5),
    "all digits after the point": (
        "Decimal(38, 38)",
        (f"0.{'1' * 38}", f"-0.{'0' * 37}1", "0.25", f"-0.{'1' * 38}") * 3,
    ),
    "one beside 38 digits": ("Decimal(38, 2)", (f"{'9' * 36}.90", f"-{'9' * 36}.90", "0.01", None, "-0.02") * 5),
    "38 digits, more of them all in all": ("Decimal(38, 2)", (f"{'9' * 36}.99", *[None] * 5) * 6),
    "nulls": ("Decimal(20, 3)", (None, None)),
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

    @pytest.mark.parametrize("interval", ["1s", None])
    @pytest.mark.parametrize("stream", DECIMALS)
    def test_decimals_in_windows_are_exact(self, bench: Bench, stream: str, interval: str | None) -> None:
        dtype, texts = DECIMALS[stream]
        values = [None if text is None else Decimal(text) for text in texts]
        columns = plan(interval, ("sum", "mean", "median", "std", "min", "max"), ("1s", "2s", "5s"))
        found = bench.table(bench.engine.aggregate(bench.frame(decimal_events(values, dtype)), SHAPE, columns))
        scale = dtype[8:-1].split(", ")[1]
        assert found.schema.dtype("sum_1s") == f"Decimal(38, {scale})"
        assert [found.schema.dtype(f"{f}_1s") for f in ("mean", "median", "std")] == ["Float64"] * 3
        assert [found.schema.dtype(f"{f}_1s") for f in ("min", "max")] == [dtype] * 2
        for window in ("1s", "2s", "5s"):
            for row in found.rows:
                held = held_at(values, interval, Duration.parse(window).micros, micros(row["ts"]))
                assert {f: row[f"{f}_{window}"] for f in DECIMAL_EXPECTED} == {
                    f: expected(held, int(scale)) for f, expected in DECIMAL_EXPECTED.items()
                }

    @pytest.mark.parametrize("values", [(MANY * 50, MANY * 50), (MANY * -99, MANY * -1), (MANY * 99, *[MANY * 99] * 8)])
    def test_a_sum_of_more_than_38_digits_is_refused(self, bench: Bench, values: tuple[Decimal, ...]) -> None:
        with refused(Invalid, "38 digits"):
            table = decimal_events(list(values), "Decimal(38, 0)")
            bench.table(bench.engine.aggregate(bench.frame(table), SHAPE, plan(None, ("sum", "max"), ("1h",))))

    def test_extremes_keep_their_type_and_sums_have_the_contracts(self, bench: Bench) -> None:
        words = {"sum": "Float64", "min": "Float32", "max": "Float32", "mean": "Float64", "count": "Int64"}
        singles = Table.of(Schema.of(k="Int64", ts="Datetime", x="Float32"), events((1.5, 2.5)).rows)
        found = bench.engine.aggregate(bench.frame(singles), SHAPE, plan(None, tuple(words), ("1h",)))
        assert [bench.engine.schema(found).dtype(f"{function}_1h") for function in words] == list(words.values())

    def test_what_is_made_of_sums_of_decimals_is_a_float(self, bench: Bench) -> None:
        expr = Agg("sum", Col("x")) / Agg("count")
        columns = (MetricColumn("ratio", Duration.parse("1h"), expr, "ratio"),)
        table = decimal_events([Decimal("0.10"), Decimal("0.30")], "Decimal(9, 2)")
        found = bench.table(bench.engine.aggregate(bench.frame(table), SHAPE, WindowPlan(None, columns)))
        assert found.schema.dtype("ratio") == "Float64"
        assert found.column("ratio") == [pytest.approx(x, rel=1e-9) for x in (0.1, 0.2, 0.3)] + [None]


def decimal_events(values: Sequence[Decimal | None], dtype: str) -> Table:
    """One entity's events, a second apart."""
    schema = Schema.of(k="Int64", ts="Datetime", x=dtype)
    return Table.of(schema, [{"k": 1, "ts": instant(i * SECOND), "x": x} for i, x in enumerate(values)])


def held_at(values: Sequence[Decimal | None], interval: str | None, window: int, stamp: int) -> list[Fraction]:
    """The values that a window holds."""
    known = [i * SECOND + (SECOND if interval else 0) for i in range(len(values))]
    return [Fraction(v) for k, v in zip(known, values, strict=True) if v is not None and stamp - window < k <= stamp]


def _as_decimal(exact: Fraction, scale: int) -> Decimal:
    return EXACT.scaleb(Decimal(int(exact * 10**scale)), -scale)


def _near_median(held: list[Fraction], _scale: int) -> near | None:
    ordered = sorted(held)
    return near((ordered[(len(held) - 1) // 2] + ordered[len(held) // 2]) / 2) if held else None


DECIMAL_EXPECTED: dict[str, Callable[[list[Fraction], int], Any]] = {
    "sum": lambda held, scale: _as_decimal(sum(held, Fraction()), scale),
    "mean": lambda held, _scale: near(sum(held, Fraction()) / len(held)) if held else None,
    "median": _near_median,
    "std": lambda held, _scale: near_std(len(held), sum(held, Fraction()), sum((x * x for x in held), Fraction())),
    "min": lambda held, scale: _as_decimal(min(held), scale) if held else None,
    "max": lambda held, scale: _as_decimal(max(held), scale) if held else None,
}


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
