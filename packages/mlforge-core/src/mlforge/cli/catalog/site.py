"""The files of a catalog, by their paths."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from importlib import resources
from typing import Literal

from mlforge.cli.catalog import activity, feature, lists, markdown
from mlforge.cli.catalog.frame import page
from mlforge.cli.catalog.links import KINDS, Links
from mlforge.cli.catalog.retrieval import Place
from mlforge.flow.discovering.book import Book, Page
from mlforge.flow.discovering.words import spaced

Format = Literal["html", "markdown"]
ASSETS = ("catalog.css", "catalog.js")


def files(
    book: Book, place: Place, format: Format, pages: Iterable[Page] | None = None
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """Every file: its path below the catalog's folder, and its text.

    Where the pages of a book say nothing of versions, `pages` are the same ones with all that they tell.
    """
    made = _html if format == "html" else _markdown
    return made(book, place, book.pages if pages is None else pages)


def _html(book: Book, place: Place, pages: Iterable[Page]) -> Iterator[tuple[str, str]]:
    site = Site(book, place)
    yield from ((path, site.text(path)) for path in site.shared)
    yield from ((str(site.links.feature(one.name)), site.page(one)) for one in pages)


class Site:
    """The pages of a catalog for a browser, each made when it is asked for.

    Args:
        book: What they tell.
        place: Where values are.
        live: What the frame of a live catalog tells; None for pages of files.
        activity: What there is to say of what is served; for a live catalog alone.
    """

    def __init__(self, book: Book, place: Place, live: str | None = None, activity: str = "") -> None:
        self.book, self.place, self.links, self.activity = book, place, Links(book, "html"), activity
        self._frame = partial(page, project=book.name, made=book.made, live=live)
        self._pages = {str(self.links.feature(one.name)): one for one in book.pages}
        self.shared = (
            "index.html", *(("activity.html",) if live else ()), *(f"{kind}.html" for kind in KINDS),
            *(f"assets/{name}" for name in (*ASSETS, *(("live.js",) if live else ()))), "assets/features.js",
        )  # fmt: skip
        self.known = frozenset((*self.shared, *self._pages))

    def page(self, one: Page) -> str:
        """That of a feature."""
        return self._frame(one.name, feature.content(one, self.links, self.place), root=feature.ROOT)

    def text(self, path: str) -> str:
        """One of the files that are `known`."""
        if path in self._pages:
            return self.page(self._pages[path])
        if path == "assets/features.js":
            return _searched(self.book, self.links)
        if path.startswith("assets/"):
            return resources.files(__package__).joinpath(path).read_text(encoding="utf-8")
        return self._list(path.removesuffix(".html"))

    def _list(self, name: str) -> str:
        if name == "index":
            return self._frame(self.book.name, lists.index(self.book, self.links), here=name)
        if name == "activity":
            return self._frame("Activity", activity.content(self.book, self.links, self.activity), here=name)
        kind = next(kind for kind in KINDS if kind == name)
        return self._frame(kind.capitalize(), lists.group(kind, self.book, self.links), here=kind)


def _searched(book: Book, links: Links) -> str:
    """What the search box searches: a script, because a page from a file may not read another file.

    Of what is not shown there the words are enough, each once: where it counts most.
    """
    cards = [page.card for page in book.pages]
    columns = _words([*(one.name for one in c.columns), *c.tags, *c.entities, *c.keys] for c in cards)
    meanings = _words([one.description for one in c.columns if one.description] for c in cards)
    sources = _words([c.source, *{one.unit for one in c.columns if one.unit}] for c in cards)
    rows = [
        [links.feature(c.name), c.name, c.latest or "", c.description or "", c.owner or "", *_once(*words)]
        for c, *words in zip(cards, columns, meanings, sources, strict=True)
    ]
    text = json.dumps(rows, ensure_ascii=True, separators=(",", ":"))
    return f"window.mlforgeFeatures = {text};\n"


def _words(texts: Iterable[list[str]]) -> list[dict[str, None]]:
    return [dict.fromkeys(line.split()) for line in spaced([" ".join(each) for each in texts])]


def _once(*told: dict[str, None]) -> Iterator[str]:
    """The words of each that none before has."""
    seen = set[str]()
    for words in told:
        yield " ".join([word for word in words if word not in seen])
        seen.update(words)


def _markdown(book: Book, place: Place, pages: Iterable[Page]) -> Iterator[tuple[str, str]]:
    links = Links(book, "md")
    yield "index.md", markdown.index(book, links)
    for kind in KINDS:
        yield f"{kind}.md", markdown.group(kind, links)
    for one in pages:
        yield str(links.feature(one.name)), markdown.feature(one, links, place)
