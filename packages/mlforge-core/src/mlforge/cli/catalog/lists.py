"""The pages that lead to features: all of them, and those of each entity, source, owner and tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlforge.cli.catalog.links import Kind, Links
from mlforge.cli.catalog.parts import rows, section, table
from mlforge.flow.discovering.book import Book, Page
from mlforge.model.html import Markup, html, joined, repeated
from mlforge.model.text import number_of

_ONE = {"entities": "entity", "sources": "source", "owners": "owner", "tags": "tag"}


def index(book: Book, links: Links) -> Markup:
    """Every feature, by name."""
    told = rows((_cells(page, links) for page in book.pages), "<td>{}<td>{}<td>{}<td>{}")
    counts = ", ".join(
        f"{len(group):,} {kind if len(group) != 1 else _ONE[kind]}" for kind, group in links.groups.items()
    )
    if not book.pages:
        return html("<h1>{}</h1><p>Nothing has been built yet: <code>mlforge build</code></p>", book.name)
    return html(
        "<h1>{}</h1><p class=lead>{}; {}.</p>{}", book.name, number_of(len(book.pages), "feature"), counts,
        table(("Feature", "Latest", "About", "Owner", "Tags"), told, "features", "Features"),
    )  # fmt: skip


def _cells(page: Page, links: Links) -> tuple[str, ...]:
    card = page.card
    return (
        html('<a href="{}">{}</a>', links.feature(card.name), card.name),
        card.latest or ("on request" if page.request else "not built"), card.description or "", card.owner or "",
        ", ".join(card.tags),
    )  # fmt: skip


def group(kind: Kind, book: Book, links: Links) -> Markup:
    """Every entity, source, owner or tag with its features."""
    about = {page.name: page.card.description or "" for page in book.pages}
    sections = joined(
        section(links.anchor(kind, name), name, html("<ul class=members>{}</ul>", _members(features, about, links)))
        for name, features in links.groups[kind].items()
    )
    return html("<h1>{}</h1>{}", kind.capitalize(), sections or html("<p>No feature has one.</p>"))


def _members(features: Iterable[str], about: Mapping[str, str], links: Links) -> Markup:
    return repeated('<li><a href="{}">{}</a> {}', ((links.feature(f), f, about[f]) for f in features))
