"""What is published: the row valid at an instant, and the change points after it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.schema import Schema
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench, near_columns, reference_bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.strategies import Case, cases
from mlforge.testing.strategies.times import instants


@st.composite
def publications(draw: st.DrawFn, functions: frozenset[str]) -> tuple[Case, int, int]:
    """A case, an instant, and one not before it."""
    case = draw(cases(functions))
    at = instants(case.units, case.base)
    first, second = sorted((draw(at), draw(at)))
    return case, first, second


class LatestTests(EngineSubject):
    """What `latest` gives an online store."""

    @generated(0.05, lambda bench: publications(bench.functions))
    def test_the_valid_row_and_the_change_points_after_it_are_published(self, bench: Bench, question: Any) -> None:
        case, as_of, until = question
        reference = reference_bench(bench.folder)
        expected = reference.engine.horizon(reference.built(case.events, case.shape, case.plan), as_of, until)
        found = bench.engine.horizon(bench.built(case.events, case.shape, case.plan), as_of, until)
        assert_same(expected, bench.table(found), near_columns(case))

    def test_a_feature_without_time_is_published_whole(self, bench: Bench) -> None:
        users = Table.of(Schema.of(user="Int64", country="String"), [{"user": 1, "country": "NL"}, {"user": 2}])
        artifact = bench.stored(users, shape=Shape((Key("user"),)))
        assert_same(users, bench.table(bench.engine.horizon(artifact, 0, 0)))
