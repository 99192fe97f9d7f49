"""A folder of an fsspec filesystem as a bucket."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from fsspec.core import url_to_fs

from mlforge.errors import PluginFailed
from mlforge.plugin.objects.bucket import Held, Listed, gone
from mlforge.plugin.objects.sending import Sending, Taken, nobody
from mlforge.plugin.objects.store import LiveObjectStore
from toy_bucket.plugin import FsspecStore

PIECE = 1024 * 1024
LOCK, NEXT = ".lock", ".next"
MEMORY = Lock()


def open_store(config: FsspecStore) -> LiveObjectStore:
    """The live store: all that is not here follows from the nine requests."""
    return LiveObjectStore(MemoryBucket(config) if config.url.startswith("memory:") else FolderBucket(config))


class FsspecBucket:
    """What `Bucket` asks for, on any filesystem that adds how writers take turns and how an object is replaced."""

    def __init__(self, config: FsspecStore) -> None:
        self.where = config.url.rstrip("/")
        with told(self.where):
            self.files, self.root = url_to_fs(self.where)
            if self.files.exists(self.root) and not self.files.isdir(self.root):
                raise NotADirectoryError(0, "it is no folder")

    def turn(self) -> AbstractContextManager[None]:
        """One writer at a time, whoever else writes here; a writer that dies gives its turn back."""
        raise NotImplementedError

    def replace(self, path: str, data: bytes) -> None:
        """Write an object so that a reader sees the old one or the new one. It is the writer's turn."""
        raise NotImplementedError

    def read(self, key: str) -> Held | None:
        with told(self.where):
            try:
                data = self.files.cat_file(self._path(key))
            except FileNotFoundError:
                return None
        return Held(data, hashlib.sha256(data).hexdigest())

    def create(self, key: str, data: bytes) -> bool:
        return self._written(key, data, None)

    def swap(self, key: str, data: bytes, tag: str) -> bool:
        return self._written(key, data, tag)

    def _written(self, key: str, data: bytes, expected: str | None) -> bool:
        with told(self.where), self.turn():
            held = self.read(key)
            if (held.tag if held else None) != expected:
                return False
            self._replace(key, data)
            return True

    def put(self, key: str, data: bytes) -> None:
        with told(self.where), self.turn():
            self._replace(key, data)

    def _replace(self, key: str, data: bytes) -> None:
        self.replace(self._made(key), data)

    def list(self, below: str) -> Iterator[Listed]:
        folder = self._path(below)
        with told(self.where):
            found = self.files.find(folder, detail=True) if self.files.isdir(folder) else {}
        for path, info in found.items():
            if (key := path.removeprefix(f"{self.root}/")) not in (LOCK, NEXT):
                yield Listed(key, info["size"], info.get("mtime", info["created"]))

    def folders(self) -> Sequence[str]:
        with told(self.where):
            found = self.files.ls(self.root, detail=True) if self.files.isdir(self.root) else []
            paths = [one["name"] for one in found if one["type"] == "directory"]
            return [path.rpartition("/")[2] for path in paths if any(files for *_, files in self.files.walk(path))]

    def delete(self, keys: Sequence[str]) -> None:
        with told(self.where), self.turn():
            for key in keys:
                with suppress(FileNotFoundError):
                    self.files.rm_file(self._path(key))

    def upload(self, path: Path, key: str, taken: Taken = nobody) -> None:
        with told(self.where), Sending(path, taken) as file, self.files.open(self._made(key), "wb") as copy:
            shutil.copyfileobj(file, copy, PIECE)  # no turn: nobody else has this name, and nobody reads it yet

    def chunks(self, key: str) -> Iterator[bytes] | None:
        path = self._path(key)
        with told(self.where):
            return self._pieces(path, self.files.size(path)) if self.files.isfile(path) else None

    def _pieces(self, path: str, size: int) -> Iterator[bytes]:
        for start in range(0, size, PIECE):
            with told(self.where):
                try:
                    piece = self.files.cat_file(path, start, min(start + PIECE, size))
                except FileNotFoundError:
                    raise gone(path) from None
            yield piece

    def options(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """Nothing is open."""

    def _path(self, key: str) -> str:
        return f"{self.root}/{key}".rstrip("/")

    def _made(self, key: str) -> str:
        """Where an object is, in a folder that is there."""
        path = self._path(key)
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        return path


class FolderBucket(FsspecBucket):
    """On disk: an exclusive lock of the kernel's, and a file that is whole before it has its name."""

    def __init__(self, config: FsspecStore) -> None:
        super().__init__(config)
        self.where = self.root  # engines read plain paths as they are

    @contextmanager
    def turn(self) -> Iterator[None]:
        with Path(self._made(LOCK)).open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def replace(self, path: str, data: bytes) -> None:
        written = self._path(NEXT)  # always this one: what a dead writer left of it, the next overwrites
        self.files.pipe_file(written, data)
        Path(written).replace(path)


class MemoryBucket(FsspecBucket):
    """In memory, which one process has: a lock of its own, and objects that are there at once."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        with MEMORY:
            yield

    def replace(self, path: str, data: bytes) -> None:
        self.files.pipe_file(path, data)


@contextmanager
def told(where: str) -> Iterator[None]:
    """A filesystem's error is wrapped once, here."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise PluginFailed(
            f"The store at {where} failed: {reason}.", hint="Is it a folder, may you write to it, and has it room?"
        ) from error
