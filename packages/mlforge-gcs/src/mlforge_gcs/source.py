"""Sources in a bucket of Google Cloud Storage: listed, and read piece by piece, with a store's client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.api_core.exceptions import NotFound

from mlforge.plugin import Asking, Found
from mlforge.plugin.objects.settings import settings_of
from mlforge_gcs.bucket import RETRY, GCSBucket
from mlforge_gcs.failures import told
from mlforge_gcs.plugin import GCSStore


def open_source(asking: Asking) -> GCSObjects:
    """The bucket of a source. Nothing is asked of Google yet."""
    return GCSObjects(GCSBucket(settings_of(asking, GCSStore)))


class GCSObjects:
    """What `Objects` asks for, of Google Cloud Storage."""

    def __init__(self, bucket: GCSBucket) -> None:
        self._bucket = bucket

    def list(self, below: str) -> Iterator[Found]:
        with told(self._bucket.where):
            for page in self._bucket.listed(below).pages:
                yield from map(_found, page)

    def head(self, key: str) -> Found | None:
        with told(self._bucket.where):
            blob = self._bucket.blob(key)
            try:
                blob.reload(retry=RETRY)
            except NotFound:
                self._bucket.need_bucket()
                return None
            return _found(blob)

    def read(self, key: str, start: int, length: int) -> bytes:
        with told(self._bucket.where):
            data: bytes = self._bucket.blob(key).download_as_bytes(start=start, end=start + length - 1, retry=RETRY)
            return data

    def options(self) -> dict[str, Any]:
        return self._bucket.options()


def _found(blob: Any) -> Found:
    return Found(blob.name, int(blob.size), str(blob.generation))
