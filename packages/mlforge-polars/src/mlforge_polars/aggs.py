"""The plan of a kernel's run: the clock, the windows, the values and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_polars.entities import Clock
from mlforge_polars.values import Value


class SumOverflow(OverflowError):
    """A sum does not fit into its type, 64 bits of integers or 38 digits of decimals: the one of this aggregate."""

    def __init__(self, aggregate: Aggregate) -> None:
        super().__init__(f"{aggregate.name}: the sum over a window does not fit into {aggregate.word}")
        self.aggregate = aggregate


class Plan(NamedTuple):
    """What to compute: the clock, the distinct windows, the values and the aggregates of them."""

    clock: Clock
    windows: Sequence[int]  # distinct and ascending, in units of the clock
    values: Mapping[str | None, Value]
    aggs: Sequence[Aggregate]

    def at(self, window: int) -> list[Aggregate]:
        """The aggregates over one of the windows."""
        return [agg for agg in self.aggs if agg.leaves == window * self.clock.unit]

    @property
    def sources(self) -> int:
        """A point comes from a tile that enters, or that leaves one of the windows."""
        return len(self.windows) + 1
