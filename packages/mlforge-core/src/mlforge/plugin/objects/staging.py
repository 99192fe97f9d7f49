"""Files of this machine on the way to a bucket, gone when the store is closed; and copies of what is in one."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

from mlforge.errors import PluginFailed
from mlforge.plugin.temporary import TemporaryFolder


class Staging:
    """A folder of this machine, made when something is first put there."""

    def __init__(self) -> None:
        self._folder: TemporaryFolder | None = None

    @property
    def root(self) -> Path:
        if self._folder is None:
            with reporting("Making a folder for what is on the way"):
                self._folder = TemporaryFolder("staging")
        return self._folder.path

    def fresh(self) -> Path:
        """A new folder with a name that nobody else has, wherever it runs."""
        folder = self.root / os.urandom(8).hex()
        with reporting("Making a folder for what is written"):
            folder.mkdir()
        return folder

    def close(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()


def fetched(key: str, content: str) -> Path:
    """Where this process has, or is to have, a copy of an object with this content (a hash)."""
    folder = hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()
    with _MAKING:  # parts are fetched at the same time, and a cache may ask twice for what it has not yet
        copies = _copies(os.getpid()).path
    return copies / folder / key.rsplit("/", 1)[-1]


_MAKING = Lock()


@cache
def _copies(_process: int) -> TemporaryFolder:
    """The folder of a process for copies: frames that are read late outlive the store that brought them."""
    with reporting("Making a folder for copies"):
        return TemporaryFolder("copies")


def write(path: Path, chunks: Iterable[bytes]) -> str:
    """Write a file and say its SHA-256. It has its name only when it is whole."""
    digest, part = hashlib.sha256(), path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    with reporting(f"Bringing {path.name} to this machine"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
        part.replace(path)
    return digest.hexdigest()


def data_files(staged: Path) -> dict[str, Path]:
    """The data files in a staging folder, by their names in it. Hidden ones and those with `_` first are no data."""
    with reporting("Reading what was written"):
        paths = {p.relative_to(staged).as_posix(): p for p in sorted(staged.rglob("*")) if p.is_file()}
    return {n: p for n, p in paths.items() if not any(part[0] in "._" for part in n.split("/"))}


@contextmanager
def reporting(doing: str) -> Iterator[None]:
    """Tell what this machine's disk refuses as `PluginFailed`."""
    try:
        yield
    except OSError as error:
        place = error.filename or tempfile.gettempdir()
        raise PluginFailed(
            f"{doing} failed at {place}: {error.strerror or error}.",
            hint="Make room there, or set TMPDIR to a folder that has it: the store itself is untouched.",
        ) from error
