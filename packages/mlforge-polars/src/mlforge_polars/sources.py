"""Reading a source: Parquet late, and which of its files made a late reading fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from mlforge.errors import MlforgeError
from mlforge.model.source import CSVFormat, ParquetFormat
from mlforge.plugin import Rows, Scan
from mlforge.plugin.engine.partitions import is_common, values, with_partitions
from mlforge.plugin.engine.partitions import told as told_by
from mlforge.plugin.engine.sources import agreed, is_one_file, read_by, too_wide, unreadable
from mlforge_csv import any_zone, dtype_of, in_utc, knows_zone, scan_csv, scan_rows, storage, telling_of_intervals
from mlforge_polars.edge import BROKEN
from mlforge_polars.types import plain

TYPES = {word: dtype_of(word) for word in ("Int64", "Date", "String")}


def open_source(scan: Scan, folder: Callable[[], Path]) -> pl.LazyFrame:
    """The rows of a source; `folder` gives one for files that are brought here.

    Raises:
        Invalid: A file that is not there, does not parse or differs from the others, naming it.
        Unsupported: A format that is not read.
    """
    readers: dict[Any, Callable[[Scan], pl.LazyFrame]] = {
        ParquetFormat: _parquet,
        CSVFormat: lambda scan: scan_csv(scan, folder() if scan.objects else Path()),
        Rows: scan_rows,
    }
    rows: pl.LazyFrame = read_by(readers, scan, "The Polars engine")
    return rows


def scan_parquet(uris: tuple[str, ...], options: dict[str, Any]) -> pl.LazyFrame:
    """Parquet files as one frame; a path with wildcard characters is a pattern only where no file has that name."""
    return _scanned(uris, options)


def blame(scan: Scan, error: BaseException) -> MlforgeError | None:
    """Which Parquet file of a source made Polars fail: one that is there no longer, or does not parse to its end."""
    if not isinstance(scan.format, ParquetFormat):
        return None
    for uri in scan.uris:
        rows = scan_parquet((uri,), scan.options)
        try:
            rows.collect_schema()
            for _ in rows.collect_batches() if isinstance(error, pl.exceptions.ComputeError) else ():
                pass
        except (*BROKEN, OSError) as broken:
            return unreadable(scan, uri, broken)
    return None


def _parquet(scan: Scan) -> pl.LazyFrame:
    """The files' rows, under types that hold for all; files alike are read as one."""
    schemas = [_schema(scan, uri) for uri in scan.uris]
    types = agreed(scan, (with_partitions(scan, schema, TYPES) for schema in schemas), _both)
    alike = groupby(zip(scan.uris, schemas, strict=True), key=lambda file: (list(file[1].items()), _apart(scan, *file)))
    return pl.concat([_rows(scan, tuple(uri for uri, _ in files), types, apart) for (_, apart), files in alike])


def _apart(scan: Scan, uri: str, schema: pl.Schema) -> dict[str, Any] | None:
    """What folders tell where Polars would read something else of them."""
    return None if not scan.partitions or is_common(scan, uri, schema) else values(scan, uri)


def _schema(scan: Scan, uri: str) -> pl.Schema:
    try:
        with telling_of_intervals(f"Source {scan.name!r}: {uri}"):
            schema = _told((uri,), scan.options).collect_schema()
    except (*BROKEN, OSError) as error:
        raise unreadable(scan, uri, error) from error
    for name, dtype in schema.items():
        if isinstance(dtype, pl.Decimal) and dtype.precision > 38:
            raise too_wide(scan, uri, name, dtype)
    return schema


def _told(
    uris: tuple[str, ...], options: dict[str, Any], by_path: dict[str, pl.DataType] | None = None
) -> pl.LazyFrame:
    """The rows, times in UTC whatever their zone is called, and those of INT96 as far as microseconds reach."""
    rows = _scanned(uris, options, by_path)
    with any_zone():
        schema = rows.collect_schema()
        if not all(map(knows_zone, schema.values())):  # Polars asks again whenever it reads: so it reads at once
            return in_utc(rows).collect().lazy()
    own = {n: t for n, t in schema.items() if n not in (by_path or {})}
    wide = [n for n, t in own.items() if t == pl.Datetime("ns") and _is_int96(uris[0], options, own, n)]
    return _scanned(uris, options, by_path, own | dict.fromkeys(wide, pl.Datetime("us"))) if wide else rows


def _is_int96(uri: str, options: dict[str, Any], schema: dict[str, pl.DataType], name: str) -> bool:
    """Whether Polars reads a time of nanoseconds as one of microseconds, too, as it does of INT96 alone."""
    try:
        _scanned((uri,), options, schema=schema | {name: pl.Datetime("us")}).select(name).head(1).collect()
    except pl.exceptions.SchemaError:
        return False
    return True


def _both(a: pl.DataType, b: pl.DataType) -> pl.DataType | None:
    """The type that two fit into: those of a kind are kept as one, and no value fits all."""
    if pl.Null() in (a, b):
        return b if a == pl.Null() else a
    return plain(a) if plain(a) == plain(b) else None


def _rows(
    scan: Scan, uris: tuple[str, ...], types: Mapping[str, pl.DataType], apart: dict[str, Any] | None
) -> pl.LazyFrame:
    told = {n: TYPES[word] for n, word in scan.partitions}
    by_path = {n: told.get(n, pl.String()) for n in told_by(uris[0])} if told and apart is None else {}
    rows = _told(uris, scan.options, by_path=by_path)
    rows = rows.with_columns(pl.lit(value, told[n]).alias(n) for n, value in (apart or {}).items())
    found = rows.collect_schema()
    return rows.select(pl.col(n) if found[n] == t else pl.col(n).cast(t) for n, t in types.items())


def _scanned(
    uris: tuple[str, ...],
    options: dict[str, Any],
    by_path: dict[str, pl.DataType] | None = None,
    schema: dict[str, pl.DataType] | None = None,
) -> pl.LazyFrame:
    literal = all("://" in uri or is_one_file(uri) for uri in uris)
    return pl.scan_parquet(
        list(uris),
        **storage(options),
        glob=not literal,
        hive_partitioning=bool(by_path),
        hive_schema=by_path or None,
        schema=schema,
    )
