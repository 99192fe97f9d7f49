"""The point-in-time join: every row once, in order, with what was known then."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.model.keys import Key, surrogate_key
from mlforge.model.schema import Schema
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench, columns_of, reference_bench
from mlforge.testing.engines.settling import unique_events
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.joining import label_times
from mlforge.testing.reference.shaping import settle
from mlforge.testing.reference.times import instant, micros
from mlforge.testing.refusals import refused
from mlforge.testing.strategies import Case, cases

PLANS = Table.of(
    Schema.of(user="Int64", since="Datetime", plan="String"),
    [{"user": 1, "since": instant(t), "plan": p} for t, p in ((0, "free"), (10, "paid"), (20, None))],
)
SHAPE = Shape((Key("user"),), Timestamp("since"))
LABELS = Schema.of(user="Int64", at="Datetime")
AT = Timestamp("at")


def spine(*rows: tuple[int | None, int | None]) -> Table:
    """A spine of users and label times in microseconds."""
    return Table.of(LABELS, [{"user": u, "at": None if t is None else instant(t)} for u, t in rows])


def looked_up(bench: Bench, table: Table, join: Join, at: Timestamp | None = AT) -> Table:
    """A spine joined with one feature."""
    return bench.table(bench.engine.asof(bench.frame(table), at, [join]))


def made_of_a_zip(bench: Bench, types: dict[str, str]) -> Join:
    """A feature whose key was made of a zip code, of integers, and what is recorded of that."""
    shape = Shape((Key("place", ("zip",)),))
    rows = [{"place": surrogate_key(zip_code), "x": x} for zip_code, x in ((1, 7), (None, 8))]
    artifact = bench.stored(Table.of(Schema.of(place="String", x="Int64"), rows), shape=shape)
    meta = msgspec.structs.replace(artifact.meta, key_types={"place": types} if types else {})
    return Join(msgspec.structs.replace(artifact, meta=meta), {"x": "x"})


def timed() -> st.SearchStrategy[Case]:
    """Rows unique in keys and stamp, for a join without windows."""
    return cases().map(unique_events).map(lambda c: msgspec.structs.replace(c, events=settle(c.events, c.shape)))


@st.composite
def aged(draw: st.DrawFn) -> tuple[Case, int]:
    """A case, and an age that some row of the spine sees, or one beside it."""
    case = draw(timed())
    labels = [t for t in label_times(case.spine, case.label) if t is not None]
    ages = {s - micros(t) for s in labels for t in case.events.column("ts") if s >= micros(t)} or {0}
    return case, max(0, draw(st.sampled_from(sorted(ages))) + draw(st.sampled_from([0, 0, -1, 1])))


def assert_joined(bench: Bench, case: Case, max_age: int | None = None) -> None:
    """Fail unless the engine joins the case's rows as the reference does."""
    reference = reference_bench(bench.folder)
    expected = reference.answer(case, reference.stored(case.events, shape=case.shape), max_age)
    assert_same(expected, bench.answer(case, bench.stored(case.events, shape=case.shape), max_age))


class AsofTests(EngineSubject):
    """As-of joins against the reference."""

    @generated(0.08, timed())
    def test_each_row_gets_what_was_known_then(self, bench: Bench, case: Case) -> None:
        assert_joined(bench, case)

    @generated(0.04, aged())
    def test_values_older_than_the_greatest_age_are_null(self, bench: Bench, question: Any) -> None:
        assert_joined(bench, *question)

    def test_all_rows_come_out_once_in_their_order_with_all_their_columns(self, bench: Bench) -> None:
        table = Table.of(
            Schema.of(z="String", at="Datetime", user="Int64"),
            [
                {"z": z, "at": instant(t), "user": u}
                for z, t, u in (("b", 15, 1), ("a", 5, 1), ("b", 15, 1), ("c", 5, 9))
            ],
        )
        answer = looked_up(bench, table, Join(bench.stored(PLANS, shape=SHAPE), {"plan": "plan"}))
        assert_same(table.with_column("plan", "String", ["paid", "free", "paid", None]), answer)

    def test_a_stamp_equal_to_the_label_time_is_known_and_a_later_one_is_not(self, bench: Bench) -> None:
        table = spine((1, -1), (1, 0), (1, 9), (1, 10), (1, 11), (1, 20))
        answer = looked_up(bench, table, Join(bench.stored(PLANS, shape=SHAPE), {"plan": "plan"}))
        assert answer.column("plan") == [None, "free", "free", "paid", "paid", None]

    def test_null_keys_and_null_label_times_get_nulls(self, bench: Bench) -> None:
        answer = looked_up(
            bench, spine((None, 5), (1, None), (1, 5)), Join(bench.stored(PLANS, shape=SHAPE), {"plan": "p"})
        )
        assert answer.column("p") == [None, None, "free"]

    def test_a_value_exactly_as_old_as_allowed_is_kept(self, bench: Bench) -> None:
        join = Join(bench.stored(PLANS, shape=SHAPE), {"plan": "plan"}, max_age=3)
        assert looked_up(bench, spine((1, 13), (1, 14)), join).column("plan") == ["paid", None]

    def test_a_feature_without_time_joins_by_its_keys_alone(self, bench: Bench) -> None:
        users = Table.of(Schema.of(user="Int64", country="String"), [{"user": 1, "country": "NL"}, {"user": 2}])
        join = Join(bench.stored(users, shape=Shape((Key("user"),))), {"country": "country"})
        timeless = spine((1, 5), (2, 5), (3, 5), (None, 5), (1, None)).select(["user"])
        assert looked_up(bench, timeless, join, None).column("country") == ["NL", None, None, None, "NL"]
        assert looked_up(bench, spine((1, 5), (1, None)), join).column("country") == ["NL", "NL"]

    def test_several_features_join_beside_each_other_under_their_names(self, bench: Bench) -> None:
        artifact = bench.stored(PLANS, shape=SHAPE)
        joins = [Join(artifact, {"plan": "now"}), Join(artifact, {"plan": "fresh", "since": "stamp"}, max_age=0)]
        answer = bench.table(bench.engine.asof(bench.frame(spine((1, 10), (1, 11))), AT, joins))
        assert answer.names == ("user", "at", "now", "fresh", "stamp")
        assert [list(row.values())[2:] for row in answer.rows] == [["paid", "paid", instant(10)], ["paid", None, None]]

    def test_no_features_leave_the_spine_as_it_is(self, bench: Bench) -> None:
        table = spine((1, 10), (None, None))
        assert_same(table, bench.table(bench.engine.asof(bench.frame(table), AT, [])))

    def test_the_parts_of_a_version_are_joined_as_one(self, bench: Bench) -> None:
        parts = (Table(PLANS.schema, PLANS.rows[:1]), Table(PLANS.schema, PLANS.rows[1:]))
        join = Join(bench.stored(*parts, shape=SHAPE), {"plan": "plan"})
        assert looked_up(bench, spine((1, 5), (1, 15)), join).column("plan") == ["free", "paid"]

    def test_a_surrogate_key_is_made_of_the_spine_and_not_shown(self, bench: Bench) -> None:
        shape = Shape((Key("user", ("first", "last")),))
        users = Table.of(Schema.of(user="String", x="Int64"), [{"user": surrogate_key("Ada", None), "x": 7}])
        names = Table.of(Schema.of(last="String", first="String"), [{"first": "Ada"}, {"first": "Bob", "last": "B"}])
        join = Join(bench.stored(users, shape=shape), {"x": "x"})
        assert_same(names.with_column("x", "Int64", [7, None]), looked_up(bench, names, join, None))
        with refused(Invalid, "'user'", "Bring it, or what it is made of: first, last"):
            looked_up(bench, names.select(["first"]), join, None)

    def test_a_surrogate_key_of_columns_of_other_types_is_refused(self, bench: Bench) -> None:
        join = made_of_a_zip(bench, {"zip": "Int64"})
        with refused(Invalid, "zip", "String", "Int64", "place"):
            looked_up(bench, Table.of(Schema.of(zip="String"), [{"zip": "1"}]), join, None)
        narrow = Table.of(Schema.of(zip="Int16"), [{"zip": value} for value in (1, 2, None)])
        assert looked_up(bench, narrow, join, None).column("x") == [7, None, 8]

    def test_a_surrogate_key_of_unknown_types_is_made_of_any(self, bench: Bench) -> None:
        table = Table.of(Schema.of(zip="String"), [{"zip": "1"}, {}])
        assert looked_up(bench, table, made_of_a_zip(bench, {}), None).column("x") == [None, 8]

    @pytest.mark.parametrize("ours", ["Int8", "Int32", "UInt64", "Int64"])
    @pytest.mark.parametrize("theirs", ["Int32", "UInt64", "Int64"])
    def test_integers_of_any_width_join_each_other(self, bench: Bench, ours: str, theirs: str) -> None:
        plans = Table.of(Schema.of(user=theirs, since="Datetime", plan="String"), PLANS.rows)
        asked = Table.of(Schema.of(user=ours, at="Datetime"), spine((2, 5), (None, 5), (1, 5)).rows)
        join = Join(bench.stored(plans, shape=SHAPE), {"plan": "plan"})
        assert_same(asked.with_column("plan", "String", [None, None, "free"]), looked_up(bench, asked, join))

    def test_categories_join_text(self, bench: Bench) -> None:
        rows = [{"user": u, "since": instant(0), "x": x} for u, x in (("1", 10), ("2", 20))]
        users = Table.of(Schema.of(user="String", since="Datetime", x="Int64"), rows)
        asked = Table(Schema.of(user="String", at="Datetime"), [{"user": u, "at": instant(0)} for u in ("2", "3")])
        joins = [Join(bench.stored(users, shape=SHAPE), {"x": "x"})]
        answer = bench.engine.asof(bench.arrow_frame(asked, {"user": "dictionary"}), AT, joins)
        assert bench.table(answer).column("x") == [20, None]

    def test_a_spine_without_the_key_is_refused(self, bench: Bench) -> None:
        join = Join(bench.stored(PLANS, shape=SHAPE), {"plan": "plan"})
        with refused(Invalid, "user", "at"):
            looked_up(bench, spine((1, 5)).select(["at"]), join)

    def test_a_key_of_another_type_is_refused(self, bench: Bench) -> None:
        wrong = Table.of(Schema.of(user="String", at="Datetime"), [{"user": "1", "at": instant(5)}])
        with refused(Invalid, "user", "String", "Int64"):
            looked_up(bench, wrong, Join(bench.stored(PLANS, shape=SHAPE), {"plan": "plan"}))

    def test_a_feature_with_a_stamp_needs_a_label_time(self, bench: Bench) -> None:
        with refused(Invalid, "'feature'", "timestamp"):
            looked_up(bench, spine((1, 5)), Join(bench.stored(PLANS, shape=SHAPE), {"plan": "plan"}), None)

    def test_a_label_time_that_is_no_time_is_shown_with_its_row(self, bench: Bench) -> None:
        texts = [{"user": 1, "at": at} for at in ("2024-01-01", "soon")]
        with refused(Invalid, "'at'", "'soon' in row 1"):
            asked = Table.of(Schema.of(user="Int64", at="String"), texts)
            looked_up(bench, asked, Join(bench.stored(PLANS, shape=SHAPE), {"plan": "plan"}))

    def test_a_spine_without_the_label_time_is_refused(self, bench: Bench) -> None:
        artifact = bench.stored(PLANS, shape=SHAPE)
        with refused(Invalid, "at", "user"):
            looked_up(bench, spine((1, 5)).select(["user"]), Join(artifact, columns_of(artifact)))
