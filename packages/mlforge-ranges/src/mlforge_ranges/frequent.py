"""The most frequent values of ranges.

How often a value is in the ranges, from one to the next, is a staircase: it changes where one of its places enters or
leaves. A step is an interval of ranges, and the mode of a range is the greatest of the steps it lies in.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from mlforge_ranges.distinct import times
from mlforge_ranges.lists import Found, gathered
from mlforge_ranges.sequence import PLACE, Sequence, places

_HALF = 2**32
"""Two numbers of 32 bits are one of 64, which compares as they do one after the other."""
_REST = _HALF - 1
_WEIGHT = pl.col("count").cast(pl.UInt64) * _HALF + (_REST - pl.col("number"))
"""More for a more frequent value, and of equally frequent ones for a lesser. Never 0."""

_FEW = 16
"""Values in a range that are held against each other faster than steps are made of them."""
_AT_ONCE = 4_000_000
_PARTS = [
    (pl.col("key") % _HALF).cast(PLACE).alias("from"),
    (pl.col("to") % _HALF).cast(PLACE).alias("to"),
    (pl.col("key") // _HALF).cast(PLACE).alias("number"),
]
"""A step, of the number of its value and where it begins, in one, and the next such."""


def modes(sequence: Sequence, low: pl.Series, high: pl.Series) -> pl.Series:
    """The most frequent value of each range, of equally frequent ones the least; null of none."""
    number = pl.Series([None], dtype=PLACE).new_from_index(0, len(low))
    for ranges, numbers in _found(sequence, low, high, 1):
        number = number.scatter(ranges, numbers)
    return sequence.named.gather(number)


def most_frequent(sequence: Sequence, low: pl.Series, high: pl.Series, k: int) -> pl.Series:
    """The `k` most frequent values of each range, most frequent first, of equally frequent ones the least."""
    return gathered(sequence.named, _found(sequence, low, high, k), len(low))


def _found(sequence: Sequence, low: pl.Series, high: pl.Series, k: int) -> list[Found]:
    """The ranges with a first, second, … most frequent value, each with its number."""
    ranges = pl.DataFrame({"range": places(len(low)), "low": low, "high": high, "n": high - low})
    long, parts = ranges.filter(pl.col("n") > _FEW), []
    if len(long):
        steps = _steps(sequence, long["low"], long["high"])
        parts.append([(long["range"].gather(at), numbers) for at, numbers in _ranked(steps, len(long), k)])
    for (n,), some in ranges.filter(pl.col("n").is_between(1, _FEW)).partition_by("n", as_dict=True).items():
        parts += [list(_counted(sequence, part, int(n), k)) for part in some.iter_slices(_AT_ONCE // int(n))]
    placed = [[part[i] for part in parts if i < len(part)] for i in range(max(map(len, parts), default=0))]
    return [(pl.concat([at for at, _ in found]), pl.concat([number for _, number in found])) for found in placed]


def _counted(sequence: Sequence, ranges: pl.DataFrame, n: int, k: int) -> Iterator[Found]:
    """The same of ranges of so few values that each is held against every other."""
    columns = [pl.col(f"{i}") for i in range(n)]
    numbers = pl.LazyFrame({f"{i}": sequence.numbers.gather(ranges["low"] + i) for i in range(n)})
    weights = numbers.select(_weight(columns, i) for i in range(n)).collect()
    for i in range(min(n, k)):
        heaviest = weights.select(pl.max_horizontal(columns)).to_series()
        there = heaviest > 0
        if not there.any():
            return
        yield ranges["range"].filter(there), _numbers(heaviest.filter(there))
        if i < min(n, k) - 1:
            rest = weights.with_columns(heaviest=heaviest)
            weights = rest.select(pl.when(c < pl.col("heaviest")).then(c).otherwise(0) for c in columns)


def _weight(columns: list[pl.Expr], i: int) -> pl.Expr:
    """The weight of the value at one of the places of a range; 0 where the same value has stood before."""
    this, before = columns[i], columns[:i]
    count = pl.sum_horizontal((this == c).cast(pl.UInt64) for c in columns[i:])
    weight = count * _HALF + (_REST - this.cast(pl.UInt64))
    return (
        pl.when(~pl.any_horizontal(this == c for c in before) if before else True)
        .then(weight)
        .otherwise(0)
        .alias(f"{i}")
    )


def _numbers(heaviest: pl.Series) -> pl.Series:
    """The number of the value that a weight is of."""
    number = pl.when(pl.col("weight") > 0).then(_REST - pl.col("weight") % _HALF)
    return pl.DataFrame({"weight": heaviest}).select(number.cast(PLACE)).to_series()


def _steps(sequence: Sequence, low: pl.Series, high: pl.Series) -> pl.DataFrame:
    """The steps of all values, by value: from one range up to, not including, another, and the count there."""
    enters, leaves = times(sequence, low, high)
    at = sequence.by_value["place"]
    stay = pl.LazyFrame({"number": sequence.by_value["number"], "from": enters.gather(at), "to": leaves.gather(at)})
    stay = stay.filter(pl.col("from") < pl.col("to")).with_columns(pl.col("number").cast(pl.UInt64) * _HALF)
    first = stay.select(key=pl.col("number") + pl.col("from"), change=pl.lit(1, dtype=pl.Int32))
    last = stay.select(key=pl.col("number") + pl.col("to"), change=pl.lit(-1, dtype=pl.Int32))
    changes = first.merge_sorted(last, key="key").collect()  # the places of a value enter and leave in one order
    # What has entered leaves again, if after the last range: so the total is 0 where the next value begins.
    steps = changes.lazy().select("key", to=pl.col("key").shift(-1), count=pl.col("change").cum_sum())
    steps = steps.filter(pl.col("count") > 0, pl.col("key") < pl.col("to"))
    return steps.select(*_PARTS, pl.col("count").cast(PLACE)).collect()


def _heaviest(steps: pl.DataFrame, length: int) -> pl.Series:
    """The greatest weight of the steps that each range lies in; 0 where it lies in none.

    A step is covered by two runs whose length is a power of two. Runs are looked at from the longest to the shortest:
    one of them weighs what it covers itself, and what the one of double length that it is a half of does.
    """
    ends = steps.lazy().select("from", "to", weight=_WEIGHT)
    log = (pl.col("to") - pl.col("from")).cast(pl.Float64).log(2).floor()
    level = pl.when(2**log > pl.col("to") - pl.col("from")).then(log - 1).otherwise(log).cast(pl.UInt8)
    by_level = ends.with_columns(level=level).collect().partition_by("level", as_dict=True, include_key=False)
    heaviest = pl.zeros(length, dtype=pl.UInt64, eager=True)
    for i in reversed(range(1 + max((int(key[0]) for key in by_level), default=-1))):
        halves = pl.DataFrame({"one": heaviest, "other": heaviest.shift(2**i, fill_value=0)})
        heaviest = halves.select(pl.max_horizontal("one", "other")).to_series()
        if (of := by_level.get((i,))) is not None:
            heaviest = _laid_on(heaviest, of, 2**i)
    return heaviest


def _laid_on(heaviest: pl.Series, steps: pl.DataFrame, reach: int) -> pl.Series:
    runs = pl.concat(
        [steps.select("from", "weight"), steps.select(pl.col("to") - reach, "weight").rename({"to": "from"})]
    )
    runs = runs.group_by("from").agg(pl.col("weight").max())
    both = runs.select("from", "weight", there=heaviest.gather(runs["from"]))
    return heaviest.scatter(both["from"], both.select(pl.max_horizontal("weight", "there")).to_series())


def _ranked(steps: pl.DataFrame, length: int, k: int) -> Iterator[Found]:
    """The ranges with a first, second, … most frequent value, each with its number."""
    left = places(length)
    for i in range(k):
        heaviest = _heaviest(steps, len(left))
        there = heaviest > 0
        if not there.any():
            return
        yield left.filter(there), _numbers(heaviest.filter(there))
        if i < k - 1:
            steps = _narrowed(_without(steps, heaviest), there)
            left = left.filter(there)


def _without(steps: pl.DataFrame, heaviest: pl.Series) -> pl.DataFrame:
    """What is left of the steps where they are not the heaviest, by value.

    Where both the steps and what is taken of them begin and end is put in a row, and the count and whether it is taken
    are carried on from one point to the next.
    """
    runs = (
        pl.DataFrame({"weight": heaviest})
        .with_row_index("from")
        .filter(pl.col("weight").ne_missing(pl.col("weight").shift()))
    )
    runs = runs.with_columns(to=pl.col("from").shift(-1, fill_value=len(heaviest))).filter(pl.col("weight") > 0)
    taken = runs.select("from", "to", number=_numbers(runs["weight"]))
    points = [  # of several at one place the last one holds: ends come first
        _points(steps, "to", count=pl.lit(0, dtype=PLACE)),
        _points(taken, "to", taken=pl.lit(value=False)),
        _points(steps, "from", count="count"),
        _points(taken, "from", taken=pl.lit(value=True)),
    ]
    carried = pl.concat(points, how="diagonal").sort("key", maintain_order=True)
    carried = carried.select(
        "key", pl.col("count").forward_fill(), pl.col("taken").forward_fill(), to=pl.col("key").shift(-1)
    )
    is_left = (pl.col("count") > 0) & ~pl.col("taken").fill_null(value=False) & (pl.col("key") < pl.col("to"))
    return carried.filter(is_left).select(*_PARTS, "count").collect()


def _points(steps: pl.DataFrame, end: str, **found: pl.Expr | str) -> pl.LazyFrame:
    return steps.lazy().select(key=pl.col("number").cast(pl.UInt64) * _HALF + pl.col(end), **found)


def _narrowed(steps: pl.DataFrame, there: pl.Series) -> pl.DataFrame:
    """The steps over some of the ranges alone."""
    before = pl.concat([pl.Series([0], dtype=PLACE), there.cum_sum().cast(PLACE)])
    return steps.with_columns(pl.col("from", "to").map_batches(before.gather, return_dtype=PLACE))
