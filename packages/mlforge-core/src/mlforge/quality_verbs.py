"""The verbs about what the rows of versions are like."""

from __future__ import annotations

from mlforge.flow.moments import now
from mlforge.flow.versions.quality import FeatureQuality, quality
from mlforge.model.spelling import spelled
from mlforge.store_verbs import StoreVerbs


class QualityVerbs(StoreVerbs):
    """A project with the verbs about what its rows are like."""

    @spelled
    def quality(self, name: str, version: str | None = None, profile: str | None = None) -> FeatureQuality:
        """What was measured of a version when it was built, the latest if None.

        Raises:
            NotFound: It was not built, or nothing was measured then.

        Example:
            >>> found = defs.quality("user_spend")
            >>> print(found)
            user_spend 1.0.0: 726 rows, 25 entities, events up to 2026-02-28 20:07:00
            >>> found.column("purchases_7d").max
            5
        """
        with self.settings(profile).offline_store.open() as store:
            return quality(store, name, version, now())
