"""Reading the manifest of a folder: once a process, and again when the file is another."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path

from mlforge.model.meta import Manifest
from mlforge.plugin import layout
from mlforge.plugin.intact import TICK
from mlforge.stores.local import disk


def read_manifest(path: Path) -> Manifest | None:
    """The manifest in a file; None where there is none. Raises `Invalid` where it is damaged.

    What changed within the last two seconds is read each time, since another change may bear the same time.
    """
    with disk.reporting("Reading the store", path):
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        if time.time_ns() - max(status.st_ctime_ns, status.st_mtime_ns) < TICK:
            return _decoded.__wrapped__(path, ())
        return _decoded(path, (status.st_size, status.st_ctime_ns, status.st_mtime_ns, status.st_ino))


@lru_cache(maxsize=4)
def _decoded(path: Path, _: tuple[int, ...]) -> Manifest | None:
    try:
        return layout.decode(path.read_bytes(), Manifest, path)
    except FileNotFoundError:
        return None
