"""Whether the latest version has drifted from the one before, column by column, as `mlforge drift` says it."""

from __future__ import annotations

from mlforge.flow.drifting.drift_report import ColumnDrift, DriftReport, figures
from mlforge.model.html import Markup, html, joined

HEADS = ("Column", "Verdict", "Distance", "Limit", "Why")


def cells(column: ColumnDrift) -> tuple[str, ...]:
    """A line about a column: the verdict, how far, how far that may be, and why it is said."""
    return column.column, column.verdict, *figures(column), column.reason


def summary(report: DriftReport) -> str:
    """What is compared, and how much of it drifted, in a sentence."""
    return f"{report.compared} against {report.reference}, by their profiles: {report.summary}."


def section(report: DriftReport | None) -> Markup:
    """A table with a row for each column; nothing where nothing can be compared."""
    if report is None:
        return Markup()
    head = joined(html('<th scope="col">{}</th>', h) for h in HEADS)
    body = joined(map(_row, report.columns))
    return html(
        '<section aria-labelledby="drift"><h2 id="drift">Drift</h2><p>{}</p>'
        '<div class="wide" role="region" aria-labelledby="drift" tabindex="0">'
        '<table class="drift"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div></section>',
        summary(report), head, body,
    )  # fmt: skip


def _row(column: ColumnDrift) -> Markup:
    name, verdict, far, limit, why = cells(column)
    return html(
        '<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>',
        name, html('<span class="badge drifted">{}</span>', verdict) if column.drifted else verdict, far, limit, why,
    )  # fmt: skip
