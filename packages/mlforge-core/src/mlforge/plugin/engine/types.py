"""The words for types: how they are read, what families they are of, and how an engine translates them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from mlforge.errors import Invalid
from mlforge.model.schema import is_numeric

T = TypeVar("T")

_DECIMAL = re.compile(r"Decimal\((\d+), ?(\d+)\)")
_LIST = re.compile(r"List\((.+)\)")


def is_decimal(word: str) -> bool:
    """Whether it is `Decimal(p, s)`.

    Example:
        >>> is_decimal("Decimal(10, 2)"), is_decimal("Float64")
        (True, False)
    """
    return word.startswith("Decimal")


def digits(word: str) -> tuple[int, int]:
    """How many digits a `Decimal(p, s)` has, and how many of them stand after the point.

    Example:
        >>> digits("Decimal(10, 2)")
        (10, 2)
    """
    match = _DECIMAL.fullmatch(word)
    if match is None:
        raise Invalid(f"{word!r} is no decimal.", hint="Such as Decimal(10, 2).")
    return int(match[1]), int(match[2])


def is_list(word: str) -> bool:
    """Whether it is `List(T)`.

    Example:
        >>> is_list("List(Int64)"), is_list("Int64")
        (True, False)
    """
    return word.startswith("List")


def family(word: str) -> str:
    """What compares with what: all numbers are one family, every other type is one of its own.

    Example:
        >>> [family(word) for word in ("Int8", "Decimal(10, 2)", "Boolean", "List(Int8)")]
        ['Number', 'Number', 'Boolean', 'List(Int8)']
    """
    return "Number" if is_numeric(word) else word


def translated(word: str, simple: Mapping[str, T], decimal: Callable[[int, int], T], several: Callable[[T], T]) -> T:
    """An engine's own type for a word.

    Args:
        word: The word, such as `List(Decimal(10, 2))`.
        simple: The engine's types for the words without arguments.
        decimal: Its type of decimals with so many digits, so many of them after the point.
        several: Its type of lists of another one.

    Raises:
        Invalid: The word is none.

    Example:
        >>> sql = {"Int64": "BIGINT"}
        >>> translated("List(Int64)", sql, "DECIMAL({}, {})".format, "{}[]".format)
        'BIGINT[]'
        >>> translated("int64", sql, "DECIMAL({}, {})".format, "{}[]".format)
        Traceback (most recent call last):
        mlforge.errors.Invalid: 'int64' is not a type. Types: Int64, Decimal(p, s) and List(T).
    """
    if word in simple:
        return simple[word]
    if match := _DECIMAL.fullmatch(word):
        return decimal(int(match[1]), int(match[2]))
    if match := _LIST.fullmatch(word):
        return several(translated(match[1], simple, decimal, several))
    raise Invalid(f"{word!r} is not a type.", hint=f"Types: {', '.join(simple)}, Decimal(p, s) and List(T).")


def cannot_hold(column: str, dtype: object, way_out: str | None) -> Invalid:
    """The error for a column of a type that has no word.

    Args:
        column: The column.
        dtype: The engine's own type, as its users know it.
        way_out: What to do about it in the function, in the engine's words; None for the advice that always holds.

    Example:
        >>> print(cannot_hold("payload", "STRUCT", "take its fields apart: s.field"))
        Column 'payload' is STRUCT, which a feature cannot hold. In the function, take its fields apart: s.field.
    """
    advice = way_out or "cast it to another type, or leave it out"
    return Invalid(f"Column {column!r} is {dtype}, which a feature cannot hold.", hint=f"In the function, {advice}.")


class Words(Mapping[str, str], Generic[T]):
    """The columns of a frame and the words for their types, each found when it is asked for.

    So a type that has no word is refused where somebody computes with its column, and not before.

    Args:
        types: The columns and the engine's own types, in order.
        word: The word for a type; raises `Invalid` for a type that has none, naming the column.

    Example:
        >>> words = Words({"n": int}, lambda dtype, column: {int: "Int64"}[dtype])
        >>> words["n"], list(words)
        ('Int64', ['n'])
    """

    def __init__(self, types: Mapping[str, T], word: Callable[[T, str], str]) -> None:
        self._types, self._word = types, word

    def __getitem__(self, name: str) -> str:
        return self._word(self._types[name], name)

    def __contains__(self, name: object) -> bool:
        return name in self._types

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)
