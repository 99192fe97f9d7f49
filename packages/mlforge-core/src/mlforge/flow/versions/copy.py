"""Copying a store: every version with its metadata as it is, and its data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from mlforge.errors import Conflict, Invalid, NotFound, Unsupported
from mlforge.flow.progress import Progress, Tell
from mlforge.flow.versions.manifest import refresh_manifest
from mlforge.model.html import table
from mlforge.model.meta import Artifact, FeatureMeta, Part
from mlforge.model.version import Version
from mlforge.plugin.stores import ReceivingStore, SendingStore, Store

PIECE = 1024 * 1024
Receive = Callable[[FeatureMeta, Callable[[Part], Iterable[bytes]]], None]


class CopyReport(msgspec.Struct, frozen=True):
    """How many versions were copied, how many were there, and why others could not be."""

    copied: int
    there: int
    failed: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.failed

    def _repr_html_(self) -> str:
        rows = [("copied", f"{self.copied:,}"), ("there already", f"{self.there:,}")]
        return table(("", "versions"), [*rows, *(("failed", one) for one in self.failed)])


def copy_store(source: Store, target: Store, now: datetime, tell: Tell) -> CopyReport:
    """Copy every version that is not there, and let readers get the same ones.

    It can be cut off at any instant and called again. A version that is damaged in the source is left out and told.

    Raises:
        Conflict: A version that differs, or a feature that was built further there: nothing is copied then.
        Unsupported: A store that takes no copies.
    """
    if not isinstance(target, ReceivingStore):
        raise Unsupported("The store to copy to takes no copies.", hint="Copy to a LocalStore, S3Store or GCSStore.")
    names = source.names()
    for name in names:
        _refuse_other(source, target, name)
    found = [_copied(source, target, target.receive, name, tell) for name in names]
    refresh_manifest(target, now)
    failed = tuple(told for one in found for told in one.failed)
    return CopyReport(sum(one.copied for one in found), sum(one.there for one in found), failed)


def _refuse_other(source: Store, target: Store, name: str) -> None:
    versions, there = source.versions(name), target.versions(name)
    for version in versions:
        if version in there and (meta := _meta(source, name, version)) and target.get(name, version).meta != meta:
            raise Conflict(
                f"{name!r} {version} is there already, and is another.",
                hint="Nothing is overwritten: copy to an empty store, or one that has nothing but copies.",
            )
    latest = target.latest(name) if there else None
    if latest not in (None, *versions) and Version.parse(str(latest)) > Version.parse(versions[-1]):
        raise Conflict(
            f"{name!r} was built further there: readers get {latest}, and here the newest is {versions[-1]}.",
            hint="Copy the other way round, or to an empty store.",
        )


def _meta(store: Store, name: str, version: str) -> FeatureMeta | None:
    try:
        return store.get(name, version).meta
    except (Invalid, NotFound):  # told when it is to be copied
        return None


def _copied(source: Store, target: Store, receive: Receive, name: str, tell: Tell) -> CopyReport:
    """Copy the versions of a feature until none has come meanwhile, so that the latest is among them."""
    known = set(target.versions(name))
    seen: list[str] = []
    failed: list[str] = []
    latest, damaged = None, None
    while new := [version for version in source.versions(name) if version not in seen]:
        for version in new:
            if version not in known:
                tell(Progress(name, f"copying {version}"))
                failed += _received(source, receive, name, version)
        seen += new
        latest, damaged = _latest(source, name)
    there = set(target.versions(name))
    if latest is not None and latest in there and target.latest(name) != latest:
        target.point(name, latest)
    return CopyReport(len(there - known), len(known.intersection(seen)), (*failed, *([damaged] if damaged else ())))


def _received(source: Store, receive: Receive, name: str, version: str) -> list[str]:
    """Copy a version. What is wrong with it, unless somebody pruned it meanwhile."""
    try:
        artifact = source.get(name, version)
        receive(artifact.meta, _reading(source, artifact))
    except (Invalid, NotFound) as error:
        return [f"{name} {version} is not copied: {error.message}"] if version in source.versions(name) else []
    return []


def _latest(source: Store, name: str) -> tuple[str | None, str | None]:
    """Which version readers get in the source, or why nobody knows."""
    try:
        return source.latest(name), None
    except Invalid as error:
        return None, f"{name}: {error.message}"


def _reading(store: Store, artifact: Artifact) -> Callable[[Part], Iterator[bytes]]:
    """The bytes of a version's parts, from where they are."""
    uris = dict(zip((part.path for part in artifact.meta.parts), artifact.uris, strict=True))

    def read(part: Part) -> Iterator[bytes]:
        if isinstance(store, SendingStore):
            return store.send(artifact.meta, part)
        if "://" in (uri := uris[part.path].removeprefix("file://")):
            raise Unsupported(f"{uri} cannot be copied: its store sends nothing.", hint="Copy it with its own tools.")
        return _pieces(Path(uri))

    return read


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
