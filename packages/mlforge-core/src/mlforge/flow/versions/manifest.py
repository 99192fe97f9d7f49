"""The manifest: every feature at a glance, derived from the versions' metadata."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from mlforge.errors import MlforgeError
from mlforge.flow.moments import iso_seconds
from mlforge.model.meta import Manifest, ManifestEntry
from mlforge.plugin.stores import ManifestStore, Store

_log = logging.getLogger("mlforge.manifest")


def derive_manifest(store: Store, now: datetime) -> Manifest:
    """The manifest as the metadata says. A feature whose metadata is damaged is left out and logged."""
    entries = {}
    for name in store.names():
        try:
            entry = _entry(store, name)
        except MlforgeError as error:
            _log.warning("%s is not in the manifest: %s", name, error)
            continue
        if entry is not None:
            entries[name] = entry
    return Manifest(iso_seconds(now), entries)


def refresh_manifest(store: Store, now: datetime) -> Manifest:
    """Derive the manifest and keep it, where the store keeps one.

    What somebody commits between the two would be lost from it, so it is derived once more after it was written.
    """
    manifest = derive_manifest(store, now)
    while isinstance(store, ManifestStore):
        store.write_manifest(manifest)
        again = derive_manifest(store, now)
        if again.features == manifest.features:
            break
        manifest = again
    return manifest


def manifest_is_stale(store: Store, names: Iterable[str]) -> bool:
    """Whether the kept manifest says something else of one of these features than the store does."""
    if not isinstance(store, ManifestStore):
        return False
    kept = _kept(store)
    entries = kept.features if kept else {}
    return any(name not in entries or entries[name].latest != store.latest(name) for name in names)


def read_manifest(store: Store, now: datetime) -> Manifest:
    """The manifest as it was kept, or derived where there is none that can be read."""
    return _kept(store) or derive_manifest(store, now)


def _kept(store: Store) -> Manifest | None:
    try:
        return store.read_manifest() if isinstance(store, ManifestStore) else None
    except MlforgeError as error:
        _log.warning("The kept manifest cannot be read: %s", error)
        return None


def _entry(store: Store, name: str) -> ManifestEntry | None:
    latest = store.latest(name)
    if latest is None:
        return None
    meta = store.get(name, latest).meta
    return ManifestEntry(
        latest, tuple(store.versions(name)), meta.row_count, meta.updated_at, meta.entity_keys,
        (*meta.columns, *meta.derived),
        meta.content_hash, meta.tags, meta.description, meta.owner,
    )  # fmt: skip
