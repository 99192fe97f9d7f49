"""Putting a catalog into its folder: all of it or nothing, and in place of nothing but a catalog."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import msgspec

from mlforge.errors import Conflict, PluginFailed
from mlforge.plugin.hints import disk_hint

MARK = ".mlforge-catalog"
"""The file that says that a folder is a catalog and may be made anew, and which files are the catalog's."""
_HEAD = "A catalog of mlforge: `mlforge catalog` makes this folder anew. Its files, as a JSON string a line:"
_LEFT_BY_FILE_MANAGERS = {".DS_Store", "Thumbs.db", "desktop.ini"}


def put(out: Path, files: Iterable[tuple[str, str]]) -> int:
    """Write the files into a folder, in place of the catalog that was there. How many there are.

    Raises:
        Conflict: Something else is there, or a file in the catalog that is none of its own. It is left as it is.
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
            f"The catalog cannot be written to {out}: {error}.", hint=disk_hint(error, "Choose another: --out.")
        ) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return count


def _refuse_others(target: Path, shown: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise Conflict(f"{shown} is no folder.", hint=f"Name another: mlforge catalog --out {_free()}")
    if target.is_dir() and any(target.iterdir()) and not (target / MARK).is_file():
        raise Conflict(
            f"{shown} has something in it that is no catalog.",
            hint=f"Name a new folder: mlforge catalog --out {_free()}",
        )
    if strange := _strange(target):
        raise Conflict(
            f"{shown} has {', '.join(map(repr, strange[:3]))} in it, which the catalog did not make and would remove.",
            hint=f"Move that elsewhere, or make the catalog anew and copy it there: mlforge catalog --out {_free()}",
        )


def _free() -> str:
    """The name of a folder that is not there."""
    return next(name for name in ("site", "catalog", f"catalog_{secrets.token_hex(2)}") if not Path(name).exists())


def _strange(target: Path) -> list[str]:
    """What lies in a catalog and is not its own. A mark of an earlier mlforge does not say what is."""
    try:
        head, *lines = (target / MARK).read_text(encoding="utf-8").rstrip("\n").split("\n")
        own = {str(msgspec.json.decode(line)) for line in lines} if head == _HEAD else None
    except (OSError, ValueError):
        own = None
    if own is None:
        return []
    folders = {str(parent) for path in own for parent in PurePosixPath(path).parents}
    return sorted(_others(target, "", own, folders))


def _others(folder: Path, above: str, own: set[str], folders: set[str]) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = f"{above}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _others(Path(entry.path), f"{path}/", own, folders) if path in folders else (f"{path}/",)
            elif path not in own and entry.name not in {MARK, *_LEFT_BY_FILE_MANAGERS}:
                yield path


def _write(folder: Path, files: Iterable[tuple[str, str]]) -> int:
    own, made = list[str](), set()
    for path, text in files:
        parent, _, name = path.rpartition("/")
        if parent not in made:
            (folder / parent).mkdir(parents=True, exist_ok=True)
            made.add(parent)
        with open(f"{folder}/{parent}/{name}", "wb") as file:  # noqa: PTH123 - thousands of files, quicker than by Path
            file.write(text.encode(errors="backslashreplace"))
        own.append(path)
    said = [_HEAD.encode(), *map(msgspec.json.encode, own), b""]
    (folder / MARK).write_bytes(b"\n".join(said))
    return len(own)


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
