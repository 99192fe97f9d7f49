"""Sums without rounding: a number is split into integers, whose sums are exact, and rounded once at the end.

What takes several steps is given as such: the columns of a step are computed over those of the steps before. So a query
is as deep as the longest calculation, however many there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

from mlforge.plugin.engine.sizing import Limbs

Steps = list[dict[str, str]]
"""Columns by name, in SQL, one step after the other."""


def side_by_side(calculations: Sequence[Steps]) -> Steps:
    """Calculations that do not need each other as one."""
    return [{n: sql for step in level for n, sql in step.items()} for level in zip_longest(*calculations, fillvalue={})]


def computed(query: str, steps: Steps) -> str:
    """The query with all columns of a calculation."""
    for step in filter(None, steps):
        query = f"SELECT *, {', '.join(f'{sql} AS {name}' for name, sql in step.items())} FROM ({query})"
    return query


def times_power(number: str, exponent: int) -> str:
    """A float times a power of two, in SQL; exact unless it leaves the range of floats."""
    if not exponent:
        return number
    if abs(exponent) > 1000:  # 2.0 ** 1024 is not a float
        half = math.copysign(1000, exponent)
        return times_power(f"{number} * {power(int(half))}", exponent - int(half))
    return f"({number} * {power(exponent)})"


def power(exponent: int) -> str:
    """A power of two as a float, in SQL."""
    return float_of(2.0**exponent)


def float_of(number: float) -> str:
    """A float, in SQL."""
    return f"CAST('{number!r}' AS DOUBLE)"


def split(value: str, floating: bool, limbs: Limbs, name: str) -> Steps:
    """A column `{name}{i}` for each limb of `value`, split off from the highest down.

    Each step is exact: a float times a power of two, its whole part, and what is left of it are floats.
    """
    if not floating:
        return [_whole_limbs(value, limbs, name)]
    steps, rest = [{f"{name}_rest": value}], f"{name}_rest"
    for i, place in reversed(list(enumerate(limbs.places))):
        part = f"{name}_part{i}"
        steps.append({part: f"trunc({times_power(rest, -place)})"})
        steps.append({f"{name}{i}": f"CAST({part} AS HUGEINT)"})
        if i:
            steps[-1][f"{name}_rest{i}"] = f"{rest} - {times_power(part, place)}"
            rest = f"{name}_rest{i}"
    return steps


def _whole_limbs(value: str, limbs: Limbs, name: str) -> dict[str, str]:
    if limbs.length == 1:
        return {f"{name}0": f"CAST({value} AS HUGEINT)"}
    step = 2**limbs.width
    return {f"{name}{i}": f"(CAST({value} AS HUGEINT) // {step**i}) % {step}" for i in range(limbs.length)}


def carried(parts: Sequence[str], limbs: Limbs, name: str) -> tuple[Steps, list[str]]:
    """Limbs of a total, which may have outgrown their width, so that all but the highest are within half of it."""
    steps: Steps = []
    totals, carry = [], ""
    for i, part in enumerate(parts):
        total = f"({part}){f' + {carry}' if carry else ''}"
        if i < len(parts) - 1:
            step, half = 2**limbs.width, 2 ** (limbs.width - 1)
            outgrown, carry = f"{name}_t{i}", f"{name}_c{i}"
            up = f"(({outgrown} + {half}) - (({outgrown} + {half}) % {step} + {step}) % {step}) // {step}"
            steps += [{outgrown: total}, {carry: up}]
            total = f"({outgrown} - {carry} * {step})"
        totals.append(f"({total})")
    return steps, totals


def joined(totals: Sequence[str], limbs: Limbs, divisor: str | None = None) -> str:
    """Carried limbs as one float.

    Carrying left one limb that outweighs all below it: nothing is cancelled when they are added as floats.
    """
    sizes = [f"(CAST({total} AS DOUBLE){f' / {divisor}' if divisor else ''})" for total in totals]
    return f"({' + '.join(times_power(size, place) for size, place in zip(sizes, limbs.places, strict=True))})"
