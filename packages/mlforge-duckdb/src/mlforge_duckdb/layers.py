"""The rows of a committed version, from the layers that it and earlier versions wrote, as a query."""

from __future__ import annotations

import duckdb

from mlforge.model.meta import Artifact
from mlforge.plugin.engine.layers import overlay, told
from mlforge_duckdb.session import Session
from mlforge_duckdb.sources import parquet_files
from mlforge_duckdb.types import has_durations, of_micros, plainly, quoted, sql_of, types_of, word

PLACE = quoted("place of mlforge")
"""What tells a row of a version; a name of its own: its columns have any."""


def artifact_rows(artifact: Artifact, connection: duckdb.DuckDBPyConnection) -> str:
    """The rows of a committed version, of the types its metadata tells."""
    names = ", ".join(map(quoted, artifact.meta.identity))
    last, *earlier = overlay(artifact.layers)
    rows = _typed(artifact, last.rows, connection)
    for layer in earlier:
        taken = " UNION ALL ".join(f"SELECT {names} FROM ({_typed(artifact, t, connection)})" for t in layer.taken)
        kept = f"FROM ({_typed(artifact, layer.rows, connection)}) ANTI JOIN ({taken}) USING ({names})"
        rows = f"SELECT * {kept} UNION ALL BY NAME ({rows})"
    return f"SELECT * FROM ({rows}) ORDER BY {names}" if earlier else rows


def numbered_rows(artifact: Artifact, rows: str, session: Session) -> tuple[str, list[str]]:
    """The artifact's rows, a query, with what tells each of them as `PLACE`; and the tables made for it.

    The place of a row in the one file of a version is known; others are kept in a table first.
    """
    names = {name.lower() for name in artifact.meta.schema.names}
    if len(artifact.uris) == 1 and "file_row_number" not in names:
        files = parquet_files(artifact.uris, numbered=True)
        columns = _types(artifact, artifact.uris, session.connection)
        return f"SELECT {columns}, file_row_number AS {PLACE} FROM {files}", []
    if "rowid" in names:  # then it is that column, and no number of the row
        table = session.make(f"SELECT *, row_number() OVER () AS {PLACE} FROM ({rows})")
        return f"FROM {table}", [table]
    table = session.make(rows)
    return f"SELECT *, rowid AS {PLACE} FROM {table}", [table]


def _typed(artifact: Artifact, uris: tuple[str, ...], connection: duckdb.DuckDBPyConnection) -> str:
    return f"SELECT {_types(artifact, uris, connection)} FROM {parquet_files(uris)}"


def _types(artifact: Artifact, uris: tuple[str, ...], connection: duckdb.DuckDBPyConnection) -> str:
    """All columns of some files, of the types that the metadata tells."""
    words = told(artifact.meta)
    types = types_of(connection.sql(f"FROM {parquet_files(uris)}"))
    return ", ".join(f"{_told(n, t, words.get(n))} AS {quoted(n)}" for n, t in types.items())


def _told(name: str, dtype: object, wanted: str | None) -> str:
    if wanted is None or wanted == word(dtype, name):
        return plainly(name, dtype)
    kept = duckdb.sqltype(sql_of(wanted))
    return of_micros(quoted(name), kept) if has_durations(kept) else f"CAST({quoted(name)} AS {sql_of(wanted)})"
