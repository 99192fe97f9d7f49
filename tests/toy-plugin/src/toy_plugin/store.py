"""An online store in one SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from types import TracebackType
from typing import Any, Self

from mlforge.errors import PluginFailed
from mlforge.plugin import Address, Entry, decode_entry, encode_entry
from toy_plugin.plugin import ToyStore

TABLES = """
CREATE TABLE IF NOT EXISTS entries (feature, key, as_of, entry, PRIMARY KEY (feature, key));
CREATE TABLE IF NOT EXISTS notes (feature PRIMARY KEY, note);
"""
UPSERT = """INSERT INTO entries VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
SET as_of = excluded.as_of, entry = excluded.entry WHERE excluded.as_of >= as_of"""
SELECT = "SELECT entry FROM entries WHERE feature = ? AND key = ?"
OLDER = "SELECT key, entry FROM entries WHERE feature = ? AND as_of < ?"
NOTE = "SELECT note FROM notes WHERE feature = ?"
FIRST_NOTE = "INSERT INTO notes VALUES (:feature, :after) ON CONFLICT DO NOTHING"
NEXT_NOTE = "UPDATE notes SET note = :after WHERE feature = :feature AND note = :before"
BATCH = 500


class LiveToyStore:
    """The open file: one connection, which threads take in turn."""

    def __init__(self, config: ToyStore) -> None:
        self.path, self.lock = config.path, threading.Lock()
        with self._turn():
            self.db = sqlite3.connect(config.path, timeout=30, check_same_thread=False)
            try:
                self.db.executescript(TABLES)
            except sqlite3.Error:
                self.db.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.db.close()

    def write(self, entries: Iterable[Entry]) -> int:
        """Keep what is not older than what is there, a batch at a time."""
        coming, kept = iter(entries), 0
        while batch := [(e.feature, e.key, e.as_of, encode_entry(e, "msgpack")) for e in islice(coming, BATCH)]:
            kept += sum(self._changed(UPSERT, batch))
        return kept

    def read(self, addresses: Sequence[Address]) -> list[Entry | None]:
        """The entries at these addresses; one without points is gone."""
        with self._turn():
            rows = [self.db.execute(SELECT, (a.feature, a.key)).fetchone() for a in addresses]
        found = [decode_entry(r[0], a.feature, a.key) if r else None for r, a in zip(rows, addresses, strict=True)]
        return [entry if entry and entry.points else None for entry in found]

    def older(self, feature: str, as_of: int) -> Iterator[str]:
        """The keys of what was not published anew."""
        with self._turn():
            rows = self.db.execute(OLDER, (feature, as_of)).fetchall()
        found = ((key, decode_entry(entry, feature, key)) for key, entry in rows)
        return (key for key, entry in found if entry and entry.points)

    def read_note(self, feature: str) -> bytes | None:
        """What was last noted of a feature."""
        with self._turn():
            row = self.db.execute(NOTE, (feature,)).fetchone()
        return row[0] if row else None

    def swap_note(self, feature: str, before: bytes | None, after: bytes) -> bool:
        """Note it where the note is still what it was."""
        told = {"feature": feature, "before": before, "after": after}
        return sum(self._changed(FIRST_NOTE if before is None else NEXT_NOTE, [told])) == 1

    def ping(self) -> None:
        """Look at the file: an open one may be damaged all the same."""
        self.read_note("")

    def _changed(self, statement: str, rows: Iterable[Any]) -> list[int]:
        """How many rows each changed, in one transaction."""
        with self._turn(), self.db:
            return [self.db.execute(statement, row).rowcount for row in rows]

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One thread at a time; SQLite's errors are wrapped once, here."""
        with self.lock:
            try:
                yield
            except sqlite3.Error as error:
                hint = "Is it there, an SQLite file, and whole?"
                raise PluginFailed(f"The store at {self.path!r} failed: {error}.", hint=hint) from error
