"""What was measured of a version's rows: figures of every column, as data. They are recorded with its metadata."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Which quantiles are recorded."""

MOST_EXACT = 10_000
"""Up to how many different values are counted exactly."""

SAMPLE = 65_536
"""Of more rows than these, quantiles, histograms and top values are those of about as many, drawn at random."""

LONGEST = 64
"""Letters of a text that are recorded; of a longer one the rest is left out."""


def rank_error(sampled: int) -> float:
    """How far, as a part of all values, what so many values tell may be off: of a million columns, four are.

    This is the bound of Dvoretzky, Kiefer, Wolfowitz and Massart.

    Example:
        >>> rank_error(SAMPLE), rank_error(0)
        (0.01, 0.0)
    """
    return 2.56 / math.sqrt(sampled) if sampled else 0.0


Value = bool | int | float | str
"""A value as JSON has it: times in ISO 8601, in UTC, decimals as text, durations in microseconds."""


_BARS = " ▁▂▃▄▅▆▇█"


class Histogram(msgspec.Struct, frozen=True, gc=False):
    """How many values lie below the first edge, from each edge to the next, and from the last edge on.

    A value at an edge counts to what is above it. Edges of times are microseconds since the Unix epoch.

    Example:
        >>> Histogram((0.0, 10.0), (1, 5, 2)).total
        8
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many values it is of."""
        return sum(self.counts)

    @property
    def sparkline(self) -> str:
        """The counts as bars of text, the highest of which is full; a count that is not zero shows.

        Example:
            >>> Histogram((0.0, 10.0), (1, 80, 0)).sparkline
            '▁█ '
        """
        most = max(self.counts, default=0)
        return "".join(_BARS[-(-n * (len(_BARS) - 1) // most)] if most else " " for n in self.counts)


class TopValue(msgspec.Struct, frozen=True, gc=False):
    """One of the most frequent values, and how often it stands there."""

    value: Value
    count: int


class ColumnQuality(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What was measured of a column.

    `min`, `max`, `mean`, `std`, `quantiles` and `histogram` are of its finite values; `nans` and `infinite` count the
    others. Those of times are in microseconds since the Unix epoch, but `min` and `max`, which are ISO 8601.

    Args:
        name: Its name.
        dtype: Its type, in mlforge's words.
        count: Values that are not null.
        nulls: Nulls.
        nans: Values that are no number.
        infinite: Values that are infinite.
        distinct: Different values that are not null; None of a type whose values are not compared.
        distinct_error: Zero: `distinct` is exact. Otherwise the relative standard error of the estimate.
        min: The least value.
        max: The greatest value.
        mean: Their mean.
        std: Their sample standard deviation (n - 1); None where the squares add up to more than a float holds.
        quantiles: Those that were asked for, `QUANTILES` if nothing else was.
        histogram: Of numbers and times.
        top: Of texts and booleans: the most frequent values, most frequent first, of equally frequent ones the least.
        sampled: Zero: quantiles, histogram and top values are of all values. Otherwise of so many rows.

    Example:
        >>> column = ColumnQuality(name="amount", dtype="Float64", count=75, nulls=25)
        >>> column.rows, column.null_rate
        (100, 0.25)
    """

    name: str
    dtype: str
    count: int
    nulls: int = 0
    nans: int = 0
    infinite: int = 0
    distinct: int | None = None
    distinct_error: float = 0.0
    min: Value | None = None
    max: Value | None = None
    mean: float | None = None
    std: float | None = None
    quantiles: tuple[float, ...] = ()
    histogram: Histogram | None = None
    top: tuple[TopValue, ...] = ()
    sampled: int = 0

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.count + self.nulls

    @property
    def null_rate(self) -> float:
        """The part of the rows that is null, between 0 and 1."""
        rows = self.rows
        return self.nulls / rows if rows else 0.0

    @property
    def finite(self) -> int:
        """How many values are finite."""
        return self.count - self.nans - self.infinite


class Quality(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was measured of a version's rows.

    Args:
        rows: How many there are.
        entities: How many entities they are of; None where there are no keys.
        entities_error: Zero: `entities` is exact. Otherwise the relative standard error of the estimate.
        columns: Its columns, in order.
        changed: Zero: all figures are of these rows. Otherwise `entities`, `distinct` and quantiles are of the rows
            before so many came, went or changed; in histograms and top values these are counted in proportion.

    Example:
        >>> quality = defs.metadata("user_spend").quality
        >>> quality.rows, quality.entities, quality.column("user_id").dtype
        (726, 25, 'String')
    """

    rows: int
    entities: int | None = None
    entities_error: float = 0.0
    columns: tuple[ColumnQuality, ...] = ()
    changed: int = 0

    def column(self, name: str) -> ColumnQuality | None:
        """What was measured of one column; None where it has none of that name."""
        return next((c for c in self.columns if c.name == name), None)


class Measuring(msgspec.Struct, frozen=True):
    """What to measure.

    Args:
        columns: Of which columns; of all if None.
        keys: The columns that tell entities apart.
        quantiles: Which quantiles.
        edges: The edges of the histograms of some columns; others get edges of their own, and so does a column whose
            median does not lie between its edges.
        fixed: Take the edges wherever the values lie.
        top: How many of the most frequent values.
        sample: Of more rows than these, about as many are drawn at random for quantiles, histograms and top values.

    Example:
        >>> Measuring(keys=("user_id",)).quantiles[3]
        0.5
    """

    columns: tuple[str, ...] | None = None
    keys: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = QUANTILES
    edges: Mapping[str, tuple[float, ...]] = {}
    fixed: bool = False
    top: int = 10
    sample: int = SAMPLE
