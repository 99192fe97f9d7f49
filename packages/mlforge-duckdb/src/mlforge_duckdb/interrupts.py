"""Ctrl-C while DuckDB computes: DuckDB takes the KeyboardInterrupt for itself and raises a RuntimeError instead."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import duckdb

C = TypeVar("C", bound=type)
_SAID = "Query interrupted"


def stop_where_interrupted(error: BaseException) -> None:
    """Raise `KeyboardInterrupt` for what DuckDB raised because somebody pressed Ctrl-C."""
    if isinstance(error, duckdb.InterruptException) or (isinstance(error, RuntimeError) and str(error) == _SAID):
        raise KeyboardInterrupt from error


@contextmanager
def heeding() -> Iterator[None]:
    """Ctrl-C inside is a `KeyboardInterrupt`, as everywhere in Python."""
    try:
        yield
    except (RuntimeError, duckdb.InterruptException) as error:
        stop_where_interrupted(error)
        raise


def heeds_interrupts(cls: C) -> C:
    """A class whose methods are left by a `KeyboardInterrupt` when Ctrl-C is pressed."""
    for name, method in list(vars(cls).items()):
        if inspect.isfunction(method) and not name.startswith("_"):
            setattr(cls, name, _stepwise(method) if inspect.isgeneratorfunction(method) else _at_once(method))
    return cls


def _at_once(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **given: Any) -> Any:
        with heeding():
            return method(*args, **given)

    return call


def _stepwise(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **given: Any) -> Iterator[Any]:
        with heeding():
            yield from method(*args, **given)

    return call
