"""All that there is to know of a store's features: what a catalog is made of."""

from __future__ import annotations

import inspect
import logging
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

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


def book(name: str, store: Store, now: datetime, defined: Defined | None = None) -> Book:
    """A page for every feature that a store has or that is defined."""
    told, manifest = defined or Defined(), read_manifest(store, now)
    found = cards(manifest, told.features, told.requests)
    built = [card.name for card in found if card.name in manifest.features]
    versions = each(store, built, lambda one: versions_of(store, one, manifest.features[one]))
    columns = {card.name: [c.name for c in card.columns] for card in found}
    pages = (page_of(card, told, columns, *versions.get(card.name, ((), ()))) for card in found)
    return Book(name, iso_seconds(now), tuple(pages))


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
