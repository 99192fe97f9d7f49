"""Which windows an explanation shows, and which events are in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mlforge.errors import MlforgeError
from mlforge.flow.explaining.recompute import Again
from mlforge.flow.rows import Row
from mlforge.model.expr import Agg, Expr
from mlforge.model.meta import FeatureMeta
from mlforge.model.window import Window
from mlforge.plugin.engine.evaluation import Derivation


class View(NamedTuple):
    """A window that some columns are computed over, by one condition or by none."""

    window: Window
    label: str
    where: Expr | None
    inputs: tuple[str, ...]

    def passing(self, events: Iterable[Row], words: Mapping[str, str]) -> list[Row]:
        """Those of the events that the condition is true of; all where it is about more than an event by itself."""
        given = list(events)
        if self.where is None:
            return given
        try:
            condition = Derivation({PASSES: self.where}, words, asked=False)
            return [e for e in given if condition.of(e)[PASSES]]
        except MlforgeError:
            return given


PASSES = "passes"


def views_of(meta: FeatureMeta, columns: Iterable[str], again: Again | None) -> list[View]:
    """The windows of some columns, each once; as the metadata say where nothing was computed anew."""
    found: dict[tuple[Any, str], View] = {}
    for name in columns:
        details = meta.schema.get(name)
        for text in details.window.split(", ") if details and details.window else ():
            window = Window.parse(text)
            aggs = [a for a, w in _aggs(name, again) if w.canonical == window.canonical]
            label = label_of(name, text, again)
            inputs = tuple(n for a in aggs for n in a.column_names)
            before = found.get((window.canonical, label))
            where = aggs[0].where if label != text and aggs else None
            merged = tuple(dict.fromkeys((*(before.inputs if before else ()), *inputs)))
            found[window.canonical, label] = View(before.window if before else window, label, where, merged)
    return list(found.values())


def label_of(column: str, window: str, again: Again | None) -> str:
    """The window's text; with the column, where that is of some of the events only."""
    conditions = {a.where for a, _ in _aggs(column, again)}
    filtered = len(conditions) == 1 and None not in conditions
    return f"{window} of {column}" if filtered else window


def _aggs(column: str, again: Again | None) -> list[tuple[Agg, Window]]:
    plan = again.plan if again else None
    return [(a, c.window_of(a)) for c in (plan.columns if plan else ()) if c.name == column for a in c.aggs]
