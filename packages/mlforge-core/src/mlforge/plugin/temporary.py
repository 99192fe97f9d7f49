"""Folders for what passes: each goes with its process, and what a process that was killed left goes with the next.

Their owners live as long as they hold a lock on them, which the operating system ends with the process.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":

    def _seize(_fd: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Folders have no locks here")

else:
    import fcntl

    def _seize(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Hold:
    """A mark on a folder that its owner lives, which ends with the owner's process at the latest.

    `taken` says whether it could be made: False where somebody else has it, None where folders have no locks.
    """

    __slots__ = ("_fd", "taken")

    def __init__(self, path: Path) -> None:
        self._fd: int | None = None
        self.taken: bool | None = None
        try:
            self._fd = os.open(path, os.O_RDONLY)
            _seize(self._fd)
            self.taken = True
        except BlockingIOError:
            self.taken = False
        except OSError:
            self.taken = None

    def release(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)  # no unlocking: a forked child shares the lock, and must not end it

    __del__ = release


class TemporaryFolder:
    """A new folder for temporary files, gone after `cleanup`, or with its process; making one sweeps as `sweep` does.

    A child that is forked may use it, and does not take it away.

    Example:
        >>> folder = TemporaryFolder("example")
        >>> (folder.path / "rows").write_bytes(b"1")
        1
        >>> folder.cleanup()
        >>> folder.path.exists()
        False
    """

    def __init__(self, purpose: str, place: str | Path | None = None) -> None:
        sweep(place)
        self.path, hold = _held(f"{_ours()}{purpose}-", place)
        self._end = weakref.finalize(self, _remove, self.path, hold, os.getpid())

    def cleanup(self) -> None:
        """Remove it with all in it."""
        self._end()


def sweep(place: str | Path | None = None) -> None:
    """Remove the temporary folders that killed processes left: on this machine, by this user, where nobody lives.

    What is somebody else's, or may be in use, stays, and so does what cannot be removed.

    Example:
        >>> sweep()
    """
    with suppress(OSError):
        for path in Path(place or tempfile.gettempdir()).glob(f"{_ours()}*"):
            if _is_mine(path):
                _sweep_one(path)


def this_machine() -> str:
    """What tells this machine, since it was started, from others that see the same folder.

    Example:
        >>> len(this_machine())
        8
    """
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        name = platform.node()
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:8]


def _ours() -> str:
    return f"mlforge-{this_machine()}-"


def _held(prefix: str, place: str | Path | None) -> tuple[Path, Hold]:
    """A new folder and the hold on it, which no sweep came before."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        hold = Hold(path)
        if hold.taken is not False and path.exists():
            return path, hold
        hold.release()


def _is_mine(path: Path) -> bool:
    with suppress(OSError):
        return path.lstat().st_uid == getattr(os, "geteuid", int)() and path.is_dir() and not path.is_symlink()
    return False


def _sweep_one(path: Path) -> None:
    hold = Hold(path)
    if hold.taken:
        shutil.rmtree(path, ignore_errors=True)
    hold.release()


def _remove(folder: Path, hold: Hold, process: int) -> None:
    if os.getpid() == process:  # a forked child ends without taking its parent's away
        shutil.rmtree(folder, ignore_errors=True)
    hold.release()
