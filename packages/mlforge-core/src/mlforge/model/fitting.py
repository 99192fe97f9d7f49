"""Values of a call that are not of the kind that its signature says, answered in words."""

from __future__ import annotations

import contextlib
import functools
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union

from mlforge.errors import Invalid, MlforgeError

_WORDS = {
    str: "text", bool: "True or False", int: "a whole number", float: "a number", bytes: "bytes", NoneType: "None",
}  # fmt: skip
_LONGEST = 80


def refuse_misfits(called: str, signed: Callable[..., Any], given: Mapping[str, object]) -> None:
    """Raise `Invalid` for the first value that is not of the kind that a signature says.

    Example:
        >>> def agg(word: str): ...
        >>> refuse_misfits("agg", agg, {"word": ["sum", "last"]})
        Traceback (most recent call last):
        mlforge.errors.Invalid: agg has word=['sum', 'last'], which is a list. Give text for word=.
    """
    kinds = _kinds(signed)
    for name, value in given.items():
        if name in kinds and not _fits(value, kinds[name]):
            kind = type(value).__name__
            raise Invalid(
                f"{called} has {name}={_shown(value)}, which is {'an' if kind[0] in 'aeioAEIO' else 'a'} {kind}.",
                hint=f"Give {' or '.join(_told(kinds[name]))} for {name}=.",
            )


@contextlib.contextmanager
def answering(called: str, signed: Callable[..., Any], given: Mapping[str, object]) -> Iterator[None]:
    """Say which value does not fit, where an error of Python's own comes of it.

    Example:
        >>> def agg(word: str): ...
        >>> with answering("agg", agg, {"word": 3}):
        ...     _ = 3 + ""
        Traceback (most recent call last):
        mlforge.errors.Invalid: agg has word=3, which is an int. Give text for word=.
    """
    try:
        yield
    except MlforgeError:
        raise
    except Exception as cause:
        try:
            refuse_misfits(called, signed, given)
        except Invalid as misfit:
            raise misfit from cause
        raise


@functools.cache
def _kinds(signed: Callable[..., Any]) -> dict[str, Any]:
    """The kinds of a signature's values by their names; without those that only type checkers can know."""
    try:
        return typing.get_type_hints(signed)
    except (NameError, TypeError, AttributeError):
        names = {**getattr(inspect.unwrap(signed), "__globals__", {})}
        found = {name: _evaluated(kind, names) for name, kind in getattr(signed, "__annotations__", {}).items()}
        return {name: kind for name, kind in found.items() if kind is not Any}


def _evaluated(kind: Any, names: dict[str, Any]) -> Any:
    try:
        return typing.get_type_hints(type("_", (), {"__annotations__": {"kind": kind}}), names)["kind"]
    except (NameError, TypeError, AttributeError):
        return Any


def _fits(value: object, kind: Any) -> bool:
    """Whether a value is of a kind; what cannot be told fits."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    if origin in (tuple, list, Sequence):
        return _is_listed(value, parts)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(all(map(_fits, item, parts)) for item in value.items())
    found = origin or kind
    if not isinstance(found, type):
        return kind is not None or value is None
    return _is_one(value, found)


def _is_one(value: object, kind: type) -> bool:
    if kind in (int, float) and isinstance(value, bool):
        return False
    try:
        return isinstance(value, (int, float) if kind is float else kind)
    except TypeError:  # a protocol that only type checkers can ask for
        return True


def _is_listed(value: object, parts: tuple[Any, ...]) -> bool:
    if not isinstance(value, list | tuple | set | frozenset | Sequence) or isinstance(value, str | bytes):
        return False
    kinds = parts[:1] * len(value) if len(parts) == 1 or parts[1:] == (...,) else parts
    return len(value) == len(kinds) and all(map(_fits, value, kinds))


def _told(kind: Any) -> list[str]:
    """The kinds of values as people say them, each once."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, UnionType):
        return list(dict.fromkeys(word for part in parts for word in _told(part)))
    if origin is Literal:
        return [repr(part) for part in parts]
    if origin in (tuple, list, Sequence):
        return ["a list of them" if not parts else f"a list of {_told(parts[0])[0]}"]
    if origin is Mapping and parts:
        return [f"a dict of {_told(parts[0])[0]} to {_told(parts[1])[0]}"]
    found = origin or kind
    return [_WORDS.get(found) or f"{'an' if found.__name__[0] in 'AEIO' else 'a'} {found.__name__}"]


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a value's own repr, or an integer of too many digits
        return "…"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
