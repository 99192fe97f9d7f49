"""The manifest: every feature at a glance, derived from the versions' metadata."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from mlforge.errors import MlforgeError
from mlforge.flow.moments import iso_seconds
from mlforge.flow.versions.each import each
from mlforge.flow.versions.find import pointed_at
from mlforge.model.meta import FeatureMeta, Manifest, ManifestEntry, VersionSummary
from mlforge.plugin.stores import ManifestStore, PointersStore, Store

_log = logging.getLogger("mlforge.manifest")
NAMED = 5
"""How many features a warning names."""


def derive_manifest(store: Store, now: datetime, known: Manifest | None = None) -> Manifest:
    """The manifest as the metadata says. A feature whose metadata is damaged is left out and logged.

    Versions never change: of those that a `known` manifest tells of, the metadata is not read again.
    """
    entries = known.features if known else None
    found = each(store, store.names(), lambda name: _entry_or_none(store, name, entries))
    return Manifest(iso_seconds(now), {name: entry for name, entry in found.items() if entry is not None})


def refresh_manifest(store: Store, now: datetime, *, anew: bool = False) -> Manifest:
    """Derive the manifest and keep it, where the store keeps one; with `anew` of all metadata, also what it tells of.

    What somebody commits between the two would be lost from it, so it is derived once more after it was written.
    """
    manifest = derive_manifest(store, now, None if anew else kept_manifest(store))
    while isinstance(store, ManifestStore):
        store.write_manifest(manifest)
        again = derive_manifest(store, now, manifest)
        if again.features == manifest.features:
            break
        manifest = again
    return manifest


def forget(store: Store, name: str) -> None:
    """Take a feature out of a manifest that lists are made from, before versions that it tells of go.

    Whoever dies while they go leaves a manifest that says too little, and never one that tells of what is gone.
    """
    manifest = kept_manifest(store) if isinstance(store, PointersStore) else None
    if manifest is not None and isinstance(store, ManifestStore) and name in manifest.features:
        others = {n: entry for n, entry in manifest.features.items() if n != name}
        store.write_manifest(msgspec.structs.replace(manifest, features=others))


def manifest_is_stale(store: Store, names: Iterable[str]) -> bool:
    """Whether the kept manifest says something else of one of these features than the store does."""
    if not isinstance(store, ManifestStore):
        return False
    manifest = kept_manifest(store)
    entries = manifest.features if manifest else {}
    return any(each(store, list(names), lambda name: _differs(store, name, entries.get(name))).values())


def differing(one: Manifest, other: Manifest) -> list[str]:
    """The features of which two manifests tell otherwise, sorted. That one has no history of its versions is no lie."""
    return sorted(n for n in {*one.features, *other.features} if not _same(one.features.get(n), other.features.get(n)))


def read_manifest(store: Store, now: datetime) -> Manifest:
    """The manifest as it was kept, or derived where there is none that can be read.

    Where it says something else of a feature than the pointer, that is told, and the feature's metadata is read.
    """
    manifest = kept_manifest(store)
    if manifest is None:
        derived = derive_manifest(store, now)
        if derived.features and isinstance(store, ManifestStore):
            say_missing()
        return derived
    entries, there = manifest.features, _pointers(store)
    stale = stale_ones(entries, there)
    say_stale(stale)
    anew = each(store, [n for n in stale if n in there], lambda name: _entry_or_none(store, name, None))
    features = {name: anew.get(name) if name in stale else entries.get(name) for name in sorted({*entries, *stale})}
    return msgspec.structs.replace(manifest, features={n: e for n, e in features.items() if e is not None})


def followed_manifest(store: Store, now: datetime, known: Manifest | None) -> Manifest:
    """The manifest as it is now, for one who asks again and again and knows what it was: nothing is told of it.

    Metadata is read of those features alone that neither the kept manifest nor the known one tells of as the pointers
    do: those of a build that goes on, which tells the manifest at its end.
    """
    manifest, before = _quietly_kept(store), known.features if known else {}
    entries, there = manifest.features if manifest else before, _pointers(store)
    stale = set(stale_ones(entries, there))
    told = {n: before[n] for n in stale if n in before and before[n].latest == there.get(n)}
    asked = [n for n in stale if n in there and n not in told]
    read = each(store, asked, lambda name: _entry_or_none(store, name, None))
    anew: dict[str, ManifestEntry | None] = {**told, **read}
    found = {n: anew.get(n) if n in stale else entries.get(n) for n in sorted({*entries, *stale})}
    return Manifest(iso_seconds(now), {n: entry for n, entry in found.items() if entry is not None})


def _quietly_kept(store: Store) -> Manifest | None:
    try:
        return store.read_manifest() if isinstance(store, ManifestStore) else None
    except MlforgeError:
        return None


def kept_manifest(store: Store) -> Manifest | None:
    """The manifest as it was kept; None where there is none that can be read."""
    try:
        return store.read_manifest() if isinstance(store, ManifestStore) else None
    except MlforgeError as error:
        _log.warning("The kept manifest cannot be read: %s", error)
        return None


def stale_ones(entries: Mapping[str, ManifestEntry], pointers: Mapping[str, str | None]) -> list[str]:
    """The features of which a manifest says something else than the pointers, or nothing, sorted."""
    latest = {name: entry.latest for name, entry in entries.items()}
    return sorted(n for n in {*latest, *pointers} if latest.get(n) != pointers.get(n))


def say_stale(names: list[str]) -> None:
    """Tell that the manifest does not fit the pointers of these features, if there are any."""
    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        _log.warning(
            "The manifest is stale: it does not say of %s%s what the store does, so their metadata is read. Bring it "
            "up to date: mlforge manifest --regenerate", ", ".join(names[:NAMED]), more,
        )  # fmt: skip


def say_missing() -> None:
    """Tell that there is no manifest that can be read."""
    _log.warning(
        "The store has no manifest that can be read, so the versions' metadata is read. Make it: mlforge manifest "
        "--regenerate"
    )


def summary_of(meta: FeatureMeta) -> VersionSummary:
    """What a list says of a version."""
    return VersionSummary(meta.version, meta.created_at, meta.row_count, meta.engine, meta.change_summary)


def _differs(store: Store, name: str, entry: ManifestEntry | None) -> bool:
    latest = store.latest(name)
    if entry is None or latest is None:
        return latest is not None or entry is not None
    return (entry.latest, list(entry.versions)) != (latest, store.versions(name))


def _same(one: ManifestEntry | None, other: ManifestEntry | None) -> bool:
    if one is None or other is None or (one.history and other.history):
        return one == other
    return msgspec.structs.replace(one, history=()) == msgspec.structs.replace(other, history=())


def _pointers(store: Store) -> dict[str, str | None]:
    return store.pointers() if isinstance(store, PointersStore) else {n: _pointed(store, n) for n in store.names()}


def _pointed(store: Store, name: str) -> str | None:
    try:
        return store.latest(name)
    except MlforgeError:
        return None


def _entry_or_none(store: Store, name: str, known: Mapping[str, ManifestEntry] | None) -> ManifestEntry | None:
    try:
        return _entry(store, name, known)
    except MlforgeError as error:
        _log.warning("%s is not in the manifest: %s", name, error)
        return None


def _entry(store: Store, name: str, known: Mapping[str, ManifestEntry] | None) -> ManifestEntry | None:
    latest = store.latest(name)
    if latest is None:
        return None
    versions, meta = store.versions(name), pointed_at(store, name, latest).meta
    return ManifestEntry(
        latest, tuple(versions), meta.row_count, meta.updated_at, meta.entity_keys,
        (*meta.columns, *meta.derived),
        meta.content_hash, meta.tags, meta.description, meta.owner,
        _history(store, versions, meta, known.get(name) if known else None), meta.entities, meta.source,
    )  # fmt: skip


def _history(
    store: Store, versions: list[str], latest: FeatureMeta, known: ManifestEntry | None
) -> tuple[VersionSummary, ...]:
    """A summary of every version, of a store that is far away; nothing where one's metadata is damaged.

    What an earlier mlforge kept has none, and gets none by a build: it would read all metadata there is.
    """
    if not isinstance(store, PointersStore) or (known and not known.history):
        return ()
    told = {one.version: one for one in known.history} if known else {}
    told[latest.version] = summary_of(latest)
    try:
        return tuple(told.get(v) or summary_of(store.get(latest.name, v).meta) for v in versions)
    except MlforgeError:
        return ()
