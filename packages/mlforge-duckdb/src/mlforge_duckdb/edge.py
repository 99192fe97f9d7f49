"""Where DuckDB's exceptions become mlforge's: each is wrapped once, with its cause."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb
import polars as pl

from mlforge.errors import Invalid, MlforgeError, PluginFailed

BROKEN = (duckdb.Error, pl.exceptions.PolarsError, pl.exceptions.PanicException)


@contextmanager
def edge(
    what: str, hint: str, kind: type[MlforgeError] = Invalid, also: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Raise `kind` for what DuckDB or Polars raises inside and for `also`, `PluginFailed` for a disk or a path."""
    expected: tuple[type[BaseException], ...] = (*BROKEN, *also)
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise too_little_memory(error) from error
    except (duckdb.IOException, OSError) as error:
        raise PluginFailed(f"{what}: {reason(error)}", "See the cause: a full disk, a path or a permission.") from error
    except expected as error:
        raise overflowing(error) or kind(f"{what}: {reason(error)}", hint) from error


def reason(error: BaseException) -> str:
    """The first line of an exception's text, as the end of a sentence."""
    first = str(error).strip().split("\n", 1)[0].rstrip(" .:")
    return f"{first or type(error).__name__}."


def too_little_memory(error: BaseException) -> Invalid:
    """The error for work that the memory limit leaves no room for."""
    return Invalid(
        f"The DuckDB engine ran out of memory: {reason(error)}",
        hint="Raise memory_limit, or use fewer threads: each needs some memory of its own.",
    )


def overflowing(error: BaseException) -> Invalid | None:
    """The error for an integer that does not fit 64 bits, where it was that."""
    if isinstance(error, duckdb.ConversionException) and "out of range for the destination type INT64" in str(error):
        return Invalid(f"int64 overflow: {reason(error)}", hint="Cast the column to DOUBLE in the function.")
    return None


def no_column(name: str, available: Iterable[str], where: str) -> Invalid:
    """The error for a column that is not there, naming those that are."""
    names = list(available)
    close = difflib.get_close_matches(name, names, 1)
    nearest = f"Did you mean {close[0]!r}? " if close else ""
    return Invalid(f"{where} has no column {name!r}.", hint=f"{nearest}Columns: {', '.join(names) or 'none'}.")
