"""The live store: versions in a bucket of Google Cloud Storage."""

from __future__ import annotations

from mlforge.plugin.objects.store import LiveObjectStore
from mlforge_gcs.bucket import GCSBucket
from mlforge_gcs.plugin import GCSStore


def open_store(config: GCSStore) -> LiveObjectStore:
    """The store. Nothing is asked of the service yet."""
    return LiveObjectStore(GCSBucket(config))
