"""A feature's function and the frame it asks for by its first annotation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import duckdb
import polars as pl

from mlforge.errors import Invalid, MlforgeError
from mlforge.plugin.engine.columns import refuse_doubles
from mlforge.plugin.functions import asked, name_of, no_frame, raised
from mlforge_duckdb.interrupts import stop_where_interrupted

Kind = Literal["relation", "DataFrame", "LazyFrame"]

_HINT = (
    "The DuckDB engine hands out duckdb.DuckDBPyRelation, pl.LazyFrame and pl.DataFrame (also where nothing is "
    "annotated)."
)
_KINDS: dict[type, Kind] = {
    pl.DataFrame: "DataFrame",
    duckdb.DuckDBPyRelation: "relation",
    pl.LazyFrame: "LazyFrame",
}


def wanted(function: Callable[..., Any]) -> Kind:
    """Which frame a function asks for. Raises `Unsupported` where it asks for another library's."""
    return asked(function, _KINDS, ("pl", "polars", "duckdb"), default="DataFrame", hint=_HINT)


def call(function: Callable[..., Any], frame: Any, columns: list[str]) -> Any:
    """What a function makes of a frame. Raises `Invalid` for what it raises, or where the result is no frame."""
    try:
        result = function(frame)
        if isinstance(result, pl.LazyFrame):
            result = result.collect()
    except MlforgeError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        stop_where_interrupted(error)
        missing = isinstance(error, pl.exceptions.ColumnNotFoundError | duckdb.BinderException)
        raise raised(function, error, columns if missing else None) from error
    if not isinstance(result, duckdb.DuckDBPyRelation | pl.DataFrame):
        hint = "Return a duckdb.DuckDBPyRelation, a pl.DataFrame or a pl.LazyFrame, such as pl.DataFrame(result)."
        raise no_frame(function, result, "a frame of DuckDB or Polars", hint)
    refuse_doubles(result.columns, "The function's result", "Rename one of them in the function, or leave it out.")
    return result


def foreign(function: Callable[..., Any]) -> Invalid:
    """The error for a relation that another connection made."""
    return Invalid(
        f"{name_of(function)} returned a relation of another connection.",
        hint='Use the methods of the relation it is given, or SQL with df.query("df", "SELECT … FROM df").',
    )
