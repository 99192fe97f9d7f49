"""Putting a catalog into its folder: all of it or nothing, and in place of nothing but a catalog."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from mlforge.errors import Conflict, PluginFailed

MARK = ".mlforge-catalog"
"""The file that says that a folder is a catalog and may be made anew."""


def put(out: Path, files: Iterable[tuple[str, str]]) -> int:
    """Write the files into a folder, in place of the catalog that was there. How many there are.

    Raises:
        Conflict: Something else is there. It is left as it is.
        PluginFailed: The folder cannot be written. What was there is there.
    """
    target = out.absolute()
    _refuse_others(target, out)
    staged = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        count = _write(staged, files)
        _swap(staged, target)
    except OSError as error:
        raise PluginFailed(
            f"The catalog cannot be written to {out}: {error}.", hint="Choose another: --out."
        ) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return count


def _refuse_others(target: Path, shown: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise Conflict(f"{shown} is no folder.", hint="Name another: --out site")
    if target.is_dir() and any(target.iterdir()) and not (target / MARK).is_file():
        raise Conflict(
            f"{shown} has something in it that is no catalog.", hint="Name a new folder: mlforge catalog --out site"
        )


def _write(folder: Path, files: Iterable[tuple[str, str]]) -> int:
    count, made = 0, set()
    for path, text in files:
        parent, _, name = path.rpartition("/")
        if parent not in made:
            (folder / parent).mkdir(parents=True, exist_ok=True)
            made.add(parent)
        with open(f"{folder}/{parent}/{name}", "wb") as file:  # noqa: PTH123 - thousands of files, quicker than by Path
            file.write(text.encode(errors="backslashreplace"))
        count += 1
    (folder / MARK).write_text("A catalog of mlforge: `mlforge catalog` makes this folder anew.\n", encoding="utf-8")
    return count


def _swap(staged: Path, target: Path) -> None:
    """Put the new folder in the old one's place; the old one comes back where that fails."""
    old = staged.with_name(f"{staged.name}.old")
    there = target.exists()
    if there:
        target.replace(old)
    try:
        staged.replace(target)
    except OSError:
        if there:
            old.replace(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
