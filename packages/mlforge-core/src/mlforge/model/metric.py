"""Metrics: what a feature computes over windows of events. A metric is data: an expression over aggregations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Col, Expr, refuse_at
from mlforge.model.schema import Column
from mlforge.model.spelling import Spelled

Windows = str | timedelta | Duration | Sequence[str | timedelta | Duration]
"""One window or several: `"7d"`, `["1d", "7d"]`, `timedelta(days=7)`."""


class MetricColumn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One output column: an expression over the aggregations of one window.

    Args:
        name: The output column.
        window: How far back the window reaches.
        expr: An expression whose leaves are `Agg` and `Lit`.
        aggregation: One word for it in metadata, such as `sum`.
    """

    name: str
    window: Duration
    expr: Expr
    aggregation: str
    description: str | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        refuse_at(self.expr, f"The metric {self.name!r}")

    @property
    def aggs(self) -> tuple[Agg, ...]:
        """The aggregations it is computed from, each once."""
        return tuple(dict.fromkeys(e for e in self.expr.walk() if isinstance(e, Agg)))

    @property
    def column(self) -> Column:
        """Its entry in a schema; the engine knows the type."""
        return Column(self.name, "", self.aggregation, str(self.window), self.description, self.unit)


class Metric(msgspec.Struct, metaclass=Spelled, frozen=True):
    """What plugin authors subclass: a frozen struct that lowers to columns.

    Example:
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


class Aggregate(Metric, frozen=True):
    """One aggregation over one or more windows.

    Args:
        column: The column to aggregate, or an expression such as `col("delay") > 15`; None counts events.
        function: `count`, `sum`, `mean`, `min`, `max`, `std` or `median`.
        windows: `["1d", "7d"]`, or timedeltas.
        name: A plain word; the output is `{name}_{window}`. Without one it is `{column}__{function}__{window}`.
        description: What the value means.
        unit: What it is counted in, such as `USD`.

    Raises:
        Invalid: An unknown function, no window, an expression without a name, or a name that is no plain word.

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

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "windows", parse_windows(self.windows))
        if not isinstance(self.column, str | Expr | None):
            raise Invalid(
                f"{self.function!r} of {self.column!r}, which is neither a column nor an expression.",
                hint="Write .eq(x) for ==, .ne(x) for !=, & for and, | for or, ~ for not.",
            )
        name: Any = self.name
        if name is not None and not (isinstance(name, str) and name.isidentifier() and len(name) <= 128):
            raise Invalid(
                f"{self.name!r} cannot be a metric's name.",
                hint='Use letters, digits and _, starting with a letter: name="spend".',
            )
        if isinstance(self.column, Expr) and not self.name:
            raise Invalid(f"{self.function!r} of an expression needs a name.", hint='Give it one: name="late_flights".')
        refuse_at(self._agg(), f"The metric {self.name or self.column!r}")

    def _agg(self) -> Agg:
        return Agg(self.function, Col(self.column) if isinstance(self.column, str) else self.column)

    def _output(self, window: Duration) -> str:
        if self.name:
            return f"{self.name}_{window}"
        return f"{self.column or 'events'}__{self.function}__{window}"

    def columns(self) -> tuple[MetricColumn, ...]:
        return tuple(
            MetricColumn(self._output(w), w, self._agg(), self.function, self.description, self.unit)
            for w in parse_windows(self.windows)
        )


class Rolled(Metric, frozen=True):
    """Several aggregations over the same windows: what the deprecated `Rolling` makes."""

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
    def windows(self) -> tuple[Duration, ...]:
        """The distinct lengths, shortest first."""
        by_length = {c.window.micros: c.window for c in self.columns}
        return tuple(by_length[m] for m in sorted(by_length))

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns of the events that any metric reads."""
        return tuple(dict.fromkeys(n for c in self.columns for n in c.expr.column_names))


def parse_windows(windows: Any) -> tuple[Duration, ...]:
    """Durations from `"7d"`, `["1d", "7d"]` or timedeltas. Raises `Invalid` for none at all or one twice."""
    several = isinstance(windows, list | tuple | set)
    given: Sequence[Any] = list(windows) if several else [windows] if windows else []
    parsed = tuple(Duration.parse(w, "window") for w in given)
    if not parsed:
        raise Invalid("A metric needs at least one window.", hint='windows=["1d", "7d"]')
    if len({w.micros for w in parsed}) < len(parsed):
        raise Invalid(f"A window is given twice: {', '.join(map(str, parsed))}.", hint="Name each length once.")
    return parsed
