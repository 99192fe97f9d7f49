"""Entries and notes in two tables. Readers never wait for a writer, nor a writer for readers (write-ahead log)."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from mlforge.errors import PluginFailed
from mlforge.plugin import Address, Entry
from mlforge.stores.sqlite.connections import (
    UNSEALED,
    Readers,
    close_writer,
    connect_to_read,
    connect_to_write,
    decoded,
    encoded,
    told,
    transaction,
)
from mlforge.stores.sqlite.files import TRIES, OpenedFile, Overwritten

if TYPE_CHECKING:
    from mlforge.stores.sqlite.plugin import SQLiteOnlineStore

T = TypeVar("T")
BATCH = 5000
PAGE = 10_000
MONTH = 30 * 86_400_000_000
READ = "select data from entries where feature = ? and key = ?"
UPSERT = """
insert into entries values (?, ?, ?, ?)
on conflict do update set as_of = excluded.as_of, data = excluded.data
where excluded.as_of >= written_as_of(feature, key, data)
"""
"""The entry itself decides, which has a checksum; `as_of` beside it is where to look, and may be damaged."""
OLDER = """
select key from entries where feature = :feature and key > :last and typeof(data) = 'blob'
and (as_of < :as_of or substr(data, 9, 8) <> :written) and written_as_of(feature, key, data) < :as_of
order by key limit :page
"""
"""What was just written tells so by its first bytes, and is not read to its end."""
FORGET = """
delete from entries where feature = :feature and typeof(data) = 'text' and as_of < :as_of
and written_as_of(feature, key, data) < :as_of
"""
NOTE = "insert into notes values (?, ?) on conflict do update set note = excluded.note"


class LiveSQLiteOnlineStore:
    """One writing connection, and as many reading ones as there are readers at once."""

    def __init__(self, config: SQLiteOnlineStore) -> None:
        self.path = config.path
        self.timeout = float(config.timeout)
        self._file = OpenedFile(config.path)
        self._readers = Readers()
        self._leaving: list[Readers] = []
        self._writer: sqlite3.Connection | None = None
        self._is_cut_off = False
        self._turn = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._turn:
            self._readers.close()
            if self._writer is not None:
                close_writer(self._writer)
                self._writer = None

    def write(self, entries: Iterable[Entry]) -> int:
        given, kept = iter(entries), 0
        while batch := list(islice(given, BATCH)):
            kept += self._write(batch)
        return kept

    def _write(self, batch: list[Entry]) -> int:
        ordered = sorted(batch, key=lambda e: (e.feature, e.key))  # neighbours in the index, so that fewer pages change
        rows = [(e.feature, e.key, e.as_of, encoded(e)) for e in ordered]
        with self._writing() as connection:
            kept = connection.executemany(UPSERT, rows).rowcount
            newest = {e.feature: e.as_of for e in sorted(batch, key=lambda e: e.as_of) if not e.points}
            connection.executemany(FORGET, [{"feature": f, "as_of": as_of - MONTH} for f, as_of in newest.items()])
        return kept

    def read(self, addresses: Sequence[Address]) -> list[Entry | None]:
        if not addresses:
            return []
        rows = self._ask(lambda connection: _rows(connection, addresses))
        if rows is None:
            return [None] * len(addresses)
        found = [row and decoded(row[0], a.feature, a.key) for row, a in zip(rows, addresses, strict=True)]
        return [entry if entry and entry.points else None for entry in found]

    def older(self, feature: str, as_of: int) -> Iterator[str]:
        last: str | None = ""
        asked = {"feature": feature, "as_of": as_of, "written": as_of.to_bytes(8, signed=True), "page": PAGE}
        while last is not None:
            page = asked | {"last": last}
            rows = self._ask(lambda connection: connection.execute(OLDER, page).fetchall()) or []  # noqa: B023 - at once
            yield from (key for (key,) in rows)
            last = rows[-1][0] if rows else None

    def read_note(self, feature: str) -> bytes | None:
        return self._ask(lambda connection: self._note(connection, feature))

    def swap_note(self, feature: str, before: bytes | None, after: bytes) -> bool:
        with self._writing() as connection:
            if self._note(connection, feature) != before:
                return False
            connection.execute(NOTE, (feature, after))
            return True

    def ping(self) -> None:
        self._ask(lambda connection: connection.execute("select 1 from notes").fetchone(), at_once=True)

    def _note(self, connection: sqlite3.Connection, feature: str) -> bytes | None:
        row = connection.execute("select note from notes where feature = ?", (feature,)).fetchone()
        return row and (row[0] if isinstance(row[0], bytes) else b"")  # b"": damaged, as the note's reader will see

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._turn, told(self.path):
            if self._file.is_changed(at_once=True):
                self._renew()
            if self._is_cut_off:
                self._is_cut_off = False
                raise PluginFailed(
                    f"The online store at {self.path!r} was replaced while it was written to.", hint="Publish again."
                )
            if self._writer is None:
                self._writer = self._opened_to_write()
            with transaction(self._writer) as connection:
                yield connection

    def _ask(self, question: Callable[[sqlite3.Connection], T], at_once: bool = False) -> T | None:
        """The answer to a question, asked again where the file changed beneath it; None before the first publish."""
        for _ in range(TRIES):
            try:
                with self._reading(at_once) as connection:
                    return None if connection is None else question(connection)
            except Overwritten:
                at_once = True
        raise PluginFailed(f"The online store at {self.path!r} is being written again and again.", hint="Try again.")

    @contextmanager
    def _reading(self, at_once: bool = False) -> Iterator[sqlite3.Connection | None]:
        """A connection nobody else uses meanwhile, at one instant of the file; None before the first publish."""
        with told(self.path):
            if self._file.is_changed(at_once):
                self._renew()
            readers = self._readers
            try:
                connection: sqlite3.Connection | None = readers.idle.pop()
            except IndexError:
                readers, connection = self._opened_to_read()
            if connection is None:
                yield None
                return
            try:
                with transaction(connection, "deferred"):
                    yield connection
                self._file.refuse_overwritten(connection)
            except BaseException:
                self._drop(readers, connection)
                self._file.refuse_overwritten(connection)
                raise
            readers.idle.append(connection)
            if readers is not self._readers:
                self._close(readers)

    def _renew(self) -> None:
        """Let go of all connections to a file that changed beneath them, and of what they know of it."""
        with self._turn:
            if not self._file.is_changed(at_once=True):
                return
            self._leaving = [one for one in (*self._leaving, self._readers) if one.open]
            self._readers = Readers()
            for one in self._leaving:
                one.close()
            if self._writer is not None and self._file.is_another():
                self._writer.close()
                self._writer, self._is_cut_off = None, True
            if self._file.look() is not None:
                self._leave()

    def _leave(self) -> None:
        """Go on with the file that is there now, where nothing of the one before can mix with it."""
        if self._file.is_another():
            if any(one.open for one in self._leaving):  # one process must not have two files by one name open
                raise PluginFailed(
                    f"The online store at {self.path!r} was replaced, and is being read.", hint="Try again."
                )
            self._file.refuse_old_log()
        state = self._file.look()
        connection = connect_to_read(self.path, self.timeout)
        if connection is not None:
            self._readers.open += 1
            try:
                self._file.refuse_torn(connection)
            except BaseException:
                self._drop(self._readers, connection)
                raise
            self._readers.idle.append(connection)
            self._file.remember(state)

    def _opened_to_read(self) -> tuple[Readers, sqlite3.Connection | None]:
        with self._turn:
            if self._file.was_there and self._file.is_changed(at_once=True):
                self._renew()
            if self._readers.idle:
                return self._readers, self._readers.idle.pop()
            state = self._file.look()
            connection = connect_to_read(self.path, self.timeout)
            if connection is None:
                self._file.refuse_gone()
            else:
                self._readers.open += 1
                if not self._file.was_there:
                    self._file.remember(state)
            return self._readers, connection

    def _opened_to_write(self) -> sqlite3.Connection:
        connection = connect_to_write(self.path, self.timeout)
        if not self._file.was_there or self._file.is_another():
            self._file.remember(self._file.look())
        return connection

    def _drop(self, readers: Readers, connection: sqlite3.Connection) -> None:
        with self._turn:
            connection.close()
            readers.open -= 1

    def _close(self, readers: Readers) -> None:
        with self._turn:
            readers.close()


def _rows(connection: sqlite3.Connection, addresses: Sequence[Address]) -> list[tuple[object] | None]:
    """What stands in `data` for some addresses; None where nothing does."""
    execute = connection.cursor().execute  # one for all: making one takes as long as reading an entry
    rows = [execute(READ, (a.feature, a.key)).fetchone() for a in addresses]
    if (None,) in rows and connection.execute("pragma user_version").fetchone() == (UNSEALED,):
        rows = [row if row != (None,) else None for row in rows]
    return rows
