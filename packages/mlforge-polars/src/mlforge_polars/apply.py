"""A feature's function and the frame it asks for by its first annotation."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

import polars as pl

from mlforge.errors import Invalid, MlforgeError, Unsupported
from mlforge_polars.edge import reason

_HINT = "The Polars engine hands out pl.DataFrame (also where nothing is annotated) and pl.LazyFrame."
_ANYTHING = (Any, object, inspect.Parameter.empty, None)


def wants_lazy(function: Callable[..., Any]) -> bool:
    """Whether a function asks for a LazyFrame. Raises `Unsupported` where it asks for another library's frame."""
    annotation = _first_annotation(function)
    choices = _choices(annotation)
    if any(c in (*_ANYTHING, pl.DataFrame, "DataFrame") or isinstance(c, typing.TypeVar) for c in choices):
        return False
    if pl.LazyFrame in choices or "LazyFrame" in choices:
        return True
    shown = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    raise Unsupported(f"{name_of(function)} asks for {shown}.", hint=_HINT)


def call(function: Callable[..., Any], frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame | pl.LazyFrame:
    """What a function makes of a frame. Raises `Invalid` for what it raises, or where the result is no frame."""
    try:
        result = function(frame)
        if isinstance(result, pl.LazyFrame):
            result.collect_schema()
    except MlforgeError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        raise _failed(function, frame, error) from error
    if not isinstance(result, pl.DataFrame | pl.LazyFrame):
        raise _no_frame(function, result)
    return result


def name_of(function: Callable[..., Any]) -> str:
    """How messages call a function: `user_spend()`."""
    return f"{getattr(function, '__name__', type(function).__name__)}()"


def _failed(function: Callable[..., Any], frame: pl.DataFrame | pl.LazyFrame, error: BaseException) -> Invalid:
    hint = "--debug shows the line."
    if isinstance(error, pl.exceptions.ColumnNotFoundError):
        hint = f"The source's columns: {', '.join(frame.collect_schema().names())}."
    return Invalid(f"{name_of(function)} raised {type(error).__name__}: {reason(error)}", hint=hint)


def _no_frame(function: Callable[..., Any], result: object) -> Invalid:
    if result is None:
        return Invalid(f"{name_of(function)} returned None.", hint="Return the frame.")
    kind = f"{type(result).__module__.split('.')[0]}.{type(result).__qualname__}"
    foreign = hasattr(result, "__arrow_c_stream__")
    hint = "Return a Polars frame: pl.DataFrame(result)." if foreign else "Return a pl.DataFrame or a pl.LazyFrame."
    return Invalid(f"{name_of(function)} returned a {kind}, not a Polars frame.", hint=hint)


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
    """The alternatives of an annotation; a Polars frame that could not be resolved is its bare name."""
    if isinstance(annotation, str):
        parts = (part.strip().strip("'\"") for part in annotation.split("|"))
        return tuple(p.removeprefix("pl.").removeprefix("polars.") for p in parts)
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        return _choices(typing.get_args(annotation)[0])
    return (annotation,)
