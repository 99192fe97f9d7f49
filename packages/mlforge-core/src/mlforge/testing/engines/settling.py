"""A feature without windows: unique, sorted, without null keys."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.schema import Schema
from mlforge.model.timestamp import Timestamp
from mlforge.testing.compare import assert_same, same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.shaping import by_key
from mlforge.testing.reference.times import instant
from mlforge.testing.refusals import refused
from mlforge.testing.strategies import Case, cases
from mlforge.testing.strategies.values import dtypes, values

TIMED = Shape((Key("k"),), Timestamp("ts"))
REPEATED = Table.of(
    Schema.of(k="String", ts="Datetime"),
    [{"k": k, "ts": instant(0)} for k in ("ada", "bob", "ada", "cyd", "bob", "ada", "dan", "dan")],
)


def unique_events(case: Case) -> Case:
    """The case with the first row of each key and stamp only."""
    groups = by_key(case.events, case.shape.identity)
    return msgspec.structs.replace(case, events=Table(case.events.schema, [g.rows[0] for g in groups.values()]))


def breaking_ties(dtype: str) -> st.SearchStrategy[Case]:
    """Cases whose ties are broken by a column of some type."""
    return cases(dtypes=(dtype,)).map(
        lambda c: msgspec.structs.replace(c, shape=Shape(c.shape.keys, c.shape.timestamp, "x"))
    )


TIED = Shape((Key("k"),), None, "n")


@st.composite
def tied(draw: st.DrawFn) -> Table:
    """Rows of one or two keys, few of which differ in the tie-break, and columns of two more types."""
    first, second = draw(dtypes()), draw(dtypes())
    schema = Schema.of(a=first, k="Int64", n="Int8", b=second)
    row = st.fixed_dictionaries(
        {
            "a": values(first, "special"),
            "k": st.sampled_from([1, 1, 2, None]),
            "n": st.sampled_from([0, 0, 0, 1, None]),
            "b": values(second, "special"),
        }
    )
    return Table.of(schema, draw(st.lists(row, max_size=9)))


class SettleTests(EngineSubject):
    """What `settle` keeps, and in which order."""

    @generated(0.04, cases().map(unique_events))
    def test_rows_come_sorted_by_keys_and_stamp_without_null_keys(self, bench: Bench, case: Case) -> None:
        settled = bench.table(bench.engine.settle(bench.frame(case.events), case.shape))
        assert_same(bench.reference.settle(case.events, case.shape), settled)

    @generated(0.04, st.sampled_from(["Int64", "Float64", "String"]).flatmap(breaking_ties))
    def test_the_greatest_value_wins_a_tie(self, bench: Bench, case: Case) -> None:
        assert_settled(bench, case)

    @generated(0.04, tied())
    def test_rows_equal_in_the_tie_break_are_settled_by_the_other_columns(self, bench: Bench, table: Table) -> None:
        settled = bench.table(bench.engine.settle(bench.frame(table), TIED))
        assert_same(bench.reference.settle(table, TIED), settled)

    def test_a_null_in_a_list_loses_to_any_element(self, bench: Bench) -> None:
        table = Table.of(Schema.of(k="Int64", n="Int64", x="List(Int64)"), [{"x": x} for x in ([1], [1, 5], [1, None])])
        rows = [row | {"k": 1} for row in table.rows]
        settled = bench.engine.settle(bench.frame(Table(table.schema, rows)), TIED)
        assert bench.table(settled).column("x") == [[1, 5]]

    def test_without_a_stamp_the_keys_alone_are_unique(self, bench: Bench) -> None:
        table = Table.of(Schema.of(k="Int64", x="String"), [{"k": k, "x": str(k)} for k in (2, None, 1, -1, 2**53 + 1)])
        settled = bench.table(bench.engine.settle(bench.frame(table), Shape((Key("k"),))))
        assert settled.column("k") == [-1, 1, 2, 2**53 + 1]

    def test_what_a_key_is_made_of_is_left_out(self, bench: Bench) -> None:
        table = Table.of(
            Schema.of(user="String", x="Int64", first="String"), [{"user": "made", "x": 1, "first": "Ada"}]
        )
        settled = bench.table(bench.engine.settle(bench.frame(table), Shape((Key("user", ("first",)),))))
        assert_same(table.select(["user", "x"]), settled)

    def test_repeated_rows_are_refused_counted_and_shown(self, bench: Bench) -> None:
        with refused(Invalid, "7", "ada", "bob", "dan", "tie_break"):
            bench.engine.settle(bench.frame(REPEATED), TIMED)

    def test_no_more_than_three_examples_are_shown(self, bench: Bench) -> None:
        keys = [f"key-{i}" for i in range(9)] * 2
        table = Table.of(Schema.of(k="String"), [{"k": k} for k in keys])
        with refused(Invalid, "18") as error:
            bench.engine.settle(bench.frame(table), Shape((Key("k"),)))
        assert error.value.message.count("key-") == 3

    def test_repeated_null_keys_are_no_duplicates(self, bench: Bench) -> None:
        table = Table.of(Schema.of(k="Int64"), [{}, {}, {"k": 1}])
        assert bench.table(bench.engine.settle(bench.frame(table), Shape((Key("k"),)))).column("k") == [1]

    def test_an_unknown_column_breaks_no_tie(self, bench: Bench) -> None:
        with refused(Invalid, "nowhere"):
            bench.engine.settle(bench.frame(REPEATED), Shape((Key("k"),), Timestamp("ts"), "nowhere"))


def assert_settled(bench: Bench, case: Case) -> None:
    """Fail unless ties are broken as the reference does, by rows that are whole."""
    settled = bench.table(bench.engine.settle(bench.frame(case.events), case.shape))
    assert_same(bench.reference.settle(case.events, case.shape), settled)
    assert_rows_of(case.events, settled.rows)


def assert_rows_of(events: Table, rows: list[dict[str, Any]]) -> None:
    """Fail unless every row is one of the events, whole."""
    for row in rows:
        assert any(same(list(row.values()), list(e.values())) for e in events.rows), f"{row} was made up"
