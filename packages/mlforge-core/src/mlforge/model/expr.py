"""A small closed algebra over rows: what validators and metrics are made of, and what engines compile.

Nulls follow SQL: an operation on a null is null, `and` and `or` are three-valued. NaN equals itself and is greater than
every other number. A date compares with an instant as the one its day begins at, in UTC. `add`, `sub` and `mul` of
integers are Int64; `div` is Float64, and null where the divisor is 0.

Values of two kinds do not mix: a comparison, `is_in`, `if` or `coalesce` of two is refused, and so is arithmetic with
anything but numbers. Numbers of every width are of one kind; single floats and decimals are computed with as Float64. A
boolean is no number, though `sum`, `mean`, `std` and `median` take it as 0 and 1. Constants fit 64 bits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from mlforge.errors import Invalid

Scalar = bool | int | float | str | bytes | date | datetime | None

OPERATIONS = {
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge", "add", "sub", "mul", "div"), 2),
    **dict.fromkeys(("not", "neg", "abs", "is_null", "is_nan", "length", "duplicated"), 1),
    **dict.fromkeys(("and", "or", "coalesce"), None),
    "if": 3,
}
"""Each operation and how many arguments it takes; None: any number from one.

`length` counts the characters of a string. `duplicated` is true where the column holds the value more than once; it is
false for null. `if` takes a condition, a value where it is true, and a value where it is not.
"""

MERGEABLE = {"count": True, "sum": True, "mean": True, "min": True, "max": True, "std": True, "median": False}
"""The aggregations, and whether the aggregate of a union follows from the aggregates of its parts."""


class Expr(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """A value computed for each row. Operators build bigger ones: `(it() > 0) & ~it().is_in([13])`."""

    def __bool__(self) -> bool:
        raise Invalid(
            "An expression is neither true nor false before it has rows.",
            hint="Write & for and, | for or, ~ for not; (a < x) & (x < b) for a < x < b; .eq(x) for ==, .ne(x) for !=.",
        )

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
        return IsIn(self, tuple(values))

    def matches(self, pattern: str) -> Expr:
        return Matches(self, pattern)

    def length(self) -> Expr:
        return Call("length", (self,))

    def abs(self) -> Expr:
        return Call("abs", (self,))

    def duplicated(self) -> Expr:
        return Call("duplicated", (self,))

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


class Agg(Expr, frozen=True, tag="agg"):
    """An aggregation over the events of a window, in a metric; without `arg`, `count` counts events.

    Booleans aggregate as 0 and 1 under `sum`, `mean`, `std` and `median`.
    """

    function: str
    arg: Expr | None = None

    def __post_init__(self) -> None:
        if self.function not in MERGEABLE:
            raise Invalid(f"There is no aggregation {self.function!r}.", hint=f"One of {', '.join(MERGEABLE)}.")
        if self.arg is None and self.function != "count":
            raise Invalid(f"{self.function!r} needs a column.", hint=f'{self.function.capitalize()}("amount", …)')

    @property
    def children(self) -> tuple[Expr, ...]:
        return () if self.arg is None else (self.arg,)

    def rebuild(self, children: tuple[Expr, ...]) -> Expr:
        return Agg(self.function, children[0] if children else None)


def col(name: str) -> Expr:
    """A column of the row, to compute with.

    Example:
        >>> (col("dep_delay") > 15).column_names
        ('dep_delay',)
    """
    return Col(name)


def it() -> Expr:
    """The column a validator is put on.

    Example:
        >>> (it() > 0).op
        'gt'
    """
    return It()


def lift(value: Expr | Scalar) -> Expr:
    """An expression as it is, a constant as `Lit`."""
    return value if isinstance(value, Expr) else Lit(value)
