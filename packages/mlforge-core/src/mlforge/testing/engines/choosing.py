"""Rows are chosen by a condition: of a frame, and of a version."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.expr import Col, Expr
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.schema import Schema
from mlforge.model.timestamp import Timestamp
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.predicates import predicates, small_tables
from mlforge.testing.strategies.times import TimeColumn, time_columns

SHAPE = Shape((Key("id"),))


def numbered_times(times: TimeColumn) -> Table:
    """A column of times, and the numbers of its rows."""
    rows = [{"at": value, "row": i} for i, value in enumerate(times.values)]
    return Table(Schema.of(at=times.dtype, row="Int64"), rows)


def choices() -> st.SearchStrategy[tuple[Table, Expr]]:
    """A small table and a condition."""
    return st.tuples(small_tables(), predicates(2))


class WhereTests(EngineSubject):
    """What `where` keeps."""

    @generated(0.03, choices())
    def test_the_rows_for_which_a_condition_is_true_are_kept_in_order(self, bench: Bench, choice: Any) -> None:
        table, condition = choice
        found = bench.engine.where(bench.frame(table), condition)
        assert_same(bench.reference.where(table, condition), bench.table(found))

    @generated(0.02, choices())
    def test_a_version_is_read_where_a_condition_is_true(self, bench: Bench, choice: Any) -> None:
        table, condition = choice
        found = bench.engine.where(bench.engine.scan_version(bench.stored(table, shape=SHAPE)), condition)
        assert_same(bench.reference.where(table, condition), bench.table(found))

    def test_a_condition_sees_instants_in_utc_and_categories_as_text(self, bench: Bench) -> None:
        table = Table.of(Schema.of(c="String", t="Datetime"), [{"c": c, "t": instant(t)} for c in "ab" for t in (5, 6)])
        frame = bench.arrow_frame(table, {"c": "dictionary", "t": "tsu:Europe/Berlin"})
        found = bench.engine.where(frame, Col("c").eq("b") & Col("t").eq(instant(6)))
        assert bench.table(bench.engine.conform(found, Shape((Key("c"),))).frame).rows == [table.rows[3]]

    @generated(0.02, time_columns(nulls=True))
    def test_a_condition_sees_times_in_any_writing_as_instants(self, bench: Bench, times: TimeColumn) -> None:
        table = numbered_times(times)
        frame = bench.arrow_frame(table, {"at": times.arrow} if times.arrow else None)
        middle = sorted(at for at in times.meant if at is not None)[len(times.meant) // 2 - 1 :][:1] or [instant(0)]
        found = bench.engine.where(frame, Col("at") >= middle[0], Timestamp("at", times.pattern))
        inside = [i for i, at in enumerate(times.meant) if at is not None and at >= middle[0]]
        assert bench.table(found).column("row") == inside
        assert bench.engine.schema(found) == bench.engine.schema(frame)

    def test_a_condition_about_text_that_is_no_time_is_refused(self, bench: Bench) -> None:
        frame = bench.frame(Table.of(Schema.of(at="String"), [{"at": "2024-03-01"}, {"at": "soon"}]))
        with refused(Invalid, "at", "'soon'", "row 1"):
            bench.table(bench.engine.where(frame, Col("at") >= instant(0), Timestamp("at")))

    def test_a_condition_about_a_column_that_is_not_there_is_refused(self, bench: Bench) -> None:
        frame = bench.frame(Table.of(Schema.of(id="Int64"), [{"id": 1}]))
        with refused(Invalid, "user", "id"):
            bench.engine.where(frame, Col("user").eq(1))
