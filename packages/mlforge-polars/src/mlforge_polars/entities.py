"""An entity and an instant as one integer: entities are numbered in key order, instants counted from the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import polars as pl

from mlforge.model.duration import Duration

STAMP = pl.Datetime("us", "UTC")
UNITS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000)
LAST = 2**63 - 1


class Clock(NamedTuple):
    """Instants as small integers: how many units after the first one an event is known."""

    unit: int
    origin: int
    first: int
    gap: int  # entities stand this many units apart, so that no window reaches into the next one

    def units_of(self, time: pl.Expr, known_after: int) -> pl.Expr:
        """The index of the instant from which an event of this time is known."""
        units = time - self.origin if self.unit == 1 else (time - self.origin) // self.unit
        return units + (known_after - self.first)

    def stamp(self, index: pl.Expr) -> pl.Expr:
        """The instant an index stands for."""
        return ((index + self.first) * self.unit + self.origin).cast(STAMP)


class Entities(NamedTuple):
    """Entities are numbered in key order: a number is the key less `low`, or a row of `table`."""

    total: int
    low: int
    table: pl.DataFrame
    computed: bool

    def keys(self, number: pl.Expr) -> list[pl.Expr]:
        """The keys k0, k1, ... of numbered entities."""
        if self.computed:
            dtype = self.table.dtypes[0]
            return [(number.cast(_wide(dtype)) + pl.lit(self.low, dtype=_wide(dtype))).cast(dtype).alias("k0")]
        return [pl.lit(column).gather(number).alias(column.name) for column in self.table]


def clock_of(time: pl.Series, interval: Duration | None, stays: Sequence[int]) -> Clock:
    """The clock of the interval or, without one, of the coarsest unit that divides all instants."""
    unit, origin = (interval.micros, interval.origin) if interval else (coarsest_unit(time, stays), 0)
    low, high = ((integer(bound) - origin) // unit + (interval is not None) for bound in (time.min(), time.max()))
    if low * unit + origin < -LAST or high * unit + origin + max(stays) > LAST:
        raise OverflowError("a stamp would leave the range of a 64-bit microsecond timestamp")
    return Clock(unit, origin, low, high - low + max(stays) // unit + 1)


def coarsest_unit(time: pl.Series, stays: Sequence[int] = ()) -> int:
    """What divides all instants: the coarser the unit, the more entities fit into 63 bits beside it."""
    for unit in UNITS:
        if not any(stay % unit for stay in stays) and (time.head(100) % unit == 0).all() and (time % unit == 0).all():
            return unit
    return 1


def number_entities(
    frame: pl.DataFrame, keys: int, clock: Clock, sources: int, known_after: int
) -> tuple[pl.DataFrame, Entities]:
    """The events with `entity` and `index` in place of their keys and time."""
    index = clock.units_of(pl.col("time"), known_after).alias("index")
    entities = _computed_entities(frame, keys, clock.gap * sources)
    if entities is not None:
        wide = _wide(frame.schema["k0"])
        entity = (pl.col("k0").cast(wide) - pl.lit(entities.low, dtype=wide)).cast(pl.Int64)
        return frame.select(entity.alias("entity"), index, *_rest(frame)), entities
    names = [f"k{i}" for i in range(keys)]
    table = (
        frame.lazy()
        .select(names)
        .unique()
        .sort(names)
        .with_row_index("entity")
        .with_columns(pl.col("entity").cast(pl.Int64))
    )
    table = table.collect().lazy()
    numbered = frame.lazy().join(table, on=names, how="left").select("entity", index, *_rest(frame)).collect()
    found = table.select(names).collect()
    return numbered, Entities(found.height, 0, found, computed=False)


def _rest(frame: pl.DataFrame) -> list[str]:
    """The values, and the instants where these are asked for."""
    return [name for name in frame.columns if name.startswith(("v", "when"))]


def _computed_entities(frame: pl.DataFrame, keys: int, stride: int) -> Entities | None:
    """A single integer key is its own number, if the range of its values leaves room for the stride."""
    dtype = frame.schema["k0"]
    if keys > 1 or not dtype.is_integer() or dtype in (pl.Int128, pl.UInt128):
        return None
    low, high = integer(frame["k0"].min()), integer(frame["k0"].max())
    if (high - low + 1) * stride > LAST:
        return None
    return Entities(high - low + 1, low, frame.select("k0").clear(), computed=True)


def _wide(dtype: pl.DataType) -> pl.DataType:
    return pl.UInt64() if dtype == pl.UInt64 else pl.Int64()


def integer(value: object) -> int:
    """A bound of integers, which Polars types as any value."""
    return cast("int", value)
