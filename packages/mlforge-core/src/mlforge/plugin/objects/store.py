"""Versions in a bucket: `{feature}/{version}/data.{mark}.parquet` and `.meta.json`, `{feature}/_latest.json`.

Engines write to this machine, or to a folder of their own in the bucket; a commit uploads, or has the service copy, to
names that nobody else has, then decides with two requests that have
a condition: the metadata is created where there is none, and the pointer is replaced where it is what was read. There
are no locks. What a commit that lost, or died, has uploaded no metadata names, so no reader sees it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import msgspec

from mlforge.errors import Conflict, Invalid, NotFound, PluginFailed, Unsupported
from mlforge.model.meta import Artifact, DataFile, FeatureMeta, Manifest, Part, Target
from mlforge.model.version import Version
from mlforge.plugin import layout, temporary
from mlforge.plugin.intact import sha256_of, verify_files
from mlforge.plugin.objects.bucket import Bucket, Held
from mlforge.plugin.objects.content import PRUNED, Content
from mlforge.plugin.objects.direct import copied, forget, is_direct, target_in
from mlforge.plugin.objects.pruning import SLOWER, Kept, abandoned, leftovers, prune, sweep
from mlforge.plugin.objects.receiving import receive
from mlforge.plugin.objects.sending import Tally, Tell
from mlforge.plugin.objects.staging import Staging, data_files, fetched, reporting, write
from mlforge.plugin.stores import Leftover, Pruned

MANIFEST = "/".join(layout.MANIFEST)
AT_ONCE = 4
"""How many files are on the way at the same time; each has several parts under way."""

MOST_READ = 32
"""How many small objects are read at the same time."""


class LiveObjectStore:
    """The live store over a bucket. Its methods are those of `Store`, `PruningStore` and the other protocols."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._staging = Staging()
        self._tally = Tally()
        temporary.sweep()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._staging.close()
        self.bucket.close()

    def names(self) -> list[str]:
        return sorted(Content(self.bucket.list("")).versions)

    def versions(self, name: str) -> list[str]:
        listed = Content(self.bucket.list(layout.safe_name(name))).versions.get(name, ())
        return sorted(listed, key=Version.parse)

    def latest(self, name: str) -> str | None:
        held = self._held_pointer(name)
        try:
            return None if held is None else self._decoded(name, held).version
        except Invalid as error:
            raise layout.led_out(error, lambda: self._way_out(name)) from error

    def pointers(self) -> dict[str, str | None]:
        names = list(filter(layout.is_safe, self.bucket.folders()))
        with ThreadPoolExecutor(MOST_READ) as pool:
            return dict(zip(names, pool.map(self._pointed, names), strict=True))

    def _pointed(self, name: str) -> str | None:
        held = self._held_pointer(name)
        try:
            return None if held is None else self._decoded(name, held).version
        except Invalid:
            return None

    def _held_pointer(self, name: str) -> Held | None:
        return self.bucket.read(_pointer_of(name))

    def _decoded(self, name: str, held: Held) -> layout.Pointer:
        return layout.decode(held.data, layout.Pointer, f"{self.bucket.where}/{_pointer_of(name)}")

    def begin(self, name: str, format: str) -> Target:
        layout.safe_name(name)
        if format not in layout.FORMATS:
            raise Unsupported(f"The store keeps no {format!r} files.", hint=f"It keeps {', '.join(layout.FORMATS)}.")
        sweep(self.bucket, name, self._is_missed)
        staged = self._staging.fresh()
        data, gone = (str(staged / f"{stem}.{format}") for stem in (layout.DATA, layout.GONE))
        return Target(name, data, format, token=staged.name, gone=gone)

    def direct(self, target: Target) -> Target | None:
        return target_in(self.bucket, target)

    def uploading(self, tell: Tell) -> AbstractContextManager[None]:
        return self._tally.told_to(tell)

    def commit(self, target: Target, meta: FeatureMeta, expected: str | None) -> FeatureMeta:
        written = {f.path: f for f in target.files} if is_direct(target) else data_files(self._staged(target))
        Version.parse(meta.version)
        if meta.name != target.name:
            raise Invalid(f"Metadata of {meta.name!r} cannot be committed to {target.name!r}.", hint="Begin it anew.")
        self._refuse_rivals(meta, expected)
        if not written:
            raise NotFound(f"Nothing was written to {target.uri}.", hint="Write to the target's uri before the commit.")
        place = f"{meta.name}/{meta.version}/"
        keys = {f"{place}{_marked(name, target.token)}": one for name, one in written.items()}
        try:
            files = self._sent(target, keys, place)
            meta = layout.complete(meta, files)
            sizes = {f"{place}{file.path}": file.bytes for file in files}
            self._show(meta, self._refuse_rivals(meta, expected, sizes))  # again: sending may have taken long
        except Conflict:
            self._forget(list(keys))
            raise
        self._drop(target)
        return meta

    def _refuse_rivals(
        self, meta: FeatureMeta, expected: str | None, sent: Mapping[str, int] = MappingProxyType({})
    ) -> Held | None:
        """Raise `Conflict` for a number that is taken, or a pointer that is not as expected; else the pointer.

        Of what was sent all must still be there, with as many bytes as were written: so slow an upload may have been
        taken for a dead one's, and what an engine wrote may have been replaced before it was copied.
        """
        place = f"{meta.name}/{meta.version}"
        there = {one.key: one.bytes for one in self.bucket.list(place)}
        if f"{place}/{layout.META}" in there:
            raise _taken(meta)
        if f"{place}/{PRUNED}" in there:
            raise Conflict(
                f"{meta.name!r} had a version {meta.version}, whose data newer versions use.",
                hint="Choose a number that was never taken.",
            )
        if lost := next((key for key in sent if key not in there), None):
            raise Conflict(f"{self.bucket.where}/{lost} was removed before it was committed.", hint="Build it again.")
        if other := next((key for key, size in sent.items() if there[key] != size), None):
            raise Conflict(
                f"{self.bucket.where}/{other} has {there[other]} bytes, where {sent[other]} were written: what was "
                "written was replaced before it was committed.",
                hint="Build it again.",
            )
        held = self._held_pointer(meta.name)
        latest = None if held is None else self._decoded(meta.name, held).version
        if latest != expected:
            raise _moved(meta.name, latest, expected)
        return held

    def _sent(self, target: Target, keys: dict[str, Any], folder: str) -> list[DataFile]:
        """The files, where they stay."""
        if not is_direct(target):
            return self._uploaded(keys, folder)
        copied(self.bucket, target, keys, self._tally)
        return [msgspec.structs.replace(file, path=key.removeprefix(folder)) for key, file in keys.items()]

    def _uploaded(self, keys: dict[str, Path], folder: str) -> list[DataFile]:
        """The files, each uploaded and hashed at the same time."""
        with ThreadPoolExecutor(2 * AT_ONCE) as pool, reporting("Reading what was written"):
            sizes = [path.stat().st_size for path in keys.values()]
            self._tally.begin(sum(sizes))
            sent = [pool.submit(self.bucket.upload, path, key, self._tally.taken) for key, path in keys.items()]
            hashes = list(pool.map(sha256_of, keys.values()))
            for one in sent:
                one.result()
        pairs = zip(keys, sizes, hashes, strict=True)
        return [DataFile(key.removeprefix(folder), size, digest) for key, size, digest in pairs]

    def _show(self, meta: FeatureMeta, seen: Held | None) -> None:
        """Create the metadata, then flip the pointer that was seen. A lost race changes nothing."""
        key, data = _meta_of(meta.name, meta.version), layout.encode(meta)
        if not self.bucket.create(key, data) and not self._holds(key, data):
            raise _taken(meta)
        if self._flip(meta.name, meta.version, seen):
            return
        self.bucket.delete([key])
        latest = self.latest(meta.name)
        expected = None if seen is None else self._decoded(meta.name, seen).version
        raise _moved(meta.name, latest, expected)

    def _holds(self, key: str, data: bytes) -> bool:
        """Whether a first try, whose answer was lost, has written just this."""
        held = self.bucket.read(key)
        return held is not None and held.data == data

    def _flip(self, name: str, version: str, seen: Held | None) -> bool:
        key, data = _pointer_of(name), layout.encode(layout.Pointer(version))
        done = self.bucket.create(key, data) if seen is None else self.bucket.swap(key, data, seen.tag)
        return done or self._holds(key, data)

    def abort(self, target: Target) -> None:
        self._drop(target)

    def get(self, name: str, version: str) -> Artifact:
        try:
            return self._whole(name, version)
        except Invalid as error:
            raise layout.led_out(error, lambda: self._way_out(name, version)) from error

    def _whole(self, name: str, version: str) -> Artifact:
        key = _meta_of(layout.safe_name(name), version)
        held = self.bucket.read(key) if Version.is_valid(version) else None
        if held is None:
            there = ", ".join(self.versions(name)) or "none"
            raise NotFound(f"{name!r} has no version {version!r}.", hint=f"Versions: {there}.")
        meta = layout.decode_meta(held.data, name, version, f"{self.bucket.where}/{key}")
        uris = tuple(f"{self.bucket.where}/{name}/{part.path}" for part in meta.parts)
        return Artifact(meta, uris, self.bucket.options())

    def fetch(self, artifact: Artifact) -> Artifact:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            paths = list(pool.map(lambda part: self._fetched(artifact.meta, part), artifact.meta.parts))
        return Artifact(artifact.meta, tuple(map(str, paths)))

    def _fetched(self, meta: FeatureMeta, part: Part) -> Path:
        key = f"{meta.name}/{part.path}"
        path = fetched(key, part.hash)
        if not path.exists() and write(path, self._chunks(meta, key)) != part.hash:
            path.unlink()
            raise self._damaged(meta, part)
        return path

    def verify(self, artifact: Artifact, relied: bool) -> None:
        if not relied:
            return
        if not any("://" in uri for uri in artifact.uris):
            verify_files(artifact)
            return
        for part in artifact.meta.parts:
            if _hash_of(self._chunks(artifact.meta, f"{artifact.meta.name}/{part.path}")) != part.hash:
                raise self._damaged(artifact.meta, part)

    def _chunks(self, meta: FeatureMeta, key: str) -> Iterator[bytes]:
        chunks = self.bucket.chunks(key)
        if chunks is None:
            raise layout.gone(f"{self.bucket.where}/{key}", meta)
        return chunks

    def _damaged(self, meta: FeatureMeta, part: Part) -> Invalid:
        return layout.damaged(f"{self.bucket.where}/{meta.name}/{part.path}", meta, part)

    def point(self, name: str, version: str) -> None:
        self._need(name, version)
        seen = self._held_pointer(name)
        if not self._flip(name, version, seen):
            raise Conflict(
                f"Somebody pointed {name!r} at {self.latest(name)} meanwhile.", hint="Look at it, then point again."
            )
        try:
            self._need(name, version)
        except NotFound:  # it was pruned meanwhile
            self._put_back(name, version, seen)
            raise

    def _need(self, name: str, version: str) -> None:
        if not Version.is_valid(version) or self.bucket.read(_meta_of(layout.safe_name(name), version)) is None:
            there = ", ".join(self.versions(name)) or "none"
            raise NotFound(f"{name!r} has no version {version!r}.", hint=f"Versions: {there}.")

    def _put_back(self, name: str, version: str, seen: Held | None) -> None:
        """Let the pointer name what it did, unless somebody else has moved it since."""
        held = self._held_pointer(name)
        if seen is not None and held is not None and held.data == layout.encode(layout.Pointer(version)):
            self.bucket.swap(_pointer_of(name), seen.data, held.tag)

    def prune(self, name: str, keep: int) -> Pruned:
        versions = self.versions(name)
        if not versions:
            raise NotFound(f"There is no version of {name!r}.", hint="Build it.")
        wanted, parts = {*versions[-keep:], self.latest(name)}, dict[str, frozenset[str]]()

        def kept(there: Iterable[str]) -> Kept:
            parts.update((v, self._parts(name, v)) for v in there if v not in parts)
            return Kept(frozenset(parts), frozenset().union(*parts.values()))

        kept(v for v in versions if v in wanted)  # refused where one is damaged, before anything goes
        gone = [v for v in versions if v not in wanted]
        return prune(self.bucket, name, gone, lambda: kept(self.versions(name)), lambda: self.latest(name))

    def _parts(self, name: str, version: str) -> frozenset[str]:
        """What a version is read from: nothing where a lost race took it back, or somebody else removed it."""
        try:
            return frozenset(part.path for part in self.get(name, version).meta.parts)
        except NotFound:
            return frozenset()

    def send(self, meta: FeatureMeta, part: Part) -> Iterator[bytes]:
        return self._chunks(meta, f"{meta.name}/{part.path}")

    def receive(self, meta: FeatureMeta, read: Callable[[Part], Iterable[bytes]]) -> None:
        receive(self.bucket, self._staging, meta, read)

    def collect(self, older: float, dry_run: bool) -> list[Leftover]:
        content = Content(self.bucket.list(""))
        names = [name for name in sorted(content.data) if not self._is_missed(content, name)]
        found = [one for name in names for one in leftovers(self.bucket, content, name, older)]
        found += abandoned(content, SLOWER * older)
        if not dry_run:
            self.bucket.delete([one.key for one in found])
        return [Leftover(f"{self.bucket.where}/{one.key}", one.bytes) for one in found]

    def _is_missed(self, content: Content, name: str) -> bool:
        return layout.is_missed(name, content.unknown(name), lambda: self.latest(name), self.read_manifest)

    def read_manifest(self) -> Manifest | None:
        held = self.bucket.read(MANIFEST)
        try:
            return None if held is None else layout.decode(held.data, Manifest, f"{self.bucket.where}/{MANIFEST}")
        except Invalid:
            return None

    def write_manifest(self, manifest: Manifest) -> None:
        self.bucket.put(MANIFEST, layout.encode(manifest))

    def _staged(self, target: Target) -> Path:
        path = self._staging.root / target.token
        if target.token and path.is_dir():
            return path
        raise NotFound(f"What was written for {target.name!r} is gone: {path}.", hint="Build it again.")

    def _drop(self, target: Target) -> None:
        if is_direct(target):
            forget(self.bucket, target)
        with suppress(NotFound):
            shutil.rmtree(self._staged(target), ignore_errors=True)

    def _forget(self, keys: Sequence[str]) -> None:
        """Remove what a lost race has uploaded; what cannot be removed is a leftover."""
        with suppress(PluginFailed):
            self.bucket.delete(keys)

    def _way_out(self, name: str, damaged: str | None = None) -> str:
        """The hint to go to the newest version that is whole, unless readers get one that is."""
        others = [v for v in self.versions(name) if v != damaged]
        return layout.way_out(
            name,
            others,
            lambda version: bool(self._whole(name, version).uris),
            lambda: self.latest(name) if damaged else None,
        )


def _meta_of(name: str, version: str) -> str:
    return f"{name}/{version}/{layout.META}"


def _pointer_of(name: str) -> str:
    return f"{layout.safe_name(name)}/{layout.LATEST}"


def _marked(name: str, mark: str) -> str:
    """A data file's name in the bucket, which nobody else has: `data.parquet` becomes `data.8f3a….parquet`."""
    first, *below = name.split("/")
    stem, dot, rest = first.partition(".")
    return "/".join([f"{stem}.{mark}{dot}{rest}", *below])


def _hash_of(chunks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _taken(meta: FeatureMeta) -> Conflict:
    return Conflict(
        f"{meta.name!r} has a version {meta.version} already.", hint="Versions never change: choose a free number."
    )


def _moved(name: str, latest: str | None, expected: str | None) -> Conflict:
    return Conflict(
        f"The latest version of {name!r} is {latest}, no longer {expected}.",
        hint="Decide the version again, then commit.",
    )
