"""An aggregation that no engine knows, of parts that all of them do."""

from __future__ import annotations

import msgspec

from mlforge.model.expr import Agg, Expr, col
from mlforge.model.metric import Metric, MetricColumn, Windows, parse_windows


class CoefficientOfVariation(Metric, frozen=True):
    """The sample standard deviation over the mean; null of fewer than two values, and where their mean is 0.

    Args:
        column: A numeric column.
        windows: `["1d", "7d"]`, `"all"`, timedeltas, or `Window("7d", offset="7d")`.
        where: Only events for which this is true; such a metric needs a name.
        name: The output is `{name}_{window}`; `{column}__variation__{window}` if None.
    """

    column: str
    windows: Windows
    where: Expr | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "windows", parse_windows(self.windows))

    def columns(self) -> tuple[MetricColumn, ...]:
        """One column a window."""
        deviation, mean = (Agg(part, col(self.column), where=self.where) for part in ("std", "mean"))
        return tuple(
            MetricColumn(
                f"{self.name}_{w}" if self.name else f"{self.column}__variation__{w}", w, deviation / mean, "cv"
            )
            for w in parse_windows(self.windows)
        )
