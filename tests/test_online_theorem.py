"""Online equals offline: within the horizon what is served is what a training set would have, and beyond it is stale.

Generated streams, both clocks, every store and every engine, published once or after one another, with a fake clock.
"""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import strategies as st

from mlforge.flow.moments import iso
from mlforge.flow.online.publish import Publishing, PublishOrder, publish
from mlforge.flow.online.reader import Reader
from mlforge.model.duration import Duration
from mlforge.model.meta import Artifact
from mlforge.model.schema import Column, Schema
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import EngineDescriptor, Join
from mlforge.plugin.registry import registry
from mlforge.testing.compare import assert_same_rows
from mlforge.testing.engines.bench import Bench, columns_of
from mlforge.testing.generated import explore, total_cases
from mlforge.testing.reference import DESCRIPTOR, ReferenceEngine, Table
from mlforge.testing.reference.times import instant
from mlforge.testing.strategies import cases
from mlforge.testing.strategies.times import instants

CASES = max(40, total_cases() // 40)
_names = itertools.count()


class Shelf:
    """An offline store as a dict, which is all that publishing asks of one."""

    def __init__(self):
        self.versions_of: dict[str, Artifact] = {}

    def latest(self, name):
        return next(reversed(self.versions_of))

    def versions(self, name):
        return list(self.versions_of)

    def get(self, name, version):
        return self.versions_of[version]

    def put(self, name, version, artifact):
        meta = msgspec.structs.replace(artifact.meta, name=name, version=version, content_hash=f"{name} {version}")
        self.versions_of[version] = msgspec.structs.replace(artifact, meta=meta)
        return self.versions_of[version]


class Question(msgspec.Struct):
    """A stream in two parts, the instants they are published at, how far ahead, and the instants that are asked."""

    case: object
    cut: int
    first: int
    second: int
    horizon: int
    asked: list
    force: bool
    max_age: str | None


@st.composite
def questions(draw, functions):
    case = draw(cases(functions, max_rows=8))
    at = instants(case.units, case.base)
    first, second = sorted((draw(at), draw(at)))
    second += first == second
    horizon = draw(st.sampled_from([*case.units, 2 * max(case.units), 1_000_000]))
    ahead = st.sampled_from([0, 1, horizon // 2, horizon - 1, horizon])
    asked = [second + draw(ahead) for _ in range(2)] + [second + horizon + 1]
    ages = st.sampled_from([None, None, Duration(horizon, "").canonical])
    cut = draw(st.integers(0, len(case.events.rows)))
    return Question(case, cut, first, second, horizon, asked, draw(st.booleans()), draw(ages))


class Theorem:
    """One engine and one store, held to it."""

    shrink = False

    def __init__(self, bench, online):
        self.bench, self.online, self.cases = bench, online, 0
        self.seen: set[str] = set()

    def ask(self, question):
        name, case, shelf = f"f{next(_names)}", question.case, Shelf()
        parts = (case.events.rows[: question.cut], case.events.rows[-(len(case.events.rows) - question.cut // 2) :])
        for number, (rows, at) in enumerate(zip(parts, (question.first, question.second), strict=True)):
            artifact = self.built(case, rows)
            meta = msgspec.structs.replace(artifact.meta, max_age=question.max_age)
            kept = shelf.put(name, f"1.0.{number}", msgspec.structs.replace(artifact, meta=meta))
            self.publish(shelf, name, at, question)
        for q in question.asked:
            self.compare(name, case, kept, q, known=question.second + question.horizon)

    def built(self, case, rows):
        events = Table(case.events.schema, [dict(row) for row in rows])
        return self.bench.built(events, case.shape, case.plan)

    def publish(self, shelf, name, at, question):
        horizon = Duration(question.horizon, "some time")
        publishing = Publishing(shelf, self.online, self.bench.engine, "it", lambda: at, lambda _: None, batch=3)
        publish(publishing, PublishOrder(name, as_of=at, horizon=horizon, force=question.force))

    def compare(self, name, case, artifact, q, known):
        for table in (case.spine, case.events):
            wanted = {column for key in case.shape.keys for column in (key.name, *key.sources)}
            schema = Schema(tuple(c for c in table.schema if c.name in wanted))
            self.compare_rows(
                name, Table(schema, [{n: row[n] for n in schema.names} for row in table.rows]), artifact, q, known
            )

    def compare_rows(self, name, entities, artifact, q, known):
        """What is stale is what was known at the end of the horizon, and so much older."""
        answer, beyond = Reader(self.online, name, clock=lambda: q).read(entities.rows), max(0, q - known)
        labelled = [row | {"label": instant(q - beyond)} for row in entities.rows]
        spine = self.bench.engine.from_rows(labelled, Schema((*entities.schema, Column("label", "Datetime"))))
        age = artifact.meta.max_age and Duration.parse(artifact.meta.max_age).micros
        join = Join(artifact, columns_of(artifact), age and age - beyond)
        expected = self.bench.table(self.bench.engine.asof(spine, Timestamp("label"), [join])).rows
        assert_same_rows([{n: row[n] for n in artifact.meta.value_columns} for row in expected], answer.values)
        seen = {status[name] for status in answer.statuses}
        self.seen |= seen
        assert seen <= {"stale" if beyond else "present", "missing", "expired"}, (seen, iso(q))


@pytest.fixture
def bench(request, tmp_path):
    found = DESCRIPTOR if request.param == "reference" else registry().get(EngineDescriptor, request.param)
    config = ReferenceEngine() if request.param == "reference" else found.config()
    (tmp_path / "data").mkdir()
    with config.open() as engine:
        yield Bench(engine, found, tmp_path / "data")


PAIRS = (  # every engine and every store: nothing passes between the two but entries
    *(("reference", "memory"), ("polars", "memory"), ("duckdb", "memory")),
    *(("reference", "dynamodb"), ("polars", "redis"), ("duckdb", "sqlite")),
)


@pytest.mark.no_cover
@pytest.mark.parametrize(("bench", "online_store"), PAIRS, indirect=True)
def test_within_the_horizon_online_equals_offline(bench, online_store):
    theorem = Theorem(bench, online_store)
    explore(questions(bench.functions), theorem.ask, theorem, CASES)
    assert theorem.seen == {"present", "missing", "expired", "stale"}
