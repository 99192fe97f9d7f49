"""Which versions there are, from the manifest where it fits the pointers: no request for each version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from mlforge.flow.versions.each import each
from mlforge.flow.versions.find import artifact, history
from mlforge.flow.versions.manifest import kept_manifest, say_missing, say_stale, stale_ones, summary_of
from mlforge.model.meta import ManifestEntry, VersionSummary
from mlforge.plugin.stores import ManifestStore, PointersStore, Store


class FeatureVersions(msgspec.Struct, frozen=True):
    """The version of a feature that readers get, None where it was never built, and all there are, oldest first."""

    latest: str | None
    versions: tuple[str, ...]


def all_versions(store: Store, names: Iterable[str]) -> dict[str, FeatureVersions]:
    """The versions of each of these features. Of a store that is far away they are read from the manifest.

    Each entry is held against the pointer; where they differ, that is told, and the feature itself is asked.
    """
    if not (isinstance(store, PointersStore) and isinstance(store, ManifestStore)):
        return {name: _asked(store, name) for name in names}
    manifest, pointers = kept_manifest(store), store.pointers()
    wanted = dict.fromkeys(names)
    entries = {n: e for n, e in (manifest.features if manifest else {}).items() if n in wanted}
    there = {n: version for n, version in pointers.items() if n in wanted}
    stale = stale_ones(entries, there)
    if manifest is None and there:
        say_missing()
    else:
        say_stale(stale)
    unknown = [n for n in there if n in stale or n not in entries]
    asked = each(store, unknown, lambda name: _asked(store, name))
    told = {n: FeatureVersions(e.latest, e.versions) for n, e in entries.items() if n not in stale} | asked
    return {name: told.get(name) or FeatureVersions(None, ()) for name in wanted}


def version_summaries(store: Store, name: str) -> Sequence[VersionSummary]:
    """What a list says of each version of a feature, oldest first. Of a store that is far away it is in the manifest.

    Where that does not fit the versions there are, that is told, and their metadata is read as `history` does.

    Raises:
        NotFound: A feature that was never built.
        Invalid: None of its versions can be read.
    """
    versions = store.versions(name)
    if not versions:
        artifact(store, name)
    if isinstance(store, PointersStore) and isinstance(store, ManifestStore):
        manifest = kept_manifest(store)
        if manifest is None:
            say_missing()
        elif kept := _fitting(manifest.features, store, name, versions):
            return kept
    return list(map(summary_of, history(store, name)))


def _fitting(
    entries: Mapping[str, ManifestEntry], store: Store, name: str, versions: list[str]
) -> Sequence[VersionSummary] | None:
    """What the manifest tells of each version, where it tells of all of them and of no other."""
    entry = entries.get(name)
    if entry is None or (entry.latest, list(entry.versions)) != (store.latest(name), versions):
        say_stale([name])
        return None
    return entry.history if [one.version for one in entry.history] == versions else None


def _asked(store: Store, name: str) -> FeatureVersions:
    return FeatureVersions(store.latest(name), tuple(store.versions(name)))
