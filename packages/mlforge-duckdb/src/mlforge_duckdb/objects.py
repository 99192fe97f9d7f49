"""Objects of buckets as files that DuckDB reads: it asks for the pieces it needs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile

from mlforge.plugin import Objects, Scan


class ObjectFiles(AbstractFileSystem):  # type: ignore[misc]
    """The objects of sources, by their addresses."""

    protocol = ("s3", "gs")
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, tuple[Objects, str, int]] = {}

    def know(self, scan: Scan) -> None:
        """Know the objects of a source from now on."""
        for uri, (key, facts) in zip(scan.uris, scan.state, strict=True):
            self._known[uri] = (scan.objects, key, int(facts.partition(":")[0]))

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return path

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        if path not in self._known:
            raise FileNotFoundError(path)
        return {"name": path, "size": self._known[path][2], "type": "file"}

    def modified(self, path: str) -> datetime:
        return datetime.fromtimestamp(0, UTC)

    def glob(self, path: str, **_: Any) -> list[str]:
        """The one object of that name: a source's patterns were looked up before."""
        return [path]

    def read(self, path: str, start: int, end: int) -> bytes:
        """Some bytes of an object."""
        objects, key, _ = self._known[path]
        return objects.read(key, start, end - start)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> ObjectFile:
        return ObjectFile(self, path, mode, cache_type="none")


class ObjectFile(AbstractBufferedFile):  # type: ignore[misc]
    """An object, of which no byte is kept."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        piece: bytes = self.fs.read(self.path, start, end)
        return piece
