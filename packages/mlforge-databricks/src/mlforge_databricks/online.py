"""The live online store: entries and notes in two tables of a Lakebase database."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from mlforge.errors import PluginFailed
from mlforge.plugin import Address, Entry, decode_entry, encode_entry
from mlforge_databricks.client import Workspace
from mlforge_databricks.lakebase import Lakebase
from mlforge_databricks.login import Login
from mlforge_databricks.plugin import DatabricksOnlineStore

BATCH = 1000
PAGE = 5000
"""How many keys of older entries are listed at a time."""
MONTH = 30 * 86_400_000_000
"""For so many microseconds of `as_of` it is kept that an entity is gone."""
_MAKE = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {entries} (
    feature text COLLATE "C", key text COLLATE "C", as_of bigint NOT NULL, lives boolean NOT NULL,
    entry bytea NOT NULL, PRIMARY KEY (feature, key)
);
CREATE INDEX IF NOT EXISTS mlforge_gone ON {entries} (feature, as_of) WHERE NOT lives;
CREATE TABLE IF NOT EXISTS {notes} (feature text COLLATE "C" PRIMARY KEY, note bytea NOT NULL);
"""
_UNNOTE = "DELETE FROM {notes}"
"""Without the entries of which they tell, notes are wrong: a publish would write what has changed, and no more."""
_WRITE = """
INSERT INTO {entries} AS kept (feature, key, as_of, lives, entry)
SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::boolean[], %s::bytea[])
ON CONFLICT (feature, key) DO UPDATE SET as_of = excluded.as_of, lives = excluded.lives, entry = excluded.entry
WHERE kept.as_of <= excluded.as_of
"""
_READ = """
SELECT entry FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS asked (feature, key, place)
LEFT JOIN {entries} AS kept ON kept.feature = asked.feature AND kept.key = asked.key AND kept.lives ORDER BY place
"""
_OLDER = """
SELECT key FROM {entries} WHERE feature = %s AND as_of < %s AND lives AND key > %s ORDER BY key LIMIT %s
"""
_FORGET = """
DELETE FROM {entries} AS kept USING (
    SELECT feature, key FROM {entries} WHERE feature = %s AND as_of < %s AND NOT lives LIMIT %s FOR UPDATE SKIP LOCKED
) AS gone WHERE kept.feature = gone.feature AND kept.key = gone.key
"""
"""It waits for nobody, so of two publishers none waits for it while it does."""
_log = logging.getLogger("mlforge.databricks")


def open_online_store(config: DatabricksOnlineStore) -> LiveDatabricksOnlineStore:
    """The store. Nothing is asked of Databricks yet."""
    return LiveDatabricksOnlineStore(config)


class LiveDatabricksOnlineStore:
    """Its methods are those of `OnlineStore` and `Listing`. One statement decides which of two entries stays."""

    def __init__(self, config: DatabricksOnlineStore) -> None:
        self._workspace = Workspace(config)
        self._database = Lakebase(Login(config, self._workspace), config.connections, config.timeout)
        schema = sql.Identifier(config.place)
        tables = {name: sql.Identifier(config.place, f"mlforge_{name}") for name in ("entries", "notes")}
        self._names: dict[str, sql.Identifier] = tables | {"schema": schema}
        self._is_made = False
        self._forgotten: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._database.close()
        self._workspace.close()

    def _run(self, statement: Any, *values: Any) -> psycopg.Cursor[Any]:
        with self._database.connection() as connection:
            if not self._is_made:
                self._make(connection)
            try:
                return connection.cursor(binary=True).execute(sql.SQL(statement).format(**self._names), values)
            except psycopg.errors.UndefinedTable:
                self._is_made = False  # whoever asks next makes it anew
                raise

    def _make(self, connection: psycopg.Connection[Any]) -> None:
        """Make the tables where one is missing. Of several who do so at once, PostgreSQL may refuse all but one."""
        if not all(self._there(connection)):
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(hashtext('mlforge'))")
                has_entries, _ = self._there(connection)
                connection.execute(sql.SQL(_MAKE).format(**self._names))
                if not has_entries:
                    connection.execute(sql.SQL(_UNNOTE).format(**self._names))
        self._is_made = True

    def _there(self, connection: psycopg.Connection[Any]) -> tuple[bool, bool]:
        """Whether there is a table of entries, and one of notes."""
        names = [self._names[name].as_string(connection) for name in ("entries", "notes")]
        found = connection.execute("SELECT to_regclass(%s) IS NOT NULL, to_regclass(%s) IS NOT NULL", names)
        return found.fetchone() or (False, False)

    def write(self, entries: Iterable[Entry]) -> int:
        coming, kept = iter(entries), 0
        while batch := list(islice(coming, BATCH)):
            kept += self._write(batch)
        return kept

    def _write(self, batch: list[Entry]) -> int:
        newest: dict[Address, Entry] = {}
        for entry in batch:
            there = newest.get(entry.address)
            if there is None or there.as_of <= entry.as_of:
                newest[entry.address] = entry
        # in one order, so that of two publishers none waits for what the other has
        rows = sorted(newest.values(), key=lambda entry: entry.address.key)
        columns = (
            [entry.feature for entry in rows], [entry.key for entry in rows], [entry.as_of for entry in rows],
            [bool(entry.points) for entry in rows], [encode_entry(entry) for entry in rows],
        )  # fmt: skip
        kept = self._run(_WRITE, *columns).rowcount
        for feature, as_of in {e.feature: e.as_of for e in sorted(rows, key=lambda entry: entry.as_of)}.items():
            if as_of > self._forgotten.get(feature, as_of - 1):
                self._forgotten[feature] = as_of
                self._forget(feature, as_of - MONTH)
        return kept

    def _forget(self, feature: str, before: int) -> None:
        """Remove what tells that somebody was gone before an instant. It may wait for the next publish."""
        try:
            while self._run(_FORGET, feature, before, PAGE).rowcount == PAGE:
                pass
        except PluginFailed as error:
            _log.info("Who is gone for a month from %s is kept: %s", feature, error)

    def read(self, addresses: Sequence[Address]) -> list[Entry | None]:
        if not addresses:
            return []
        asked = [one.feature for one in addresses], [one.key for one in addresses]
        found = self._run(_READ, *asked).fetchall()
        pairs = zip(addresses, found, strict=True)
        return [None if data is None else decode_entry(data, one.feature, one.key) for one, (data,) in pairs]

    def older(self, feature: str, as_of: int) -> Iterator[str]:
        last = ""
        while page := self._run(_OLDER, feature, as_of, last, PAGE).fetchall():
            yield from (key for (key,) in page)
            last = page[-1][0]

    def read_note(self, feature: str) -> bytes | None:
        found = self._run("SELECT note FROM {notes} WHERE feature = %s", feature).fetchone()
        return None if found is None else bytes(found[0])

    def swap_note(self, feature: str, before: bytes | None, after: bytes) -> bool:
        if before is None:
            made = "INSERT INTO {notes} VALUES (%s, %s) ON CONFLICT DO NOTHING"
            return self._run(made, feature, after).rowcount == 1
        swapped = "UPDATE {notes} SET note = %s WHERE feature = %s AND note = %s"
        return self._run(swapped, after, feature, before).rowcount == 1

    def ping(self) -> None:
        with self._database.connection() as connection:
            connection.execute("SELECT 1")
