"""Removing old versions, and what dead builders left, without a lock.

A version that goes leaves the list of its objects first, then loses its metadata; only what that list names, and no
version that stays is read from, is removed. So nothing that is being uploaded at the same time is taken for a leftover.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from mlforge.errors import Invalid
from mlforge.model.meta import FeatureMeta
from mlforge.plugin import layout
from mlforge.plugin.objects.bucket import Bucket, Listed
from mlforge.plugin.objects.content import PRUNED, Content
from mlforge.plugin.stores import Pruned

LONGEST_COMMIT = 24 * 3600.0
"""After this many seconds, an object that no metadata names is a leftover: its builder is dead."""

SLOWER = 24
"""How many times as long an engine may add nothing to what it writes to a bucket itself: its tasks may take hours."""


class Former(msgspec.Struct, frozen=True):
    """The content of `.pruned.json`: the objects that a removed version wrote, by their paths below the feature."""

    paths: tuple[str, ...]


class Kept(msgspec.Struct, frozen=True):
    """The versions that stay, and the paths of the objects that they are read from."""

    versions: frozenset[str]
    paths: frozenset[str]


def prune(
    bucket: Bucket, name: str, gone: Sequence[str], kept: Callable[[], Kept], latest: Callable[[], str | None]
) -> Pruned:
    """Remove versions, and the objects of removed ones that no version that stays is read from.

    What stays is asked when the metadata is gone: somebody may have continued a version until then, and nobody can any
    more.
    """
    held = {v: bucket.read(f"{name}/{v}/{layout.META}") for v in gone}
    there = {v: one.data for v, one in held.items() if one is not None}
    content = Content(bucket.list(name))
    for version, data in there.items():
        former = Former(_written(data, name, version, content.data[name][version]))
        bucket.put(f"{name}/{version}/{PRUNED}", layout.encode(former))
    bucket.delete([f"{name}/{version}/{layout.META}" for version in there])
    if (rescued := latest()) in there:  # somebody pointed at it meanwhile
        bucket.create(f"{name}/{rescued}/{layout.META}", there.pop(str(rescued)))
    stays = kept()
    _sweep_lost(bucket, [one for v in stays.versions for one in content.data[name][v]], name, stays.paths)
    former_ones = (content.former[name] | set(there)) - (content.versions[name] - set(there))
    freed = sum(_remove_former(bucket, name, v, content.data[name][v], stays.paths) for v in sorted(former_ones))
    return Pruned(tuple(v for v in gone if v in there), freed)


def _sweep_lost(bucket: Bucket, listed: Sequence[Listed], name: str, used: frozenset[str]) -> None:
    """Remove what dead builders uploaded for a number that somebody else had first."""
    lost = [one for one in _old(listed) if one.key.removeprefix(f"{name}/") not in used]
    bucket.delete([one.key for one in lost])


def _old(listed: Iterable[Listed], now: float | None = None) -> list[Listed]:
    present = time.time() if now is None else now
    return [one for one in listed if present - one.written > LONGEST_COMMIT]


def _written(data: bytes, name: str, version: str, listed: Sequence[Listed]) -> tuple[str, ...]:
    """What a version wrote, as its metadata says; where that is damaged, all that is there."""
    try:
        meta: FeatureMeta = layout.decode_meta(data, name, version, "")
    except Invalid:
        return tuple(one.key.removeprefix(f"{name}/") for one in listed)
    return tuple(part.path for part in meta.parts if part.version == version)


def _remove_former(bucket: Bucket, name: str, version: str, listed: Sequence[Listed], used: frozenset[str]) -> int:
    """Remove what a former version wrote and nothing is read from; how many bytes that had."""
    key = f"{name}/{version}/{PRUNED}"
    held = bucket.read(key)
    if held is None:
        return 0
    wrote = frozenset(layout.decode(held.data, Former, f"{bucket.where}/{key}").paths)
    unused = [one for one in listed if (path := one.key.removeprefix(f"{name}/")) in wrote and path not in used]
    bucket.delete([one.key for one in unused])
    if not used & wrote:
        bucket.delete([key])
    return sum(one.bytes for one in unused)


def sweep(
    bucket: Bucket, name: str, is_missed: Callable[[Content, str], bool] = lambda *_: False, now: float | None = None
) -> None:
    """Remove what dead builders uploaded for versions that never came to be, unless one of them is missed."""
    content = Content(bucket.list(name))
    unknown = [one for v in content.unknown(name) for one in content.data[name][v]]
    if (lost := _old(unknown, now)) and not is_missed(content, name):
        used = _used(bucket, content, name)
        bucket.delete([] if used is None else [one.key for one in lost if one.key not in used])
    bucket.delete([one.key for one in abandoned(content, LONGEST_COMMIT, now)])


def abandoned(content: Content, older: float, now: float | None = None) -> list[Listed]:
    """What engines wrote to the bucket themselves, where nothing was added to it for so many seconds."""
    begun = (time.time() if now is None else now) - older
    writing = [listed for builds in content.writing.values() for listed in builds.values()]
    return [one for listed in writing if max(o.written for o in listed) < begun for one in listed]


def leftovers(bucket: Bucket, content: Content, name: str, older: float) -> list[Listed]:
    """What no version of a feature is read from, where nothing was added to its upload for so many seconds.

    Nor is a version touched that was removed since: who does it may yet put it back.
    """
    there = [one for listed in content.data[name].values() for one in listed]
    last: dict[str, float] = {}
    for one in there:
        last[_upload(one.key)] = max(last.get(_upload(one.key), 0.0), one.written)
    begun = time.time() - older
    lists = content.lists[name]
    fresh = {version for version, one in lists.items() if one.written >= begun}
    found = [one for one in there if last[_upload(one.key)] < begun and _version(one.key) not in fresh]
    old = [one for version, one in lists.items() if version not in fresh]
    if not (found or old) or (used := _used(bucket, content, name)) is None:
        return []
    read = {_version(key) for key in used}
    gone = [one for one in old if _version(one.key) not in read]
    return [*(one for one in found if one.key not in used), *gone]


def _version(key: str) -> str:
    return key.split("/")[1]


def _upload(key: str) -> str:
    """What the files of one upload share: their version and their mark."""
    name, version, file = (*key.split("/", 3), "", "")[:3]
    return f"{name}/{version}/{file.split('.')[1] if file.count('.') > 1 else file}"


def _used(bucket: Bucket, content: Content, name: str) -> set[str] | None:
    """The objects that a feature's versions are read from; None where damaged metadata does not tell."""
    found: set[str] = set()
    for version in content.versions[name]:
        held = bucket.read(f"{name}/{version}/{layout.META}")
        try:
            parts = layout.decode_meta(held.data, name, version, "").parts if held else ()
        except Invalid:
            return None
        found |= {f"{name}/{part.path}" for part in parts}
    return found
