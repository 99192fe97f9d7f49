"""Small HTML tables for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", note: str | None = None) -> str:
    """A table with escaped cells, in a style that fits light and dark notebooks."""
    head = "".join(f"<th style='text-align:left'>{escape(h)}</th>" for h in header) if any(header) else ""
    body = "".join(f"<tr>{''.join(_cell(v) for v in row)}</tr>" for row in rows)
    title = f"<div style='font-weight:600'>{escape(caption)}</div>" if caption else ""
    text = f"<div style='opacity:.75'>{escape(note)}</div>" if note else ""
    return f"<div>{title}{text}<table>{f'<tr>{head}</tr>' if head else ''}{body}</table></div>"


def _cell(value: object) -> str:
    return f"<td style='text-align:left'>{escape(str(value))}</td>"
