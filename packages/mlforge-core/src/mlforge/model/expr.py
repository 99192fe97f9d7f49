"""A small closed algebra over rows: what validators and metrics are made of, and what engines compile.

Nulls follow SQL: an operation on a null is null, `and` and `or` are three-valued. NaN equals itself and is greater than
every other number. A date compares with an instant as the one its day begins at, in UTC. `add`, `sub`, `mul` and `mod`
of integers are Int64, and an error where they do not fit; `div`, `log`, `exp`, `sqrt` and `pow` are Float64.

What has no value is null: a division by 0, also in `mod` and of 0 by 0; the logarithm of what is not above 0; the root
of what is below 0, `pow` of it with a broken exponent, and of 0 with one below 0; a cast to a type that does not hold
the value, or of text that says none. A float beyond all floats is infinite.

Values of two kinds do not mix: a comparison, `is_in`, `if`, `coalesce`, `least` or `greatest` of two is refused, and so
is arithmetic with anything but numbers and times. Numbers of every width are of one kind; single floats and decimals
are computed with as Float64. A boolean is no number, though `sum`, `mean`, `std` and `median` take it as 0 and 1.
Constants fit 64 bits.

Two times, or dates, differ by a length of time; a time moves by one; lengths add up, and one divided by another is a
Float64. A time that is moved beyond the years 1 to 9999 is null.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import msgspec

from mlforge.errors import Invalid, nearest
from mlforge.model.constants import Scalar, constant
from mlforge.model.fitting import refuse_misfits
from mlforge.model.schema import INTEGERS
from mlforge.model.spelling import spelled
from mlforge.model.window import Window

OPERATIONS = {
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge", "add", "sub", "mul", "div"), 2),
    **dict.fromkeys(("not", "neg", "abs", "is_null", "is_nan", "length", "duplicated"), 1),
    **dict.fromkeys(("and", "or", "coalesce"), None),
    "if": 3,
    **dict.fromkeys(("mod", "pow", "contains", "starts_with", "ends_with"), 2),
    **dict.fromkeys(("log", "exp", "sqrt", "floor", "round", "sign", "lower", "upper", "strip"), 1),
    **dict.fromkeys(("least", "greatest"), None),
}
"""Each operation and how many arguments it takes; None: any number from one.

`length` counts the characters of a string. `duplicated` is true where the column holds the value more than once; it is
false for null. `if` takes a condition, a value where it is true, and a value where it is not.

`mod` takes integers and has the sign of the first. `round` takes a half away from 0. `sign` is -1, 0 or 1, of NaN NaN.
`least` and `greatest` are null where any of their values is. `log` is the natural logarithm.

`contains`, `starts_with` and `ends_with` look for a text as it stands. `lower` and `upper` change the letters up to
U+0587 (Latin, Greek, Cyrillic, Armenian) and of U+1E00 to U+1EFF that have one letter of the other case there. They
leave the rest, such as `ß`. `strip` takes spaces, tabs and line breaks from both ends.
"""

CASTS = (*INTEGERS, "Float64", "String", "Boolean", "Date", "Datetime")
"""What a value can be cast to.

Integers, of any number, boolean or text; a float loses what is behind its point. Float64, of the same. String, of
integers, booleans (`true`, `false`) and dates (`2024-02-29`). Datetime of a date, Date of an instant, in UTC.
"""

PARTS = ("year", "quarter", "month", "day", "weekday", "hour", "minute", "second")
"""The parts of a time, all of them Int64. The weekday of Monday is 1, that of Sunday 7."""


_WRITTEN = {
    "lt": "a < b", "le": "a <= b", "gt": "a > b", "ge": "a >= b",
    "add": "a + b", "sub": "a - b", "mul": "a * b", "div": "a / b", "neg": "-a",
    "is_not_null": "~a.is_null()", "not_null": "~a.is_null()", "notnull": "~a.is_null()", "not_": "~a",
    "and_": "a & b", "or_": "a | b", "between": "(a >= low) & (a <= high)", "is_between": "(a >= low) & (a <= high)",
    "fill_null": "mlf.coalesce(a, b)", "fillna": "mlf.coalesce(a, b)",
}  # fmt: skip
"""How an expression says what other libraries have methods for."""


class Expr(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """A value computed for each row. Operators build bigger ones: `(it() > 0) & ~it().is_in([13])`."""

    def __bool__(self) -> bool:
        raise Invalid(
            "An expression is neither true nor false before it has rows.",
            hint="Write & for and, | for or, ~ for not; (a < x) & (x < b) for a < x < b; .eq(x) for ==, .ne(x) for !=.",
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_"):  # others ask for these, to see what they have been given
                raise AttributeError(name)
            known = [n for n in dir(Expr) if not n.startswith("_")]
            way = f"Write {_WRITTEN[name]}." if name in _WRITTEN else nearest(name, known)
            raise AttributeError(f"An expression has no {name!r}. {way}")

    def eq(self, other: Expr | Scalar) -> Expr:
        return Call("eq", (self, lift(other)))

    def ne(self, other: Expr | Scalar) -> Expr:
        return Call("ne", (self, lift(other)))

    def __lt__(self, other: Expr | Scalar) -> Expr:
        return Call("lt", (self, lift(other)))

    def __le__(self, other: Expr | Scalar) -> Expr:
        return Call("le", (self, lift(other)))

    def __gt__(self, other: Expr | Scalar) -> Expr:
        return Call("gt", (self, lift(other)))

    def __ge__(self, other: Expr | Scalar) -> Expr:
        return Call("ge", (self, lift(other)))

    def __add__(self, other: Expr | Scalar) -> Expr:
        return Call("add", (self, lift(other)))

    def __sub__(self, other: Expr | Scalar) -> Expr:
        return Call("sub", (self, lift(other)))

    def __mul__(self, other: Expr | Scalar) -> Expr:
        return Call("mul", (self, lift(other)))

    def __truediv__(self, other: Expr | Scalar) -> Expr:
        return Call("div", (self, lift(other)))

    def __radd__(self, other: Scalar) -> Expr:
        return Call("add", (lift(other), self))

    def __rsub__(self, other: Scalar) -> Expr:
        return Call("sub", (lift(other), self))

    def __rmul__(self, other: Scalar) -> Expr:
        return Call("mul", (lift(other), self))

    def __rtruediv__(self, other: Scalar) -> Expr:
        return Call("div", (lift(other), self))

    def __pow__(self, other: Expr | Scalar) -> Expr:
        return self.pow(other)

    def __rpow__(self, other: Scalar) -> Expr:
        return lift(other).pow(self)

    def __mod__(self, other: Expr | Scalar) -> NoReturn:
        raise Invalid(
            "% has one sign in Python and another in SQL.",
            hint='Write col("n").mod(7), which has the sign of col("n"), as in SQL.',
        )

    def __floordiv__(self, other: Expr | Scalar) -> NoReturn:
        raise Invalid("// is not in the algebra.", hint='Write (col("n") / 7).floor().')

    __rmod__, __rfloordiv__ = __mod__, __floordiv__

    def __neg__(self) -> Expr:
        return Call("neg", (self,))

    def __and__(self, other: Expr) -> Expr:
        return Call("and", (self, other))

    def __or__(self, other: Expr) -> Expr:
        return Call("or", (self, other))

    def __invert__(self) -> Expr:
        return Call("not", (self,))

    def is_null(self) -> Expr:
        return Call("is_null", (self,))

    def is_nan(self) -> Expr:
        return Call("is_nan", (self,))

    def is_in(self, values: Sequence[Scalar]) -> Expr:
        given: Any = values
        if isinstance(given, str | bytes) or not isinstance(given, Iterable):
            raise Invalid(f"is_in takes several values, not {given!r}.", hint=f"Give a list: is_in([{given!r}]).")
        return IsIn(self, tuple(map(constant, values)))

    def matches(self, pattern: str) -> Expr:
        return Matches(self, pattern)

    def length(self) -> Expr:
        return Call("length", (self,))

    def abs(self) -> Expr:
        return Call("abs", (self,))

    def duplicated(self) -> Expr:
        return Call("duplicated", (self,))

    def log(self) -> Expr:
        return Call("log", (self,))

    def exp(self) -> Expr:
        return Call("exp", (self,))

    def sqrt(self) -> Expr:
        return Call("sqrt", (self,))

    def pow(self, exponent: Expr | Scalar) -> Expr:
        return Call("pow", (self, lift(exponent)))

    def mod(self, divisor: Expr | Scalar) -> Expr:
        return Call("mod", (self, lift(divisor)))

    def floor(self) -> Expr:
        return Call("floor", (self,))

    def round(self) -> Expr:
        return Call("round", (self,))

    def sign(self) -> Expr:
        return Call("sign", (self,))

    def cast(self, dtype: str) -> Expr:
        return AsType(self, dtype)

    def contains(self, part: Expr | str | None) -> Expr:
        return Call("contains", (self, lift(part)))

    def starts_with(self, part: Expr | str | None) -> Expr:
        return Call("starts_with", (self, lift(part)))

    def ends_with(self, part: Expr | str | None) -> Expr:
        return Call("ends_with", (self, lift(part)))

    def lower(self) -> Expr:
        return Call("lower", (self,))

    def upper(self) -> Expr:
        return Call("upper", (self,))

    def strip(self) -> Expr:
        return Call("strip", (self,))

    def year(self, zone: str | None = None) -> Expr:
        return TimePart(self, "year", zone)

    def quarter(self, zone: str | None = None) -> Expr:
        return TimePart(self, "quarter", zone)

    def month(self, zone: str | None = None) -> Expr:
        return TimePart(self, "month", zone)

    def day(self, zone: str | None = None) -> Expr:
        return TimePart(self, "day", zone)

    def weekday(self, zone: str | None = None) -> Expr:
        return TimePart(self, "weekday", zone)

    def hour(self, zone: str | None = None) -> Expr:
        return TimePart(self, "hour", zone)

    def minute(self, zone: str | None = None) -> Expr:
        return TimePart(self, "minute", zone)

    def second(self, zone: str | None = None) -> Expr:
        return TimePart(self, "second", zone)

    @property
    def children(self) -> tuple[Expr, ...]:
        return ()

    def rebuild(self, children: tuple[Expr, ...]) -> Expr:
        """The same node over other children."""
        return self

    def walk(self) -> Iterator[Expr]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def replace(self, change: Callable[[Expr], Expr]) -> Expr:
        """The tree with `change` applied to every node, leaves first."""
        return change(self.rebuild(tuple(c.replace(change) for c in self.children)))

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns it reads, each once, in order."""
        return tuple(dict.fromkeys(e.name for e in self.walk() if isinstance(e, Col)))


class Col(Expr, frozen=True, tag="col"):
    """A column of the row."""

    name: str


class It(Expr, frozen=True, tag="it"):
    """The column a validator is put on."""


class At(Expr, frozen=True, tag="at"):
    """The instant that is asked about: the label time in training, the time of the request online."""


class Lit(Expr, frozen=True, tag="lit"):
    """A constant."""

    value: Any


class Call(Expr, frozen=True, tag="call"):
    """An operation of `OPERATIONS`."""

    op: str
    args: tuple[Expr, ...]

    def __post_init__(self) -> None:
        given: tuple[Any, ...] = self.args
        if strangers := [a for a in given if not isinstance(a, Expr)]:
            raise Invalid(
                f"{self.op!r} of {strangers[0]!r}, which is no expression.",
                hint="Write .eq(x) for ==, .ne(x) for !=.",
            )
        arity = OPERATIONS.get(self.op, 0)
        if arity == 0 or len(self.args) != (arity or max(1, len(self.args))):
            raise Invalid(
                f"{self.op!r} with {len(self.args)} arguments is not in the algebra.",
                hint=f"Operations: {', '.join(OPERATIONS)}.",
            )

    @property
    def children(self) -> tuple[Expr, ...]:
        return self.args

    def rebuild(self, children: tuple[Expr, ...]) -> Expr:
        return Call(self.op, children)


class IsIn(Expr, frozen=True, tag="is_in"):
    """Whether a value is one of some constants."""

    arg: Expr
    values: tuple[Any, ...]

    @property
    def children(self) -> tuple[Expr, ...]:
        return (self.arg,)

    def rebuild(self, children: tuple[Expr, ...]) -> Expr:
        return IsIn(children[0], self.values)


class Matches(Expr, frozen=True, tag="matches"):
    """Whether a pattern is found anywhere in a string; `^` and `$` anchor it.

    Raises:
        Invalid: A pattern that does not parse, or that looks around or back, which no linear-time matcher can.
    """

    arg: Expr
    pattern: str

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str):
            raise Invalid(f"The pattern is {self.pattern!r}, not text.", hint='Give one, such as "^[A-Z]{2}$".')
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise Invalid(f"The pattern {self.pattern!r} does not parse: {error}.", hint="Mend the pattern.") from None
        if re.search(r"\(\?(<?[=!]|P=|\()|(?<!\\)(\\\\)*\\[1-9]", self.pattern):
            raise Invalid(
                f"The pattern {self.pattern!r} looks around or back, which engines cannot do.",
                hint="Write it without lookahead, lookbehind and backreferences.",
            )

    @property
    def children(self) -> tuple[Expr, ...]:
        return (self.arg,)

    def rebuild(self, children: tuple[Expr, ...]) -> Expr:
        return Matches(children[0], self.pattern)


class AsType(Expr, frozen=True, tag="cast"):
    """A value as one of another type; null where that does not hold it.

    Raises:
        Invalid: A type that is none of `CASTS`.
    """

    arg: Expr
    dtype: str

    def __post_init__(self) -> None:
        if self.dtype not in CASTS:
            raise Invalid(f"Nothing is cast to {self.dtype!r} in an expression.", hint=f"One of {', '.join(CASTS)}.")

    @property
    def children(self) -> tuple[Expr, ...]:
        return (self.arg,)

    def rebuild(self, children: tuple[Expr, ...]) -> Expr:
        return AsType(children[0], self.dtype)


class TimePart(Expr, frozen=True, tag="part"):
    """A part of a time, as the clocks of a zone show it; of UTC without one.

    Raises:
        Invalid: A part that is none of `PARTS`, or a zone that nobody knows.
    """

    arg: Expr
    part: str
    zone: str | None = None

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise Invalid(f"{self.part!r} is no part of a time.", hint=f"One of {', '.join(PARTS)}.")
        if self.zone is not None and not _is_zone(self.zone):
            raise Invalid(f"{self.zone!r} is no time zone.", hint='Name one as the IANA does: "Europe/Zurich", "UTC".')

    @property
    def children(self) -> tuple[Expr, ...]:
        return (self.arg,)

    def rebuild(self, children: tuple[Expr, ...]) -> Expr:
        return TimePart(children[0], self.part, self.zone)


class Agg(Expr, frozen=True, tag="agg", omit_defaults=True):
    """An aggregation over the events of a window, in a metric; without `arg`, `count` counts events.

    Booleans aggregate as 0 and 1 where numbers are taken.

    Args:
        function: One of `mlforge.model.aggregation.AGGREGATIONS`, or of those that an engine announces besides.
        arg: What is aggregated.
        options: What else the aggregation asks for, such as `(0.9,)` for a percentile.
        where: Only events for which this is true are in the window; all of them if None.
        window: The window; the metric's own if None.
    """

    function: str
    arg: Expr | None = msgspec.field(default_factory=lambda: None)  # kept where the others are left out: hashes stay
    options: tuple[float | bool, ...] = ()
    where: Expr | None = None
    window: Window | None = None

    def __post_init__(self) -> None:
        if self.arg is None and self.function != "count":
            raise Invalid(f"{self.function!r} needs a column.", hint=f'{called(self.function)}("amount", …)')

    @property
    def children(self) -> tuple[Expr, ...]:
        return tuple(e for e in (self.arg, self.where) if e is not None)

    def rebuild(self, children: tuple[Expr, ...]) -> Expr:
        rest = iter(children)
        arg, where = (None if e is None else next(rest) for e in (self.arg, self.where))
        return msgspec.structs.replace(self, arg=arg, where=where)


def called(function: str) -> str:
    """An aggregation as people call it.

    Example:
        >>> called("count_distinct"), called("last_n")
        ('CountDistinct', 'LastN')
    """
    return "".join(part.capitalize() for part in function.split("_"))


@spelled
def col(name: str) -> Expr:
    """A column of the row, to compute with.

    Example:
        >>> (col("dep_delay") > 15).column_names
        ('dep_delay',)
    """
    refuse_misfits("col", col, {"name": name})
    return Col(name)


def it() -> Expr:
    """The column a validator is put on.

    Example:
        >>> (it() > 0).op
        'gt'
    """
    return It()


def lift(value: Expr | Scalar | Unfinished) -> Expr:
    """An expression as it is, a constant as `Lit`. Raises `Invalid` for what is neither, and an unfinished choice."""
    if isinstance(value, Unfinished):
        raise Invalid(f"{value.says} has no otherwise.", hint=value.hint)
    return value if isinstance(value, Expr) else Lit(constant(value))


class Unfinished(msgspec.Struct, frozen=True):
    """What becomes an expression once more is said."""

    says: ClassVar[str] = ""
    hint: ClassVar[str] = ""


def refuse_at(expr: Expr, where: str) -> None:
    """Raise `Invalid` for `at()` in what is computed before anybody asks.

    Example:
        >>> refuse_at(At() - col("paid_at"), "The metric 'age'")
        Traceback (most recent call last):
        mlforge.errors.Invalid: The metric 'age' reads at(), the instant that is asked about, and is computed before ...
    """
    if any(isinstance(e, At) for e in expr.walk()):
        raise Invalid(
            f"{where} reads at(), the instant that is asked about, and is computed before anybody asks.",
            hint='Derive it from stored columns when it is asked for: keep the time itself, such as Max("paid_at", …).',
        )


def _is_zone(name: str) -> bool:
    try:
        return bool(zoneinfo.ZoneInfo(name).key)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        return False
