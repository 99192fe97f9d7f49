"""Aggregated columns in the order of the events: running totals, exact, and places among the different values."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from toy_engine.order import Numbers, ranks


class Values:
    """An aggregated column in the order of the events, of those at one instant in the order of the values.

    Args:
        array: The column.
        instants: For each event a number, that of its entity and its time, which does not fall.
    """

    def __init__(self, array: pa.Array, instants: Numbers) -> None:
        order = np.arange(len(array)) if pa.types.is_nested(array.type) else np.lexsort((ranks(array)[0], instants))
        self.array = (array.cast(pa.int8()) if pa.types.is_boolean(array.type) else array).take(pa.array(order))
        self.type = array.type
        self.floats = pa.types.is_floating(array.type)
        self.there = self.array.is_valid().to_numpy(zero_copy_only=False)
        self.counts = running(self.there)

    @cached_property
    def special(self) -> list[Numbers]:
        """Running counts of NaN, infinity and minus infinity."""
        numbers = self.array.cast(pa.float64()).fill_null(0).to_numpy()
        return [running(found) for found in (np.isnan(numbers), numbers == math.inf, numbers == -math.inf)]

    @cached_property
    def _exact(self) -> tuple[int, list[int]]:
        """A power of two, and the values as whole multiples of its inverse; 0 for what is not finite."""
        given = self.array.to_pylist()
        if not self.floats:
            return 0, [int(v or 0) for v in given]
        ratios = [v.as_integer_ratio() if v is not None and math.isfinite(v) else (0, 1) for v in given]
        power = max((bottom.bit_length() for _, bottom in ratios), default=1) - 1
        return power, [top << (power + 1 - bottom.bit_length()) for top, bottom in ratios]

    @property
    def power(self) -> int:
        """Of two, by which the totals are divided."""
        return self._exact[0]

    @cached_property
    def totals(self) -> list[list[int]]:
        """Running totals of the values, of their squares, and of their third and fourth powers."""
        return [[0, *accumulate(v**power for v in self._exact[1])] for power in (1, 2, 3, 4)]

    @cached_property
    def ranks(self) -> tuple[Numbers, pa.Array]:
        """Places among the different values, -1 for null; and those."""
        return ranks(self.array)

    @cached_property
    def places(self) -> list[int]:
        """The places of those that are not null."""
        places = self.ranks[0]
        return places[places >= 0].tolist()

    def runs(self, low: Numbers, high: Numbers) -> list[tuple[int, int]]:
        """Which of those that are not null the runs of events hold."""
        return list(zip(self.counts[low].tolist(), self.counts[high].tolist(), strict=True))


def running(found: np.ndarray[Any, Any]) -> Numbers:
    """Running totals."""
    return np.r_[0, np.cumsum(found, dtype=np.int64)]
