"""What is asked for: aggregates over windows, whether they can be had, and the plan that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from mlforge_polars.entities import Clock
from mlforge_polars.values import Value

FUNCTIONS = ("count", "sum", "mean", "std", "min", "max", "median")


class SumOverflow(OverflowError):
    """A sum of integers does not fit into 64 bits."""


class Agg(NamedTuple):
    """One output column: a function of a column (None: of the events themselves) over a window in microseconds."""

    function: str
    column: str | None
    window: int
    name: str

    @property
    def label(self) -> str:
        """What messages call it: the name up to a null, behind which a caller tells its aggregates apart."""
        return self.name.partition("\0")[0]


class Plan(NamedTuple):
    """What to compute: the clock, the distinct windows, the values and the aggregates of them."""

    clock: Clock
    windows: Sequence[int]  # distinct and ascending, in units of the clock
    values: Mapping[str | None, Value]
    aggs: Sequence[Agg]

    def at(self, window: int) -> list[Agg]:
        """The aggregates over one of the windows."""
        return [agg for agg in self.aggs if agg.window == window * self.clock.unit]

    @property
    def sources(self) -> int:
        """A point comes from a tile that enters, or that leaves one of the windows."""
        return len(self.windows) + 1


def check(keys: Sequence[str], time: str, interval: int | None, aggs: Sequence[Agg]) -> None:
    """Raises ValueError for what cannot be computed, whatever the events are."""
    if not keys or not aggs:
        raise ValueError("change points need at least one key and one aggregate")
    if interval is not None and interval <= 0:
        raise ValueError(f"the interval must be positive, not {interval}")
    names = [*keys, time, *(agg.name for agg in aggs)]
    if len(set(names)) < len(names):
        raise ValueError(f"two columns of the result would share a name: {', '.join(names)}")
    for agg in aggs:
        _check_agg(agg, interval or 1)


def _check_agg(agg: Agg, interval: int) -> None:
    if agg.function not in FUNCTIONS:
        raise ValueError(f"{agg.label}: unknown function {agg.function!r}, known are {', '.join(FUNCTIONS)}")
    if agg.column is None and agg.function != "count":
        raise ValueError(f"{agg.label}: {agg.function} needs a column")
    if agg.window <= 0 or agg.window % interval:
        raise ValueError(f"{agg.label}: the window {agg.window} is not a whole multiple of the interval {interval}")


def result_type(agg: Agg, types: Mapping[str, pl.DataType]) -> pl.DataType:
    """The type of an aggregate's column. Raises TypeError for a function that its values do not have."""
    if agg.column is None or agg.function == "count":
        return pl.Int64()
    dtype = types[agg.column]
    if agg.function in ("min", "max"):
        return dtype
    if not (dtype.is_float() or dtype.is_integer() or dtype == pl.Boolean) or dtype in (pl.Int128, pl.UInt128):
        raise TypeError(f"{agg.label}: {agg.function} of {agg.column}, which is {dtype}, not a number of up to 64 bits")
    return pl.Int64() if agg.function == "sum" and not dtype.is_float() else pl.Float64()
