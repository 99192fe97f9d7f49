"""The pages that lead to features: all of them, and those of each entity, source, owner and tag."""

from __future__ import annotations

from mlforge.cli.catalog.links import Kind, Links
from mlforge.flow.discovering.book import Book, Page
from mlforge.model.html import Markup, html, joined
from mlforge.model.text import number_of

_ONE = {"entities": "entity", "sources": "source", "owners": "owner", "tags": "tag"}


def index(book: Book, links: Links) -> Markup:
    """Every feature, by name."""
    rows = joined(_row(page, links) for page in book.pages)
    counts = ", ".join(
        f"{len(group):,} {kind if len(group) != 1 else _ONE[kind]}" for kind, group in links.groups.items()
    )
    if not book.pages:
        return html("<h1>{}</h1><p>Nothing has been built yet: <code>mlforge build</code></p>", book.name)
    return html(
        '<h1>{}</h1><p class="lead">{}; {}.</p><div class="wide" role="region" aria-label="Features" tabindex="0">'
        '<table class="features"><thead><tr><th scope="col">Feature</th><th scope="col">Latest</th>'
        '<th scope="col">About</th><th scope="col">Owner</th><th scope="col">Tags</th></tr></thead>'
        "<tbody>{}</tbody></table></div>",
        book.name, number_of(len(book.pages), "feature"), counts, rows,
    )  # fmt: skip


def _row(page: Page, links: Links) -> Markup:
    card = page.card
    return html(
        '<tr><th scope="row"><a href="{}">{}</a></th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>',
        links.feature(card.name), card.name,
        card.latest or ("on request" if page.request else "not built"), card.description or "", card.owner or "",
        ", ".join(card.tags),
    )  # fmt: skip


def group(kind: Kind, book: Book, links: Links) -> Markup:
    """Every entity, source, owner or tag with its features."""
    about = {page.name: page.card.description or "" for page in book.pages}
    sections = joined(
        html(
            '<section aria-labelledby="{}"><h2 id="{}">{}</h2><ul class="members">{}</ul></section>',
            links.anchor(kind, name), links.anchor(kind, name), name,
            joined(html('<li><a href="{}">{}</a> {}</li>', links.feature(f), f, about[f]) for f in features),
        )
        for name, features in links.groups[kind].items()
    )  # fmt: skip
    return html("<h1>{}</h1>{}", kind.capitalize(), sections or html("<p>No feature has one.</p>"))
