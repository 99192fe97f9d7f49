"""Expressions with their types: what an operation means is decided here, and an engine only writes it down.

A typed expression is a tree of `Read`, `Constant`, `Cast`, `Digits`, `Scaled`, `OneOf`, `Found` and `Operation`. Each
has a `word`, that of its type. Conversions stand in it as `Cast`, so that the arguments of an operation are what an
engine's own needs:

- an operation of `COMPARISONS` has two arguments of one family. Numbers are both integers, of any width, or Float64;
- an operation of `ARITHMETIC` whose word is Float64 has arguments that are Float64; one whose word is Int64 has
  integers of any width, is computed without overflow and must then fit 64 bits. `div` has Float64 and is null where
  the divisor is 0;
- `if` and `coalesce` have values of their own type; `if` and the connectives have conditions that are Boolean;
- `is_nan` has a Float64, `length` a String, `is_null` and `duplicated` anything.

Values of two kinds do not mix. A date compares with an instant; nothing else does with another. A boolean is no number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar

import msgspec

from mlforge.errors import Invalid
from mlforge.model.expr import Call, Col, Expr, IsIn, It, Lit, Matches
from mlforge.model.schema import is_float, is_integer
from mlforge.plugin.engine.columns import no_column
from mlforge.plugin.engine.types import family, is_decimal, is_list

COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
ARITHMETIC = ("add", "sub", "mul", "neg", "abs")
_NULL = "Null"  # the word for a bare null, until what stands beside it says what it is
_THINGS = {
    "Number": "a number", "String": "text", "Boolean": "a boolean", "Date": "a date", "Datetime": "an instant",
    "Binary": "bytes", "Time": "a time of day", "Duration": "a length of time",
}  # fmt: skip
_EXAMPLES = {
    "Number": "0", "String": '"a"', "Boolean": "True", "Date": "datetime.date(2024, 2, 29)",
    "Datetime": "datetime.datetime(2024, 2, 29, 12)", "Binary": 'b"a"',
}  # fmt: skip


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
    """A value made another type: an integer, a boolean, a decimal or a float a wider number, a date an instant.

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
        >>> typed(Col("s").matches("^a"), {"s": "String"}).pattern
        '^a'
    """

    word: ClassVar[str] = "Boolean"

    arg: Typed
    pattern: str


class Operation(msgspec.Struct, frozen=True):
    """An operation of `mlforge.model.expr.OPERATIONS` on arguments it can be computed of.

    Example:
        >>> ratio = typed(Col("n") / Col("m"), {"n": "Int64", "m": "Float64"})
        >>> ratio.op, ratio.args[0], ratio.word
        ('div', Cast(of=Read(name='n', word='Int64'), word='Float64'), 'Float64')
    """

    op: str
    args: tuple[Typed, ...]
    word: str


Typed = Read | Constant | Cast | Digits | Scaled | OneOf | Found | Operation
Leaf = Callable[[Expr], Typed]


def typed(expr: Expr, words: Mapping[str, str]) -> Typed:
    """An expression over rows with its types. A column by itself keeps its own; a bare null is an Int64.

    Args:
        expr: The expression.
        words: The columns and the words for their types.

    Raises:
        Invalid: A column that is not there, values that do not go together, or what has no value in a row.

    Example:
        >>> typed(Col("n") + 1, {"n": "Int8"}).word
        'Int64'
        >>> typed(Col("day") > 0, {"day": "Date"})
        Traceback (most recent call last):
        mlforge.errors.Invalid: gt compares a date with a number. Compare a date with a date, such as ...
    """
    return typed_over(expr, lambda leaf: _in_a_row(leaf, words))


def condition(expr: Expr, words: Mapping[str, str]) -> Typed:
    """An expression over rows that is true, false or unknown. Raises `Invalid` for one of another type, too.

    Example:
        >>> condition(Col("late"), {"late": "Boolean"})
        Read(name='late', word='Boolean')
    """
    return _boolean("The condition", typed_over(expr, lambda leaf: _in_a_row(leaf, words), null="Boolean"))


def typed_over(expr: Expr, leaf: Leaf, null: str = "Int64") -> Typed:
    """An expression with its types, given those of its leaves; a bare null is of the type `null`.

    Example:
        >>> typed_over(Lit(2) * Col("n"), lambda leaf: Read(leaf.name, "Float32")).word
        'Float64'
    """
    return _unless_null(_typed(expr, leaf), null)


def _in_a_row(leaf: Expr, words: Mapping[str, str]) -> Read:
    match leaf:
        case Col(name):
            if name not in words:
                raise no_column(name, words, "The frame")
            return Read(name, words[name])
        case It():
            raise Invalid("it() stands for a validator's column, and there is none.", hint='Use col("amount").')
        case _:
            raise Invalid(f"{type(leaf).__name__} is no expression over rows.", hint="Put it in a metric.")


def _typed(expr: Expr, leaf: Leaf) -> Typed:
    match expr:
        case Lit(value):
            return constant(value)
        case IsIn(arg, values):
            return _one_of(_computed(arg, leaf), values)
        case Matches(arg, pattern):
            return Found(_text("matches", _computed(arg, leaf)), pattern)
        case Call("duplicated") if not expr.column_names:
            raise Invalid("duplicated needs a column, not a constant.", hint='col("order_id").duplicated()')
        case Call(op, args):
            return _operation(op, [_computed(a, leaf) for a in args])
        case _:
            return leaf(expr)


def _computed(expr: Expr, leaf: Leaf) -> Typed:
    """An argument of an operation: single floats and decimals are computed with as Float64."""
    node = _typed(expr, leaf)
    return _cast(node, "Float64") if node.word == "Float32" or is_decimal(node.word) else node


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
            return Constant(None, _NULL)
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
        case _:
            raise Invalid(f"{value!r} is no constant.", hint="Constants are numbers, text, bytes, dates and times.")


def _width(value: int) -> str:
    if not -(2**63) <= value < 2**64:
        raise Invalid(
            f"An integer of {value.bit_length():,} bits does not fit 64 bits.",
            hint="Write it as a float, such as 1e20.",
        )
    return "Int64" if value < 2**63 else "UInt64"


def _in_utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{value} is not within the years 1 to 9999 in UTC.", hint="Give an instant in UTC.") from None


def _cast(node: Typed, word: str) -> Typed:
    if node.word == word:
        return node
    return (_converted(node, word) if isinstance(node, Constant) else None) or Cast(node, word)


def _converted(node: Constant, word: str) -> Constant | None:
    """A constant of another type, where it need not be computed."""
    match node.value:
        case None:
            return Constant(None, word)
        case _ if node.word == word:
            return node
        case int(value) if word == "Float64":
            return Constant(float(value), word)
        case date() as day if word == "Datetime":
            return Constant(datetime.combine(day, time(), UTC), word)
        case _:
            return None


def _unless_null(node: Typed, word: str) -> Typed:
    """The node; of a type, where it is a bare null."""
    return _cast(node, word) if node.word == _NULL else node


def _operation(op: str, args: Sequence[Typed]) -> Typed:
    if op in COMPARISONS:
        return Operation(op, _alike(op, *args), "Boolean")
    if op in ARITHMETIC:
        word = _widest(op, args)
        return Operation(op, tuple(_cast(a, word) if word == "Float64" else _unless_null(a, word) for a in args), word)
    return _OTHERS[op](op, args)


def _alike(op: str, left: Typed, right: Typed) -> tuple[Typed, Typed]:
    """Both sides of a comparison, of one type where they have to be."""
    left, right = _unless_null(left, right.word), _unless_null(right, left.word)
    left, right = _unless_null(left, "Boolean"), _unless_null(right, "Boolean")
    _need_alike(op, left, right)
    if op not in ("eq", "ne") and is_list(left.word):
        raise Invalid(f"{op} needs values with an order, not {left.word}.", hint="Compare their elements.")
    left, right = _whole_beside(left, right), _whole_beside(right, left)
    if is_float(left.word) or is_float(right.word):
        return _cast(left, "Float64"), _cast(right, "Float64")
    if left.word != right.word and "Datetime" in (left.word, right.word):
        return _cast(left, "Datetime"), _cast(right, "Datetime")
    return left, right


def _need_alike(op: str, left: Typed, right: Typed) -> None:
    if family(left.word) == family(right.word) or {left.word, right.word} == {"Date", "Datetime"}:
        return
    thing = _thing(left.word)
    example = _EXAMPLES.get(family(left.word))
    like = f"Compare {thing} with {thing}, such as {example}, or cast" if example else "Cast"
    raise Invalid(f"{op} compares {thing} with {_thing(right.word)}.", hint=f"{like} {_called(left)} in the function.")


def _thing(word: str) -> str:
    return _THINGS.get(family(word), f"a {word}")


def _called(node: Typed) -> str:
    match node:
        case Read(name) | Cast(Read(name)):
            return repr(name)
        case _:
            return "one of them"


def _whole(node: Constant) -> Constant:
    """A whole float as an integer."""
    value = node.value
    if isinstance(value, float) and value.is_integer() and -(2**63) <= value < 2**64:
        return constant(int(value))
    return node


def _whole_beside(node: Typed, other: Typed) -> Typed:
    """A whole float beside integers is an integer, so that large ones keep their last digits."""
    return _whole(node) if isinstance(node, Constant) and is_integer(other.word) else node


def _one_of(arg: Typed, values: Sequence[Any]) -> Typed:
    given = [constant(v) for v in values]
    known = [c for c in given if c.word != _NULL]
    unknown = len(known) < len(given)
    if arg.word == _NULL:
        return OneOf(Constant(None, "Boolean"), (), unknown)
    for one in known:
        _need_alike("is_in", arg, one)
    if "Datetime" in (arg.word, *(c.word for c in known)):
        arg, known = _cast(arg, "Datetime"), [_converted(c, "Datetime") or c for c in known]
    if family(arg.word) == "Number":
        known = [made for c in known if (made := _held(c, arg.word))]
    return OneOf(arg, tuple(known), unknown)


def _held(number: Constant, word: str) -> Constant | None:
    """A number as one of a type; None where that does not hold it, so that no value can be it."""
    if is_float(word):
        made = float(number.value)
        return Constant(made, word) if made == number.value or math.isnan(made) else None
    whole = _whole(number)
    return whole if is_integer(whole.word) else None


def _widest(op: str, args: Sequence[Typed]) -> str:
    """Int64 of integers, Float64 where there is a float."""
    if wrong := next((a.word for a in args if family(a.word) not in ("Number", _NULL)), None):
        raise Invalid(f"{op} needs numbers, not {wrong}.", hint="Compute with integers and floats.")
    return "Float64" if any(is_float(a.word) for a in args) else "Int64"


def _division(op: str, args: Sequence[Typed]) -> Typed:
    _widest(op, args)
    return Operation(op, tuple(_cast(a, "Float64") for a in args), "Float64")


def _connected(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, tuple(_boolean(op, a) for a in args), "Boolean")


def _boolean(op: str, arg: Typed) -> Typed:
    if arg.word not in ("Boolean", _NULL):
        raise Invalid(f"{op} needs a boolean, not {arg.word}.", hint='Compare it: col("amount") > 0.')
    return _cast(arg, "Boolean")


def _text(op: str, arg: Typed) -> Typed:
    if arg.word not in ("String", _NULL):
        raise Invalid(f"{op} needs text, not {arg.word}.", hint=f"Cast {_called(arg)} to text in the function.")
    return _cast(arg, "String")


def _choice(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, (_boolean(op, args[0]), *(found := _of_one_type(op, args[1:]))), found[0].word)


def _first(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, found := _of_one_type(op, args), found[0].word)


def _of_one_type(op: str, args: Sequence[Typed]) -> tuple[Typed, ...]:
    """Values under the type they all have, or the one that holds all their numbers."""
    words = list(dict.fromkeys(a.word for a in args if a.word != _NULL))
    if other := next((w for w in words if family(w) != family(words[0])), None):
        raise Invalid(f"{op} mixes {_thing(words[0])} and {_thing(other)}.", hint="Give it values of one kind.")
    word = words[0] if len(words) == 1 else _widest(op, args)
    return tuple(_cast(a, word) for a in args)


def _is_nan(op: str, args: Sequence[Typed]) -> Typed:
    """No other value than a float is NaN."""
    arg = _unless_null(args[0], "Float64")
    if is_float(arg.word):
        return Operation(op, (arg,), "Boolean")
    no = Constant(None, "Boolean"), Constant(value=False, word="Boolean")
    return Operation("if", (Operation("is_null", (arg,), "Boolean"), *no), "Boolean")


def _length(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, (_text(op, args[0]),), "Int64")


def _of_anything(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, (_unless_null(args[0], "Int64"),), "Boolean")


_OTHERS: dict[str, Callable[[str, Sequence[Typed]], Typed]] = {
    "div": _division,
    "not": _connected,
    "and": _connected,
    "or": _connected,
    "if": _choice,
    "coalesce": _first,
    "is_nan": _is_nan,
    "length": _length,
    "is_null": _of_anything,
    "duplicated": _of_anything,
}
