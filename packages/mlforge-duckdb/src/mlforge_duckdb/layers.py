"""The rows of a committed version, from the layers that it and earlier versions wrote, as a query."""

from __future__ import annotations

import duckdb

from mlforge.model.meta import Artifact
from mlforge_duckdb.sources import parquet_files
from mlforge_duckdb.types import plainly, quoted, sql_of, types_of, word


def artifact_rows(artifact: Artifact, connection: duckdb.DuckDBPyConnection) -> str:
    """The rows of a committed version, of the types its metadata tells."""
    *earlier, last = artifact.layers
    names = ", ".join(map(quoted, artifact.meta.identity))
    rows = _typed(artifact, last.rows, connection)
    taken = [_identities(artifact, files, names, connection) for files in (last.rows, last.gone) if files]
    for layer in reversed(earlier):
        kept = (
            f"FROM ({_typed(artifact, layer.rows, connection)}) ANTI JOIN ({' UNION ALL '.join(taken)}) USING ({names})"
        )
        rows = f"SELECT * {kept} UNION ALL BY NAME ({rows})"
        taken += [_identities(artifact, files, names, connection) for files in (layer.rows, layer.gone) if files]
    return f"SELECT * FROM ({rows}) ORDER BY {names}" if earlier else rows


def _identities(artifact: Artifact, uris: tuple[str, ...], names: str, connection: duckdb.DuckDBPyConnection) -> str:
    return f"SELECT {names} FROM ({_typed(artifact, uris, connection)})"


def _typed(artifact: Artifact, uris: tuple[str, ...], connection: duckdb.DuckDBPyConnection) -> str:
    files = parquet_files(uris)
    told = {c.name: c.dtype for c in artifact.meta.columns if c.dtype}
    types = types_of(connection.sql(f"FROM {files}"))
    columns = ", ".join(f"{_told(n, t, told.get(n))} AS {quoted(n)}" for n, t in types.items())
    return f"SELECT {columns} FROM {files}"


def _told(name: str, dtype: object, wanted: str | None) -> str:
    if wanted is None or wanted == word(dtype, name):
        return plainly(name, dtype)
    if wanted == "Duration":
        return f"to_microseconds({quoted(name)})"
    return f"CAST({quoted(name)} AS {sql_of(wanted)})"
