"""Data files held against the hashes that were recorded when they were committed."""

from __future__ import annotations

import hashlib
import os
import time
from functools import lru_cache
from pathlib import Path

from mlforge.errors import PluginFailed
from mlforge.model.meta import Artifact, FeatureMeta, Part
from mlforge.plugin import layout
from mlforge.plugin.stores import Store, VerifyingStore

TICK = 2_000_000_000
"""Nanoseconds within which two changes of a file may bear one time."""


def verify(store: Store, artifact: Artifact, *, relied: bool) -> Artifact:
    """The version, if its data is what was committed, where the store is to look at all.

    Args:
        store: Where it is from. One that is no `VerifyingStore` has its files looked at where something relies on them.
        artifact: The version.
        relied: Whether something that stays relies on the data: a lock, a replay, a publish, an increment.

    Raises:
        Invalid: Data that is not what was committed.
        NotFound: Data that is gone.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     verify(store, store.get("user_spend", "1.0.0"), relied=True).meta.version
        '1.0.0'
    """
    if isinstance(store, VerifyingStore):
        store.verify(artifact, relied)
    elif relied:
        verify_files(artifact)
    return artifact


def verify_files(artifact: Artifact, now: int | None = None) -> None:
    """Raise where a data file of a version is not the one that was committed.

    A file is read once a process, and again when its size or its time of change is another. Addresses that are no files
    of this machine are passed over: their store is a `VerifyingStore`.

    Args:
        artifact: The version.
        now: The present instant in nanoseconds since the Unix epoch; None for the clock's. What changed within the
            last two seconds is read again the next time, since another change may bear the same time.

    Raises:
        Invalid: Bytes of another hash.
        NotFound: A file that is gone.
        PluginFailed: A file that cannot be read.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     verify_files(store.get("user_spend", "1.0.0"))
    """
    if not artifact.meta.parts:  # nothing was recorded of them
        return
    present = time.time_ns() if now is None else now
    pairs = zip(artifact.meta.parts, artifact.uris, strict=True)
    files = [(part, path) for part, uri in pairs if (path := _path(uri)) is not None and not path.is_dir()]
    if len(files) < 2:
        for part, path in files:
            _verify_file(artifact.meta, part, path, present)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(len(files), (os.cpu_count() or 1) + 1)) as pool:
        for done in [pool.submit(_verify_file, artifact.meta, part, path, present) for part, path in files]:
            done.result()


def looked_at() -> int:
    """How many files this process has read to the end and found as they were committed, and need not read again."""
    return _found.cache_info().misses


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _path(uri: str) -> Path | None:
    if uri.startswith("file://"):
        from urllib.request import url2pathname

        return Path(url2pathname(uri.removeprefix("file://")))
    return None if "://" in uri else Path(uri)


def _verify_file(meta: FeatureMeta, part: Part, path: Path, now: int) -> None:
    try:
        is_whole = _is_whole(path, part, now)
    except FileNotFoundError:
        raise layout.gone(path, meta) from None
    except OSError as error:
        raise PluginFailed(
            f"Reading {meta.name} {meta.version} failed at {path}: {error.strerror or error}.",
            hint="Check that you may read there, and the disk.",
        ) from error
    if not is_whole:
        raise layout.damaged(path, meta, part)


def _is_whole(path: Path, part: Part, now: int) -> bool:
    status = path.stat()
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    if now - changed < TICK:
        return sha256_of(path) == part.hash
    try:
        return _found(path, part.hash, (status.st_size, changed, status.st_mtime_ns, status.st_ino))
    except _Differs:
        return False


class _Differs(Exception):
    """Not remembered, unlike what is as it was: a file may be restored with its times."""


@lru_cache(maxsize=65_536)
def _found(path: Path, expected: str, _: tuple[int, ...]) -> bool:
    if sha256_of(path) != expected:
        raise _Differs
    return True
