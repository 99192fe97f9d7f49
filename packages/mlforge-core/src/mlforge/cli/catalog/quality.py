"""What was measured of each column, version by version, with histograms; nothing where nothing was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlforge.flow.discovering.book import Page
from mlforge.model.html import Markup, html, joined
from mlforge.model.meta import FeatureMeta
from mlforge.model.quality import ColumnQuality, Quality

VERSIONS, BAR, TALL = 5, 5, 32
NONE = "–"


def measured(page: Page) -> list[tuple[FeatureMeta, Quality]]:
    """The newest versions of which something was measured, oldest first, and what that was."""
    return [(meta, meta.quality) for meta in page.versions if meta.quality is not None][-VERSIONS:]


def section(page: Page) -> Markup:
    """A table with a row for each column of each version."""
    found = measured(page)
    if not found:
        return Markup()
    names = list(dict.fromkeys(c.name for _, quality in reversed(found) for c in quality.columns))
    body = joined(_rows(name, found) for name in names)
    heads = ("Column", "Version", "Nulls", "Distinct", "Min", "Max", "Mean", "Distribution")
    head = joined(html('<th scope="col">{}</th>', h) for h in heads)
    return html(
        '<section aria-labelledby="quality"><h2 id="quality">Quality</h2>'
        '<div class="wide" role="region" aria-labelledby="quality" tabindex="0">'
        "<table><thead><tr>{}</tr></thead>{}</table></div></section>",
        head, body,
    )  # fmt: skip


def _rows(name: str, found: Sequence[tuple[FeatureMeta, Quality]]) -> Markup:
    there = [(meta.version, quality.column(name)) for meta, quality in reversed(found)]
    told = [(version, column) for version, column in there if column is not None]
    rows = [
        html(
            "<tr>{}<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            html('<th scope="row" rowspan="{}"><code>{}</code></th>', len(told), name) if not place else Markup(),
            version, f"{column.null_rate:.2%}", _distinct(column), _value(column.min), _value(column.max),
            _mean(column), _distribution(column, version),
        )
        for place, (version, column) in enumerate(told)
    ]  # fmt: skip
    return html("<tbody>{}</tbody>", joined(rows))


def _distinct(column: ColumnQuality) -> str:
    if column.distinct is None:
        return NONE
    return f"{'≈ ' if column.distinct_error else ''}{column.distinct:,}"


def _value(value: Any) -> str:
    if value is None:
        return NONE
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _mean(column: ColumnQuality) -> str:
    """The mean of numbers; that of times is in microseconds, which say nothing to people."""
    is_time = column.dtype.startswith(("Date", "Time", "Duration"))
    return NONE if is_time else _value(column.mean)


def _distribution(column: ColumnQuality, version: str) -> Markup:
    if column.histogram is not None and any(column.histogram.counts):
        return histogram(column.histogram.counts, f"Histogram of {column.name}, version {version}", column)
    total = max(column.count, 1) if not column.sampled else max(sum(t.count for t in column.top), 1)
    return joined(html("<span class='top'>{} {}</span>", t.value, f"{t.count / total:.0%}") for t in column.top[:4])


def histogram(counts: Sequence[int], said: str, column: ColumnQuality) -> Markup:
    """Bars, the tallest as tall as there is room."""
    most = max(counts)
    tall = [round(TALL * count / most, 1) for count in counts]
    bars = "".join(f"M{place * BAR} {TALL}v-{h:g}h{BAR - 1}v{h:g}z" for place, h in enumerate(tall) if counts[place])
    return html(
        '<svg class="histogram" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
        '<path d="{}"/></svg>',
        len(counts) * BAR, TALL, len(counts) * BAR, TALL,
        f"{said}: from {_value(column.min)} to {_value(column.max)}, mean {_mean(column)}", bars,
    )  # fmt: skip
