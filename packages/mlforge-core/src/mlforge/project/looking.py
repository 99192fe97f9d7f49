"""Looking whether something is there; in a folder that is closed nothing is, where `Path` raises `PermissionError`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether there is a file."""
    return _unless_closed(path.is_file)


def is_folder(path: Path) -> bool:
    """Whether there is a folder."""
    return _unless_closed(path.is_dir)


def is_there(path: Path) -> bool:
    """Whether there is anything."""
    return _unless_closed(path.exists)


def _unless_closed(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except OSError:
        return False
