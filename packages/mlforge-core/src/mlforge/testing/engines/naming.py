"""Names of columns: any that every engine can tell apart are kept, the others are refused, by all alike."""

from __future__ import annotations

import pytest

from mlforge.errors import Invalid
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Col
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.schema import Column, Schema
from mlforge.model.source import CSVFormat
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join, Scan
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant
from mlforge.testing.refusals import refused

SHAPE = Shape((Key("k"),), Timestamp("ts"))
ALIKE = {
    "in case alone": (("amount", "Amount"), ("'amount' and 'Amount'", "differ in case alone")),
    "a key and a column in case alone": (("K",), ("'k' and 'K'", "differ in case alone")),
    "the time and a column in case alone": (("TS",), ("'ts' and 'TS'", "differ in case alone")),
    "nameless": (("",), ("without a name",)),
    "a NUL": (("a\0b",), (repr("a\0b"),)),
    "every column": (("*",), (repr("*"),)),
    "a pattern of names": (("x", "^x$"), (repr("^x$"),)),
}
UNNAMABLE = ALIKE | {"a newline": (("a\nb",), (repr("a\nb"),)), "a tab": (("a\t",), (repr("a\t"),))}
ODD = [
    "select",
    "a b",
    'say "a"',
    "it's",
    "größe",
    "💰",
    "a.b",
    "e",
    "T",
    "K0",
    "v0",
    "a0",
    "n",
    "frame",
    "rest",
    "^x",
    "x$",
    "**",
    "w0_n",
]


def table_of(*names: str) -> Table:
    """One row with a key, a time and these columns, each its own number."""
    columns = [Column("k", "Int64"), Column("ts", "Datetime"), *(Column(n, "Int64") for n in names)]
    return Table.of(Schema(tuple(columns)), [{"k": 1, "ts": instant(0), **{n: i for i, n in enumerate(names)}}])


class NameTests(EngineSubject):
    """What columns may be called."""

    @pytest.mark.parametrize("case", UNNAMABLE)
    def test_a_function_result_has_columns_that_can_be_told_apart(self, bench: Bench, case: str) -> None:
        names, said = UNNAMABLE[case]
        with refused(Invalid, *said):
            bench.engine.conform(bench.frame(table_of(*names)), SHAPE)

    def test_a_timestamp_is_not_renamed_to_what_differs_from_another_in_case_alone(self, bench: Bench) -> None:
        with refused(Invalid, "Amount", "amount"):
            bench.engine.conform(bench.frame(table_of("amount")), Shape((Key("k"),), Timestamp("ts", alias="Amount")))

    def test_a_timestamp_may_be_renamed_in_case_alone(self, bench: Bench) -> None:
        held = bench.engine.conform(bench.frame(table_of("x")), Shape((Key("k"),), Timestamp("ts", alias="TS")))
        assert bench.table(held.frame).names == ("k", "TS", "x")

    @pytest.mark.parametrize("header", ["k,a,A", "a,k,A"])
    def test_a_source_has_columns_that_can_be_told_apart(self, bench: Bench, header: str) -> None:
        path = bench.folder / "named.csv"
        path.write_text(f"{header}\n1,2,3\n")
        with refused(Invalid, "named.csv", "differ in case alone"):
            bench.engine.scan(Scan("named", (str(path),), CSVFormat()))

    @pytest.mark.parametrize("case", ALIKE)
    def test_a_spine_has_columns_that_can_be_told_apart(self, bench: Bench, case: str) -> None:
        names, said = ALIKE[case]
        feature = bench.stored(table_of("x"), shape=SHAPE)
        with refused(Invalid, *said):
            bench.engine.asof(bench.frame(table_of(*names)), Timestamp("ts"), [Join(feature, {"x": "x"})])

    def test_a_spine_and_a_feature_bring_columns_that_can_be_told_apart(self, bench: Bench) -> None:
        feature = bench.stored(table_of("x"), shape=SHAPE)
        for name in ("X", "x"):
            with refused(Invalid, f"'{name}'", "'x'", "The spine", "'feature'", "full_names"):
                bench.engine.asof(bench.frame(table_of(name)), Timestamp("ts"), [Join(feature, {"x": "x"})])

    def test_two_features_bring_columns_that_can_be_told_apart(self, bench: Bench) -> None:
        spends, visits = (bench.stored(table_of("x"), shape=SHAPE, name=name) for name in ("spends", "visits"))
        for name in ("X", "x"):
            joins = [Join(spends, {"x": "x"}), Join(visits, {"x": name})]
            with refused(Invalid, "'x'", f"'{name}'", "'spends'", "'visits'", "full_names"):
                bench.engine.asof(bench.frame(table_of()), Timestamp("ts"), joins)

    def test_names_that_mean_something_elsewhere_are_names(self, bench: Bench) -> None:
        table = table_of(*ODD)
        held = bench.engine.conform(bench.frame(table), SHAPE)
        assert_same(table, bench.table(bench.engine.settle(held.frame, SHAPE)))
        feature = bench.artifact(held.frame, shape=SHAPE)
        joined = bench.engine.asof(bench.frame(table_of()), Timestamp("ts"), [Join(feature, {n: n for n in ODD})])
        assert_same(table, bench.table(joined))

    @pytest.mark.parametrize("key", ["E", "T", "K0", "N", "V0", "Frame"])
    @pytest.mark.parametrize("interval", [None, "1h"])
    def test_metrics_read_and_make_columns_of_any_name(self, bench: Bench, key: str, interval: str | None) -> None:
        columns = (Column(key, "Int64"), Column("TS", "Datetime"), *(Column(n, "Int64") for n in ODD if n != key))
        columns = tuple(c for c in columns if c.name == key or c.name.lower() != key.lower())
        names = [c.name for c in columns[2:]]
        row = {key: 1, "TS": instant(0), **{n: i for i, n in enumerate(names)}}
        table, shape, day = Table.of(Schema(columns), [row]), Shape((Key(key),), Timestamp("TS")), Duration.parse("1d")
        plan = WindowPlan(
            Duration.parse(interval) if interval else None,
            tuple(MetricColumn(f"{n}_", day, Agg(f, Col(n)), f) for n in names for f in ("sum",)),
        )
        found = bench.table(bench.engine.aggregate(bench.frame(table), shape, plan))
        assert_same(bench.reference.aggregate(table, shape, plan), found)
