"""The catalog as Markdown: the same pages, for repositories and wikis."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mlforge.cli.catalog import drift, facts
from mlforge.cli.catalog.lineage import origins, steps, untold
from mlforge.cli.catalog.links import KINDS, Kind, Links
from mlforge.cli.catalog.quality import measured
from mlforge.cli.catalog.retrieval import Place, ways
from mlforge.cli.views.wording import NONE, because
from mlforge.flow.discovering.book import Book, Page
from mlforge.flow.versions.quality import HEADS, cells
from mlforge.model.text import number_of
from mlforge.model.visible import visible

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#!|~$@]|^[-+]|(?<=^\d)[.)])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def text(value: object) -> str:
    """A value as the text that it is: nothing in it is Markdown or HTML."""
    plain = "".join(_ENTITIES.get(letter, letter) for letter in visible(str(value), one_line=True))
    return _SPECIAL.sub(r"\\\1", plain)


def fenced(code: str, language: str) -> str:
    """A block of code between fences that are longer than any in it."""
    shown = visible(code)
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{ticks}{language}\n{shown.rstrip()}\n{ticks}\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def index(book: Book, links: Links) -> str:
    """Every feature, by name."""
    rows = [
        (
            _link(links.feature(p.name), p.name), text(p.card.latest or NONE), text(p.card.description or ""),
            text(p.card.owner or ""), text(", ".join(p.card.tags)),
        )
        for p in book.pages
    ]  # fmt: skip
    groups = ", ".join(f"[{kind}]({kind}.md)" for kind in KINDS)
    return (
        f"# {text(book.name)}\n\n{number_of(len(book.pages), 'feature')}, as of {book.made}; by {groups}.\n\n"
        + table(("Feature", "Latest", "About", "Owner", "Tags"), rows)
    )


def group(kind: Kind, links: Links) -> str:
    """Every entity, source, owner or tag with its features."""
    sections = [
        f'\n<a id="{links.anchor(kind, name)}"></a>\n\n## {text(name)}\n\n'
        + "".join(f"- {_link(links.feature(f), f)}\n" for f in features)
        for name, features in links.groups[kind].items()
    ]
    return f"# {kind.capitalize()}\n" + ("".join(sections) or "\nNo feature has one.\n")


def feature(page: Page, links: Links, place: Place) -> str:
    """All that is known of a feature."""
    card = page.card
    pairs = [
        ("latest", text(card.latest or "not built yet")),
        ("built", text(facts.built(card.built)) if card.latest else ""),
        ("rows", f"{card.rows:,}" if card.latest else ""),
        ("entities", ", ".join(_link(f"../{links.of('entities', e)}", e) for e in card.entities)),
        ("owner", _link(f"../{links.of('owners', card.owner)}", card.owner) if card.owner else ""),
        ("tags", ", ".join(_link(f"../{links.of('tags', t)}", t) for t in card.tags)),
        *((name, text(value)) for name, value in facts.definition(page)),
    ]
    parts = [
        f"# {text(card.name)}\n", f"{text(card.description)}\n" if card.description else "",
        "".join(f"- {name}: {value}\n" for name, value in pairs if value), _columns(page), _retrieval(page, place),
        f"## Lineage\n\n{_lineage(page, links)}\n",
        f"## Function\n\n{fenced(page.code, 'python')}" if page.code else "", _quality(page),
        _drift(page), _versions(page),
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)


def _link(href: str | None, name: str) -> str:
    return f"[{text(name)}]({href})" if href else text(name)


def _columns(page: Page) -> str:
    rows = [
        [text(one) for one in (c.name, c.dtype or NONE, c.role, c.unit, c.description)] for c in facts.columns(page)
    ]
    return "## Columns\n\n" + table(("Column", "Type", "Is", "Unit", "Meaning"), rows) if rows else ""


def _retrieval(page: Page, place: Place) -> str:
    blocks = [f"{way.title}:\n\n{fenced(way.text, way.language)}" for way in ways(page, place)]
    return "## Retrieve\n\n" + "\n".join(blocks) if blocks else ""


def _lineage(page: Page, links: Links) -> str:
    shown = [", ".join(f"{box.what} {_link(_up(box.href), box.name)}" for box in step) for step in steps(page, links)]
    rows = [[text(part) for part in one] for one in origins(page)]
    columns = table(("Column", "Is", "Made of", "Which comes from"), rows) if rows else ""
    return "\n\n".join(filter(None, (" → ".join(shown), columns.rstrip(), text(untold(page)))))


def _up(href: str | None) -> str | None:
    return href if href is None or href.startswith("#") else f"../{href}"


def _quality(page: Page) -> str:
    """What was measured of the newest version of which anything was."""
    if not (found := measured(page)):
        return ""
    meta, figures = found[-1]
    rows = [[text(cell) for cell in cells(column)] for column in figures.columns]
    heads = [*(head.capitalize() for head in HEADS), "Spread"]
    return f"## Quality\n\nOf {text(meta.version)}:\n\n{table(heads, rows)}"


def _drift(page: Page) -> str:
    if page.drift is None:
        return ""
    rows = [[text(cell) for cell in drift.cells(c)] for c in page.drift.columns]
    return f"## Drift\n\n{text(drift.summary(page.drift))}\n\n{table(drift.HEADS, rows)}"


def _versions(page: Page) -> str:
    rows = [
        [
            text(m.version), text(facts.built(m.created_at)), f"{m.row_count:,}", text(m.engine or NONE),
            text(because(m.change_summary)), text("; ".join(facts.changes(page.changed(m)))),
        ]
        for m in reversed(page.versions)
    ]  # fmt: skip
    return "## Versions\n\n" + table(("Version", "Built", "Rows", "Engine", "Why", "Changes"), rows) if rows else ""
