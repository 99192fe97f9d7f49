"""Which entity is meant: key values as people write them, as the values that rows have."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from mlforge.errors import Invalid, nearest
from mlforge.model.keys import Key, KeyValue, plain_value, surrogate_key
from mlforge.model.meta import FeatureMeta
from mlforge.model.schema import is_integer, limits_of

TypesOf = Callable[[Key], Mapping[str, str]]
"""Gives the types of the columns that a surrogate key is made of."""

_SUCH_AS = {"Boolean": "true", "Date": "2013-06-01", "Datetime": "2013-06-01T12:00", "Binary": "00ff"}


def entity_of(meta: FeatureMeta, given: Mapping[str, Any], types: TypesOf) -> dict[str, KeyValue]:
    """The key values of one entity of a version; a surrogate key is made of its sources where those are given.

    Raises:
        Invalid: A key that is missing, that the feature has not, or that is not of its type.
    """
    _refuse_strangers(meta, given)
    plain = {name: plain_value(value) for name, value in given.items()}
    return {key.name: _value(key, meta, plain, types) for key in meta.keys}


def key_value(value: Any, dtype: str, name: str) -> KeyValue:
    """A key's value from text or from a value of its type. Raises `Invalid` for another.

    Example:
        >>> key_value("42", "Int64", "user_id")
        42
    """
    try:
        found = _from_text(value, dtype) if isinstance(value, str) else _typed(value, dtype)
        if found is not None and _fits(found, dtype):
            return found
    except (ValueError, OverflowError):
        pass
    raise Invalid(f"{name}={value!r} is not of the key's type, {dtype}.", hint=f"Such as {name}={_example(dtype)}.")


def _value(key: Key, meta: FeatureMeta, given: Mapping[str, Any], types: TypesOf) -> KeyValue:
    if key.name in given:
        if both := [s for s in key.sources if s in given]:
            raise Invalid(f"{key.name!r} is made of {both[0]!r}, and both are given.", hint="Give one of them.")
        if given[key.name] is None:
            raise Invalid(f"{key.name!r} is null.", hint="Rows without a key are in no feature: name an entity.")
        return key_value(given[key.name], meta.schema.dtype(key.name), key.name)
    if lost := [s for s in key.sources or (key.name,) if s not in given]:
        ways = f"{key.name}, or {' and '.join(key.sources)}" if key.sources else ", ".join(meta.entity_keys)
        raise Invalid(f"{meta.name!r} needs the key {lost[0]!r}.", hint=f"One entity is named by {ways}.")
    return surrogate_key(*source_values(key, given, types).values())


def source_values(key: Key, given: Mapping[str, Any], types: TypesOf) -> dict[str, KeyValue]:
    """The values that a surrogate key is made of; a null is one like any other. Raises `Invalid` for another type."""
    dtypes, plain = types(key), {s: plain_value(given[s]) for s in key.sources}
    return {s: None if value is None else key_value(value, dtypes[s], s) for s, value in plain.items()}


def _refuse_strangers(meta: FeatureMeta, given: Mapping[str, Any]) -> None:
    known = [n for k in meta.keys for n in (k.name, *k.sources)]
    key: Any = given
    if not isinstance(key, Mapping):
        raise Invalid(f"{key!r} names no entity of {meta.name!r}.", hint=_naming(meta, key))
    for name, value in given.items():
        if name not in known:
            raise Invalid(f"{name!r} is no key of {meta.name!r}.", hint=nearest(name, known))
        if isinstance(value, list | tuple | set):
            raise Invalid(f"{name!r} is given {len(value)} values.", hint="One entity is explained at a time.")


def _naming(meta: FeatureMeta, key: Any) -> str:
    """The hint to say which key a value is of, where there is one for each."""
    values = key if isinstance(key, list | tuple) else [key]
    fits = len(values) == len(meta.keys)
    named = dict(zip(meta.entity_keys, values, strict=True)) if fits else ", ".join(meta.entity_keys)
    return f"Name its keys: {named}."


def _from_text(text: str, dtype: str) -> KeyValue:
    match dtype:
        case "String":
            text.encode()  # half a character is no text
            return text
        case "Boolean":
            return {"true": True, "false": False}.get(text.lower())
        case "Date":
            return date.fromisoformat(text)
        case "Datetime":
            return _aware(datetime.fromisoformat(text))
        case "Binary":
            return bytes.fromhex(text)
        case _:
            return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else None


def _typed(value: Any, dtype: str) -> KeyValue:
    """A value that has the type already, whatever library it comes from."""
    match dtype:
        case "Boolean":
            return value if isinstance(value, bool) else None
        case "Date":
            return value if isinstance(value, date) and not isinstance(value, datetime) else None
        case "Datetime":
            return _aware(value) if isinstance(value, datetime) else None
        case "Binary":
            return value if isinstance(value, bytes) else None
        case "String":
            return None
        case _:
            return operator.index(value) if hasattr(value, "__index__") and not isinstance(value, bool) else None


def _aware(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _fits(value: KeyValue, dtype: str) -> bool:
    """Whether an integer is within its type's bounds."""
    if not is_integer(dtype) or not isinstance(value, int):
        return True
    least, most = limits_of(dtype)
    return least <= value <= most


def _example(dtype: str) -> str:
    return "42" if is_integer(dtype) else _SUCH_AS.get(dtype, "ada")
