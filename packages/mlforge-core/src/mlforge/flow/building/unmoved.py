"""Files of a source that somebody writes, replaces or removes while they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlforge.errors import Conflict
from mlforge.plugin.engine.frames import Scan


@contextmanager
def unmoved(scan: Scan) -> Iterator[None]:
    """Raise `Conflict` where a file of this machine is another after it was read, whatever came of the reading.

    Rows of both would stand side by side, under the fingerprint of the first.
    """
    before = _facts(scan)
    try:
        yield
    except Exception as error:
        _refuse_moved(scan, before, error)
        raise
    _refuse_moved(scan, before, None)


def _refuse_moved(scan: Scan, before: list[tuple[int, int] | None], cause: Exception | None) -> None:
    files = zip(scan.uris, before, _facts(scan), strict=False)
    if uri := next((uri for uri, was, now in files if was != now), None):
        raise Conflict(
            f"Source {scan.name!r}: {uri} changed while it was read.",
            hint="Build again when it has been written; new rows in new files disturb no build.",
        ) from cause


def _facts(scan: Scan) -> list[tuple[int, int] | None]:
    """The size and the time of change of each file; none of what is told by other means."""
    return [] if scan.rows is not None or scan.objects is not None else [_fact(Path(uri)) for uri in scan.uris]


def _fact(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
