"""Whether the latest version has drifted from the one before, column by column, as `mlforge drift` says it."""

from __future__ import annotations

from mlforge.cli.catalog.parts import rows, section, table
from mlforge.flow.drifting.drift_report import ColumnDrift, DriftReport, figures
from mlforge.model.html import Markup, html

_DRIFTED = Markup("<mark>drifted</mark>")
HEADS = ("Column", "Verdict", "Distance", "Limit", "Why")


def cells(column: ColumnDrift) -> tuple[str, ...]:
    """A line about a column: the verdict, how far, how far that may be, and why it is said."""
    return column.column, column.verdict, *figures(column), column.reason


def summary(report: DriftReport) -> str:
    """What is compared, and how much of it drifted, in a sentence."""
    return f"{report.compared} against {report.reference}, by their profiles: {report.summary}."


def shown(report: DriftReport | None) -> Markup:
    """A table with a row for each column; nothing where nothing can be compared."""
    if report is None:
        return Markup()
    body = rows(map(_cells, report.columns), "<td>{}<td>{}<td>{}<td>{}")
    told = html("<p>{}</p>{}", summary(report), table(HEADS, body, "drift"))
    return section("drift", "Drift", told)


def _cells(column: ColumnDrift) -> tuple[str, ...]:
    name, verdict, *others = cells(column)
    return name, _DRIFTED if column.drifted else verdict, *others
