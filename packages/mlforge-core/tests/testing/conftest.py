"""Runs one test of the kit against the reference with one rule made wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlforge.plugin import EngineDescriptor
from mlforge.testing import EngineTests
from mlforge.testing.engines.bench import Bench
from mlforge.testing.generated import VARIABLE
from mlforge.testing.reference import DESCRIPTOR
from mlforge.testing.reference.engine import Reference

Wrong = tuple[Any, Any, Callable[..., Any], str]
"""Where a rule is (a module or a dict), its name there, what is done instead, and the test that must notice."""


def reference_with(place: Any, rule: Any, instead: Callable[..., Any]) -> Reference:
    """The reference, with a wrong rule in force while one of its methods runs."""

    def wronged(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with pytest.MonkeyPatch.context() as patch:
                put = patch.setitem if isinstance(place, dict) else patch.setattr
                put(place, rule, instead)
                return method(*args, **kwargs)

        return call

    methods = {
        name: wronged(m) for name, m in vars(Reference).items() if name not in ("rows", "owns") and name[0] != "_"
    }
    made: Reference = type("Wrong", (Reference,), methods)()
    return made


def run(name: str, engine: Reference, folder: Path, descriptor: EngineDescriptor = DESCRIPTOR) -> None:
    """Run a test of the kit by its name, such as `each_aggregation_is_that_of_the_reference[std]`."""
    name, _, parameter = name.removesuffix("]").partition("[")
    test = getattr(EngineTests, f"test_{name}")
    bench = Bench(engine, descriptor, folder)
    bench.shrink = False
    test(EngineTests(), bench=bench, **parameters(test, parameter))


def parameters(test: Any, parameter: str) -> dict[str, Any]:
    """The arguments that pytest would give for one parameter; of others that there are, the first."""
    marks = [m for m in test.pytestmark if m.name == "parametrize"] if parameter else []
    return {m.args[0]: chosen(m, parameter) for m in marks}


def chosen(mark: pytest.Mark, parameter: str) -> Any:
    """The value of a mark that goes by this name, or its first one."""
    named, values = mark.kwargs.get("ids", str), list(mark.args[1])
    return next((value for value in values if named(value) == parameter), values[0])


@pytest.fixture
def passes(tmp_path: Path) -> Callable[[str, Any, Any], None]:
    """Runs a test of the kit on an engine that is open, by the descriptor it is announced with."""

    def check(name: str, engine: Any, descriptor: Any) -> None:
        run(name, engine, tmp_path, descriptor)

    return check


@pytest.fixture
def notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Wrong], None]:
    """Fails unless the test passes with the right rule and fails with the wrong one."""

    monkeypatch.delenv(VARIABLE, raising=False)  # as many cases as a plugin's author has

    def check(wrong: Wrong) -> None:
        *rule, name = wrong
        with pytest.raises((Exception, pytest.fail.Exception)):
            run(name, reference_with(*rule), tmp_path)
        monkeypatch.setenv(VARIABLE, "100")
        run(name, Reference(), tmp_path)

    return check
