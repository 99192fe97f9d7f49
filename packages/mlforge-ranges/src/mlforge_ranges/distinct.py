"""How many different values ranges have."""

from __future__ import annotations

import polars as pl

from mlforge_ranges.sequence import Sequence


def counts(sequence: Sequence, low: pl.Series, high: pl.Series) -> pl.Series:
    """All places, less those that a place with the same value stands before in the range.

    A pair of such neighbours is in the ranges from the first that reaches the second one up to the first that begins
    after the first one: since no bound goes back, these are two lookups, and a running total over all ranges.
    """
    enters, leaves = times(sequence, low, high)
    pairs = pl.LazyFrame(
        {
            "enters": enters.gather(sequence.pairs["second"]),
            "leaves": leaves.gather(sequence.pairs["first"]),
        }
    )
    both = pairs.filter(pl.col("enters") < pl.col("leaves")).collect()
    repeated = (_tally(both["enters"], len(low)) - _tally(both["leaves"], len(low))).cum_sum()
    return (high - low).cast(pl.Int64) - repeated


def times(sequence: Sequence, low: pl.Series, high: pl.Series) -> tuple[pl.Series, pl.Series]:
    """For each place the number of the first range that reaches it, and of the first that begins after it."""
    return high.search_sorted(sequence.places, "right"), low.search_sorted(sequence.places, "right")


def _tally(ranges: pl.Series, length: int) -> pl.Series:
    """How often each range's number is there."""
    counted = ranges.value_counts(name="n").filter(pl.col(ranges.name) < length)
    return pl.zeros(length, dtype=pl.Int64, eager=True).scatter(counted[ranges.name], counted["n"])
