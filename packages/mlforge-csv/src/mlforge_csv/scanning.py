"""The rows of a CSV source: each file looked through, all under the types that they agree in."""

from __future__ import annotations

import polars as pl

from mlforge.model.source import CSVFormat
from mlforge.plugin import Scan
from mlforge.plugin.engine.sources import agreed, unreadable
from mlforge_csv.csvfile import BROKEN, CSVFile


def scan_csv(scan: Scan) -> pl.LazyFrame:
    """The rows, read late.

    Raises:
        Invalid: A file that is not there, is not CSV throughout or differs from the others, naming it.
    """
    form = scan.format
    if not isinstance(form, CSVFormat):
        raise TypeError(f"{form!r} is no CSVFormat")
    files = [_file(scan, form, uri) for uri in scan.uris]
    types = agreed(scan, [file.schema for file in files], _both)
    return pl.concat([file.rows(types) for file in files])


def _file(scan: Scan, form: CSVFormat, uri: str) -> CSVFile:
    try:
        return CSVFile(scan, form, uri)
    except (*BROKEN, OSError) as error:
        raise unreadable(scan, uri, error) from error


def _both(a: pl.DataType, b: pl.DataType) -> pl.DataType | None:
    """The type that two detected types fit into: whole numbers and fractions are both numbers."""
    return pl.Float64() if {a, b} == {pl.Int64(), pl.Float64()} else None
