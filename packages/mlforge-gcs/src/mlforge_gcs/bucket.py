"""A bucket of Google Cloud Storage, over Google's own client.

What decides something is one upload under `ifGenerationMatch`; only data, whose names nobody else has, goes up by a
resumable upload, which is two steps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client
from google.cloud.storage.retry import DEFAULT_RETRY

from mlforge.plugin.objects.bucket import Held, Listed, gone
from mlforge.plugin.objects.sending import Sending, Taken, nobody
from mlforge_gcs.credentials import Credentials
from mlforge_gcs.failures import told
from mlforge_gcs.plugin import GCSStore

PIECE = 8 * 1024 * 1024
"""How much of a file is in memory while it goes up or down."""
RETRY = DEFAULT_RETRY.with_timeout(60.0)


class GCSBucket:
    """What `Bucket` asks for, of Google Cloud Storage."""

    def __init__(self, config: GCSStore) -> None:
        self.where = "/".join(filter(None, (f"gs://{config.bucket}", config.prefix)))
        self._config = config
        self._below = f"{config.prefix}/" if config.prefix else ""
        self._credentials = None if config.anonymous else Credentials()
        self._is_known = False

    @cached_property
    def _client(self) -> Any:
        config = self._config
        client: Any = Client(
            project=config.project,
            credentials=self._credentials.found if self._credentials else AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=ClientOptions(api_endpoint=config.endpoint_url) if config.endpoint_url else None,
        )
        vars(client)["_bucket_metadata_cache"] = (
            None  # or threads ask after the bucket, for minutes where nobody answers
        )
        return client

    def blob(self, key: str, **settings: Any) -> Any:
        """An object, as Google's client sees it."""
        return self._client.bucket(self._config.bucket).blob(f"{self._below}{key}", **settings)

    def need_bucket(self) -> None:
        """Ask for the bucket itself: where it is not there, the answer is the same as of an object."""
        if not self._is_known:
            next(iter(self.listed(self._below, 1)), None)
            self._is_known = True

    def listed(self, below: str, most: int | None = None) -> Any:
        """The objects whose names begin so."""
        return self._client.list_blobs(self._config.bucket, prefix=below, max_results=most, retry=RETRY)

    def read(self, key: str) -> Held | None:
        with told(self.where):
            blob = self.blob(key)
            try:
                data = blob.download_as_bytes(retry=RETRY)
                return Held(data, str(blob.generation))
            except NotFound:
                self.need_bucket()
                return None

    def create(self, key: str, data: bytes) -> bool:
        return self._written(key, data, 0)

    def swap(self, key: str, data: bytes, tag: str) -> bool:
        return self._written(key, data, int(tag))

    def put(self, key: str, data: bytes) -> None:
        self._written(key, data, None)

    def _written(self, key: str, data: bytes, generation: int | None) -> bool:
        with told(self.where):
            try:
                self.blob(key).upload_from_string(
                    data, "application/octet-stream", if_generation_match=generation, retry=RETRY
                )
                return True
            except PreconditionFailed:
                return False

    def list(self, below: str) -> Iterator[Listed]:
        prefix = f"{self._below}{below}/" if below else self._below
        with told(self.where):
            for page in self.listed(prefix).pages:
                for one in page:
                    yield Listed(one.name.removeprefix(self._below), int(one.size), one.updated.timestamp())

    def folders(self) -> Sequence[str]:
        with told(self.where):
            found = self._client.list_blobs(
                self._config.bucket, prefix=self._below, delimiter="/", fields="prefixes,nextPageToken", retry=RETRY
            )
            list(found.pages)  # which have no objects; their prefixes add up
            return [prefix.removeprefix(self._below).rstrip("/") for prefix in sorted(found.prefixes)]

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            with told(self.where):
                try:
                    self.blob(key).delete(retry=RETRY)
                except NotFound:
                    self.need_bucket()

    def upload(self, path: Path, key: str, taken: Taken = nobody) -> None:
        with told(self.where), Sending(path, taken) as file:
            self.blob(key, chunk_size=PIECE).upload_from_file(
                file, size=path.stat().st_size, content_type="application/octet-stream", retry=RETRY
            )

    def copy(self, key: str, to: str) -> bool:
        with told(self.where):
            blob, token = self.blob(to), None
            try:
                while True:
                    token, *_ = blob.rewrite(self.blob(key), token=token, retry=RETRY)
                    if token is None:
                        return True
            except NotFound:
                self.need_bucket()
                return False

    def chunks(self, key: str) -> Iterator[bytes] | None:
        with told(self.where):
            blob = self.blob(key)
            try:
                blob.reload(retry=RETRY)
            except NotFound:
                self.need_bucket()
                return None
        return self._streamed(blob, key)

    def _streamed(self, blob: Any, key: str) -> Iterator[bytes]:
        with told(self.where), blob.open("rb", chunk_size=PIECE, retry=RETRY) as file:
            try:
                while piece := file.read(1024 * 1024):
                    yield piece
            except NotFound:
                raise gone(f"{self.where}/{key}") from None

    def options(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if endpoint := self._config.endpoint_url or os.environ.get("STORAGE_EMULATOR_HOST"):
            found["google_base_url"] = endpoint
        if self._credentials is None:
            found["google_skip_signature"] = "true"
        return found | {"credential_provider": self._credentials}

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()
