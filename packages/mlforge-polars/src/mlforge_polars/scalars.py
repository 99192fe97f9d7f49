"""Functions of one value in Polars: casts, parts of times, letters, remainders, the least and the greatest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

import polars as pl

from mlforge.plugin.engine.letters import BLANK
from mlforge.plugin.engine.times import FIRST, LAST
from mlforge_csv import dtype_of


def cast(value: pl.Expr, word: str, to: str) -> pl.Expr:
    """A value of one type as one of another; null where that does not hold it."""
    match word, to:
        case "Datetime", "Date":
            return value.dt.date()
        case "Int64", "Datetime":
            return pl.when(value.is_between(FIRST, LAST)).then(value).cast(dtype_of(to))
        case _:
            return value.cast(dtype_of(to), strict=False)


def part_of(value: pl.Expr, part: str, zone: str | None) -> pl.Expr:
    """A part of an instant, as the clocks of a zone show it."""
    local = value if zone is None else value.dt.convert_time_zone(zone)
    told: pl.Expr = getattr(local.dt, part)()
    return told.cast(pl.Int64)


def remainder(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Of the sign of the first, as Polars' own is of the second; null where that is 0."""
    return a.sign() * (a.abs() % b.abs())


def extreme(comes_first: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Callable[..., pl.Expr]:
    """The value that comes first, null where one is: Polars' own leave nulls out."""

    def chosen(a: pl.Expr, b: pl.Expr) -> pl.Expr:
        return pl.when(comes_first(a, b)).then(a).when(b.is_not_null()).then(pl.when(a.is_not_null()).then(b))

    return lambda *args: reduce(chosen, args)


def in_case(letters: Mapping[str, str]) -> Callable[[pl.Expr], pl.Expr]:
    """The letters that every engine changes, in their other case."""
    given, wanted = list(letters), list(letters.values())
    return lambda value: value.str.replace_many(given, wanted)


def strip(value: pl.Expr) -> pl.Expr:
    """Text without blanks at its ends."""
    return value.str.strip_chars(BLANK)
