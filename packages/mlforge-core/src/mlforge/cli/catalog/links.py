"""Where each thing of a catalog is: files below one folder, and places in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Literal

from mlforge.flow.discovering.book import Book

Kind = Literal["entities", "sources", "owners", "tags"]
KINDS: tuple[Kind, ...] = ("entities", "sources", "owners", "tags")
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_DEVICES = frozenset({"aux", "con", "nul", "prn", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))})
Group = dict[str, list[str]]


class Links:
    """The addresses of a catalog's things, from its root, by what is in a book."""

    def __init__(self, book: Book, suffix: str) -> None:
        self.suffix = suffix
        self.files = _files([page.name for page in book.pages])
        self.groups: dict[Kind, Group] = {
            "entities": _grouped((page.name, page.card.entities) for page in book.pages),
            "sources": _grouped((page.name, [page.card.source] if page.card.source else []) for page in book.pages),
            "owners": _grouped((page.name, [page.card.owner] if page.card.owner else []) for page in book.pages),
            "tags": _grouped((page.name, page.card.tags) for page in book.pages),
        }
        self._places = {kind: {name: n for n, name in enumerate(group)} for kind, group in self.groups.items()}

    def feature(self, name: str) -> str | None:
        """A feature's page; None where it has none."""
        return f"features/{self.files[name]}.{self.suffix}" if name in self.files else None

    def of(self, kind: Kind, name: str) -> str:
        """Where an entity, a source, an owner or a tag is."""
        return f"{kind}.{self.suffix}#{self.anchor(kind, name)}"

    def anchor(self, kind: Kind, name: str) -> str:
        """The place on its page."""
        return f"{kind}-{self._places[kind][name]}"


def _grouped(pairs: Iterable[tuple[str, Iterable[str]]]) -> Group:
    found: Group = {}
    for feature, names in pairs:
        for name in names:
            found.setdefault(name, []).append(feature)
    return dict(sorted(found.items()))


def _files(names: list[str]) -> dict[str, str]:
    """A file's name for each feature: its own where every system can have it and no other differs in case alone."""
    folded: dict[str, int] = {}
    for name in names:
        folded[name.casefold()] = folded.get(name.casefold(), 0) + 1
    return {n: n if _is_file_name(n) and folded[n.casefold()] == 1 else _hashed(n) for n in names}


def _is_file_name(name: str) -> bool:
    return _PLAIN.fullmatch(name) is not None and name.casefold() not in _DEVICES and len(name) <= 128


def _hashed(name: str) -> str:
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')[:60]}.{hashlib.sha256(name.encode()).hexdigest()[:10]}"
