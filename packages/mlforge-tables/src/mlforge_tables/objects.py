"""The objects of a bucket as the files that pyiceberg reads: with the bucket's own client and credentials."""

from __future__ import annotations

import io
from typing import Any

from pyiceberg.io import FileIO, InputFile, OutputFile  # type: ignore[import-not-found]

from mlforge.plugin import Found, Objects

_AT_ONCE = 1_048_576  # bytes of a request at least, where as many are left


class ObjectsIO(FileIO):  # type: ignore[misc]
    """Reads the objects of one bucket by their addresses, and writes none."""

    def __init__(self, objects: Objects, bucket: str) -> None:
        super().__init__()
        self._objects, self._bucket = objects, f"{bucket}/"

    def new_input(self, location: str) -> InputFile:
        if not location.startswith(self._bucket):
            raise FileNotFoundError(f"{location} lies in another bucket")
        return _Input(self._objects, location, location.removeprefix(self._bucket))

    def new_output(self, location: str) -> OutputFile:
        raise PermissionError(f"{location} is only read")

    def delete(self, location: str | InputFile | OutputFile) -> None:
        raise PermissionError(f"{location} is only read")


class _Input(InputFile):  # type: ignore[misc]
    def __init__(self, objects: Objects, location: str, key: str) -> None:
        super().__init__(location)
        self._objects, self._key = objects, key

    def __len__(self) -> int:
        return self._found().bytes

    def exists(self) -> bool:
        return self._objects.head(self._key) is not None

    def open(self, seekable: bool = True) -> Any:
        return io.BufferedReader(_Object(self._objects, self._found()), _AT_ONCE)

    def _found(self) -> Found:
        if (found := self._objects.head(self._key)) is None:
            raise FileNotFoundError(f"{self.location} is not there")
        return found


class _Object(io.RawIOBase):
    """An object that is read piece by piece."""

    def __init__(self, objects: Objects, found: Found) -> None:
        self._objects, self._found, self._at = objects, found, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._found.bytes}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._found.bytes - self._at)
        if length <= 0:
            return 0
        piece = self._objects.read(self._found.key, self._at, length)
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
