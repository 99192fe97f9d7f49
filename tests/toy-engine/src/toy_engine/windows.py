"""Windows: the change points of every entity, and for each the run of events that its windows hold."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mlforge.model.duration import Duration
from mlforge.model.feature import Shape
from mlforge.model.metric import WindowPlan
from mlforge.plugin.engine.aggregations import Windowed, overflow, too_many_digits, windowed
from mlforge.plugin.engine.rows import need_stamp
from mlforge.plugin.engine.times import LAST
from mlforge.plugin.engine.types import is_decimal
from toy_engine.aggregations import Overflow, Values, aggregated
from toy_engine.expressions import evaluate
from toy_engine.order import Numbers, firsts, identities
from toy_engine.rows import with_keys
from toy_engine.types import INSTANT, dtype_of, words_of

CAST = 'table["{}"].cast("float64")'
FOREVER = 2**61  # microseconds: longer than the years 1 to 9999, and no sum of it and an instant overflows


def change_points(table: pa.Table, shape: Shape, plan: WindowPlan) -> pa.Table:
    """One row per entity and instant at which an event enters or leaves a window, sorted by keys and stamp."""
    stamp = need_stamp(shape)
    table = with_keys(table, shape)
    asked = windowed(plan, words_of(table.schema), CAST)
    times = table[stamp].cast(INSTANT).cast(pa.int64()).to_numpy()
    known = times if plan.interval is None else ends_of_buckets(times, plan.interval)
    (entities,) = identities([table], shape.key_names)
    order = np.lexsort((known, entities))
    events = Events(entities[order], known[order])
    table = table.take(pa.array(order))
    owners, stamps = events.points([w.micros for w in plan.windows])
    found = _aggregates(table, asked, events, owners, stamps)
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

    def points(self, windows: list[int]) -> tuple[Numbers, Numbers]:
        """The entity and the stamp of every change point that lies in the years that can be asked about."""
        gone = [self.known + min(w, FOREVER) for w in windows]
        stamps = np.concatenate([self.known, *gone])
        owners = np.tile(self.entities, len(gone) + 1)
        owners, stamps = owners[stamps <= LAST], stamps[stamps <= LAST]
        order = np.lexsort((stamps, owners))
        owners, stamps = owners[order], stamps[order]
        new = np.r_[True, (owners[1:] != owners[:-1]) | (stamps[1:] != stamps[:-1])][: len(owners)]
        return owners[new], stamps[new]


def _aggregates(table: pa.Table, asked: Windowed, events: Events, owners: Numbers, stamps: Numbers) -> pa.Table:
    """The aggregates under their names, one row a change point."""
    values = {i.name: Values(evaluate(i.source, table)) for i in asked.inputs}
    high = events.until(owners, stamps)
    low = {w: events.until(owners, stamps - min(w, FOREVER)) for w in {a.window for a in asked.aggregates}}
    columns = {}
    for a in asked.aggregates:
        try:
            found = aggregated(a.function, values[a.column] if a.column else None, low[a.window], high)
        except Overflow as error:
            refusal = too_many_digits if is_decimal(a.word) else overflow
            raise refusal(asked.outputs_of([a.name]), CAST.format(_column(asked, a.column))) from error
        columns[a.name] = found.cast(dtype_of(a.word), safe=False)
    return pa.table(columns)


def _column(asked: Windowed, column: str | None) -> str:
    source = next(i.source for i in asked.inputs if i.name == column)
    return getattr(source, "name", "amount")
