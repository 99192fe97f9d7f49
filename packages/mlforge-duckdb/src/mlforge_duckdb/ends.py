"""Sums, means and standard deviations from limbs: of all columns, and of those whose limbs reach the ends of floats."""

from __future__ import annotations

from collections.abc import Sequence

from mlforge.plugin.engine import ends
from mlforge.plugin.engine.sizing import Limbs
from mlforge_duckdb.exact import Steps, carried, float_of, joined, power, side_by_side, times_power

_FAR = power(900 - ends.LOWERED)  # a lowered total from which on it is not joined as it stands
_MOST = float_of(ends.GREATEST * 2.0**-ends.LOWERED)
_FEW = float_of(ends.FEW_STEPS * ends.LEAST)
_LEAST = float_of(ends.LEAST)


def sum_of(parts: Sequence[str], limbs: Limbs, name: str) -> Steps:
    """The limbs of a total as one float, infinite only where the total is beyond the greatest."""
    steps, totals = carried(parts, limbs, name)
    if not ends.sums_reach_the_greatest(limbs):
        return [*steps, {name: joined(totals, limbs)}]
    limit = [f"CAST({limb} AS HUGEINT)" for limb in ends.infinite_sum(limbs)]
    ups, above = carried([f"{p} - {x}" for p, x in zip(parts, limit, strict=True)], limbs, f"{name}_above")
    downs, below = carried([f"{p} + {x}" for p, x in zip(parts, limit, strict=True)], limbs, f"{name}_below")
    lowered, up, down = f"{name}_lowered", f"{name}_up", f"{name}_down"
    compared = {up: f"{joined(above, limbs)} >= 0", down: f"{joined(below, limbs)} <= 0"}
    compared |= {lowered: joined(totals, _lowered(limbs)), f"{name}_total": joined(totals, limbs)}
    infinite = f"WHEN {up} THEN CAST('inf' AS DOUBLE) WHEN {down} THEN CAST('-inf' AS DOUBLE)"
    answer = f"CASE WHEN abs({lowered}) < {_FAR} THEN {name}_total {infinite} ELSE {_raised(lowered)} END"
    return [*side_by_side([steps, ups, downs]), compared, {name: answer}]


def mean_of(parts: Sequence[str], limbs: Limbs, count: str, name: str) -> Steps:
    """The mean of so many numbers, by the limbs of their total."""
    steps, totals = carried(parts, limbs, name)
    n, mean, lowered = f"CAST(nullif({count}, 0) AS DOUBLE)", f"{name}_mean", f"{name}_lowered"
    steps = [*steps, {mean: joined(totals, limbs, n)}]
    if ends.sums_reach_the_greatest(limbs):
        steps[-1][lowered] = joined(totals, _lowered(limbs), n)
        near = f"CASE WHEN abs({lowered}) >= {_FAR} THEN {_raised(lowered)} ELSE {mean} END"
        steps, mean = [*steps, {f"{name}_near": near}], f"{name}_near"
    if ends.quotients_reach_the_least(limbs):
        return [*steps, *_in_least(totals[0], count, mean, ends.steps_of_the_least(limbs), name)]
    return [*steps, {name: mean}]


def std_of(spread: Sequence[str], limbs: Limbs, count: str, name: str) -> Steps:
    """The root of a spread, given in places of limbs, over n * (n - 1) of so many numbers."""
    places, pairs = limbs._replace(exponent=0, length=len(spread)), f"(CAST({count} AS HUGEINT) * ({count} - 1))"
    steps, totals = carried(spread, places, name)
    great, root, std, lowered = ends.stds_reach_the_greatest(limbs), f"{name}_root", f"{name}_std", f"{name}_lowered"
    variance = f"greatest({joined(totals, places)}, 0) / (CAST({count} AS DOUBLE) * CAST({count} - 1 AS DOUBLE))"
    if great:
        limit = zip(spread, ends.infinite_spread(limbs), strict=True)
        over, above = carried(
            [f"4 * ({p}) - {pairs} * CAST({x} AS HUGEINT)" for p, x in limit], places, f"{name}_above"
        )
        steps = [*side_by_side([steps, over]), {f"{name}_up": f"{joined(above, places)} >= 0"}]
    steps = [*steps, {root: f"sqrt({variance})"}, {std: times_power(root, limbs.exponent)}]
    if great:
        steps[-1][lowered] = times_power(root, limbs.exponent - ends.LOWERED)
        infinite = f"WHEN {name}_up THEN CAST('inf' AS DOUBLE)"
        near = f"CASE WHEN {lowered} < {_FAR} THEN {std} {infinite} ELSE {_raised(lowered)} END"
        steps, std = [*steps, {f"{name}_near": near}], f"{name}_near"
    if ends.quotients_reach_the_least(limbs):
        small = [f"{total} * {2 ** (limbs.width * i)}" for i, total in enumerate(totals) if limbs.width * i < 124]
        return [*steps, *root_in_least(" + ".join(small), pairs, std, ends.steps_of_the_least(limbs), name)]
    return [*steps, {name: std}]


def _lowered(limbs: Limbs) -> Limbs:
    return limbs._replace(exponent=limbs.exponent - ends.LOWERED)


def _raised(lowered: str) -> str:
    return f"greatest(least({lowered}, {_MOST}), -{_MOST}) * {power(ends.LOWERED)}"


def _in_least(limb: str, count: str, mean: str, steps: int, name: str) -> Steps:
    """A mean; one so small that a single limb holds what is divided, as a whole number of the least float."""
    few, size, whole = f"abs({mean}) < {power(-1021)}", f"{name}_size", f"{name}_whole"
    twice = f"2 * ({size} - {whole} * {count})"
    up = f"CASE WHEN {twice} > {count} OR ({twice} = {count} AND {whole} % 2 = 1) THEN 1 ELSE 0 END"
    fine = f"CAST({whole} + {up} AS DOUBLE) * CAST(sign({limb}) AS DOUBLE) * {_LEAST}"
    return [
        {size: f"CASE WHEN {few} THEN abs({limb}) * {2**steps} ELSE 0 END"},
        {whole: f"{size} // nullif({count}, 0)"},
        {name: f"CASE WHEN {few} THEN {fine} ELSE {mean} END"},
    ]


def root_in_least(spread: str, pairs: str, near: str, steps: int, name: str) -> Steps:
    """A root; a small one as a whole number of the least float: that nearest to it, at most one from `near`."""
    few, whole, four = f"{near} < {_FEW}", f"{name}_whole", f"{name}_four"
    above, below = (f"(4 * {whole} * {whole} {sign} 4 * {whole} + 1) * {pairs}" for sign in "+-")  # halves beside it
    odd = f"{whole} % 2 = 1"
    up = f"CASE WHEN {four} > {above} OR ({four} = {above} AND {odd}) THEN 1 ELSE 0 END"
    down = f"CASE WHEN {whole} > 0 AND ({four} < {below} OR ({four} = {below} AND {odd})) THEN 1 ELSE 0 END"
    return [
        {
            whole: f"CAST(CASE WHEN {few} THEN {times_power(near, 1074)} ELSE 0 END AS HUGEINT)",
            four: f"CASE WHEN {few} THEN ({spread}) * {4 ** (steps + 1)} ELSE 0 END",
        },
        {name: f"CASE WHEN {few} THEN CAST({whole} + {up} - {down} AS DOUBLE) * {_LEAST} ELSE {near} END"},
    ]
