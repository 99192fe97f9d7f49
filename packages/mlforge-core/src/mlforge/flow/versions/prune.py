"""Removing old versions."""

from __future__ import annotations

from datetime import datetime

from mlforge.errors import Invalid, Unsupported
from mlforge.flow.versions.find import artifact
from mlforge.flow.versions.manifest import forget, refresh_manifest
from mlforge.plugin.stores import Pruned, PruningStore, Store


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
    forget(store, name)
    try:
        return store.prune(name, keep)
    finally:
        refresh_manifest(store, now)
