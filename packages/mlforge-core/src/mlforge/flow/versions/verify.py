"""Holding a whole store against what it recorded: data, metadata, pointers and the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec

from mlforge.errors import Conflict, Invalid, MlforgeError, NotFound, Unsupported
from mlforge.flow.progress import Progress, Tell
from mlforge.flow.versions.manifest import derive_manifest, differing, refresh_manifest
from mlforge.model.html import table
from mlforge.model.meta import Artifact, Manifest, Part
from mlforge.model.text import number_of
from mlforge.plugin.intact import verify_files
from mlforge.plugin.stores import FetchingStore, ManifestStore, Store, VerifyingStore

AT_ONCE = 8
"""How many parts are looked at at the same time."""

TRIES = 20
"""How often a feature is repaired anew because somebody else changed it meanwhile."""


class Finding(msgspec.Struct, frozen=True):
    """Something that is wrong in a store.

    Args:
        feature: Of which feature; None for what is of all of them.
        version: Of which version; None for a pointer or the manifest.
        wrong: What is wrong, and where.
        repair: What a repair does about it; None where only a copy or a new build helps.
        repaired: Whether that was done.
    """

    feature: str | None
    version: str | None
    wrong: str
    repair: str | None = None
    repaired: bool = False


class StoreReport(msgspec.Struct, frozen=True):
    """How many features, versions and data files were looked at, and what is wrong."""

    features: int
    versions: int
    files: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, or nothing is any more."""
        return all(f.repaired for f in self.findings)

    def _repr_html_(self) -> str:
        rows = [
            (
                f.feature or "–",
                f.version or "–",
                f.wrong,
                "repaired" if f.repaired else f.repair or "build or copy it anew",
            )
            for f in self.findings
        ]
        said = ", ".join(map(number_of, (self.features, self.versions, self.files), ("feature", "version", "file")))
        heads = ("feature", "version", "wrong", "repair") if rows else ("",)
        return table(heads, rows or [("Nothing is wrong.",)], caption=said)


def verify_store(store: Store, repair: bool, now: datetime, tell: Tell) -> StoreReport:
    """Read all that a store keeps and hold it against its hashes; point and derive anew what is derived, if asked.

    A repair never touches data or metadata: it points readers at the newest version that is whole where the pointer is
    damaged or names one that is not, and derives the manifest anew.

    Raises:
        PluginFailed: A store that cannot be asked.
    """
    looking = _Looking(store)
    names = store.names()
    findings: list[Finding] = []
    for name in names:
        tell(Progress(name, "verifying"))
        findings += _of_feature(looking, name, repair)
    findings += _of_manifest(store, repair, now)
    return StoreReport(len(names), len(looking.versions), len(looking.found), tuple(findings))


def _of_feature(looking: _Looking, name: str, repair: bool, tries: int = TRIES) -> list[Finding]:
    """What is wrong with a feature: all of it anew where somebody points or prunes while it is repaired."""
    found, whole = _of_versions(looking, name)
    if (told := _wrong_pointer(looking, name, whole)) is None:
        return found
    if not whole:
        return [*found, Finding(name, None, told)]
    if repair:
        try:
            looking.store.point(name, whole[-1])
        except (Conflict, NotFound):
            if tries == 1:
                raise
            return _of_feature(looking, name, repair, tries - 1)
    return [*found, Finding(name, None, told, f"point readers at {whole[-1]}, the newest that is whole", repair)]


def _of_versions(looking: _Looking, name: str) -> tuple[list[Finding], list[str]]:
    """What is wrong with the versions of a feature, and those that are whole."""
    store, found, whole = looking.store, list[Finding](), list[str]()
    for version in store.versions(name):
        looking.versions.add((name, version))
        wrong = looking.version(name, version)
        if wrong and version not in store.versions(name):
            continue  # somebody pruned it meanwhile
        found += (Finding(name, version, one) for one in wrong)
        if not wrong:
            whole.append(version)
    return found, whole


def _wrong_pointer(looking: _Looking, name: str, whole: list[str]) -> str | None:
    """What is wrong with the pointer. It may name a version that came after the others were looked at."""
    store = looking.store
    try:
        latest = store.latest(name)
        if latest in whole or (latest is not None and not looking.version(name, latest)):
            return None
        if latest != store.latest(name):
            return _wrong_pointer(looking, name, whole)
    except Invalid as error:
        return error.message
    there = store.versions(name)
    if latest is None:
        return "No pointer says which version is the latest." if there else None
    if latest not in there:
        return f"The pointer names {latest}, which is not there." if there else None
    return f"The pointer names {latest}, which is damaged."


def _of_manifest(store: Store, repair: bool, now: datetime) -> Iterator[Finding]:
    if not isinstance(store, ManifestStore):
        return
    kept, derived = _of_one_moment(store, store.read_manifest, now)
    if kept is None and not derived.features:
        return
    others = [] if kept is None else differing(kept, derived)
    if kept is not None and not others:
        return
    if repair:
        refresh_manifest(store, now, anew=True)
    told = (
        f"it says something else of {', '.join(others)} than their metadata"
        if others
        else "there is none that can be read"
    )
    yield Finding(None, None, f"The manifest is not that of the store: {told}.", "derive it anew", repair)


def _of_one_moment(
    store: Store, read: Callable[[], Manifest | None], now: datetime
) -> tuple[Manifest | None, Manifest]:
    """The manifest as it is kept, and as it is derived: both anew where it was written meanwhile."""
    kept, derived = read(), derive_manifest(store, now)
    return (kept, derived) if read() == kept else _of_one_moment(store, read, now)


class _Looking:
    """What was looked at. A file that several versions are read from is read once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.versions: set[tuple[str, str]] = set()
        self.found: dict[tuple[str, str, str], str | None] = {}

    def version(self, name: str, version: str) -> list[str]:
        """What is wrong with a version, a sentence each."""
        try:
            artifact = self.store.get(name, version)
        except (Invalid, NotFound) as error:
            return [error.message]
        ones = [_alone(artifact, part, uri) for part, uri in zip(artifact.meta.parts, artifact.uris, strict=True)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            fresh = [one for one in ones if _key(one) not in self.found]
            self.found |= zip(map(_key, fresh), pool.map(self._part, fresh), strict=True)
        return [wrong for one in ones if (wrong := self.found[_key(one)])]

    def _part(self, one: Artifact) -> str | None:
        try:
            _look(self.store, one)
        except MlforgeError as error:
            return error.message
        return None


def _alone(artifact: Artifact, part: Part, uri: str) -> Artifact:
    return Artifact(msgspec.structs.replace(artifact.meta, parts=(part,)), (uri,), artifact.options)


def _key(one: Artifact) -> tuple[str, str, str]:
    (part,) = one.meta.parts
    return one.meta.name, part.path, part.hash


def _look(store: Store, one: Artifact) -> None:
    """Hold one part against its hash, whatever the store's settings say of when to look."""
    if all(_is_file(uri) for uri in one.uris):
        verify_files(one)
    elif isinstance(store, VerifyingStore):
        store.verify(one, relied=True)
    elif isinstance(store, FetchingStore):
        verify_files(store.fetch(one))
    else:
        raise Unsupported(f"{one.uris[0]} cannot be verified: its store brings nothing here.", hint=None)


def _is_file(uri: str) -> bool:
    return "://" not in uri or uri.startswith("file://")
