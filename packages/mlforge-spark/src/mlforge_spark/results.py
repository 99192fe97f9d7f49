"""From the totals of windows to their aggregates."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from mlforge.model.schema import is_float
from mlforge.plugin.engine.aggregations import Aggregate, Windowed, overflow, too_many_digits
from mlforge.plugin.engine.sizing import Limbs
from mlforge.plugin.engine.types import is_decimal
from mlforge_spark.bounds import bound_at
from mlforge_spark.edge import refusing
from mlforge_spark.ends import mean_of, std_of, sum_of
from mlforge_spark.exact import Steps, carried, computed, joined
from mlforge_spark.lists import listed_at
from mlforge_spark.numbers import long, real
from mlforge_spark.plans import BOUNDS, ENDS, Plan
from mlforge_spark.running import total
from mlforge_spark.types import dtype_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CAST = 'F.col("{}").cast("double")'


def finished(points: DataFrame, plan: Plan, windowed: Windowed) -> DataFrame:
    """The change points with a column for each aggregate."""
    made = {a.name: _finish(a, plan, windowed) for a in plan.aggs}
    points, found = computed(points, made)
    typed = [found[a.name].cast(dtype_of(a.word)).alias(a.name) for a in plan.aggs]
    return points.select(*plan.key_names, "at", *typed)


def _finish(agg: Aggregate, plan: Plan, windowed: Windowed) -> Steps:
    if plan.is_listed(agg):
        return listed_at(agg)
    if agg.function in (*BOUNDS, *ENDS):
        return bound_at(agg, plan)

    def of(partial: str) -> Column:
        return F.col(total(agg, partial, plan))

    if agg.column is None:
        return of("n")
    value = plan.value(agg)
    name, limbs, sums = f"{agg.name}_x", [of(limb) for limb in value.limbs], value.sums
    if agg.function == "count":
        return of(value.count)
    assert sums is not None
    odd = [of(kind) > F.lit(0) for kind in value.unusual]
    if agg.function == "std":
        assert value.roots is not None
        parts = [[of(p) for p in some] for some in (value.root_limbs, value.square_limbs)]
        std = yield from std_of(*parts, value.roots, of(value.count), name)
        return _unless(std, odd[0] | odd[1] | odd[2], of(value.count)) if odd else std
    if agg.function == "mean":
        return _unless_special((yield from mean_of(limbs, sums, of(value.count), name)), odd)
    if is_decimal(value.word):
        return (yield from _digits(limbs, sums, name, _refused(agg, windowed)))
    if not is_float(value.word):
        return _whole(limbs, sums, _refused(agg, windowed))
    return _unless_special((yield from sum_of(limbs, sums, name)), odd)


def _unless(std: Column, odd: Column, count: Column) -> Column:
    return F.when(odd & (count > F.lit(1)), real(float("nan"))).otherwise(std)


def _unless_special(total_: Column, odd: Sequence[Column]) -> Column:
    """The total, unless there was NaN or an infinity."""
    if not odd:
        return total_
    nan, up, down = odd
    found = F.when(nan | (up & down), real(float("nan"))).when(up, real(float("inf")))
    return found.when(down, real(float("-inf"))).otherwise(total_)


def _refused(agg: Aggregate, windowed: Windowed) -> Column:
    refusal = too_many_digits if is_decimal(agg.word) else overflow
    source = next(i.source for i in windowed.inputs if i.name == agg.column)
    return refusing(refusal(windowed.outputs_of([agg.name]), CAST.format(getattr(source, "name", "amount"))))


def _whole(limbs: Sequence[Column], sizes: Limbs, refused: Column) -> Column:
    """A sum of integers, which must fit 64 bits."""
    if len(limbs) == 1:
        return limbs[0]
    (low, high), width = limbs, sizes.width
    high = high + F.shiftright(low, width)
    most = 2 ** (63 - width)
    found = F.shiftleft(high, width) + low.bitwiseAND(long(2**width - 1))
    fits = (high >= long(-most)) & (high < long(most))
    return F.when(fits, found).otherwise(refused.cast("long"))


def _digits(limbs: Sequence[Column], sizes: Limbs, name: str, refused: Column) -> Steps:
    """The sum of the digits of decimals, which has at most 38."""
    if len(limbs) == 1:
        return limbs[0].cast("decimal(38,0)")
    settled = yield from carried([*limbs, long(0)], sizes.width, name)
    yield {f"{name}_sign": F.when(joined(settled, sizes.width, 0) < real(0.0), long(-1)).otherwise(long(1))}
    sign, up = F.col(f"{name}_sign"), long(0)
    for i, limb in enumerate(settled[:-1]):  # digits of one sign: no step towards the sum is greater than it
        yield {f"{name}_e{i}": limb * sign + up}
        digit = F.col(f"{name}_e{i}")
        up = F.shiftright(digit, sizes.width)
    lower = [F.col(f"{name}_e{i}").bitwiseAND(long(2**sizes.width - 1)) for i in range(len(settled) - 1)]
    total_ = F.lit(Decimal(0)).cast("decimal(38,0)")
    for i, digit in enumerate([*lower, settled[-1] * sign + up]):
        step = F.lit(Decimal(2 ** (sizes.width * i)) if sizes.width * i < 126 else Decimal(10**38 - 1))
        size = F.try_multiply(digit.cast("decimal(38,0)"), step.cast("decimal(38,0)"))
        total_ = F.try_add(total_, size)
    return F.coalesce(F.try_multiply(total_, sign.cast("decimal(38,0)")), refused.cast("decimal(38,0)"))
