"""Tiles: the events of one entity and instant, and what is known of each tile beside its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from mlforge.model.schema import is_float
from mlforge_spark import distinct, frequent, ranks
from mlforge_spark.beside import is_crowded
from mlforge_spark.exact import split, squared, with_columns
from mlforge_spark.moments import power
from mlforge_spark.numbers import DOWN, UP, ZERO, real
from mlforge_spark.plans import BOUNDS, ENDS, RECENT, Plan, Value
from mlforge_spark.recent import in_time

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, WindowSpec


def tiles_of(events: DataFrame, plan: Plan) -> DataFrame:
    """One row per entity and instant among the events."""
    roots = {
        name: limb
        for value in plan.values.values()
        if value.squared and value.roots
        for name, limb in zip(value.root_limbs, split(f"({_finite(value)})", value.word, value.roots), strict=True)
    }
    events = with_columns(events, roots)
    for step in (1, 2):  # the square first: other powers read it
        events = with_columns(events, {n: s for v in plan.values.values() for n, s in _lower_power(v, step).items()})
    made = {"n": F.count("happened")} | distinct.changes(plan)
    made |= is_crowded(plan) | ranks.results(plan) | frequent.results(plan)
    for value in plan.values.values():
        made |= _partials(value) | _extremes(value, plan)
    for shift, names in plan.passing.items():
        made[changing(shift, plan)] = F.max(_any_there(names))
    return events.groupBy(*plan.key_names, "t").agg(*(column.alias(name) for name, column in made.items()))


def _any_there(names: Sequence[str]) -> Column:
    found = F.col(names[0]).isNotNull()
    for name in names[1:]:
        found = found | F.col(name).isNotNull()
    return found


def changing(shift: int, plan: Plan) -> str:
    """The column of tiles that says whether any window changes at a shift, of those at which not all do."""
    return f"changes{list(plan.passing).index(shift)}"


def partials_of(value: Value) -> list[str]:
    """The columns of tiles that add up, of a value."""
    return list(_partials(value))


def _partials(value: Value) -> dict[str, Column]:
    name, found = F.col(value.name), dict[str, "Column"]()
    if value.nullable:
        found[value.counted] = F.count(name)
    if value.special and value.sums:
        kinds = (f"isnan({value.name})", f"{value.name} = {UP}", f"{value.name} = {DOWN}")
        found |= {
            k: F.expr(f"count(CASE WHEN {is_one} THEN 1 END)") for k, is_one in zip(value.unusual, kinds, strict=True)
        }
    if value.summed and value.sums:
        found |= _added(
            value, dict(zip(value.limbs, split(f"({_finite(value)})", value.word, value.sums), strict=True))
        )
    if value.squared:
        found |= _added(value, dict(zip(value.root_limbs, value.root_limbs, strict=True)))
        found |= _added(value, dict(zip(value.square_limbs, squared(value.root_limbs), strict=True)))
    if value.powers and value.moments:
        events = [_event(name) for name in value.powers[0]], [_event(name) for name in value.powers[1]]
        for number, names in enumerate(value.powers, 1):
            found |= _added(value, dict(zip(names, power(*events, number, value.moments), strict=True)))
    return found


def _event(partial: str) -> str:
    """The column of events that a partial adds up."""
    return f"{partial}_e"


def _lower_power(value: Value, number: int) -> dict[str, str]:
    """The limbs of an event's value, or of its square, of which other powers are made."""
    if not value.powers or value.moments is None:
        return {}
    first, second = ([_event(name) for name in value.powers[i]] for i in (0, 1))
    made = split(f"({_finite(value)})", value.word, value.moments) if number == 1 else squared(first)
    return dict(zip(first if number == 1 else second, made, strict=True))


def _added(value: Value, addends: dict[str, str]) -> dict[str, Column]:
    total = "coalesce(sum({}), " + ZERO + ")" if value.nullable else "sum({})"
    return {name: F.expr(total.format(addend)) for name, addend in addends.items()}


def _finite(value: Value) -> str:
    """Its value where that is finite, else 0."""
    if not is_float(value.word):
        return value.name
    column = f"CAST({value.name} AS DOUBLE)"
    if not value.special:
        return column
    return f"CASE WHEN isnan({column}) OR abs({column}) = {UP} THEN {real(0.0)} ELSE {column} END"


def _extremes(value: Value, plan: Plan) -> dict[str, Column]:
    """What else is known of a tile's values: bounds, the earliest and latest, and the list of them."""
    column, found = F.col(value.name), dict[str, "Column"]()
    functions = {"min": F.min, "max": F.max}
    found |= {f"{value.name}_{f}": functions[f](column) for f in BOUNDS if f in value.functions}
    timed = F.when(column.isNotNull(), F.struct(F.col("happened"), column.alias("value")))
    ends = {"first": F.min, "last": F.max}
    found |= {f"{value.name}_{f}": ends[f](timed) for f in ENDS if f in value.functions}
    if value.functions & set(RECENT):
        found[in_time(value.name)] = F.collect_list(timed)
    listed = [a for a in plan.aggs if a.column == value.name and plan.is_listed(a)]
    if listed:
        found[value.listed] = F.collect_list(column)
    return found


def by_entity(plan: Plan, *order: str | Column) -> WindowSpec:
    """The rows of an entity, in an order."""
    return Window.partitionBy(*plan.key_names).orderBy(*order)
