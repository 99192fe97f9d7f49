"""Objects of buckets that Spark's machines read and write themselves, by the session's file systems `s3a` and `gs`.

Nothing of them comes to this machine but footers, and the names, sizes and hashes of what was written.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlforge.plugin import Scan

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

READING = {
    "datetimeRebaseMode": "CORRECTED",
    "int96RebaseMode": "CORRECTED",
    "mergeSchema": "false",
    "ignoreCorruptFiles": "false",  # no row disappears because of how a session is set
    "ignoreMissingFiles": "false",
}
"""How Parquet files are read."""

LETTERS = re.compile(r"[\\*?\[\]{}]")
"""Letters of a path that Spark would take for a pattern."""

_BUCKETS = ("s3://", "gs://")


RIGHTS = (
    "Let the Spark session reach the bucket, with rights to read, list, write and delete there, "
    "or leave out direct=True: then this machine does."
)
"""What to do where Spark's machines cannot write to a bucket."""


def is_in_bucket(uri: str) -> bool:
    """Whether an address is one of a bucket."""
    return uri.startswith(_BUCKETS)


def settings(options: Mapping[str, Any]) -> dict[str, str]:
    """What a reader or writer is told of a bucket beside what the session knows: where it answers, and to whom."""
    found: dict[str, str] = {}
    if endpoint := options.get("aws_endpoint_url"):
        found |= {"fs.s3a.endpoint": endpoint, "fs.s3a.path.style.access": "true"}
    if region := options.get("aws_region"):
        found["fs.s3a.endpoint.region"] = region
    if options.get("aws_skip_signature"):
        found["fs.s3a.aws.credentials.provider"] = "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider"
    if endpoint := options.get("google_base_url"):
        found["fs.gs.storage.root.url"] = endpoint
    if options.get("google_skip_signature"):
        found["fs.gs.auth.type"] = "UNAUTHENTICATED"
    return found


def address(uri: str) -> str:
    """An address as Hadoop's file systems have it."""
    return uri.replace("s3://", "s3a://", 1)


def literal(uri: str) -> str:
    """An address to read, in which no letter stands for others."""
    return LETTERS.sub(r"\\\g<0>", address(uri))


def read(uris: Sequence[str], options: Mapping[str, Any], session: SparkSession) -> DataFrame:
    """The rows of Parquet files, of the types that Spark finds in the first of them."""
    return session.read.options(**READING, **settings(options)).parquet(*map(literal, uris))


class Opened(io.RawIOBase):
    """An object of a source, of which a reader gets the bytes that it asks for."""

    def __init__(self, scan: Scan, uri: str) -> None:
        super().__init__()
        key, facts = scan.state[scan.uris.index(uri)]
        self._objects, self._key, self._size, self._at = scan.objects, key, int(facts.partition(":")[0]), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._size - self._at, 0)
        length = left if size is None or size < 0 else min(size, left)
        data: bytes = self._objects.read(self._key, self._at, length) if length else b""
        self._at += len(data)
        return data
