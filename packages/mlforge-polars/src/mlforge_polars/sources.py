"""Reading a source: Parquet late, CSV late but looked through once, so that no row is lost or emptied in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from mlforge.errors import Invalid, MlforgeError, PluginFailed, Unsupported
from mlforge.model.source import CSVFormat, ParquetFormat, format_name
from mlforge.plugin import Scan
from mlforge.plugin.engine.edge import reason
from mlforge_polars.csvfile import CSVFile
from mlforge_polars.edge import BROKEN


def open_source(scan: Scan) -> pl.LazyFrame:
    """The rows of a source.

    Raises:
        Invalid: A file that is not there, does not parse or differs from the others, naming it.
        Unsupported: A format that is not read.
    """
    if not scan.uris:
        raise Invalid(f"Source {scan.name!r} has no files.", hint="Look at its path.")
    match scan.format:
        case ParquetFormat():
            return _parquet(scan)
        case CSVFormat():
            return _csv(scan, scan.format)
        case _:
            raise Unsupported(
                f"The Polars engine does not read {format_name(scan.format)}, the format of source {scan.name!r}.",
                hint="Write it as Parquet, or choose another engine.",
            )


def scan_parquet(uris: tuple[str, ...], options: dict[str, Any]) -> pl.LazyFrame:
    """Parquet files as one frame; a path with wildcard characters is a pattern only where no file has that name."""
    literal = all(Path(uri).is_file() for uri in uris)
    return pl.scan_parquet(list(uris), storage_options=options or None, glob=not literal, hive_partitioning=False)


def blame(scan: Scan, error: BaseException) -> MlforgeError | None:
    """Which Parquet file of a source made Polars fail: one that does not parse, or differs from the first."""
    if not isinstance(scan.format, ParquetFormat):
        return None
    first: pl.Schema | None = None
    for uri in scan.uris:
        try:
            schema = _parquet_schema(scan, uri, thorough=isinstance(error, pl.exceptions.ComputeError))
        except (*BROKEN, OSError) as broken:
            return unreadable(scan, uri, broken)
        first = first or schema
        if dict(schema) != dict(first):
            return _different(scan, uri, schema, first)
    return None


def _parquet_schema(scan: Scan, uri: str, *, thorough: bool) -> pl.Schema:
    rows = scan_parquet((uri,), scan.options)
    if thorough:
        for _ in rows.collect_batches():
            pass
    return rows.collect_schema()


def _parquet(scan: Scan) -> pl.LazyFrame:
    rows = scan_parquet(scan.uris, scan.options)
    try:
        rows.collect_schema()
    except (*BROKEN, OSError) as error:
        raise blame(scan, error) or unreadable(scan, scan.uris[0], error) from error
    return rows


def unreadable(scan: Scan, uri: str, error: BaseException) -> MlforgeError:
    """The error for a file that is missing, empty or no file of its format."""
    if isinstance(error, FileNotFoundError):
        return Invalid(f"Source {scan.name!r}: there is no file {uri}.", hint="Look at the source's path.")
    if isinstance(error, OSError):
        return PluginFailed(f"Source {scan.name!r}: {uri} cannot be read: {reason(error)}", hint="See the cause.")
    if Path(uri).is_file() and Path(uri).stat().st_size == 0:
        return Invalid(f"Source {scan.name!r}: {uri} is empty (0 bytes).", hint="Write it again, or leave it out.")
    name = format_name(scan.format)
    return Invalid(f"Source {scan.name!r}: {uri} cannot be read as {name}: {reason(error)}", hint="Write it again.")


def _different(scan: Scan, uri: str, schema: pl.Schema, first: pl.Schema) -> Invalid:
    changes = [f"no {n!r}" for n in first if n not in schema] + [f"a new {n!r}" for n in schema if n not in first]
    changes += [f"{n!r} as {schema[n]}, not {t}" for n, t in first.items() if n in schema and schema[n] != t]
    return Invalid(
        f"Source {scan.name!r}: {uri} has other columns than {scan.uris[0]}: {', '.join(changes)}.",
        hint="The files of a source have the same columns. Mend this one, or make two sources.",
    )


def _csv(scan: Scan, form: CSVFormat) -> pl.LazyFrame:
    files = [_csv_file(scan, form, uri) for uri in scan.uris]
    agreed = files[0].schema
    for file in files:
        types = {name: _agreed(dtype, file.schema.get(name)) for name, dtype in agreed.items()}
        agreed = {name: dtype for name, dtype in types.items() if dtype is not None}
        if len(agreed) < len(types) or len(agreed) < len(file.schema):
            raise _different(scan, file.uri, pl.Schema(file.schema), pl.Schema(files[0].schema))
    return pl.concat([file.rows(agreed) for file in files])


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
