"""What was measured of each column, version by version, with histograms; nothing where nothing was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlforge.cli.catalog.parts import section, table
from mlforge.flow.discovering.book import Page
from mlforge.model.html import Markup, escaped, joined
from mlforge.model.meta import FeatureMeta
from mlforge.model.quality import ColumnQuality, Quality

VERSIONS, TALL = 5, 32
NONE = "–"
HEADS = ("Column", "Version", "Nulls", "Distinct", "Min", "Max", "Mean", "Distribution")
_DIGITS = bytes.maketrans(bytes(range(TALL + 1)), b"0123456789abcdefghijklmnopqrstuvw")


def measured(page: Page) -> list[tuple[FeatureMeta, Quality]]:
    """The newest versions of which something was measured, oldest first, and what that was."""
    return [(meta, meta.quality) for meta in page.versions if meta.quality is not None][-VERSIONS:]


def shown(page: Page) -> Markup:
    """A table with a row for each column of each version."""
    found = measured(page)
    if not found:
        return Markup()
    told: dict[str, list[str]] = {}
    for meta, quality in reversed(found):
        version = escaped(meta.version)
        for column in quality.columns:
            told.setdefault(column.name, []).append(_cells(version, column))
    body = joined([_rows(name, cells) for name, cells in told.items()], "<tbody>")
    return section("quality", "Quality", table(HEADS, body, "quality"))


def _rows(name: str, cells: Sequence[str]) -> str:
    over = f" rowspan={len(cells)}" if len(cells) > 1 else ""
    return f"<tr><th{over}>{escaped(name)}{'<tr>'.join(cells)}"


def _cells(version: str, column: ColumnQuality) -> str:
    return (
        f"<td>{version}<td>{column.null_rate:.2%}<td>{_distinct(column)}<td>{_value(column.min)}"
        f"<td>{_value(column.max)}<td>{_mean(column)}{_distribution(column)}"
    )


def _distinct(column: ColumnQuality) -> str:
    if column.distinct is None:
        return NONE
    return f"{'≈ ' if column.distinct_error else ''}{column.distinct:,}"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return NONE if value is None else escaped(str(value))


def _mean(column: ColumnQuality) -> str:
    """The mean of numbers; that of times is in microseconds, which say nothing to people."""
    return NONE if column.dtype.startswith(("Date", "Time", "Duration")) else _value(column.mean)


def _distribution(column: ColumnQuality) -> str:
    """A histogram for the page's script to draw and to describe, or the most frequent values."""
    if column.histogram is not None and any(column.histogram.counts):
        return f"<td data-bars={bars(column.histogram.counts)}>"
    total = max(column.count, 1) if not column.sampled else max(sum(t.count for t in column.top), 1)
    return f"<td class=top>{', '.join([f'{escaped(str(t.value))} {t.count / total:.0%}' for t in column.top[:4]])}"


def bars(counts: Sequence[int]) -> str:
    """How tall each bar is, a digit for each up to `w`, which is the tallest; a count that is not zero shows.

    Example:
        >>> bars((0, 1, 500, 1000))
        '01gw'
    """
    most = max(counts)
    return bytes([-(-TALL * count // most) for count in counts]).translate(_DIGITS).decode()
