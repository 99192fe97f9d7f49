"""The live store: versions in a bucket of S3."""

from __future__ import annotations

from mlforge.plugin.objects.store import LiveObjectStore
from mlforge_s3.bucket import S3Bucket
from mlforge_s3.plugin import S3Store


def open_store(config: S3Store) -> LiveObjectStore:
    """The store. Nothing is asked of S3 yet."""
    return LiveObjectStore(S3Bucket(config))
