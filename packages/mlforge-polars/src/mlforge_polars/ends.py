"""Sums, means and standard deviations from limbs: of all columns, and of those whose limbs reach the ends of floats."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

from mlforge.plugin.engine import ends
from mlforge.plugin.engine.sizing import Limbs
from mlforge_polars.exact import Keep, carried, joined, times_power
from mlforge_polars.values import limb_type

FAR = 2.0 ** (900 - ends.LOWERED)  # a lowered total from which on it is not joined as it stands
MOST = ends.GREATEST * 2.0**-ends.LOWERED


def sum_of(parts: Sequence[pl.Expr], limbs: Limbs, keep: Keep) -> pl.Expr:
    """The limbs of a total as one float, infinite only where the total is beyond the greatest."""
    if not ends.sums_reach_the_greatest(limbs):
        return joined(carried(parts, limbs), limbs)
    totals, limit = carried(parts, limbs, keep), [pl.lit(x, dtype=limb_type(limbs)) for x in ends.infinite_sum(limbs)]
    above = carried([part - limb for part, limb in zip(parts, limit, strict=True)], limbs, keep)
    below = carried([part + limb for part, limb in zip(parts, limit, strict=True)], limbs, keep)
    up, down = joined(above, limbs) >= 0, joined(below, limbs) <= 0
    lowered = keep(joined(totals, _lowered(limbs)))
    infinite = pl.when(up).then(math.inf).when(down).then(-math.inf)
    return keep(_unless_far(joined(totals, limbs), lowered, infinite.otherwise(_raised(lowered))))


def mean_of(parts: Sequence[pl.Expr], limbs: Limbs, count: pl.Expr, keep: Keep) -> pl.Expr:
    """The mean of so many numbers, by the limbs of their total."""
    great, least = ends.sums_reach_the_greatest(limbs), ends.quotients_reach_the_least(limbs)
    totals = carried(parts, limbs, keep) if great or least else carried(parts, limbs)
    mean = joined(totals, limbs, divisor=count)
    if great:
        lowered = keep(joined(totals, _lowered(limbs), divisor=count))
        mean = keep(_unless_far(mean, lowered, _raised(lowered)))
    if least:
        fine = _in_least(totals[0], count.cast(pl.Int128), ends.steps_of_the_least(limbs), keep)
        mean = keep(pl.when(mean.abs() < 2.0**-1021).then(fine).otherwise(mean))
    return mean


def std_of(spread: Sequence[pl.Expr], limbs: Limbs, count: pl.Expr, keep: Keep) -> pl.Expr:
    """The root of a spread, given in places of limbs, over n * (n - 1) of so many numbers."""
    great, least = ends.stds_reach_the_greatest(limbs), ends.quotients_reach_the_least(limbs)
    places, pairs = limbs._replace(exponent=0), count.cast(pl.Int128) * (count - 1)
    totals = carried(spread, places, keep) if great or least else carried(spread, places)
    root = (joined(totals, places) / (count.cast(pl.Float64) * (count - 1))).sqrt()
    std = times_power(root, limbs.exponent)
    if great:
        lowered, limit = keep(times_power(root, limbs.exponent - ends.LOWERED)), ends.infinite_spread(limbs)
        over = carried([part * 4 - pairs * x for part, x in zip(spread, limit, strict=True)], places, keep)
        beyond = pl.when(joined(over, places) >= 0).then(math.inf).otherwise(_raised(lowered))
        std = keep(_unless_far(std, lowered, beyond))
    if least:
        fine = _root_in_least(keep(_small(totals, places)), pairs, std, ends.steps_of_the_least(limbs), keep)
        std = keep(pl.when(std < ends.FEW_STEPS * ends.LEAST).then(fine).otherwise(std))
    return std


def _lowered(limbs: Limbs) -> Limbs:
    return limbs._replace(exponent=limbs.exponent - ends.LOWERED)


def _raised(lowered: pl.Expr) -> pl.Expr:
    return lowered.clip(-MOST, MOST) * 2.0**ends.LOWERED


def _unless_far(number: pl.Expr, lowered: pl.Expr, far: pl.Expr) -> pl.Expr:
    return pl.when(lowered.abs() < FAR).then(number).otherwise(far)


def _in_least(limb: pl.Expr, count: pl.Expr, steps: int, keep: Keep) -> pl.Expr:
    """A quotient, so small that one limb holds what is divided, as a whole number of the least float."""
    size = keep(limb.abs().cast(pl.Int128) * 2**steps)
    whole = keep(size // count)
    twice = keep((size - whole * count) * 2)
    up = (twice > count) | ((twice == count) & (whole % 2 == 1))
    return (whole + up.cast(pl.Int128)).cast(pl.Float64) * limb.sign().cast(pl.Float64) * ends.LEAST


def _small(totals: Sequence[pl.Expr], limbs: Limbs) -> pl.Expr:
    """A total that fits 124 bits: what else there may be wraps around, and is not asked for."""
    return pl.sum_horizontal(t * 2 ** (limbs.width * i) for i, t in enumerate(totals) if limbs.width * i < 124)


def _root_in_least(spread: pl.Expr, pairs: pl.Expr, near: pl.Expr, steps: int, keep: Keep) -> pl.Expr:
    """A root as a whole number of the least float: the one nearest to it, which is at most one from `near`."""
    whole, four = keep(times_power(near, 1074).cast(pl.Int128, strict=False)), keep(spread * 2 ** (2 * steps + 2))
    above, below = ((whole * whole * 4 + whole * side + 1) * pairs for side in (4, -4))  # squares of halves beside it
    odd = whole % 2 == 1
    up = (four > above) | ((four == above) & odd)
    down = (whole > 0) & ((four < below) | ((four == below) & odd))
    return (whole + up.cast(pl.Int128) - down.cast(pl.Int128)).cast(pl.Float64) * ends.LEAST
