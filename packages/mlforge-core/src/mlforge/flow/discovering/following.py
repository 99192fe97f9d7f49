"""A book that follows its store: what changed is read again, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from mlforge.flow.discovering.book import Book, Defined, Page, page_of, versions_of
from mlforge.flow.discovering.cards import cards
from mlforge.flow.moments import iso_seconds
from mlforge.flow.versions.each import each
from mlforge.flow.versions.manifest import followed_manifest
from mlforge.model.lineage import ServedVersion
from mlforge.model.meta import Manifest, ManifestEntry
from mlforge.plugin.stores import Store


class Following:
    """A book, and what happened to it.

    Args:
        name: The project's name.
        told: What definitions tell.
    """

    def __init__(self, name: str, told: Defined) -> None:
        self.told = told
        self.book = Book(name, "", ())
        self._manifest: Manifest | None = None

    @property
    def names(self) -> list[str]:
        """The features that may be served: one whose versions are gone is served on."""
        built = self._manifest.features if self._manifest else {}
        return sorted({*built, *self.told.features, *self.told.served})

    def look(self, store: Store, now: datetime) -> list[str]:
        """Bring the book up to date with the store; what happened since, a sentence for each.

        The first look has nothing to tell. Raises as the store does; then the book is what it was.
        """
        before, manifest = self._manifest, followed_manifest(store, now, self._manifest)
        if before is not None and before.features == manifest.features:
            return []
        old = before.features if before else {}
        changed = [name for name, entry in manifest.features.items() if old.get(name) != entry]
        read = each(store, changed, lambda name: versions_of(store, name, manifest.features[name]))
        earlier = {page.name: page for page in self.book.pages}
        found = cards(manifest, self.told.features, self.told.requests)
        columns = {card.name: [c.name for c in card.columns] for card in found}
        pages = []
        for card in found:
            kept = earlier.get(card.name)
            if card.name in read or kept is None or card.name in self.told.requests:
                pages.append(page_of(card, self.told, columns, *read.get(card.name, ((), ()))))
            elif kept.card == card:
                pages.append(kept)
            else:  # what was built is gone: the definition is left
                pages.append(page_of(card, self.told, columns))
        self.book, self._manifest = Book(self.book.name, iso_seconds(now), tuple(pages)), manifest
        return [] if before is None else list(_happened(old, manifest.features, self.book.pages))

    def serve(self, served: Mapping[str, ServedVersion], now: datetime) -> list[str]:
        """Note what an online store serves; what was published or withdrawn since, a sentence for each."""
        before = self.told.served
        changed = {n for n in {*before, *served} if before.get(n) != served.get(n)}
        if not changed:
            return []
        self.told = msgspec.structs.replace(self.told, served=served)
        pages = tuple(
            msgspec.structs.replace(page, served=served.get(page.name)) if page.name in changed else page
            for page in self.book.pages
        )
        self.book = Book(self.book.name, iso_seconds(now), pages)
        return [_of_serving(name, served.get(name)) for name in sorted(changed)]


def _of_serving(name: str, served: ServedVersion | None) -> str:
    return f"{name} is served no more." if served is None else f"{name} {served.version} was published."


def _happened(
    before: Mapping[str, ManifestEntry], after: Mapping[str, ManifestEntry], pages: Sequence[Page]
) -> Iterator[str]:
    """What changed in a store, in sentences."""
    drifts = {page.name: page.drift for page in pages}
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if new is None:
            yield f"{name} is gone."
            continue
        had = old.versions if old else ()
        yield from (f"{name} {version} was built." for version in new.versions if version not in had)
        if old is not None and new.latest in had and new.latest != old.latest:
            yield f"{name} reads {new.latest} now."
        drift = drifts[name]
        if drift is not None and not drift.ok and new.latest not in had:
            which = ", ".join(c.column for c in drift.drifted)
            yield f"{name} {new.latest} has drifted from {drift.reference}: {which}."
