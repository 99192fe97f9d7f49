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
from mlforge.model.constants import to_the_microsecond

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
    letter, text = _letter_and_text(plain_value(value))
    data = text.encode()
    return f"{letter}{len(data)}:".encode() + data


def _letter_and_text(value: KeyValue) -> tuple[str, str]:
    match value:
        case None:
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
            return "t", str(_micros(value))
        case date():
            return "d", str((value - _EPOCH.date()).days)
    raise Invalid(
        f"A {type(value).__name__} cannot be part of a key: {value!r}.",
        hint="Keys are integers, strings, booleans, dates, instants or bytes; cast or format what is none.",
    )


def _micros(time: datetime) -> int:
    try:
        aware = time.replace(tzinfo=UTC) if time.tzinfo is None else time
        return (aware - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, NotImplementedError):  # pandas' times go further than Python's
        raise Invalid(
            f"{time} cannot be part of a key: times lie in the years 1 to 9999.", hint="Look where it comes from."
        ) from None


def plain_value(value: Any) -> Any:
    """A plain Python value, of NumPy's scalars too, times of which are cut off at the microsecond.

    Null for pandas' `NA` and `NaT`, which is a datetime, for NumPy's, and for what is masked.

    Example:
        >>> import numpy as np
        >>> plain_value(np.datetime64("2026-01-05T12:00", "ns")), plain_value(np.ma.masked)
        (datetime.datetime(2026, 1, 5, 12, 0), None)
    """
    if type(value).__name__ in _NULLS:
        return None
    plain = to_the_microsecond(value)
    is_time = type(plain).__name__ in ("datetime64", "timedelta64")
    return None if is_time and plain != plain else plain  # noqa: PLR0124 - NaT is not equal to itself


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
    try:
        return hash_of(*values)
    except UnicodeEncodeError as error:
        raise Invalid(f"{error.object!r} is no Unicode text.", hint="It holds half a character.") from None
    except ValueError:  # Python writes no integers of more than some thousand digits
        raise Invalid(
            "An integer of too many digits cannot be part of a key.",
            hint="No key has so many: look where it comes from.",
        ) from None


def hash_of(*values: KeyValue) -> str:
    """`surrogate_key` of one value or more; Python's own errors for text and integers that cannot be written."""
    return hash_components(b"".join(map(encode_component, values)))


def hash_components(components: bytes) -> str:
    """The key of components that are encoded and joined."""
    return hashlib.sha256(components).hexdigest()[:32]


def keys_of_one(values: Sequence[int] | Sequence[str]) -> list[str]:
    """`surrogate_key` of each of some integers, or of some strings."""
    if type(values[0]) is int or max(map(len, values)) <= _SHORT:  # type: ignore[arg-type] # then they are strings
        return list(map(_known_key, values))
    return list(map(hash_of, values))


_SHORT = 100
_known_key = lru_cache(1 << 14, typed=True)(hash_of)
_NULLS = frozenset({"NaTType", "NAType", "MaskedConstant"})
