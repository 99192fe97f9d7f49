"""A feature's function gets the engine's frame, once, and must give one back."""

from __future__ import annotations

from typing import Any

import mlforge.validators as v
from mlforge.errors import Conflict, Invalid, Unsupported
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.schema import Schema
from mlforge.model.timestamp import Timestamp
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant
from mlforge.testing.refusals import refused

EVENTS = Table.of(Schema.of(k="Int64", ts="Datetime"), [{"k": 1, "ts": instant(i)} for i in range(3)])


class Papyrus:
    """A frame of a library nobody has."""


def unchanged(frame: Any) -> Any:
    """What it was given."""
    return frame


def forgetful(frame: Any) -> Any:
    """Returns nothing."""


def counting(_frame: Any) -> Any:
    """A number."""
    return 3


def broken(_frame: Any) -> Any:
    """Nothing, ever."""
    raise ZeroDivisionError("of the user's own making")


def refusing(_frame: Any) -> Any:
    """Nothing, and says so in mlforge's words."""
    raise Conflict("Refused in the function's own words.", hint="Look there.")


def frameless() -> Any:
    """Asks for nothing."""
    return EVENTS


def unhurried(frame: Papyrus) -> Papyrus:
    """Asks for a frame that no engine has."""
    return frame


class ApplyTests(EngineSubject):
    """Functions and the frames they get."""

    def test_a_function_gets_the_rows_and_gives_rows_back(self, bench: Bench) -> None:
        assert_same(EVENTS, bench.table(bench.engine.apply(unchanged, bench.frame(EVENTS))))

    def test_a_function_runs_once_however_much_is_done_with_its_frame(self, bench: Bench) -> None:
        calls = []

        def observed(frame: Any) -> Any:
            calls.append(frame)
            return frame

        shape = Shape((Key("k"),), Timestamp("ts"))
        held = bench.engine.conform(bench.engine.apply(observed, bench.frame(EVENTS)), shape)
        bench.engine.check(held.frame, [v.not_null().on("k")])
        bench.artifact(bench.engine.settle(held.frame, shape), shape=shape)
        assert len(calls) == 1

    def test_a_function_that_returns_nothing_is_named(self, bench: Bench) -> None:
        with refused(Invalid, "forgetful"):
            bench.engine.apply(forgetful, bench.frame(EVENTS))

    def test_a_function_that_returns_no_frame_is_named(self, bench: Bench) -> None:
        with refused(Invalid, "counting", "int"):
            bench.engine.apply(counting, bench.frame(EVENTS))

    def test_what_a_function_raises_is_the_cause_of_the_error(self, bench: Bench) -> None:
        with refused(Invalid, "broken") as error:
            bench.engine.apply(broken, bench.frame(EVENTS))
        assert isinstance(error.value.__cause__, ZeroDivisionError)

    def test_an_error_of_mlforge_passes_through_as_it_is(self, bench: Bench) -> None:
        with refused(Conflict, "the function's own words"):
            bench.engine.apply(refusing, bench.frame(EVENTS))

    def test_a_function_without_parameters_is_refused(self, bench: Bench) -> None:
        with refused(Invalid, "frameless", "takes no frame"):
            bench.engine.apply(frameless, bench.frame(EVENTS))

    def test_a_function_that_asks_for_another_librarys_frame_is_refused(self, bench: Bench) -> None:
        with refused(Unsupported, "unhurried", "Papyrus"):
            bench.engine.apply(unhurried, bench.frame(EVENTS))
