"""The algebra means the same in every engine: nulls, NaN, division by zero, text."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.check import Check
from mlforge.model.expr import At, Call, Col, Expr, Lit, lift
from mlforge.testing.cases import ExpressionCase, expression_cases
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table, expressions
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.mixtures import mixed_table, mixtures
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


def verdict(engine: Any, frame: Any, expr: Expr) -> list[Any] | None:
    """The numbers of the rows for which an expression is true, and those for which it is unknown; None if refused."""
    checks = [Check("id", "true", "true", expr), Check("id", "null", "null", expr.is_null())]
    try:
        return [list(r.examples) for r in engine.check(frame, checks, examples=3)]
    except Invalid:
        return None


MIXED: dict[str, Expr] = {
    "a boolean is compared with a number": Col("b").eq(1),
    "a boolean is among numbers": Col("b").is_in([0, 1]),
    "text is compared with a number": Col("s") > 1,
    "text is among numbers": Col("s").is_in([1]),
    "a date is compared with a number": Col("day") > 0,
    "an instant is compared with text": Col("at") > "2024-01-01",
    "text is computed with": (Col("s") + 1) > 0,
    "a boolean is computed with": (Col("b") * 2) > 1,
    "an instant is multiplied": (Col("at") * 2).is_null(),
    "instants are added": (Col("at") + Col("at")).is_null(),
    "a number is added to an instant": (Col("at") + 1).is_null(),
    "a length of time is divided by a number": (Col("long") / 2).is_null(),
    "a float has a remainder": (Col("f").mod(2)).is_null(),
    "the logarithm of a boolean": Col("b").log() > 0,
    "the sign of text": Col("s").sign() > 0,
    "the least of two kinds": Call("least", (Col("i"), Col("s"))).is_null(),
    "the greatest of lists": Call("greatest", (Col("l"), Col("l"))).is_null(),
    "a text is looked for in a number": Col("i").contains("1"),
    "a number is looked for in a text": Call("starts_with", (Col("s"), Lit(1))),
    "a list in lower case": Col("l").lower().is_null(),
    "a number is cast to a boolean": Col("i").cast("Boolean"),
    "a float is cast to text": Col("f").cast("String").is_null(),
    "text is cast to a date": Col("s").cast("Date").is_null(),
    "an instant is cast to a number": Col("at").cast("Int64") > 0,
    "a date has no hour": Col("day").hour() > 0,
    "a date is in no zone": Col("day").year("Europe/Zurich") > 0,
    "a number has no year": Col("i").year() > 0,
    "nobody asks about stored rows": At() > Col("at"),
    "a number is negated as a condition": ~Col("i"),
    "numbers are connected": Col("i") & Col("i"),
    "the length of a number": Col("i").length() > 0,
    "the length of a list": Col("l").length() > 0,
    "a pattern is looked for in bytes": Col("x").matches("a"),
    "a number is a condition": Call("if", (Col("i"), lift(True), lift(False))),
    "a boolean stands in for a number": Call("coalesce", (Col("i"), Col("b"))).is_null(),
    "an instant stands in for a date": Call("coalesce", (Col("day"), Col("at"))).is_null(),
    "lists have no order": Col("l") < Col("l"),
    "what is not true or false is promised": Col("i"),
    "a constant is of no type": Call("eq", (Col("clock"), Lit(time(12)))),
    "a constant length of time is beyond 64 bits": Call("eq", (Col("long"), Lit(timedelta.max))),
    "a constant is beyond 64 bits": Col("u") < 2**64,
}


class ExpressionTests(EngineSubject):
    """Expressions against the reference."""

    @generated(0.12, questions())
    def test_expressions_mean_what_the_reference_says(self, bench: Bench, question: Any) -> None:
        table, exprs = question
        expected = [expressions.column(e, table) for e in exprs]
        assert verdicts(bench, table, exprs) == expected

    @generated(0.12, st.integers(1, 2).flatmap(mixtures))
    def test_expressions_of_any_kinds_are_refused_where_the_reference_refuses_them(
        self, bench: Bench, expr: Any
    ) -> None:
        table = mixed_table()
        found, expected = verdict(bench.engine, bench.frame(table), expr), verdict(bench.reference, table, expr)
        assert found == expected, f"{expr}: true and unknown for {found}, expected {expected}; None is a refusal"

    @pytest.mark.parametrize("expr", MIXED.values(), ids=MIXED)
    def test_values_of_two_kinds_do_not_mix(self, bench: Bench, expr: Expr) -> None:
        table = mixed_table()
        assert verdict(bench.reference, table, expr) is None
        with refused(Invalid, "id"):
            bench.engine.check(bench.frame(table), [Check("id", "rule", "rule", expr)])

    @pytest.mark.parametrize("case", expression_cases(), ids=lambda c: c.name)
    def test_expressions_mean_what_was_worked_out_by_hand(self, bench: Bench, case: ExpressionCase) -> None:
        assert verdicts(bench, numbered(case.rows), (case.expr,)) == [list(case.expected)]
