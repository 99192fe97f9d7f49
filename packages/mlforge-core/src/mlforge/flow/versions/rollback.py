"""Going back to an older version."""

from __future__ import annotations

from datetime import datetime

from mlforge.flow.versions.find import artifact
from mlforge.flow.versions.manifest import refresh_manifest
from mlforge.model.meta import FeatureMeta
from mlforge.plugin.stores import Store


def rollback(store: Store, name: str, version: str, now: datetime) -> FeatureMeta:
    """Make an existing version the latest again. Raises `NotFound`."""
    found = artifact(store, name, version)
    store.point(name, version)
    refresh_manifest(store, now)
    return found.meta
