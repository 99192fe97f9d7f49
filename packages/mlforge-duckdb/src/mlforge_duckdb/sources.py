"""Reading a source: Parquet late, CSV looked through once, so that no row is lost or emptied in silence."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import polars as pl

from mlforge.errors import Invalid, MlforgeError, PluginFailed, Unsupported
from mlforge.model.source import CSVFormat, ParquetFormat, format_name
from mlforge.plugin import Scan
from mlforge.plugin.engine.edge import reason
from mlforge_duckdb.csvfile import CSVFile
from mlforge_duckdb.edge import BROKEN
from mlforge_duckdb.session import Session, asked
from mlforge_duckdb.types import quoted, text, types_of


def open_source(scan: Scan, session: Session) -> duckdb.DuckDBPyRelation:
    """The rows of a source.

    Raises:
        Invalid: A file that is not there, does not parse or differs from the others, naming it.
        Unsupported: A format that is not read.
    """
    if not scan.uris:
        raise Invalid(f"Source {scan.name!r} has no files.", hint="Look at its path.")
    match scan.format:
        case ParquetFormat():
            return _parquet(scan, session)
        case CSVFormat():
            return _csv(scan, scan.format, session)
        case _:
            raise Unsupported(
                f"The DuckDB engine does not read {format_name(scan.format)}, the format of source {scan.name!r}.",
                hint="Write it as Parquet, or choose another engine.",
            )


def parquet_files(uris: tuple[str, ...], *, numbered: bool = False) -> str:
    """Parquet files as a table in SQL; a path with wildcards is a pattern only where no file has that name.

    `numbered` brings `file_row_number`.
    """
    paths = (re.sub(r"([\[*?])", r"[\1]", uri) if Path(uri).is_file() else uri for uri in uris)
    options = f"hive_partitioning = false, union_by_name = false{', file_row_number = true' if numbered else ''}"
    return f"read_parquet([{', '.join(map(text, paths))}], {options})"


def blame(scan: Scan, session: Session) -> MlforgeError | None:
    """Which Parquet file of a source cannot be read to its end, if one cannot."""
    if not isinstance(scan.format, ParquetFormat):
        return None
    for uri in scan.uris:
        try:
            relation = session.connection.sql(f"FROM {parquet_files((uri,))}")
            every = ", ".join(f"max({quoted(n)}) IS NULL" for n in relation.columns)
            asked(relation, f"SELECT {every} FROM frame").fetchall()
        except (*BROKEN, OSError) as broken:
            return unreadable(scan, uri, broken)
    return None


def unreadable(scan: Scan, uri: str, error: BaseException) -> MlforgeError:
    """The error for a file that is missing, empty or no file of its format."""
    local = "://" not in uri
    if isinstance(error, FileNotFoundError) or (local and not set(uri) & set("*?[") and not Path(uri).exists()):
        return Invalid(f"Source {scan.name!r}: there is no file {uri}.", hint="Look at the source's path.")
    if isinstance(error, OSError):
        return PluginFailed(f"Source {scan.name!r}: {uri} cannot be read: {reason(error)}", hint="See the cause.")
    if Path(uri).is_file() and Path(uri).stat().st_size == 0:
        return Invalid(f"Source {scan.name!r}: {uri} is empty (0 bytes).", hint="Write it again, or leave it out.")
    name = format_name(scan.format)
    return Invalid(f"Source {scan.name!r}: {uri} cannot be read as {name}: {reason(error)}", hint="Write it again.")


def _parquet(scan: Scan, session: Session) -> duckdb.DuckDBPyRelation:
    first: dict[str, str] | None = None
    for uri in scan.uris:
        try:
            found = types_of(session.connection.sql(f"FROM {parquet_files((uri,))}"))
        except (*BROKEN, OSError) as error:
            raise unreadable(scan, uri, error) from error
        schema = {name: str(dtype) for name, dtype in found.items()}
        first = first or schema
        if schema != first:
            raise _different(scan, uri, schema, first)
    return session.connection.sql(f"FROM {parquet_files(scan.uris)}")


def _different(scan: Scan, uri: str, schema: dict[str, str], first: dict[str, str]) -> Invalid:
    changes = [f"no {n!r}" for n in first if n not in schema] + [f"a new {n!r}" for n in schema if n not in first]
    changes += [f"{n!r} as {schema[n]}, not {t}" for n, t in first.items() if n in schema and schema[n] != t]
    return Invalid(
        f"Source {scan.name!r}: {uri} has other columns than {scan.uris[0]}: {', '.join(changes) or 'another order'}.",
        hint="The files of a source have the same columns. Mend this one, or make two sources.",
    )


def _csv(scan: Scan, form: CSVFormat, session: Session) -> duckdb.DuckDBPyRelation:
    """The rows, by way of a Parquet file, which is written in batches."""
    files = [_csv_file(scan, form, uri) for uri in scan.uris]
    agreed = files[0].schema
    for file in files:
        types = {name: _agreed(dtype, file.schema.get(name)) for name, dtype in agreed.items()}
        agreed = {name: dtype for name, dtype in types.items() if dtype is not None}
        if len(agreed) < len(types) or len(agreed) < len(file.schema):
            raise _different(scan, file.uri, _shown(file.schema), _shown(files[0].schema))
    path = session.folder / f"{session.fresh('csv')}.parquet"
    pl.concat([file.rows(agreed) for file in files]).sink_parquet(path, compression="lz4")
    return session.connection.sql(f"FROM {parquet_files((str(path),))}")


def _shown(schema: dict[str, pl.DataType]) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in schema.items()}


def _csv_file(scan: Scan, form: CSVFormat, uri: str) -> CSVFile:
    try:
        return CSVFile(scan, form, uri)
    except (*BROKEN, OSError) as error:
        raise unreadable(scan, uri, error) from error


def _agreed(a: pl.DataType, b: pl.DataType | None) -> pl.DataType | None:
    """The type that two files' detected types fit into: whole numbers and fractions are both numbers."""
    if a == b:
        return a
    return pl.Float64() if {a, b} == {pl.Int64(), pl.Float64()} else None
