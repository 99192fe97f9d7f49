"""Windows: the change points of every entity, and for each the run of events that its windows hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mlforge.model.duration import Duration
from mlforge.model.feature import Shape
from mlforge.model.metric import WindowPlan
from mlforge.plugin.engine.aggregations import Windowed, overflow, too_many_digits, windowed
from mlforge.plugin.engine.rows import need_stamp
from mlforge.plugin.engine.times import LAST
from mlforge.plugin.engine.types import is_decimal
from toy_engine.aggregations import Overflow, aggregated
from toy_engine.expressions import evaluate
from toy_engine.order import Numbers, differ, firsts, identities
from toy_engine.rows import with_keys
from toy_engine.types import INSTANT, dtype_of, words_of
from toy_engine.values import Values

CAST = 'table["{}"].cast("float64")'
Changes = Sequence[tuple[Any, int]]
FOREVER = 2**61  # microseconds: longer than the years 1 to 9999, and no sum of it and an instant overflows


def change_points(table: pa.Table, shape: Shape, plan: WindowPlan) -> pa.Table:
    """One row per entity and instant at which an event enters or leaves a window, sorted by keys and stamp."""
    stamp = need_stamp(shape)
    table = with_keys(table, shape)
    asked = windowed(plan, words_of(table.schema), CAST)
    times = table[stamp].cast(INSTANT).cast(pa.int64()).to_numpy()
    known = times if plan.interval is None else ends_of_buckets(times, plan.interval)
    (entities,) = identities([table], shape.key_names)
    order = np.lexsort((times, entities))
    events = Events(entities[order], known[order])
    instants = np.cumsum(differ(entities[order], times[order]))
    table = table.take(pa.array(order))
    values = {i.name: Values(evaluate(i.source, table), instants) for i in asked.inputs}
    owners, stamps = events.points(_changes(asked, values))
    found = _aggregates(asked, values, events, owners, stamps)
    first = firsts(events.entities)
    keys = table.select(shape.key_names).take(pa.array(first[np.searchsorted(events.entities[first], owners)]))
    outputs = {o.name: evaluate(o.source, found) for o in asked.outputs}
    columns = {**{n: keys[n] for n in shape.key_names}, stamp: pa.array(stamps).cast(INSTANT)}
    return pa.table({**columns, **outputs})


def ends_of_buckets(times: Numbers, interval: Duration) -> Numbers:
    """When events become known that are known at the end of their bucket."""
    return ((times - interval.origin) // interval.micros + 1) * interval.micros + interval.origin


class Events:
    """The events, sorted by entity and the instant they are known from."""

    def __init__(self, entities: Numbers, known: Numbers) -> None:
        self.entities, self.known = entities, known
        self._instants = np.unique(known)
        self._width = len(known) + 1
        self._points = self._point(entities, known)

    def _point(self, entities: Numbers, instants: Numbers) -> Numbers:
        """Entity and instant as one number."""
        return entities * self._width + np.searchsorted(self._instants, instants, "right")

    def until(self, entities: Numbers, instants: Numbers) -> Numbers:
        """How many events there are up to each entity's instant, those of the entities before included."""
        return np.searchsorted(self._points, self._point(entities, instants), "right")

    def points(self, changes: Changes) -> tuple[Numbers, Numbers]:
        """The entity and the stamp of every change point that lies in the years that can be asked about."""
        stamps = np.concatenate([self.known, *(self.known[which] + after for which, after in changes)])
        owners = np.concatenate([self.entities, *(self.entities[which] for which, _ in changes)])
        owners, stamps = owners[stamps <= LAST], stamps[stamps <= LAST]
        order = np.lexsort((stamps, owners))
        owners, stamps = owners[order], stamps[order]
        new = differ(owners, stamps)
        return owners[new], stamps[new]


def _changes(asked: Windowed, values: Mapping[str, Values]) -> Changes:
    """Which events enter or leave a window, and how long after they are known."""
    found = {(a.passes, after) for a in asked.aggregates for after in (a.enters, a.leaves) if after is not None}
    return [(values[passes].there if passes else slice(None), min(after, FOREVER)) for passes, after in found]


def _aggregates(
    asked: Windowed, values: Mapping[str, Values], events: Events, owners: Numbers, stamps: Numbers
) -> pa.Table:
    """The aggregates under their names, one row a change point."""
    ends = {e for a in asked.aggregates for e in (a.enters, a.leaves)}
    until = {e: events.until(owners, stamps - min(FOREVER if e is None else e, FOREVER)) for e in ends}
    columns = {}
    for a in asked.aggregates:
        try:
            found = aggregated(a, values[a.column] if a.column else None, until[a.leaves], until[a.enters])
        except Overflow as error:
            refusal = too_many_digits if is_decimal(a.word) else overflow
            raise refusal(asked.outputs_of([a.name]), CAST.format(_column(asked, a.column))) from error
        columns[a.name] = found.cast(dtype_of(a.word), safe=False)
    return pa.table(columns)


def _column(asked: Windowed, column: str | None) -> str:
    source = next(i.source for i in asked.inputs if i.name == column)
    return getattr(source, "name", "amount")
