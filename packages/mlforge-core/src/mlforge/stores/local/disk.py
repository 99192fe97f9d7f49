"""Files that outlive a crash: synced, locked, hashed; and one error for whatever a disk may answer."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlforge.errors import PluginFailed
from mlforge.plugin.intact import sha256_of

_HINTS = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "Make room and try again: what was committed is untouched."
    ),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "Check that you may read and write there."),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ELOOP), "Something else is in the way: move it."),
    **dict.fromkeys(
        (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP), "If this file system has no locks, keep the store on another."
    ),
}
_OTHERWISE = "What was committed is untouched: see to the disk, then try again."


class reporting:  # noqa: N801 - it is called like the function that it could be, in a third of its time
    """Tell whatever the operating system refuses as `PluginFailed`."""

    __slots__ = ("_doing", "_where")

    def __init__(self, doing: str, where: Path) -> None:
        self._doing, self._where = doing, where

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        if isinstance(error, OSError):
            place, reason = error.filename or self._where, error.strerror or error
            hint = _HINTS.get(error.errno or 0, _OTHERWISE)
            raise PluginFailed(f"{self._doing} failed at {place}: {reason}.", hint=hint) from error


def sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    if sys.platform == "win32" and path.is_dir():
        return
    fd = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # network file systems that sync no folders say so with EINVAL
            raise
    finally:
        os.close(fd)


def sync_folders(folder: Path) -> None:
    """Wait until the names in a folder and all below it are on the disk."""
    for path in [*(p for p in folder.rglob("*") if p.is_dir()), folder]:
        sync(path)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they outlive a crash."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync(path.parent)


def write(path: Path, data: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def digests(files: Sequence[Path]) -> list[str]:
    """The SHA-256 of each file, once all of them are on the disk. Syncing and hashing run at the same time."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=(os.cpu_count() or 1) + 1) as pool:
        synced = [pool.submit(sync, f) for f in files]
        hashes = list(pool.map(sha256_of, files))
        for waiting in synced:
            waiting.result()
    return hashes


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until nobody else has the lock at `path`, and have it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        _lock(fd)
        try:
            yield
        finally:
            _unlock(fd)  # closing would not do while a child that was forked meanwhile lives
    finally:
        os.close(fd)


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        while True:
            try:
                return msvcrt.locking(fd, msvcrt.LK_LOCK, 1)
            except OSError as error:  # it gives up after ten seconds
                if error.errno != errno.EDEADLK:
                    raise

    def _unlock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX)

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)
