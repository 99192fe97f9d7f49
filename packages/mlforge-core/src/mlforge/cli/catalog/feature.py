"""The page of a feature."""

from __future__ import annotations

from collections.abc import Iterable

from mlforge.cli.catalog import drift, facts, lineage, quality
from mlforge.cli.catalog.links import Kind, Links
from mlforge.cli.catalog.parts import rows, section, table, wide
from mlforge.cli.catalog.retrieval import Place, Way, ways
from mlforge.cli.views.wording import NONE, because
from mlforge.flow.discovering.book import Page
from mlforge.model.html import Markup, html, joined, repeated
from mlforge.model.meta import FeatureMeta

ROOT = "../"
NEWEST = 50
"""How many versions a page tells of."""
_COLUMN = "<td>{}<td>{}<td>{}<td>{}"
_ORIGIN = "<td>{}<td>{}<td>{}"
_VERSION = '<tr id="v{}"><th>{}{}<td>{}<td class=number>{}<td>{}<td>{}<td>{}'


def content(page: Page, links: Links, place: Place) -> Markup:
    """All that is known of a feature."""
    return joined([
        _head(page, links), _columns(page), _retrieval(ways(page, place)), _lineage(page, links), _definition(page),
        quality.shown(page), drift.shown(page.drift), _versions(page),
    ])  # fmt: skip


def _head(page: Page, links: Links) -> Markup:
    card = page.card
    pairs = [
        ("Latest", card.latest or ("computed on request" if page.request else "not built yet")),
        ("Built", facts.built(card.built) if card.latest else ""),
        ("Rows", f"{card.rows:,}" if card.latest else ""),
        ("Entities", _linked(links, "entities", card.entities)),
        ("Source", _linked(links, "sources", filter(None, [card.source]))),
        ("Owner", _linked(links, "owners", filter(None, [card.owner]))),
        ("Tags", _linked(links, "tags", card.tags)),
    ]
    about = html("<p class=lead>{}</p>", card.description) if card.description else Markup()
    return html("<h1>{}</h1>{}{}", card.name, about, _facts([pair for pair in pairs if pair[1]]))


def _facts(pairs: list[tuple[str, str]]) -> Markup:
    return html("<dl class=facts>{}</dl>", repeated("<div><dt>{}<dd>{}</div>", pairs))


def _linked(links: Links, kind: Kind, names: Iterable[str]) -> Markup:
    return repeated('<a href="{}{}">{}</a>', ((ROOT, links.of(kind, name), name) for name in names), ", ")


def _columns(page: Page) -> Markup:
    told = rows(((c.name, c.dtype or NONE, c.role, c.unit, c.description) for c in facts.columns(page)), _COLUMN)
    heads = ("Column", "Type", "Is", "Unit", "Meaning")
    return section("columns", "Columns", table(heads, told, "columns")) if told else Markup()


def _lineage(page: Page, links: Links) -> Markup:
    drawn = wide(lineage.drawing(page, links, ROOT))
    told = rows(lineage.origins(page), _ORIGIN)
    heads = ("Column", "Is", "Made of", "Which comes from")
    note = html("<p>{}</p>", lineage.untold(page)) if told and lineage.untold(page) else Markup()
    return section("lineage", "Lineage", joined([drawn, table(heads, told, "columns"), note]))


def _retrieval(found: list[Way]) -> Markup:
    blocks = joined(_code(way.text, way.title) for way in found)
    return section("retrieve", "Retrieve", blocks) if blocks else Markup()


def _code(text: str, title: str, attribute: str = "") -> Markup:
    return html(
        "<figure class=code{}><figcaption>{}</figcaption><pre tabindex=0><code>{}</code></pre></figure>",
        Markup(attribute), title, text,
    )  # fmt: skip


def _definition(page: Page) -> Markup:
    pairs = facts.definition(page)
    code = Markup()
    if page.code is not None:
        code = _code(page.code, "Function", " id=function")
    elif page.feature is not None:
        code = html("<p id=function>The text of its function cannot be read.</p>")
    if not (pairs or code):
        return Markup()
    return section("definition", "Definition", html("{}{}", _facts(pairs), code))


def _versions(page: Page) -> Markup:
    if not page.versions and not page.unreadable:
        return Markup()
    shown = page.versions[-NEWEST:]
    told = repeated(_VERSION, (_version(page, meta) for meta in reversed(shown)))
    older = len(page.versions) - len(shown)
    notes = [f"{older:,} older versions: mlforge versions {page.name}"] if older else []
    notes += [f"The metadata of {v} cannot be read: mlforge store verify" for v in page.unreadable]
    heads = ("Version", "Built", "Rows", "Engine", "Why", "Changes")
    inner = [table(heads, told), *(html("<p>{}</p>", note) for note in notes)]
    return section("versions", "Versions", joined(inner))


def _version(page: Page, meta: FeatureMeta) -> tuple[str, ...]:
    lines = facts.changes(page.changed(meta))
    return (
        meta.version, meta.version,
        Markup(" <span class=badge>latest</span>") if meta.version == page.card.latest else Markup(),
        facts.built(meta.created_at), f"{meta.row_count:,}", meta.engine or NONE, because(meta.change_summary),
        html("<ul>{}</ul>", repeated("<li>{}", ([line] for line in lines))) if lines else Markup(),
    )  # fmt: skip
