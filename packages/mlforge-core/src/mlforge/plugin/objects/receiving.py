"""Keeping a version as another store had it: with its metadata as it is, and its data by the same names.

Data that engines wrote has names that nobody else has; what is received may not. So whoever receives a version first
creates a claim that says which, and only one can.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mlforge.errors import Conflict
from mlforge.model.meta import FeatureMeta, Part
from mlforge.plugin import layout
from mlforge.plugin.objects.bucket import Bucket
from mlforge.plugin.objects.content import CLAIM, PRUNED
from mlforge.plugin.objects.pruning import Former
from mlforge.plugin.objects.staging import Staging, write

Read = Callable[[Part], Iterable[bytes]]


def receive(bucket: Bucket, staging: Staging, meta: FeatureMeta, read: Read) -> None:
    """Upload what is not there, then create the metadata, by which the version is there.

    Raises:
        Conflict: Another version of this number, or other data by a part's name.
        Invalid: Data that comes otherwise than it was committed.
    """
    place = f"{layout.safe_parts(meta).name}/{meta.version}"
    data = layout.encode(meta)
    if _is_there(bucket, f"{place}/{layout.META}", data):
        return
    claim = f"{place}/{CLAIM}"
    if not _is_there(bucket, claim, data):
        _create(bucket, claim, data)
    folder, known = staging.fresh(), _known(bucket, meta)
    for part in meta.parts:
        if part not in known:
            _upload(bucket, folder / part.hash, meta, part, read)
    for version in sorted({part.version for part in meta.parts} - {meta.version}):
        _list_former(bucket, meta, version)
    _need_all(bucket, meta)
    _create(bucket, f"{place}/{layout.META}", data)
    bucket.delete([claim])


def _need_all(bucket: Bucket, meta: FeatureMeta) -> None:
    """Raise `Conflict` where a part was removed meanwhile: so slow a copy may have been taken for a dead one."""
    there = {one.key for one in bucket.list(meta.name)}
    if lost := next((part.path for part in meta.parts if f"{meta.name}/{part.path}" not in there), None):
        raise Conflict(f"{bucket.where}/{meta.name}/{lost} was removed meanwhile.", hint="Copy it again.")


def _known(bucket: Bucket, meta: FeatureMeta) -> set[Part]:
    """The parts of the versions it continues, which need not be read again."""
    others = {part.version for part in meta.parts} | ({meta.increment.base} if meta.increment else set())
    found: set[Part] = set()
    for version in others - {meta.version, None}:
        held = bucket.read(key := f"{meta.name}/{version}/{layout.META}")
        if held is not None:
            found |= set(layout.decode_meta(held.data, meta.name, str(version), f"{bucket.where}/{key}").parts)
    return found


def _create(bucket: Bucket, key: str, data: bytes) -> None:
    if not bucket.create(key, data) and not _is_there(bucket, key, data):
        raise layout.differs(f"{bucket.where}/{key}")


def _is_there(bucket: Bucket, key: str, data: bytes) -> bool:
    """Whether an object holds just this. Raises `Conflict` where it holds something else."""
    held = bucket.read(key)
    if held is not None and held.data != data:
        raise layout.differs(f"{bucket.where}/{key}")
    return held is not None


def _upload(bucket: Bucket, path: Path, meta: FeatureMeta, part: Part, read: Read) -> None:
    key = f"{meta.name}/{part.path}"
    if (there := bucket.chunks(key)) is not None:
        if _hash_of(there) != part.hash:
            raise layout.differs(f"{bucket.where}/{key}")
        return
    try:
        if write(path, read(part)) != part.hash:
            raise layout.not_sent(part)
        bucket.upload(path, key)
    finally:
        path.unlink(missing_ok=True)


def _hash_of(chunks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _list_former(bucket: Bucket, meta: FeatureMeta, version: str) -> None:
    """Of a version that was removed before, the list of its objects that newer ones are read from."""
    place = f"{meta.name}/{version}"
    if bucket.read(f"{place}/{layout.META}") is not None:
        return
    held = bucket.read(f"{place}/{PRUNED}")
    known = layout.decode(held.data, Former, f"{bucket.where}/{place}/{PRUNED}").paths if held else ()
    paths = dict.fromkeys((*known, *(part.path for part in meta.parts if part.version == version)))
    bucket.put(f"{place}/{PRUNED}", layout.encode(Former(tuple(paths))))
