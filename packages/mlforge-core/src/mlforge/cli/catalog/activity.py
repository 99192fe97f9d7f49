"""What happens in the stores: builds, publishes and drift, newest first. A page of the live catalog."""

from __future__ import annotations

from itertools import islice

from mlforge.cli.catalog import facts
from mlforge.cli.catalog.links import Links
from mlforge.cli.catalog.parts import rows, section, table
from mlforge.cli.views.wording import NONE, because
from mlforge.flow.discovering.book import Book
from mlforge.model.html import Markup, html, joined
from mlforge.model.visible import visible

NEWEST = 50
"""How many builds, publishes and drifts the page tells of."""


def content(book: Book, links: Links, online: str) -> Markup:
    """Builds, publishes and drift; `online` says what is served where, or why that is not known."""
    return joined([
        html("<h1>Activity</h1>"),
        _section("drift", "Drift", _drift(book, links), "No latest version has drifted from the one before."),
        _section("builds", "Builds", _builds(book, links), "Nothing has been built yet."),
        _section("publishes", "Published", _publishes(book, links), online or "Nothing is published."),
    ])  # fmt: skip


def _section(anchor: str, title: str, told: Markup, otherwise: str) -> Markup:
    return section(anchor, title, told or html("<p>{}</p>", otherwise))


def _link(links: Links, name: str, anchor: str = "") -> Markup:
    return html('<a href="{}{}">{}</a>', links.feature(name), anchor, visible(name, one_line=True))


def _builds(book: Book, links: Links) -> Markup:
    """The newest versions of all features, from their metadata."""
    found = [(meta.created_at, page.name, meta) for page in book.pages for meta in page.versions]
    newest = sorted(found, key=lambda one: one[:2], reverse=True)[:NEWEST]
    told = (
        (
            _link(links, name, f"#v{meta.version}"), meta.version, facts.built(at), f"{meta.row_count:,}",
            meta.engine or NONE, because(meta.change_summary),
        )
        for at, name, meta in newest
    )  # fmt: skip
    heads = ("Feature", "Version", "Built", "Rows", "Engine", "Why")
    return table(heads, rows(told, "<td>{}<td>{}<td class=number>{}<td>{}<td>{}"), label="Builds")


def _publishes(book: Book, links: Links) -> Markup:
    """What the online store serves."""
    found = [
        (page.served.as_of, page.name, page.served.version, page.card.latest) for page in book.pages if page.served
    ]
    told = (
        (
            _link(links, name), version, facts.built(f"{as_of[:19]}Z"),
            "" if latest in (None, version) else f"{latest} is built and not published",
        )
        for as_of, name, version, latest in sorted(found, reverse=True)[:NEWEST]
    )  # fmt: skip
    heads = ("Feature", "Served version", "As of", "Not served yet")
    return table(heads, rows(told, "<td>{}<td>{}<td>{}"), label="Published")


def _drift(book: Book, links: Links) -> Markup:
    """The columns whose latest version has drifted from the one before, the newest first."""
    drifted = [(page.card.built or "", page) for page in book.pages if page.drift and not page.drift.ok]
    newest = sorted(drifted, key=lambda one: (one[0], one[1].name), reverse=True)
    told = (
        (
            _link(links, page.name, "#drift"), column.column,
            f"{page.drift.compared} against {page.drift.reference}", column.reason,
        )
        for _, page in newest
        if page.drift
        for column in page.drift.drifted
    )  # fmt: skip
    cells = "<td><code>{}</code><td>{}<td class=why>{}"
    return table(("Feature", "Column", "Versions", "Why"), rows(islice(told, NEWEST), cells), label="Drift")
