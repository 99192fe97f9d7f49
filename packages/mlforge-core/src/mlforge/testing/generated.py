"""Tests on generated data: how many cases each gets, and how they are counted."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

T = TypeVar("T")
VARIABLE = "MLFORGE_CASES"
DEFAULT_CASES = 2000


class Counting(Protocol):
    """What generated tests are given: it counts cases, and says whether a failing one is made small."""

    cases: int
    shrink: bool


def total_cases() -> int:
    """How many cases are generated for one engine, from the environment variable `MLFORGE_CASES`."""
    return int(os.environ.get(VARIABLE, DEFAULT_CASES))


Strategy = st.SearchStrategy[Any]


def generated(share: float, strategy: Strategy | Callable[[Any], Strategy]) -> Callable[[Any], Any]:
    """A test of one generated case; it gets this share of all cases.

    A strategy can be made from the bench, so that it keeps to what an engine announces. Cases are the same every time.
    """

    def decorate(test: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any], None]:
        @functools.wraps(test)
        def many(self: Any, bench: Any) -> None:
            drawn = strategy if isinstance(strategy, st.SearchStrategy) else strategy(bench)
            explore(
                drawn,
                lambda case: test(self, bench, case),
                bench,
                max(min(10, total_cases()), round(total_cases() * share)),
            )

        vars(many).pop("__wrapped__")  # or pytest would ask for a fixture `case`
        return takes(share)(many)

    return decorate


def takes(share: float) -> Callable[[T], T]:
    """Says of a test that it explores this share of all cases."""

    def decorate(test: T) -> T:
        vars(test)["share"] = share
        return test

    return decorate


BATCH = 10
"""Hypothesis draws its first ten examples afresh and then varies what it has seen; we want them all drawn afresh."""


def explore(
    strategy: st.SearchStrategy[Any], test: Callable[[Any], None], counting: Counting, cases: int, first_seed: int = 0
) -> None:
    """Run a test on generated cases; one that fails is made as small as can be, and raised."""
    goal = counting.cases + cases
    for number in itertools.count(first_seed):
        _explore_batch(strategy, test, counting, number, goal - counting.cases)
        if counting.cases >= goal:
            return


def _explore_batch(
    strategy: st.SearchStrategy[Any], test: Callable[[Any], None], counting: Counting, number: int, wanted: int
) -> None:
    seen: list[None] = []

    @seed(number)
    @settings(
        max_examples=min(BATCH, wanted + 1),
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, *([Phase.shrink] if counting.shrink else [])],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def one(case: Any) -> None:
        seen.append(None)
        if number and len(seen) == 1:
            return  # every batch begins with the simplest case
        counting.cases += 1
        test(case)

    one()
