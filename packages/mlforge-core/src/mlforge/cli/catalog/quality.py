"""What was measured of each column, version by version, with histograms; nothing where nothing was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlforge.cli.catalog.parts import named, section, table
from mlforge.flow.discovering.book import Page
from mlforge.model.html import Markup, html, joined, repeated
from mlforge.model.meta import FeatureMeta
from mlforge.model.quality import ColumnQuality, Quality

VERSIONS, TALL = 5, 32
NONE = "–"
HEADS = ("Column", "Version", "Nulls", "Distinct", "Min", "Max", "Mean", "Distribution")
_DIGITS = "0123456789abcdefghijklmnopqrstuvw"
_CELLS = "<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}{}"


def measured(page: Page) -> list[tuple[FeatureMeta, Quality]]:
    """The newest versions of which something was measured, oldest first, and what that was."""
    return [(meta, meta.quality) for meta in page.versions if meta.quality is not None][-VERSIONS:]


def shown(page: Page) -> Markup:
    """A table with a row for each column of each version."""
    found = measured(page)
    if not found:
        return Markup()
    told: dict[str, list[tuple[str, ColumnQuality]]] = {}
    for meta, quality in reversed(found):
        for column in quality.columns:
            told.setdefault(column.name, []).append((meta.version, column))
    body = joined((_rows(name, columns) for name, columns in told.items()), "<tbody>")
    return section("quality", "Quality", table(named("quality"), HEADS, body, "quality"))


def _rows(name: str, told: Sequence[tuple[str, ColumnQuality]]) -> Markup:
    cells = repeated(_CELLS, (_cells(version, column) for version, column in told), "<tr>")
    return html("<tr><th scope=row rowspan={}>{}{}", len(told), name, cells)


def _cells(version: str, column: ColumnQuality) -> tuple[str, ...]:
    return (
        version, Markup(f"{column.null_rate:.2%}"), Markup(_distinct(column)), _value(column.min), _value(column.max),
        _mean(column), _distribution(column),
    )  # fmt: skip


def _distinct(column: ColumnQuality) -> str:
    if column.distinct is None:
        return NONE
    return f"{'≈ ' if column.distinct_error else ''}{column.distinct:,}"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return Markup(f"{value:.6g}")
    return NONE if value is None else str(value)


def _mean(column: ColumnQuality) -> str:
    """The mean of numbers; that of times is in microseconds, which say nothing to people."""
    is_time = column.dtype.startswith(("Date", "Time", "Duration"))
    return NONE if is_time else _value(column.mean)


def _distribution(column: ColumnQuality) -> Markup:
    """A histogram for the page's script to draw and to describe, or the most frequent values."""
    if column.histogram is not None and any(column.histogram.counts):
        return Markup(f"<td data-bars={bars(column.histogram.counts)}>")
    total = max(column.count, 1) if not column.sampled else max(sum(t.count for t in column.top), 1)
    told = ((t.value, Markup(f"{t.count / total:.0%}")) for t in column.top[:4])
    return html("<td class=top>{}", repeated("<span>{} {}</span>", told))


def bars(counts: Sequence[int]) -> str:
    """How tall each bar is, a digit for each up to `w`, which is the tallest; a count that is not zero shows.

    Example:
        >>> bars((0, 1, 500, 1000))
        '01gw'
    """
    most = max(counts)
    return "".join([_DIGITS[-(-TALL * count // most)] for count in counts])
