"""What an offline store does. The docstrings are the contract; `mlforge.testing` holds stores to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Literal, Protocol, runtime_checkable

import msgspec

from mlforge.model.meta import Artifact, FeatureMeta, Manifest, Part, Target
from mlforge.plugin.live import Live

Verify = Literal["always", "relied", "never"]
"""When data is held against the hashes that were recorded: before every reading, before something that stays relies on
it (a lock, a replay, a publish, an increment), or never."""


class Store(Live, Protocol):
    """Keeps versions. Nothing is visible before `commit`, which is atomic; metadata comes before the pointer.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     store.names(), store.versions("user_spend"), store.latest("user_spend")
        (['last_purchase', 'user_spend'], ['1.0.0'], '1.0.0')
    """

    def names(self) -> list[str]:
        """The features that have a committed version, sorted."""

    def versions(self, name: str) -> list[str]:
        """The committed versions of a feature in version order: 1.10.0 after 1.9.0. Empty for an unknown name."""

    def latest(self, name: str) -> str | None:
        """The version the pointer names; None where there is none. Raises `Invalid` for a damaged pointer."""

    def begin(self, name: str, format: str) -> Target:
        """An address to write a new version of `name` to, which no reader sees.

        Raises `Unsupported` for a format the store does not keep, `Invalid` for a name that is no plain word or begins
        with `_` or `.`, `PluginFailed` where it cannot write.
        """

    def commit(self, target: Target, meta: FeatureMeta, expected: str | None) -> FeatureMeta:
        """Make what was written to `target` the version `meta.version`, and point at it.

        `expected` is what `latest` was when the version was decided. Returns the metadata with `content_hash` and
        `parts` filled in: those it has already, which versions that are there wrote, then those of the target. Raises
        `Conflict`, changing nothing, where the version exists or `latest` is not `expected` any more: the same target
        may then be committed again, as another version.
        """

    def abort(self, target: Target) -> None:
        """Forget what was written. Never raises for a target that is gone; one that was committed stays."""

    def get(self, name: str, version: str) -> Artifact:
        """A committed version. Raises `NotFound`, or `Invalid` where its metadata is damaged."""

    def point(self, name: str, version: str) -> None:
        """Make an existing version the latest. Raises `NotFound`."""


class Pruned(msgspec.Struct, frozen=True):
    """The versions that were removed, and how many bytes that freed.

    Example:
        >>> _ = defs.build("user_spend", force=True)
        >>> pruned = defs.prune("user_spend", keep=1)
        >>> pruned.versions, pruned.bytes > 0
        (('1.0.0',), True)
    """

    versions: tuple[str, ...]
    bytes: int


@runtime_checkable
class PruningStore(Protocol):
    """A store that removes old versions.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     isinstance(store, PruningStore), store.prune("user_spend", keep=1).versions
        (True, ())
    """

    def prune(self, name: str, keep: int) -> Pruned:
        """Remove all versions but the newest `keep` and the latest, and the data that no version is read from.

        Data of a removed version that a newer one is read from stays until that one goes. Raises `NotFound`, and
        `Invalid` where the metadata of a version that stays is damaged: nothing is removed then.
        """


class Leftover(msgspec.Struct, frozen=True):
    """What a dead build left: where it is, and how many bytes it has.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     store.collect(older=3600.0, dry_run=True)
        []
    """

    where: str
    bytes: int


@runtime_checkable
class CollectingStore(Protocol):
    """A store that removes what dead builds left, and what died while it removed versions.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     isinstance(store, CollectingStore)
        True
    """

    def collect(self, older: float, dry_run: bool) -> list[Leftover]:
        """Remove what is no part of any version and of no build that lives; with `dry_run` only say what it is.

        Where nothing tells the living from the dead but time, what changed within the last `older` seconds stays. In a
        feature with damaged metadata, of which nobody knows what it names, nothing goes that it might name.
        """


@runtime_checkable
class ReceivingStore(Protocol):
    """A store that takes versions as another store has them, for copies.

    Example:
        >>> from pathlib import Path
        >>> with mlf.LocalStore("feature_store").open() as store, mlf.LocalStore("copy").open() as copy:
        ...     version = store.get("user_spend", "1.0.0")
        ...     copy.receive(version.meta, lambda part: [Path(version.uris[0]).read_bytes()])
        ...     copy.get("user_spend", "1.0.0").meta == version.meta, copy.latest("user_spend")
        (True, None)
    """

    def receive(self, meta: FeatureMeta, read: Callable[[Part], Iterable[bytes]]) -> None:
        """Keep a version with just this metadata, its parts by their paths. The pointer stays as it is.

        `read` gives a part's bytes; it is asked for those alone that are not there. A version that is there with just
        this metadata is left alone. Nothing of the version is visible before all of it is there. Raises `Conflict`
        where another is there by that number, or other data by a part's path, and `Invalid` for bytes that have not the
        part's hash; neither changes anything.
        """


@runtime_checkable
class SendingStore(Protocol):
    """A store whose addresses are no files, for copies of what it keeps.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     isinstance(store, SendingStore)
        False
    """

    def send(self, meta: FeatureMeta, part: Part) -> Iterator[bytes]:
        """The bytes of a part, however many, piece by piece. Raises `NotFound` for data that is gone."""


@runtime_checkable
class UploadingStore(Protocol):
    """A store whose commits send data away, and tell how far they are.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     isinstance(store, UploadingStore)
        False
    """

    def uploading(self, tell: Callable[[int, int], object]) -> AbstractContextManager[None]:
        """While in the `with`, tell of each piece how many bytes of a commit were sent so far, and how many there are.

        It is told from several threads, one after the other.
        """


@runtime_checkable
class VerifyingStore(Protocol):
    """A store that holds data against its hashes by itself, because its users say when or its data is in no files.

    Of any other store the files are looked at where something relies on them: `mlforge.plugin.verify_files`.

    Example:
        >>> with mlf.LocalStore("feature_store", verify="always").open() as store:
        ...     store.verify(store.get("user_spend", "1.0.0"), relied=False)
    """

    def verify(self, artifact: Artifact, relied: bool) -> None:
        """Raise `Invalid` where data of a version is not what was committed, as its parts' hashes tell.

        `relied` says whether something that stays relies on it: a lock, a replay, a publish, an increment; otherwise it
        is only read. Raises `NotFound` for data that is gone.
        """


@runtime_checkable
class FetchingStore(Protocol):
    """A store whose addresses are no files of this machine, for engines that read nothing else.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     isinstance(store, FetchingStore)
        False
    """

    def fetch(self, artifact: Artifact) -> Artifact:
        """The version in files of this machine, which are there until the process ends: frames may read them late.

        Raises `NotFound` for data that is gone, and `Invalid` where it is not what was committed.
        """


@runtime_checkable
class PointersStore(Protocol):
    """A store that reads all pointers at once, as each request takes its time. Lists are made from its manifest.

    What reads may be called from several threads.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     isinstance(store, PointersStore)
        False
    """

    def pointers(self) -> dict[str, str | None]:
        """The version that each pointer names; None for a damaged one, and where there may be versions and is none.

        How many requests that takes does not depend on how many versions there are.
        """


@runtime_checkable
class ManifestStore(Protocol):
    """A store that keeps the manifest. One that does not has it derived at every reading.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     isinstance(store, ManifestStore), sorted(store.read_manifest().features)
        (True, ['last_purchase', 'user_spend'])
    """

    def read_manifest(self) -> Manifest | None:
        """The manifest as last written; None where there is none or it is damaged."""

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest, atomically."""


@runtime_checkable
class DirectStore(Protocol):
    """A store that lets engines write where it is itself, so that no row comes to this machine.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     isinstance(store, DirectStore)
        False
    """

    def direct(self, target: Target) -> Target | None:
        """The same target at addresses of the store that no reader sees; None where it has to come by this machine.

        It is given back to `commit` or `abort` in the place of the other, with the `files` that the engine says it
        wrote. A commit raises `Conflict` where one of them is gone.
        """
