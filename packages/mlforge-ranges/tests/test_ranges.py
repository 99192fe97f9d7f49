"""Values of ranges of a sequence, held to their definitions."""

from __future__ import annotations

import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlforge_ranges import Ranges

FLOATS = [0.0, -0.0, 1.0, -1.0, -3.0, 0.1, 5e-324, 1.5e-323, 1e16, -1.7e308, 1.7e308, math.nan, math.inf, -math.inf]
NUMBERS = [
    (FLOATS[:5], pl.Float64),
    (FLOATS, pl.Float64),
    ([0.5, -1.25, 3.0], pl.Float32),
    ([1, 2, 3, -7], pl.Int64),
    ([-128, 127, 0], pl.Int8),
    ([-(2**63), 1 - 2**63, 2**53 + 1, 2**53], pl.Int64),
    ([2**64 - 1, 2**63, 5], pl.UInt64),
    ([Decimal("1.10"), Decimal("-2.35"), Decimal("0.00")], pl.Decimal(12, 2)),
]
OTHERS = [
    (["a", "", "ab", "é"], pl.String),
    ([True, False], pl.Boolean),
    ([date(2025, 1, 1), date(1, 1, 1)], pl.Date),
    ([clock(1), clock(2)], pl.Time),
    ([datetime(2025, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)], pl.Datetime("us", "UTC")),
]

# A machine that does other work, too, is no fault.
generated = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


@st.composite
def cases(
    draw: st.DrawFn, kinds: Sequence[tuple[list[Any], Any]] = (*NUMBERS, *OTHERS)
) -> tuple[Ranges, list[list[Any]]]:
    """Ranges of a few entities, and the values that are in each."""
    some, dtype = draw(st.sampled_from(kinds))
    values, entity, bounds = [], [], []
    for number in range(draw(st.integers(0, 3))):
        mine = draw(st.lists(st.sampled_from(some), max_size=12)) * draw(st.sampled_from([1, 1, 8]))
        ends = sorted(draw(st.lists(st.integers(0, len(mine)), max_size=12)))
        starts = sorted(draw(st.lists(st.integers(0, len(mine)), min_size=len(ends), max_size=len(ends))))
        begun = len(values)
        bounds += [(begun + min(start, end), begun + end) for start, end in zip(starts, ends, strict=True)]
        values += mine
        entity += [number] * len(mine)
    column, low, high = pl.Series(values, dtype=dtype), [b[0] for b in bounds], [b[1] for b in bounds]
    ranges = Ranges(
        column, pl.Series(entity, dtype=pl.Int64), pl.Series(low, dtype=pl.Int64), pl.Series(high, dtype=pl.UInt32)
    )
    there = column.to_list()
    return ranges, [there[start:end] for start, end in bounds]


def equal(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(equal, found, wanted))
    return found == wanted or (found != found and wanted != wanted)


def close(found: Any, wanted: Any) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return equal(found, wanted) or math.isclose(found, wanted, rel_tol=1e-9)


def hold(found: pl.Series, wanted: Callable[[list[Any]], Any], windows: list[list[Any]], like: Any = equal) -> None:
    for value, window in zip(found.to_list(), windows, strict=True):
        assert like(value, wanted(window)), (value, wanted(window), window)


def same(value: Any) -> Any:
    return "NaN" if value != value else (value,)


def rank(value: Any) -> Any:
    return (value != value, 0 if value != value else value)


def once(values: list[Any]) -> list[Any]:
    return [v for i, v in enumerate(values) if same(v) not in map(same, values[:i])]


def frequent(values: list[Any]) -> list[Any]:
    counts = Counter(map(same, values))
    return sorted(once(sorted(values, key=rank)), key=lambda v: -counts[same(v)])


def percentile(values: list[Any], q: float) -> float | None:
    if not values:
        return None
    ordered, place = sorted(map(float, values), key=rank), Fraction(repr(q)) * (len(values) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    if low == high:
        return low
    if math.isfinite(low) and math.isfinite(high):
        return float(Fraction(low) + (Fraction(high) - Fraction(low)) * (place % 1))
    return high if math.isfinite(low) else low if math.isfinite(high) else math.nan


def moment(values: list[Any], least: int, wanted: Callable[[int, list[Fraction]], tuple[Fraction, Fraction]]) -> Any:
    if len(values) < least:
        return None
    if not all(map(math.isfinite, values)):
        return math.nan
    exact = list(map(Fraction, values))
    gaps = [v - sum(exact) / len(exact) for v in exact]
    return wanted(len(gaps), gaps) if any(gaps) else None


def std(values: list[Any]) -> float | None:
    if len(values) < 2:
        return None
    try:
        return statistics.stdev(map(Fraction, values)) if all(map(math.isfinite, values)) else math.nan
    except OverflowError:
        return math.inf


def central(gaps: list[Fraction], power: int) -> Fraction:
    return sum(g**power for g in gaps) / len(gaps)


def skewness(n: int, gaps: list[Fraction]) -> float:
    third = central(gaps, 3)
    square = third**2 / central(gaps, 2) ** 3 * n * (n - 1) / (n - 2) ** 2
    lean = float(Fraction(math.isqrt(math.floor(square * 4**1200)), 2**1200))  # however small
    return lean if third > 0 else -lean


def kurtosis(n: int, gaps: list[Fraction]) -> float:
    tails = (n + 1) * central(gaps, 4) / central(gaps, 2) ** 2
    return float((tails - 3 * (n - 1)) * (n - 1) / ((n - 2) * (n - 3)))


@generated
@given(cases())
def test_first_and_last_are_at_the_ends(case: tuple[Ranges, list[list[Any]]]) -> None:
    ranges, windows = case
    hold(ranges.first(), lambda w: w[0] if w else None, windows)
    hold(ranges.last(), lambda w: w[-1] if w else None, windows)


@generated
@given(cases(), st.integers(1, 14))
def test_lists_are_in_the_order_of_places(case: tuple[Ranges, list[list[Any]]], n: int) -> None:
    ranges, windows = case
    hold(ranges.first_n(n), lambda w: w[:n], windows)
    hold(ranges.last_n(n), lambda w: w[-n:], windows)
    hold(ranges.first_n(n, distinct=True), lambda w: once(w)[:n], windows)
    hold(ranges.last_n(n, distinct=True), lambda w: once(w[::-1])[:n][::-1], windows)


@generated
@given(cases())
def test_different_values_are_counted_once(case: tuple[Ranges, list[list[Any]]]) -> None:
    ranges, windows = case
    hold(ranges.count_distinct(), lambda w: len(once(w)), windows)
    assert ranges.count_distinct().dtype == pl.Int64


@generated
@given(cases(), st.integers(1, 6))
def test_the_most_frequent_come_first_and_of_equally_frequent_the_least(case: Any, k: int) -> None:
    ranges, windows = case
    hold(ranges.top_k(k), lambda w: frequent(w)[:k], windows)
    hold(ranges.mode(), lambda w: frequent(w)[0] if w else None, windows)


@generated
@given(cases(NUMBERS), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 0.99, 1e-300, 1.0]))
def test_a_percentile_is_between_order_statistics(case: tuple[Ranges, list[list[Any]]], q: float) -> None:
    ranges, windows = case
    hold(ranges.percentile(q), lambda w: percentile(w, q), windows, close)


@pytest.mark.parametrize("special", [[], [math.nan, math.inf, -0.0]], ids=["finite", "special"])
@pytest.mark.parametrize("apart", [1, 100], ids=["overlapping", "few"])
@pytest.mark.parametrize("n", [1, 8, 9, 16, 17, 40])
def test_a_percentile_is_the_same_however_long_ranges_are_and_many(n: int, apart: int, special: list[float]) -> None:
    values = [float(i * 37 % 101 - 50) for i in range(120)] + special
    starts = range(0, len(values) - n, apart)
    ranges = Ranges(pl.Series(values), None, pl.Series(starts), pl.Series([s + n for s in starts]))
    for q in (0.1, 0.5, 0.9):
        hold(ranges.percentile(q), lambda w, q=q: percentile(w, q), [values[s : s + n] for s in starts], close)


@generated
@given(cases(NUMBERS))
def test_a_std_is_exact_however_far_apart_the_numbers_are(case: tuple[Ranges, list[list[Any]]]) -> None:
    ranges, windows = case
    hold(ranges.std(), std, windows, close)


@generated
@given(cases(NUMBERS))
def test_skewness_and_kurtosis_are_exact(case: tuple[Ranges, list[list[Any]]]) -> None:
    ranges, windows = case
    hold(ranges.skewness(), lambda w: moment(w, 3, skewness), windows, close)
    hold(ranges.kurtosis(), lambda w: moment(w, 4, kurtosis), windows, close)


@generated
@given(st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3), min_size=3, max_size=100), st.floats(-1e9, 1e9))
def test_the_shape_of_numbers_close_together_and_far_from_0_is_exact(numbers: list[float], away: float) -> None:
    values = [away + number / 1e6 for number in numbers]
    ranges = Ranges(pl.Series(values), None, pl.Series([0]), pl.Series([len(values)]))
    hold(ranges.skewness(), lambda w: moment(w, 3, skewness), [values], close)
    hold(ranges.kurtosis(), lambda w: moment(w, 4, kurtosis), [values], close)


@pytest.mark.parametrize("kind", {str(k[1]): k for k in (*NUMBERS, *OTHERS)}.values(), ids=lambda kind: str(kind[1]))
def test_values_keep_their_type_even_where_there_are_none(kind: tuple[list[Any], Any]) -> None:
    values, nothing = pl.Series(kind[0], dtype=kind[1]), pl.Series([], dtype=pl.Int64)
    for ranges in (
        Ranges(values, None, pl.Series([0]), pl.Series([2])),
        Ranges(values, None, nothing, nothing),
        Ranges(values.clear(), None, pl.Series([0]), pl.Series([0])),
    ):
        assert {f().dtype for f in (ranges.first, ranges.last, ranges.mode)} == {values.dtype}
        lists = [f(2) for f in (ranges.first_n, ranges.last_n, ranges.top_k)]
        lists += [f(2, distinct=True) for f in (ranges.first_n, ranges.last_n)]
        assert {found.dtype for found in lists} == {pl.List(values.dtype)}
        assert {len(found) for found in lists} == {len(ranges)}


def test_bounds_that_go_back_and_lengths_that_differ_are_refused() -> None:
    values = pl.Series([1, 2])
    with pytest.raises(ValueError, match="goes back"):
        Ranges(values, None, pl.Series([1, 0]), pl.Series([1, 2]))
    with pytest.raises(ValueError, match="two bounds"):
        Ranges(values, None, pl.Series([0]), pl.Series([1, 2]))
    with pytest.raises(ValueError, match="has an entity"):
        Ranges(values, pl.Series([0]), pl.Series([0]), pl.Series([1]))


ASKED: dict[str, Callable[[Ranges], pl.Series]] = {
    "last_n": lambda ranges: ranges.last_n(5),
    "last_n distinct": lambda ranges: ranges.last_n(5, distinct=True),
    "first_n distinct": lambda ranges: ranges.first_n(5, distinct=True),
    "count_distinct": Ranges.count_distinct,
    "percentile": lambda ranges: ranges.percentile(0.9),
    "mode": Ranges.mode,
    "top_k": lambda ranges: ranges.top_k(3),
    "skewness": Ranges.skewness,
    "kurtosis": Ranges.kurtosis,
}


@pytest.mark.parametrize("asked", ASKED)
def test_windows_that_grow_with_the_sequence_cost_little_more_than_it(asked: str) -> None:
    seconds = {n: min(processed(ASKED[asked], hot(n)) for _ in range(2)) for n in (3_000, 12_000)}
    assert seconds[12_000] < 8 * seconds[3_000] + 0.05


def hot(n: int) -> tuple[pl.Series, None, pl.Series, pl.Series]:
    """All values come into one window, one after the other, and leave it again."""
    values = (pl.int_range(n, eager=True) * 7919 % 10_007).cast(pl.Float64) / 8
    up = list(range(1, n + 1))
    return values, None, pl.Series([0] * n + up), pl.Series(up + [n] * n)


def processed(asked: Callable[[Ranges], pl.Series], case: tuple[Any, ...]) -> float:
    began = time.process_time()
    asked(Ranges(*case))
    return time.process_time() - began
