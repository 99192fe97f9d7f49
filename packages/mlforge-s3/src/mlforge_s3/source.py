"""Sources in a bucket of S3: listed, and read piece by piece, with a store's client and credentials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import obstore

from mlforge.plugin import Asking, Found
from mlforge.plugin.objects.settings import settings_of
from mlforge_s3.bucket import S3Bucket
from mlforge_s3.failures import is_absent, tagged, told
from mlforge_s3.plugin import S3Store


def open_source(asking: Asking) -> S3Objects:
    """The bucket of a source. Nothing is asked of S3 yet."""
    return S3Objects(S3Bucket(settings_of(asking, S3Store)))


class S3Objects:
    """What `Objects` asks for, of S3."""

    def __init__(self, bucket: S3Bucket) -> None:
        self._bucket = bucket

    def list(self, below: str) -> Iterator[Found]:
        empty = True
        with told(self._bucket.where):
            for page in obstore.list(self._bucket.client, below.rstrip("/") or None):
                empty = empty and not page
                yield from map(self._found, page)
        if empty:
            self._bucket.doubt(())

    def head(self, key: str) -> Found | None:
        with told(self._bucket.where):
            try:
                return self._found(obstore.head(self._bucket.client, key))
            except FileNotFoundError as error:
                if is_absent(error):
                    return None
                raise

    def read(self, key: str, start: int, length: int) -> bytes:
        with told(self._bucket.where):
            return bytes(obstore.get_range(self._bucket.client, key, start=start, length=length))

    def options(self) -> dict[str, Any]:
        return self._bucket.options()

    def _found(self, one: Any) -> Found:
        return Found(one["path"], one["size"], tagged(self._bucket.where, one))
