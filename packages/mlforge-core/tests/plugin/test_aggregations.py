"""What a window plan asks for is worked out once: inputs, aggregates, their types, and what is refused."""

from __future__ import annotations

import pytest

from mlforge.errors import Invalid
from mlforge.model.aggregation import AGGREGATIONS
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Call, Col, Expr, Lit
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.plugin.engine.aggregations import windowed
from mlforge.plugin.engine.expressions import Cast, Operation, Read
from mlforge.testing.reference import aggregations as reference
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.plans import OPTIONS

WORDS = {
    "i8": "Int8", "f32": "Float32", "dec": "Decimal(9, 2)", "b": "Boolean", "s": "String", "l": "List(Int64)",
    "d": "Duration", "t": "Datetime", "y": "Binary",
}  # fmt: skip
CAST = "CAST({} AS DOUBLE)"


def plan(*exprs: Expr, window: str = "1d", interval: str | None = None) -> WindowPlan:
    columns = (MetricColumn(f"m{i}", Duration.parse(window), e, "any") for i, e in enumerate(exprs))
    return WindowPlan(Duration.parse(interval) if interval else None, tuple(columns))


def asked(*exprs: Expr):
    return windowed(plan(*exprs), WORDS, CAST)


def test_every_aggregation_is_described_and_is_worth_of_nothing_what_the_reference_says():
    empty = {n: f([], *OPTIONS.get(n, ((),))[0]) for n, f in reference.FUNCTIONS.items()}
    assert {name: a.empty for name, a in AGGREGATIONS.items()} == empty


def test_inputs_and_aggregates_are_computed_once():
    found = asked(Agg("sum", Col("i8")), Agg("mean", Col("i8")), Agg("sum", Col("i8")) / Agg("count"), Agg("count"))
    assert [i.source for i in found.inputs] == [Read("i8", "Int8")]
    assert [(a.function, a.column, a.word) for a in found.aggregates] == [
        ("sum", "v0", "Int64"), ("mean", "v0", "Float64"), ("count", None, "Int64"),
    ]  # fmt: skip
    assert found.outputs[2].source == Operation(
        "div", (Cast(Read("a0", "Int64"), "Float64"), Cast(Read("a2", "Int64"), "Float64")), "Float64"
    )
    assert found.outputs_of(["a0"]) == ["m0", "m2"]
    assert found.functions_of("v0") == {"sum", "mean"}


def test_constants_that_python_finds_equal_are_told_apart_by_their_types():
    choices = [Agg("sum", Call("coalesce", (Col("i8"), Lit(x)))) for x in (1, 1.0)]
    assert [a.word for a in asked(*choices).aggregates] == ["Int64", "Float64"]


def test_decimals_are_summed_as_their_digits_and_compared_as_they_are():
    metrics = [Agg("sum", Col("dec")), Agg("mean", Col("dec")), Agg("max", Col("dec"))]
    found = asked(*metrics, Agg("max", Col("dec")) - Agg("min", Col("dec")), Agg("sum", Col("dec")) / Lit(2))
    assert [i.word for i in found.inputs] == ["Decimal(9, 0)", "Decimal(9, 2)"]
    words = ["Decimal(38, 2)", "Float64", "Decimal(9, 2)", "Float64", "Float64"]
    assert [o.source.word for o in found.outputs] == words
    assert found.outputs_of(["a0"]) == ["m0", "m4"]


def test_names_are_those_of_no_column():
    found = windowed(plan(Agg("max", Col("v0")), Agg("max", Col("a0"))), {"v0": "Int64", "a0": "Int64"}, CAST)
    assert not {"v0", "a0"} & {*(i.name for i in found.inputs), *(a.name for a in found.aggregates)}


REFUSED = {
    "text has no sum": (Agg("sum", Col("s")), "m0: sum needs a number, and column 's' is String", "CAST(s AS DOUBLE)"),
    "a length of time has no sum": (Agg("sum", Col("d")), "column 'd' is Duration", 'col("d") / mlf.hours(1)'),
    "nor has a time": (Agg("mean", Col("t")), "column 't' is Datetime", '(col("t") - col("other")) / mlf.hours(1)'),
    "nor have bytes": (Agg("sum", Col("y")), "column 'y' is Binary", "from the function"),
    "nor has a text made": (Agg("std", Call("coalesce", (Col("s"),))), "and its expression is String", "DOUBLE"),
    "lists have no least": (Agg("min", Col("l")), "min needs values with an order, and column 'l'", "a row for"),
    "kinds do not mix": (Agg("sum", Call("if", (Col("b").eq(1), Col("i8"), Lit(0)))), "a boolean with", "True"),
    "nor do they in outputs": (Agg("max", Col("s")) + 1, "add needs numbers, not String", "integers"),
    "no column": (Agg("sum", Col("ss")), "no column 'ss'", "'s'"),
    "an unknown one": (Agg("avg", Col("i8")), "m0: there is no aggregation 'avg'", "mean"),
    "no aggregation": (Lit(1) + Lit(2), "m0 aggregates nothing", "Agg("),
    "a column outside": (Agg("count") + Col("i8"), "m0 reads column 'i8' outside of any aggregation", "Agg("),
    "an aggregation within": (Agg("sum", Agg("count")), "'m0' aggregates an aggregation", "Formula"),
    "duplicates": (Agg("count").duplicated(), "duplicated is about rows", "in an aggregation"),
}  # fmt: skip


@pytest.mark.parametrize(("expr", "says", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_aggregated_is_refused(expr, says, hint):
    with refused(Invalid, says, hint):
        asked(expr)


def test_a_window_is_a_whole_multiple_of_the_interval():
    with refused(Invalid, "1h is not a whole multiple of the interval 1d", "multiples"):
        windowed(plan(Agg("count"), window="1h", interval="1d"), WORDS, CAST)
