"""Metrics: what a feature computes over windows of events. A metric is data: an expression over aggregations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.aggregation import aggregated, aggregation, no_condition, word_of
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Expr, refuse_at
from mlforge.model.html import table
from mlforge.model.schema import Column
from mlforge.model.spelling import Spelled
from mlforge.model.text import refuse_halves
from mlforge.model.window import Window

OneWindow = str | timedelta | Duration | Window
Windows = OneWindow | Sequence[OneWindow]
"""One window or several: `"7d"`, `["1d", "all"]`, `timedelta(days=7)`, `Window("7d", offset="7d")`."""


class MetricColumn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One output column: an expression over aggregations.

    Args:
        name: The output column.
        window: The window of those aggregations that say none of their own: a `Window`, or a `Duration` for one that
            reaches so far back. None where each says its own.
        expr: An expression whose leaves are `Agg` and `Lit`.
        aggregation: One word for it in metadata, such as `sum`.
    """

    name: str
    window: Any
    expr: Expr
    aggregation: str
    description: str | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        window = None if self.window is None else Window.parse(self.window)
        msgspec.structs.force_setattr(self, "window", window)
        refuse_at(self.expr, f"The metric {self.name!r}")
        for text in (self.name, self.description, self.unit):
            refuse_halves(text, f"the metric {self.name!r}")
        for found in self.aggs:
            self._refuse_nested(found)

    @property
    def aggs(self) -> tuple[Agg, ...]:
        """The aggregations it is computed from, each once, as they are written."""
        return tuple(dict.fromkeys(e for e in self.expr.walk() if isinstance(e, Agg)))

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows of its aggregations, each once."""
        return tuple(dict.fromkeys(self.window_of(a) for a in self.aggs))

    def window_of(self, agg: Agg) -> Window:
        """The window of one of its aggregations. Raises `Invalid` where none is given."""
        found = agg.window or self.window
        if found is None:
            raise Invalid(
                f"{self.name}: {word_of(agg.function, agg.options)} has no window.",
                hint='Give one: agg("sum", "amount", "7d").',
            )
        return Window.parse(found)

    def _refuse_nested(self, agg: Agg) -> None:
        """Raise `Invalid` for an aggregation of an aggregation, or where another has a value: events have none."""
        if agg.where is not None and any(isinstance(node, Agg) for node in agg.where.walk()):
            raise Invalid(
                f"The metric {self.name!r} has a where that aggregates, and is asked of one event.",
                hint='Ask for what an event has, such as col("amount") > 100.',
            )
        if agg.arg is not None and any(isinstance(node, Agg) for node in agg.arg.walk()):
            raise Invalid(
                f"The metric {self.name!r} aggregates an aggregation, which is no value of an event.",
                hint='Compute with both: Formula("trend", agg("sum", "amount", "7d") / agg("sum", "amount", "30d")).',
            )

    @property
    def column(self) -> Column:
        """Its entry in a schema; the engine knows the type."""
        windows = ", ".join(map(str, self.windows)) or str(self.window)
        return Column(self.name, "", self.aggregation, windows, self.description, self.unit)


class Metric(msgspec.Struct, metaclass=Spelled, frozen=True):
    """What plugin authors subclass: a frozen struct that lowers to columns.

    Example:
        >>> from mlforge.model.expr import Agg, Col
        >>> class Range(Metric, frozen=True):
        ...     column: str
        ...     window: str
        ...
        ...     def columns(self):
        ...         span = Agg("max", Col(self.column)) - Agg("min", Col(self.column))
        ...         return (
        ...             MetricColumn(f"{self.column}_range_{self.window}", Duration.parse(self.window), span, "range"),
        ...         )
        >>> Range("amount", "7d").columns()[0].name
        'amount_range_7d'
    """

    def columns(self) -> tuple[MetricColumn, ...]:
        """The output columns, one or more a window."""
        raise TypeError(f"{type(self).__name__} does not say which columns it makes.")

    def _repr_html_(self) -> str:
        rows = [(c.name, c.aggregation, c.window or "", c.unit or "", c.description or "") for c in self.columns()]
        return table(("column", "aggregation", "window", "unit", "meaning"), rows, caption=type(self).__name__)


class Aggregate(Metric, frozen=True):
    """One aggregation over one or more windows.

    Args:
        column: The column to aggregate, or an expression such as `col("delay") > 15`; None counts events.
        function: The aggregation as a word: `count`, `sum`, `last`, `count_distinct`, `p90`, `last_5`, `top_3` …
        windows: `["1d", "7d"]`, `"all"`, timedeltas, or `Window("7d", offset="7d")`.
        name: A plain word; the output is `{name}_{window}`. Without one it is `{column}__{function}__{window}`.
        description: What the value means.
        unit: What it is counted in, such as `USD`.
        where: Only events for which this is true are in the windows, such as `col("kind").eq("refund")`.

    Raises:
        Invalid: An unknown function, no window, a condition or an expression without a name, a name that is no plain
            word, or a `where` that is no expression.

    Example:
        >>> [c.name for c in Aggregate("amount", "sum", windows=["1d", "7d"]).columns()]
        ['amount__sum__1d', 'amount__sum__7d']
    """

    column: str | Expr | None
    function: str
    windows: Windows
    name: str | None = None
    description: str | None = None
    unit: str | None = None
    where: Expr | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "windows", parse_windows(self.windows))
        aggregated(self.function, self.column)
        need_metric_name(self.name)
        if isinstance(self.column, Expr) and not self.name:
            raise Invalid(f"{self.function!r} of an expression needs a name.", hint='Give it one: name="late_flights".')
        need_condition(self.where, self.function, self.name)
        refuse_at(self._agg(), f"The metric {self.name or self.column!r}")

    def _agg(self) -> Agg:
        function, options = aggregation(self.function)
        return Agg(function, aggregated(self.function, self.column), options, self.where)

    def _output(self, window: Window) -> str:
        if self.name:
            return f"{self.name}_{window}"
        return f"{self.column or 'events'}__{self.function}__{window}"

    def columns(self) -> tuple[MetricColumn, ...]:
        return tuple(
            MetricColumn(self._output(w), w, self._agg(), self.function, self.description, self.unit)
            for w in parse_windows(self.windows)
        )


class Rolled(Metric, frozen=True):
    """Several aggregations at once: what the deprecated `Rolling` makes, and a `Percentile` of several parts."""

    aggregates: tuple[Aggregate, ...]

    def columns(self) -> tuple[MetricColumn, ...]:
        return tuple(c for a in self.aggregates for c in a.columns())


class WindowPlan(msgspec.Struct, frozen=True):
    """What an engine is asked to compute: the clock and the columns.

    Args:
        interval: The bucket's length; None for the clock without an interval.
        columns: The output columns, in order.
    """

    interval: Duration | None
    columns: tuple[MetricColumn, ...]

    @property
    def windows(self) -> tuple[Window, ...]:
        """The distinct windows, those first that events leave first."""
        distinct = {w.canonical: w for c in self.columns for w in c.windows}
        return tuple(sorted(distinct.values(), key=lambda w: w.order))

    @property
    def reach(self) -> int | None:
        """How long after it is known an event may change a value, in microseconds; None: for ever."""
        leaves = [w.leaves for w in self.windows]
        return None if None in leaves else max((stay for stay in leaves if stay is not None), default=0)

    @property
    def is_filtered(self) -> bool:
        """Whether an aggregation is of some of the events."""
        return any(a.where is not None for c in self.columns for a in c.aggs)

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns of the events that any metric reads."""
        return tuple(dict.fromkeys(n for c in self.columns for n in c.expr.column_names))


def parse_windows(windows: Any) -> tuple[Window, ...]:
    """Windows from `"7d"`, `["1d", "all"]` or timedeltas. Raises `Invalid` for none at all or one twice."""
    several = isinstance(windows, list | tuple | set)
    given: Sequence[Any] = list(windows) if several else [windows] if windows else []
    parsed = tuple(map(Window.parse, given))
    if not parsed:
        raise Invalid("A metric needs at least one window.", hint='windows=["1d", "7d"]')
    if len({w.canonical for w in parsed}) < len(parsed):
        raise Invalid(f"A window is given twice: {', '.join(map(str, parsed))}.", hint="Name each length once.")
    return parsed


def need_metric_name(name: Any) -> None:
    """Raise `Invalid` for a metric's name that is no plain word."""
    if name is not None and not (isinstance(name, str) and name.isidentifier() and len(name) <= 128):
        raise Invalid(
            f"{name!r} cannot be a metric's name.",
            hint='Use letters, digits and _, starting with a letter: name="spend".',
        )


def need_condition(where: Any, function: str, name: str | None) -> None:
    """Raise `Invalid` for a `where` that is no expression, or whose metric has no name to tell it by."""
    if where is not None and not isinstance(where, Expr):
        raise no_condition(where)
    if where is not None and not name:
        raise Invalid(f"{function!r} of some events needs a name.", hint='Give it one: name="refunds".')
