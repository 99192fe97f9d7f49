"""A bucket of S3, over obstore."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, GenericError, PreconditionError
from obstore.store import S3Store as Client

from mlforge.plugin.objects.bucket import Held, Listed, gone
from mlforge.plugin.objects.sending import Sending, Taken, nobody
from mlforge_s3.credentials import Credentials
from mlforge_s3.failures import is_absent, is_broken_off, tagged, told
from mlforge_s3.plugin import S3Store

PIECE = 8 * 1024 * 1024
MOST_PIECES = 9_000  # of an upload; S3 takes 10,000
IN_MEMORY = 64 * 1024 * 1024
"""Of all pieces under way, of one upload."""
RETRIES: Any = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}
PAUSES = (0.1, 0.4, 1.6)
"""Seconds to wait before asking again where a connection broke that the client leaves at that."""
NOWHERE = "_metadata/_nowhere"
"""The key of an object that nobody writes."""
_OUR_REGION = "us-east-1"
T = TypeVar("T")


class S3Bucket:
    """What `Bucket` asks for, of S3."""

    def __init__(self, config: S3Store) -> None:
        self.where = "/".join(filter(None, (f"s3://{config.bucket}", config.prefix)))
        self._config = config
        self._credentials = None if config.anonymous else Credentials(config.profile)

    @cached_property
    def client(self) -> Client:
        """What sends requests."""
        config, chain = self._config, self._credentials
        settings: dict[str, Any] = {"region": self._region}
        if self._endpoint:
            settings["endpoint"] = self._endpoint
        if chain is None:
            settings["skip_signature"] = True
        else:
            chain.signing()  # refused here in a sentence, rather than by the client in its own words
            settings["credential_provider"] = chain.signing
        return Client(
            config.bucket,
            prefix=config.prefix or None,
            client_options={"allow_http": self._is_plain, "connect_timeout": "5 s"},
            retry_config=RETRIES,
            **settings,
        )

    @property
    def _is_plain(self) -> bool:
        return (self._endpoint or "").startswith("http://")

    @property
    def _endpoint(self) -> str | None:
        """Where S3 answers: as the settings say, or else as AWS's variables do."""
        named = (os.environ.get(name) for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"))
        return self._config.endpoint_url or next(filter(None, named), None)

    @cached_property
    def _region(self) -> str:
        found = self._credentials.region() if self._credentials else None
        return self._config.region or found or _OUR_REGION

    def _asked(self, asking: Callable[[], T]) -> T:
        """What S3 answers. A write with a condition may be asked again, too: whoever asked finds out whose it was."""
        pauses = iter(PAUSES)
        with told(self.where):
            while True:
                try:
                    return asking()
                except GenericError as error:
                    pause = next(pauses, None)
                    if pause is None or not is_broken_off(error):
                        raise
                    time.sleep(pause)

    def read(self, key: str) -> Held | None:
        return self._asked(lambda: self._read(key))

    def _read(self, key: str) -> Held | None:
        try:
            found = obstore.get(self.client, key)
            return Held(bytes(found.bytes()), tagged(self.where, found.meta))
        except FileNotFoundError as error:
            if is_absent(error):
                return None
            raise

    def create(self, key: str, data: bytes) -> bool:
        return self._written(key, data, "create")

    def swap(self, key: str, data: bytes, tag: str) -> bool:
        return self._written(key, data, {"e_tag": tag})

    def put(self, key: str, data: bytes) -> None:
        self._written(key, data, "overwrite")

    def _written(self, key: str, data: bytes, mode: Any) -> bool:
        return self._asked(lambda: self._write(key, data, mode))

    def _write(self, key: str, data: bytes, mode: Any) -> bool:
        try:
            obstore.put(self.client, key, data, mode=mode, use_multipart=False)
            return True
        except (AlreadyExistsError, PreconditionError):
            return False
        except FileNotFoundError as error:
            if is_absent(error):  # there is nothing to replace
                return False
            raise

    def list(self, below: str) -> Iterator[Listed]:
        found = self._asked(lambda: obstore.list(self.client, below or None).collect())
        self.doubt(found)
        return (Listed(one["path"], one["size"], one["last_modified"].timestamp()) for one in found)

    def folders(self) -> Sequence[str]:
        found = self._asked(lambda: obstore.list_with_delimiter(self.client))
        self.doubt(found["common_prefixes"] or found["objects"])
        return [prefix.rstrip("/") for prefix in found["common_prefixes"]]

    def doubt(self, listed: Sequence[object]) -> None:
        """Believe that nothing is there only where an object that is nowhere is none, too.

        The client reads a listing of nothing out of any page of HTML, which a proxy may send in S3's place.
        """
        if not listed:
            self.read(NOWHERE)

    def delete(self, keys: Sequence[str]) -> None:
        if keys:
            self._asked(lambda: obstore.delete(self.client, list(keys)))

    def upload(self, path: Path, key: str, taken: Taken = nobody) -> None:
        piece = max(PIECE, -(-path.stat().st_size // MOST_PIECES))
        at_once = max(2, IN_MEMORY // piece)

        def send() -> None:
            with Sending(path, taken) as file:
                obstore.put(self.client, key, file, chunk_size=piece, max_concurrency=at_once)

        self._asked(send)

    def copy(self, key: str, to: str) -> bool:
        return self._asked(lambda: self._copy(key, to))

    def _copy(self, key: str, to: str) -> bool:
        try:
            obstore.copy(self.client, key, to)
            return True
        except FileNotFoundError as error:
            if is_absent(error):
                return False
            raise

    def chunks(self, key: str) -> Iterator[bytes] | None:
        with told(self.where):
            try:
                found = obstore.get(self.client, key)
                tagged(self.where, found.meta)
            except FileNotFoundError as error:
                if is_absent(error):
                    return None
                raise
        return self._streamed(found, key)

    def _streamed(self, found: obstore.GetResult, key: str) -> Iterator[bytes]:
        with told(self.where):
            try:
                for chunk in found.stream(min_chunk_size=1024 * 1024):
                    yield bytes(chunk)
            except FileNotFoundError as error:  # the connection broke, and the rest was asked for
                raise gone(f"{self.where}/{key}") if is_absent(error) else error from None

    def options(self) -> dict[str, Any]:
        found: dict[str, Any] = {"aws_region": self._region}
        if self._endpoint:
            found |= {"aws_endpoint_url": self._endpoint, "aws_allow_http": str(self._is_plain).lower()}
        if self._credentials is None:
            found["aws_skip_signature"] = "true"
        return found | {"credential_provider": self._credentials}

    def close(self) -> None:
        """Let go of the client and its connections, which end with it; whoever asks again gets another."""
        self.__dict__.pop("client", None)
