"""Sums, means and standard deviations from limbs, right up to the greatest float and down to the least."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from mlforge.plugin.engine import ends
from mlforge.plugin.engine.sizing import Limbs
from mlforge_spark.exact import Steps, carried, joined, squared
from mlforge_spark.numbers import long, real, times_power

if TYPE_CHECKING:
    from pyspark.sql import Column

_SHIFT = ends.LOWERED
_FAR = 2.0 ** (900 - _SHIFT)  # a lowered total from which on it is not joined as it stands
_NEAR = 2.0**-800  # a total below which a quotient is computed of a raised one
_MOST = ends.GREATEST * 2.0**-_SHIFT
_HALF_A_STEP = (
    970 - _SHIFT
)  # below the power of two after the greatest float a sum is as near to infinity: its exponent
_ROOM = 60  # bits of a product that fits 64


def sum_of(parts: Sequence[Column], limbs: Limbs, name: str) -> Steps:
    """The limbs of a total as one float, infinite only where the total is beyond the greatest."""
    if limbs.length == 1:
        return times_power(parts[0].cast("double"), limbs.exponent)
    totals = yield from carried(_roomy(parts, limbs), limbs.width, name)
    total = joined(totals, limbs.width, limbs.exponent)
    if not ends.sums_reach_the_greatest(limbs):
        return total
    lowered = f"{name}_low"
    yield {
        lowered: joined(totals, limbs.width, limbs.exponent - _SHIFT),
        f"{name}_up": _over(totals, limbs, 1),
        f"{name}_down": _over(totals, limbs, -1),
    }
    infinite = F.when(F.col(f"{name}_up"), real(float("inf"))).when(F.col(f"{name}_down"), real(float("-inf")))
    return F.when(F.abs(F.col(lowered)) < real(_FAR), total).otherwise(infinite.otherwise(_raised(F.col(lowered))))


def _roomy(parts: Sequence[Column], limbs: Limbs) -> list[Column]:
    """Limbs with one above them, for what they outgrow, where a total may come near the greatest float."""
    return [*parts, long(0)] if ends.sums_reach_the_greatest(limbs) else list(parts)


def _over(totals: Sequence[Column], limbs: Limbs, sign: int) -> Column:
    """Whether a total is rounded to an infinity: from the highest limb down, each sum is exact or has its sign."""
    found, halved = real(-(2.0 ** (1024 - _SHIFT))), False
    for i, limb in reversed(list(enumerate(totals))):
        place = limbs.width * i + limbs.exponent - _SHIFT
        if place <= _HALF_A_STEP and not halved:
            found, halved = found + real(2.0**_HALF_A_STEP), True
        found = found + times_power(limb.cast("double") * real(sign), place)
    return (found if halved else found + real(2.0**_HALF_A_STEP)) >= real(0.0)


def _raised(lowered: Column) -> Column:
    return times_power(F.greatest(F.least(lowered, real(_MOST)), real(-_MOST)), _SHIFT)


def mean_of(parts: Sequence[Column], limbs: Limbs, count: Column, name: str) -> Steps:
    """The mean of so many numbers, by the limbs of their total; null of none."""
    n = F.when(count > 0, count.cast("double"))
    if limbs.length == 1:
        return times_power(parts[0].cast("double") / n, limbs.exponent)
    totals = yield from carried(_roomy(parts, limbs), limbs.width, name)
    low, plain, high = (joined(totals, limbs.width, limbs.exponent + by) for by in (-_SHIFT, 0, _SHIFT))
    mean = plain / n
    if ends.quotients_reach_the_least(limbs):
        mean = F.when(F.abs(plain) < real(_NEAR), times_power(high / n, -_SHIFT)).otherwise(mean)
    if ends.sums_reach_the_greatest(limbs):
        yield {f"{name}_low": low}
        lowered = F.col(f"{name}_low")
        mean = F.when(F.abs(lowered) < real(_FAR), mean).otherwise(_raised(lowered / n))
    return mean


def spread_of(
    roots: Sequence[Column], squares: Sequence[Column], limbs: Limbs, count: Column, name: str
) -> Generator[dict[str, Column], None, list[Column]]:
    """The limbs of `n * sum(x * x) - sum(x) ** 2`, carried."""
    above = [long(0)] * (-(-limbs.growth // limbs.width) + 1)
    totals = yield from carried([*roots, *above], limbs.width, f"{name}_a")
    sums = yield from carried([*squares, *above], limbs.width, f"{name}_b")
    minus = squared(totals)
    length = max(len(sums), len(minus))
    zero = long(0)
    made = {
        f"{name}_v{i}": count * (sums[i] if i < len(sums) else zero) - (minus[i] if i < len(minus) else zero)
        for i in range(length)
    }
    yield made
    return (yield from carried([F.col(v) for v in made], limbs.width, f"{name}_c"))


def std_of(roots: Sequence[Column], squares: Sequence[Column], limbs: Limbs, count: Column, name: str) -> Steps:
    """The sample standard deviation of so many numbers, by the limbs of their total and that of their squares."""
    spread = yield from spread_of(roots, squares, limbs, count, name)
    n = count.cast("double")
    variance = F.greatest(joined(spread, limbs.width, 0), real(0.0)) / (n * (n - real(1.0)))
    yield {f"{name}_root": F.sqrt(variance)}
    root = F.col(f"{name}_root")
    std = times_power(root, limbs.exponent)
    if ends.stds_reach_the_greatest(limbs):
        yield from _compared(spread, limbs, count, name)
        lowered = times_power(root, limbs.exponent - _SHIFT)
        far = F.when(F.col(f"{name}_up"), real(float("inf"))).otherwise(_raised(lowered))
        std = F.when(lowered < real(_FAR), std).otherwise(far)
    return F.when(count > 1, std)


def _compared(
    spread: Sequence[Column], limbs: Limbs, count: Column, name: str
) -> Generator[dict[str, Column], None, None]:
    """A column `{name}_up`: whether the root of a spread is rounded to infinity."""
    if 2 * limbs.growth + limbs.width > _ROOM:  # of so many rows an infinity is told to the last but a few digits
        yield {f"{name}_up": times_power(F.col(f"{name}_root"), limbs.exponent - _SHIFT) > real(_MOST)}
        return
    (limit,) = ends.infinite_spread(limbs._replace(width=1 << 16, length=1))
    pairs = count * (count - long(1))
    over = [limb * long(4) - pairs * long(_digit(limit, limbs, i, len(spread))) for i, limb in enumerate(spread)]
    above = yield from carried([*over, long(0)], limbs.width, f"{name}_d")
    yield {f"{name}_up": joined(above, limbs.width, 0) >= real(0.0)}


def _digit(number: int, limbs: Limbs, i: int, length: int) -> int:
    rest = number >> (limbs.width * i)
    return min(rest, 2**62) if i == length - 1 else rest & (2**limbs.width - 1)
