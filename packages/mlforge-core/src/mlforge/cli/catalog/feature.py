"""The page of a feature."""

from __future__ import annotations

from mlforge.cli.catalog import drift, facts, lineage, quality
from mlforge.cli.catalog.links import Links
from mlforge.cli.catalog.retrieval import Place, Way, ways
from mlforge.cli.views.wording import NONE, because
from mlforge.flow.discovering.book import Page
from mlforge.model.html import Markup, html, joined
from mlforge.model.meta import FeatureMeta

ROOT = "../"
_WIDE = '<div class="wide" role="region" aria-labelledby="lineage" tabindex="0">{}</div>'
NEWEST = 50
"""How many versions a page tells of."""


def content(page: Page, links: Links, place: Place) -> Markup:
    """All that is known of a feature."""
    return joined([
        _head(page, links), _columns(page), _retrieval(ways(page, place)),
        _section("lineage", "Lineage", html("{}{}", html(_WIDE, lineage.drawing(page, links, ROOT)), _origins(page))),
        _definition(page), quality.section(page), drift.section(page.drift), _versions(page),
    ])  # fmt: skip


def _head(page: Page, links: Links) -> Markup:
    card = page.card
    pairs = [
        ("Latest", html("{}", card.latest or ("computed on request" if page.request else "not built yet"))),
        ("Built", html("{}", facts.built(card.built)) if card.latest else Markup()),
        ("Rows", html("{}", f"{card.rows:,}") if card.latest else Markup()),
        ("Entities", joined((_link(links.of("entities", e), e) for e in card.entities), ", ")),
        ("Source", _link(links.of("sources", card.source), card.source) if card.source else Markup()),
        ("Owner", _link(links.of("owners", card.owner), card.owner) if card.owner else Markup()),
        ("Tags", joined((_link(links.of("tags", t), t) for t in card.tags), ", ")),
    ]
    told = joined(html("<div><dt>{}</dt><dd>{}</dd></div>", name, value) for name, value in pairs if value)
    about = html('<p class="lead">{}</p>', card.description) if card.description else Markup()
    return html('<h1>{}</h1>{}<dl class="facts">{}</dl>', card.name, about, told)


def _link(href: str, name: str) -> Markup:
    return html('<a href="{}{}">{}</a>', ROOT, href, name)


def _section(anchor: str, title: str, inner: Markup) -> Markup:
    return html('<section aria-labelledby="{}"><h2 id="{}">{}</h2>{}</section>', anchor, anchor, title, inner)


def _columns(page: Page) -> Markup:
    rows = joined(
        html(
            '<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>',
            c.name, c.dtype or NONE, c.role, c.unit, c.description,
        )
        for c in facts.columns(page)
    )  # fmt: skip
    if not rows:
        return Markup()
    heads = joined(html('<th scope="col">{}</th>', h) for h in ("Column", "Type", "Is", "Unit", "Meaning"))
    table = html(
        '<div class="wide" role="region" aria-labelledby="columns" tabindex="0">'
        '<table class="columns"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        heads, rows,
    )  # fmt: skip
    return _section("columns", "Columns", table)


def _origins(page: Page) -> Markup:
    rows = joined(
        html(
            '<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>',
            one.name, one.made, one.of, one.ends,
        )
        for one in lineage.origins(page)
    )  # fmt: skip
    if not rows:
        return Markup()
    heads = joined(html('<th scope="col">{}</th>', h) for h in ("Column", "Is", "Made of", "Which comes from"))
    note = html("<p>{}</p>", lineage.untold(page)) if lineage.untold(page) else Markup()
    return html(
        '<div class="wide" role="region" aria-labelledby="lineage" tabindex="0">'
        '<table class="columns"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>{}',
        heads, rows, note,
    )  # fmt: skip


def _retrieval(found: list[Way]) -> Markup:
    blocks = joined(_code(way.text, way.title) for way in found)
    return _section("retrieve", "Retrieve", blocks) if blocks else Markup()


def _code(text: str, title: str, anchor: str = "") -> Markup:
    return html(
        '<figure class="code"{}><figcaption>{}<button type="button" class="copy" hidden '
        'aria-label="Copy: {}">Copy</button>'
        '</figcaption><pre tabindex="0"><code>{}</code></pre></figure>',
        html(' id="{}"', anchor) if anchor else Markup(), title, title, text,
    )  # fmt: skip


def _definition(page: Page) -> Markup:
    pairs = facts.definition(page)
    rows = joined(html("<div><dt>{}</dt><dd>{}</dd></div>", name, value) for name, value in pairs)
    code = Markup()
    if page.code is not None:
        code = _code(page.code, "Function", "function")
    elif page.feature is not None:
        code = html('<p id="function">The text of its function cannot be read.</p>')
    if not (rows or code):
        return Markup()
    return _section("definition", "Definition", html('<dl class="facts">{}</dl>{}', rows, code))


def _versions(page: Page) -> Markup:
    if not page.versions and not page.unreadable:
        return Markup()
    shown = page.versions[-NEWEST:]
    rows = joined(_version(page, meta) for meta in reversed(shown))
    older = len(page.versions) - len(shown)
    notes = [f"{older:,} older versions: mlforge versions {page.name}"] if older else []
    notes += [f"The metadata of {v} cannot be read: mlforge store verify" for v in page.unreadable]
    names, right = ("Version", "Built", "Rows", "Engine", "Why", "Changes"), Markup(' class="number"')
    heads = joined(html('<th scope="col"{}>{}</th>', right if h == "Rows" else "", h) for h in names)
    return _section(
        "versions",
        "Versions",
        html(
            '<div class="wide" role="region" aria-labelledby="versions" tabindex="0">'
            "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>{}",
            heads, rows, joined(html("<p>{}</p>", note) for note in notes),
        ),
    )  # fmt: skip


def _version(page: Page, meta: FeatureMeta) -> Markup:
    lines = facts.changes(page.changed(meta))
    changed = html("<ul>{}</ul>", joined(html("<li>{}</li>", line) for line in lines)) if lines else Markup()
    latest = html(' <span class="badge">latest</span>') if meta.version == page.card.latest else Markup()
    return html(
        '<tr id="v{}"><th scope="row">{}{}</th><td>{}</td><td class="number">{}</td><td>{}</td><td>{}</td>'
        "<td>{}</td></tr>",
        meta.version, meta.version, latest, facts.built(meta.created_at), f"{meta.row_count:,}", meta.engine or NONE,
        because(meta.change_summary), changed,
    )  # fmt: skip
