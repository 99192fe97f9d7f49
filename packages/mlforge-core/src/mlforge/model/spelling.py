"""Words that a call does not have are answered with the nearest, where Python alone would name neither."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ParamSpec, TypeVar

import msgspec

from mlforge.errors import Invalid, MlforgeError, nearest
from mlforge.model.constants import native, natives
from mlforge.model.fitting import answering, refuse_misfits

P = ParamSpec("P")
R = TypeVar("R")


class Spelled(msgspec.StructMeta):
    """The metaclass of nouns that people write by hand: a call that does not fit is answered in words.

    Example:
        >>> mlf.Entity("user", joinkey="user_id")
        Traceback (most recent call last):
        mlforge.errors.Invalid: Entity has no joinkey=. Did you mean 'join_key'?
        >>> mlf.Entity("user")
        Traceback (most recent call last):
        mlforge.errors.Invalid: Entity needs join_key. Entity(name=…, join_key=…)
    """

    def __call__(cls, *args: Any, **given: Any) -> Any:  # noqa: N805 - a metaclass
        args, given = tuple(map(natives, args)), {name: natives(value) for name, value in given.items()}
        with answering(cls.__name__, cls, dict(zip(cls.__struct_fields__, args, strict=False)) | given):
            try:
                made = super().__call__(*args, **given)
            except TypeError:
                if found := _misspelled(cls, len(args), given):
                    raise found from None
                raise
        refuse_misfits(cls.__name__, cls, {name: getattr(made, name) for name in cls.__struct_fields__})
        return made


def spelled(function: Callable[P, R]) -> Callable[P, R]:
    """Answer a call that does not fit a function's parameters in words, with the nearest of them.

    Example:
        >>> defs.build(feature="user_spend")
        Traceback (most recent call last):
        mlforge.errors.Invalid: build has no feature=. Did you mean 'features'?
        >>> mlf.validators.in_range(1)
        Traceback (most recent call last):
        mlforge.errors.Invalid: in_range: missing a required argument: 'max_value'. in_range(min_value=…, max_value=…)
    """

    @functools.wraps(function)
    def call(*args: P.args, **given: P.kwargs) -> R:
        args, given = _native(args, given)  # type: ignore[assignment]
        with _answering_call(function, args, given):
            return function(*args, **given)

    @functools.wraps(function)
    async def acall(*args: P.args, **given: P.kwargs) -> Any:
        args, given = _native(args, given)  # type: ignore[assignment]
        with _answering_call(function, args, given):
            return await function(*args, **given)  # type: ignore[misc]

    return acall if inspect.iscoroutinefunction(function) else call  # type: ignore[return-value]


def _native(args: tuple[Any, ...], given: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return tuple(map(native, args)), {name: native(value) for name, value in given.items()}


@contextlib.contextmanager
def _answering_call(function: Callable[..., Any], args: tuple[Any, ...], given: Mapping[str, Any]) -> Iterator[None]:
    """Where a call raises an error of Python's own, say what of it does not fit."""
    try:
        yield
    except MlforgeError:
        raise
    except Exception:
        with _answering_values(function, args, given):
            raise


def _answering_values(
    function: Callable[..., Any], args: tuple[Any, ...], given: Mapping[str, Any]
) -> contextlib.AbstractContextManager[None]:
    """Raise `Invalid` where a call does not fit its parameters; else what answers for the kinds of its values."""
    signature = inspect.signature(function)
    called = type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__
    try:
        return answering(called, function, signature.bind(*args, **given).arguments)
    except TypeError as error:
        raise _of_shape(called, signature, args, given, error) from None


def _of_shape(
    called: str, signature: inspect.Signature, args: tuple[Any, ...], given: Mapping[str, Any], error: TypeError
) -> Invalid:  # fmt: skip
    """What to say of a call that has too many values, too few, or one by a word that is not there."""
    parameters = {n: p for n, p in signature.parameters.items() if n != "self"}
    try:
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            refuse_unknown(called, given, parameters)
        _refuse_places(called, len(args) - (len(parameters) < len(signature.parameters)), parameters)
    except Invalid as found:
        return found
    named = {n: p for n, p in parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    needed = [n for n, p in named.items() if p.default is p.empty] or list(named)[:4]
    return Invalid(f"{called}: {error}.", hint=f"{called}({', '.join(f'{n}=…' for n in needed)})")


def refuse_unknown(called: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise `Invalid` for the first keyword that a call does not have.

    Example:
        >>> refuse_unknown("Sum", ["window"], ["windows", "name"])
        Traceback (most recent call last):
        mlforge.errors.Invalid: Sum has no window=. Did you mean 'windows'?
    """
    names = tuple(known)
    if wrong := next((word for word in given if word not in names), None):
        raise Invalid(f"{called} has no {wrong}=.", hint=nearest(wrong, names))


def _misspelled(cls: Any, places: int, given: Mapping[str, Any]) -> Invalid | None:
    """What to say of a word too many or too few; None where a call was wrong in another way."""
    fields, name = cls.__struct_fields__, cls.__name__
    try:
        refuse_unknown(name, given, fields)
        _refuse_places(name, places, inspect.signature(cls).parameters)
    except Invalid as found:
        return found
    needed = fields[: len(fields) - len(cls.__struct_defaults__)]
    shape = f"{name}({', '.join(f'{field}=…' for field in needed or fields[:4])})"
    missing = [field for field in needed[places:] if field not in given]
    return Invalid(f"{name} needs {missing[0]}.", hint=shape) if missing else None


def _refuse_places(called: str, places: int, parameters: Mapping[str, inspect.Parameter]) -> None:
    """Raise `Invalid` for more values without a name than there are places, showing the first name for what is over."""
    if any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        return
    placed = [n for n, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    if places <= len(placed):
        return
    if not parameters:
        raise Invalid(f"{called} takes no values, not {places}.", hint=f"{called}()")
    following = next((n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY), None)
    if following is None and any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        following = "name"  # a metric's details
    shape = f"{called}({', '.join(f'{n}=…' for n in (*placed, following) if n is not None)})"
    if following is None:
        raise Invalid(f"{called} takes {_counted(len(placed))}, not {places}.", hint=shape)
    takes = f"{_counted(len(placed))} without a name" if placed else "no value without a name"
    raise Invalid(f"{called} takes {takes}, not {places}.", hint=f"Give it by name: {shape}")


def _counted(places: int) -> str:
    return "1 value" if places == 1 else f"{places} values"
