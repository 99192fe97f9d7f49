"""Has a feature's function changed? Comments, formatting, docstrings, annotations and decorators do not count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from mlforge.flow.versions.logic.walk import Walk


class Logic(msgspec.Struct, frozen=True):
    """What is known of what a function does.

    Args:
        hash: 128 bits over all of it that can be told; None where its text, or that of what it calls, is not to be had.
        unknown: What cannot be told, in words: `CONNECTION, a sqlite3.Connection`.
    """

    hash: str | None
    unknown: tuple[str, ...] = ()


def logic_of(function: Callable[..., Any]) -> Logic:
    """What a function does: its syntax, and the values and the project's own code that it takes from outside.

    Code of other projects is known by name alone. The same whether the function is in a file, in a notebook or in what
    Python was handed to run, and on every version of Python.
    """
    walk = Walk()
    digest = walk.digest(function)
    return Logic(None if walk.lost else digest, tuple(dict.fromkeys(walk.unknown)))
