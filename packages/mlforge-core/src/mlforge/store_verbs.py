"""The verbs about a store as a whole: verify what it keeps."""

from __future__ import annotations

from collections.abc import Callable

from mlforge.flow.moments import now
from mlforge.flow.progress import Progress, quiet
from mlforge.flow.versions.verify import StoreReport, verify_store
from mlforge.model.spelling import spelled
from mlforge.project.project import Project


class StoreVerbs(Project):
    """A project with the verbs about its offline store as a whole."""

    @spelled
    def verify_store(
        self,
        *,
        repair: bool = False,
        profile: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> StoreReport:
        """Read all that the store keeps, and hold it against the hashes that were recorded.

        Args:
            repair: Point readers at the newest version that is whole where the pointer is damaged or names one that is
                not, and derive a manifest anew that is stale. Data and metadata are never touched.
            profile: A profile of `mlforge.yaml`.
            on_progress: Called as it goes on.

        Raises:
            PluginFailed: A store that cannot be asked.

        Example:
            >>> report = defs.verify_store()
            >>> report.ok, report.features, report.versions, report.findings
            (True, 2, 2, ())
        """
        with self.settings(profile).offline_store.open() as store:
            return verify_store(store, repair, now(), on_progress or quiet)
