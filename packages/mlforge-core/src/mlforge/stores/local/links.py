"""The end of a store: what lies behind a symbolic link below its folder belongs to somebody else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mlforge.errors import Invalid

is_junction: Callable[[str | Path], bool] = getattr(os.path, "isjunction", lambda _: False)
"""Whether a path is a folder of Windows that leads elsewhere; never on other systems, and before Python 3.12."""


def is_link(path: str | Path) -> bool:
    """Whether a path leads elsewhere by itself."""
    return os.path.islink(path) or is_junction(path)  # noqa: PTH114 - pathlib's raises where one may not look


def inside(root: Path, path: Path) -> Path:
    """A path below a store's folder. Raises `Invalid` where a part of it is a link; the folder itself may be one."""
    place, whole = os.fspath(root).rstrip(os.sep), os.fspath(path)  # of thousands of features, pathlib's parts are slow
    if whole != place and not whole.startswith(place + os.sep):
        raise ValueError(f"{path} is not below {root}")
    for part in whole[len(place) :].split(os.sep):  # noqa: PTH206 - as above
        if not part:
            continue
        place = f"{place}{os.sep}{part}"
        if is_link(place):
            raise Invalid(
                f"{place} is a symbolic link, and nothing behind one belongs to the store.",
                hint="Put the files themselves there. To keep a store elsewhere, link to the whole of it.",
            )
    return path


def files(folder: Path) -> list[Path]:
    """The files below a folder, and the links as what they are, sorted."""
    found = (Path(place, name) for place, folders, names in os.walk(folder) for name in (*names, *folders))
    return sorted(p for p in found if is_link(p) or not p.is_dir())
