"""Entity keys: one hash for every engine, store and server.

A component is written as its type's letter, the length in bytes of its text, a colon and the text; components follow
each other without a separator, so no two different keys give the same bytes. The key is the first 128 bits of the
SHA-256 of those bytes, as 32 hex digits. Null is `n0:`, which no text can spell.

| type | letter | text |
|---|---|---|
| integer | `i` | decimal digits |
| string | `s` | itself, UTF-8 |
| boolean | `b` | `0` or `1` |
| date | `d` | days since 1970-01-01 |
| instant | `t` | microseconds since 1970-01-01 00:00 UTC |
| binary | `x` | lower-case hex digits |
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from mlforge.errors import Invalid

KeyValue = int | str | bool | date | datetime | bytes | None
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Key(msgspec.Struct, frozen=True):
    """A key column; with `sources`, one that is made of other columns by `surrogate_key`."""

    name: str
    sources: tuple[str, ...] = ()


class BadKey(Invalid):
    """An entity whose key cannot be used. `entity` is its number, `column` its key's, `dtype` the type that is wanted.

    `column` is empty where no single one is meant, `dtype` where the type is not what is wrong. `what` is `input` where
    it is no key but an input of a request feature, and `value` where a value cannot be computed.
    """

    def __init__(
        self, message: str, hint: str, *, entity: int = 0, column: str = "", value: Any = None, dtype: str = "",
        what: str = "key",
    ) -> None:  # fmt: skip
        super().__init__(message, hint)
        self.what = what
        self.entity, self.column, self.value, self.dtype = entity, column, value, dtype


def encode_component(value: KeyValue) -> bytes:
    """One component of a key, typed and prefixed by its length."""
    kind = type(value)
    if kind is int or kind is str:
        data = str(value).encode()
        return b"%b%d:%b" % (b"i" if kind is int else b"s", len(data), data)
    letter, text = _letter_and_text(value)
    data = text.encode()
    return f"{letter}{len(data)}:".encode() + data


def _letter_and_text(value: KeyValue) -> tuple[str, str]:
    match value:
        case None:
            return "n", ""
        case _ if plain_value(value) is None:
            return "n", ""
        case bool():
            return "b", str(int(value))
        case int():
            return "i", int.__repr__(value)  # an enumeration's own text is another
        case str():
            return "s", str.__str__(value)
        case bytes():
            return "x", value.hex()
        case datetime():
            aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
            return "t", str((aware - _EPOCH) // timedelta(microseconds=1))
        case date():
            return "d", str((value - _EPOCH.date()).days)
    raise Invalid(
        f"A {type(value).__name__} cannot be part of a key: {value!r}.",
        hint="Keys are integers, strings, booleans, dates, instants or bytes; cast or format what is none.",
    )


def plain_value(value: Any) -> Any:
    """A plain Python value, of NumPy's scalars too; null for pandas' `NA` and for `NaT`, which is a datetime."""
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return value.item()
    return None if type(value).__name__ in ("NaTType", "NAType") else value


def surrogate_key(*values: KeyValue) -> str:
    """The key that stands for these values, the same in every engine, store and process.

    Args:
        values: One value a column, in the columns' order. A null is a value like any other.

    Returns:
        32 hex digits.

    Raises:
        Invalid: A value of another type, or no value at all.

    Example:
        >>> surrogate_key("Ada", None) == surrogate_key("Ada", "None")
        False
    """
    if not values:
        raise Invalid("A surrogate key needs at least one value.", hint="surrogate_key(first_name, last_name)")
    return hash_components(b"".join(map(encode_component, values)))


def hash_components(components: bytes) -> str:
    """The key of components that are encoded and joined."""
    return hashlib.sha256(components).hexdigest()[:32]


def keys_of_one(values: Sequence[int] | Sequence[str]) -> list[str]:
    """`surrogate_key` of each of some integers, or of some strings."""
    if type(values[0]) is int or max(map(len, values)) <= _SHORT:  # type: ignore[arg-type] # then they are strings
        return list(map(_known_key, values))
    return list(map(surrogate_key, values))


_SHORT = 100
_known_key = lru_cache(1 << 14, typed=True)(surrogate_key)
