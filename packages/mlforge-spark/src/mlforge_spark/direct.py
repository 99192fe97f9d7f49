"""What Spark's machines write to a bucket themselves, and hold against its hashes there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from mlforge.errors import Conflict
from mlforge.model.meta import Artifact, DataFile, Target, Written
from mlforge.plugin import layout
from mlforge_spark.buckets import READING, address, is_in_bucket, literal, settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_LONGEST = 2**31 - 1
"""Bytes of a file that Spark hashes: it reads it as one value."""

_GONE = "PATH_NOT_FOUND"

_EMPTY = "UNABLE_TO_INFER_SCHEMA"

_MARK = "begun"
"""What stands beside the rows while they are written: its name comes before theirs."""

_TIME = re.compile(r"\bTime\b")
_NUMBERS = re.compile(r"(\d+)")


def reaches(artifact: Artifact) -> bool:
    """Whether Spark reads a version in its bucket: of times of day it cannot read what other engines wrote."""
    return all(map(is_in_bucket, artifact.uris)) and not any(_TIME.search(c.dtype) for c in artifact.meta.columns)


def write(frame: DataFrame, target: Target) -> Written:
    """Write all rows where the target says, and tell the files in their order; those without rows are left out.

    Raises:
        Conflict: What was written was taken for a dead build's before all of it was there, and removed.
    """
    session, place, options = frame.sparkSession, literal(target.uri), settings(target.options)
    mark = f"{target.uri.rpartition('/')[0]}/{_MARK}"
    session.range(0, 1, 1, 1).write.mode("overwrite").options(**options).format("parquet").save(address(mark))
    frame.write.mode("overwrite").options(**options, compression="zstd").parquet(address(target.uri))
    found = session.read.options(**READING, **options).parquet(place)
    rows = found.groupBy(F.input_file_name().alias("file")).count().collect()
    counts = {PurePosixPath(row["file"]).name: int(row["count"]) for row in rows}
    folder = PurePosixPath(target.uri).name
    files = sorted(_hashed([place], options, session), key=_in_order)
    _need(mark, target, options, session)
    full = [file for file in files if file.path in counts] or files[:1]
    return Written(sum(counts.values()), tuple(DataFile(f"{folder}/{f.path}", f.bytes, f.hash) for f in full))


def _need(mark: str, target: Target, options: Mapping[str, str], session: SparkSession) -> None:
    """Raise `Conflict` where a mark is gone that was written before the rows.

    Spark shows objects as its tasks end, and tells of no loss where some go before its last one does. Who removes some
    of them removes the mark as well, first.
    """
    try:
        _ = session.read.options(**READING, **options).parquet(literal(mark)).schema
    except PySparkException as error:
        if not any(word in str(error) for word in (_GONE, _EMPTY)):
            raise
        raise Conflict(
            f"What was written for {target.name!r} was removed before all of it was there: nothing was added to it for "
            "so long that it was taken for what a dead build left.",
            hint="Build it again, and let mlforge store gc run when no build does.",
        ) from error


def _in_order(file: DataFile) -> list[str | int]:
    return [int(word) if word.isdecimal() else word for word in _NUMBERS.split(file.path)]


def _hashed(places: Sequence[str], options: Mapping[str, str], session: SparkSession) -> list[DataFile]:
    """Files by their names, each hashed by one of Spark's machines."""
    found = session.read.format("binaryFile").options(**READING, **options).load(list(places))
    hashes = found.select("path", "length", F.sha2("content", 256).alias("hash")).collect()
    return [DataFile(PurePosixPath(row["path"]).name, int(row["length"]), row["hash"]) for row in hashes]


def verify(artifact: Artifact, session: SparkSession) -> bool:
    """Hold a version's files against their hashes, where none is too long for that; whether they were looked at."""
    parts = dict(zip(artifact.uris, artifact.meta.parts, strict=True))
    if any(part.bytes > _LONGEST for part in parts.values()):
        return False
    hashes = _hashes(artifact, session)
    for uri, part in parts.items():
        if (PurePosixPath(uri).name, part.hash) not in hashes:
            raise layout.damaged(uri, artifact.meta, part)
    return True


def _hashes(artifact: Artifact, session: SparkSession) -> set[tuple[str, str]]:
    """The names of a version's files, with their hashes. Raises `NotFound` where one is gone."""
    try:
        found = _hashed([*map(literal, artifact.uris)], settings(artifact.options), session)
    except PySparkException as error:
        gone = next((uri for uri in artifact.uris if PurePosixPath(uri).name in str(error)), None)
        if _GONE not in str(error) or gone is None:
            raise
        raise layout.gone(gone, artifact.meta) from error
    return {(file.path, file.hash) for file in found}
