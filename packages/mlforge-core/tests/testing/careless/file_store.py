"""An online store of two files, one of entries and one of notes, that is right, or makes one mistake."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Self

import msgspec

from mlforge.errors import PluginFailed
from mlforge.plugin import API_VERSION, Address, Entry, OnlineStoreConfig, OnlineStoreDescriptor

PROCESS = threading.RLock()


class FileStore(OnlineStoreConfig, frozen=True, tag="file"):
    """Keeps what is served in files at `path`; `mistake` names what it does wrong."""

    target: ClassVar[str] = "file_store:LiveFileStore"

    path: str
    mistake: str = ""
    seconds: int | None = None


DESCRIPTOR = OnlineStoreDescriptor(name="file", summary="Entities in a file", api=API_VERSION, config=FileStore)


class LiveFileStore:
    def __init__(self, config: FileStore) -> None:
        self.mistake = config.mistake
        self.root = Path(config.path)
        self.entries, self.notes = self.root / "entries", self.root / "notes"
        self.late: list[Entry] = []
        self.seen: dict[Address, Entry] = {}
        self.seconds, self.written = config.seconds, 0.0

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        if self.mistake == "leaves files open":
            self.file = os.open(__file__, os.O_RDONLY)
        return self

    def __exit__(self, *error: object) -> None:
        if self.late:
            self._keep(self.late)

    def write(self, entries: Iterable[Entry]) -> int:
        coming, self.written = list(entries), time.monotonic()
        if self.mistake == "written when it is closed":
            self.late += coming
            return len(coming)
        return self._keep(coming)

    def _keep(self, entries: Sequence[Entry]) -> int:
        with self._turn():
            held, kept = self._held(), 0
            for e in entries:
                if e.address not in held or held[e.address].as_of <= e.as_of:
                    held[e.address] = e
                    kept += 1
            self._replace(self.entries, msgspec.msgpack.encode(list(held.values())), "entries in place")
        return kept

    def _held(self) -> dict[Address, Entry]:
        if self.mistake == "what others write is never looked at":
            self.seen = self.seen or self._there()
            return self.seen
        return self._there()

    def _there(self) -> dict[Address, Entry]:
        data = self.entries.read_bytes() if self.entries.exists() else b"\x90"
        try:
            return {e.address: e for e in msgspec.msgpack.decode(data, type=list[Entry])}
        except msgspec.MsgspecError as error:
            raise PluginFailed(f"{self.entries} is damaged.", hint="Remove it.") from error

    def read(self, addresses: Sequence[Address]) -> list[Entry | None]:
        held = self._held() | {e.address: e for e in self.late}
        if self.seconds and time.monotonic() > self.written + self.seconds and self.mistake != "what expired is read":
            return [None] * len(addresses)
        return [found if (found := held.get(a)) and found.points else None for a in addresses]

    def lifetime(self) -> int | None:
        return self.seconds and self.seconds * 1_000_000

    def read_note(self, feature: str) -> bytes | None:
        return self.notes.read_bytes() if self.notes.exists() else None

    def swap_note(self, feature: str, before: bytes | None, after: bytes) -> bool:
        with PROCESS if self.mistake == "notes with a lock of the process" else self._turn():
            if self.read_note(feature) != before:
                return False
            if self.mistake == "notes with a lock of the process":
                time.sleep(0.01)  # what is between the look and the write takes a moment, on any machine
            self._replace(self.notes, after, "notes in place")
            return True

    def ping(self) -> None:
        self._held()

    def _replace(self, path: Path, data: bytes, mistake: str) -> None:
        aside = path if self.mistake == mistake else path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        aside.write_bytes(data)
        aside.replace(path)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One at a time, whoever writes; SQLite's lock goes with a process that dies."""
        if self.mistake == "a lock that is left behind":
            with self._file_as_lock():
                yield
        else:
            with closing(sqlite3.connect(self.root / "lock.db", timeout=60, isolation_level=None)) as lock:
                lock.execute("BEGIN IMMEDIATE")
                yield

    @contextmanager
    def _file_as_lock(self) -> Iterator[None]:
        lock, deadline = self.root / "lock", time.monotonic() + 1
        while True:
            with suppress(FileExistsError):
                lock.touch(exist_ok=False)
                break
            if time.monotonic() > deadline:
                raise PluginFailed(f"{lock} is there.", hint="Wait for whoever writes.")
            time.sleep(0.01)
        try:
            yield
        finally:
            lock.unlink()
