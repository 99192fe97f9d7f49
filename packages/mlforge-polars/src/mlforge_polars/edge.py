"""Where Polars' exceptions become mlforge's: each is wrapped once, with its cause."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import polars as pl

from mlforge.errors import Invalid, MlforgeError, PluginFailed

BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


@contextmanager
def edge(
    what: str, hint: str, kind: type[MlforgeError] = Invalid, also: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Raise `kind` for what Polars raises inside and for `also`, `PluginFailed` for the operating system's errors."""
    expected: tuple[type[BaseException], ...] = (*BROKEN, *also)
    try:
        yield
    except expected as error:
        raise kind(f"{what}: {reason(error)}", hint) from error
    except OSError as error:
        raise PluginFailed(f"{what}: {reason(error)}", "See the cause: a path, a permission or the network.") from error


def reason(error: BaseException) -> str:
    """The first line of an exception's text, as the end of a sentence."""
    first = str(error).strip().split("\n", 1)[0].rstrip(" .:")
    beyond = "int64 overflow: " if "from `i128` to `i64` failed" in first else ""
    return f"{beyond}{first or type(error).__name__}."


def no_column(name: str, available: Iterable[str], where: str) -> Invalid:
    """The error for a column that is not there, naming those that are."""
    names = list(available)
    close = difflib.get_close_matches(name, names, 1)
    nearest = f"Did you mean {close[0]!r}? " if close else ""
    return Invalid(f"{where} has no column {name!r}.", hint=f"{nearest}Columns: {', '.join(names) or 'none'}.")
