"""Looking into a store: versions, their differences, and going back to one."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mlforge.errors import Invalid, NotFound, Unsupported
from mlforge.flow.manifest import refresh_manifest
from mlforge.flow.version import definition_changes
from mlforge.model.meta import Artifact, FeatureMeta
from mlforge.model.version import Version
from mlforge.plugin.stores import Pruned, PruningStore, Store
from mlforge.project.selection import nearest


class Difference(msgspec.Struct, frozen=True):
    """How two versions of a feature differ.

    `columns` maps a column to its types before and after, None where it is not there; `config` says what changed in
    the definition; `logic` and `source` whether the function and the source did.
    """

    feature: str
    before: str
    after: str
    columns: dict[str, tuple[str | None, str | None]]
    config: tuple[str, ...]
    logic: bool
    source: bool
    rows: tuple[int, int]
    same_content: bool

    @property
    def bump(self) -> str:
        """The part of the number that differs: `major`, `minor` or `patch`."""
        old, new = Version.parse(self.before), Version.parse(self.after)
        return next((p for p in ("major", "minor") if getattr(old, p) != getattr(new, p)), "patch")


def artifact(store: Store, name: str, version: str | None = None) -> Artifact:
    """A committed version, the latest if none is named.

    Raises:
        NotFound: The feature was never built, or has no such version; the hint names what there is.
    """
    wanted = version or store.latest(name)
    if wanted is None:
        known = store.names()
        raise NotFound(f"{name!r} has not been built.", hint=_unbuilt_hint(name, known))
    if version is not None and version not in store.versions(name):
        there = ", ".join(store.versions(name)) or "none"
        raise NotFound(f"{name!r} has no version {version!r}.", hint=f"Versions: {there}.")
    return store.get(name, wanted)


def history(store: Store, name: str) -> list[FeatureMeta]:
    """The metadata of every version, oldest first. Raises `NotFound` for a feature that was never built."""
    versions = store.versions(name)
    if not versions:
        artifact(store, name)
    return [store.get(name, v).meta for v in versions]


def difference(store: Store, name: str, before: str, after: str) -> Difference:
    """What changed from one version to another. Raises `NotFound`."""
    old, new = artifact(store, name, before).meta, artifact(store, name, after).meta
    was, now = {c.name: c.dtype for c in old.columns}, {c.name: c.dtype for c in new.columns}
    changed = {n: (was.get(n), now.get(n)) for n in {**was, **now} if was.get(n) != now.get(n)}
    return Difference(
        name, before, after, changed, tuple(definition_changes(old.config, new.config)),
        old.logic_hash != new.logic_hash, old.source_hash != new.source_hash,
        (old.row_count, new.row_count), old.content_hash == new.content_hash,
    )  # fmt: skip


def rollback(store: Store, name: str, version: str, now: datetime) -> FeatureMeta:
    """Make an existing version the latest again. Raises `NotFound`."""
    found = artifact(store, name, version)
    store.point(name, version)
    refresh_manifest(store, now)
    return found.meta


def prune(store: Store, name: str, keep: int, now: datetime) -> Pruned:
    """Remove all versions but the newest `keep` and the latest.

    Raises:
        NotFound: A feature that was never built.
        Invalid: Fewer than one to keep.
        Unsupported: A store that removes nothing.
    """
    if type(keep) is not int or keep < 1:
        raise Invalid(f"{keep} versions of {name!r} cannot be kept.", hint="Keep 1 or more.")
    if not isinstance(store, PruningStore):
        raise Unsupported("This store does not remove versions.", hint="Remove them with the tools of its backend.")
    artifact(store, name)
    pruned = store.prune(name, keep)
    refresh_manifest(store, now)
    return pruned


def _unbuilt_hint(name: str, known: list[str]) -> str:
    if name in known:
        return f"Its versions have no pointer: mlforge rollback {name} VERSION"
    close = nearest(name, known)
    return close if close.startswith("Did") else f"Build it: mlforge build --features {name}"
