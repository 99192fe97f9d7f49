"""What the data of a value column ask for: into how many limbs they are split, and whether they are ranked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from mlforge.plugin.engine.sizing import (
    MOST_SQUARED,
    Limbs,
    bits_of_floats,
    bits_of_integers,
    limbs_for_squares,
    limbs_for_sums,
)
from mlforge_polars.entities import integer

NONE = Limbs(0, 0, 0, narrow=True)


def limb_type(limbs: Limbs) -> pl.DataType:
    """The type that holds the sums of limbs."""
    return pl.Int64() if limbs.narrow else pl.Int128()


class Value(NamedTuple):
    """A value column and what its data ask for. Names of partial aggregates start with its own."""

    name: str
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
        return "std" in self.functions and self.squares.length <= MOST_SQUARED


def prepare(
    frame: pl.DataFrame, functions: Mapping[str, frozenset[str]]
) -> tuple[pl.DataFrame, dict[str | None, Value]]:
    """The events with a rank beside each value that needs one, and what is known of each column."""
    frame = frame.with_columns(
        pl.col(f"v{i}").cast(pl.UInt8) for i in range(len(functions)) if frame.schema[f"v{i}"] == pl.Boolean
    )
    values: dict[str | None, Value] = {}
    for i, (source, wanted) in enumerate(functions.items()):
        value = _value(frame[f"v{i}"], wanted)
        if value.ranked and wanted & {"min", "max"}:
            frame, value = _with_ranks(frame, value)
        values[source] = value
    return frame, values


def _value(column: pl.Series, functions: frozenset[str]) -> Value:
    finite = column.is_finite() if column.dtype.is_float() else None
    special = finite is not None and not finite.all()
    bounded = column.filter(finite) if special and finite is not None else column
    bits = _bits(bounded) if functions & {"sum", "mean", "std"} else (0, 0)
    sums = limbs_for_sums(*bits, len(column)) if functions & {"sum", "mean"} else NONE
    squares = limbs_for_squares(*bits, len(column)) if "std" in functions else NONE
    return Value(column.name, column.dtype, functions, column.null_count() > 0, special, sums, squares, pl.Series([0]))


def _bits(column: pl.Series) -> tuple[int, int]:
    if column.dtype.is_float():
        sizes = column.to_frame("x").select(pl.col("x").cast(pl.Float64).abs())
        return bits_of_floats(*sizes.select(pl.col("x").filter(pl.col("x") > 0).min(), most=pl.col("x").max()).row(0))
    bounds = [integer(bound) for bound in (column.min(), column.max()) if bound is not None]
    return bits_of_integers(max(map(abs, bounds), default=0))


def _with_ranks(frame: pl.DataFrame, value: Value) -> tuple[pl.DataFrame, Value]:
    column = frame[value.name]
    if column.dtype.is_float():
        column = column + 0.0  # -0.0 and 0.0 are one value; NaN gets the highest rank
    labels = column.drop_nulls().unique().sort()
    ranks = (column.rank("dense") - 1).cast(pl.Float64)
    return frame.with_columns(ranks.alias(f"{value.name}.rank")), value._replace(labels=labels)
