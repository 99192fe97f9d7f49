"""Reading a source: Parquet late, and which of its files made a late reading fail."""

from __future__ import annotations

from typing import Any

import polars as pl

from mlforge.errors import MlforgeError
from mlforge.model.source import CSVFormat, ParquetFormat
from mlforge.plugin import Scan
from mlforge.plugin.engine.sources import different, is_one_file, nameable, read_by, unreadable
from mlforge_csv import scan_csv
from mlforge_polars.edge import BROKEN


def open_source(scan: Scan) -> pl.LazyFrame:
    """The rows of a source.

    Raises:
        Invalid: A file that is not there, does not parse or differs from the others, naming it.
        Unsupported: A format that is not read.
    """
    rows: pl.LazyFrame = read_by({ParquetFormat: _parquet, CSVFormat: scan_csv}, scan, "The Polars engine")
    return rows


def scan_parquet(uris: tuple[str, ...], options: dict[str, Any]) -> pl.LazyFrame:
    """Parquet files as one frame; a path with wildcard characters is a pattern only where no file has that name."""
    literal = all(map(is_one_file, uris))
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
            return different(scan, uri, schema, first)
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
        names = rows.collect_schema().names()
    except (*BROKEN, OSError) as error:
        raise blame(scan, error) or unreadable(scan, scan.uris[0], error) from error
    nameable(scan, scan.uris[0], names)
    return rows
