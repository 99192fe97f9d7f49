"""Whole cases: events, a plan, and a spine that asks about the edges of its windows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from mlforge.model.aggregation import AGGREGATIONS
from mlforge.model.feature import Shape
from mlforge.model.metric import WindowPlan
from mlforge.model.schema import Column, Schema
from mlforge.model.timestamp import Timestamp
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant
from mlforge.testing.strategies.keys import KeySpace, key_spaces
from mlforge.testing.strategies.plans import plans
from mlforge.testing.strategies.times import BASES, instants, label_columns, units_of
from mlforge.testing.strategies.values import NUMBERS, ORDERED, values


class Case(msgspec.Struct, frozen=True):
    """One generated case.

    Args:
        events: Held rows: keys, the stamp `ts`, the columns `x` and `y`.
        shape: What they are known by.
        plan: What is aggregated.
        spine: Keys, the label time `label`, and the row's number `row`.
        label: How the label time is written.
        base: The instant about which everything happens, in microseconds.
    """

    events: Table
    shape: Shape
    plan: WindowPlan
    spine: Table
    label: Timestamp
    base: int

    @property
    def units(self) -> list[int]:
        return units_of(self.plan)


@st.composite
def cases(
    draw: st.DrawFn,
    functions: Collection[str] = tuple(AGGREGATIONS),
    clocks: Sequence[bool] = (True, False),
    floats: Sequence[str] = ("plain", "plain", "special"),
    dtypes: Sequence[str] = (*NUMBERS, *ORDERED),
    combined: bool = True,
    crowded: Sequence[bool] = (True, False),
    max_rows: int = 9,
    worlds: int = 1,
) -> Case:
    """Events with ties, nulls and edges ± 1 µs: of a few entities, or crowded into the windows of one.

    In more than one world there are as many cases as worlds under one plan, with a key that keeps them apart.
    """
    columns = {"x": draw(st.sampled_from(dtypes)), "y": draw(st.sampled_from(dtypes))}
    plan = draw(plans(columns, functions, clocks, combined))
    crowd, base, pool = draw(st.sampled_from(crowded)), draw(st.sampled_from(BASES)), draw(st.sampled_from(floats))
    space = draw(key_spaces(nulls=not crowd, most=2 if crowd else 4))
    least = 3 if crowd else 0
    if worlds > 1:
        space, least = space.in_worlds(worlds), max_rows // 2  # lists are short on average where nothing asks for more
    rows = st.fixed_dictionaries({n: values(d, pool, nulls=not crowd) for n, d in columns.items()})
    times = instants(units_of(plan), base, steps=(0, 1) if crowd else (-2, 6))
    events = draw(event_tables(space, columns, times, rows, least * worlds, max_rows * worlds))
    spine, label = draw(spines(space, plan, base, worlds))
    return Case(events, Shape(space.columns, Timestamp("ts")), plan, spine, label, base)


@st.composite
def event_tables(
    draw: st.DrawFn,
    space: KeySpace,
    columns: dict[str, str],
    times: st.SearchStrategy[int],
    rest: st.SearchStrategy[dict[str, Any]],
    least: int,
    most: int,
) -> Table:
    """Events in no order."""
    schema = Schema.of(**space.dtypes, ts="Datetime", **columns)
    parts = st.tuples(space.of_events(), times, rest)
    rows = draw(st.lists(parts, min_size=least, max_size=most))
    return Table.of(schema, [key | {"ts": instant(t)} | others for key, t, others in rows])


@st.composite
def spines(draw: st.DrawFn, space: KeySpace, plan: WindowPlan, base: int, worlds: int = 1) -> tuple[Table, Timestamp]:
    """Keys that are there, missing or null, at label times on and beside the edges."""
    times = st.one_of(instants(units_of(plan), base), instants(units_of(plan), base), st.none())
    rows = draw(st.lists(st.tuples(space.of_spine(), times), min_size=3 * (worlds - 1), max_size=7 * worlds))
    label = draw(label_columns([t for _, t in rows]))
    columns = [*(Column(n, d) for n, d in space.dtypes.items()), Column("label", label.dtype), Column("row", "Int64")]
    written = [
        {**key, "label": value, "row": i} for i, ((key, _), value) in enumerate(zip(rows, label.values, strict=True))
    ]
    return Table.of(Schema(tuple(columns)), written), Timestamp("label", format=label.pattern)
