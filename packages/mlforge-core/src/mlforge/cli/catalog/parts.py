"""What pages are made of: sections, and tables with heads. End tags and quotes that HTML can do without are left out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from mlforge.model.html import Markup, html, repeated

NUMBER = Markup(" class=number")
"""The attribute of a cell whose text stands at the right."""


def section(anchor: str, title: str, inner: Markup) -> Markup:
    """A part of a page with a title, to which links lead by the anchor: a word."""
    return html("<section aria-labelledby={}><h2 id={}>{}</h2>{}</section>", anchor, anchor, title, inner)


def wide(name: Markup, inner: Markup) -> Markup:
    """What scrolls by itself where the screen is narrow; an attribute tells its name."""
    return html("<div class=wide role=region {} tabindex=0>{}</div>", name, inner)


def named(anchor: str) -> Markup:
    """The attribute of what a section's title names."""
    return html("aria-labelledby={}", anchor)


def labelled(label: str) -> Markup:
    """The attribute of what has a name that is not shown."""
    return html('aria-label="{}"', label)


def table(name: Markup, heads: tuple[str, ...], rows: Markup, kind: str = "") -> Markup:
    """A table of rows; nothing where there are none."""
    return wide(name, html("{}{}</table>", _head(heads, kind), rows)) if rows else Markup()


def rows(told: Iterable[Iterable[object]], cells: str) -> Markup:
    """A row of each: the cell that names it, and those of a template."""
    return repeated(f"<tr><th>{{}}{cells}", told)


@lru_cache(maxsize=64)
def _head(heads: tuple[str, ...], kind: str) -> Markup:
    cells = repeated("<th{}>{}", ((NUMBER if head == "Rows" else "", head) for head in heads))
    return html("<table{}><thead><tr>{}<tbody>", html(" class={}", kind) if kind else Markup(), cells)
