"""Sums without rounding: a number is split into integers, whose sums are exact, and rounded once at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlforge.plugin.engine.sizing import Limbs


def times_power(number: str, exponent: int) -> str:
    """A float times a power of two, in SQL; exact unless it leaves the range of floats."""
    if not exponent:
        return number
    if abs(exponent) > 1000:  # 2.0 ** 1024 is not a float
        half = math.copysign(1000, exponent)
        return times_power(f"{number} * {_power(int(half))}", exponent - int(half))
    return f"({number} * {_power(exponent)})"


def _power(exponent: int) -> str:
    return f"CAST('{2.0**exponent!r}' AS DOUBLE)"


def with_limbs(query: str, value: str, floating: bool, limbs: Limbs, name: str) -> str:
    """The query with a column `{name}{i}` for each limb of `value`, split off from the highest down.

    Each step is exact: a float times a power of two, its whole part, and what is left of it are floats.
    """
    if not floating:
        return _with_whole_limbs(query, value, limbs, name)
    query = f"SELECT *, {value} AS {name}_rest FROM ({query})"
    for i, place in reversed(list(enumerate(limbs.places))):
        query = f"SELECT *, trunc({times_power(f'{name}_rest', -place)}) AS {name}_part FROM ({query})"
        rest = f"{name}_rest - {times_power(f'{name}_part', place)}" if i else "0.0"
        left = f"* EXCLUDE ({name}_rest, {name}_part)"
        query = f"SELECT {left}, {rest} AS {name}_rest, CAST({name}_part AS HUGEINT) AS {name}{i} FROM ({query})"
    return f"SELECT * EXCLUDE ({name}_rest) FROM ({query})"


def _with_whole_limbs(query: str, value: str, limbs: Limbs, name: str) -> str:
    rest = f"CAST({value} AS HUGEINT)"
    parts = [f"{rest} AS {name}0"]
    if limbs.length > 1:
        step = 2**limbs.width
        shifted = [f"(CAST({value} AS HUGEINT) // {step**i})" for i in range(limbs.length)]
        parts = [f"{s} % {step} AS {name}{i}" for i, s in enumerate(shifted)]
    return f"SELECT *, {', '.join(parts)} FROM ({query})"


def with_total(query: str, parts: Sequence[str], limbs: Limbs, divisor: str | None, name: str) -> str:
    """The query with the column `name`: limbs of a total, which may have outgrown their width, as one float.

    Carrying so that all but the highest lie within half a unit of zero leaves one that outweighs all below it: nothing
    is cancelled when they are added as floats.
    """
    terms, carry, spent = [], "", []
    for i, (part, place) in enumerate(zip(parts, limbs.places, strict=True)):
        total = f"({part}){f' + {carry}' if carry else ''}"
        if i < len(parts) - 1:
            step, half = 2**limbs.width, 2 ** (limbs.width - 1)
            query = f"SELECT *, {total} AS {name}_t{i} FROM ({query})"
            carry = f"{name}_c{i}"
            up = f"(({name}_t{i} + {half}) - (({name}_t{i} + {half}) % {step} + {step}) % {step}) // {step}"
            query = f"SELECT *, {up} AS {carry} FROM ({query})"
            spent += [f"{name}_t{i}", carry]
            total = f"({name}_t{i} - {carry} * {step})"
        size = f"CAST({total} AS DOUBLE)" + (f" / {divisor}" if divisor else "")
        terms.append(times_power(f"({size})", place))
    left = f"* EXCLUDE ({', '.join(spent)})" if spent else "*"
    return f"SELECT {left}, {' + '.join(terms)} AS {name} FROM ({query})"
