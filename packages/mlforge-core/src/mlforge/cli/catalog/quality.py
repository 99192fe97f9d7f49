"""What was measured of each column, version by version, with histograms; nothing where nothing was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlforge.flow.discovering.book import Page
from mlforge.model.html import Markup, html, joined
from mlforge.model.meta import FeatureMeta
from mlforge.model.quality import ColumnQuality, Quality

VERSIONS, TALL = 5, 32
NONE = "–"
_TABLE = (
    '<section aria-labelledby="quality"><h2 id="quality">Quality</h2>'
    '<div class="wide" role="region" aria-labelledby="quality" tabindex="0"><table class="quality"><thead><tr>'
    + "".join(
        f'<th scope="col">{head}</th>'
        for head in ("Column", "Version", "Nulls", "Distinct", "Min", "Max", "Mean", "Distribution")
    )
    + "</tr></thead>{}</table></div></section>"
)
_DIGITS = "0123456789abcdefghijklmnopqrstuvw"
_ROW = "<tr>{}<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>{}</tr>"


def measured(page: Page) -> list[tuple[FeatureMeta, Quality]]:
    """The newest versions of which something was measured, oldest first, and what that was."""
    return [(meta, meta.quality) for meta in page.versions if meta.quality is not None][-VERSIONS:]


def section(page: Page) -> Markup:
    """A table with a row for each column of each version."""
    found = measured(page)
    if not found:
        return Markup()
    names = dict.fromkeys(c.name for _, quality in reversed(found) for c in quality.columns)
    told = [(meta.version, {c.name: c for c in quality.columns}) for meta, quality in reversed(found)]
    body = joined(_rows(name, [(v, columns[name]) for v, columns in told if name in columns]) for name in names)
    return html(_TABLE, body)


def _rows(name: str, told: Sequence[tuple[str, ColumnQuality]]) -> Markup:
    head = html('<th scope="row" rowspan="{}">{}</th>', len(told), name)
    rows = (
        html(
            _ROW, Markup() if place else head, version, Markup(f"{column.null_rate:.2%}"), Markup(_distinct(column)),
            _value(column.min), _value(column.max), _mean(column), _distribution(column),
        )
        for place, (version, column) in enumerate(told)
    )  # fmt: skip
    return html("<tbody>{}</tbody>", joined(rows))


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
        return html('<td data-bars="{}"></td>', Markup(bars(column.histogram.counts)))
    total = max(column.count, 1) if not column.sampled else max(sum(t.count for t in column.top), 1)
    told = (html("<span>{} {}</span>", t.value, Markup(f"{t.count / total:.0%}")) for t in column.top[:4])
    return html('<td class="top">{}</td>', joined(told))


def bars(counts: Sequence[int]) -> str:
    """How tall each bar is, a digit for each up to `w`, which is the tallest; a count that is not zero shows.

    Example:
        >>> bars((0, 1, 500, 1000))
        '01gw'
    """
    most = max(counts)
    return "".join([_DIGITS[-(-TALL * count // most)] for count in counts])
