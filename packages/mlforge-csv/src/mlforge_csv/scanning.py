"""The rows of a CSV source: each file looked through, all under the types that they agree in."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from mlforge.model.source import CSVFormat
from mlforge.plugin import Scan
from mlforge.plugin.engine.partitions import values, with_partitions
from mlforge.plugin.engine.sources import agreed, fetched
from mlforge_csv.csvfile import CSVFile
from mlforge_csv.values import both
from mlforge_csv.words import dtype_of

_AS_TOLD = {word: word for word in ("Int64", "Date", "String")}


def scan_csv(scan: Scan, folder: Path = Path()) -> pl.LazyFrame:
    """The rows, read late.

    Args:
        scan: The source.
        folder: Where files of a bucket are brought to: each is looked through more than once. It must outlive the rows.

    Raises:
        Invalid: A file that is not there, is not CSV throughout or differs from the others, naming it.
    """
    form = scan.format
    if not isinstance(form, CSVFormat):
        raise TypeError(f"{form!r} is no CSVFormat")
    paths = fetched(scan, folder)
    files = [CSVFile(scan, form, uri, path) for uri, path in zip(scan.uris, paths, strict=True)]
    types = agreed(scan, [with_partitions(scan, file.schema, _AS_TOLD) for file in files], both)
    return pl.concat([_rows(scan, file, types) for file in files])


def _rows(scan: Scan, file: CSVFile, types: dict[str, str]) -> pl.LazyFrame:
    """The rows of one file, with what its path tells."""
    told = values(scan, file.uri)
    rows = file.rows({n: t for n, t in types.items() if n not in told})
    return rows.with_columns(pl.lit(v, dtype=dtype_of(types[n])).alias(n) for n, v in told.items())
