"""The plan of a kernel's run: the clock, the windows, the values and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mlforge.model.aggregation import AGGREGATIONS
from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_polars.entities import Clock
from mlforge_polars.values import Value


class SumOverflow(OverflowError):
    """A sum does not fit into its type, 64 bits of integers or 38 digits of decimals: the one of this aggregate."""

    def __init__(self, aggregate: Aggregate) -> None:
        super().__init__(f"{aggregate.name}: the sum over a window does not fit into {aggregate.word}")
        self.aggregate = aggregate


class Stay(NamedTuple):
    """A window: how long after they are known events enter it and leave it, in microseconds; None: they never do."""

    enters: int
    leaves: int | None

    @property
    def is_plain(self) -> bool:
        """Whether it has an end, and ends at the instant itself: then a rolling function knows it by its length."""
        return self.enters == 0 and self.leaves is not None


class Plan(NamedTuple):
    """What to compute: the clock, the shifts, the values and the aggregates of them."""

    clock: Clock
    shifts: Sequence[int]  # distinct and ascending, the first 0: when after they are known tiles may make a point
    values: Mapping[str | None, Value]
    aggs: Sequence[Aggregate]

    @property
    def windows(self) -> list[Stay]:
        """The windows, each once."""
        return list(dict.fromkeys(Stay(a.enters, a.leaves) for a in self.aggs))

    def at(self, window: Stay) -> list[Aggregate]:
        """The aggregates over one of the windows."""
        return [a for a in self.aggs if Stay(a.enters, a.leaves) == window]

    def is_ranged(self, agg: Aggregate) -> bool:
        """Whether an aggregate looks at the values of its window one by one."""
        return agg.is_ranged or (agg.function == "std" and not self.values[agg.column].squared)

    def units(self, stay: int) -> int:
        """A length in units of the clock."""
        return stay // self.clock.unit

    def past(self, stay: int) -> str:
        """The column of the points that counts the tiles which have been known for so long."""
        return f"past{self.shifts.index(self.units(stay))}"

    def conditions(self, shift: int) -> set[str] | None:
        """The inputs that are there in tiles which make a point by a shift; None: all tiles do."""
        asking = [a for a in self.aggs if shift in map(self.units, stays_of(a))]
        passes = {a.passes for a in asking}
        return None if shift == 0 or None in passes else {p for p in passes if p is not None}


def stays_of(agg: Aggregate) -> list[int]:
    """How long after they are known events change an aggregate, in microseconds."""
    return [agg.enters, *([] if agg.leaves is None else [agg.leaves])]


def is_ordered(agg: Aggregate) -> bool:
    """Whether the order of its events in time matters."""
    return AGGREGATIONS[agg.function].needs == "order"
