"""Expressions over rows of Python values: what a request is answered with, where no engine is.

A typed expression becomes a closure once, and is then called a row at a time. Its values are those of the engines:
integers, text and times to the last bit, floats within 1e-12.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

from mlforge.errors import Invalid
from mlforge.model.expr import Expr
from mlforge.model.schema import is_float, limits_of
from mlforge.model.span import EPOCH
from mlforge.model.zones import shown_on
from mlforge.plugin.engine.expressions import (
    ARITHMETIC,
    COMPARISONS,
    Cast,
    Constant,
    Digits,
    Found,
    OneOf,
    Operation,
    Part,
    Read,
    Scaled,
    Typed,
    derivations,
    of_column,
)
from mlforge.plugin.engine.letters import BLANK, LOWER, UPPER
from mlforge.plugin.engine.patterns import finder
from mlforge.plugin.engine.types import digits

Row = Mapping[str, Any]
Value = Callable[[Row, "datetime | None"], Any]
"""The value of an expression in a row at an instant."""

_AT = "\0at"
_MICRO = timedelta(microseconds=1)
_EXACT = Context(prec=76)


class Derivation:
    """Columns that are computed of a row when it is asked for.

    Args:
        columns: The new columns and their expressions.
        words: The columns of a row and the words for their types.
        asked: Whether there is an instant that is asked about.

    Raises:
        Invalid: A column that is not there, `at()` where nobody asks, or values that do not go together.

    Example:
        >>> from datetime import UTC, datetime
        >>> from mlforge.model.expr import col
        >>> from mlforge.model.terms import at, days
        >>> since = Derivation({"days_since": (at() - col("paid_at")) / days(1)}, {"paid_at": "Datetime"})
        >>> row = {"paid_at": datetime(2024, 2, 28, tzinfo=UTC)}
        >>> since.of(row, datetime(2024, 3, 1, 12, tzinfo=UTC)), since.words
        ({'days_since': 2.5}, {'days_since': 'Float64'})
    """

    def __init__(self, columns: Mapping[str, Expr], words: Mapping[str, str], *, asked: bool = True) -> None:
        nodes = derivations(columns, words, _AT if asked else None)
        self.words = {name: node.word for name, node in nodes.items()}
        self._values = [(name, value_of(node)) for name, node in nodes.items()]

    def of(self, row: Row, at: datetime | None = None) -> dict[str, Any]:
        """The new columns of a row: plain values, instants in UTC.

        Args:
            row: Its values; a column that it lacks is null. Instants have a zone.
            at: The instant that is asked about; null without one.

        Raises:
            Invalid: An integer that does not fit 64 bits; names the new column.
        """
        made = {}
        for name, value in self._values:
            try:
                made[name] = value(row, at)
            except Invalid as error:
                raise of_column(name, error) from None
        return made

    def of_each(self, rows: Iterable[Row], at: datetime | None = None) -> list[dict[str, Any]]:
        """The new columns of each row, all asked about at one instant."""
        return [self.of(row, at) for row in rows]


def value_of(node: Typed) -> Value:
    """A typed expression as a function of a row and an instant.

    Example:
        >>> value_of(Operation("add", (Read("n", "Int64"), Constant(1, "Int64")), "Int64"))({"n": 2}, None)
        3
    """
    match node:
        case Read(name):
            return (lambda _, at: at) if name == _AT else (lambda row, _: row.get(name))
        case Constant(value):
            return lambda _row, _at: value
        case Cast(of, word):
            return _strict(_conversion(of.word, word), value_of(of))
        case Digits(arg):
            return _strict(_moved(digits(arg.word)[1]), value_of(arg))
        case Scaled(arg, word):
            return _strict(_moved(-digits(word)[1]), value_of(arg))
        case OneOf(arg):
            return _strict(_among(node), value_of(arg))
        case Found(arg, pattern):
            return _strict(finder(pattern), value_of(arg))
        case Part(arg, part, zone):
            return _strict(_part(part, zone), value_of(arg))
        case Operation(op, args):
            values = [value_of(a) for a in args]
            return _LAZY[op](*values) if op in _LAZY else _strict(_rule(node), *values)


def _strict(rule: Callable[..., Any], *values: Value) -> Value:
    """Of a null, null."""
    if len(values) == 1:
        return _of_one(rule, values[0])
    if len(values) == 2:
        return _of_two(rule, *values)

    def computed(row: Row, at: datetime | None) -> Any:
        given = [value(row, at) for value in values]
        return None if None in given else rule(*given)

    return computed


def _of_one(rule: Callable[[Any], Any], value: Value) -> Value:
    def computed(row: Row, at: datetime | None) -> Any:
        given = value(row, at)
        return None if given is None else rule(given)

    return computed


def _of_two(rule: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    def computed(row: Row, at: datetime | None) -> Any:
        a, b = left(row, at), right(row, at)
        return None if a is None or b is None else rule(a, b)

    return computed


def _rule(node: Operation) -> Callable[..., Any]:
    op, among_floats = node.op, is_float(node.args[0].word)
    if op in COMPARISONS:
        return _WITH_NAN[op] if among_floats else _PLAIN[op]
    if op in ("least", "greatest"):
        return _extreme(op, among_floats)
    if op in ARITHMETIC and not among_floats:
        return _fitting(_ARITHMETIC[op])
    return _ARITHMETIC[op] if op in ARITHMETIC else _RULES[op]


def _fitting(rule: Callable[..., int]) -> Callable[..., int]:
    def computed(*args: int) -> int:
        return _fit(rule(*args))

    return computed


def _fit(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise Invalid(f"int64 overflow: {value} does not fit 64 bits.", hint="Compute with floats: multiply by 1.0.")
    return value


def _extreme(op: str, among_floats: bool) -> Callable[..., Any]:
    is_less = _WITH_NAN["lt"] if among_floats else _PLAIN["lt"]
    if op == "least":
        return lambda *args: reduce(lambda a, b: b if is_less(b, a) else a, args)
    return lambda *args: reduce(lambda a, b: b if is_less(a, b) else a, args)


def _conversion(word: str, to: str) -> Callable[[Any], Any]:
    if to == "Float64":
        return float
    if to == "String":
        return _FROM.get(word, str)
    if to == "Date":
        return datetime.date
    if to == "Datetime":
        return _midnight if word == "Date" else _instant
    if to == "Duration":
        return lambda micros: timedelta(microseconds=micros)
    if word in ("Datetime", "Duration"):
        return _micros if word == "Datetime" else lambda length: length // _MICRO
    return _integer(word, to)


_FROM: dict[str, Callable[[Any], str]] = {
    "Boolean": lambda value: "true" if value else "false",
    "Date": date.isoformat,
}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _micros(instant: datetime) -> int:
    return (instant - EPOCH) // _MICRO


def _instant(micros: int) -> datetime | None:
    try:
        return EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return None


def _integer(word: str, to: str) -> Callable[[Any], int | None]:
    """Numbers, booleans and text that says a number as an integer; null beyond the limits of its type."""
    least, most = limits_of(to)

    def within(value: int) -> int | None:
        return value if least <= value <= most else None

    if is_float(word):
        return lambda value: within(int(value)) if math.isfinite(value) else None
    return _parsing(within) if word == "String" else lambda value: within(int(value))


def _parsing(within: Callable[[int], int | None]) -> Callable[[str], int | None]:
    def parsed(text: str) -> int | None:
        digits = text.lstrip("+-").lstrip("0")
        return within(int(f"-{digits or 0}" if text[0] == "-" else digits or 0)) if len(digits) <= 20 else None

    return parsed


def _moved(places: int) -> Callable[[Decimal], Decimal]:
    """The point of a decimal elsewhere; no digit is lost."""
    return lambda value: value.scaleb(places, _EXACT)


def _among(node: OneOf) -> Callable[[Any], bool | None]:
    """NaN is equal to itself."""
    constants = [c.value for c in node.constants]
    found = frozenset(c for c in constants if not _is_nan(c))
    has_nan, missing = len(found) < len(frozenset(constants)), None if node.unknown else False
    return lambda value: True if value in found or (has_nan and _is_nan(value)) else missing


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _part(part: str, zone: str | None) -> Callable[[datetime], int]:
    told = _PARTS[part] if part in _PARTS else operator.attrgetter(part)
    if zone is None:
        return lambda instant: int(told(instant))
    clock = ZoneInfo(zone)

    def on_clock(instant: datetime) -> int:
        shown, later = shown_on(clock, instant)
        return int(told(shown)) - (later if part == "year" else 0)

    return on_clock


_PARTS: dict[str, Callable[[datetime], int]] = {
    "weekday": datetime.isoweekday,
    "quarter": lambda instant: (instant.month + 2) // 3,
}


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf


def _exponential(exponent: float) -> float:
    try:
        return math.exp(exponent)
    except OverflowError:
        return math.inf


def _rounded(value: float) -> float:
    """A half away from 0. Beyond 2^52 every float is whole."""
    if not -4503599627370496.0 < value < 4503599627370496.0:
        return value
    whole = math.trunc(value)
    return float(whole + (0 if abs(value - whole) < 0.5 else 1 if value > 0 else -1))


def _floored(value: float) -> float:
    return float(math.floor(value)) if math.isfinite(value) else value


def _sign(value: float) -> float:
    """Of NaN NaN, and of an integer an integer."""
    return value if value == 0 or value != value else type(value)(1 if value > 0 else -1)  # noqa: PLR0124


def _remainder(a: int, b: int) -> int | None:
    if b == 0:
        return None
    return _fit(abs(a) % abs(b) if a >= 0 else -(abs(a) % abs(b)))


def _unless(decisive: bool) -> Callable[..., Value]:
    """Three-valued: one false decides an `and`, one true an `or`."""

    def connected(*values: Value) -> Value:
        def computed(row: Row, at: datetime | None) -> bool | None:
            verdict: bool | None = not decisive
            for value in values:
                given: bool | None = value(row, at)
                if given == decisive:
                    return decisive
                verdict = None if given is None else verdict
            return verdict

        return computed

    return connected


def _coalesce(*values: Value) -> Value:
    def computed(row: Row, at: datetime | None) -> Any:
        return next((given for value in values if (given := value(row, at)) is not None), None)

    return computed


def _choice(condition: Value, then: Value, otherwise: Value) -> Value:
    return lambda row, at: then(row, at) if condition(row, at) is True else otherwise(row, at)


def _is_null(value: Value) -> Value:
    return lambda row, at: value(row, at) is None


_LAZY: dict[str, Callable[..., Value]] = {
    "and": _unless(decisive=False),
    "or": _unless(decisive=True),
    "coalesce": _coalesce,
    "if": _choice,
    "is_null": _is_null,
}
_PLAIN: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
# NaN equals itself and is greater than every other number.
_WITH_NAN: dict[str, Callable[[float, float], bool]] = {
    "eq": lambda a, b: a == b or (a != a and b != b),  # noqa: PLR0124
    "ne": lambda a, b: a != b and (a == a or b == b),  # noqa: PLR0124
    "lt": lambda a, b: a < b or (b != b and a == a),  # noqa: PLR0124
    "le": lambda a, b: a <= b or b != b,  # noqa: PLR0124
    "gt": lambda a, b: a > b or (a != a and b == b),  # noqa: PLR0124
    "ge": lambda a, b: a >= b or a != a,  # noqa: PLR0124
}
_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "neg": operator.neg,
    "abs": operator.abs,
}
_LOWER, _UPPER = str.maketrans(LOWER), str.maketrans(UPPER)
_RULES: dict[str, Callable[..., Any]] = {
    "div": lambda a, b: None if b == 0 else a / b,
    "not": operator.not_,
    "is_nan": math.isnan,
    "length": len,
    "mod": _remainder,
    "log": math.log,
    "exp": _exponential,
    "sqrt": math.sqrt,
    "pow": _power,
    "floor": _floored,
    "round": _rounded,
    "sign": _sign,
    "contains": operator.contains,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "lower": lambda text: text.translate(_LOWER),
    "upper": lambda text: text.translate(_UPPER),
    "strip": lambda text: text.strip(BLANK),
}
