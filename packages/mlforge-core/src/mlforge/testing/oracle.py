"""Whole cases against the reference: aggregate, join, settle and check, as often as there is time for."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.check import Check
from mlforge.model.feature import Shape
from mlforge.plugin import Engine
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.aggregating import assert_aggregates
from mlforge.testing.engines.bench import Bench, near_columns, reference_bench
from mlforge.testing.engines.checking import assert_same_results
from mlforge.testing.engines.joining import assert_joined
from mlforge.testing.engines.settling import assert_settled
from mlforge.testing.generated import explore
from mlforge.testing.reference.shaping import settle
from mlforge.testing.strategies import Case, cases, validators


class Question(msgspec.Struct, frozen=True):
    """One generated case: events, a plan, a spine, and promises about the events."""

    case: Case
    checks: tuple[Check, ...]
    max_age: int | None


@st.composite
def questions(draw: st.DrawFn, functions: frozenset[str], worlds: int = 1) -> Question:
    """Anything the tests of an engine ask, all of it about one case, or about as many as there are worlds."""
    case = draw(cases(functions, floats=("plain", "special", "ends"), max_rows=12, worlds=worlds))
    dtypes = [(n, case.events.schema.dtype(n)) for n in ("x", "y")]
    checks = tuple(draw(validators(dtype)).on(name) for name, dtype in dtypes for _ in range(2))
    max_age = draw(st.sampled_from([None, None, 0, *case.units]))
    return Question(case, checks, max_age)


def ask(bench: Bench, question: Question) -> None:
    """Fail unless the engine answers all of a question as the reference does; leave no file behind."""
    case = question.case
    try:
        assert_aggregates(bench, case)
        assert_same(reference_bench(bench.folder).asof(case), bench.asof(case), near_columns(case))
        _settle(bench, case, question.max_age)
        results = bench.engine.check(bench.frame(case.events), question.checks)
        assert_same_results(bench.reference.check(case.events, question.checks), results)
    finally:
        for path in bench.folder.iterdir():
            path.unlink()


def _settle(bench: Bench, case: Case, max_age: int | None) -> None:
    """Compare how ties are refused, how they are broken, and what is then joined."""
    both = ((bench.reference, case.events), (bench.engine, bench.frame(case.events)))
    refusals = [_refuses(engine, frame, case.shape) for engine, frame in both]
    assert refusals[0] == refusals[1], f"one refuses these rows and the other does not: {refusals}"
    broken = msgspec.structs.replace(case, shape=Shape(case.shape.keys, case.shape.timestamp, "x"))
    assert_settled(bench, broken)
    settled = msgspec.structs.replace(case, events=settle(case.events, broken.shape))
    assert_joined(bench, settled, max_age)


def _refuses(engine: Engine, frame: Any, shape: Shape) -> bool:
    try:
        engine.settle(frame, shape)
    except Invalid:
        return True
    return False


WORLDS = 20
"""Cases that are asked about at once, and for each such batch one alone: of a small case nearly all time is set-up."""


def disagreement(bench: Bench, number: int, seed: int) -> str | None:
    """The smallest case that engine and reference answer differently, among some; None if they always agree."""

    def ask_all(question: Question) -> None:
        bench.cases += WORLDS - 1  # one is counted already
        ask(bench, question)

    alone = -(-number // (WORLDS + 1))
    try:
        explore(questions(bench.functions), lambda q: ask(bench, q), bench, alone, first_seed=seed)
        if number > alone:
            explore(questions(bench.functions, WORLDS), ask_all, bench, number - alone, first_seed=seed)
    except Exception as error:  # noqa: BLE001 – whatever went wrong is what was looked for
        return "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])])
    return None
