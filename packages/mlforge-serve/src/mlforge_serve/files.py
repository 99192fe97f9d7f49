"""Files that may change while the server runs: read again when they do."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

_log = logging.getLogger("mlforge.serve")
T = TypeVar("T")


class WatchedFiles(Generic[T]):
    """Some files that are read again whenever they change, and while they are broken.

    Args:
        files: The files.
        read: Reads them, in a thread. What it raises is logged, once.
        use: Takes what was read.
        secret: Which of the files are for their owner's eyes only.
        broken: What it means when they cannot be read.
        well: What it means when they could be, after a change.
        lose: Lets go of what was read before, where that must not go on.
    """

    def __init__(
        self, files: Sequence[Path], read: Callable[[], T], use: Callable[[T], object], secret: Path,
        broken: str, well: str, lose: Callable[[], object] = lambda: None,
    ) -> None:  # fmt: skip
        self.files, self.secret = tuple(files), secret
        self._read, self._use = read, use
        self._broken, self._well, self._lose = broken, well, lose
        self._seen: Any = None
        self.error = ""

    @property
    def up(self) -> bool:
        """Whether what is in the files now is in use."""
        return not self.error

    async def look(self) -> None:
        """Read them where they changed."""
        seen = await asyncio.to_thread(_states, self.files)
        if seen == self._seen and self.up:
            return
        try:
            found = await asyncio.to_thread(self._read)
        except Exception as error:  # noqa: BLE001 - whatever it is, the server goes on
            self._lose()
            self._complain(str(error))
        else:
            self._use(found)
            self._rejoice()
            if seen != self._seen:
                warn_of_readers(self.secret)
        self._seen = seen

    def _complain(self, error: str) -> None:
        if error != self.error:
            _log.error("%s: %s", self._broken, error)
        self.error = error

    def _rejoice(self) -> None:
        if self.error or self._seen is not None:
            _log.info(self._well)
        self.error = ""


def warn_of_readers(path: Path) -> None:
    """Say so where others than its owner may read or change a file."""
    if os.name != "posix":
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        _log.warning("others than its owner may use %s (mode %04o): chmod 600 %s", path.name, mode, path)


def _states(files: Sequence[Path]) -> tuple[object, ...]:
    """What changes when one of them does."""
    return tuple(map(_state, files))


def _state(path: Path) -> object:
    try:
        found = path.stat()
    except OSError as error:
        return error.errno
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode
