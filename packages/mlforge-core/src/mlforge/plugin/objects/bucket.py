"""What is asked of a bucket: a few requests, some of them with a condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec

from mlforge.errors import NotFound
from mlforge.plugin.objects.sending import Taken, nobody


class Held(msgspec.Struct, frozen=True):
    """What a small object holds, and the tag (etag, generation) that it has until it is written again."""

    data: bytes
    tag: str


class Listed(msgspec.Struct, frozen=True):
    """An object in a listing: its key, its bytes, and when it was written, in seconds since the Unix epoch."""

    key: str
    bytes: int
    written: float


class Bucket(Protocol):
    """A bucket, or what is below a prefix of one. Keys are relative to it, with `/` between their parts.

    What the service refuses is `PluginFailed`, raised here once; that there is no such bucket is refused, too, and
    never told as an object that is not there. Every request may be tried again by the client, except that a condition
    that fails then may have been met by its own first try: whoever asks finds out.
    """

    where: str
    """The address that keys are below, such as `s3://bucket/prefix`."""

    def read(self, key: str) -> Held | None:
        """A small object; None where there is none."""

    def create(self, key: str, data: bytes) -> bool:
        """Write an object in one request where there is none; False where there is one."""

    def swap(self, key: str, data: bytes, tag: str) -> bool:
        """Write an object in one request where it still has this tag; False where it is another or gone."""

    def put(self, key: str, data: bytes) -> None:
        """Write a small object, whatever is there."""

    def list(self, below: str) -> Iterator[Listed]:
        """The objects whose keys begin with these whole parts, `""` for all."""

    def folders(self) -> Sequence[str]:
        """The first parts of all keys that have several, each once; what is below them costs no request."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; one that is gone is no error."""

    def upload(self, path: Path, key: str, taken: Taken = nobody) -> None:
        """Write an object of a file, however large, in parts and at the same time, with a few of them in memory.

        `taken` is told the size of each piece that is taken to be sent: a file opened as `Sending` does so.
        """

    def chunks(self, key: str) -> Iterator[bytes] | None:
        """The bytes of an object, however large, piece by piece; None where there is none.

        Of one that goes while it is read the rest comes still, or `gone` is raised.
        """

    def options(self) -> dict[str, Any]:
        """What an engine needs to read addresses here. No secret is in it, nor in the `repr` of what is in it."""

    def close(self) -> None:
        """End what was opened."""


@runtime_checkable
class CopyingBucket(Protocol):
    """A bucket whose service copies objects, so that their bytes need not come here."""

    def copy(self, key: str, to: str) -> bool:
        """Write an object as another is, however large; False where there is none to copy."""


def gone(where: str) -> NotFound:
    """The error for an object that goes while it is read."""
    return NotFound(f"{where} was removed while it was read.", hint="Do it again: its version was removed meanwhile.")
