"""Exact sums: numbers are split into limbs that add up without rounding, and totals joined to one float."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import zip_longest
from operator import add

import polars as pl

from mlforge.plugin.engine.sizing import Limbs
from mlforge_polars.values import Value, limb_type

Keep = Callable[[pl.Expr], pl.Expr]
"""Computes an expression that is used more than once, and gives the column it became."""


def unkept(number: pl.Expr) -> pl.Expr:
    """An expression as it is: of a few limbs it stays short, and the optimizer finds what is used twice."""
    return number


class Kept:
    """A frame, and the columns that became of expressions over it: nested in each other they would grow too long."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame, self._width = frame, frame.width

    def __call__(self, number: pl.Expr) -> pl.Expr:
        name = f"kept{self.frame.width - self._width}"
        self.frame = self.frame.with_columns(number.alias(name))
        return pl.col(name)


def limb_names(value: Value, kind: str, limbs: Limbs) -> list[str]:
    """The columns of the limbs of a value, lowest first."""
    return [f"{value.name}.{kind}.{i}" for i in range(limbs.length)]


def split(value: Value, limbs: Limbs, kind: str) -> list[list[pl.Expr]]:
    """The limbs of every value, splitting off the highest first: columns over those of the steps before.

    Each step is exact, for floats too: a float times a power of two, its whole part, and what is left of it are floats.
    """
    name = f"{value.name}.{kind}.rest"
    rest, steps = pl.col(name), [[_splittable(value, limbs).alias(name)]]
    for i, whole in reversed(list(enumerate(limb_names(value, kind, limbs)))):
        part, place = pl.col(whole), limbs.width * i
        if value.dtype.is_float():
            steps.append([times_power(rest, -place - limbs.exponent).cast(limb_type(limbs)).alias(whole)])
            part = times_power(part.cast(pl.Float64), place + limbs.exponent)
        else:
            steps.append([(rest // 2**place if i else rest).alias(whole)])
            part = part * 2**place
        if i:
            steps.append([rest - part])
    return steps


def side_by_side(events: pl.LazyFrame, calculations: Sequence[list[list[pl.Expr]]]) -> pl.LazyFrame:
    """The events with the columns of calculations: in as many steps as the longest has, however many there are."""
    for step in zip_longest(*calculations, fillvalue=[]):
        events = events.with_columns(column for columns in step for column in columns)
    return events


def _splittable(value: Value, limbs: Limbs) -> pl.Expr:
    if not value.dtype.is_float():
        return pl.col(value.name).cast(limb_type(limbs))
    column = pl.col(value.name).cast(pl.Float64)
    return pl.when(column.is_finite()).then(column).otherwise(0.0) if value.special else column


def times_power(number: pl.Expr, exponent: int) -> pl.Expr:
    """A number times 2.0 ** exponent."""
    if exponent > 1000:  # 2.0 ** 1024 is not a float
        return number * 2.0**1000 * 2.0 ** (exponent - 1000)
    return number * 2.0**exponent if exponent else number


def carried(parts: Sequence[pl.Expr], limbs: Limbs, keep: Keep = unkept) -> list[pl.Expr]:
    """Limbs of a total, which may have outgrown their width, so that all but the highest are within half of it."""
    carry, totals = pl.lit(0, dtype=limb_type(limbs)), []
    for i, part in enumerate(parts):
        total = part + carry if i else part
        if i < len(parts) - 1:
            carry = keep((total + 2 ** (limbs.width - 1)) // 2**limbs.width)
            total = total - carry * 2**limbs.width
        totals.append(keep(total))
    return totals


def joined(totals: Sequence[pl.Expr], limbs: Limbs, divisor: pl.Expr | None = None) -> pl.Expr:
    """Carried limbs as one float.

    Carrying left one limb that outweighs all below it: nothing is cancelled when they are added as floats.
    """
    sizes = [total.cast(pl.Float64) for total in totals]
    sizes = sizes if divisor is None else [size / divisor for size in sizes]
    terms = [times_power(size, limbs.width * i + limbs.exponent) for i, size in enumerate(sizes)]
    return reduce(add, terms)


def whole(parts: Sequence[pl.Expr], limbs: Limbs) -> pl.Expr:
    """Limbs of a total of integers as one of 128 bits; null where it does not fit."""
    if len(parts) == 1:
        return parts[0].cast(pl.Int128)
    low, high = parts
    carry, most = low // 2**limbs.width, 2 ** (127 - limbs.width)
    high = high + carry
    return pl.when(high.is_between(-most, most - 1)).then(high * 2**limbs.width + (low - carry * 2**limbs.width))
