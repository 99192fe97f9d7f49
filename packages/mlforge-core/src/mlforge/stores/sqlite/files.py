"""The file beneath open connections: whether it is still the one that was opened, and what lies beside it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from time import monotonic

from mlforge.errors import PluginFailed

EVERY = 0.25
"""Seconds between two looks at the file; a look takes microseconds, and a read not many more."""
TRIES = 3
State = tuple[int, int, int, int]


class Unlocked(sqlite3.Connection):
    """A connection that no writer knows of, and waits for: it has no way to say that it reads."""


class Overwritten(Exception):
    """A file was written to beneath a connection that no writer knows of: what was read may be of two instants."""


class OpenedFile:
    """A file that connections are open to, for as long as it is at its path."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._state: State | None = None
        self._log: int | None = None
        self._next = 0.0

    @property
    def was_there(self) -> bool:
        """Whether it ever was opened."""
        return self._state is not None

    def look(self) -> State | None:
        """What is at the path now."""
        return _state(self._path)

    def remember(self, state: State | None) -> None:
        """Take what was at the path before it was opened as the file that is open."""
        self._state, self._log = state, self._log_now()

    def is_changed(self, at_once: bool = False) -> bool:
        """Whether somebody else's file may be there now, or none. It is looked at every now and then."""
        now = monotonic()
        if now < self._next and not at_once:
            return False
        self._next = now + EVERY
        if self._state is None:
            return False
        if _state(self._path) != self._state:
            return True
        self._log = self._log_now()
        return False

    def refuse_overwritten(self, connection: sqlite3.Connection) -> None:
        """Raise `Overwritten` where the file changed beneath a connection that no writer knows of."""
        if isinstance(connection, Unlocked) and self.is_changed(at_once=True):
            raise Overwritten

    def is_another(self) -> bool:
        """Whether the file is another one, not this one with other content."""
        found = _state(self._path)
        return self._state is None or found is None or found[:2] != self._state[:2]

    def refuse_gone(self) -> None:
        """Raise `PluginFailed` where it was there before."""
        if self.was_there:
            raise PluginFailed(
                f"The online store at {self._path!r} is gone: it was removed or emptied while it was in use.",
                hint="Publish again, or put a file back there.",
            )

    def refuse_old_log(self) -> None:
        """Raise `PluginFailed` where the log of the file before lies beside the one that is there now.

        SQLite would take what stands in it for changes of the new file.
        """
        log = f"{self._path}-wal"
        if self._log is not None and self._log == self._log_now() and _size(log):
            name = Path(self._path).name
            raise PluginFailed(
                f"The online store at {self._path!r} was replaced beneath the log of the file before.",
                hint=f"Remove {name}-wal and {name}-shm, which belong to that one, and replace it again.",
            )

    def refuse_torn(self, connection: sqlite3.Connection) -> None:
        """Raise `PluginFailed` where other processes still go by what they know of the file before."""
        (page,) = connection.execute("pragma page_size").fetchone()
        for _ in range(TRIES):
            before, pages = self._pages(page), connection.execute("pragma page_count").fetchone()[0]
            if before is None or before == pages or before != self._pages(page):
                return
        raise PluginFailed(
            f"The online store at {self._path!r} was replaced, and others still read the file before.",
            hint="Try again in a second; else end the processes that use it.",
        )

    def _pages(self, page: int) -> int | None:
        """How many pages of so many bytes the file has; None while changes of it are in its log.

        The file is not opened for it: to close it again would end the locks of this process's connections.
        """
        return None if _size(f"{self._path}-wal") else _size(self._path) // page

    def _log_now(self) -> int | None:
        try:
            return os.stat(f"{self._path}-wal").st_ino  # noqa: PTH116 - on the serving path
        except OSError:
            return None


def is_empty(path: str) -> bool:
    """Whether there is nothing in a file, or no file."""
    return not _size(path)


def forget_leftovers(path: str) -> None:
    """Remove the log of a file in which there is nothing: it belongs to one that was there before."""
    if is_empty(path):
        for name in (f"{path}-wal", f"{path}-shm"):
            Path(name).unlink(missing_ok=True)


def _state(path: str) -> State | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - on the serving path
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - as above
    except OSError:
        return 0
