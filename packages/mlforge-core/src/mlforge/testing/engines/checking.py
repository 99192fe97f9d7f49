"""Checks count the rows that break a promise, and show the first of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
from hypothesis import strategies as st

import mlforge.validators as v
from mlforge.errors import Invalid
from mlforge.model.check import CheckResult, Validator
from mlforge.model.expr import col, it, lift
from mlforge.model.schema import Column, Schema
from mlforge.model.terms import coalesce
from mlforge.testing.compare import same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant, micros
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.checks import validators
from mlforge.testing.strategies.values import values

DAY, NOON = date(2024, 2, 29), datetime(2024, 2, 29, 12, tzinfo=UTC)
DTYPES = ("Int64", "Int8", "Float64", "Float32", "String", "Date", "Datetime", "Boolean", "Binary")


@st.composite
def promises(draw: st.DrawFn) -> tuple[Table, list[Any]]:
    """A table and a few validators on its columns."""
    schema = Schema(tuple(Column(n, draw(st.sampled_from(DTYPES))) for n in ("a", "b")))
    row = st.fixed_dictionaries({c.name: values(c.dtype, "special") for c in schema})
    checks = [draw(validators(c.dtype)).on(c.name) for c in schema for _ in range(2)]
    return Table.of(schema, draw(st.lists(row, max_size=8))), checks


def assert_same_results(expected: tuple[CheckResult, ...], actual: tuple[CheckResult, ...]) -> None:
    """Fail unless every check found the same."""
    assert len(actual) == len(expected)
    for wanted, got in zip(expected, actual, strict=True):
        assert same(list(wanted.examples), list(got.examples)), f"{got} – expected {wanted}"
        assert msgspec.structs.replace(got, examples=()) == msgspec.structs.replace(wanted, examples=())


class CheckTests(EngineSubject):
    """Validators against the reference."""

    @generated(0.08, promises())
    def test_validators_find_what_the_reference_finds(self, bench: Bench, promise: Any) -> None:
        table, checks = promise
        expected = bench.reference.check(table, checks)
        assert_same_results(expected, bench.engine.check(bench.frame(table), checks))

    def test_the_first_values_that_break_a_promise_are_shown_in_order(self, bench: Bench) -> None:
        table = Table.of(Schema.of(x="Int64"), [{"x": x} for x in (5, -3, None, -1, -2, -9)])
        (result,) = bench.engine.check(bench.frame(table), [v.greater_than(0).on("x")])
        assert result == CheckResult("x", "greater_than", "greater_than(0)", 6, 4, (-3, -1, -2))

    def test_results_come_in_the_order_of_the_checks(self, bench: Bench) -> None:
        rows = [{"a": a, "b": b} for a, b in ((1, "x"), (2, None), (3, "y"), (4, "y"), (5, "y"))]
        checks = [Validator("many", it() > 1).on("a"), Validator("double", it().duplicated()).on("b")]
        many, double = bench.engine.check(bench.frame(Table.of(Schema.of(a="Int64", b="String"), rows)), checks)
        assert (many.rows, many.failures, many.examples) == (5, 4, (2, 3, 4))
        assert (double.failures, double.examples) == (3, ("y", "y", "y"))

    def test_an_overflow_is_an_error_that_says_so(self, bench: Bench) -> None:
        frame = bench.frame(Table.of(Schema.of(x="Int64"), [{"x": 2**62}]))
        with refused(Invalid, "'x'", "int64 overflow"):
            bench.engine.check(frame, [Validator("rule", it() * 4 > 1).on("x")])

    def test_as_many_examples_are_shown_as_asked(self, bench: Bench) -> None:
        table = Table.of(Schema.of(x="Int64"), [{"x": -x} for x in range(1, 6)])
        (result,) = bench.engine.check(bench.frame(table), [v.greater_than(0).on("x")], examples=1)
        assert (result.failures, result.examples) == (5, (-1,))

    def test_every_row_of_a_repeated_value_breaks_unique_but_nulls_do_not(self, bench: Bench) -> None:
        table = Table.of(Schema.of(x="String"), [{"x": x} for x in ("a", "b", None, "a", None, "")])
        (result,) = bench.engine.check(bench.frame(table), [v.unique().on("x")])
        assert (result.failures, result.examples) == (2, ("a", "a"))

    def test_a_frame_without_rows_keeps_every_promise(self, bench: Bench) -> None:
        table = Table.of(Schema.of(x="Int64"), [])
        results = bench.engine.check(bench.frame(table), [v.not_null().on("x"), v.unique().on("x")])
        assert [(r.rows, r.failures, r.passed) for r in results] == [(0, 0, True)] * 2

    def test_no_checks_give_no_results(self, bench: Bench) -> None:
        assert tuple(bench.engine.check(bench.frame(Table.of(Schema.of(x="Int64"), [{}])), [])) == ()

    def test_a_check_may_look_at_other_columns(self, bench: Bench) -> None:
        table = Table.of(Schema.of(low="Int64", high="Int64"), [{"low": 1, "high": 2}, {"low": 3, "high": 2}])
        check = msgspec.structs.replace(v.not_null(), violation=it() > col("high")).on("low")
        (result,) = bench.engine.check(bench.frame(table), [check])
        assert (result.failures, result.examples) == (1, (3,))

    def test_a_date_compares_with_an_instant_as_the_one_its_day_begins_at(self, bench: Bench) -> None:
        morning = instant(micros(NOON) - 43_200_000_000)
        days = [DAY, date(2024, 2, 28), date(2024, 3, 1), None]
        rows = [{"day": d, "at": at} for d, at in zip(days, [morning, NOON, NOON, None], strict=True)]
        checks = [
            *(x.on("day") for x in (v.less_than(NOON), v.is_in([NOON]))),
            *(x.on("at") for x in (v.greater_than(DAY), v.is_in([DAY]), Validator("p", it() <= col("day")))),
        ]
        results = bench.engine.check(bench.frame(Table.of(Schema.of(day="Date", at="Datetime"), rows)), checks)
        assert [r.failures for r in results] == [1, 3, 1, 2, 2]

    def test_what_breaks_a_promise_whatever_the_row_is_counted_in_every_row(self, bench: Bench) -> None:
        frame = bench.frame(Table.of(Schema.of(x="Int64"), [{"x": 1}, {"x": None}]))
        always = Validator("p", lift(value=2) > coalesce(1, it()))
        (result,) = bench.engine.check(frame, [always.on("x")])
        assert (result.failures, result.examples) == (2, (1, None))

    def test_a_check_on_a_missing_column_is_refused(self, bench: Bench) -> None:
        with refused(Invalid, "nowhere", "x"):
            bench.engine.check(bench.frame(Table.of(Schema.of(x="Int64"), [{}])), [v.not_null().on("nowhere")])
