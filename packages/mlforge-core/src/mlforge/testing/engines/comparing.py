"""Values are compared by what they mean, however their column writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mlforge.model.check import Validator
from mlforge.model.expr import Expr, it
from mlforge.model.schema import Schema
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.reference import Table
from mlforge.testing.reference.table import single

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
SAME = {
    "without a zone": NEW_YEAR.replace(tzinfo=None),
    "in another zone": NEW_YEAR.astimezone(timezone(timedelta(hours=2))),
    "a date": NEW_YEAR.date(),
}
"""An instant as a constant says it."""

RULES = {"a": it().is_in(["a", "c"]), "b": it().matches("^b")}
"""Rules, by the text that breaks each."""

TEXTS = Table.of(Schema.of(x="String"), [{"x": "a"}, {"x": "b"}, {}])


class CompareTests(EngineSubject):
    """What is equal, where types or units differ."""

    @pytest.mark.parametrize("form", ["tsm:", "tsu:Asia/Tokyo", "tsn:"])
    @pytest.mark.parametrize("constant", SAME)
    def test_times_of_any_zone_and_unit_are_compared_as_instants(self, bench: Bench, form: str, constant: str) -> None:
        frame = bench.arrow_frame(Table(Schema.of(x="Datetime"), [{"x": NEW_YEAR}]), {"x": form})
        assert caught(bench, frame, it().eq(SAME[constant])) == (1, (NEW_YEAR,))

    @pytest.mark.parametrize("value", RULES)
    def test_categories_are_compared_as_text(self, bench: Bench, value: str) -> None:
        frame = bench.arrow_frame(TEXTS, {"x": "dictionary"})
        assert caught(bench, frame, RULES[value]) == (1, (value,))

    def test_a_single_float_is_compared_by_its_own_value(self, bench: Bench) -> None:
        frame = bench.engine.from_rows([{"x": 0.1}], Schema.of(x="Float32"))
        assert caught(bench, frame, it().eq(0.1)) == (0, ())
        assert caught(bench, frame, it().eq(single(0.1))) == (1, (single(0.1),))


def caught(bench: Bench, frame: object, rule: Expr) -> tuple[int, tuple[object, ...]]:
    """How many values of `x` a rule catches, and which."""
    (result,) = bench.engine.check(frame, [Validator("rule", rule).on("x")])
    return result.failures, result.examples
