"""An online store in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self

import msgspec

from mlforge.errors import PluginFailed
from mlforge.plugin import Address, Entry, Point
from toy_plugin.plugin import ToyStore

TABLE = "CREATE TABLE IF NOT EXISTS entries (feature, key, as_of, entry, PRIMARY KEY (feature, key))"
UPSERT = """INSERT INTO entries VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
SET as_of = excluded.as_of, entry = excluded.entry WHERE excluded.as_of >= as_of"""
SELECT = "SELECT entry FROM entries WHERE feature = ? AND key = ?"
READ = {"datetime": datetime.fromisoformat, "date": date.fromisoformat}


class LiveToyStore:
    """The open file."""

    def __init__(self, config: ToyStore) -> None:
        try:
            self.db = sqlite3.connect(config.path)
            self.db.execute(TABLE)
        except sqlite3.Error as error:
            raise PluginFailed(f"{config.path!r} does not open: {error}.", hint="Check the path.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.db.close()

    def write(self, entries: Iterable[Entry]) -> int:
        """Keep what is not older than what is there."""
        with self.db:
            return sum(self.db.execute(UPSERT, (e.feature, e.key, e.as_of, packed(e))).rowcount for e in entries)

    def read(self, addresses: Sequence[Address]) -> list[Entry | None]:
        """The entries at these addresses."""
        found = (self.db.execute(SELECT, (a.feature, a.key)).fetchone() for a in addresses)
        return [unpacked(row[0]) if row else None for row in found]


def packed(entry: Entry) -> bytes:
    """An entry as bytes; MessagePack keeps all types but dates and times."""
    points = [(p.stamp, {name: tagged(v) for name, v in p.values.items()}) for p in entry.points]
    return msgspec.msgpack.encode((entry.feature, entry.key, entry.version, entry.as_of, points))


def unpacked(data: bytes) -> Entry:
    """The inverse of `packed`."""
    feature, key, version, as_of, points = msgspec.msgpack.decode(data)
    read = (Point(stamp, {name: untagged(v) for name, v in values.items()}) for stamp, values in points)
    return Entry(feature, key, version, as_of, tuple(read))


def tagged(value: Any) -> Any:
    """A value that MessagePack gives back as it was: dates and times under their name."""
    if isinstance(value, list):
        return [tagged(v) for v in value]
    return {type(value).__name__: value.isoformat()} if isinstance(value, date) else value


def untagged(value: Any) -> Any:
    """The inverse of `tagged`."""
    if isinstance(value, list):
        return [untagged(v) for v in value]
    return next(READ[name](text) for name, text in value.items()) if isinstance(value, dict) else value
