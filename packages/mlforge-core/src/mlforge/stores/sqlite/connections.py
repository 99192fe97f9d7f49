"""Connections to one SQLite file, and its errors in mlforge's words.

An entry's `data` is a blob, a tombstone's is text. In layout 1 a tombstone had none, so that nobody could tell it from
an entry that lost its own.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlforge.errors import PluginFailed
from mlforge.plugin import Entry, decode_entry, encode_entry
from mlforge.stores.sqlite.files import Unlocked, forget_leftovers, is_empty

APPLICATION = 0x6D6C666F
LAYOUT = 2
UNSEALED = 1
TABLES = """
drop index if exists tombstones;
create table if not exists entries (
    feature text not null, key text not null, as_of integer not null, data blob, primary key (feature, key)
);
create index tombstones on entries (feature, as_of) where typeof(data) = 'text';
create table if not exists notes (feature text primary key, note blob not null) without rowid;
update entries set data = tombstone(feature, key, as_of) where data is null;
"""


class Readers:
    """Connections to one file that nobody uses now, and how many there are with those that are in use."""

    def __init__(self) -> None:
        self.idle: deque[sqlite3.Connection] = deque()
        self.open = 0

    def close(self) -> None:
        """Close those that nobody uses."""
        while self.idle:
            self.idle.pop().close()
            self.open -= 1


def connect_to_write(path: str, timeout: float) -> sqlite3.Connection:
    """A connection that makes the file and its tables where they are not there."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(f"file:{quote(path)}", timeout)
    try:
        if is_empty(path):
            with transaction(connection, "exclusive"):  # or the log could be that of another who makes the file now
                forget_leftovers(path)
        connection.create_function("tombstone", 3, _tombstone, deterministic=True)
        _prepare(connection, path, timeout)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: str, timeout: float) -> sqlite3.Connection | None:
    """A connection that changes nothing; None while there is nothing to read."""
    if not os.path.exists(path):  # noqa: PTH110 - on the serving path, and three times as fast
        return None
    if _is_unshared(path):
        connection = _connect(f"file:{quote(path)}?mode=ro&immutable=1", timeout, Unlocked)
    else:
        connection = _connect(f"file:{quote(path)}?mode=ro", timeout)
    try:
        made = layout_of(connection, path)
    except BaseException:
        connection.close()
        raise
    if made:
        return connection
    connection.close()
    return None


def close_writer(connection: sqlite3.Connection) -> None:
    """Bring what was written into the file itself, where no reader is in the way, and close it."""
    try:
        connection.execute("pragma busy_timeout=1000")
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    except sqlite3.Error:  # it is in the log, and safe
        pass
    finally:
        connection.close()


@contextmanager
def told(path: str) -> Iterator[None]:
    """SQLite's and the system's errors, in mlforge's words."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeError) as error:  # a damaged file's own text may be no text
        raise PluginFailed(
            f"The online store at {path!r} does not answer: {error}.", hint=_hint(error, path)
        ) from error


def _connect(uri: str, timeout: float, kind: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, timeout=timeout, isolation_level=None, check_same_thread=False, uri=True, factory=kind
    )
    connection.create_function("written_as_of", 3, _written_as_of, deterministic=True)
    return connection


def _is_unshared(path: str) -> bool:
    """Whether there are no notes that readers make for each other, and none can be made."""
    log, notes = Path(f"{path}-wal"), Path(f"{path}-shm")
    return not os.access(Path(path).parent, os.W_OK) and not (
        log.exists() and (notes.exists() or not is_empty(str(log)))
    )


def encoded(entry: Entry) -> bytes | str:
    """What stands in `data`."""
    return encode_entry(entry) if entry.points else encode_entry(entry, "json").decode()


def decoded(data: object, feature: str, key: str) -> Entry | None:
    """The entry or tombstone that stands in `data`; None for a damaged one."""
    if isinstance(data, bytes):
        return decode_entry(data, feature, key)
    return decode_entry(data.encode() if isinstance(data, str) else b"", feature, key)


def layout_of(connection: sqlite3.Connection, path: str) -> int:
    """The layout of the file's tables, 0 before there are any.

    Raises `PluginFailed` for another program's file, or a later mlforge's.
    """
    with transaction(connection, "deferred"):  # another may be making it: all of it is read, or nothing
        (layout,) = connection.execute("pragma user_version").fetchone()
        (application,) = connection.execute("pragma application_id").fetchone()
        (tables,) = connection.execute("select count(*) from sqlite_master").fetchone()
    if application != APPLICATION and (tables or layout or application):
        raise PluginFailed(
            f"The file {path!r} is another program's database.", hint="Give the online store a path of its own."
        )
    if layout > LAYOUT:
        raise PluginFailed(
            f"The online store at {path!r} has the layout {layout}, which is not known here.",
            hint="Upgrade mlforge, or publish to another path.",
        )
    return int(layout)


def _prepare(connection: sqlite3.Connection, path: str, timeout: float) -> None:
    if layout_of(connection, path) < LAYOUT:
        _keep_a_log(connection, timeout)
        with transaction(connection):
            for statement in TABLES.strip().split(";\n"):
                connection.execute(statement)
            connection.execute(f"pragma application_id={APPLICATION}")
            connection.execute(f"pragma user_version={LAYOUT}")
    for setting in ("synchronous=normal", "cache_size=-65536", "wal_autocheckpoint=10000"):
        connection.execute(f"pragma {setting}")


def _keep_a_log(connection: sqlite3.Connection, timeout: float) -> None:
    """Let readers and a writer be in the file at once. SQLite itself does not wait for its turn at this."""
    until = time.monotonic() + timeout
    while True:
        try:
            connection.execute("pragma journal_mode=wal")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(0.01)


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "immediate") -> Iterator[sqlite3.Connection]:
    """All or nothing; `immediate` for writing, where the turn is waited for at the beginning."""
    connection.execute(f"begin {kind}")
    try:
        yield connection
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _written_as_of(feature: Any, key: Any, data: Any) -> int:
    """An entry's own `as_of`; that of a damaged one is before all others."""
    entry = decoded(data, feature, key)
    return -(2**63) if entry is None else entry.as_of


def _tombstone(feature: Any, key: Any, as_of: Any) -> bytes | str:
    return encoded(Entry(feature, key, "", as_of))


def _hint(error: Exception, path: str) -> str:
    code = "SQLITE_CORRUPT" if isinstance(error, UnicodeError) else getattr(error, "sqlite_errorname", "")
    if code.startswith("SQLITE_CANTOPEN") and not is_empty(f"{path}-wal"):
        return (
            f"Changes stand in {path}-wal, which are read where SQLite may write beside it: copy both to such a place."
        )
    hints = {
        "SQLITE_BUSY": "Another process is writing for longer than the store's timeout: try again, or raise it.",
        "SQLITE_FULL": "The disk is full: make room and publish again.",
        "SQLITE_IOERR_SHM": "Make room on its disk: SQLite needs some beside the file, to read it, too.",
        "SQLITE_NOTADB": "The file is no SQLite database: give the online store a path of its own.",
        "SQLITE_CORRUPT": "The file is damaged: remove it and publish again.",
        "SQLITE_READONLY": "The file may not be written: check its permissions.",
    }
    found = next((hint for name, hint in hints.items() if code.startswith(name)), None)
    return found or "Check the path, its permissions and the room on its disk."
