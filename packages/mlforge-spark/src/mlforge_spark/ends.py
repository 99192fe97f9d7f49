"""Sums, means and standard deviations from limbs, right up to the greatest float and down to the least."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from mlforge.plugin.engine import ends
from mlforge.plugin.engine.sizing import Limbs
from mlforge_spark.exact import BITS, Carried, Listed, Steps, carried, carried_array, joined, padded, squared
from mlforge_spark.numbers import DOWN, UP, ZERO, long, real, times_power

_SHIFT = ends.LOWERED
_FAR = real(2.0 ** (900 - _SHIFT))  # a lowered total from which on it is not joined as it stands
_NEAR = real(2.0**-800)  # a total below which a quotient is computed of a raised one
_MOST = real(ends.GREATEST * 2.0**-_SHIFT)
_ROOM = 60  # bits of a product that fits 64


def sum_of(parts: Sequence[str], limbs: Limbs, name: str) -> Steps:
    """The limbs of a total as one float, infinite only where the total is beyond the greatest."""
    if limbs.length == 1:
        return times_power(f"CAST({parts[0]} AS DOUBLE)", limbs.exponent)
    totals = yield from carried(_roomy(parts, limbs), limbs.width, BITS, name)
    total = joined(totals, limbs.width, limbs.exponent)
    if not ends.sums_reach_the_greatest(limbs):
        return total
    low, up, down = f"{name}_low", f"{name}_up", f"{name}_down"
    lowered = joined(totals, limbs.width, limbs.exponent - _SHIFT)
    above = yield from _over(totals, limbs, "", f"{name}_p")
    below = yield from _over(totals, limbs, "-", f"{name}_m")
    yield {low: lowered, up: above, down: below}
    infinite = f"WHEN {up} THEN {UP} WHEN {down} THEN {DOWN}"
    return f"CASE WHEN abs({low}) < {_FAR} THEN {total} {infinite} ELSE {_raised(low)} END"


def _roomy(parts: Sequence[str], limbs: Limbs) -> list[str]:
    """Limbs with one above them, for what they outgrow, where a total may come near the greatest float."""
    return padded(parts, limbs.length + ends.sums_reach_the_greatest(limbs))


def _over(totals: Sequence[str], limbs: Limbs, sign: str, name: str) -> Steps:
    """Whether a total is rounded to an infinity: what it is more than the least such sum, by the highest limb left."""
    limit = ends.infinite_sum(limbs._replace(length=len(totals)))
    if isinstance(totals, Listed):
        most = f"array({', '.join(map(long, limit))})"
        beyond = f"zip_with({totals.column}, {most}, (x, most) -> {sign}x - most)"
        array = carried_array(beyond, len(limit), limbs.width)
        return f"coalesce(try_element_at(filter({array}, x -> x <> 0), -1), {long(1)}) > 0"
    more = [f"{sign}({limb}) - {long(most)}" for limb, most in zip(totals, limit, strict=True)]
    made = {f"{name}{i}": limb for i, limb in enumerate(more)}
    yield made
    left = yield from carried(list(made), limbs.width, BITS, name)
    highest = " ".join(f"WHEN {limb} <> 0 THEN {limb} > 0" for limb in reversed(left))
    return f"CASE {highest} ELSE TRUE END"


def _raised(lowered: str) -> str:
    return times_power(f"greatest(least({lowered}, {_MOST}), -{_MOST})", _SHIFT)


def mean_of(parts: Sequence[str], limbs: Limbs, count: str, name: str) -> Steps:
    """The mean of so many numbers, by the limbs of their total; null of none."""
    n = f"CAST(nullif({count}, {ZERO}) AS DOUBLE)"
    if limbs.length == 1:
        return times_power(f"(CAST({parts[0]} AS DOUBLE) / {n})", limbs.exponent)
    totals = yield from carried(_roomy(parts, limbs), limbs.width, BITS, name)
    low, plain, high = (joined(totals, limbs.width, limbs.exponent + by) for by in (-_SHIFT, 0, _SHIFT))
    mean = f"{plain} / {n}"
    if ends.quotients_reach_the_least(limbs):
        mean = f"CASE WHEN abs({plain}) < {_NEAR} THEN {times_power(f'({high} / {n})', -_SHIFT)} ELSE {mean} END"
    if ends.sums_reach_the_greatest(limbs):
        lowered = f"{name}_low"
        yield {lowered: low}
        mean = f"CASE WHEN abs({lowered}) < {_FAR} THEN {mean} ELSE {_raised(f'({lowered} / {n})')} END"
    return mean


def spread_of(roots: Sequence[str], squares: Sequence[str], limbs: Limbs, count: str, name: str) -> Carried:
    """The limbs of `n * sum(x * x) - sum(x) ** 2`, carried."""
    above = -(-limbs.growth // limbs.width) + 1
    bits = limbs.width + limbs.growth
    totals = yield from carried(padded(roots, len(roots) + above), limbs.width, bits, f"{name}_a")
    sums = yield from carried(padded(squares, len(squares) + above), limbs.width, BITS, f"{name}_b")
    minus = squared(totals)
    length = max(len(sums), len(minus))
    pairs = zip(padded(sums, length), padded(minus, length), strict=True)
    made = {f"{name}_v{i}": f"{count} * {a} - {b}" for i, (a, b) in enumerate(pairs)}
    yield made
    return (yield from carried(list(made), limbs.width, BITS, f"{name}_c"))


def std_of(roots: Sequence[str], squares: Sequence[str], limbs: Limbs, count: str, name: str) -> Steps:
    """The sample standard deviation of so many numbers, by the limbs of their total and that of their squares."""
    spread = yield from spread_of(roots, squares, limbs, count, name)
    n, root = f"CAST({count} AS DOUBLE)", f"{name}_root"
    pairs = f"nullif({n} * ({n} - {real(1.0)}), {real(0.0)})"
    yield {root: f"sqrt(greatest({joined(spread, limbs.width, 0)}, {real(0.0)}) / {pairs})"}
    std = times_power(root, limbs.exponent)
    if ends.stds_reach_the_greatest(limbs):
        yield from _compared(spread, limbs, count, name)
        lowered = times_power(root, limbs.exponent - _SHIFT)
        std = f"CASE WHEN {lowered} < {_FAR} THEN {std} WHEN {name}_up THEN {UP} ELSE {_raised(lowered)} END"
    return f"CASE WHEN {count} > 1 THEN {std} END"


def _compared(spread: Sequence[str], limbs: Limbs, count: str, name: str) -> Generator[dict[str, str], None, None]:
    """A column `{name}_up`: whether the root of a spread is rounded to infinity."""
    if 2 * limbs.growth + limbs.width > _ROOM:  # of so many rows an infinity is told to the last but a few digits
        yield {f"{name}_up": f"{times_power(f'{name}_root', limbs.exponent - _SHIFT)} > {_MOST}"}
        return
    (limit,) = ends.infinite_spread(limbs._replace(width=1 << 16, length=1))
    pairs = f"{count} * ({count} - {long(1)})"
    over = [
        f"{limb} * {long(4)} - {pairs} * {long(_digit(limit, limbs, i, len(spread)))}" for i, limb in enumerate(spread)
    ]
    made = {f"{name}_o{i}": sql for i, sql in enumerate([*over, ZERO])}
    yield made
    above = yield from carried(list(made), limbs.width, BITS, f"{name}_d")
    yield {f"{name}_up": f"{joined(above, limbs.width, 0)} >= {real(0.0)}"}


def _digit(number: int, limbs: Limbs, i: int, length: int) -> int:
    rest = number >> (limbs.width * i)
    return min(rest, 2**40) if i == length - 1 else rest & (2**limbs.width - 1)
