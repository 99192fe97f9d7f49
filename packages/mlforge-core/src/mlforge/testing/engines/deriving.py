"""Columns that are derived of each row: alike in every engine, and in the evaluator of requests."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.expr import Call, Col, Expr, Lit
from mlforge.model.schema import Schema
from mlforge.model.terms import at, days
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.evaluation import Derivation
from mlforge.testing.cases import ExpressionCase, expression_cases
from mlforge.testing.compare import assert_same, pairs
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.mixtures import mixed_table, mixtures
from mlforge.testing.strategies.predicates import (
    floats,
    integers,
    lengths,
    moments,
    near,
    numbered,
    predicates,
    small_tables,
    texts,
)

CLOSE = 1e-12
"""How far apart floats may be, relatively: who computes a logarithm decides its last bit."""

ASKED = Timestamp("t")
KINDS = (integers, floats, near, moments, lengths, predicates)
ROW_BY_ROW = [c for c in expression_cases() if all(getattr(e, "op", "") != "duplicated" for e in c.expr.walk())]


def derivable() -> st.SearchStrategy[tuple[Table, dict[str, Expr]]]:
    """A small table, and a column of each kind."""
    exprs = [*(kind(2).map(about_a_row) for kind in KINDS), texts(), st.just(at() - Col("t"))]
    return st.tuples(small_tables(), st.tuples(*exprs).map(lambda made: {f"x{i}": e for i, e in enumerate(made)}))


def about_a_row(expr: Expr) -> Expr:
    """The expression, in which nothing asks for another row."""
    return expr.replace(lambda e: Call("is_null", e.args) if isinstance(e, Call) and e.op == "duplicated" else e)


def close(expected: Any, actual: Any) -> bool:
    """Whether two values are one: floats within 1e-12, NaN equal to NaN, all else identical."""
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(close, expected, actual))
    if isinstance(expected, float) and isinstance(actual, float):
        both_nan = math.isnan(expected) and math.isnan(actual)
        return both_nan or math.isclose(expected, actual, rel_tol=CLOSE, abs_tol=0.0)
    return type(expected) is type(actual) and bool(expected == actual)


def assert_close(expected: Table, actual: Table, said: object) -> None:
    """Fail unless both have the same columns, types and values, floats within 1e-12."""
    assert pairs(actual.schema) == pairs(expected.schema), f"{said}: {actual.schema}, expected {expected.schema}"
    for wanted, got in zip(expected.rows, actual.rows, strict=True):
        for name, value in wanted.items():
            assert close(value, got[name]), f"{name} is {got[name]!r}, expected {value!r} of {said} in {wanted}"


def evaluated(table: Table, columns: dict[str, Expr], asked: Timestamp) -> Table:
    """What the evaluator of requests makes of the rows of a table."""
    derivation = Derivation(columns, {c.name: c.dtype for c in table.schema})
    made = [row | derivation.of(row, row[asked.column]) for row in table.rows]
    return Table(Schema((*table.schema, *Schema.of(**derivation.words))), made)


def answer(engine: Any, frame: Any, expr: Expr) -> Any:
    """A column that an engine derives, as a frame; None where it refuses."""
    try:
        found = engine.derive(frame, {"made": expr}, Timestamp("ts"))
        return engine.schema(found).dtype("made"), [row["made"] for batch in engine.rows(found) for row in batch]
    except Invalid:
        return None


def same_answer(expected: Any, found: Any) -> bool:
    """Whether both are refusals, or columns of one type with the same values."""
    if expected is None or found is None:
        return expected is found
    return expected[0] == found[0] and close(expected[1], found[1])


class DeriveTests(EngineSubject):
    """What `derive` adds, and what a request is answered with."""

    @generated(0.06, derivable())
    def test_derived_columns_are_those_of_the_reference(self, bench: Bench, question: Any) -> None:
        table, columns = question
        expected = bench.reference.derive(table, columns, ASKED)
        assert_close(expected, bench.table(bench.engine.derive(bench.frame(table), columns, ASKED)), columns)

    @generated(0.06, derivable())
    def test_a_request_is_answered_with_what_the_engine_derives(self, bench: Bench, question: Any) -> None:
        table, columns = question
        expected = bench.table(bench.engine.derive(bench.frame(table), columns, ASKED))
        assert_close(expected, evaluated(table, columns, ASKED), columns)

    @generated(0.06, st.integers(0, 2).flatmap(lambda depth: mixtures(depth, asked=True)))
    def test_columns_of_any_kinds_are_derived_or_refused_as_the_reference_does(self, bench: Bench, expr: Any) -> None:
        table = mixed_table()
        found, expected = answer(bench.engine, bench.frame(table), expr), answer(bench.reference, table, expr)
        assert same_answer(expected, found), (expr, found, expected)

    @generated(0.06, st.integers(0, 2).flatmap(lambda depth: mixtures(depth, asked=True)))
    def test_a_request_of_any_kinds_is_answered_or_refused_as_the_reference_does(self, bench: Bench, expr: Any) -> None:
        table = mixed_table()
        expected = answer(bench.reference, table, expr)
        try:
            found = evaluated(table, {"made": expr}, Timestamp("ts"))
        except Invalid:
            assert expected is None, f"{expr} is refused, expected {expected}"
        else:
            got = (found.schema.dtype("made"), found.column("made"))
            assert same_answer(expected, got), (expr, got, expected)

    @pytest.mark.parametrize("case", ROW_BY_ROW, ids=lambda c: c.name)
    def test_columns_are_what_was_worked_out_by_hand(self, bench: Bench, case: ExpressionCase) -> None:
        found = bench.table(bench.engine.derive(bench.frame(numbered(case.rows)), {"made": case.expr}))
        assert (found.schema.dtype("made"), found.column("made")) == ("Boolean", list(case.expected))

    def test_at_is_the_instant_of_the_row_in_any_writing(self, bench: Bench) -> None:
        rows: list[dict[str, Any]] = [
            {"paid_at": instant(0), "label": "1970-01-03 12:00"},
            {"paid_at": None, "label": None},
        ]
        table = Table.of(Schema.of(paid_at="Datetime", label="String"), rows)
        found = bench.engine.derive(bench.frame(table), {"days": (at() - Col("paid_at")) / days(1)}, Timestamp("label"))
        expected: list[dict[str, Any]] = [{**table.rows[0], "days": 2.5}, {**table.rows[1], "days": None}]
        assert_same(Table(Schema.of(paid_at="Datetime", label="String", days="Float64"), expected), bench.table(found))

    def test_new_columns_stand_beside_the_others_of_which_alone_they_are_made(self, bench: Bench) -> None:
        table = Table.of(Schema.of(a="Int64"), [{"a": 1}, {"a": None}])
        found = bench.table(bench.engine.derive(bench.frame(table), {"c": Col("a") + 1, "b": Lit("x")}))
        assert found.names == ("a", "c", "b")
        assert found.rows == [{"a": 1, "c": 2, "b": "x"}, {"a": None, "c": None, "b": "x"}]
        with refused(Invalid, "d", "'c'", "a"):
            bench.engine.derive(bench.frame(table), {"c": Col("a") + 1, "d": Col("c") + 1})

    def test_letters_that_have_one_counterpart_change_their_case(self, bench: Bench) -> None:
        given = ["Straße 12", "ÀÉÎ", "\u03a3\u0391\u03a3", "\u0414\u0436", "\u0130\u212a\ufb01\uff21", "", None]
        table = Table.of(Schema.of(s="String"), [{"s": s} for s in given])
        found = bench.table(bench.engine.derive(bench.frame(table), {"l": Col("s").lower(), "u": Col("s").upper()}))
        lower = ["straße 12", "àéî", "\u03c3\u03b1\u03c3", "\u0434\u0436", "\u0130\u212a\ufb01\uff21", "", None]
        upper = ["STRAßE 12", "ÀÉÎ", "\u03a3\u0391\u03a3", "\u0414\u0416", "\u0130\u212a\ufb01\uff21", "", None]
        assert (found.column("l"), found.column("u")) == (lower, upper)

    def test_clocks_of_a_zone_show_the_years_0_and_10000(self, bench: Bench) -> None:
        zones = {"early": "America/St_Johns", "late": "Europe/Zurich"}
        parts = {f"{n}_{p}": getattr(Col(n), p)(zone) for n, zone in zones.items() for p in ("year", "day", "weekday")}
        row = {"early": datetime(1, 1, 1, tzinfo=UTC), "late": datetime(9999, 12, 31, 23, 30, tzinfo=UTC)}
        schema = Schema.of(early="Datetime", late="Datetime")
        made = Derivation(parts, {c.name: c.dtype for c in schema}).of(row)
        assert [*made.values()] == [0, 31, 7, 10000, 1, 6]
        found = bench.table(bench.engine.derive(bench.frame(Table.of(schema, [row])), parts))
        assert found.rows == [row | made]

    def test_some_columns_are_selected_in_the_order_given(self, bench: Bench) -> None:
        table = Table.of(Schema.of(a="Int64", b="String", c="Date"), [{"a": 2, "b": "x", "c": None}] * 2)
        found = bench.table(bench.engine.select(bench.frame(table), ["c", "a"]))
        assert_same(Table.of(Schema.of(c="Date", a="Int64"), [{"c": None, "a": 2}] * 2), found)
        with refused(Invalid, "'d'", "a"):
            bench.engine.select(bench.frame(table), ["d"])

    def test_no_columns_change_nothing(self, bench: Bench) -> None:
        table = Table.of(Schema.of(a="Int64"), [{"a": 2}, {"a": 1}])
        assert_same(table, bench.table(bench.engine.derive(bench.frame(table), {})))

    def test_a_new_column_that_is_there_already_is_refused(self, bench: Bench) -> None:
        frame = bench.frame(Table.of(Schema.of(amount="Int64"), [{"amount": 1}]))
        with refused(Invalid, "amount", "already", "another name"):
            bench.engine.derive(frame, {"amount": Col("amount") + 1})

    def test_at_is_refused_where_nobody_asks(self, bench: Bench) -> None:
        frame = bench.frame(Table.of(Schema.of(paid_at="Datetime"), [{"paid_at": instant(0)}]))
        with refused(Invalid, "age"):
            bench.engine.derive(frame, {"age": at() - Col("paid_at")})

    def test_an_overflow_is_an_error_that_says_so(self, bench: Bench) -> None:
        table = Table.of(Schema.of(n="Int64"), [{"n": 2**62}])
        with refused(Invalid, "int64 overflow"):
            bench.table(bench.engine.derive(bench.frame(table), {"twice": Col("n") * 4}))
