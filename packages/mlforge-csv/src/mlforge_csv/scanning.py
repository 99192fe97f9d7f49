"""The rows of a CSV source: each file looked through, all under the types that they agree in."""

from __future__ import annotations

import polars as pl

from mlforge.model.source import CSVFormat
from mlforge.plugin import Scan
from mlforge.plugin.engine.sources import agreed
from mlforge_csv.csvfile import CSVFile
from mlforge_csv.values import both


def scan_csv(scan: Scan) -> pl.LazyFrame:
    """The rows, read late.

    Raises:
        Invalid: A file that is not there, is not CSV throughout or differs from the others, naming it.
    """
    form = scan.format
    if not isinstance(form, CSVFormat):
        raise TypeError(f"{form!r} is no CSVFormat")
    files = [CSVFile(scan, form, uri) for uri in scan.uris]
    types = agreed(scan, [file.schema for file in files], both)
    return pl.concat([file.rows(types) for file in files])
