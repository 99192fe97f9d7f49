"""The definition itself, through aggregate, write and as-of: exact expiry, causality, merging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st

from mlforge.model.schema import Column, Schema
from mlforge.model.timestamp import Timestamp
from mlforge.testing.compare import assert_same_rows
from mlforge.testing.engines.bench import Bench, near_columns
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table, windows
from mlforge.testing.reference.shaping import by_key, has_null_key, key_of
from mlforge.testing.reference.times import instant, micros
from mlforge.testing.strategies import Case, cases


def watched(case: Case) -> Case:
    """The case with a spine that asks about every key at every edge, and one microsecond on either side."""
    points = windows.change_points(windows.events_of(case.events, case.shape, case.plan), case.plan)[:9]
    keys = {key_of(row, case.shape.key_names): None for row in case.events.rows}
    key_columns = tuple(Column(n, case.events.schema.dtype(n)) for n in case.shape.key_names)
    rows = [
        dict(zip(case.shape.key_names, key, strict=True)) | {"label": instant(p + d)}
        for key in keys
        for p in points
        for d in (-1, 0, 1)
    ]
    spine = Table.of(Schema((*key_columns, Column("label", "Datetime"))), rows)
    return msgspec.structs.replace(case, spine=spine, label=Timestamp("label"))


def by_definition(case: Case) -> list[dict[str, Any]]:
    """What each row of the spine must get: the definition, computed for its instant alone."""
    dtypes = windows.output_dtypes(case.plan, case.events)
    entities = by_key(case.events, case.shape.key_names)
    return [row | _values(case, entities, row, dtypes) for row in case.spine.rows]


def _values(case: Case, entities: dict[Any, Table], row: dict[str, Any], dtypes: dict[str, str]) -> dict[str, Any]:
    known = not has_null_key(row, case.shape.key_names)
    entity = entities.get(key_of(row, case.shape.key_names)) if known else None
    events = windows.events_of(entity, case.shape, case.plan) if entity else []
    return windows.values_when(events, micros(row["label"]), case.plan, dtypes)


def known_by(case: Case, instant: int) -> Table:
    """The events that are known at an instant."""
    return case.events.where(lambda row: windows.known(micros(row["ts"]), case.plan.interval) <= instant)


@st.composite
def parted(draw: st.DrawFn, functions: frozenset[str]) -> tuple[Case, Table, Table]:
    """A case with one aggregation of integers, and its events in two parts."""
    case = watched(draw(cases(functions, dtypes=("Int64", "Int8"), combined=False)))
    side = draw(st.lists(st.booleans(), min_size=len(case.events.rows), max_size=len(case.events.rows)))
    left, right = ([r for r, s in zip(case.events.rows, side, strict=True) if s is wanted] for wanted in (True, False))
    return case, Table(case.events.schema, left), Table(case.events.schema, right)


def merged(function: str, a: Any, b: Any) -> Any:
    """The aggregate of a union, from those of its parts; a part without events gives null."""
    present = [v for v in (a, b) if v is not None]
    if not present:
        return None
    merging: dict[str, Callable[[list[Any]], Any]] = {"count": sum, "sum": sum, "min": min, "max": max}
    return merging[function](present)


class MeaningTests(EngineSubject):
    """What a feature is worth at an instant."""

    @generated(0.06, lambda bench: cases(bench.functions, max_rows=5).map(watched))
    def test_the_value_at_every_instant_is_the_definition(self, bench: Bench, case: Case) -> None:
        assert_same_rows(by_definition(case), bench.asof(case).rows, near_columns(case))

    @generated(0.05, lambda bench: cases(bench.functions, max_rows=6))
    def test_events_known_later_never_change_an_answer(self, bench: Bench, case: Case) -> None:
        case = watched(case)
        spine = Table(case.spine.schema, case.spine.rows[:: max(1, len(case.spine.rows) // 3)])
        after = bench.asof(msgspec.structs.replace(case, spine=spine))
        for row, answer in zip(spine.rows, after.rows, strict=True):
            alone = msgspec.structs.replace(case, spine=Table(spine.schema, [row]))
            before = bench.asof(alone, known_by(case, micros(row["label"])))
            assert_same_rows(before.rows, [answer], near_columns(case))

    @generated(0.03, lambda bench: parted(bench.functions & {"count", "sum", "min", "max"}))
    def test_the_aggregate_of_a_union_follows_from_its_parts(self, bench: Bench, question: Any) -> None:
        case, left, right = question
        whole, *parts = (bench.asof(case, events).rows for events in (case.events, left, right))
        for row, a, b in zip(whole, *parts, strict=True):
            for column in case.plan.columns:
                assert row[column.name] == merged(column.aggregation, a[column.name], b[column.name])
