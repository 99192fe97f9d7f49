"""What follows from the required methods of an engine is right for one that has nothing else."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar, Self

import msgspec
import pytest

from mlforge.plugin import Engine, EngineConfig, EngineDescriptor
from mlforge.testing import EngineTests
from mlforge.testing.generated import VARIABLE
from mlforge.testing.reference import DESCRIPTOR, ReferenceEngine
from mlforge.testing.reference.engine import Reference

REQUIRED = sorted(Engine.__abstractmethods__)
FOLLOWING = {name for name in vars(Engine) if not name.startswith("_")} - set(REQUIRED)


def of_the_reference(name: str) -> Callable[..., Any]:
    return lambda self, *args, **named: getattr(self.reference, name)(*args, **named)


class Live:
    def __init__(self, config: object) -> None:
        self.reference = Reference()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None


LiveBareEngine: Any = type("LiveBareEngine", (Live, Engine), {name: of_the_reference(name) for name in REQUIRED})


class BareEngine(EngineConfig, frozen=True, tag="bare"):
    target: ClassVar[str] = ""

    def open(self) -> Any:
        return LiveBareEngine(self)


def test_no_more_than_fourteen_methods_are_required() -> None:
    assert len(REQUIRED) <= 14


def test_the_engine_under_test_has_only_what_is_required() -> None:
    engine = BareEngine().open()
    assert {"persist", "within", "extent", "check", "horizon"} <= FOLLOWING
    assert all(getattr(type(engine), name) is getattr(Engine, name) for name in FOLLOWING)


class TestBareEngine(EngineTests):
    def config(self) -> EngineConfig:
        return BareEngine()

    def descriptor(self) -> EngineDescriptor:
        return msgspec.structs.replace(DESCRIPTOR, name="bare", config=BareEngine)

    def others(self) -> list[EngineConfig]:
        return [ReferenceEngine()]

    @pytest.fixture(autouse=True)
    def fewer_cases(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Most of it is the reference, compared with itself: a tenth of the cases asks every default body."""
        monkeypatch.setenv(VARIABLE, "200")
