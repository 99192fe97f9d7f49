"""What the rows of a version are like."""

from __future__ import annotations

from mlforge.cli.views.terminal import Styled, columns, say, table
from mlforge.flow.drifting.drift_report import DriftReport, figures
from mlforge.flow.versions.quality import FeatureQuality, cells

_STYLES = {"drifted": "red", "steady": "green", "not compared": "yellow"}


def shown(found: FeatureQuality) -> None:
    """A line a column, with its histogram or its most frequent values."""
    say(Styled(f"{found.feature} {found.version}", "bold"), f"  {', '.join(found.facts)}")
    say()
    heads = columns("column", "type", ">null", ">distinct", ">min", ">max", ">mean", ">std", "spread")
    table(heads, [cells(c) for c in found.columns], indent=2)
    if sampled := max((c.sampled for c in found.columns), default=0):
        say()
        say(f"How values are spread is told of {sampled:,} rows drawn at random; ~ is an estimate.")


def drifted(report: DriftReport) -> None:
    """The verdicts, a line a column."""
    say(report.title)
    say()
    heads = columns("column", "", ">distance", ">limit", "*why")
    rows = [(c.column, Styled(c.verdict, _STYLES[c.verdict]), *figures(c), c.reason) for c in report.columns]
    table(heads, rows, indent=2)
    say()
    say(f"{report.summary}.")
