"""Whether a feature has drifted, column by column, and why that is said."""

from __future__ import annotations

import msgspec

from mlforge.errors import CheckFailed
from mlforge.model.drift import METHODS, Method
from mlforge.model.html import table
from mlforge.model.text import number_of


class ColumnDrift(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether a column has drifted.

    Args:
        column: Its name.
        dtype: Its type.
        drifted: Whether it has.
        reason: Why that is said.
        distance: How far the samples are apart; None where they cannot be compared.
        limit: What the distance has to be greater than: what matters, or what chance may do to samples of these sizes.
        before: How many values of the reference were compared, nulls too.
        after: How many of the other.
        null_rates: The parts of both that are null.
        new_values: The most frequent values that the reference has not.
    """

    column: str
    dtype: str
    drifted: bool
    reason: str
    distance: float | None = None
    limit: float | None = None
    before: int = 0
    after: int = 0
    null_rates: tuple[float, float] = (0.0, 0.0)
    new_values: tuple[bool | int | float | str, ...] = ()

    @property
    def verdict(self) -> str:
        """`drifted`, `steady` or `not compared`."""
        return "drifted" if self.drifted else "not compared" if self.distance is None else "steady"


class DriftReport(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a feature has drifted, column by column.

    Args:
        feature: Its name.
        reference: What is compared with, in words.
        compared: What is compared, in words.
        method: How.
        columns: The verdicts.

    Example:
        >>> report = defs.drift("user_spend", since="2026-02-01")
        >>> report.compared, report.method, len(report.columns)
        ('1.0.0 from 2026-02-01 on', 'psi', 5)
    """

    feature: str
    reference: str
    compared: str
    method: Method
    columns: tuple[ColumnDrift, ...]

    @property
    def ok(self) -> bool:
        """Whether no column has drifted."""
        return not self.drifted

    @property
    def uncompared(self) -> tuple[ColumnDrift, ...]:
        """The columns of which nothing can be said: no distance was measured, for the reason that each has."""
        return tuple(c for c in self.columns if c.verdict == "not compared")

    @property
    def drifted(self) -> tuple[ColumnDrift, ...]:
        """The columns that have."""
        return tuple(c for c in self.columns if c.drifted)

    def column(self, name: str) -> ColumnDrift | None:
        """The verdict about one column; None where there is none of that name."""
        return next((c for c in self.columns if c.column == name), None)

    def raise_for_drift(self) -> DriftReport:
        """This report, or `CheckFailed` where a column has drifted."""
        if self.drifted:
            told = "; ".join(f"{c.column}: {c.reason}" for c in self.drifted)
            raise CheckFailed(f"{self.feature} has drifted. {told}", hint="See what has changed in its source.")
        return self

    def __str__(self) -> str:
        return f"{self.title}: {self.summary}"

    @property
    def summary(self) -> str:
        """How many columns have drifted, and of how many nothing can be said."""
        left = f"; {len(self.uncompared):,} could not be compared" if self.uncompared else ""
        return f"{len(self.drifted):,} of {number_of(len(self.columns), 'column')} drifted{left}"

    @property
    def title(self) -> str:
        """What is compared with what, and how."""
        return f"{self.feature}: {self.compared} against {self.reference}, {METHODS[self.method]}"

    def _repr_html_(self) -> str:
        rows = [
            (c.column, c.dtype, "" if c.verdict == "steady" else c.verdict, *figures(c), c.reason) for c in self.columns
        ]
        return table(("column", "type", "", "distance", "limit", "why"), rows, caption=self.title)


def figures(column: ColumnDrift) -> tuple[str, str]:
    """Distance and limit as people read them."""
    far, limit = column.distance, column.limit
    return "–" if far is None else f"{far:.3f}", "–" if limit is None else f"{limit:.3f}"
