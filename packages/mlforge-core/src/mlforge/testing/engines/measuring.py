"""What is measured of a frame: every engine gives the same figures, sketches within the error they state."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.quality import MOST_EXACT, ColumnQuality, Histogram, Measuring, Quality, rank_error
from mlforge.model.schema import Column, Schema
from mlforge.testing.compare import TOLERANCE
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.measuring import histogram, number
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.values import values

DTYPES = (
    "Boolean", "Int8", "Int64", "UInt64", "Float32", "Float64", "String", "Binary", "Date", "Datetime", "Time",
    "Duration", "Decimal(10, 2)", "List(Int64)",
)  # fmt: skip
EDGES = (-1.0, 0.0, 2.5)
MANY, TOO_MANY, DRAWN = 12_000, 16_000, 3_000  # too many for any estimate to leave it open


@st.composite
def measurings(draw: st.DrawFn) -> tuple[Table, Measuring]:
    """A table of a key and two columns, and what to measure of it."""
    schema = Schema((Column("k", "Int64"), *(Column(n, draw(st.sampled_from(DTYPES))) for n in ("a", "b"))))
    row = st.fixed_dictionaries({c.name: values(c.dtype, "special") for c in schema})
    edges = {"a": EDGES} if draw(st.booleans()) else {}
    keys = draw(st.sampled_from([(), ("k",), ("k", "a")]))
    if schema.dtype("a").startswith("List"):
        keys = keys[:1]
    ask = Measuring(keys=keys, edges=edges, fixed=True, top=draw(st.integers(0, 3)))
    return Table.of(schema, draw(st.lists(row, max_size=12))), ask


def assert_same_figures(expected: Quality, found: Quality, table: Table, fixed: tuple[str, ...] = ()) -> None:
    """Fail unless all figures are the same: mean, std and quantiles within the tolerance, counts at any edges."""
    assert (found.rows, found.entities, found.entities_error) == (expected.rows, expected.entities, 0.0)
    assert len(found.columns) == len(expected.columns)
    for wanted, got in zip(expected.columns, found.columns, strict=True):
        assert _exact(got) == _exact(wanted), f"{got} – expected {wanted}"
        known = [v for v in table.column(wanted.name) if v is not None]
        scale = max([abs(number(v)) for v in known if _counts(v)], default=0.0)
        for name in ("mean", "std"):
            assert _near(getattr(wanted, name), getattr(got, name), scale), f"{name} of {got} – expected {wanted}"
        for a, b in zip(wanted.quantiles, got.quantiles, strict=True):
            assert _near(a, b, scale), f"{got} – expected {wanted}"
        if wanted.name in fixed:
            assert got.histogram == wanted.histogram, f"{got} – expected {wanted}"
        elif wanted.histogram:
            assert_round_edges(got, sorted(number(v) for v in known if _counts(v)))
        else:
            assert got.histogram is None


def _exact(column: ColumnQuality) -> ColumnQuality:
    return msgspec.structs.replace(column, mean=None, std=None, quantiles=(), histogram=None)


def _counts(value: Any) -> bool:
    return not isinstance(value, str | bytes | list) and (isinstance(value, date) or _is_number(value))


def _is_number(value: Any) -> bool:
    return not hasattr(value, "resolution") and math.isfinite(value)


def _near(expected: float | None, found: float | None, scale: float) -> bool:
    if expected is None or found is None:
        return expected is found
    return abs(found - expected) <= TOLERANCE * max(abs(expected), scale)


def assert_round_edges(column: ColumnQuality, numbers: list[float]) -> None:
    """Fail unless the histogram counts the numbers, and its edges leave few of them outside."""
    found = column.histogram
    assert found is not None
    assert found == histogram(numbers, found.edges)
    assert len(found.edges) <= 45
    assert found.edges == tuple(sorted(set(found.edges)))
    assert found.counts[0] <= max(1, 0.02 * len(numbers))


def off(ordered: list[float], value: float, q: float) -> float:
    """How far a value's place among some is from where it should be, as a part of all."""
    low, high = (side(ordered, value) / len(ordered) for side in (bisect_left, bisect_right))
    return max(0.0, low - q, q - high)


class MeasureTests(EngineSubject):
    """Figures against the reference."""

    @generated(0.03, measurings())
    def test_figures_are_those_of_the_reference(self, bench: Bench, case: Any) -> None:
        table, ask = case
        expected = bench.reference.measure(table, ask)
        found = bench.engine.measure(bench.frame(table), ask)
        assert_same_figures(expected, found, table, tuple(ask.edges))

    def test_what_is_recorded_of_a_column_can_be_kept_as_json(self, bench: Bench) -> None:
        rows = [{"x": x} for x in (math.inf, math.nan, -math.inf, 1.7e308, -1.7e308, None)]
        found = bench.engine.measure(bench.frame(Table.of(Schema.of(x="Float64"), rows)), Measuring())
        assert msgspec.json.decode(msgspec.json.encode(found), type=Quality) == found
        (column,) = found.columns
        assert (column.count, column.nulls, column.nans, column.infinite) == (5, 1, 1, 2)

    def test_numbers_whose_sum_is_beyond_a_float_have_a_mean(self, bench: Bench) -> None:
        rows = [{"x": x, "y": y} for x, y in ((1.7e308, -math.inf), (None, -1.7e308), (1.3e308, -1.5e308))]
        table = Table.of(Schema.of(x="Float64", y="Float64"), rows)
        found = bench.engine.measure(bench.frame(table), Measuring())
        assert_same_figures(bench.reference.measure(table, Measuring()), found, table)

    def test_a_frame_without_rows_is_measured_as_empty(self, bench: Bench) -> None:
        schema = Schema.of(x="Int64", s="String", t="Datetime", f="Float64", l="List(Int64)")
        found = bench.engine.measure(bench.frame(Table.of(schema, [])), Measuring(keys=("x",)))
        assert (found.rows, found.entities) == (0, 0)
        for column in found.columns:
            assert (column.count, column.nulls, column.min, column.mean, column.histogram) == (0, 0, None, None, None)

    def test_times_are_recorded_in_utc_and_counted_in_microseconds(self, bench: Bench) -> None:
        first = datetime(2026, 2, 1, 12, tzinfo=UTC)
        rows = [{"at": first + timedelta(days=n), "on": date(2026, 2, 1 + n)} for n in range(5)]
        found = bench.engine.measure(
            bench.frame(Table.of(Schema.of(at="Datetime", on="Date"), rows)), Measuring(quantiles=(0.5,))
        )
        at, on = found.columns
        assert (at.min, on.max) == ("2026-02-01T12:00:00+00:00", "2026-02-05")
        assert (at.quantiles, on.quantiles) == ((number(rows[2]["at"]),), (number(rows[2]["on"]),))
        assert on.histogram is not None
        assert sum(on.histogram.counts) == 5

    def test_edges_are_kept_where_the_median_lies_between_them_and_else_made_anew(self, bench: Bench) -> None:
        frame = bench.frame(Table.of(Schema.of(x="Int64", y="Int64"), [{"x": n // 2, "y": n + 1000} for n in range(9)]))
        ask = Measuring(edges={"x": (2.0, 4.0), "y": (2.0, 4.0)})
        x, y = bench.engine.measure(frame, ask).columns
        assert x.histogram == Histogram((2.0, 4.0), (4, 4, 1))
        assert y.histogram is not None
        assert y.histogram.edges[0] == 1000.0

    def test_the_most_frequent_values_come_first_and_long_ones_are_cut(self, bench: Bench) -> None:
        rows = [{"s": s, "b": b} for s, b in (("b", True), ("a", True), ("b", False), ("z" * 70, None), ("a", True))]
        s, b = bench.engine.measure(
            bench.frame(Table.of(Schema.of(s="String", b="Boolean"), rows)), Measuring()
        ).columns
        assert [(t.value, t.count) for t in s.top] == [("a", 2), ("b", 2), ("z" * 64 + "…", 1)]
        assert [(t.value, t.count) for t in b.top] == [(True, 3), (False, 1)]
        assert s.max == "z" * 64 + "…"

    def test_of_many_rows_sketches_are_within_the_error_they_state(self, bench: Bench) -> None:
        draw = Random(7)  # noqa: S311 - the same rows each time
        rows = [{"k": n, "x": draw.gauss(5.0, 2.0), "few": n % MOST_EXACT} for n in range(MANY)]
        table = Table.of(Schema.of(k="Int64", x="Float64", few="Int64"), rows)
        found = bench.engine.measure(bench.frame(table), Measuring(keys=("k",), sample=DRAWN))
        k, x, few = found.columns
        exact = sorted(table.column("x"))
        assert (few.distinct, few.distinct_error) == (MOST_EXACT, 0.0)
        assert abs((k.distinct or 0) - MANY) <= 5 * k.distinct_error * MANY
        assert abs((found.entities or 0) - MANY) <= 5 * found.entities_error * MANY
        assert (x.min, x.max) == (exact[0], exact[-1])
        assert _near(math.fsum(exact) / MANY, x.mean, exact[-1])
        if x.sampled:
            assert 0.8 * DRAWN <= x.sampled <= 1.2 * DRAWN
        for q, value in zip(Measuring().quantiles, x.quantiles, strict=True):
            assert off(exact, value, q) <= rank_error(x.sampled)

    def test_rows_that_are_alike_are_drawn_as_often_as_others(self, bench: Bench) -> None:
        rows, sample = 4_200, 1_000
        table = Table.of(Schema.of(k="Int64", x="Int64"), [{"k": n % 3, "x": n % 3} for n in range(rows)])
        for keys in ((), ("k",)):
            ask = Measuring(keys=keys, sample=sample, edges={"x": (1.0, 2.0)})
            x = bench.engine.measure(bench.frame(table), ask).columns[1]
            assert x.histogram is not None
            drawn = x.histogram.total
            assert drawn == (x.sampled or rows)
            assert 0.8 * sample <= drawn <= 1.2 * sample or drawn == rows
            for count in x.histogram.counts:
                assert abs(count / drawn - 1 / 3) <= rank_error(x.sampled)

    def test_estimates_of_different_values_are_as_far_off_as_they_state(self, bench: Bench) -> None:
        draw, names = Random(11), ["x", "y", "z"]  # noqa: S311 - the same rows each time
        rows = [{n: draw.getrandbits(60) for n in names} for _ in range(TOO_MANY)]
        frame = bench.frame(Table.of(Schema.of(**dict.fromkeys(names, "Int64")), rows))
        columns = bench.engine.measure(frame, Measuring(sample=MANY)).columns
        off = sum(((c.distinct or 0) / TOO_MANY - 1) ** 2 for c in columns)
        assert off <= 5.4 * sum(c.distinct_error**2 for c in columns)  # of what is as it states, one in a thousand

    def test_a_column_that_is_not_there_is_refused(self, bench: Bench) -> None:
        frame = bench.frame(Table.of(Schema.of(x="Int64"), [{"x": 1}]))
        for ask in (Measuring(columns=("nowhere",)), Measuring(keys=("nowhere",))):
            with refused(Invalid, "nowhere", "x"):
                bench.engine.measure(frame, ask)
