"""Telling of what will go, and holding to it that nothing goes sooner than two minor versions later."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
LEAST = 2
"""For how many minor versions what is deprecated stays."""


def deprecated(instead: str, *, since: str, until: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function tell whoever calls it that it will go.

    Args:
        instead: What to use, as it is typed.
        since: The version that tells of it first, such as `0.9`.
        until: The version that has it no more: two minor versions later or more, or a later major one.

    Raises:
        ValueError: It would go sooner, or that is no version.

    Example:
        >>> @deprecated("spend()", since="0.9", until="0.11")
        ... def spending():
        ...     return 7
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as told:
        ...     warnings.simplefilter("always")
        ...     spending()
        7
        >>> print(told[0].message)
        spending is deprecated since 0.9 and goes with 0.11. Use spend().
    """
    _refuse_haste(_parsed(since), _parsed(until))

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        text = f"{function.__name__} is deprecated since {since} and goes with {until}. Use {instead}."

        @functools.wraps(function)
        def call(*args: P.args, **given: P.kwargs) -> R:
            warnings.warn(text, DeprecationWarning, stacklevel=2)
            return function(*args, **given)

        return call

    return decorate


def _parsed(text: str) -> tuple[int, int]:
    if match := re.fullmatch(r"(\d+)\.(\d+)", text):
        return int(match[1]), int(match[2])
    raise ValueError(f"{text!r} is no version: write its major and minor number, such as 0.9.")


def _refuse_haste(since: tuple[int, int], until: tuple[int, int]) -> None:
    later_major = until[0] > since[0] and until[1] == 0
    later_minor = until[0] == since[0] and until[1] - since[1] >= LEAST
    if not (later_major or later_minor):
        raise ValueError("What is deprecated stays for two minor versions, or until the next major one.")
