"""A version that is made of what several wrote is read as one."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Artifact
from mlforge.model.schema import Schema
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench, reference_bench
from mlforge.testing.engines.joining import timed
from mlforge.testing.engines.narrowing import spans
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant
from mlforge.testing.strategies import Case
from mlforge.testing.strategies.times import instants

Layers = list[tuple[Table, Table | None]]
SHAPE = Shape((Key("user"),), Timestamp("since"))
PLANS = Schema.of(user="Int64", since="Datetime", plan="String")
FIRST = Table.of(PLANS, [{"user": 1, "since": instant(t), "plan": p} for t, p in ((0, "free"), (10, "paid"))])


class Question(msgspec.Struct, frozen=True):
    """A case, the layers of its feature, and what to ask of them."""

    case: Case
    layers: Layers
    span: Span
    as_of: int
    until: int


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Some of a case's rows in each layer, their values moved on by one; and some that go."""
    case = draw(timed())
    layers = [draw(_layers(case, number)) for number in range(draw(st.integers(1, 4)))]
    at = instants(case.units, case.base)
    first, second = sorted((draw(at), draw(at)))
    return Question(case, layers, draw(spans(case)), first, second)


@st.composite
def _layers(draw: st.DrawFn, case: Case, number: int) -> tuple[Table, Table | None]:
    names, rows = case.shape.identity, case.events.rows
    values = [n for n in case.events.names if n not in names]
    moved = [row | {n: rows[(i + number) % len(rows)][n] for n in values} for i, row in enumerate(rows)]
    kept = Table(case.events.schema, [row for row in moved if draw(st.booleans())])
    gone = case.events.where(lambda _: draw(st.booleans())).select(names)
    return kept, gone if number and draw(st.booleans()) else None


def both(bench: Bench, question: Question) -> tuple[Bench, Artifact, Artifact]:
    """A bench with the reference, and the layers as each of the two wrote them."""
    reference, shape = reference_bench(bench.folder), question.case.shape
    return reference, reference.layered(question.layers, shape), bench.layered(question.layers, shape)


class LayerTests(EngineSubject):
    """The last word on each key and stamp counts."""

    @generated(0.03, questions())
    def test_layers_are_read_as_one(self, bench: Bench, question: Question) -> None:
        reference, theirs, ours = both(bench, question)
        assert_same(reference.engine.read_version(theirs), bench.table(bench.engine.read_version(ours)))
        columns = [question.case.events.names[-1], question.case.events.names[0]]
        assert_same(
            reference.engine.read_version(theirs, columns), bench.table(bench.engine.read_version(ours, columns))
        )

    @generated(0.02, questions())
    def test_layers_are_joined_as_one(self, bench: Bench, question: Question) -> None:
        reference, theirs, ours = both(bench, question)
        assert_same(reference.answer(question.case, theirs), bench.answer(question.case, ours))

    @generated(0.02, questions())
    def test_layers_are_published_as_one(self, bench: Bench, question: Question) -> None:
        reference, theirs, ours = both(bench, question)
        when = question.as_of, question.until
        assert_same(reference.engine.horizon(theirs, *when), bench.table(bench.engine.horizon(ours, *when)))

    @generated(0.02, questions())
    def test_the_keys_and_stamps_of_a_span_are_those_of_its_rows(self, bench: Bench, question: Question) -> None:
        reference, theirs, ours = both(bench, question)
        stamp, names = Timestamp("ts"), question.case.shape.identity
        expected = reference.engine.within(reference.engine.scan_version(theirs, names), stamp, question.span)
        assert_same(
            expected, bench.table(bench.engine.within(bench.engine.scan_version(ours, names), stamp, question.span))
        )

    def test_a_row_is_replaced_or_taken_away_by_its_key_and_stamp(self, bench: Bench) -> None:
        later = Table.of(PLANS, [{"user": 1, "since": instant(t), "plan": p} for t, p in ((10, "gold"), (20, "none"))])
        gone = FIRST.where(lambda row: row["plan"] == "free").select(["user", "since"])
        found = bench.table(bench.engine.read_version(bench.layered([(FIRST, None), (later, gone)], SHAPE)))
        assert [(row["since"], row["plan"]) for row in found.rows] == [(instant(10), "gold"), (instant(20), "none")]

    def test_a_row_that_went_may_come_back(self, bench: Bench) -> None:
        nothing, gone = Table(PLANS, []), FIRST.select(["user", "since"])
        layers: Layers = [(FIRST, None), (nothing, gone), (Table(PLANS, FIRST.rows[:1]), None)]
        found = bench.table(bench.engine.read_version(bench.layered(layers, SHAPE)))
        assert found.column("plan") == ["free"]

    def test_columns_are_told_by_their_names_not_their_places(self, bench: Bench) -> None:
        other = Table(PLANS, FIRST.rows[:1]).select(["plan", "since", "user"])
        found = bench.table(bench.engine.read_version(bench.layered([(FIRST, None), (other, None)], SHAPE)))
        assert [(row["user"], row["plan"]) for row in found.rows] == [(1, "free"), (1, "paid")]

    def test_what_each_engine_writes_in_layers_the_others_read(self, bench: Bench) -> None:
        gone = FIRST.select(["user", "since"])
        artifact = bench.layered([(FIRST, None), (Table(PLANS, FIRST.rows[:1]), gone)], SHAPE)
        for other in bench.others():
            with other.open() as engine:
                reader: Any = Bench(engine, bench.descriptor, bench.folder)
                assert reader.table(engine.read_version(artifact)).column("plan") == ["free"]
