"""The rows of a committed version, from the layers that it and earlier versions wrote, as a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

import duckdb

from mlforge.model.meta import Artifact
from mlforge.plugin.engine.layers import overlay, told
from mlforge_duckdb.session import Session
from mlforge_duckdb.sources import parquet_files
from mlforge_duckdb.types import has_durations, of_micros, plainly, quoted, sql_of, types_of, word

Files = tuple[str, ...]

PLACE = quoted("place of mlforge")
"""What tells a row of a version; a name of its own: its columns have any."""


def artifact_rows(artifact: Artifact, connection: duckdb.DuckDBPyConnection) -> str:
    """The rows of a committed version, of the types its metadata tells."""
    identity = artifact.meta.identity
    names = ", ".join(map(quoted, identity))
    typed = partial(_typed, cache(partial(_columns, artifact, connection)))
    last, *earlier = overlay(artifact.layers)
    rows = typed(last.rows)
    for layer in earlier:
        taken = " UNION ALL ".join(typed(files, identity) for files in layer.taken)
        kept = f"FROM ({typed(layer.rows)}) ANTI JOIN ({taken}) USING ({names})"
        rows = f"SELECT * {kept} UNION ALL BY NAME ({rows})"
    return f"SELECT * FROM ({rows}) ORDER BY {names}" if earlier else rows


def numbered_rows(artifact: Artifact, rows: str, session: Session) -> tuple[str, list[str]]:
    """The artifact's rows, a query, with what tells each of them as `PLACE`; and the tables made for it.

    The place of a row in the one file of a version is known; others are kept in a table first.
    """
    names = {name.lower() for name in artifact.meta.schema.names}
    if len(artifact.uris) == 1 and "file_row_number" not in names:
        files = parquet_files(artifact.uris, numbered=True)
        columns = _columns(artifact, session.connection, artifact.uris)
        return f"SELECT {_listed(columns)}, file_row_number AS {PLACE} FROM {files}", []
    if "rowid" in names:  # then it is that column, and no number of the row
        table = session.make(f"SELECT *, row_number() OVER () AS {PLACE} FROM ({rows})")
        return f"FROM {table}", [table]
    table = session.make(rows)
    return f"SELECT *, rowid AS {PLACE} FROM {table}", [table]


def _typed(columns_of: Callable[[Files], Mapping[str, str]], uris: Files, names: Sequence[str] | None = None) -> str:
    """All rows of some files, of some columns or all, of the types that the metadata tells."""
    return f"SELECT {_listed(columns_of(uris), names)} FROM {parquet_files(uris)}"


def _listed(columns: Mapping[str, str], names: Sequence[str] | None = None) -> str:
    return ", ".join(f"{columns[n]} AS {quoted(n)}" for n in names or columns)


def _columns(artifact: Artifact, connection: duckdb.DuckDBPyConnection, uris: Files) -> Mapping[str, str]:
    """The columns of some files, each in SQL, of the type that the metadata tells."""
    words = told(artifact.meta)
    types = types_of(connection.sql(f"FROM {parquet_files(uris)}"))
    return {n: _told(n, t, words.get(n)) for n, t in types.items()}


def _told(name: str, dtype: object, wanted: str | None) -> str:
    if wanted is None or wanted == word(dtype, name):
        return plainly(name, dtype)
    kept = duckdb.sqltype(sql_of(wanted))
    return of_micros(quoted(name), kept) if has_durations(kept) else f"CAST({quoted(name)} AS {sql_of(wanted)})"
