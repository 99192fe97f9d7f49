"""The rows of a committed version, from the layers that it and earlier versions wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from mlforge.model.meta import Artifact
from mlforge.plugin.engine.columns import need_values
from mlforge.plugin.engine.layers import overlay, told
from mlforge_spark import buckets
from mlforge_spark.footers import file_types, local
from mlforge_spark.rows import matching
from mlforge_spark.sources import read_files
from mlforge_spark.types import column, dtype_of, duration, named, words_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_TABLE = "table://"


def read_version(
    artifact: Artifact, session: SparkSession, columns: Sequence[str] | None = None, *, in_order: bool = True
) -> DataFrame:
    """The rows of a committed version, of the types its metadata tells, read late."""
    identity = list(artifact.meta.identity)
    last, *earlier = overlay(artifact.layers)
    rows = _open(artifact, last.rows, session)
    for layer in earlier:
        taken = [_open(artifact, uris, session) for uris in layer.taken]
        kept = matching(_open(artifact, layer.rows, session), taken, identity, absent=True)
        rows = kept.unionByName(rows)
    several = bool(earlier) or _is_spread(last.rows)  # Spark reads the longest file first
    rows = rows.orderBy(*map(column, identity)) if several and in_order and identity else rows
    if columns is None:
        return rows
    need_values(columns, rows.columns, artifact.meta)
    return rows.select(*map(column, columns))


def _open(artifact: Artifact, uris: Sequence[str], session: SparkSession) -> DataFrame:
    return read_written(uris, told(artifact.meta), session, artifact.options)


def read_written(
    uris: Sequence[str], words: Mapping[str, str], session: SparkSession, options: Mapping[str, Any]
) -> DataFrame:
    """The rows at some addresses, of the types that are told of them; `options` are those of a bucket."""
    rows = reduce(lambda a, b: a.unionByName(b), [_stored(uri, session, options) for uri in _together(uris)])
    found = words_of(rows)
    return rows.select(*(_as_told(n, found[n], words.get(n, found[n])) for n in rows.columns))


def _is_spread(uris: Sequence[str]) -> bool:
    """Are the rows in more than one file?"""
    return not uris[0].startswith(_TABLE) and sum(len(_parts(uri)) for uri in uris) > 1


def _together(uris: Sequence[str]) -> list[Sequence[str]]:
    """Tables one by one, files all at once."""
    return [[uri] for uri in uris] if uris[0].startswith(_TABLE) else [uris]


def _stored(uris: Sequence[str], session: SparkSession, options: Mapping[str, Any]) -> DataFrame:
    if buckets.is_in_bucket(uris[0]):
        return buckets.read(uris, options, session)
    if not uris[0].startswith(_TABLE):
        files = [file for uri in uris for file in _parts(uri)]
        return read_files(files, file_types(local(files[0])), session)
    name, _, version = uris[0].removeprefix(_TABLE).partition("?version=")
    quoted = ".".join(f"`{part}`" for part in name.split("."))
    return session.sql(f"SELECT * FROM {quoted}" + (f" VERSION AS OF {int(version)}" if version else ""))


def _parts(uri: str) -> list[str]:
    """A file, or the files of a folder, in order."""
    if buckets.is_in_bucket(uri):
        return [uri]
    path = local(uri)
    return [str(part) for part in sorted(path.glob("part-*"))] if path.is_dir() else [uri]


def _as_told(name: str, found: str, wanted: str) -> Column:
    """A column as the metadata tell it: Parquet has no word for some types."""
    if found == wanted:
        return column(name)
    if "Duration" in wanted:
        value = duration(column(name)) if wanted == "Duration" else F.transform(column(name), duration)
        return value.alias(name)
    return named(column(name).cast(dtype_of(wanted)), name, wanted)
