"""Rows are chosen by a condition: of a frame, and of a version."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.expr import Call, Col, Expr
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.schema import Schema
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table, expressions
from mlforge.testing.reference.times import instant
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.predicates import predicates, small_tables

SHAPE = Shape((Key("id"),))


def choices() -> st.SearchStrategy[tuple[Table, Expr]]:
    """A small table and a condition on each row by itself."""
    return st.tuples(small_tables(), predicates(2).filter(is_of_a_row))


def is_of_a_row(expr: Expr) -> bool:
    """Whether no other row decides."""
    return not any(isinstance(e, Call) and e.op == "duplicated" for e in expr.walk())


class WhereTests(EngineSubject):
    """What `where` keeps."""

    @generated(0.03, choices())
    def test_the_rows_for_which_a_condition_is_true_are_kept_in_order(self, bench: Bench, choice: Any) -> None:
        table, condition = choice
        found = bench.engine.where(bench.frame(table), condition)
        assert_same(expressions.where(table, condition), bench.table(found))

    @generated(0.02, choices())
    def test_a_version_is_read_where_a_condition_is_true(self, bench: Bench, choice: Any) -> None:
        table, condition = choice
        found = bench.engine.where(bench.engine.scan_version(bench.stored(table, shape=SHAPE)), condition)
        assert_same(expressions.where(table, condition), bench.table(found))

    def test_a_condition_sees_instants_in_utc_and_categories_as_text(self, bench: Bench) -> None:
        table = Table.of(Schema.of(c="String", t="Datetime"), [{"c": c, "t": instant(t)} for c in "ab" for t in (5, 6)])
        frame = bench.arrow_frame(table, {"c": "dictionary", "t": "tsu:Europe/Berlin"})
        found = bench.engine.where(frame, Col("c").eq("b") & Col("t").eq(instant(6)))
        assert bench.table(bench.engine.conform(found, Shape((Key("c"),))).frame).rows == [table.rows[3]]

    def test_a_condition_about_a_column_that_is_not_there_is_refused(self, bench: Bench) -> None:
        frame = bench.frame(Table.of(Schema.of(id="Int64"), [{"id": 1}]))
        with refused(Invalid, "user", "id"):
            bench.engine.where(frame, Col("user").eq(1))
