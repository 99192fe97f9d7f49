"""A sequence of values, and what is known of its places: which value stands there, and where it stood before."""

from __future__ import annotations

from functools import cached_property

import polars as pl

PLACE = pl.UInt32
"""The type of places, of ranges' numbers and of values' numbers: no operation takes one below zero."""


class Sequence:
    """Values sorted by entity and by whatever orders those of an entity.

    Equal values of an entity have one number, and greater ones of it a greater number: NaN equals NaN and is the
    greatest, -0.0 equals 0.0.
    """

    def __init__(self, values: pl.Series, entity: pl.Series | None) -> None:
        self.values, self._entity = values, entity

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def places(self) -> pl.Series:
        """All places."""
        return places(len(self))

    @cached_property
    def begins(self) -> pl.Series:
        """Whether an entity's first value stands at a place."""
        if self._entity is None:
            return self.places == 0
        return (self._entity != self._entity.shift()).fill_null(value=True)

    @cached_property
    def by_value(self) -> pl.DataFrame:
        """The places by entity, value and place, each with its value's number, and whether it is the value's first."""
        key = pl.col("value")
        if self.values.dtype.is_float():
            key = pl.when(key.is_nan()).then(float("nan")).otherwise(key + 0.0)
        rows = pl.DataFrame({"entity": self.begins.cum_sum(), "value": self.values}).with_columns(key)
        order = rows.select(pl.arg_sort_by("entity", "value", maintain_order=True).cast(PLACE)).to_series()
        is_new = pl.any_horizontal(pl.all() != pl.all().shift()).fill_null(value=True)
        new = rows.select(pl.all().gather(order)).select(is_new).to_series()
        return pl.DataFrame({"place": order, "is_new": new, "number": (new.cum_sum() - 1).cast(PLACE)})

    @cached_property
    def numbers(self) -> pl.Series:
        """The number of the value at each place."""
        return self._by_place(self.by_value["number"])

    @cached_property
    def named(self) -> pl.Series:
        """The values by their numbers."""
        return self.values.gather(self.by_value.filter("is_new")["place"])

    @cached_property
    def pairs(self) -> pl.DataFrame:
        """The neighbours among the places of a value."""
        neighbours = self.by_value.lazy().select("is_new", first=pl.col("place").shift(), second="place")
        return neighbours.filter(~pl.col("is_new")).select("first", "second").collect()

    @cached_property
    def reached_before(self) -> pl.Series:
        """How far one must have come to have met the value of a place before: 0 where it is its first."""
        reached = pl.when("is_new").then(0).otherwise(pl.col("place").shift() + 1)
        return self._by_place(self.by_value.select(reached.cast(PLACE)).to_series())

    def _by_place(self, found: pl.Series) -> pl.Series:
        return pl.zeros(len(self), dtype=found.dtype, eager=True).scatter(self.by_value["place"], found)

    def mirrored(self) -> Sequence:
        """The sequence from its end to its beginning."""
        entity = self._entity if self._entity is None else self._entity.reverse()
        return Sequence(self.values.reverse(), entity)


def places(n: int) -> pl.Series:
    """The first places."""
    return pl.int_range(0, n, dtype=PLACE, eager=True)
