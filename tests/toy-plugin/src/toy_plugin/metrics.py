"""A metric."""

from __future__ import annotations

import msgspec

from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, col
from mlforge.model.metric import Metric, MetricColumn, parse_windows


class Ratio(Metric, frozen=True):
    """The sum of one column divided by that of another; null where there is nothing to divide by.

    Args:
        numerator: A numeric column.
        denominator: Another.
        windows: `["1d", "7d"]`, or timedeltas.
        name: The output is `{name}_{window}`; `{numerator}_per_{denominator}` if None.
    """

    numerator: str
    denominator: str
    windows: tuple[Duration, ...]
    name: str | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "windows", parse_windows(self.windows))

    def columns(self) -> tuple[MetricColumn, ...]:
        """One column a window."""
        name = self.name or f"{self.numerator}_per_{self.denominator}"
        expr = Agg("sum", col(self.numerator)) / Agg("sum", col(self.denominator))
        return tuple(MetricColumn(f"{name}_{w}", w, expr, "ratio") for w in self.windows)
