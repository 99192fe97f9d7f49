"""What values are told apart and sorted by: numbers in their order.

Keys, joins, ties, extremes and medians use them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toy_engine.types import plainly

Numbers = np.ndarray[Any, np.dtype[np.int64]]


def ranks(array: pa.Array) -> tuple[Numbers, pa.Array]:
    """For each value its place among the different ones, -1 for null; and those, in order. NaN is the last."""
    if pa.types.is_nested(array.type):
        return _ranks_of_lists(array)
    coded = pc.dictionary_encode(canonical(array))
    order = pc.sort_indices(coded.dictionary).to_numpy()
    places = np.empty(len(order) + 1, np.int64)
    places[order], places[-1] = np.arange(len(order)), -1
    codes = coded.indices.fill_null(len(order)) if coded.null_count else coded.indices
    return places[codes.to_numpy(zero_copy_only=False)], coded.dictionary.take(pa.array(order))


def canonical(array: pa.Array) -> pa.Array:
    """The values, of floats one zero and one NaN."""
    if not pa.types.is_floating(array.type):
        return array
    return pc.if_else(pc.is_nan(array), pa.scalar(math.nan, array.type), pc.add(array, pa.scalar(0.0, array.type)))


def _ranks_of_lists(array: pa.Array) -> tuple[Numbers, pa.Array]:
    values = [None if v is None else tuple(v) for v in array.to_pylist()]
    different = sorted(set(values) - {None}, key=lambda v: [(x is not None, x) for x in v])
    places = {value: place for place, value in enumerate(different)} | {None: -1}
    return np.array([places[v] for v in values], np.int64), pa.array(map(list, different), array.type)


def identities(tables: Sequence[pa.Table], names: Sequence[str]) -> list[Numbers]:
    """For each table the numbers of its rows: equal, and in order, as their values are; -1 where one is null."""
    sizes = [t.num_rows for t in tables]
    numbers, null = np.zeros(sum(sizes), np.int64), np.zeros(sum(sizes), bool)
    for name in names:
        places, different = ranks(_together([plainly(t[name]) for t in tables]))
        null |= places < 0
        numbers = np.unique(numbers * (len(different) + 1) + places + 1, return_inverse=True)[1].reshape(-1)
    numbers[null] = -1
    return np.split(numbers, np.cumsum(sizes)[:-1])


def _together(arrays: Sequence[pa.Array]) -> pa.Array:
    """Columns as one; integers of any width are integers."""
    types = {a.type for a in arrays}
    wide = pa.decimal128(20) if len(types) > 1 and all(map(pa.types.is_integer, types)) else arrays[0].type
    return pa.concat_arrays([a.cast(wide) for a in arrays])


def firsts(numbers: Numbers) -> Numbers:
    """Where each run of equal numbers begins."""
    return np.flatnonzero(differ(numbers))


def differ(*columns: Numbers) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether each row is another than the one before."""
    return np.r_[True, np.any([c[1:] != c[:-1] for c in columns], axis=0)][: len(columns[0])]
