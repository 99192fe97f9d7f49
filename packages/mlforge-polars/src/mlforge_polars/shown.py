"""Values as Python objects, for rows and for the examples in messages."""

from __future__ import annotations

from typing import Any

import polars as pl

from mlforge_polars.edge import BROKEN

BEYOND = (ValueError, OverflowError)  # what Polars raises for a time that Python's types do not reach


def shown(column: pl.Series) -> list[Any]:
    """The values; a time beyond Python's years 1 to 9999 as the text that Polars shows for it."""
    try:
        return column.to_list()
    except (*BEYOND, *BROKEN):
        return [_shown(column.slice(row, 1)) for row in range(len(column))]


def _shown(one: pl.Series) -> Any:
    try:
        return one.to_list()[0]
    except BEYOND:
        return str(one).splitlines()[-2].strip()
    except BROKEN:  # Polars itself shows years up to 262142
        return str(one.to_physical().to_list()[0])
