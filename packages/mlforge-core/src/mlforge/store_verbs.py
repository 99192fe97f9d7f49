"""The verbs about a store as a whole: verify what it keeps, remove what dead builds left, and copy it."""

from __future__ import annotations

from collections.abc import Callable

from mlforge.errors import Invalid
from mlforge.flow.moments import now
from mlforge.flow.progress import Progress, quiet
from mlforge.flow.versions.collect import collect
from mlforge.flow.versions.copy import CopyReport, copy_store
from mlforge.flow.versions.verify import StoreReport, verify_store
from mlforge.model.spelling import spelled
from mlforge.plugin.stores import Leftover
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

    @spelled
    def collect_leftovers(self, *, dry_run: bool = False, profile: str | None = None) -> list[Leftover]:
        """Remove what dead builds left in the store, never what a living one has.

        On this machine a lock tells the living from the dead; in a bucket, and of other machines, what changed within
        the last hour stays.

        Args:
            dry_run: Only say what would be removed.
            profile: A profile of `mlforge.yaml`.

        Raises:
            Unsupported: A store that does not know what dead builds leave.

        Example:
            >>> defs.collect_leftovers(dry_run=True)
            []
        """
        with self.settings(profile).offline_store.open() as store:
            return collect(store, dry_run)

    @spelled
    def copy_store(
        self, source: str, target: str, *, on_progress: Callable[[Progress], None] | None = None
    ) -> CopyReport:
        """Copy every version of one profile's store to another's, with its metadata as it is.

        It can be cut off at any instant and called again: what is there is not copied anew. Nothing is overwritten.

        Args:
            source: The profile whose store is copied.
            target: The profile whose store it is copied to.
            on_progress: Called as it goes on.

        Raises:
            Conflict: A version that is there and differs, or a feature that was built further there: nothing is copied.
            Invalid: One store for both.
            Unsupported: A store that takes no copies.

        Example:
            >>> defs.copy_store("dev", "dev")
            Traceback (most recent call last):
            mlforge.errors.Invalid: The profiles 'dev' and 'dev' have one store. ...
        """
        first, second = (self.settings(profile).offline_store for profile in (source, target))
        if first == second:
            raise Invalid(
                f"The profiles {source!r} and {target!r} have one store.", hint="Name two profiles of mlforge.yaml."
            )
        with first.open() as here, second.open() as there:
            return copy_store(here, there, now(), on_progress or quiet)
