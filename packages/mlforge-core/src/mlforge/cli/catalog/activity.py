"""What happens in the stores: builds, publishes and drift, newest first. A page of the live catalog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from mlforge.cli.catalog import facts
from mlforge.cli.catalog.links import Links
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


def _section(anchor: str, title: str, table: Markup, otherwise: str) -> Markup:
    inner = table or html("<p>{}</p>", otherwise)
    return html('<section aria-labelledby="{}"><h2 id="{}">{}</h2>{}</section>', anchor, anchor, title, inner)


def _table(label: str, heads: Sequence[str], rows: Iterable[Markup]) -> Markup:
    body = joined(rows)
    if not body:
        return Markup()
    head = joined(html('<th scope="col"{}>{}</th>', Markup(' class="number"') if h == "Rows" else "", h) for h in heads)
    return html(
        '<div class="wide" role="region" aria-label="{}" tabindex="0">'
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        label, head, body,
    )  # fmt: skip


def _link(links: Links, name: str, anchor: str = "") -> Markup:
    return html('<a href="{}{}">{}</a>', links.feature(name), anchor, visible(name, one_line=True))


def _builds(book: Book, links: Links) -> Markup:
    """The newest versions of all features, from their metadata."""
    found = [(meta.created_at, page.name, meta) for page in book.pages for meta in page.versions]
    newest = sorted(found, key=lambda one: one[:2], reverse=True)[:NEWEST]
    rows = (
        html(
            '<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td class="number">{}</td><td>{}</td><td>{}</td></tr>',
            _link(links, name, f"#v{meta.version}"), meta.version, facts.built(at), f"{meta.row_count:,}",
            meta.engine or NONE, because(meta.change_summary),
        )
        for at, name, meta in newest
    )  # fmt: skip
    return _table("Builds", ("Feature", "Version", "Built", "Rows", "Engine", "Why"), rows)


def _publishes(book: Book, links: Links) -> Markup:
    """What the online store serves."""
    found = [
        (page.served.as_of, page.name, page.served.version, page.card.latest) for page in book.pages if page.served
    ]
    rows = (
        html(
            '<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>',
            _link(links, name), version, facts.built(f"{as_of[:19]}Z"),
            "" if latest in (None, version) else f"{latest} is built and not published",
        )
        for as_of, name, version, latest in sorted(found, reverse=True)[:NEWEST]
    )  # fmt: skip
    return _table("Published", ("Feature", "Served version", "As of", "Not served yet"), rows)


def _drift(book: Book, links: Links) -> Markup:
    """The columns whose latest version has drifted from the one before, the newest first."""
    drifted = [(page.card.built or "", page) for page in book.pages if page.drift and not page.drift.ok]
    newest = sorted(drifted, key=lambda one: (one[0], one[1].name), reverse=True)
    rows = (
        html(
            '<tr><th scope="row">{}</th><td><code>{}</code></td><td>{}</td><td class="why">{}</td></tr>',
            _link(links, page.name, "#drift"), column.column,
            f"{page.drift.compared} against {page.drift.reference}", column.reason,
        )
        for _, page in newest
        if page.drift
        for column in page.drift.drifted
    )  # fmt: skip
    return _table("Drift", ("Feature", "Column", "Versions", "Why"), islice(rows, NEWEST))
