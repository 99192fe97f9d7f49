"""The ranges, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import polars as pl

from mlforge.model.aggregation import Options
from mlforge_ranges import distinct, frequent, lists, moments, quantiles, spreads
from mlforge_ranges.sequence import PLACE, Sequence

_CALLED = {"median": "percentile", "skew": "skewness"}
_OPTIONS: dict[str, Options] = {"median": (0.5,)}


class Ranges:
    """Ranges of a sequence of values, from `low` up to, not including, `high`, and values of each.

    The values have no nulls, and are sorted by entity, and those of an entity by whatever orders them. Each range lies
    within one entity; neither `low` nor `high` ever goes back from one range to the next. NaN equals NaN and is the
    greatest, -0.0 equals 0.0.

    Args:
        values: The sequence.
        entity: A number for each value, which never goes back; None where all are of one entity.
        low: The place of the first value of each range.
        high: The place after the last value of each range.

    Raises:
        ValueError: when the lengths differ, or a bound goes back.

    Example:
        >>> amounts = pl.Series([3, 1, 3, 2])
        >>> ranges = Ranges(amounts, None, pl.Series([0, 0, 1]), pl.Series([0, 3, 4]))
        >>> ranges.mode().to_list(), ranges.last_n(2).to_list()
        ([None, 3, 1], [[], [1, 3], [3, 2]])
    """

    def __init__(self, values: pl.Series, entity: pl.Series | None, low: pl.Series, high: pl.Series) -> None:
        if entity is not None and len(entity) != len(values):
            raise ValueError("Each value has an entity.")
        self._sequence = Sequence(values, entity)
        self.low, self.high = _bounds(low, high)

    def moved(self, low: pl.Series, high: pl.Series) -> Ranges:
        """Other ranges of the same sequence, of which nothing is found out twice.

        Example:
            >>> ranges = Ranges(pl.Series([3, 1, 3, 2]), None, pl.Series([0]), pl.Series([2]))
            >>> ranges.moved(pl.Series([1]), pl.Series([4])).last().to_list()
            [2]
        """
        other = copy(self)
        other.low, other.high = _bounds(low, high)
        return other

    def aggregated(self, function: str, options: Options = ()) -> pl.Series:
        """What an aggregation of the core that needs order, or all values, makes of each range.

        Example:
            >>> ranges = Ranges(pl.Series([3, 1, 3, 2]), None, pl.Series([0, 0]), pl.Series([1, 4]))
            >>> ranges.aggregated("median").to_list(), ranges.aggregated("top_k", (1,)).to_list()
            ([3.0, 2.5], [[3], [3]])
        """
        made: Callable[..., pl.Series] = getattr(self, _CALLED.get(function, function))
        return made(*(options or _OPTIONS.get(function, ())))

    def __len__(self) -> int:
        return len(self.low)

    def first(self) -> pl.Series:
        """The first value of each range; null of an empty one."""
        return self._at(pl.col("low"))

    def last(self) -> pl.Series:
        """The last value of each range; null of an empty one."""
        return self._at(pl.col("high") - 1)

    def _at(self, place: pl.Expr) -> pl.Series:
        there = pl.when(pl.col("low") < pl.col("high")).then(place)
        bounds = pl.DataFrame({"low": self.low, "high": self.high})
        return self._sequence.values.gather(bounds.select(there).to_series())

    def first_n(self, n: int, distinct: bool = False) -> pl.Series:
        """The first `n` values of each range, as a list; each value once, at its first place, when `distinct`."""
        if distinct:
            return lists.first_distinct(self._sequence, self.low, self.high, n)
        return lists.between(self._sequence.values, self.low, self._sizes().clip(upper_bound=n))

    def last_n(self, n: int, distinct: bool = False) -> pl.Series:
        """The last `n` values of each range, as a list; each value once, at its last place, when `distinct`."""
        if distinct:
            return lists.last_distinct(self._sequence, self.low, self.high, n)
        taken = self._sizes().clip(upper_bound=n)
        return lists.between(self._sequence.values, self.high - taken, taken)

    def _sizes(self) -> pl.Series:
        return self.high - self.low

    def count_distinct(self) -> pl.Series:
        """How many different values each range has."""
        return distinct.counts(self._sequence, self.low, self.high)

    def percentile(self, q: float) -> pl.Series:
        """The value at `q (n - 1)` in the order of values, between two in proportion; null of an empty range."""
        return quantiles.percentiles(self._sequence, self.low, self.high, q)

    def mode(self) -> pl.Series:
        """The most frequent value, of equally frequent ones the least; null of an empty range."""
        return frequent.modes(self._sequence, self.low, self.high)

    def top_k(self, k: int) -> pl.Series:
        """The `k` most frequent values, as a list, most frequent first, of equally frequent ones the least."""
        return frequent.most_frequent(self._sequence, self.low, self.high, k)

    def std(self) -> pl.Series:
        """Standard deviation, however far apart the numbers are; null of fewer than two values."""
        return spreads.stds(self._sequence, self.low, self.high)

    def skewness(self) -> pl.Series:
        """Adjusted Fisher-Pearson skewness; null of fewer than three values, or without spread."""
        return moments.over(self._sequence, self.low, self.high, moments.skewness)

    def kurtosis(self) -> pl.Series:
        """Adjusted excess kurtosis; null of fewer than four values, or without spread."""
        return moments.over(self._sequence, self.low, self.high, moments.kurtosis)


def _bounds(low: pl.Series, high: pl.Series) -> tuple[pl.Series, pl.Series]:
    if len(low) != len(high):
        raise ValueError("Each range has two bounds.")
    if not (low.is_sorted() and high.is_sorted()):
        raise ValueError("A bound of a range goes back.")
    return low.cast(PLACE), high.cast(PLACE)
