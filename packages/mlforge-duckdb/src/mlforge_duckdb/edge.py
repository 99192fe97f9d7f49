"""Where DuckDB's exceptions become mlforge's."""

from __future__ import annotations

import duckdb
import polars as pl

from mlforge.errors import Invalid, MlforgeError
from mlforge.plugin.engine import edge as shared
from mlforge_duckdb.interrupts import stop_where_interrupted

BROKEN = (duckdb.Error, pl.exceptions.PolarsError, pl.exceptions.PanicException)


def too_little_memory(error: BaseException) -> Invalid:
    """The error for work that the memory limit leaves no room for."""
    return Invalid(
        f"The DuckDB engine ran out of memory: {shared.reason(error)}",
        hint="Raise memory_limit, or use fewer threads: each needs some memory of its own.",
    )


def is_beyond(error: BaseException) -> bool:
    """Whether a time lies outside of what DuckDB can tell."""
    return isinstance(error, duckdb.ConversionException) and any(s in str(error) for s in _BEYOND)


def _known(what: str, error: BaseException) -> MlforgeError | None:
    stop_where_interrupted(error)
    if isinstance(error, duckdb.OutOfMemoryException):
        return too_little_memory(error)
    if isinstance(error, duckdb.ConversionException) and "out of range for the destination type INT64" in str(error):
        hint = "Cast the column to DOUBLE in the function."
        return Invalid(f"{what}: int64 overflow: {shared.reason(error)}", hint=hint)
    if is_beyond(error):
        return Invalid(f"{what}: a time is out of range: times lie in the years 1 to 9999.", hint=shared.reason(error))
    return None


_BEYOND = ("Could not convert Timestamp", "Could not convert DATE", "Timestamp microseconds out of range")

edge = shared.Edge(BROKEN, disk=(duckdb.IOException, OSError), known=_known)
