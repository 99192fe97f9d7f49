"""All that there is to know of a store's features: what a catalog is made of."""

from __future__ import annotations

import inspect
import logging
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from mlforge.errors import MlforgeError
from mlforge.flow.discovering.cards import Card, cards
from mlforge.flow.drifting.drift_report import DriftReport
from mlforge.flow.drifting.profiles import drift_of_profiles
from mlforge.flow.moments import iso_seconds
from mlforge.flow.versions.diff import Diff, difference
from mlforge.flow.versions.each import each
from mlforge.flow.versions.manifest import read_manifest
from mlforge.model.feature import Feature
from mlforge.model.feature_set import FeatureSet
from mlforge.model.lineage import Lineage, ServedVersion, lineage_of, request_lineage
from mlforge.model.meta import FeatureMeta, ManifestEntry
from mlforge.model.request import RequestFeature
from mlforge.plugin.stores import Store

AT_ONCE = 256
"""The versions of how many features are read, and held, at once."""
_log = logging.getLogger("mlforge.catalog")


class Defined(msgspec.Struct, frozen=True):
    """What definitions tell, and what is served; nothing where a store alone is looked at."""

    features: Mapping[str, Feature] = {}
    requests: Mapping[str, RequestFeature] = {}
    sets: Mapping[str, FeatureSet] = {}
    served: Mapping[str, ServedVersion] = {}


class Page(msgspec.Struct, frozen=True):
    """A feature with all that is known of it.

    Args:
        card: It at a glance.
        versions: The metadata of its versions, oldest first; one that is damaged is left out.
        unreadable: The versions whose metadata is damaged.
        feature: Its definition, where there are definitions.
        request: The same, of one that is computed of a request.
        code: The text of its function, where it can be read.
        sets: The feature sets that it belongs to.
        used_by: The request features that use it.
        lineage: Where its columns come from; None where neither its version nor a definition tells.
        served: What an online store serves of it.
        drift: Of the latest version against the one before, by their profiles; None where there are not both.
    """

    card: Card
    versions: tuple[FeatureMeta, ...] = ()
    unreadable: tuple[str, ...] = ()
    feature: Feature | None = None
    request: RequestFeature | None = None
    code: str | None = None
    sets: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    lineage: Lineage | None = None
    served: ServedVersion | None = None
    drift: DriftReport | None = None

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def latest(self) -> FeatureMeta | None:
        """The metadata of the version that readers get."""
        return next((meta for meta in self.versions if meta.version == self.card.latest), None)

    def changed(self, meta: FeatureMeta) -> Diff | None:
        """What changed with a version; None for the first one that can be read."""
        place = self.versions.index(meta)
        return difference(self.versions[place - 1], meta) if place else None


class Book(msgspec.Struct, frozen=True):
    """All features, by name, and when they were looked at."""

    name: str
    made: str
    pages: tuple[Page, ...]


class Outline(NamedTuple):
    """A book of which no version has been read: what the manifest and the definitions tell.

    Args:
        book: Its pages say what each feature is, and nothing of its versions.
        told: What definitions tell.
        built: What the manifest tells.
    """

    book: Book
    told: Defined
    built: Mapping[str, ManifestEntry]

    def pages(self, store: Store) -> Iterator[Page]:
        """The whole pages, each read when its turn comes: those of thousands of features need not be held at once."""
        found = [page.card for page in self.book.pages]
        columns = {card.name: [c.name for c in card.columns] for card in found}
        read = lambda name: versions_of(store, name, self.built[name])  # noqa: E731 - what is asked of each
        for start in range(0, len(found), AT_ONCE):
            some = found[start : start + AT_ONCE]
            versions = each(store, [card.name for card in some if card.name in self.built], read)
            yield from (page_of(card, self.told, columns, *versions.get(card.name, ((), ()))) for card in some)


def outline(name: str, store: Store, now: datetime, defined: Defined | None = None) -> Outline:
    """A page for every feature that a store has or that is defined, of which no version is read yet."""
    told, manifest = defined or Defined(), read_manifest(store, now)
    found = cards(manifest, told.features, told.requests)
    pages = tuple(Page(card, request=told.requests.get(card.name)) for card in found)
    return Outline(Book(name, iso_seconds(now), pages), told, manifest.features)


def book(name: str, store: Store, now: datetime, defined: Defined | None = None) -> Book:
    """A page for every feature that a store has or that is defined."""
    found = outline(name, store, now, defined)
    return msgspec.structs.replace(found.book, pages=tuple(found.pages(store)))


def page_of(
    card: Card, told: Defined, columns: Mapping[str, Sequence[str]], versions: tuple[FeatureMeta, ...] = (),
    unreadable: tuple[str, ...] = (),
) -> Page:  # fmt: skip
    """The page of one feature; `columns` are the names of every feature's."""
    feature = told.features.get(card.name)
    place = next((n for n, meta in enumerate(versions) if meta.version == card.latest), None)
    latest = None if place is None else versions[place].lineage
    return Page(
        card, versions, unreadable, feature, told.requests.get(card.name), _code(feature),
        tuple(name for name, one in told.sets.items() if card.name in one.names),
        tuple(name for name, one in told.requests.items() if card.name in {spec.name for spec in one.uses}),
        latest or _lineage(card.name, told, columns), told.served.get(card.name),
        drift_of_profiles(versions[place - 1], versions[place]) if place else None,
    )  # fmt: skip


def _lineage(name: str, told: Defined, columns: Mapping[str, Sequence[str]]) -> Lineage | None:
    """What the definition tells."""
    if name in told.requests:
        return request_lineage(told.requests[name], columns)
    return lineage_of(told.features[name]) if name in told.features else None


def versions_of(store: Store, name: str, entry: ManifestEntry) -> tuple[tuple[FeatureMeta, ...], tuple[str, ...]]:
    """The metadata of a feature's versions, oldest first, and the versions whose metadata is damaged."""
    read, unreadable = [], []
    for version in entry.versions:
        try:
            read.append(store.get(name, version).meta)
        except MlforgeError as error:
            _log.warning("%s %s is not in the catalog: %s", name, version, error)
            unreadable.append(version)
    return tuple(read), tuple(unreadable)


def _code(feature: Feature | None) -> str | None:
    """The text of a feature's function as its author wrote it; None where it cannot be read."""
    function: Any = None if feature is None else feature.function
    try:
        return None if function is None else textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError, SyntaxError):
        return None
