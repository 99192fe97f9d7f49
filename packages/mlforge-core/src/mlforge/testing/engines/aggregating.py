"""Aggregations over windows, against the reference: both clocks, every function, broken and huge numbers."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.aggregation import AGGREGATIONS
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Call, Col, Lit
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.schema import Column, Schema
from mlforge.model.timestamp import Timestamp
from mlforge.testing.cases import DrawnCase, drawn_cases
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench, near_columns, reference_bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import explore, generated, takes, total_cases
from mlforge.testing.reference import Table
from mlforge.testing.reference.dtypes import takes as accepts
from mlforge.testing.reference.times import instant
from mlforge.testing.refusals import refused
from mlforge.testing.strategies import Case, cases
from mlforge.testing.strategies.mixtures import UNASKING, mixed_metrics, mixed_table
from mlforge.testing.strategies.plans import OPTIONS
from mlforge.testing.strategies.values import ORDERED

SHAPE = Shape((Key("k"),), Timestamp("ts"))
SHARE_OF_A_FUNCTION = 0.02
COMPUTED = ("Int64", "Float64", "Boolean", "Int8", "Float32", "UInt64", "Decimal(10, 2)", "Decimal(38, 4)")


def crowds(functions: Collection[str], floats: str) -> st.SearchStrategy[Case]:
    """Floats of one pool, many in a window."""
    return cases(functions, floats=(floats,), dtypes=("Float64",), combined=False, crowded=(True,))


def special(functions: Collection[str]) -> st.SearchStrategy[Case]:
    """NaN and infinities among other floats."""
    return cases(functions, floats=("special",), dtypes=("Float64", "Float32"), combined=False)


def assert_aggregates(bench: Bench, case: Case) -> None:
    """Fail unless the engine's change points and values are the reference's."""
    expected = bench.reference.aggregate(case.events, case.shape, case.plan)
    assert_same(expected, bench.aggregate(case), near_columns(case))


def assert_same_plan(bench: Bench, table: Table, shape: Shape, plan: WindowPlan) -> None:
    """Fail unless the engine makes of a table what the reference makes of it."""
    expected = bench.reference.aggregate(table, shape, plan)
    found = bench.table(bench.engine.aggregate(bench.frame(table), shape, plan))
    assert_same(expected, found, {c.name for c in plan.columns if expected.schema.dtype(c.name) == "Float64"})


def plan_of(function: str, column: str | None = "x") -> WindowPlan:
    """One aggregation over one hour, without an interval."""
    agg = Agg(function, Col(column) if column else None)
    return WindowPlan(None, (MetricColumn("m", Duration.parse("1h"), agg, function),))


def event_table(dtype: str, *values: object) -> Table:
    """One entity's events, a microsecond apart."""
    rows = [{"k": 1, "ts": instant(i), "x": v} for i, v in enumerate(values)]
    return Table.of(Schema.of(k="Int64", ts="Datetime", x=dtype), rows)


def crowds_of_events() -> Table:
    """Entities of 1 to 200 events, about one a second, in no order, with ties and nulls."""
    rows = [
        {
            "k": entity,
            "ts": instant(i * 7 % (size * 2 // 3 + 1) * 1_000_000),
            "x": None if i % 11 == 5 else 7.0 if i % 5 == 2 else i * 7919 % 1009 / 7 - 60,
            "y": i * 101 % 97 - 50,
        }
        for entity, size in enumerate((1, 2, 9, 40, 200))
        for i in range(size)
    ]
    return Table.of(Schema.of(k="Int64", ts="Datetime", x="Float64", y="Int64"), rows)


def wide_events(width: int) -> Table:
    """A few entities' events, with so many columns of numbers, some of them whole, and holes in every one."""
    schema = Schema.of(k="Int64", ts="Datetime", **{f"x{i}": "Int64" if i % 4 else "Float64" for i in range(width)})
    rows = [
        {"k": i % 4, "ts": instant(i * 5 % 17 * 1_000_000)}
        | {f"x{c}": None if (i + c) % 7 == 0 else (i * 37 + c) % 11 * (1 if c % 4 else 0.1) for c in range(width)}
        for i in range(24)
    ]
    return Table.of(schema, rows)


def _unless_refused(bench: Bench, table: Table, plan: WindowPlan) -> Table | None:
    """The change points; None where the engine refuses to compute them."""
    try:
        return bench.table(bench.engine.aggregate(bench.frame(table), SHAPE, plan))
    except Invalid:
        return None


CROWDS = crowds_of_events()


def columns_of(function: str) -> tuple[MetricColumn, ...]:
    """A function of both columns over windows that hold one event, a few, or all of an entity's."""
    windows = [Duration.parse(window) for window in ("1s", "12s", "45s", "600s")]
    return tuple(MetricColumn(f"{c}_{w}", w, Agg(function, Col(c)), function) for w in windows for c in ("x", "y"))


class AggregateTests(EngineSubject):
    """Change points and the values at them."""

    @generated(0.07, lambda bench: cases(bench.functions, clocks=(True,)))
    def test_windows_with_an_interval_are_those_of_the_reference(self, bench: Bench, case: Case) -> None:
        assert_aggregates(bench, case)

    @generated(0.07, lambda bench: cases(bench.functions, clocks=(False,)))
    def test_windows_without_an_interval_are_those_of_the_reference(self, bench: Bench, case: Case) -> None:
        assert_aggregates(bench, case)

    @takes(SHARE_OF_A_FUNCTION * len(AGGREGATIONS))
    @pytest.mark.parametrize("function", AGGREGATIONS)
    def test_each_aggregation_is_that_of_the_reference(self, bench: Bench, function: str) -> None:
        number = max(10, round(total_cases() * SHARE_OF_A_FUNCTION))
        explore(
            cases((function,), combined=False, dtypes=("Boolean",) if function in ("any", "all") else COMPUTED),
            lambda case: assert_aggregates(bench, case),
            bench,
            number,
        )

    @generated(0.03, lambda bench: special(bench.functions))
    def test_nan_and_infinity_stay_in_their_windows(self, bench: Bench, case: Case) -> None:
        assert_aggregates(bench, case)

    def test_nan_stands_above_every_number(self, bench: Bench) -> None:
        functions = [f for f in sorted(bench.functions) if accepts(f, "Float64")]
        aggs = [Agg(f, Col("x"), o) for f in functions for o in OPTIONS.get(f, ((),))]
        columns = tuple(MetricColumn(f"m{i}", Duration.parse("1h"), a, a.function) for i, a in enumerate(aggs))
        table = event_table("Float64", math.nan, 1.0, math.inf, None, math.nan, -math.inf, -2.0)
        assert_same_plan(bench, table, SHAPE, WindowPlan(None, columns))

    @generated(0.03, crowds(("sum", "mean"), "cancelling"))
    def test_float_sums_survive_cancellation(self, bench: Bench, case: Case) -> None:
        assert_aggregates(bench, case)

    @generated(0.02, crowds(("std",), "shifted"))
    def test_std_survives_a_large_mean(self, bench: Bench, case: Case) -> None:
        assert_aggregates(bench, case)

    @generated(0.03, lambda bench: cases(bench.functions & {"min", "max"}, dtypes=ORDERED, combined=False))
    def test_extremes_of_text_and_time_keep_their_type(self, bench: Bench, case: Case) -> None:
        assert_aggregates(bench, case)

    @generated(0.02, lambda bench: cases(bench.functions))
    def test_the_order_of_the_events_does_not_matter(self, bench: Bench, case: Case) -> None:
        turned = msgspec.structs.replace(case, events=Table(case.events.schema, case.events.rows[::-1]))
        assert_same(bench.aggregate(case), bench.aggregate(turned), near_columns(case))

    @pytest.mark.parametrize("function", ["first", "last", "first_n", "last_n"])
    def test_ties_are_settled_by_value(self, bench: Bench, function: str) -> None:
        rows = [{"k": 1, "ts": instant(i // 3), "x": v} for i, v in enumerate([2, 1, 3, 6, None, 5, 1, 1, 0, 7, 7, 7])]
        table = Table.of(Schema.of(k="Int64", ts="Datetime", x="Int64"), rows)
        aggs = [Agg(function, Col("x"), o) for o in OPTIONS.get(function, ((),)) if function in bench.functions]
        columns = tuple(MetricColumn(f"m{i}", Duration.parse("1h"), a, function) for i, a in enumerate(aggs))
        for interval in (None, Duration.parse("1s")) if columns else ():
            assert_same_plan(bench, table, SHAPE, WindowPlan(interval, columns))

    @pytest.mark.parametrize("case", drawn_cases(), ids=lambda c: c.name)
    def test_change_points_are_those_drawn_by_hand(self, bench: Bench, case: DrawnCase) -> None:
        found = bench.table(bench.engine.aggregate(bench.frame(case.table), case.shape, case.plan))
        expected = case.expected(found.schema)
        assert_same(expected, found, {c.name for c in case.plan.columns if found.schema.dtype(c.name) == "Float64"})

    @pytest.mark.parametrize("function", ["min", "max", "std", "median"])
    @pytest.mark.parametrize("interval", [None, "1s"])
    def test_windows_may_hold_few_values_or_hundreds(self, bench: Bench, function: str, interval: str | None) -> None:
        plan = WindowPlan(Duration.parse(interval) if interval else None, columns_of(function))
        expected = bench.reference.aggregate(CROWDS, SHAPE, plan)
        found = bench.table(bench.engine.aggregate(bench.frame(CROWDS), SHAPE, plan))
        assert_same(expected, found, {c.name for c in plan.columns} if function == "std" else set())

    @pytest.mark.parametrize("interval", [None, "1s"])
    def test_many_columns_are_those_of_the_reference(self, bench: Bench, interval: str | None) -> None:
        table, functions = wide_events(40), [f for f in UNASKING if f in bench.functions and accepts(f, "Int64")]
        columns = [
            MetricColumn(f"m{i}", Duration.parse("12s" if i % 3 else "2s"), Agg(f, Col(f"x{i}")), f)
            for i in range(40)
            for f in [functions[i % len(functions)]]
        ]
        rows = MetricColumn("rows", Duration.parse("2s"), Agg("count"), "count")
        plan = WindowPlan(Duration.parse(interval) if interval else None, (*columns, rows))
        assert_same_plan(bench, table, SHAPE, plan)

    @generated(0.06, lambda bench: mixed_metrics(bench.functions))
    def test_metrics_of_any_kinds_are_refused_where_the_reference_refuses_them(self, bench: Bench, expr: Any) -> None:
        table, plan = mixed_table(), WindowPlan(None, (MetricColumn("m", Duration.parse("1h"), expr, "any"),))
        expected, found = (_unless_refused(b, table, plan) for b in (reference_bench(bench.folder), bench))
        assert (found is None) == (expected is None), f"{expr}: refused by one: {found}, expected {expected}"
        if expected and found:
            assert_same(expected, found, {"m"} if expected.schema.dtype("m") == "Float64" else set())

    @pytest.mark.parametrize("function", ["sum", "max"])
    def test_a_boolean_is_not_compared_with_a_number_in_a_metric(self, bench: Bench, function: str) -> None:
        chosen = Call("if", (Col("b").eq(1), Col("i"), Lit(0)))
        plan = WindowPlan(None, (MetricColumn("m", Duration.parse("1h"), Agg(function, chosen), function),))
        for engine, frame in ((bench.reference, mixed_table()), (bench.engine, bench.frame(mixed_table()))):
            with refused(Invalid):
                bench.table(engine.aggregate(frame, SHAPE, plan))

    def test_what_is_made_of_extremes_of_decimals_is_a_float(self, bench: Bench) -> None:
        metrics = [Agg("max", Col("dec")) - Agg("min", Col("dec")), Agg("max", Col("dec")) / Agg("count")]
        columns = (MetricColumn(f"m{i}", Duration.parse("1h"), e, "any") for i, e in enumerate(metrics))
        assert_same_plan(bench, mixed_table(), SHAPE, WindowPlan(None, tuple(columns)))

    def test_keys_may_have_any_names(self, bench: Bench) -> None:
        names = {"k": "v0", "ts": "a0", "i": "a1", "f": "v1"}
        table = mixed_table().select(list(names))
        columns = tuple(Column(names[c.name], c.dtype) for c in table.schema)
        renamed = Table(Schema(columns), [{names[n]: v for n, v in row.items()} for row in table.rows])
        metrics = [Agg("sum", Col("a1")), Agg("max", Col("v1")), Agg("max", Col("v0")), Agg("count")]
        outputs = (MetricColumn(f"m{i}", Duration.parse("1h"), e, "any") for i, e in enumerate(metrics))
        assert_same_plan(bench, renamed, Shape((Key("v0"),), Timestamp("a0")), WindowPlan(None, tuple(outputs)))

    def test_a_sum_that_does_not_fit_64_bits_is_refused(self, bench: Bench) -> None:
        with refused(Invalid, "overflow"):
            bench.table(bench.engine.aggregate(bench.frame(event_table("Int64", 2**62, 2**62)), SHAPE, plan_of("sum")))

    def test_sums_that_fit_are_right_though_all_events_together_would_overflow(self, bench: Bench) -> None:
        hour = 3_600_000_000
        rows = [{"k": 1, "ts": instant(i * hour), "x": 2**62} for i in range(5)]
        events = Table.of(Schema.of(k="Int64", ts="Datetime", x="Int64"), rows)
        found = bench.table(bench.engine.aggregate(bench.frame(events), SHAPE, plan_of("sum")))
        assert found.column("m") == [2**62] * 5 + [0]

    def test_a_missing_column_is_named(self, bench: Bench) -> None:
        with refused(Invalid, "'xx'", "Did you mean 'x'?"):
            bench.engine.aggregate(bench.frame(event_table("Int64", 1)), SHAPE, plan_of("sum", "xx"))

    @pytest.mark.parametrize("function", ["sum", "mean", "std", "median"])
    def test_text_is_not_computed_with(self, bench: Bench, function: str) -> None:
        with refused(Invalid, "m: ", function, "'x'", "String", "cast"):
            bench.table(bench.engine.aggregate(bench.frame(event_table("String", "a")), SHAPE, plan_of(function)))
