"""The aggregations, each described once: what it takes and gives, of nothing, of parts, and what it needs of events."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import msgspec

from mlforge.errors import Invalid, close_to
from mlforge.model.expr import Agg, Col, Expr
from mlforge.model.spelling import spelled
from mlforge.model.window import Window

Options = tuple[float | bool, ...]
MOST_LISTED = 10_000
"""How many values a list in a feature may have."""


class Aggregation(msgspec.Struct, frozen=True):
    """An aggregation over the non-null values of a window.

    Args:
        takes: What it is defined for: `anything`, `numbers` and booleans, `booleans` alone, or what is `ordered`: all
            but lists.
        gives: The type of its result: always the same word, the `values` own, a `list` of them, or a `total`: Float64
            of floats, 38 digits of decimals, else Int64.
        empty: The result where there are no values.
        merges: Whether the aggregate of a union follows from the aggregates of its parts.
        needs: What of a window's events it needs: `sums` over them, their `order` in time, or all their `values`.
        part: The aggregation that an engine computes for it, if not itself: `any` is the `max` of booleans.
        power: The power of the values' unit in which the result is counted: 2 of a variance, 0 of a skewness.

    Example:
        >>> AGGREGATIONS["sum"].merges, AGGREGATIONS["median"].merges, AGGREGATIONS["all"].part
        (True, False, 'min')
    """

    takes: Literal["anything", "numbers", "booleans", "ordered"]
    gives: Literal["Int64", "Float64", "values", "list", "total"]
    empty: Any
    merges: bool
    needs: Literal["sums", "order", "values"] = "sums"
    part: str | None = None
    power: int = 1


AGGREGATIONS = {
    "count": Aggregation("anything", "Int64", 0, merges=True),
    "sum": Aggregation("numbers", "total", 0, merges=True),
    "mean": Aggregation("numbers", "Float64", None, merges=True),
    "std": Aggregation("numbers", "Float64", None, merges=True),
    "var": Aggregation("numbers", "Float64", None, merges=True, part="std", power=2),
    "min": Aggregation("ordered", "values", None, merges=True),
    "max": Aggregation("ordered", "values", None, merges=True),
    "any": Aggregation("booleans", "values", None, merges=True, part="max"),
    "all": Aggregation("booleans", "values", None, merges=True, part="min"),
    "first": Aggregation("ordered", "values", None, merges=True, needs="order"),
    "last": Aggregation("ordered", "values", None, merges=True, needs="order"),
    "first_n": Aggregation("ordered", "list", [], merges=True, needs="order"),
    "last_n": Aggregation("ordered", "list", [], merges=True, needs="order"),
    "median": Aggregation("numbers", "Float64", None, merges=False, needs="values"),
    "percentile": Aggregation("numbers", "Float64", None, merges=False, needs="values"),
    "skew": Aggregation("numbers", "Float64", None, merges=True, power=0),
    "kurtosis": Aggregation("numbers", "Float64", None, merges=True, power=0),
    "count_distinct": Aggregation("ordered", "Int64", 0, merges=False, needs="values"),
    "mode": Aggregation("ordered", "values", None, merges=False, needs="values"),
    "top_k": Aggregation("ordered", "list", [], merges=False, needs="values"),
}
"""All of them, by name."""

PARTS = frozenset(name for name, described in AGGREGATIONS.items() if described.part is None)
"""Those that the others are made of: what an engine computes."""


def part_of(function: str) -> str:
    """The aggregation that an engine computes for one.

    Example:
        >>> part_of("var"), part_of("sum")
        ('std', 'sum')
    """
    return (AGGREGATIONS[function].part if function in AGGREGATIONS else None) or function


def word_of(function: str, options: Options = ()) -> str:
    """An aggregation with its options as one word, which names columns.

    Example:
        >>> word_of("percentile", (0.9,)), word_of("last_n", (5, True)), word_of("top_k", (3,)), word_of("sum")
        ('p90', 'last_5_distinct', 'top_3', 'sum')
    """
    match function, options:
        case "percentile", (q,):
            return "p" + f"{(Decimal(repr(float(q))) * 100).normalize():f}".replace(".", "_")
        case (("first_n" | "last_n"), (n, distinct)):
            return f"{function[:-2]}_{n}{'_distinct' if distinct else ''}"
        case "top_k", (k,):
            return f"top_{k}"
        case _:
            return function


def aggregation(word: str) -> tuple[str, Options]:
    """An aggregation and its options, of the word for them.

    Raises:
        Invalid: There is no such aggregation, or not with such a number.

    Example:
        >>> aggregation("p99_9"), aggregation("first_3"), aggregation("mean")
        (('percentile', (0.999,)), ('first_n', (3, False)), ('mean', ()))
    """
    for form, read in _FORMS:
        if match := re.fullmatch(form, word):
            return read(match)
    if word in AGGREGATIONS and word not in _NEEDED:
        return word, ()
    if word in _NEEDED:
        raise Invalid(f"{word!r} does not say of how many.", hint=f"Write {_NEEDED[word]}.")
    close = close_to(word, AGGREGATIONS)
    words = ", ".join([w for w in AGGREGATIONS if w not in _NEEDED] + ["p90", "first_3", "last_3", "top_3"])
    raise Invalid(
        f"There is no aggregation {word!r}.", hint=f"Did you mean {close!r}?" if close else f"One of {words}."
    )


def listed(function: str, number: object, distinct: bool | None = None) -> Options:
    """The options of a list. Raises `Invalid` for a number that no list has.

    Example:
        >>> listed("top_k", 3)
        (3,)
    """
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST_LISTED:
        raise Invalid(
            f"{function} of {number!r} values.", hint=f"Give a whole number from 1 to {MOST_LISTED:,}, such as 5."
        )
    return (number,) if distinct is None else (number, distinct)


def share(q: object) -> Options:
    """The options of a percentile. Raises `Invalid` for what is no part of 1.

    Example:
        >>> share(0.9)
        (0.9,)
    """
    if not isinstance(q, int | float) or isinstance(q, bool) or not 0 <= q <= 1:
        raise Invalid(f"There is no percentile {q!r}.", hint="Give a part from 0 to 1, such as 0.9 for the 90th.")
    return (float(q),)


@spelled
def agg(word: str, column: str | Expr | None = None, window: Any = None, *, where: Expr | None = None) -> Agg:
    """An aggregation of a column over a window, to compute with in a `Formula`.

    Args:
        word: The aggregation: `sum`, `p90`, `last_5` ….
        column: The column, or an expression; None where events are counted.
        window: Such as `"7d"`, `"all"` or `Window("7d", offset="7d")`.
        where: Only events for which this is true.

    Raises:
        Invalid: No such aggregation, or no window of that form.

    Example:
        >>> (agg("sum", "amount", "7d") / agg("sum", "amount", "30d")).column_names
        ('amount',)
    """
    function, options = aggregation(word)
    if where is not None and not isinstance(where, Expr):
        raise no_condition(where)
    arg = aggregated(word, column)
    return Agg(function, arg, options, where, None if window is None else Window.parse(window))


def aggregated(word: str, column: Any) -> Expr | None:
    """What is aggregated: a column by its name, or an expression. Raises `Invalid` for anything else.

    Example:
        >>> aggregated("sum", "amount").name
        'amount'
    """
    if isinstance(column, list | tuple):
        raise Invalid(
            f"{word!r} of {column!r}, which are several columns.", hint="Give each a metric of its own, in a list."
        )
    if not isinstance(column, str | Expr | None):
        raise Invalid(
            f"{word!r} of {column!r}, which is neither a column nor an expression.",
            hint="Write .eq(x) for ==, .ne(x) for !=, & for and, | for or, ~ for not.",
        )
    return Col(column) if isinstance(column, str) else column


def no_condition(where: object) -> Invalid:
    """The error for a `where` that is no expression."""
    return Invalid(f"where={where!r} is no condition.", hint='Write col("kind").eq("refund"), or col("amount") > 0.')


def _percentile(match: re.Match[str]) -> tuple[str, Options]:
    return "percentile", share(float(Decimal(match[1].replace("_", ".")) / 100))


def _ends(match: re.Match[str]) -> tuple[str, Options]:
    return f"{match[1]}_n", listed(match[1], int(match[2][:9]), bool(match[3]))


def _top(match: re.Match[str]) -> tuple[str, Options]:
    return "top_k", listed("top", int(match[1][:9]))


_FORMS: list[tuple[str, Callable[[re.Match[str]], tuple[str, Options]]]] = [
    (r"p([0-9]+(?:_[0-9]+)?)", _percentile),
    (r"(first|last)_([0-9]+)(_distinct)?", _ends),
    (r"top_([0-9]+)", _top),
]
_NEEDED = {"percentile": '"p90"', "first_n": '"first_5"', "last_n": '"last_5"', "top_k": '"top_3"'}
