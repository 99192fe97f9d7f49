"""The least and greatest values of runs of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import polars as pl

from mlforge_polars.entities import integer

_CHOICE = {"min": pl.min_horizontal, "max": pl.max_horizontal}


def bounds_of_runs(asked: Sequence[tuple[pl.Series, str]], high: pl.Series, low: pl.Series) -> list[pl.Series]:
    """The least or greatest value, as `min` or `max` asks, of each run from `low` up to, not including, `high`.

    Null of an empty run; nulls among the values are passed over. Two runs of a power of two cover a run of any length,
    so those alone are looked up. Nulls double what looking up costs: an empty run looks up anything, and is made null.
    """
    if not asked:
        return []
    length = high - low
    reaches = [1 << level for level in range(integer(length.max() or 1).bit_length())]
    starts = list(accumulate((len(asked[0][0]) - reach + 1 for reach in reaches), initial=0))
    place = pl.UInt32 if starts[-1] < 2**32 else pl.UInt64
    told = pl.DataFrame({"start": _by_length(reaches, starts, place), "reach": _by_length(reaches, reaches, place)})
    runs = told.select(pl.all().gather(length)).select(
        first=pl.col("start") + low, last=pl.col("start") + high - pl.col("reach"), some=length > 0
    )
    return [_found(values, function, reaches, runs) for values, function in asked]


def _by_length(reaches: Sequence[int], told: Sequence[int], dtype: type[pl.DataType]) -> pl.Series:
    """What is told of each greatest power of two in a length, by that length; 0 of none."""
    parts = (pl.repeat(t, reach, dtype=dtype, eager=True) for reach, t in zip(reaches, told, strict=False))
    return pl.concat([pl.Series([0], dtype=dtype), *parts])


def _found(values: pl.Series, function: str, reaches: Sequence[int], runs: pl.DataFrame) -> pl.Series:
    levels = [values]
    for reach in reaches[:-1]:
        levels.append(_chosen(function, levels[-1].head(-reach), levels[-1].tail(-reach)))
    table = pl.concat([*levels, values.head(1)], rechunk=True)
    found = _chosen(function, table.gather(runs["first"]), table.gather(runs["last"]))
    return pl.select(pl.when(runs["some"]).then(found).alias(values.name)).to_series()


def _chosen(function: str, one: pl.Series, other: pl.Series) -> pl.Series:
    return pl.DataFrame({"one": one, "other": other}).select(_CHOICE[function]("one", "other")).to_series()
