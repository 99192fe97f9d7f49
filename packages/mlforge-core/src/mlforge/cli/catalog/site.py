"""The files of a catalog, by their paths."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from typing import Literal

from mlforge.cli.catalog import feature, lists, markdown
from mlforge.cli.catalog.frame import page
from mlforge.cli.catalog.links import KINDS, Links
from mlforge.cli.catalog.retrieval import Place
from mlforge.flow.discovering.book import Book

Format = Literal["html", "markdown"]
ASSETS = ("catalog.css", "catalog.js")


def files(book: Book, place: Place, format: Format) -> Iterator[tuple[str, str]]:
    """Every file: its path below the catalog's folder, and its text."""
    return _html(book, place) if format == "html" else _markdown(book, place)


def _html(book: Book, place: Place) -> Iterator[tuple[str, str]]:
    links = Links(book, "html")
    words = {"project": book.name, "made": book.made}
    yield "index.html", page(book.name, lists.index(book, links), here="index", **words)
    for kind in KINDS:
        yield f"{kind}.html", page(kind.capitalize(), lists.group(kind, book, links), here=kind, **words)
    for one in book.pages:
        content = feature.content(one, links, place)
        yield str(links.feature(one.name)), page(one.name, content, root=feature.ROOT, **words)
    for name in ASSETS:
        yield f"assets/{name}", resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")
    yield "assets/features.js", _searched(book, links)


def _searched(book: Book, links: Links) -> str:
    """What the search box searches: a script, because a page from a file may not read another file."""
    rows = [
        [
            links.feature(c.name), c.name, c.latest or "", c.description or "", c.owner or "",
            " ".join([*(one.name for one in c.columns), *c.tags, *c.entities, *c.keys]),
            " ".join(one.description for one in c.columns if one.description),
            " ".join([c.source, *(one.unit for one in c.columns if one.unit)]),
        ]
        for c in (one.card for one in book.pages)
    ]  # fmt: skip
    text = json.dumps(rows, ensure_ascii=True, separators=(",", ":"))
    return f"window.mlforgeFeatures = {text};\n"


def _markdown(book: Book, place: Place) -> Iterator[tuple[str, str]]:
    links = Links(book, "md")
    yield "index.md", markdown.index(book, links)
    for kind in KINDS:
        yield f"{kind}.md", markdown.group(kind, links)
    for one in book.pages:
        yield str(links.feature(one.name)), markdown.feature(one, links, place)
