"""A feature's function as engines see it: its name in messages, and the frame its first annotation asks for."""

from __future__ import annotations

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from mlforge.errors import Invalid, Unsupported, close_to
from mlforge.plugin.engine.edge import reason

K = TypeVar("K")
Function = Callable[..., Any]
_ANYTHING = (Any, object, inspect.Parameter.empty, None)


def name_of(function: Function) -> str:
    """How messages call a function.

    Example:
        >>> name_of(len)
        'len()'
    """
    return f"{getattr(function, '__name__', type(function).__name__)}()"


def asked(function: Function, frames: Mapping[type, K], libraries: Sequence[str], default: K, hint: str) -> K:
    """Which frame a function asks for: the first one in its first parameter's annotation that the engine hands out.

    An annotation that is imported for type checkers alone is told by its text.

    Args:
        function: The function.
        frames: What the engine hands out, by type.
        libraries: How texts call the modules of these types, such as `pl` and `polars`.
        default: What a function gets that asks for anything, or nothing.
        hint: Which frames the engine hands out, for one that asks for another.

    Raises:
        Invalid: It takes no frame.
        Unsupported: It asks for another library's frame.

    Example:
        >>> def wins(rows: list):
        ...     return rows
        >>> asked(wins, {list: "rows", dict: "columns"}, ["builtins"], "columns", "Ask for a list or a dict.")
        'rows'
    """
    annotation = _first_annotation(function)
    choices = [_bare(c, libraries) if isinstance(c, str) else c for c in _choices(annotation)]
    known: dict[Any, K] = {**frames, **{frame.__name__: kind for frame, kind in frames.items()}}
    if found := next((c for c in choices if c in known), None):
        return known[found]
    if any(c in _ANYTHING or isinstance(c, TypeVar) for c in choices):
        return default
    shown = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    raise Unsupported(f"{name_of(function)} asks for {shown}.", hint=hint)


def no_frame(function: Function, result: object, wanted: str, hint: str) -> Invalid:
    """The error for a function that returned something else than `wanted`, such as `a Polars frame`.

    Example:
        >>> no_frame(len, 3, "a Polars frame", "Return a pl.DataFrame.").message
        'len() returned a builtins.int, not a Polars frame.'
    """
    if result is None:
        return Invalid(f"{name_of(function)} returned None.", hint="Return the frame.")
    kind = f"{type(result).__module__.split('.')[0]}.{type(result).__qualname__}"
    return Invalid(f"{name_of(function)} returned a {kind}, not {wanted}.", hint=hint)


def raised(function: Function, error: BaseException, columns: Iterable[str] | None = None) -> Invalid:
    """The error for what a function raised.

    Args:
        function: The function.
        error: What it raised; the user's line that did is told, too.
        columns: The source's columns, where it asked for one that is not there.

    Example:
        >>> print(raised(len, KeyError("amuont"), ["user", "amount"]))
        len() raised KeyError: 'amuont'. Did you mean 'amount'? The source's columns: user, amount.
    """
    from mlforge.plugin.where import definition_of, line_of

    message = f"{name_of(function)} raised {type(error).__name__}: {reason(error)}"
    hint = "Mend the function." if columns is None else _columns_there(str(error), list(columns))
    return Invalid(message, hint=hint).at(line_of(error) or definition_of(function, str(error)))


def _columns_there(text: str, columns: Sequence[str]) -> str:
    """A hint for a text that quotes a column that is not there: the nearest, and all that are."""
    quoted = (match[2] for match in re.finditer(r"""(['"])(.+?)\1""", text))
    close = next((close_to(name, columns) for name in quoted if name not in columns), None)
    nearest = f"Did you mean {close!r}? " if close else ""
    return f"{nearest}The source's columns: {', '.join(columns)}."


def _first_annotation(function: Function) -> Any:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # a builtin tells nothing
        return inspect.Parameter.empty
    if not parameters:
        raise Invalid(f"{name_of(function)} takes no frame.", hint="Give it one parameter: def feature(df): …")
    annotation = parameters[0].annotation
    return _resolved(annotation, function) if isinstance(annotation, str) else annotation


def _resolved(annotation: str, function: Function) -> Any:
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
    """The alternatives of an annotation; texts where it could not be resolved."""
    if isinstance(annotation, str):
        return tuple(part.strip().strip("'\"") for part in annotation.split("|"))
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        return _choices(typing.get_args(annotation)[0])
    return (annotation,)


def _bare(name: str, libraries: Sequence[str]) -> str:
    library, dot, frame = name.rpartition(".")
    return frame if dot and library in libraries else name
