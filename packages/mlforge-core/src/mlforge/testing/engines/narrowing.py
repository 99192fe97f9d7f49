"""Fewer rows: those in a span of time, those found elsewhere, and how many there are."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.schema import Schema
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Extent
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.choosing import numbered_times
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import micros
from mlforge.testing.refusals import refused
from mlforge.testing.strategies import Case, cases
from mlforge.testing.strategies.times import TimeColumn, instants, time_columns

AT = Timestamp("at")
NUMBERS = Table.of(Schema.of(n="Int64"), [{"n": n} for n in (1, 2, None, 2)])


@st.composite
def spans(draw: st.DrawFn, case: Case) -> Span:
    """A span with ends on, beside or beyond the edges of a case; each may be open."""
    at = instants(case.units, case.base)
    since, until = draw(st.none() | at), draw(st.none() | at)
    return Span(since, until)


@st.composite
def spanned_columns(draw: st.DrawFn) -> tuple[TimeColumn, Span]:
    """A column of times in one of many writings, and a span about one of them."""
    column = draw(time_columns(nulls=True))
    meant = [micros(at) for at in column.meant if at is not None] or [0]
    ends = st.none() | st.builds(lambda m, j: m + j, st.sampled_from(meant), st.sampled_from([-1, 0, 0, 1]))
    return column, Span(draw(ends), draw(ends))


class NarrowTests(EngineSubject):
    """What an incremental build leaves out."""

    @generated(0.04, spanned_columns())
    def test_the_rows_of_a_span_are_those_whose_time_lies_in_it_or_is_null(self, bench: Bench, asked: Any) -> None:
        column, span = asked
        table = numbered_times(column)
        frame = bench.arrow_frame(table, {"at": column.arrow} if column.arrow else None)
        found = bench.table(bench.engine.within(frame, Timestamp("at", column.pattern), span))
        inside = [i for i, at in enumerate(column.meant) if at is None or span.has(micros(at))]
        assert found.column("row") == inside

    @generated(0.02, spanned_columns())
    def test_the_extent_is_the_number_of_rows_and_their_first_and_last_time(self, bench: Bench, asked: Any) -> None:
        column, _ = asked
        frame = bench.arrow_frame(
            Table.of(Schema.of(at=column.dtype), [{"at": v} for v in column.values]),
            {"at": column.arrow} if column.arrow else None,
        )
        meant = [micros(at) for at in column.meant if at is not None]
        found = bench.engine.extent(frame, Timestamp("at", column.pattern))
        assert found == Extent(len(column.values), min(meant, default=None), max(meant, default=None))

    def test_the_extent_of_a_frame_without_time_is_its_number_of_rows(self, bench: Bench) -> None:
        assert bench.engine.extent(bench.frame(NUMBERS), None) == Extent(4)

    @generated(0.03, cases())
    def test_rows_are_matched_by_their_keys_and_never_by_a_null(self, bench: Bench, case: Case) -> None:
        half = len(case.events.rows) // 2
        parts = [Table(case.events.schema, rows) for rows in (case.events.rows[:half], case.events.rows[half:])]
        keys = list(case.shape.key_names)
        frame, others = bench.frame(case.spine), [bench.frame(p) for p in parts]
        found = _in_order(bench.table(bench.engine.semi_join(frame, others, keys)))
        assert_same(bench.reference.semi_join(case.spine, parts, keys), found)
        left = _in_order(bench.table(bench.engine.anti_join(frame, others, keys)))
        assert_same(bench.reference.anti_join(case.spine, parts, keys), left)

    def test_without_others_nothing_is_found(self, bench: Bench) -> None:
        frame = bench.frame(NUMBERS)
        assert bench.table(bench.engine.semi_join(frame, [], ["n"])).rows == []
        assert len(bench.table(bench.engine.anti_join(frame, [], ["n"])).rows) == 4

    def test_a_row_that_is_there_twice_stays_twice(self, bench: Bench) -> None:
        found = bench.engine.semi_join(bench.frame(NUMBERS), [bench.frame(NUMBERS)], ["n"])
        assert sorted(bench.table(found).column("n")) == [1, 2, 2]

    def test_a_row_finds_itself_unless_it_has_a_null(self, bench: Bench) -> None:
        whole = Table(NUMBERS.schema, [row for row in NUMBERS.rows if row["n"] is not None])
        for table, lost in ((NUMBERS, [None]), (whole, [])):
            found = bench.engine.anti_join(bench.frame(table), [bench.frame(table)], ["n"])
            assert bench.table(found).column("n") == lost

    def test_a_timestamp_that_is_not_there_is_named(self, bench: Bench) -> None:
        with refused(Invalid, "at"):
            bench.table(bench.engine.within(bench.frame(NUMBERS), AT, Span(0, 1)))


def _in_order(table: Table) -> Table:
    return Table(table.schema, sorted(table.rows, key=lambda row: row["row"]))
