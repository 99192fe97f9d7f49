"""Held rows: keys and stamp first, times in UTC, nothing dropped in silence."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.model.keys import Key, surrogate_key
from mlforge.model.schema import Schema
from mlforge.model.timestamp import Timestamp
from mlforge.testing.cases import TextCase, text_cases
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.formats import tells_one_instant
from mlforge.testing.reference.times import instant, micros
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.times import TimeColumn, time_columns
from mlforge.testing.strategies.timetexts import WrittenText, written_carelessly, written_texts

USERS = (Key("user"),)
SHAPE = Shape(USERS, Timestamp("ts"))
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
UNTIMELY: dict[str, Any] = {"Int64": 1, "Float64": 1.5, "Boolean": True, "Time": time(12)}


def events(times: tuple[Any, ...], dtype: str) -> Table:
    """Rows with these times as they are, in whatever zone."""
    rows = [{"note": str(i), "ts": t, "user": i} for i, t in enumerate(times)]
    return Table(Schema.of(note="String", ts=dtype, user="Int64"), rows)


def held(bench: Bench, table: Table, shape: Shape) -> Table:
    """The rows as the engine holds them."""
    return bench.table(bench.engine.conform(bench.frame(table), shape).frame)


def assert_read_alike(bench: Bench, written: WrittenText) -> None:
    """Fail unless the engine reads a text as the reference does, or refuses it as well, naming it."""
    table, shape = events((written.text,), "String"), Shape(USERS, Timestamp("ts", format=written.format))
    try:
        expected = bench.reference.conform(table, shape).frame
    except Invalid:
        with refused(Invalid, "ts", repr(written.text), "row 0"):
            bench.engine.conform(bench.frame(table), shape)
    else:
        assert_same(expected, held(bench, table, shape))


class ConformTests(EngineSubject):
    """What `conform` makes of a function's rows."""

    @generated(0.07, time_columns())
    def test_times_in_any_writing_become_instants_in_utc(self, bench: Bench, times: TimeColumn) -> None:
        table = events(times.values, times.dtype)
        frame = bench.arrow_frame(table, {"ts": times.arrow}) if times.arrow else bench.frame(table)
        answer = bench.table(bench.engine.conform(frame, Shape(USERS, Timestamp("ts", format=times.pattern))).frame)
        assert answer.schema == Schema.of(user="Int64", ts="Datetime", note="String")
        assert answer.column("ts") == list(times.meant)

    @generated(0.02, time_columns())
    def test_the_first_and_the_last_stamp_are_told(self, bench: Bench, times: TimeColumn) -> None:
        frame = bench.arrow_frame(events(times.values, times.dtype), {"ts": times.arrow} if times.arrow else None)
        found = bench.engine.conform(frame, Shape(USERS, Timestamp("ts", format=times.pattern)))
        meant = [micros(at) for at in times.meant if at is not None]
        assert (found.first, found.last) == (min(meant, default=None), max(meant, default=None))

    @generated(0.02, time_columns(nulls=True).filter(lambda t: None in t.values))
    def test_null_times_are_refused_and_counted(self, bench: Bench, times: TimeColumn) -> None:
        with refused(Invalid, "ts", times.values.count(None)):
            shape = Shape(USERS, Timestamp("ts", format=times.pattern))
            bench.engine.conform(bench.frame(events(times.values, times.dtype)), shape)

    @pytest.mark.parametrize("case", text_cases(), ids=lambda c: c.name)
    def test_text_is_a_time_only_where_all_of_it_fits_one_form(self, bench: Bench, case: TextCase) -> None:
        table, shape = events(case.texts, "String"), Shape(USERS, Timestamp("ts", format=case.format))
        if case.bad_row is None:
            assert held(bench, table, shape).column("ts") == list(case.times)
            return
        with refused(Invalid, "ts", repr(case.texts[case.bad_row]), f"row {case.bad_row}"):
            bench.engine.conform(bench.frame(table), shape)

    @generated(0.08, written_texts())
    def test_text_fits_a_form_where_the_reference_reads_it(self, bench: Bench, written: WrittenText) -> None:
        assert_read_alike(bench, written)

    @generated(0.05, written_carelessly())
    def test_formats_of_any_making_are_read_or_refused_as_by_the_reference(
        self, bench: Bench, written: WrittenText
    ) -> None:
        if not tells_one_instant(written.format or ""):
            with refused(Invalid, "ts"):
                Timestamp("ts", format=written.format)
            return
        assert_read_alike(bench, written)

    def test_keys_and_stamp_come_first_and_the_rest_stays_in_order(self, bench: Bench) -> None:
        table = Table.of(Schema.of(b="Int64", t="Datetime", k2="String", a="Int64", k1="Int64"), [{"t": instant(0)}])
        shape = Shape((Key("k1"), Key("k2")), Timestamp("t", alias="when"))
        assert held(bench, table, shape).names == ("k1", "k2", "when", "b", "a")

    def test_rows_without_a_key_are_kept_and_counted(self, bench: Bench) -> None:
        table = Table.of(Schema.of(k="Int64", j="String"), [{"k": 1, "j": ""}, {"j": "a"}, {"k": 2}, {}])
        found = bench.engine.conform(bench.frame(table), Shape((Key("k"), Key("j"))))
        assert (found.rows, found.null_keys) == (4, 3)
        assert_same(table, bench.table(found.frame))

    def test_rows_may_be_held_by_their_times_alone(self, bench: Bench) -> None:
        table = Table.of(Schema.of(x="Int64", t="String"), [{"x": 1, "t": "2024-03-01 12:00"}])
        found = bench.engine.conform(bench.frame(table), Shape((), Timestamp("t")))
        assert (found.rows, found.null_keys) == (1, 0)
        assert bench.table(found.frame).schema == Schema.of(t="Datetime", x="Int64")

    def test_a_surrogate_key_stands_beside_what_it_is_made_of(self, bench: Bench) -> None:
        table = Table.of(Schema.of(x="Int64", first="String", last="String"), [{"x": 1, "first": "Ada"}])
        shape = Shape((Key("user", ("first", "last")),))
        keyed = table.with_column("user", "String", [surrogate_key("Ada", None)])
        assert_same(keyed.select(["user", "x", "first", "last"]), held(bench, table, shape))

    def test_other_instants_become_utc_and_categories_become_text(self, bench: Bench) -> None:
        table = Table.of(
            Schema.of(k="Int64", c="String", t="Datetime"), [{"k": 1, "c": "a", "t": instant(5)}, {"k": 2}]
        )
        frame = bench.arrow_frame(table, {"c": "dictionary", "t": "tsn:Europe/Berlin"})
        assert_same(table, bench.table(bench.engine.conform(frame, Shape((Key("k"),))).frame))

    def test_instants_become_utc_wherever_they_stand(self, bench: Bench) -> None:
        columns = {"n": "Datetime", "z": "Datetime", "l": "List(Datetime)"}
        table = Table(Schema.of(k="Int64", **columns), [{"k": 1, "n": -1, "z": NOON, "l": [NOON, None]}])
        frame = bench.arrow_frame(table, {"n": "tsn:", "z": "tsm:Asia/Tokyo", "l": "+ltsu:"})
        before = [{**table.rows[0], "n": instant(-1)}]
        assert_same(Table(table.schema, before), bench.table(bench.engine.conform(frame, Shape((Key("k"),))).frame))

    def test_a_category_of_texts_is_a_time(self, bench: Bench) -> None:
        frame = bench.arrow_frame(events(("2024-02-29 12:00", "2024-02-29 12:00"), "String"), {"ts": "dictionary"})
        assert bench.table(bench.engine.conform(frame, SHAPE).frame).column("ts") == [NOON, NOON]

    def test_a_category_can_be_a_key(self, bench: Bench) -> None:
        table = Table.of(Schema.of(k="String"), [{"k": "a"}, {"k": "b"}, {"k": "a"}])
        found = bench.engine.conform(bench.arrow_frame(table, {"k": "dictionary"}), Shape((Key("k"),)))
        assert_same(table, bench.table(found.frame))

    def test_a_feature_without_rows_is_held(self, bench: Bench) -> None:
        table = events((), "Datetime")
        assert bench.engine.conform(bench.frame(table), SHAPE).rows == 0
        assert held(bench, table, SHAPE).schema == Schema.of(user="Int64", ts="Datetime", note="String")

    @pytest.mark.parametrize("shape", [Shape(USERS, Timestamp("when")), Shape((Key("customer"),))], ids=["time", "key"])
    def test_a_missing_column_is_named_beside_those_there_are(self, bench: Bench, shape: Shape) -> None:
        missing = shape.timestamp.column if shape.timestamp else "customer"
        with refused(Invalid, missing, "note", "user"):
            bench.engine.conform(bench.frame(events((instant(0),), "Datetime")), shape)

    def test_a_new_name_that_is_taken_is_refused(self, bench: Bench) -> None:
        with refused(Invalid, "'ts'", "'note'"):
            bench.engine.conform(
                bench.frame(events((instant(0),), "Datetime")), Shape(USERS, Timestamp("ts", None, "note"))
            )

    @pytest.mark.parametrize("dtype", UNTIMELY)
    def test_a_timestamp_that_is_neither_time_nor_text_is_refused(self, bench: Bench, dtype: str) -> None:
        with refused(Invalid, "'ts'"):
            bench.engine.conform(bench.frame(events((UNTIMELY[dtype],), dtype)), SHAPE)

    @pytest.mark.parametrize("dtype", ["Float64", "List(Int64)", "Duration", "Decimal(10, 2)"])
    def test_a_type_that_cannot_be_a_key_is_refused(self, bench: Bench, dtype: str) -> None:
        with refused(Invalid, "'k'", "cannot be a key"):
            bench.engine.conform(bench.frame(Table.of(Schema.of(k=dtype), [{}])), Shape((Key("k"),)))
