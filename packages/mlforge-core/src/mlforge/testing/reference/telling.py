"""Errors say what they are about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlforge.errors import MlforgeError


@contextmanager
def about(what: str) -> Iterator[None]:
    """Put what an error is about before its message."""
    try:
        yield
    except MlforgeError as error:
        raise type(error)(f"{what}: {error.message}", hint=error.hint) from error
