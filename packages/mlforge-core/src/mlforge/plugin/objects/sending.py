"""Files on their way to a bucket, and who is told how far they are."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

Taken = Callable[[int], object]
"""Is given the number of bytes of each piece that is taken to be sent."""

Tell = Callable[[int, int], object]
"""Is given how many bytes were sent so far, and how many there are."""


def nobody(_: int) -> None:
    """Tell nobody."""


class Sending(io.FileIO):
    """A file that tells of each piece which is read of it.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> told, path = [], Path(tempfile.mkdtemp()) / "rows"
        >>> _ = path.write_bytes(b"0123456789")
        >>> with Sending(path, told.append) as file:
        ...     file.read(4), file.read(), told
        (b'0123', b'456789', [4, 6])
    """

    def __init__(self, path: Path, taken: Taken) -> None:
        super().__init__(path)
        self._taken = taken

    def read(self, size: int | None = -1) -> bytes:
        """Up to so many bytes."""
        piece = super().read(-1 if size is None else size)
        if piece:
            self._taken(len(piece))
        return piece or b""


class Tally:
    """What all that is on the way comes to, for one who is told of it while there is one."""

    def __init__(self) -> None:
        self._tell: Tell | None = None
        self._sent = self._total = 0
        self._turn = Lock()

    @contextmanager
    def told_to(self, tell: Tell) -> Iterator[None]:
        """Tell of what is sent in the `with`."""
        self._tell = tell
        try:
            yield
        finally:
            self._tell = None

    def begin(self, total: int) -> None:
        """So many bytes are to be sent from now on."""
        self._sent, self._total = 0, total

    def taken(self, size: int) -> None:
        """So many more are on the way; what is sent again counts once."""
        if self._tell is None:
            return
        with self._turn:
            self._sent = min(self._sent + size, self._total)
            self._tell(self._sent, self._total)
