"""Versions in a folder: `{feature}/{version}/data.parquet` and `.meta.json`, `{feature}/_latest.json`.

A version is written to a staging folder and becomes visible by one rename; the pointer flips by another. Writers of a
feature take turns by a lock; readers need none.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from mlforge.errors import Conflict, Invalid, NotFound, PluginFailed, Unsupported
from mlforge.model.meta import Artifact, DataFile, FeatureMeta, Manifest, Part, Target
from mlforge.model.version import Version
from mlforge.plugin import Leftover, Pruned, layout, verify_files
from mlforge.plugin.intact import sha256_of
from mlforge.plugin.temporary import Hold
from mlforge.stores.local import disk, staging
from mlforge.stores.local.links import files, inside, is_junction, is_link
from mlforge.stores.local.manifests import read_manifest
from mlforge.stores.local.plugin import LocalStore

LOCK = ".lock"


class LiveLocalStore:
    """The live local store. Reading makes nothing: a folder that is not there reads as empty."""

    def __init__(self, config: LocalStore) -> None:
        self.root = Path(config.path).expanduser().absolute()
        self._verified = {"always": (False, True), "relied": (True,), "never": ()}[config.verify]
        self._holds: dict[Path, Hold] = {}
        self._was_there = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for path in list(self._holds):
            self._drop(path)

    def names(self) -> list[str]:
        folders = _folders(self.root)
        self._refuse_gone(bool(folders))
        return sorted(n for n in folders if layout.is_safe(n) and any(self._committed(n)))

    def _refuse_gone(self, is_there: bool) -> None:
        """Raise `PluginFailed` where there is nothing in a folder any more in which something was."""
        if self._was_there and not is_there:
            raise PluginFailed(
                f"The store at {self.root} is gone: it was removed or emptied while it was in use.",
                hint="Put it back there, or build again.",
            )
        self._was_there = is_there

    def versions(self, name: str) -> list[str]:
        return sorted(self._committed(name), key=Version.parse)

    def _committed(self, name: str) -> Iterator[str]:
        """The versions of a feature, as the folder has them."""
        folder = self._folder(name)
        with disk.reporting(f"Reading the versions of {name!r}", folder):
            for version in _folders(folder):
                if Version.is_valid(version) and (folder / version / layout.META).is_file():
                    yield version

    def latest(self, name: str) -> str | None:
        folder = self._folder(name)
        path = folder / layout.LATEST
        try:
            data = _read(inside(folder, path))
            return None if data is None else layout.decode(data, layout.Pointer, path).version
        except Invalid as error:
            raise layout.led_out(error, lambda: self._way_out(name)) from error

    def begin(self, name: str, format: str) -> Target:
        folder = self._folder(name)
        if format not in layout.FORMATS:
            raise Unsupported(
                f"The local store keeps no {format!r} files.", hint=f"It keeps {', '.join(layout.FORMATS)}."
            )
        with disk.reporting(f"Beginning a version of {name!r}", folder):
            staged = self._stage(folder)
        data, gone = (str(staged / f"{stem}.{format}") for stem in (layout.DATA, layout.GONE))
        return Target(name, data, format, token=staged.name, gone=gone)

    def _stage(self, folder: Path) -> Path:
        disk.make_folder(folder)
        with disk.locked(folder / LOCK):
            staging.sweep(folder)
            staged = staging.fresh(folder)
            staged.mkdir()
            self._holds[staged] = Hold(staged)
        return staged

    def commit(self, target: Target, meta: FeatureMeta, expected: str | None) -> FeatureMeta:
        staged = self._staged(target)
        Version.parse(meta.version)
        if meta.name != target.name:
            raise Invalid(f"Metadata of {meta.name!r} cannot be committed to {target.name!r}.", hint="Begin it anew.")
        with disk.reporting(f"Committing {meta.name} {meta.version}", staged.parent):
            self._refuse_rivals(meta, expected)
            meta = layout.complete(meta, _written(staged))
            disk.write(staged / layout.META, layout.encode(meta))
            disk.sync_folders(staged)
            with disk.locked(staged.parent / LOCK):
                self._refuse_rivals(meta, expected)
                _show(staged, meta.version)
        self._release(staged)
        return meta

    def _refuse_rivals(self, meta: FeatureMeta, expected: str | None) -> None:
        place = self._folder(meta.name) / meta.version
        if (place / layout.META).exists() and not is_link(place):
            raise Conflict(
                f"{meta.name!r} has a version {meta.version} already.",
                hint="Versions never change: choose a free number.",
            )
        if place.exists() and meta.version in self._read_from(meta.name):
            raise Conflict(
                f"{meta.name!r} had a version {meta.version}, whose data newer versions use.",
                hint="Choose a number that was never taken.",
            )
        if (latest := self.latest(meta.name)) != expected:
            raise Conflict(
                f"The latest version of {meta.name!r} is {latest}, no longer {expected}.",
                hint="Decide the version again, then commit.",
            )

    def abort(self, target: Target) -> None:
        if staging.is_staged(target.token):
            self._drop(self._folder(target.name) / target.token)

    def get(self, name: str, version: str) -> Artifact:
        place = self._existing(name, version)
        try:
            return _whole(place)
        except (Invalid, NotFound) as error:
            raise layout.led_out(error, lambda: self._way_out(name, version)) from error

    def verify(self, artifact: Artifact, relied: bool) -> None:
        if relied in self._verified:
            verify_files(artifact)

    def point(self, name: str, version: str) -> None:
        folder = self._existing(name, version).parent
        with disk.reporting(f"Pointing {name!r} at {version}", folder), disk.locked(folder / LOCK):
            self._existing(name, version)  # again: it may have been pruned before the lock was had
            staging.rename(staging.staged_file(folder, _pointer(version)), folder / layout.LATEST)

    def prune(self, name: str, keep: int) -> Pruned:
        folder = self._folder(name)
        if not self.versions(name):
            raise NotFound(f"There is no version of {name!r}.", hint="Build it.")
        with disk.reporting(f"Pruning {name!r}", folder), disk.locked(folder / LOCK):
            versions, latest = self.versions(name), self.latest(name)
            kept = {*versions[-keep:], latest}
            used = self._read_from(name, kept)
            gone = tuple(v for v in versions if v not in kept)
            for version in gone:
                (folder / version / layout.META).unlink()
                disk.sync(folder / version)
            left = [p for v in _folders(folder) if Version.is_valid(v) and v not in kept for p in [folder / v]]
            return Pruned(gone, sum(_remove_unused(p, used.get(p.name, set())) for p in left))

    def _read_from(self, name: str, versions: Collection[str | None] | None = None) -> dict[str, set[str]]:
        """For each version that wrote any of it, the paths of the parts that some versions, or all, are read from."""
        used: dict[str, set[str]] = {}
        for version in self.versions(name):
            if versions is None or version in versions:
                for part in self.get(name, version).meta.parts:
                    used.setdefault(part.version, set()).add(part.path)
        return used

    def receive(self, meta: FeatureMeta, read: Callable[[Part], Iterable[bytes]]) -> None:
        folder = self._folder(layout.safe_parts(meta).name)
        with disk.reporting(f"Keeping {meta.name} {meta.version}", folder):
            if self._has(meta):
                return
            staged, known = self._stage(folder), self._known(meta)
            try:
                for number, part in enumerate(meta.parts):
                    if part not in known and not self._has_part(folder, part):
                        _receive(staged / str(number), part, read(part))
                disk.write(staged / layout.META, layout.encode(meta))
                with disk.locked(folder / LOCK):
                    if not self._has(meta):
                        self._place(staged, folder, meta)
            finally:
                self._drop(staged)

    def _has(self, meta: FeatureMeta) -> bool:
        """Whether just this version is there. Raises `Conflict` for another one of its number."""
        place = inside(self.root, self._folder(meta.name) / meta.version / layout.META)
        data = _read(place)
        if data is not None and data != layout.encode(meta):
            raise layout.differs(place)
        return data is not None

    def _known(self, meta: FeatureMeta) -> set[Part]:
        """The parts of the versions it continues, which need not be read again."""
        others = {meta.increment.base if meta.increment else None, *(part.version for part in meta.parts)}
        there = [version for version in self.versions(meta.name) if version in others]
        return {part for version in there for part in self.get(meta.name, version).meta.parts}

    def _has_part(self, folder: Path, part: Part) -> bool:
        path = inside(self.root, folder / part.path)
        if path.exists() and sha256_of(path) != part.hash:
            raise layout.differs(path)
        return path.exists()

    def _place(self, staged: Path, folder: Path, meta: FeatureMeta) -> None:
        """The data first, then the metadata, by which the version is there."""
        for number, part in enumerate(meta.parts):
            path, new = inside(self.root, folder / part.path), staged / str(number)
            if not new.exists() and not path.exists():
                raise Conflict(f"{path} was removed meanwhile.", hint="Copy it again.")
            if new.exists() and not self._has_part(folder, part):
                disk.make_folder(path.parent)
                staging.rename(new, path)
        disk.make_folder(folder / meta.version)
        staging.rename(staged / layout.META, folder / meta.version / layout.META)

    def collect(self, older: float, dry_run: bool) -> list[Leftover]:
        folders = [self.root / name for name in _folders(self.root) if layout.is_safe(name) or name in layout.MANIFEST]
        return [one for folder in folders for one in self._collected(folder, older, dry_run)]

    def _collected(self, folder: Path, older: float, dry_run: bool) -> list[Leftover]:
        """Nobody begins, commits or prunes meanwhile: the folder's lock is had."""
        with disk.reporting("Collecting what dead builds left", folder), disk.locked(folder / LOCK):
            found = [*staging.leftovers(folder, older), *self._unused(folder)]
            told = [Leftover(str(path), _size(path)) for path in found]
            for path in found if not dry_run else ():
                staging.remove(path)
                _remove_empty(path.parent, folder)
        return told

    def _unused(self, folder: Path) -> list[Path]:
        """The files of former versions that no version is read from, of whoever died while it pruned."""
        if not layout.is_safe(folder.name):
            return []
        former = [v for v in _folders(folder) if Version.is_valid(v) and not (folder / v / layout.META).exists()]
        if layout.is_missed(folder.name, former, lambda: self.latest(folder.name), self.read_manifest):
            return []
        try:
            used = self._read_from(folder.name) if former else {}
        except (Invalid, NotFound):  # nobody knows what damaged metadata names
            return []
        named = {path for paths in used.values() for path in paths}
        there = [path for version in former for path in files(folder / version)]
        return [path for path in there if path.relative_to(folder).as_posix() not in named]

    def read_manifest(self) -> Manifest | None:
        try:
            return read_manifest(inside(self.root, self.root.joinpath(*layout.MANIFEST)))
        except Invalid:
            return None

    def write_manifest(self, manifest: Manifest) -> None:
        path = inside(self.root, self.root.joinpath(*layout.MANIFEST))
        with disk.reporting("Writing the manifest", path):
            disk.make_folder(path.parent)
            with disk.locked(path.parent / LOCK):
                staging.sweep(path.parent)
                staging.rename(staging.staged_file(path.parent, layout.encode(manifest)), path)

    def _folder(self, name: str) -> Path:
        return inside(self.root, self.root / layout.safe_name(name))

    def _staged(self, target: Target) -> Path:
        path = self._folder(target.name) / target.token
        with disk.reporting(f"Reading what was written for {target.name!r}", path):
            if staging.is_staged(target.token) and path.is_dir():
                return inside(self.root, path)
        raise NotFound(f"What was written for {target.name!r} is gone: {path}.", hint="Build it again.")

    def _drop(self, staged: Path) -> None:
        staging.remove(staged)
        self._release(staged)

    def _release(self, staged: Path) -> None:
        if hold := self._holds.pop(staged, None):
            hold.release()

    def _existing(self, name: str, version: str) -> Path:
        path = self._folder(name) / version
        with disk.reporting(f"Reading {name} {version}", path):
            if Version.is_valid(version) and not is_link(path) and (path / layout.META).is_file():
                return path
        there = ", ".join(self.versions(name)) or "none"
        raise NotFound(f"{name!r} has no version {version!r}.", hint=f"Versions: {there}.")

    def _way_out(self, name: str, damaged: str | None = None) -> str:
        """The hint to go to the newest version that is whole, unless readers get one that is."""
        others = [v for v in self.versions(name) if v != damaged]
        folder = self._folder(name)
        return layout.way_out(
            name,
            others,
            lambda version: bool(_whole(folder / version).uris),
            lambda: self.latest(name) if damaged else None,
        )


def _whole(place: Path) -> Artifact:
    """What is in a version's folder, which is no link."""
    path = inside(place, place / layout.META)
    meta = layout.decode_meta(_read(path) or b"", place.parent.name, place.name, path)
    return Artifact(meta, tuple(_address(place.parent, meta, part) for part in meta.parts))


def _address(folder: Path, meta: FeatureMeta, part: Part) -> str:
    """Where a part of a version is, below the folder of its feature."""
    path = inside(folder, folder / part.path)
    with disk.reporting(f"Reading {meta.name} {meta.version}", path):
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            found = None
    if found is None or not stat.S_ISREG(found.st_mode):
        raise NotFound(f"The data of {meta.name} {meta.version} is gone: {path}.")
    if found.st_size != part.bytes:
        raise Invalid(f"{path} is damaged: it has {found.st_size} bytes, and {part.bytes} were committed.")
    return str(path)


def _show(staged: Path, version: str) -> None:
    """The version's name, then the pointer. All that needs room on the disk comes before the first of them."""
    folder = staged.parent
    pointer = staging.staged_file(folder, _pointer(version))
    if os.path.lexists(folder / version):
        _clear(folder / version)
    staging.rename(staged, folder / version)
    staging.rename(pointer, folder / layout.LATEST)


def _clear(path: Path) -> None:
    """A version without metadata is none: what is left of it makes room."""
    away = staging.fresh(path.parent)
    staging.rename(path, away)
    staging.remove(away)


def _remove_unused(version: Path, used: set[str]) -> int:
    """Remove the files of a former version that no version is read from. How many bytes they had."""
    freed = 0
    for path in files(version):
        if path.relative_to(version.parent).as_posix() not in used:
            freed += path.lstat().st_size
            path.unlink()
    if not used:
        staging.remove(version)
    return freed


def _receive(path: Path, part: Part, chunks: Iterable[bytes]) -> None:
    """Write a part to the disk. Raises `Invalid` where it has another hash."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != part.hash:
        raise layout.not_sent(part)


def _size(path: Path) -> int:
    return sum(p.lstat().st_size for p in (files(path) if path.is_dir() and not is_link(path) else [path]))


def _remove_empty(place: Path, end: Path) -> None:
    """Remove the folders, up to where they end, in which nothing is left."""
    while place != end and not any(place.iterdir()):
        place.rmdir()
        place = place.parent


def _pointer(version: str) -> bytes:
    return layout.encode(layout.Pointer(version))


def _written(staged: Path) -> list[DataFile]:
    """The data files in a staging folder, on the disk. Hidden ones and those with `_` first are some engine's own."""
    paths = {p.relative_to(staged).as_posix(): p for p in files(staged)}
    data = {n: inside(staged, p) for n, p in paths.items() if not any(part[0] in "._" for part in n.split("/"))}
    if not data:
        raise NotFound(f"Nothing was written to {staged}.", hint="Write to the target's uri before the commit.")
    hashes = disk.digests(list(data.values()))
    return [DataFile(n, p.stat().st_size, h) for (n, p), h in zip(data.items(), hashes, strict=True)]


def _folders(path: Path) -> list[str]:
    with disk.reporting("Reading the store", path):
        try:
            with os.scandir(path) as entries:
                return [e.name for e in entries if e.is_dir(follow_symlinks=False) and not is_junction(e.path)]
        except FileNotFoundError:
            return []


def _read(path: Path) -> bytes | None:
    with disk.reporting("Reading the store", path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
