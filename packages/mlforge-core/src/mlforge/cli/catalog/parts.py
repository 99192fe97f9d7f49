"""What pages are made of: sections, and tables with heads.

Of thousands of pages each letter counts: end tags and quotes that HTML can do without are left out, and what a screen
reader calls a section, and how the keyboard reaches what scrolls, is told by the pages' script.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from mlforge.model.html import Markup, html, repeated

NUMBER = Markup(" class=number")
"""The attribute of a cell whose text stands at the right."""


def section(anchor: str, title: str, inner: Markup) -> Markup:
    """A part of a page with a title, to which links lead by the anchor: a word."""
    return html("<section><h2 id={}>{}</h2>{}</section>", anchor, title, inner)


def wide(inner: Markup, label: str = "") -> Markup:
    """What scrolls by itself where the screen is narrow; it has a label where no title is above it."""
    named = html(' role=region aria-label="{}" tabindex=0', label) if label else Markup()
    return html("<div class=wide{}>{}</div>", named, inner)


def table(heads: tuple[str, ...], rows: Markup, kind: str = "", label: str = "") -> Markup:
    """A table of rows; nothing where there are none."""
    return wide(html("{}{}</table>", _head(heads, kind), rows), label) if rows else Markup()


def rows(told: Iterable[Iterable[object]], cells: str) -> Markup:
    """A row of each: the cell that names it, and those of a template."""
    return repeated(f"<tr><th>{{}}{cells}", told)


@lru_cache(maxsize=64)
def _head(heads: tuple[str, ...], kind: str) -> Markup:
    cells = repeated("<th{}>{}", ((NUMBER if head == "Rows" else "", head) for head in heads))
    return html("<table{}><thead><tr>{}<tbody>", html(" class={}", kind) if kind else Markup(), cells)
