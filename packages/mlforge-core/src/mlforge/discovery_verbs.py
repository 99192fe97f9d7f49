"""The verbs about knowing what there is: search, and the catalog."""

from __future__ import annotations

from datetime import timedelta

from mlforge.flow.discovering.cards import cards
from mlforge.flow.discovering.index import Index
from mlforge.flow.discovering.search import SHOWN, SearchResults, filters_of, search
from mlforge.flow.moments import now
from mlforge.flow.versions.manifest import kept_manifest, read_manifest
from mlforge.model.meta import Manifest
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

    def _index(self, profile: str | None) -> Index:
        """The index of what there is; made anew only where the manifest is another."""
        with self.settings(profile).offline_store.open() as store:
            manifest = kept_manifest(store) or read_manifest(store, now())
        known = self._indexed
        if known is None or (known[0] is not manifest and known[0].features != manifest.features):
            known = self._indexed = manifest, Index(cards(manifest, self.features, self.request_features))
        return known[1]
