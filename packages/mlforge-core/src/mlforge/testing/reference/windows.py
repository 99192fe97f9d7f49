"""Windows: when an event is known, which window holds it, and the instants at which a value changes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Call, Col, Expr, Lit
from mlforge.model.feature import Shape
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.schema import Column, Schema
from mlforge.model.window import Window
from mlforge.testing.reference import aggregations
from mlforge.testing.reference.dtypes import cast, dtype_of, kept, result_of, takes
from mlforge.testing.reference.expressions import column, column_dtype, evaluate, rank
from mlforge.testing.reference.shaping import by_key, sort_key, without_null_keys
from mlforge.testing.reference.table import Row, Table
from mlforge.testing.reference.telling import about
from mlforge.testing.reference.times import LAST, instant, micros


class Event(msgspec.Struct, frozen=True):
    """An event: its time in microseconds, the argument of each aggregation, and for which conditions it is there."""

    time: int
    arguments: dict[Agg, Any]
    passed: frozenset[Expr]


def known(time: int, interval: Duration | None) -> int:
    """When an event becomes known: the end of its bucket; at once without an interval."""
    return time if interval is None else bucket(time, interval) + interval.micros


def bucket(time: int, interval: Duration) -> int:
    """Where the bucket of an instant begins."""
    return (time - interval.origin) // interval.micros * interval.micros + interval.origin


def stamp_at(instant: int, interval: Duration | None) -> int:
    """The end of the window that an instant sees."""
    return instant if interval is None else bucket(instant, interval)


def holds(time: int, stamp: int, window: Window, interval: Duration | None) -> bool:
    """Whether the window of a stamp holds an event."""
    end = stamp - (window.offset.micros if window.offset else 0)
    start = end - window.length.micros if window.length else -math.inf
    return start < time <= end if interval is None else start <= time < end


def change_points(events: Iterable[Event], plan: WindowPlan) -> list[int]:
    """Every instant at which an event is known, and at which it enters or leaves a window it is in: none after 9999."""
    points = set[int]()
    for event in events:
        k = known(event.time, plan.interval)
        stays = [0]
        for window in (c.window_of(a) for c in plan.columns for a in c.aggs if is_in(event, a)):
            offset = window.offset.micros if window.offset else 0
            stays += [offset, *([offset + window.length.micros] if window.length else [])]
        points |= {k + stay for stay in stays}
    return sorted(p for p in points if p <= LAST)


def is_in(event: Event, agg: Agg) -> bool:
    """Whether an aggregation is of an event, by its condition."""
    return agg.where is None or agg.where in event.passed


def values_at(events: Sequence[Event], stamp: int, plan: WindowPlan, dtypes: dict[str, str]) -> Row:
    """The values of an entity in the windows that end at a stamp."""
    return {c.name: cast(value_of(c, events, stamp, plan.interval), dtypes[c.name]) for c in plan.columns}


def value_of(output: MetricColumn, events: Sequence[Event], stamp: int, interval: Duration | None) -> Any:
    """One output: its expression over the events that its window holds."""
    return evaluate(output.expr, lambda leaf: aggregated(leaf, events, stamp, output, interval))


def aggregated(agg: Expr, events: Sequence[Event], stamp: int, output: MetricColumn, interval: Duration | None) -> Any:
    """One aggregation over the events that its window holds at a stamp."""
    if not isinstance(agg, Agg):
        raise Invalid(f"{agg!r} has no value in a window.", hint="Aggregate it.")
    window = output.window_of(agg)
    inside = [e for e in events if holds(e.time, stamp, window, interval) and is_in(e, agg)]
    if agg.arg is None:
        return len(inside)
    there = present([(e.time, e.arguments[agg]) for e in inside])
    there.sort(key=lambda pair: (pair[0], rank(pair[1])))
    return aggregations.FUNCTIONS[agg.function]([v for _, v in there], *agg.options)


def present(values: Sequence[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """The non-null ones, with their times."""
    return [(t, v) for t, v in values if v is not None]


def values_when(events: Sequence[Event], instant: int, plan: WindowPlan, dtypes: dict[str, str]) -> Row:
    """The definition: what an entity's values are at an instant; null while no event is known."""
    stamp = stamp_at(instant, plan.interval)
    if not any(known(e.time, plan.interval) <= instant for e in events):
        return dict.fromkeys((c.name for c in plan.columns), None)
    return values_at(events, stamp, plan, dtypes)


def events_of(table: Table, shape: Shape, plan: WindowPlan) -> list[Event]:
    """The rows as events, in their order."""
    aggs = {a for c in plan.columns for a in c.aggs}
    arguments = {a: _arguments(a, table) for a in aggs if a.arg is not None}
    conditions = {a.where: column(a.where, table) for a in aggs if a.where is not None}
    stamp = str(shape.stamp)
    return [
        Event(
            micros(row[stamp]),
            {a: values[i] for a, values in arguments.items()},
            frozenset(w for w, verdicts in conditions.items() if verdicts[i] is True),
        )
        for i, row in enumerate(table.rows)
    ]


def _arguments(agg: Agg, table: Table) -> list[Any]:
    """What is aggregated, row by row: a column by itself as it is kept."""
    assert agg.arg is not None
    return table.column(agg.arg.name) if isinstance(agg.arg, Col) else column(agg.arg, table)


def output_dtypes(plan: WindowPlan, table: Table) -> dict[str, str]:
    """The type of each output column. Raises `Invalid` for what an aggregation does not take."""
    return {c.name: _output_dtype(c, table) for c in plan.columns}


def _output_dtype(output: MetricColumn, table: Table) -> str:
    with about(output.name):
        return kept(dtype_of(output.expr, lambda leaf: _agg_dtype(leaf, table)))


def need_aggregates(output: MetricColumn) -> None:
    """Raise `Invalid` for a column that aggregates nothing, or asks which windows have a value twice."""
    if not output.aggs:
        raise Invalid(f"{output.name} is the same in every window.", hint="Aggregate something.")
    outside = output.expr.replace(lambda e: Lit(None) if isinstance(e, Agg) else e)
    if any(isinstance(e, Call) and e.op == "duplicated" for e in outside.walk()):
        raise Invalid(f"{output.name}: windows are not compared with each other.", hint="Look for duplicates in rows.")


def _agg_dtype(agg: Expr, table: Table) -> str:
    if not isinstance(agg, Agg):
        raise Invalid(f"{agg!r} has no value in a window.", hint="Aggregate it.")
    if agg.where is not None and dtype_of(agg.where, lambda leaf: column_dtype(leaf, table)) != "Boolean":
        raise Invalid(f"{agg.where!r} is no condition.", hint="Compare something.")
    if agg.arg is None:
        return "Int64"
    dtype = kept(dtype_of(agg.arg, lambda leaf: column_dtype(leaf, table)))
    if not takes(agg.function, dtype):
        raise Invalid(
            f"there is no {agg.function} of {dtype} ({', '.join(map(repr, agg.column_names))}).",
            hint="Aggregate numbers, or cast it to one.",
        )
    return result_of(agg.function, dtype)


def aggregate(table: Table, shape: Shape, plan: WindowPlan) -> Table:
    """The change points of every entity, by keys and stamp."""
    for output in plan.columns:
        need_aggregates(output)
    dtypes = output_dtypes(plan, table)
    columns = [Column(n, table.schema.dtype(n)) for n in shape.identity]
    schema = Schema((*columns, *(Column(n, d) for n, d in dtypes.items())))
    entities = by_key(without_null_keys(table, shape), shape.key_names)
    rows = [row for e in entities.values() for row in _entity_rows(e, shape, plan, dtypes)]
    return Table(schema, sorted(rows, key=lambda row: sort_key(row, shape.identity)))


def _entity_rows(table: Table, shape: Shape, plan: WindowPlan, dtypes: dict[str, str]) -> list[Row]:
    events = events_of(table, shape, plan)
    keys = {k: table.rows[0][k] for k in shape.key_names}
    return [
        {**keys, str(shape.stamp): instant(s), **values_at(events, s, plan, dtypes)}
        for s in change_points(events, plan)
    ]
