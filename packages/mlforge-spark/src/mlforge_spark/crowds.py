"""Keys that hold much of a feature's rows: their history is cut into pieces, which different tasks join.

A piece begins at the stamp of one of the feature's own rows. So whatever is asked for within it is that row, or a later
one of the same piece, and no piece needs to know of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any, NamedTuple

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

LARGE = 1_000_000
"""Rows of a feature beyond which one task may have too many of them."""

SHARE = 0.02
"""Of a feature's rows, that make a key crowded, and that are about one piece."""

_SAMPLE = 100_000
_SPREAD = 64  # pieces of rows that belong to nobody


class Crowd(NamedTuple):
    """A key's values, and the stamps at which its second piece and those after it begin."""

    key: tuple[Any, ...]
    stamps: Sequence[int]


def is_large(rows: int) -> bool:
    """Whether a feature has so many rows that it is worth looking at before they are joined."""
    return rows >= LARGE


def crowds(feature: DataFrame, keys: Sequence[Column], stamp: Column, rows: int) -> list[Crowd]:
    """The crowded keys of so many rows of a feature, by a sample of their keys and stamps."""
    if not is_large(rows):
        return []
    names = [f"k{i}" for i in range(len(keys))]
    seen = feature.select(*(k.alias(n) for k, n in zip(keys, names, strict=True)), stamp.alias("stamp"))
    seen = seen.sample(fraction=min(1.0, _SAMPLE / rows), seed=7)
    each = seen.groupBy(*names).agg(F.sort_array(F.collect_list("stamp")).alias("stamps"))
    piece = SHARE * min(rows, _SAMPLE)
    pieces = f"CAST(size(stamps) / {piece}D AS INT)"
    cuts = (
        f"array_distinct(transform(sequence(1, {pieces} - 1), i -> stamps[CAST(size(stamps) * i / {pieces} AS INT)]))"
    )
    found = each.where(F.expr(f"{pieces} > 1")).select(*names, F.expr(cuts).alias("cuts"))
    return [Crowd(tuple(row[n] for n in names), row["cuts"]) for row in found.collect()]


def piece(keys: Sequence[str], at: Column, found: Sequence[Crowd], number: Column | None) -> Column:
    """Which piece of its key's history a row belongs to; rows without a key belong to any."""
    chosen = F.lit(0)
    for crowd in found:
        is_it = reduce(and_, (F.col(k) == F.lit(v) for k, v in zip(keys, crowd.key, strict=True)))
        begun = [(at >= F.lit(stamp)).cast("int") for stamp in crowd.stamps]
        chosen = F.when(is_it, reduce(lambda a, b: a + b, begun)).otherwise(chosen)
    if number is None:
        return chosen
    nobody = reduce(or_, (F.col(k).isNull() for k in keys))
    return F.when(nobody, F.pmod(number, F.lit(_SPREAD)).cast("int")).otherwise(chosen)
