"""The columns of the result, from what was found of each window: one expression for each function."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

import polars as pl

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_polars.aggs import Plan, SumOverflow
from mlforge_polars.ends import mean_of, std_of, sum_of
from mlforge_polars.exact import Keep, Kept, limb_names, whole
from mlforge_polars.ranged import ranged_name
from mlforge_polars.values import Value

AT_ONCE = 8  # looking for what expressions have in common takes the square of how many there are


def finished(found: pl.DataFrame, aggs: Sequence[Aggregate], plan: Plan) -> pl.DataFrame:
    """The columns a0, a1, ... of these aggregates. Raises SumOverflow for a sum beyond its type."""
    kept, numbers = Kept(found), {agg.name: i for i, agg in enumerate(plan.aggs)}
    finals = {f"a{numbers[agg.name]}": _final(agg, plan, kept) for agg in aggs}
    parts = [kept.frame.lazy().select(**some).collect() for some in _batches(finals)]
    columns = pl.concat(parts, how="horizontal")
    for agg in aggs:
        if agg.function == "sum" and columns[f"a{numbers[agg.name]}"].null_count():
            raise SumOverflow(agg)
    return columns


def _batches(finals: Mapping[str, pl.Expr]) -> Iterator[dict[str, pl.Expr]]:
    rest = iter(finals.items())
    while some := dict(islice(rest, AT_ONCE)):
        yield some


def _final(agg: Aggregate, plan: Plan, keep: Keep) -> pl.Expr:
    if agg.column is None:
        return pl.col("events").cast(pl.Int64)
    value = plan.values[agg.column]
    if plan.is_ranged(agg):
        return pl.col(ranged_name(agg, value))
    if agg.function in EXACT:
        return EXACT[agg.function](value, keep)
    return FINALS[agg.function](value)


def _count(value: Value) -> pl.Expr:
    return pl.col(value.events).cast(pl.Int64)


def _totals(value: Value) -> list[pl.Expr]:
    return [pl.col(name) for name in limb_names(value, "sum", value.sums)]


def _sum(value: Value, keep: Keep) -> pl.Expr:
    if value.dtype == pl.Int128:  # the digits of decimals
        return whole(_totals(value), value.sums).cast(pl.Decimal(38, 0), strict=False)
    if not value.dtype.is_float():
        return _totals(value)[0].cast(pl.Int64, strict=False)
    return _or_special(sum_of(_totals(value), value.sums, keep), value)


def _mean(value: Value, keep: Keep) -> pl.Expr:
    mean = mean_of(_totals(value), value.sums, pl.col(value.events), keep)
    return pl.when(pl.col(value.events) > 0).then(_or_special(mean, value))


def _or_special(number: pl.Expr, value: Value) -> pl.Expr:
    """A sum or mean as IEEE has it once there are NaN or infinities among its terms."""
    if not value.special:
        return number
    nan, up, down = (pl.col(f"{value.name}.{kind}") > 0 for kind in ("nan", "up", "down"))
    infinite = pl.when(up).then(math.inf).when(down).then(-math.inf).otherwise(number)
    return pl.when(nan | (up & down)).then(math.nan).otherwise(infinite)


def _std(value: Value, keep: Keep) -> pl.Expr:
    n = _count(value)
    std = _squares_std(value, n, keep)
    if value.special:
        special = pl.any_horizontal(pl.col(f"{value.name}.{kind}") > 0 for kind in ("nan", "up", "down"))
        std = pl.when(special).then(math.nan).otherwise(std)
    return pl.when(n > 1).then(std)


def _squares_std(value: Value, n: pl.Expr, keep: Keep) -> pl.Expr:
    """The root of (n * sum(x * x) - sum(x) ** 2) / (n * (n - 1)), the numerator limb by limb and exact."""
    limbs, spread = value.squares, dict[int, pl.Expr]()
    roots = [pl.col(name) for name in limb_names(value, "root", limbs)]
    for i, j in limbs.pairs:
        part = n.cast(pl.Int128) * pl.col(f"{value.name}.pair.{i}.{j}") - roots[i] * roots[j]
        part = part if i == j else part + part
        spread[i + j] = spread[i + j] + part if i + j in spread else part
    return std_of([spread[place] for place in sorted(spread)], limbs, n, keep)


def _min(value: Value) -> pl.Expr:
    least = pl.col(f"{value.name}.min")
    if value.special:
        return pl.when(least.is_null() & (pl.col(value.events) > 0)).then(math.nan).otherwise(least)
    return _unranked(least, value)


def _max(value: Value) -> pl.Expr:
    greatest = pl.col(f"{value.name}.max")
    if value.special:
        return pl.when(pl.col(f"{value.name}.nan") > 0).then(math.nan).otherwise(greatest)
    return _unranked(greatest, value)


def _unranked(bound: pl.Expr, value: Value) -> pl.Expr:
    return pl.lit(value.labels).gather(bound.cast(pl.UInt32)) if value.ranked else bound


FINALS: Mapping[str, Callable[[Value], pl.Expr]] = {
    "count": _count,
    "min": _min,
    "max": _max,
}
EXACT: Mapping[str, Callable[[Value, Keep], pl.Expr]] = {"sum": _sum, "mean": _mean, "std": _std}
