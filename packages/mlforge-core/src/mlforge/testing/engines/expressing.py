"""The algebra means the same in every engine: nulls, NaN, division by zero, text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from mlforge.model.check import Check
from mlforge.model.expr import Expr
from mlforge.testing.cases import ExpressionCase, expression_cases
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table, expressions
from mlforge.testing.strategies.predicates import numbered, predicates, small_tables


def verdicts(bench: Bench, table: Table, exprs: tuple[Expr, ...]) -> list[list[bool | None]]:
    """Each predicate in each row: seen through checks that show the numbers of the rows they catch."""
    checks = [c for e in exprs for c in (Check("id", "true", "true", e), Check("id", "null", "null", e.is_null()))]
    results = bench.engine.check(bench.frame(table), checks, examples=len(table.rows))
    ids = table.column("id")
    return [
        [True if i in true.examples else None if i in null.examples else False for i in ids]
        for true, null in zip(results[::2], results[1::2], strict=True)
    ]


def questions() -> st.SearchStrategy[tuple[Table, tuple[Expr, ...]]]:
    """A small table and predicates of several depths."""
    return st.tuples(small_tables(), st.tuples(*map(predicates, (0, 0, 1, 1, 2, 3))))


class ExpressionTests(EngineSubject):
    """Expressions against the reference."""

    @generated(0.12, questions())
    def test_expressions_mean_what_the_reference_says(self, bench: Bench, question: Any) -> None:
        table, exprs = question
        expected = [expressions.column(e, table) for e in exprs]
        assert verdicts(bench, table, exprs) == expected

    @pytest.mark.parametrize("case", expression_cases(), ids=lambda c: c.name)
    def test_expressions_mean_what_was_worked_out_by_hand(self, bench: Bench, case: ExpressionCase) -> None:
        assert verdicts(bench, numbered(case.rows), (case.expr,)) == [list(case.expected)]
