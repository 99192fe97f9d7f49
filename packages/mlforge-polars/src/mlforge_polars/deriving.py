"""Columns that are computed of each row when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mlforge.model.expr import Expr
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.columns import need_columns, need_free
from mlforge.plugin.engine.expressions import derivations
from mlforge_polars import times
from mlforge_polars.compile import compiled, words_of

_AT = "at of mlforge"


def derived(rows: pl.DataFrame, columns: Mapping[str, Expr], at: Timestamp | None) -> pl.DataFrame:
    """The rows with columns more, as of the instants in the column of `at`."""
    need_free(columns, rows.columns)
    nodes = derivations(columns, words_of(rows.schema), _AT if at else None)
    asked = rows
    if at is not None:
        need_columns([at.column], rows.columns, "The frame")
        asked = rows.with_columns(times.instants(rows[at.column], at).alias(_AT))
    made = [compiled(node, asked.schema).alias(name) for name, node in nodes.items()]
    return asked.with_columns(made).drop(_AT, strict=False)
