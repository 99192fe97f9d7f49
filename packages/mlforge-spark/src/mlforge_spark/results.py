"""From the totals of windows to their aggregates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from mlforge.model.schema import is_float
from mlforge.plugin.engine.aggregations import Aggregate, Windowed, overflow, too_many_digits
from mlforge.plugin.engine.sizing import Limbs
from mlforge.plugin.engine.types import is_decimal
from mlforge_spark.bounds import bound_at
from mlforge_spark.edge import refused
from mlforge_spark.ends import mean_of, std_of, sum_of
from mlforge_spark.exact import BITS, Steps, carried, computed, joined
from mlforge_spark.lists import listed_at
from mlforge_spark.moments import kurtosis_of, skew_of
from mlforge_spark.numbers import DOWN, NAN, UP, ZERO, long
from mlforge_spark.plans import BOUNDS, ENDS, MOMENTS, RECENT, Plan, total
from mlforge_spark.recent import recent_at
from mlforge_spark.running import partials
from mlforge_spark.types import dtype_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CAST = 'F.col("{}").cast("double")'


def finished(points: DataFrame, plan: Plan, windowed: Windowed) -> DataFrame:
    """The change points with a column for each aggregate."""
    added = [a for a in plan.aggs if _direct(a, plan) is None]
    made = {a.name: _finish(a, plan, windowed) for a in added}
    points, found = computed(points, made)
    direct = {a.name: _direct(a, plan) for a in plan.aggs}
    given = {name: F.expr(found[name]) if column is None else column for name, column in direct.items()}
    typed = [given[a.name].cast(dtype_of(a.word)).alias(a.name) for a in plan.aggs]
    return points.select(*plan.key_names, "at", *typed)


def _direct(agg: Aggregate, plan: Plan) -> Column | None:
    """An aggregate that is no matter of sums."""
    if plan.is_listed(agg):
        return listed_at(agg)
    if agg.function in RECENT:
        return recent_at(agg)
    return bound_at(agg, plan) if agg.function in (*BOUNDS, *ENDS) else None


def _finish(agg: Aggregate, plan: Plan, windowed: Windowed) -> Steps:
    def of(partial: str) -> str:
        return total(agg, partial, plan)

    if agg.column is None:
        return of("n")
    value = plan.value(agg)
    name, limbs, sums = f"{agg.name}_x", [of(limb) for limb in value.limbs], value.sums
    if agg.function in ("count", "count_distinct"):
        return of(partials(agg, plan)[0])
    assert sums is not None  # noqa: S101 - for the types
    odd = [f"{of(kind)} > 0" for kind in value.unusual]
    if agg.function in MOMENTS:
        return (yield from _moment(agg, plan, name, odd))
    if agg.function == "std":
        assert value.roots is not None  # noqa: S101 - for the types
        roots, squares = ([of(p) for p in some] for some in (value.root_limbs, value.square_limbs))
        std = yield from std_of(roots, squares, value.roots, of(value.counted), name)
        broken = f"({' OR '.join(odd)}) AND {of(value.counted)} > 1"
        return f"CASE WHEN {broken} THEN {NAN} ELSE {std} END" if odd else std
    if agg.function == "mean":
        return _unless_special((yield from mean_of(limbs, sums, of(value.counted), name)), odd)
    if is_decimal(value.word):
        return (yield from _digits(limbs, sums, name, _refused(agg, windowed)))
    if not is_float(value.word):
        return _whole(limbs, sums, _refused(agg, windowed))
    return _unless_special((yield from sum_of(limbs, sums, name)), odd)


def _moment(agg: Aggregate, plan: Plan, name: str, odd: Sequence[str]) -> Steps:
    value = plan.value(agg)
    assert value.moments is not None  # noqa: S101 - for the types
    of, least = (skew_of, 2) if agg.function == "skew" else (kurtosis_of, 3)
    powers = [[total(agg, partial, plan) for partial in partials] for partials in value.powers[: least + 1]]
    n = total(agg, value.counted, plan)
    found = yield from of(powers, value.moments, n, name)
    broken = f"({' OR '.join(odd)}) AND {n} > {least}"
    return f"CASE WHEN {broken} THEN {NAN} ELSE {found} END" if odd else found


def _unless_special(found: str, odd: Sequence[str]) -> str:
    """The total, unless there was NaN or an infinity."""
    if not odd:
        return found
    nan, up, down = odd
    broken = f"WHEN {nan} OR ({up} AND {down}) THEN {NAN} WHEN {up} THEN {UP} WHEN {down} THEN {DOWN}"
    return f"CASE {broken} ELSE {found} END"


def _refused(agg: Aggregate, windowed: Windowed) -> str:
    refusal = too_many_digits if is_decimal(agg.word) else overflow
    source = next(i.source for i in windowed.inputs if i.name == agg.column)
    return refused(refusal(windowed.outputs_of([agg.name]), CAST.format(getattr(source, "name", "amount"))))


def _whole(limbs: Sequence[str], sizes: Limbs, refusal: str) -> str:
    """A sum of integers, which must fit 64 bits."""
    if len(limbs) == 1:
        return limbs[0]
    (low, high), width = limbs, sizes.width
    high, most = f"({high} + shiftright({low}, {width}))", 2 ** (63 - width)
    found = f"shiftleft({high}, {width}) + ({low} & {long(2**width - 1)})"
    fits = f"{high} >= {long(-most)} AND {high} < {long(most)}"
    return f"CASE WHEN {fits} THEN {found} ELSE CAST({refusal} AS BIGINT) END"


def _digits(limbs: Sequence[str], sizes: Limbs, name: str, refusal: str) -> Steps:
    """The sum of the digits of decimals, which has at most 38."""
    if len(limbs) == 1:
        return limbs[0]
    settled = yield from carried([*limbs, ZERO], sizes.width, BITS, name)
    sign, up = f"{name}_sign", ZERO
    yield {sign: f"CASE WHEN {joined(settled, sizes.width, 0)} < 0 THEN -1 ELSE 1 END"}
    lower = []
    for i, limb in enumerate(settled[:-1]):  # digits of one sign: no step towards the sum is greater than it
        digit = f"{name}_e{i}"
        yield {digit: f"{limb} * {sign} + {up}"}
        lower.append(f"({digit} & {long(2**sizes.width - 1)})")
        up = f"shiftright({digit}, {sizes.width})"
    found = f"CAST(0 AS {_DIGITS})"
    for i, digit in enumerate([*lower, f"({settled[-1]} * {sign} + {up})"]):
        unit = min(2 ** (sizes.width * i), 10**38 - 1)
        found = f"try_add({found}, try_multiply(CAST({digit} AS {_DIGITS}), CAST('{unit}' AS {_DIGITS})))"
    return f"coalesce(CAST({found} AS {_DIGITS}) * CAST({sign} AS DECIMAL(1, 0)), CAST({refusal} AS {_DIGITS}))"


_DIGITS = "DECIMAL(38, 0)"
