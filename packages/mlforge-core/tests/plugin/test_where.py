"""An error says which line of the user's it came from, and never one of mlforge's."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.model.duration import Duration
from mlforge.plugin.functions import raised
from mlforge.plugin.where import definition_of, line_of, told


def deep(value: Any) -> Any:
    return 1 / value  # the deepest


def shallow(value: Any) -> Any:
    return deep(value)


def caught(call: Callable[[], Any]) -> BaseException:
    with pytest.raises(BaseException) as failed:  # noqa: PT011 - any
        call()
    return failed.value


def test_the_deepest_line_of_theirs_is_told_with_its_text() -> None:
    said = line_of(caught(lambda: shallow(0)))
    assert said is not None
    assert said.startswith(told(__file__, deep.__code__.co_firstlineno + 1))
    assert said.endswith("return 1 / value  # the deepest")


def test_a_line_of_a_library_or_of_mlforge_is_not_theirs() -> None:
    said = line_of(caught(lambda: Duration.parse("soon")))  # the line that called
    assert said is not None
    assert "test_where.py" in said
    assert "Duration.parse(" in said


def test_the_cause_of_an_error_tells_the_line() -> None:
    def wrap() -> None:
        try:
            deep(0)
        except ZeroDivisionError as error:
            raise Invalid("It failed.") from error

    said = line_of(caught(wrap))
    assert said is not None
    assert "the deepest" in said


def test_an_error_that_nobody_raised_has_no_line() -> None:
    assert line_of(ValueError("x")) is None


def test_a_definition_is_told_by_what_the_message_quotes() -> None:
    def spend(df: Any) -> Any:
        return df["amuont"]

    @functools.wraps(spend)
    def wrapped(df: Any) -> Any:
        return spend(df)

    quoted, plain = definition_of(spend, "No column 'amuont'."), definition_of(wrapped, "Odd.")
    assert quoted is not None
    assert quoted.endswith('return df["amuont"]')
    assert plain is not None
    assert plain.endswith("def spend(df: Any) -> Any:")
    assert definition_of(len, "No column 'x'.") is None


def test_what_a_function_raised_brings_its_line_along() -> None:
    told_error = raised(shallow, caught(lambda: shallow(0)))
    assert "ZeroDivisionError" in told_error.message
    assert "--debug" not in str(told_error)
    assert str(told_error).splitlines()[1].endswith("return 1 / value  # the deepest")
