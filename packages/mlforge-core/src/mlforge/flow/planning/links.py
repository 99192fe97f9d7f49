"""Files that are reached by links: followed wherever they lead, and each read once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from mlforge.errors import Invalid
from mlforge.plugin.engine.partitions import told


def below(folder: Path, name: str) -> Iterator[Path]:
    """Every file below a folder of the source `name` that is not hidden; links are followed, and loops of them end.

    Raises:
        Invalid: A folder that is closed.
    """

    def refuse(error: OSError) -> None:
        raise Invalid(
            f"The source {name!r} cannot be looked at: {error.filename}: {error.strerror}.",
            hint="Check that you may read there, or name the files by a glob that leaves it out.",
        ) from error

    seen = {_which(folder)}
    for at, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        inside = {_which(Path(at, each)): each for each in sorted(folders, reverse=True) if _is_shown(each)}
        folders[:] = [each for which, each in inside.items() if which not in seen]
        seen |= inside.keys()
        yield from (Path(at, file) for file in files if _is_shown(file))


def each_once(files: Sequence[Path], name: str) -> list[Path]:
    """The files without those that are another of them under the name of a link; the shortest way stays.

    A file that lies in two folders which tell different columns stands for the rows of both.

    Raises:
        Invalid: A link that leads nowhere.
    """
    real = lru_cache(maxsize=None)(os.path.realpath)
    found: dict[tuple[object, ...], Path] = {}
    for file in sorted(files, key=lambda file: len(file.parts)):
        is_link = file.is_symlink()
        place = os.path.realpath(file) if is_link else str(Path(real(file.parent), file.name))
        if is_link and not Path(place).exists():
            raise Invalid(
                f"The source {name!r} has a link that leads nowhere: {file}.",
                hint="Remove the link, or bring back what it leads to.",
            )
        found.setdefault((place, *told(file).items()), file)
    kept = set(found.values())
    return [file for file in files if file in kept]


def _which(folder: Path) -> tuple[object, ...]:
    """What makes a folder another: where it really is, and the columns that its path tells."""
    return os.path.realpath(folder), *told(folder / "file").items()


def _is_shown(name: str) -> bool:
    return not name.startswith((".", "_"))
