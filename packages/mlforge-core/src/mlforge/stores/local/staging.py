"""What no reader sees: folders and files being written, and how those of dead builders are told and removed."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from mlforge.plugin.temporary import Hold, this_machine
from mlforge.stores.local import disk

PREFIX = ".staging-"
LONGEST_BUILD = 24 * 3600.0
"""After this many seconds without a sign of life, what a builder on another machine left is a leftover."""


def fresh(folder: Path) -> Path:
    """A path in a folder that nobody has and no reader looks at."""
    return folder / f"{PREFIX}{this_machine()}-{os.urandom(8).hex()}"


def is_staged(name: str) -> bool:
    """Whether `fresh` may have made this name."""
    return name.startswith(PREFIX) and name.removeprefix(PREFIX).replace("-", "").isalnum()


def sweep(folder: Path) -> None:
    """Remove what dead builders left in a folder. The caller has the folder's lock, so nobody is just beginning."""
    for path in leftovers(folder, LONGEST_BUILD):
        remove(path)


def leftovers(folder: Path, older: float) -> list[Path]:
    """What dead builders left in a folder; of those on other machines what has not changed for so many seconds."""
    found = []
    for path in sorted(folder.glob(f"{PREFIX}*")):
        with suppress(OSError):
            if _is_leftover(path, older):
                found.append(path)
    return found


def remove(path: Path) -> None:
    """Remove a folder or file; what cannot be removed stays for the next time."""
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink()


def _is_leftover(path: Path, older: float) -> bool:
    """On this machine a lock tells the living from the dead; of another machine only time does."""
    probe = Hold(path)
    taken = probe.taken
    probe.release()
    if taken is False:
        return False
    ours = path.name.startswith(f"{PREFIX}{this_machine()}-")
    return bool(ours and taken) or time.time() - _last_change(path) > older


def _last_change(path: Path) -> float:
    return max(p.stat().st_mtime for p in (path, *path.rglob("*")))


def staged_file(folder: Path, data: bytes) -> Path:
    """A new file on the disk that is yet to get its name."""
    path = fresh(folder)
    try:
        disk.write(path, data)
    except BaseException:
        remove(path)
        raise
    return path


def rename(path: Path, new: Path) -> None:
    """Give a staged file or folder its name, in place of the file that has it; readers see the old or the new."""
    path.replace(new)
    disk.sync(new.parent)
