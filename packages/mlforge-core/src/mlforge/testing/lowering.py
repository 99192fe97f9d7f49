"""What a validator or a metric must prove: the same answer on every engine, without a line for any of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.model.check import Validator
from mlforge.model.duration import Duration
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import Metric, WindowPlan
from mlforge.model.schema import Column, Schema
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import EngineConfig, EngineDescriptor, Join
from mlforge.plugin.registry import registry
from mlforge.testing.compare import same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.reference import DESCRIPTOR, Table
from mlforge.testing.reference.times import as_utc

SHAPE = Shape((Key("entity"),), Timestamp("time"))


class EverySubject:
    """Runs each test on the reference and on every engine."""

    def engines(self) -> Sequence[EngineDescriptor]:
        """The engines to run on, besides the reference: all that are installed."""
        return tuple(registry().of(EngineDescriptor).values())

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "announced" in metafunc.fixturenames:
            metafunc.parametrize("announced", (DESCRIPTOR, *self.engines()), ids=lambda d: d.name)

    @pytest.fixture
    def bench(self, announced: EngineDescriptor, tmp_path: Path) -> Iterator[Bench]:
        config: Any = announced.config()
        assert isinstance(config, EngineConfig)
        with config.open() as engine:
            yield Bench(engine, announced, tmp_path)


class ValidatorTests(EverySubject):
    """Everything a validator must prove.

    Example:
        >>> class TestIsCode(ValidatorTests):
        ...     dtype = "String"
        ...     kept = ("AA", None)
        ...     broken = ("a", "")
        ...
        ...     def validator(self):
        ...         return mlf.validators.matches_regex("^[A-Z]{2}$")
        >>> TestIsCode().validator().name
        'matches_regex'
    """

    dtype: str = ""
    kept: Sequence[Any] = ()
    broken: Sequence[Any] = ()

    def validator(self) -> Validator:
        """The validator to test."""
        raise Invalid(
            "The tests do not say which validator they are about.",
            hint="Return a validator: def validator(self): return is_email()",
        )

    def test_there_are_values_that_keep_the_promise_and_some_that_break_it(self) -> None:
        assert all([self.dtype, self.kept, self.broken]), "give dtype, kept and broken"

    def test_it_lowers_to_a_predicate_of_a_row(self) -> None:
        check = self.validator().on("x")
        assert check.violation.column_names == ("x",)
        assert (check.name, bool(check.label)) == (self.validator().name, True)

    def test_values_that_keep_the_promise_pass(self, bench: Bench) -> None:
        result = self._check(bench, self.kept)
        assert result.passed, str(result)

    def test_values_that_break_the_promise_are_found(self, bench: Bench) -> None:
        result = self._check(bench, [*self.kept, *self.broken])
        assert result.failures == len(self.broken), str(result)
        assert same(list(result.examples), list(self.broken))

    def test_it_holds_where_there_are_no_rows(self, bench: Bench) -> None:
        assert self._check(bench, []).passed

    def _check(self, bench: Bench, values: Sequence[Any]) -> Any:
        table = Table.of(Schema.of(x=self.dtype), [{"x": v} for v in values])
        (result,) = bench.engine.check(bench.frame(table), [self.validator().on("x")], examples=len(values))
        return result


class MetricTests(EverySubject):
    """Everything a metric must prove.

    `events` are `(time, values)`; `expected` says what the output columns are at instants, both in ISO 8601.

    Example:
        >>> class TestWins(MetricTests):
        ...     schema = {"won": "Int64"}
        ...     events = [("2024-01-01T10:00", {"won": 1}), ("2024-01-01T11:00", {"won": 0})]
        ...     expected = {"2024-01-01T12:00": {"wins_1d": 0.5}, "2024-02-01T00:00": {"wins_1d": None}}
        ...
        ...     def metric(self):
        ...         return mlf.Mean("won", windows=["1d"], name="wins")
        >>> [column.name for column in TestWins().metric().columns()]
        ['wins_1d']
    """

    schema: Mapping[str, str] = {}
    events: Sequence[tuple[str, Mapping[str, Any]]] = ()
    expected: Mapping[str, Mapping[str, Any]] = {}
    interval: str | None = None

    def metric(self) -> Metric:
        """The metric to test."""
        raise Invalid(
            "The tests do not say which metric they are about.",
            hint="Return a metric: def metric(self): return Share('won', 'played', windows=['1d'])",
        )

    def test_there_are_events_and_expected_values(self) -> None:
        assert all([self.schema, self.events, self.expected]), "give schema, events and expected"

    def test_it_lowers_to_columns_with_names_of_their_own(self) -> None:
        names = [c.name for c in self.metric().columns()]
        assert names
        assert len(set(names)) == len(names)

    def test_equal_metrics_are_equal(self) -> None:
        assert self.metric() == self.metric()
        assert hash(self.metric()) == hash(self.metric())

    def test_it_has_the_expected_values_at_every_instant(self, bench: Bench) -> None:
        artifact = bench.built(self._events(), SHAPE, self._plan())
        spine = [{"entity": 1, "at": time_of(text)} for text in self.expected]
        frame = bench.frame(Table.of(Schema.of(entity="Int64", at="Datetime"), spine))
        join = Join(artifact, {n: n for values in self.expected.values() for n in values})
        answer = bench.table(bench.engine.asof(frame, Timestamp("at"), [join]))
        for text, row in zip(self.expected, answer.rows, strict=True):
            for name, value in self.expected[text].items():
                assert same(value, row[name], near=True), f"{name} at {text} is {row[name]!r}, expected {value!r}"

    def _plan(self) -> WindowPlan:
        interval = Duration.parse(self.interval) if self.interval else None
        return WindowPlan(interval, self.metric().columns())

    def _events(self) -> Table:
        columns = (
            Column("entity", "Int64"),
            Column("time", "Datetime"),
            *(Column(n, d) for n, d in self.schema.items()),
        )
        rows = [{"entity": 1, "time": time_of(text), **values} for text, values in self.events]
        return Table.of(Schema(columns), rows)


def time_of(text: str) -> datetime:
    """The instant that an ISO 8601 text means; UTC where it names no zone."""
    return as_utc(datetime.fromisoformat(text))
