"""A metric."""

from __future__ import annotations

import msgspec

from mlforge.model.expr import Agg, col
from mlforge.model.metric import Metric, MetricColumn, Windows, parse_windows


class Share(Metric, frozen=True):
    """One sum as a share of another; null where that is 0.

    Args:
        numerator: A numeric column.
        denominator: Another.
        windows: `["1d", "7d"]`, `"all"`, timedeltas, or `Window("7d", offset="7d")`.
        name: The output is `{name}_{window}`; `{numerator}_per_{denominator}` if None.
    """

    numerator: str
    denominator: str
    windows: Windows
    name: str | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "windows", parse_windows(self.windows))

    def columns(self) -> tuple[MetricColumn, ...]:
        """One column a window."""
        name = self.name or f"{self.numerator}_per_{self.denominator}"
        expr = Agg("sum", col(self.numerator)) / Agg("sum", col(self.denominator))
        return tuple(MetricColumn(f"{name}_{w}", w, expr, "share") for w in parse_windows(self.windows))
