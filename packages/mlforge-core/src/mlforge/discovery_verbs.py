"""The verbs about knowing what there is: search, lineage, and the catalog."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from mlforge.flow.discovering.book import Defined
from mlforge.flow.discovering.cards import cards
from mlforge.flow.discovering.index import Index
from mlforge.flow.discovering.search import SHOWN, SearchResults, filters_of, search
from mlforge.flow.discovering.trace import FeatureLineage, trace
from mlforge.flow.moments import now
from mlforge.flow.online.glance import served_versions
from mlforge.flow.versions.manifest import kept_manifest, read_manifest
from mlforge.model.feature import FeatureSpec
from mlforge.model.meta import Manifest
from mlforge.model.request import Requested
from mlforge.model.spelling import spelled
from mlforge.project.selection import Words
from mlforge.quality_verbs import QualityVerbs


class DiscoveryVerbs(QualityVerbs):
    """A project with the verbs that find and show what there is."""

    _indexed: tuple[Manifest, Index] | None = None

    @spelled
    def search_features(
        self,
        query: str = "",
        *,
        tags: Words = None,
        entity: str | None = None,
        owner: str | None = None,
        column: str | None = None,
        stale: str | timedelta | None = None,
        limit: int | None = SHOWN,
        profile: str | None = None,
    ) -> SearchResults:
        """Find features by what they are about: names, columns, descriptions, units, tags and owners; best first.

        Case, accents and slips of the pen do not matter, and `week` also means `7d`. Nothing is read but the store's
        manifest; of what was not built yet the definitions tell.

        Args:
            query: Words; a feature fits that has half of them. None: all that the filters let through, by name.
            tags: Only features with one of these tags.
            entity: Only those about this entity, or key.
            owner: Only those of this owner.
            column: Only those with a column of this name.
            stale: Only those that were built longer ago than this: `"7d"`.
            limit: How many at most; all if None.
            profile: A profile of `mlforge.yaml`.

        Raises:
            Invalid: Neither words nor a filter, or one that is none.
            Unknown: A tag, entity, owner or column that no feature has.

        Example:
            >>> defs.search_features("spend last week").names
            ['user_spend']
            >>> [(one.name, [c.name for c in one.columns]) for one in defs.search_features("categroy")]
            [('last_purchase', ['category'])]
        """
        filters = filters_of(tags, entity, owner, column, stale)
        return search(self._index(profile), query, filters, limit, now())

    @spelled
    def lineage(self, name: str, version: str | None = None, profile: str | None = None) -> FeatureLineage:
        """Where a feature's columns come from, and who uses it: source, function, feature, sets, and what is served.

        What definitions say is told exactly. What a function does with a frame is not: a column that it returns under
        the name of one of the source's is taken for that, `by name`; others are the `function`'s.

        Args:
            name: A feature, also one that is computed of a request.
            version: A version; the latest if None.
            profile: A profile of `mlforge.yaml`.

        Raises:
            Unknown: There is no such feature.
            NotFound: No such version; or one that recorded no lineage, of a feature that is defined no more.

        Example:
            >>> found = defs.lineage("user_spend")
            >>> [(c.name, c.made, [str(read) for read in c.reads]) for c in found.lineage.columns[2:3]]
            [('spend_7d', 'metric', ['amount of the function'])]
        """
        told = Defined(self.features, self.request_features, self.feature_sets)
        if name in told.requests:
            Requested.of(told.requests[name], FeatureSpec(name, version))
        with self.settings(profile).offline_store.open() as store:
            if name not in {*told.features, *told.requests} and store.latest(name) is None:
                self.feature(name)
            found = trace(store, name, version, told)
        online = self.settings(profile).online_store
        if online is None or found.version is None:
            return found
        return msgspec.structs.replace(found, served=served_versions(online, [name]).get(name))

    def _index(self, profile: str | None) -> Index:
        """The index of what there is; made anew only where the manifest is another."""
        with self.settings(profile).offline_store.open() as store:
            manifest = kept_manifest(store) or read_manifest(store, now())
        known = self._indexed
        if known is None or (known[0] is not manifest and known[0].features != manifest.features):
            known = self._indexed = manifest, Index(cards(manifest, self.features, self.request_features))
        return known[1]
