"""Lists of the first or the last few values of ranges."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from mlforge_ranges.sequence import PLACE, Sequence, places

_AT_ONCE = 4_000_000
"""About how many values are put into lists in one step."""

Found = tuple[pl.Series, pl.Series]
"""The numbers of some ranges, and something of each."""


def between(values: pl.Series, start: pl.Series, taken: pl.Series) -> pl.Series:
    """So many values from a place on, for each range."""
    parts = [_between(values, start[part], taken[part]) for part in _parts(taken)]
    return pl.concat(parts) if parts else pl.Series([], dtype=pl.List(values.dtype))


def _between(values: pl.Series, start: pl.Series, taken: pl.Series) -> pl.Series:
    # All places stand in one series when the function gets them: it is called once, not once a list.
    at = pl.int_ranges(pl.col("start"), pl.col("start") + pl.col("taken"), dtype=PLACE)
    place = pl.element().map_batches(values.gather, return_dtype=values.dtype, is_elementwise=True)
    return pl.DataFrame({"start": start, "taken": taken}).select(at.list.eval(place)).to_series()


def _parts(taken: pl.Series) -> Iterator[slice]:
    """Ranges in a row that take about so many values that are put into lists in one step."""
    steps = (taken.cast(pl.UInt64) + 1).cum_sum() // _AT_ONCE
    ends = [*steps.rle().struct.field("len").cum_sum().to_list()]
    yield from (slice(start, end) for start, end in zip([0, *ends], ends, strict=False))


def gathered(values: pl.Series, found: list[Found], length: int, *, backwards: bool = False) -> pl.Series:
    """Lists for so many ranges out of what was found first of each range, second, and so on: numbers of values."""
    taken = pl.zeros(length, dtype=PLACE, eager=True)
    for i, (ranges, _) in enumerate(found):
        taken = taken.scatter(ranges, i + 1)
    ends = taken.cast(pl.UInt64).cum_sum()
    flat = pl.zeros(int(ends[-1]) if length else 0, dtype=PLACE, eager=True)
    for i, (ranges, numbers) in enumerate(found):
        first = (ends - 1 - i) if backwards else (ends - taken + i)
        flat = flat.scatter(first.gather(ranges), numbers)
    return between(values.gather(flat), ends - taken, taken)


def last_distinct(sequence: Sequence, low: pl.Series, high: pl.Series, n: int) -> pl.Series:
    """The last `n` different values of each range, each at its last place."""
    found = list(_latest(sequence, low, high, n))
    return gathered(sequence.values, found, len(low), backwards=True)


def first_distinct(sequence: Sequence, low: pl.Series, high: pl.Series, n: int) -> pl.Series:
    """The first `n` different values of each range, each at its first place."""
    length, mirrored = len(sequence), sequence.mirrored()
    found = _latest(mirrored, (length - high).cast(PLACE), (length - low).cast(PLACE), n)
    unmirrored = [(ranges, (length - 1 - at).cast(PLACE)) for ranges, at in found]
    return gathered(sequence.values, unmirrored, len(low))


def _latest(sequence: Sequence, low: pl.Series, high: pl.Series, n: int) -> Iterator[Found]:
    """The ranges with a first, second, … value from their end, each with its last place.

    The values up to a place, ordered by when they came last, are those up to the place before with the new one moved
    to the end. So what is the next in this order at a place is what was there before at the place before – or, where
    the new value was already among those that are later, what has been the next all the time.
    """
    ranges = pl.DataFrame({"range": places(len(low)), "low": low, "high": high}).filter(pl.col("low") < pl.col("high"))
    met = pl.DataFrame({"begins": sequence.begins, "before": sequence.reached_before, "reached": sequence.places + 1})
    step = pl.when("begins").then(0).otherwise(pl.col("reached").shift(fill_value=0)).cast(PLACE)
    moved = (pl.col("step") == 0) | (pl.col("before") < pl.col("step"))
    for i in range(n):
        if i:
            following = pl.when(moved).then("step").forward_fill()
            met = met.with_columns(step=step).with_columns(reached=following).drop("step")
        reached = met["reached"].gather(ranges["high"] - 1)
        inside = reached > ranges["low"]
        ranges = ranges.filter(inside)
        if not len(ranges):
            return
        yield ranges["range"], reached.filter(inside) - 1
