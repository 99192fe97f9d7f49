"""What each operation takes and gives: the rules of typed expressions, and what stands for what in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.schema import is_float, is_integer
from mlforge.plugin.engine.nodes import (
    NULL,
    Cast,
    Constant,
    Found,
    OneOf,
    Operation,
    Part,
    Read,
    Typed,
    cast,
    constant,
    converted,
    unless_null,
)
from mlforge.plugin.engine.types import family, is_list

COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
ARITHMETIC = ("add", "sub", "mul", "neg", "abs")
WHOLE, UNSIGNED = "^[+-]?[0-9]+$", "^[+]?[0-9]+$"
"""Text that says an integer, and one that is not below 0."""

REAL = r"^[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"
"""Text that says a float."""

_THINGS = {
    "Number": "a number", "String": "text", "Boolean": "a boolean", "Date": "a date", "Datetime": "an instant",
    "Binary": "bytes", "Time": "a time of day", "Duration": "a length of time",
}  # fmt: skip
_EXAMPLES = {
    "Number": "0", "String": '"a"', "Boolean": "True", "Date": "datetime.date(2024, 2, 29)",
    "Datetime": "datetime.datetime(2024, 2, 29, 12)", "Binary": 'b"a"',
}  # fmt: skip


def operation(op: str, args: Sequence[Typed]) -> Typed:
    """An operation on what it can be computed of. Raises `Invalid` for what it cannot.

    Example:
        >>> operation("add", [Read("n", "Int8"), Constant(1, "Int64")]).word
        'Int64'
    """
    if op in COMPARISONS:
        return Operation(op, _alike(op, *args), "Boolean")
    if (times := _on_times(op, args)) is not None:
        return times
    if op in ARITHMETIC:
        word = _widest(op, args)
        return Operation(op, tuple(cast(a, word) if word == "Float64" else unless_null(a, word) for a in args), word)
    return _OTHERS[op](op, args)


def _alike(op: str, left: Typed, right: Typed) -> tuple[Typed, Typed]:
    """Both sides of a comparison, of one type where they have to be."""
    left, right = unless_null(left, right.word), unless_null(right, left.word)
    left, right = unless_null(left, "Boolean"), unless_null(right, "Boolean")
    _need_alike(op, left, right)
    if op not in ("eq", "ne") and is_list(left.word):
        raise Invalid(f"{op} needs values with an order, not {left.word}.", hint="Compare their elements.")
    left, right = _whole_beside(left, right), _whole_beside(right, left)
    if is_float(left.word) or is_float(right.word):
        return cast(left, "Float64"), cast(right, "Float64")
    if left.word != right.word and "Datetime" in (left.word, right.word):
        return cast(left, "Datetime"), cast(right, "Datetime")
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


def one_of(arg: Typed, values: Sequence[Any]) -> Typed:
    """Whether a value is one of some constants. Raises `Invalid` for constants of another kind.

    Example:
        >>> one_of(Read("n", "Int64"), [1, 2.5]).constants
        (Constant(value=1, word='Int64'),)
    """
    given = [constant(v) for v in values]
    known = [c for c in given if c.word != NULL]
    unknown = len(known) < len(given)
    if arg.word == NULL:
        return OneOf(Constant(None, "Boolean"), (), unknown)
    for one in known:
        _need_alike("is_in", arg, one)
    if "Datetime" in (arg.word, *(c.word for c in known)):
        arg, known = cast(arg, "Datetime"), [converted(c, "Datetime") or c for c in known]
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
    if wrong := next((a.word for a in args if family(a.word) not in ("Number", NULL)), None):
        hint = _WITH_TIMES if wrong in _TIMES else "Compute with integers and floats."
        raise Invalid(f"{op} needs numbers, not {wrong}.", hint=hint)
    return "Float64" if any(is_float(a.word) for a in args) else "Int64"


def _division(op: str, args: Sequence[Typed]) -> Typed:
    _widest(op, args)
    return Operation(op, tuple(cast(a, "Float64") for a in args), "Float64")


def _connected(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, tuple(boolean(op, a) for a in args), "Boolean")


def boolean(op: str, arg: Typed) -> Typed:
    """What is true, false or unknown. Raises `Invalid` for anything else.

    Example:
        >>> boolean("and", Constant(None, NULL)).word
        'Boolean'
    """
    if arg.word not in ("Boolean", NULL):
        raise Invalid(f"{op} needs a boolean, not {arg.word}.", hint='Compare it: col("amount") > 0.')
    return cast(arg, "Boolean")


def text(op: str, arg: Typed) -> Typed:
    """Text. Raises `Invalid` for anything else.

    Example:
        >>> text("length", Constant(None, NULL)).word
        'String'
    """
    if arg.word not in ("String", NULL):
        raise Invalid(f"{op} needs text, not {arg.word}.", hint=f"Cast {_called(arg)} to text in the function.")
    return cast(arg, "String")


def _choice(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, (boolean(op, args[0]), *(found := _of_one_type(op, args[1:]))), found[0].word)


def _first(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, found := _of_one_type(op, args), found[0].word)


def _of_one_type(op: str, args: Sequence[Typed]) -> tuple[Typed, ...]:
    """Values under the type they all have, or the one that holds all their numbers."""
    words = list(dict.fromkeys(a.word for a in args if a.word != NULL))
    if other := next((w for w in words if family(w) != family(words[0])), None):
        raise Invalid(f"{op} mixes {_thing(words[0])} and {_thing(other)}.", hint="Give it values of one kind.")
    word = words[0] if len(words) == 1 else _widest(op, args)
    return tuple(_as_signed(a) if (a.word, word) == ("UInt64", "Int64") else cast(a, word) for a in args)


def _as_signed(node: Typed) -> Typed:
    """An Int64 that must fit, as a sum must: a cast would make it null."""
    return Operation("add", (node, Constant(0, "Int64")), "Int64")


def _is_nan(op: str, args: Sequence[Typed]) -> Typed:
    """No other value than a float is NaN."""
    arg = unless_null(args[0], "Float64")
    if is_float(arg.word):
        return Operation(op, (arg,), "Boolean")
    no = Constant(None, "Boolean"), Constant(value=False, word="Boolean")
    return Operation("if", (Operation("is_null", (arg,), "Boolean"), *no), "Boolean")


def _length(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, (text(op, args[0]),), "Int64")


def _of_anything(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, (unless_null(args[0], "Int64"),), "Boolean")


def _on_times(op: str, args: Sequence[Typed]) -> Typed | None:
    """An operation on times and lengths of time, computed with their microseconds; None where it is none.

    A null beside an instant that it is added to is a length of time, any other is what stands beside it.
    """
    kinds = ["Datetime" if a.word == "Date" else a.word for a in args]
    if NULL in kinds and len(kinds) == 2:
        beside = next((k for k in kinds if k != NULL), NULL)
        kinds = [("Duration" if (op, beside) == ("add", "Datetime") else beside) if k == NULL else k for k in kinds]
    word = _ON_TIMES.get((op, *kinds))
    if word is None:
        return None
    micros = [_micros(cast(a, k)) for a, k in zip(args, kinds, strict=True)]
    if word == "Float64":
        return Operation(op, tuple(cast(m, word) for m in micros), word)
    return cast(Operation(op, tuple(micros), "Int64"), word)


def _micros(node: Typed) -> Typed:
    """An instant, or a length of time, as the integer of its microseconds."""
    made_of_them = isinstance(node, Cast) and node.word == "Duration"
    return node.of if isinstance(node, Cast) and made_of_them else cast(node, "Int64")


def _floats(op: str, args: Sequence[Typed]) -> tuple[Typed, ...]:
    _widest(op, args)
    return tuple(cast(a, "Float64") for a in args)


def _only_if(condition: Typed, value: Typed) -> Typed:
    """The value where the condition is true, else null."""
    return Operation("if", (condition, value, Constant(None, value.word)), value.word)


def _compared(op: str, left: Typed, right: float | Typed) -> Typed:
    beside = Constant(right, "Float64") if isinstance(right, float) else right
    return Operation(op, (left, beside), "Boolean")


def _exponential(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, _floats(op, args), "Float64")


def _logarithm(op: str, args: Sequence[Typed]) -> Typed:
    (arg,) = _floats(op, args)
    return Operation(op, (_only_if(_compared("gt", arg, 0.0), arg),), "Float64")


def _root(op: str, args: Sequence[Typed]) -> Typed:
    (arg,) = _floats(op, args)
    return Operation(op, (_only_if(_compared("ge", arg, 0.0), arg),), "Float64")


def _power(op: str, args: Sequence[Typed]) -> Typed:
    """Null of 0 with an exponent below 0, and of what is below 0 with a broken one."""
    base, exponent = _floats(op, args)
    ways = []
    if not (isinstance(exponent, Constant) and (exponent.value is None or exponent.value >= 0)):
        below = _compared("lt", exponent, 0.0)
        ways.append(Operation("and", (_compared("eq", base, 0.0), below), "Boolean"))
    if not (isinstance(exponent, Constant) and (exponent.value is None or float(exponent.value).is_integer())):
        broken = _compared("ne", exponent, Operation("floor", (exponent,), "Float64"))
        finite = _compared("gt", base, -math.inf)
        ways.append(Operation("and", (_compared("lt", base, 0.0), finite, broken), "Boolean"))
    if ways:
        none = ways[0] if len(ways) == 1 else Operation("or", tuple(ways), "Boolean")
        base = _only_if(Operation("not", (none,), "Boolean"), base)
    return Operation(op, (base, exponent), "Float64")


def _remainder(op: str, args: Sequence[Typed]) -> Typed:
    if _widest(op, args) == "Float64":
        raise Invalid(f"{op} needs integers, not Float64.", hint='Cast it: col("amount").cast("Int64").mod(7).')
    return Operation(op, tuple(unless_null(a, "Int64") for a in args), "Int64")


def _rounded(op: str, args: Sequence[Typed]) -> Typed:
    """An integer is its own."""
    word = _widest(op, args)
    return Operation(op, (args[0],), word) if word == "Float64" else unless_null(args[0], word)


def _sign(op: str, args: Sequence[Typed]) -> Typed:
    word = _widest(op, args)
    return Operation(op, (unless_null(args[0], word),), word)


def _extreme(op: str, args: Sequence[Typed]) -> Typed:
    found = _of_one_type(op, args)
    if is_list(found[0].word):
        raise Invalid(f"{op} needs values with an order, not {found[0].word}.", hint="Give it their elements.")
    return Operation(op, found, found[0].word)


def _within_text(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, tuple(text(op, a) for a in args), "Boolean")


def _of_text(op: str, args: Sequence[Typed]) -> Typed:
    return Operation(op, (text(op, args[0]),), "String")


def cast_as(arg: Typed, word: str) -> Typed:
    """A value as one of another type. Raises `Invalid` where no value of its own says one.

    Example:
        >>> cast_as(Read("n", "Float64"), "Int64").word
        'Int64'
        >>> cast_as(Read("at", "Datetime"), "Int64")
        Traceback (most recent call last):
        mlforge.errors.Invalid: An instant is not cast to Int64. Divide a length of time: (at() - col("paid_at")) ...
    """
    if arg.word in (word, NULL):
        return cast(arg, word)
    kind = "Float64" if arg.word == "Float64" else family(arg.word)
    if kind not in _CAST_TO["Int64" if is_integer(word) else word]:
        thing = _thing(arg.word) if kind != "Float64" else "a float"
        raise Invalid(f"{thing[:1].upper()}{thing[1:]} is not cast to {word}.", hint=_instead(kind, word))
    if kind != "String":
        return cast(arg, word)
    pattern = REAL if word == "Float64" else UNSIGNED if word.startswith("U") else WHOLE
    return Cast(_only_if(Found(arg, pattern), arg), word)


def _instead(kind: str, word: str) -> str:
    if word == "Boolean":
        return 'Compare it: col("amount").ne(0).'
    if kind in _TIMES and kind != "Date":
        return _DIVIDED
    if kind == "Date":
        return 'Cast it to Datetime, or take its parts: col("day").year().'
    if kind == "Float64" and word == "String":
        return 'Cast it to an integer first: col("amount").round().cast("Int64").cast("String").'
    return "Cast it in the function."


def part_of(arg: Typed, part: str, zone: str | None) -> Typed:
    """A part of a time. Raises `Invalid` for what has none.

    Example:
        >>> part_of(Read("day", "Date"), "year", None).word
        'Int64'
    """
    if arg.word == "Date" and (zone or part in ("hour", "minute", "second")):
        raise Invalid(f"A date has no {'zone' if zone else part}.", hint='Cast it: col("day").cast("Datetime").')
    if arg.word not in ("Date", "Datetime", NULL):
        raise Invalid(f"{part} needs a time, not {arg.word}.", hint="Give it an instant or a date.")
    return Part(cast(arg, "Datetime"), part, zone)


_TIMES = ("Date", "Datetime", "Duration")
_WITH_TIMES = 'Two times differ by a length, and move by one: (at() - col("paid_at")) / days(1).'
_DIVIDED = 'Divide a length of time: (at() - col("paid_at")) / days(1).'
_ON_TIMES = {
    ("sub", "Datetime", "Datetime"): "Duration",
    ("sub", "Datetime", "Duration"): "Datetime",
    ("add", "Datetime", "Duration"): "Datetime",
    ("add", "Duration", "Datetime"): "Datetime",
    ("add", "Duration", "Duration"): "Duration",
    ("sub", "Duration", "Duration"): "Duration",
    ("neg", "Duration"): "Duration",
    ("abs", "Duration"): "Duration",
    ("div", "Duration", "Duration"): "Float64",
}
_NUMBERS = ("Number", "Float64", "Boolean", "String")
_CAST_TO: dict[str, tuple[str, ...]] = {
    "Int64": _NUMBERS,
    "Float64": _NUMBERS,
    "String": ("Number", "Boolean", "Date"),
    "Boolean": (),
    "Date": ("Datetime",),
    "Datetime": ("Date",),
}
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
    "mod": _remainder,
    "log": _logarithm,
    "exp": _exponential,
    "sqrt": _root,
    "pow": _power,
    "floor": _rounded,
    "round": _rounded,
    "sign": _sign,
    "least": _extreme,
    "greatest": _extreme,
    **dict.fromkeys(("contains", "starts_with", "ends_with"), _within_text),
    **dict.fromkeys(("lower", "upper", "strip"), _of_text),
}
