"""Sums without rounding: a number is split into whole numbers of 64 bits, whose sums are exact, and rounded once.

What takes several steps is a generator: it yields columns to compute, and may read them by their names afterwards.
Calculations that do not need each other take their steps together, one `select` each.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from mlforge.model.schema import is_float
from mlforge.plugin.engine.sizing import Limbs
from mlforge.plugin.engine.types import is_decimal
from mlforge_spark.numbers import decimal, long, real, times_power

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Steps = Generator[dict[str, "Column"], None, "Column"]
"""A calculation: columns to compute first, step by step, and then the column that it is about."""

_BITS = 62  # of a signed integer of 64 that may be filled
_EXACT = 52  # bits of a limb that a float takes without rounding
MOST_MULTIPLIED = 8
"""Limbs that are multiplied with each other: beyond this, deviations are computed in another way."""


def limbs_for_sums(low: int, bits: int, terms: int) -> Limbs:
    """Limbs that hold every value exactly, and the sum of so many in 64 bits each."""
    growth = terms.bit_length()
    if bits + growth <= _BITS:
        return Limbs(low, max(1, bits), 1, narrow=True, growth=growth)
    width = min(_EXACT, _BITS - 1 - growth)
    return Limbs(low, width, -(-bits // width), narrow=False, growth=growth)


def limbs_for_products(low: int, bits: int, terms: int) -> Limbs:
    """Limbs so narrow that the sum of the products of so many fits 64 bits, however they are paired."""
    growth, length = terms.bit_length(), 1
    while (width := (_BITS - 2 - growth - (2 * length).bit_length()) // 2) * length < bits:
        length += 1
    return Limbs(low, width, length, narrow=False, growth=growth)


def split(value: Column, word: str, limbs: Limbs) -> list[Column]:
    """The limbs of a finite value, each of which has its sign or none."""
    if is_float(word):
        return [_float_limb(value.cast("double"), limbs, i) for i in range(limbs.length)]
    if is_decimal(word):
        return [_decimal_limb(value.cast("decimal(38,0)"), limbs, i) for i in range(limbs.length)]
    whole = value.cast("long")
    return [_whole_limb(whole, limbs, i) for i in range(limbs.length)]


def _float_limb(value: Column, limbs: Limbs, i: int) -> Column:
    """What is left of a value beyond the next limb, in units of this one, without what is below: exact in each step."""
    if i < limbs.length - 1:
        value = value % real(2.0 ** limbs.places[i + 1])
    return times_power(value, -limbs.places[i]).cast("long")


def _decimal_limb(value: Column, limbs: Limbs, i: int) -> Column:
    if i < limbs.length - 1:
        value = value % decimal(2 ** (limbs.width * (i + 1)))
    if i:
        unit = decimal(2 ** (limbs.width * i))
        value = (value - value % unit) / unit
    return value.cast("long")


def _whole_limb(value: Column, limbs: Limbs, i: int) -> Column:
    if i:
        value = F.shiftright(value, limbs.width * i)
    return value.bitwiseAND(long(2**limbs.width - 1)) if i < limbs.length - 1 else value


def computed(frame: DataFrame, calculations: Mapping[str, Steps]) -> tuple[DataFrame, dict[str, Column]]:
    """The frame with all columns that some calculations need, and what each of them is about."""
    found: dict[str, Column] = {}
    open_ = dict(calculations)
    while open_:
        wanted: dict[str, Any] = {}
        for name, steps in list(open_.items()):
            try:
                wanted |= next(steps)
            except StopIteration as end:
                found[name] = end.value
                del open_[name]
        if wanted:
            frame = frame.select("*", *(made.alias(name) for name, made in wanted.items()))
    return frame, {name: found[name] for name in calculations}


def carried(limbs: Sequence[Column], width: int, name: str) -> Generator[dict[str, Column], None, list[Column]]:
    """Limbs of a total, which may have outgrown their width, so that all but the highest are within about half of it.

    So the highest that is not 0 outweighs all below it.
    """
    if len(limbs) == 1:
        return list(limbs)
    half, bound, turn = 2 ** (width - 1), 2**_BITS, 0
    while bound > half + 2:
        ups = [F.shiftright(limb + long(half), width) for limb in limbs[:-1]]
        kept = [limb - F.shiftleft(up, width) for limb, up in zip(limbs, ups, strict=False)] + [limbs[-1]]
        made = {
            f"{name}_{turn}_{i}": limb + up if up is not None else limb
            for i, (limb, up) in enumerate(zip(kept, [None, *ups], strict=True))
        }
        yield made
        limbs = [F.col(limb) for limb in made]
        bound, turn = half + (bound >> width) + 1, turn + 1
    return list(limbs)


def joined(limbs: Sequence[Column], width: int, exponent: int) -> Column:
    """Carried limbs as one float: nothing is cancelled when they are added as floats."""
    return reduce(add, (times_power(limb.cast("double"), width * i + exponent) for i, limb in enumerate(limbs)))


def products(left: Sequence[Column], right: Sequence[Column]) -> list[Column]:
    """The limbs of a product, which are not carried."""
    places: list[list[Column]] = [[] for _ in range(len(left) + len(right) - 1)]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            places[i + j].append(a * b)
    return [reduce(add, place) for place in places]


def squared(limbs: Sequence[Column]) -> list[Column]:
    """The limbs of a square, which are not carried."""
    places: list[list[Column]] = [[] for _ in range(2 * len(limbs) - 1)]
    for i, a in enumerate(limbs):
        for j in range(i, len(limbs)):
            product = a * limbs[j]
            places[i + j].append(product if i == j else product * long(2))
    return [reduce(add, place) for place in places]
