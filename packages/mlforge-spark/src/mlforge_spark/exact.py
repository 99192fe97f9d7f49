"""Sums without rounding: a number is split into whole numbers of 64 bits, whose sums are exact, and rounded once.

What takes several steps is a generator: it yields columns to compute, and may read them by their names afterwards.
Calculations that do not need each other take their steps together, one `select` each.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlforge.model.schema import is_float
from mlforge.plugin.engine.sizing import Limbs
from mlforge.plugin.engine.types import is_decimal
from mlforge_spark.numbers import ZERO, added, decimal, long, real, times_power

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Steps = Generator[dict[str, str], None, str]
"""A calculation: columns to compute first, step by step, and then the SQL of what it is about."""

Carried = Generator[dict[str, str], None, list[str]]
"""The same of limbs."""


class Listed(list[str]):
    """Limbs that are one array, each as SQL; and the array's column."""

    def __init__(self, column: str, length: int) -> None:
        super().__init__(f"{column}[{i}]" for i in range(length))
        self.column = column


BITS = 62
"""Of a signed integer of 64 that may be filled."""

MOST_MULTIPLIED = 8
"""Limbs that are multiplied with each other: beyond this, deviations are computed in another way."""

_FEW = 6
"""Limbs that are columns of their own while they are carried: more are one array, or the plan outgrows its work."""

_EXACT = 52  # bits of a limb that a float takes without rounding


def limbs_for_sums(low: int, bits: int, terms: int) -> Limbs:
    """Limbs that hold every value exactly, and the sum of so many in 64 bits each."""
    growth = terms.bit_length()
    if bits + growth <= BITS:
        return Limbs(low, max(1, bits), 1, narrow=True, growth=growth)
    width = min(_EXACT, BITS - 1 - growth)
    return Limbs(low, width, -(-bits // width), narrow=False, growth=growth)


def limbs_for_products(low: int, bits: int, terms: int) -> Limbs:
    """Limbs so narrow that the sum of the products of so many fits 64 bits, however they are paired."""
    growth, length = terms.bit_length(), 1
    while (width := (BITS - 2 - growth - (2 * length).bit_length()) // 2) * length < bits:
        length += 1
    return Limbs(low, width, length, narrow=False, growth=growth)


def split(value: str, word: str, limbs: Limbs) -> list[str]:
    """The limbs of a finite value."""
    wide = is_decimal(word) or word == "UInt64"  # which is carried by a decimal, and may need all 64 bits
    of = _float_limb if is_float(word) else _decimal_limb if wide else _whole_limb
    return [of(value, limbs, i) for i in range(limbs.length)]


def _float_limb(value: str, limbs: Limbs, i: int) -> str:
    """What is left of a value beyond the next limb, in units of this one, without what is below: exact in each step."""
    if i < limbs.length - 1:
        value = f"({value} % {real(2.0 ** limbs.places[i + 1])})"
    return f"CAST({times_power(value, -limbs.places[i])} AS BIGINT)"


def _decimal_limb(value: str, limbs: Limbs, i: int) -> str:
    value = f"CAST({value} AS DECIMAL(38, 0))"
    if i < limbs.length - 1:
        value = f"({value} % {decimal(2 ** (limbs.width * (i + 1)))})"
    if i:
        unit = decimal(2 ** (limbs.width * i))
        value = f"(({value} - {value} % {unit}) / {unit})"
    return f"CAST({value} AS BIGINT)"


def _whole_limb(value: str, limbs: Limbs, i: int) -> str:
    value = f"CAST({value} AS BIGINT)"
    if i:
        value = f"shiftright({value}, {limbs.width * i})"
    return f"({value} & {long(2**limbs.width - 1)})" if i < limbs.length - 1 else value


def computed(frame: DataFrame, calculations: Mapping[str, Steps]) -> tuple[DataFrame, dict[str, str]]:
    """The frame with all columns that some calculations need, and the SQL of what each of them is about."""
    found: dict[str, str] = {}
    open_ = dict(calculations)
    while open_:
        wanted: dict[str, str] = {}
        for name, steps in list(open_.items()):
            try:
                wanted |= next(steps)
            except StopIteration as end:
                found[name] = end.value
                del open_[name]
        if wanted:
            frame = with_columns(frame, wanted)
    return frame, found


def with_columns(frame: DataFrame, made: Mapping[str, str]) -> DataFrame:
    """The frame with columns more, in SQL."""
    return frame.selectExpr("*", *(f"{sql} AS {name}" for name, sql in made.items())) if made else frame


def carried(limbs: Sequence[str], width: int, bits: int, name: str) -> Carried:
    """Limbs of a total, of so many bits each, so that all but the highest are within little more than half their width.

    So the highest that is not 0 outweighs all below it.
    """
    if len(limbs) == 1:
        return list(limbs)
    if len(limbs) > _FEW:
        yield {name: carried_array(f"array({', '.join(limbs)})", len(limbs), width)}
        return Listed(name, len(limbs))
    half, bound, turn = 2 ** (width - 1), 2**bits, 0
    while bound > half * 5 // 4 + 1:
        ups = [f"shiftright({limb} + {long(half)}, {width})" for limb in limbs[:-1]]
        kept = [f"{limb} - shiftleft({up}, {width})" for limb, up in zip(limbs, ups, strict=False)]
        kept.append(limbs[-1])
        made = {
            f"{name}_{turn}_{i}": f"{limb} + {up}" if up else limb
            for i, (limb, up) in enumerate(zip(kept, ["", *ups], strict=True))
        }
        yield made
        limbs, bound, turn = list(made), half + (bound >> width) + 1, turn + 1
    return list(limbs)


def carried_array(limbs: str, length: int, width: int) -> str:
    """An array of limbs of a total, of up to 62 bits each, carried."""
    half = long(2 ** (width - 1))
    kept = f"if(i = {length - 1}, x, x - shiftleft(shiftright(x + {half}, {width}), {width}))"
    below = f"if(i = 0, {ZERO}, shiftright(get(xs, i - 1) + {half}, {width}))"
    for _ in range(-(-(BITS - width + 3) // width)):  # until what is carried is small beside a limb
        limbs = let("xs", limbs, f"transform(xs, (x, i) -> {kept} + {below})")
    return limbs


def let(name: str, value: str, sql: str) -> str:
    """SQL that reads a value by a name: computed once, also where the optimizer puts its SQL in place of a column's."""
    return f"transform(array({value}), {name} -> {sql})[0]"


def joined(limbs: Sequence[str], width: int, exponent: int) -> str:
    """Carried limbs as one float: nothing is cancelled when they are added as floats."""
    if isinstance(limbs, Listed):
        powers = [_halves(width * i + exponent) for i in range(len(limbs))]
        first, second = (", ".join(real(2.0 ** pair[half]) for pair in powers) for half in (0, 1))
        by = f"get(array({first}), i) * get(array({second}), i)"
        floats = f"transform({limbs.column}, (x, i) -> CAST(x AS DOUBLE) * {by})"
        return f"aggregate({floats}, {real(0.0)}, (sum, x) -> sum + x)"
    return added([times_power(f"CAST({limb} AS DOUBLE)", width * i + exponent) for i, limb in enumerate(limbs)])


def _halves(exponent: int) -> tuple[int, int]:
    """Two exponents of floats, the first of which is 1,000 where one would not do."""
    first = max(-1000, min(1000, exponent))
    return first, exponent - first


def squared(limbs: Sequence[str]) -> list[str]:
    """The limbs of a square, which are not carried."""
    places: list[list[str]] = [[] for _ in range(2 * len(limbs) - 1)]
    for i, a in enumerate(limbs):
        for j, b in enumerate(limbs[i:], i):
            places[i + j].append(f"{a} * {b}" if i == j else f"{a} * {b} * {long(2)}")
    return [added(place) for place in places]


def padded(limbs: Sequence[str], length: int) -> list[str]:
    """As many limbs, the highest of which are 0."""
    return [*limbs, *[ZERO] * (length - len(limbs))]
