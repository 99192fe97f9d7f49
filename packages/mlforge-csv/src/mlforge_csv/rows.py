"""Rows that come as Arrow, as a Polars frame that is read late: no more of them than is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from mlforge.plugin import Scan
from mlforge.plugin.engine.sources import nameable, too_wide
from mlforge_csv.streams import any_zone, in_utc


def scan_rows(scan: Scan) -> pl.LazyFrame:
    """The rows of a table, a query or a frame.

    Raises:
        Invalid: Columns that cannot be told apart, or decimals of more digits than any engine has.
    """
    empty = _frame(scan.rows.empty())
    nameable(scan, scan.uris[0], empty.columns)
    for name, dtype in empty.schema.items():
        if isinstance(dtype, pl.Decimal) and dtype.precision > 38:
            raise too_wide(scan, scan.uris[0], name, dtype)

    def read(
        columns: list[str] | None, chosen: pl.Expr | None, most: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        asked = empty.columns if columns is None else columns
        left = most
        for batch in scan.rows.batches(asked or empty.columns[:1], scan.narrow):
            rows = _frame(batch).select(asked) if asked else _frame(batch)
            rows = rows if left is None else rows.head(left)
            left = None if left is None else left - rows.height
            yield rows.cast(empty.select(asked).schema) if chosen is None else rows.filter(chosen)
            if left == 0:
                return

    return register_io_source(read, schema=empty.schema, is_pure=True)


def _frame(batch: Any) -> pl.DataFrame:
    with any_zone():
        return in_utc(pl.DataFrame(batch).lazy()).collect()
