"""Typed expressions: the nodes an engine writes down, and constants and conversions among them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

import msgspec

from mlforge.errors import Invalid

NULL = "Null"
"""The word for a bare null, until what stands beside it says what it is."""


class Read(msgspec.Struct, frozen=True):
    """A column, under the type it is kept in.

    Example:
        >>> Read("amount", "Float64").word
        'Float64'
    """

    name: str
    word: str


class Constant(msgspec.Struct, frozen=True):
    """A constant, or the null of a type. Instants are in UTC.

    Example:
        >>> Constant(None, "String").value is None
        True
    """

    value: Any
    word: str


class Cast(msgspec.Struct, frozen=True):
    """A value made another type; null where that does not hold it.

    - An integer, a boolean, a decimal or a float becomes a float, or an integer, which is without what was behind the
      point. Infinities and NaN are no integers.
    - Text, which has been found to say one, becomes the number it says.
    - An integer becomes its digits, a boolean `true` or `false`, a date `2024-02-29`.
    - A date becomes the instant its day begins at, an instant its day, in UTC.
    - An instant becomes the integer of its microseconds since the Unix epoch, a length of time that of its
      microseconds; and back. An instant beyond the years 1 to 9999 is null.

    Example:
        >>> Cast(Read("n", "Int8"), "Float64").of.word
        'Int8'
    """

    of: Typed
    word: str


class Digits(msgspec.Struct, frozen=True):
    """The whole number that a decimal's digits are, 125 for 1.25: what sums of decimals are made of.

    Args:
        arg: The decimal.
        word: `Decimal(p, 0)`. An engine holds it as an integer of 128 bits.

    Example:
        >>> Digits(Read("price", "Decimal(10, 2)"), "Decimal(10, 0)").word
        'Decimal(10, 0)'
    """

    arg: Typed
    word: str


class Scaled(msgspec.Struct, frozen=True):
    """The decimal with the digits of a whole one, 1.25 for 125: the inverse of `Digits`.

    Args:
        arg: A `Decimal(38, 0)`.
        word: `Decimal(38, s)`.

    Example:
        >>> Scaled(Read("a0", "Decimal(38, 0)"), "Decimal(38, 2)").arg.name
        'a0'
    """

    arg: Typed
    word: str


class OneOf(msgspec.Struct, frozen=True):
    """Whether a value is one of some constants of its own family; null where it is null.

    Args:
        arg: The value.
        constants: None of them is null.
        unknown: Whether the answer is null for a value that is none of them.

    Example:
        >>> from mlforge.model.expr import Col
        >>> from mlforge.plugin.engine.expressions import typed
        >>> typed(Col("n").is_in([1, 2.0, 2.5, None]), {"n": "Int64"})
        OneOf(arg=Read(...), constants=(Constant(value=1, ...), Constant(value=2, ...)), unknown=True)
    """

    word: ClassVar[str] = "Boolean"

    arg: Typed
    constants: tuple[Constant, ...]
    unknown: bool


class Found(msgspec.Struct, frozen=True):
    """Whether a pattern is found in a text.

    Example:
        >>> from mlforge.model.expr import Col
        >>> from mlforge.plugin.engine.expressions import typed
        >>> typed(Col("s").matches("^a"), {"s": "String"}).pattern
        '^a'
    """

    word: ClassVar[str] = "Boolean"

    arg: Typed
    pattern: str


class Operation(msgspec.Struct, frozen=True):
    """An operation of `mlforge.model.expr.OPERATIONS` on arguments it can be computed of.

    Example:
        >>> from mlforge.model.expr import Col
        >>> from mlforge.plugin.engine.expressions import typed
        >>> ratio = typed(Col("n") / Col("m"), {"n": "Int64", "m": "Float64"})
        >>> ratio.op, ratio.args[0], ratio.word
        ('div', Cast(of=Read(name='n', word='Int64'), word='Float64'), 'Float64')
    """

    op: str
    args: tuple[Typed, ...]
    word: str


class Part(msgspec.Struct, frozen=True):
    """A part of an instant, one of `mlforge.model.expr.PARTS`, on the clocks of a zone; of UTC without one.

    Example:
        >>> Part(Read("paid_at", "Datetime"), "hour", None).word
        'Int64'
    """

    word: ClassVar[str] = "Int64"

    arg: Typed
    part: str
    zone: str | None


Typed = Read | Constant | Cast | Digits | Scaled | OneOf | Found | Operation | Part
"""A typed expression."""


def reads(node: Typed) -> set[str]:
    """The columns that an expression reads.

    Example:
        >>> reads(Operation("is_null", (Cast(Read("n", "Int8"), "Float64"),), "Boolean"))
        {'n'}
    """
    match node:
        case Read(name):
            return {name}
        case Constant():
            return set()
        case Cast(of):
            return reads(of)
        case Operation(_, args):
            return set().union(*map(reads, args))
        case _:
            return reads(node.arg)


def constant(value: Any) -> Constant:
    """A constant with its type. A time without a zone is in UTC.

    Raises:
        Invalid: It is none, or it does not fit 64 bits.

    Example:
        >>> constant(2.5)
        Constant(value=2.5, word='Float64')
    """
    match value:
        case None:
            return Constant(None, NULL)
        case bool():
            return Constant(value, "Boolean")
        case int():
            return Constant(value, _width(value))
        case float():
            return Constant(value, "Float64")
        case str():
            return Constant(value, "String")
        case bytes():
            return Constant(value, "Binary")
        case datetime():
            return Constant(_in_utc(value), "Datetime")
        case date():
            return Constant(value, "Date")
        case timedelta():
            return Constant(_within_64_bits(value), "Duration")
        case _:
            raise Invalid(
                f"{value!r} is no constant.",
                hint="Constants are numbers, text, bytes, dates, times and lengths of time.",
            )


def _width(value: int) -> str:
    if not -(2**63) <= value < 2**64:
        raise Invalid(
            f"An integer of {value.bit_length():,} bits does not fit 64 bits.",
            hint="Write it as a float, such as 1e20.",
        )
    return "Int64" if value < 2**63 else "UInt64"


def _within_64_bits(value: timedelta) -> timedelta:
    if not -(2**63) <= value // timedelta(microseconds=1) < 2**63:
        raise Invalid(f"A length of {value.days:,} days does not fit 64 bits.", hint="Give a shorter one: days(7).")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{value} is not within the years 1 to 9999 in UTC.", hint="Give an instant in UTC.") from None


def cast(node: Typed, word: str) -> Typed:
    """The node as one of another type: as it is, a constant where it need not be computed, else a `Cast`.

    Example:
        >>> cast(Constant(1, "Int64"), "Float64")
        Constant(value=1.0, word='Float64')
    """
    if node.word == word:
        return node
    return (converted(node, word) if isinstance(node, Constant) else None) or Cast(node, word)


def converted(node: Constant, word: str) -> Constant | None:
    """A constant of another type, where it need not be computed.

    Example:
        >>> converted(Constant(None, "Null"), "String")
        Constant(value=None, word='String')
    """
    match node.value:
        case None:
            return Constant(None, word)
        case _ if node.word == word:
            return node
        case int(value) if word == "Float64":
            return Constant(float(value), word)
        case date() as day if word == "Datetime":
            return Constant(datetime.combine(day, time(), UTC), word)
        case timedelta() as length if word == "Int64":
            return Constant(length // timedelta(microseconds=1), word)
        case _:
            return None


def unless_null(node: Typed, word: str) -> Typed:
    """The node; of a type, where it is a bare null.

    Example:
        >>> unless_null(Constant(None, NULL), "String").word
        'String'
    """
    return cast(node, word) if node.word == NULL else node
