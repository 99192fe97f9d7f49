"""A feature's function and the frame it asks for by its first annotation."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any, Literal

import duckdb
import polars as pl

from mlforge.errors import Invalid, MlforgeError, Unsupported
from mlforge_duckdb.edge import reason

Kind = Literal["relation", "DataFrame", "LazyFrame"]

_HINT = (
    "The DuckDB engine hands out duckdb.DuckDBPyRelation, pl.LazyFrame and pl.DataFrame (also where nothing is "
    "annotated)."
)
_ANYTHING = (Any, object, inspect.Parameter.empty, None)
_KINDS: dict[Any, Kind] = {
    pl.DataFrame: "DataFrame",
    "DataFrame": "DataFrame",
    duckdb.DuckDBPyRelation: "relation",
    "DuckDBPyRelation": "relation",
    pl.LazyFrame: "LazyFrame",
    "LazyFrame": "LazyFrame",
}
_PREFIXES = ("pl.", "polars.", "duckdb.")


def wanted(function: Callable[..., Any]) -> Kind:
    """Which frame a function asks for. Raises `Unsupported` where it asks for another library's."""
    annotation = _first_annotation(function)
    choices = _choices(annotation)
    for choice in choices:
        if choice in _KINDS:
            return _KINDS[choice]
    if any(c in _ANYTHING or isinstance(c, typing.TypeVar) for c in choices):
        return "DataFrame"
    shown = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    raise Unsupported(f"{name_of(function)} asks for {shown}.", hint=_HINT)


def call(function: Callable[..., Any], frame: Any, columns: list[str]) -> Any:
    """What a function makes of a frame. Raises `Invalid` for what it raises, or where the result is no frame."""
    try:
        result = function(frame)
        if isinstance(result, pl.LazyFrame):
            result = result.collect()
    except MlforgeError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        raise _failed(function, columns, error) from error
    if not isinstance(result, duckdb.DuckDBPyRelation | pl.DataFrame):
        raise _no_frame(function, result)
    return result


def name_of(function: Callable[..., Any]) -> str:
    """How messages call a function: `user_spend()`."""
    return f"{getattr(function, '__name__', type(function).__name__)}()"


def _failed(function: Callable[..., Any], columns: list[str], error: BaseException) -> Invalid:
    hint = "The traceback of the cause shows the line."
    if isinstance(error, pl.exceptions.ColumnNotFoundError | duckdb.BinderException):
        hint = f"The source's columns: {', '.join(columns)}."
    return Invalid(f"{name_of(function)} raised {type(error).__name__}: {reason(error)}", hint=hint)


def foreign(function: Callable[..., Any]) -> Invalid:
    """The error for a relation that another connection made."""
    return Invalid(
        f"{name_of(function)} returned a relation of another connection.",
        hint='Use the methods of the relation it is given, or SQL with df.query("df", "SELECT … FROM df").',
    )


def _no_frame(function: Callable[..., Any], result: object) -> Invalid:
    if result is None:
        return Invalid(f"{name_of(function)} returned None.", hint="Return the frame.")
    kind = f"{type(result).__module__.split('.')[0]}.{type(result).__qualname__}"
    hint = "Return a duckdb.DuckDBPyRelation, a pl.DataFrame or a pl.LazyFrame, such as pl.DataFrame(result)."
    return Invalid(f"{name_of(function)} returned a {kind}, not a frame of DuckDB or Polars.", hint=hint)


def _first_annotation(function: Callable[..., Any]) -> Any:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # a builtin tells nothing
        return inspect.Parameter.empty
    if not parameters:
        raise Invalid(f"{name_of(function)} takes no frame.", hint="Give it one parameter: def feature(df): …")
    annotation = parameters[0].annotation
    return _resolved(annotation, function) if isinstance(annotation, str) else annotation


def _resolved(annotation: str, function: Callable[..., Any]) -> Any:
    """What a written annotation names; its text where that is imported for type checkers alone."""
    while isinstance(function, functools.partial):
        function = function.func
    names = getattr(inspect.unwrap(function), "__globals__", {})
    holder = types.SimpleNamespace(__annotations__={"frame": annotation})
    try:
        return typing.get_type_hints(holder, globalns=names)["frame"]
    except (NameError, AttributeError, SyntaxError, TypeError):
        return annotation


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of an annotation; a frame that could not be resolved is its bare name."""
    if isinstance(annotation, str):
        return tuple(_bare(part.strip().strip("'\"")) for part in annotation.split("|"))
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        return _choices(typing.get_args(annotation)[0])
    return (annotation,)


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
