"""What the data of a value column ask for: into how many limbs they are split, and whether they are ranked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from mlforge_polars.entities import LAST, integer

MOST_SQUARED_LIMBS = 4  # limbs are multiplied in pairs: beyond this, Python's own integers are used


class Limbs(NamedTuple):
    """A number as integers: the sum of limb[i] * 2 ** (width * i + exponent)."""

    exponent: int
    width: int
    length: int
    dtype: pl.DataType


class Value(NamedTuple):
    """A value column and what its data ask for. Names of partial aggregates start with its own."""

    name: str
    source: str
    dtype: pl.DataType
    functions: frozenset[str]
    nullable: bool
    special: bool  # there are NaN or infinities
    sums: Limbs
    squares: Limbs
    labels: pl.Series  # the sorted distinct values behind the ranks

    @property
    def events(self) -> str:
        """The partial aggregate that counts the values which are not null."""
        return f"{self.name}.events" if self.nullable else "events"

    @property
    def ranked(self) -> bool:
        """Are min and max found among ranks?"""
        return self.dtype.is_decimal() or not (
            self.dtype.is_numeric() or self.dtype.is_temporal() or self.dtype == pl.Boolean
        )

    @property
    def squared(self) -> bool:
        """Are squares summed as limbs?"""
        return "std" in self.functions and self.squares.length <= MOST_SQUARED_LIMBS

    @property
    def unbounded(self) -> bool:
        """Do squares need more bits than limbs can give?"""
        return "std" in self.functions and self.squares.length > MOST_SQUARED_LIMBS


def prepare(
    frame: pl.DataFrame, functions: Mapping[str, frozenset[str]]
) -> tuple[pl.DataFrame, dict[str | None, Value]]:
    """The events with a rank beside each value that needs one, and what is known of each column."""
    frame = frame.with_columns(
        pl.col(f"v{i}").cast(pl.UInt8) for i in range(len(functions)) if frame.schema[f"v{i}"] == pl.Boolean
    )
    values: dict[str | None, Value] = {}
    for i, (source, wanted) in enumerate(functions.items()):
        value = _value(frame[f"v{i}"], source, wanted)
        if "median" in wanted or (value.ranked and wanted & {"min", "max"}):
            frame, value = _with_ranks(frame, value)
        values[source] = value
    return frame, values


def _value(column: pl.Series, source: str, functions: frozenset[str]) -> Value:
    finite = column.is_finite() if column.dtype.is_float() else None
    special = finite is not None and not finite.all()
    bounded = column.filter(finite) if special and finite is not None else column
    whole = Limbs(0, 0, 0, pl.Int64())
    sums = _limbs(bounded, 126 - len(column).bit_length(), len(column)) if functions & {"sum", "mean"} else whole
    # n * sum(a * b) - sum(a) * sum(b) of two limbs, doubled and carried, must fit into 127 bits
    squares = _limbs(bounded, 60 - len(column).bit_length(), LAST) if "std" in functions else whole
    return Value(
        column.name, source, column.dtype, functions, column.null_count() > 0, special, sums, squares, pl.Series([0])
    )


def _limbs(column: pl.Series, width: int, terms: int) -> Limbs:
    """The limbs that hold every value of a column exactly, of a type that holds the sum of so many."""
    low, bits = _float_bits(column) if column.dtype.is_float() else _integer_bits(column)
    if bits <= 62 - terms.bit_length():
        return Limbs(low, width, 1, pl.Int64())
    return Limbs(low, width, max(1, -(-bits // width)), pl.Int128())


def _integer_bits(column: pl.Series) -> tuple[int, int]:
    bounds = [integer(bound) for bound in (column.min(), column.max()) if bound is not None]
    return 0, max((abs(bound) for bound in bounds), default=0).bit_length()


def _float_bits(column: pl.Series) -> tuple[int, int]:
    """The exponent of the lowest bit any value can have, and how many bits there are from it to the highest."""
    sizes = column.to_frame("x").select(pl.col("x").cast(pl.Float64).abs())
    least, most = sizes.select(pl.col("x").filter(pl.col("x") > 0).min(), most=pl.col("x").max()).row(0)
    if not most:
        return 0, 0
    low = max(math.frexp(least)[1] - 53, -1074)
    return low, math.frexp(most)[1] - low


def _with_ranks(frame: pl.DataFrame, value: Value) -> tuple[pl.DataFrame, Value]:
    column = frame[value.name]
    if column.dtype.is_float():
        column = column + 0.0  # -0.0 and 0.0 are one value; NaN gets the highest rank
    labels = column.drop_nulls().unique().sort()
    ranks = (column.rank("dense") - 1).cast(pl.Float64)
    return frame.with_columns(ranks.alias(f"{value.name}.rank")), value._replace(labels=labels)
