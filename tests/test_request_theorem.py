"""Online equals offline for what is computed when somebody asks: derived columns and request features.

Generated tables and expressions, every engine at hand, a fake clock: what is served is what a training set
would have at that instant, integers, text and times to the last bit, floats within 1e-12.
"""

import itertools

import msgspec
import pytest
from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.flow.online.publish import Publishing, PublishOrder, publish
from mlforge.flow.online.reader import Reader
from mlforge.flow.wanted import Wanted, joined
from mlforge.model.expr import Col, Expr
from mlforge.model.feature import FeatureSpec, Shape
from mlforge.model.keys import Key
from mlforge.model.plain import plain
from mlforge.model.request import RequestFeature
from mlforge.model.schema import Column, Schema
from mlforge.model.terms import at, coalesce, days
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import EngineDescriptor
from mlforge.plugin.engine.evaluation import Derivation
from mlforge.plugin.registry import registry
from mlforge.stores.sqlite.plugin import SQLiteOnlineStore
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.deriving import about_a_row, close
from mlforge.testing.generated import explore, total_cases
from mlforge.testing.reference import DESCRIPTOR, ReferenceEngine, Table
from mlforge.testing.reference.times import instant
from mlforge.testing.strategies.predicates import (
    floats,
    integers,
    lengths,
    moments,
    near,
    predicates,
    small_tables,
    texts,
)

CASES = max(20, total_cases() // 100)
DAY = 86_400_000_000
INPUTS = {"in_i": "Int64", "in_f": "Float64", "in_s": "String", "in_b": "Boolean", "in_t": "Datetime"}
KINDS = (integers, floats, near, moments, lengths, predicates, lambda _: texts())
_names = itertools.count()


class Question(msgspec.Struct):
    """A feature's rows and what is derived of them, a request feature, what comes with the request, and when."""

    table: Table
    derived: dict[str, Expr]
    columns: dict[str, Expr]
    inputs: list
    max_age: str | None
    asked: int


@st.composite
def questions(draw):
    kinds = st.tuples(*(kind(2) for kind in KINDS))
    derived = {f"x{n}": about_a_row(expr) for n, expr in enumerate(draw(kinds))}
    derived["age"] = (at() - Col("t")) / days(1)
    columns = {f"y{n}": of_inputs(about_a_row(expr)) for n, expr in enumerate(draw(kinds))}
    columns |= {"z": Col("x6"), "later": coalesce(Col("age"), 0) + Col("in_i"), "since": at() - Col("in_t")}
    inputs = draw(small_tables()).rows
    return Question(
        draw(small_tables()), derived, columns, inputs, draw(st.sampled_from([None, "1d"])),
        draw(st.sampled_from([0, 1, DAY, DAY + 1, 400 * DAY])),
    )  # fmt: skip


def of_inputs(expr):
    """The expression, of inputs instead of some columns."""
    return expr.replace(lambda e: Col(f"in_{e.name}") if isinstance(e, Col) and f"in_{e.name}" in INPUTS else e)


class Shelf:
    """An offline store of one version."""

    def __init__(self, artifact):
        self.artifact = artifact

    def latest(self, name):
        return "1.0.0"

    def versions(self, name):
        return ["1.0.0"]

    def get(self, name, version):
        return self.artifact


class Theorem:
    """One engine and one store, held to it."""

    shrink = False

    def __init__(self, bench, online):
        self.bench, self.online, self.cases = bench, online, 0
        self.seen: set[str] = set()

    def ask(self, question):
        name = f"f{next(_names)}"
        shelf = Shelf(self.stored(name, question))
        publish(
            Publishing(shelf, self.online, self.bench.engine, "it", lambda: DAY, lambda _: None), PublishOrder(name)
        )
        risk = RequestFeature("risk", question.columns, INPUTS, (FeatureSpec(name),))
        rows = [{"id": n, **{f"in_{c}": row[c] for c in "ifsbt"}} for n, row in enumerate(question.inputs)]
        now = DAY + question.asked
        schema = Schema.of(id="Int64", **INPUTS, label="Datetime")
        labelled = [{**row, "label": instant(now)} for row in rows]
        spine = self.bench.engine.from_rows(labelled, schema)
        wanted = Wanted.of(shelf, [name, risk], full_names=False)
        label, engine = Timestamp("label"), self.bench.engine
        offline = self.answered(lambda: self.bench.table(joined(engine, spine, label, wanted, schema.names)).rows)
        online = self.answered(lambda: self.served(name, risk, rows, now))
        assert (offline is None) == (online is None), (offline, online)
        for expected, found in zip(offline or (), online or (), strict=True):
            for column, value in found.items():
                assert close(expected[column], value), (column, question, expected[column], value)

    def stored(self, name, question):
        schema = Schema((*question.table.schema, Column("stamp", "Datetime")))
        rows = [{**row, "stamp": instant(row["id"])} for row in question.table.rows]
        artifact = self.bench.stored(Table(schema, rows), shape=Shape((Key("id"),), Timestamp("stamp")), name=name)
        meta = artifact.meta
        words = Derivation(question.derived, {c: meta.schema.dtype(c) for c in meta.value_columns}).words
        config = msgspec.structs.replace(meta.config, derived={n: plain(e) for n, e in question.derived.items()})
        derived = tuple(Column(n, word) for n, word in words.items())
        meta = msgspec.structs.replace(meta, config=config, derived=derived, max_age=question.max_age)
        return msgspec.structs.replace(artifact, meta=msgspec.json.decode(msgspec.json.encode(meta), type=type(meta)))

    def served(self, name, risk, rows, now):
        found = Reader(self.online, [name, risk], clock=lambda: now).read(rows)
        self.seen |= {status["risk"] for status in found.statuses}
        return found.values

    def answered(self, question):
        """The answer; None where an integer does not fit."""
        try:
            return question()
        except Invalid as error:
            if "overflow" not in error.message:
                raise
            return None


@pytest.fixture(params=["reference", "polars", "duckdb"])
def bench(request, tmp_path):
    found = DESCRIPTOR if request.param == "reference" else registry().get(EngineDescriptor, request.param)
    config = ReferenceEngine() if request.param == "reference" else found.config()
    (tmp_path / "data").mkdir()
    with config.open() as engine:
        yield Bench(engine, found, tmp_path / "data")


@pytest.mark.no_cover
def test_what_is_computed_of_a_request_is_what_training_computes(bench, tmp_path):
    with SQLiteOnlineStore(tmp_path / "online.db").open() as online:
        theorem = Theorem(bench, online)
        explore(questions(), theorem.ask, theorem, CASES)
    assert theorem.seen >= {"present", "missing"}
