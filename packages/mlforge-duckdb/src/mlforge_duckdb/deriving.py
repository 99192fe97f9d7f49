"""Columns that are computed of each row when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from mlforge.model.expr import Expr
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.columns import need_columns, need_free
from mlforge.plugin.engine.expressions import derivations
from mlforge_duckdb import times
from mlforge_duckdb.compile import compiled, words_of
from mlforge_duckdb.session import Session
from mlforge_duckdb.session import asked as late
from mlforge_duckdb.types import quoted, sql_of, types_of

_AT = "at of mlforge"


def derived(
    rows: duckdb.DuckDBPyRelation, columns: Mapping[str, Expr], at: Timestamp | None, session: Session
) -> duckdb.DuckDBPyRelation:
    """The rows with columns more, as of the instants in the column of `at`; late on another connection."""
    need_free(columns, rows.columns)
    nodes = derivations(columns, words_of(types_of(rows)), _AT if at else None)
    asked = rows
    if at is not None:
        need_columns([at.column], rows.columns, "The frame")
        micros = times.instants(rows, types_of(rows)[at.column], at)
        asked = rows.project(f"*, make_timestamptz({micros}) AS {quoted(_AT)}")
    types = types_of(asked)
    kept = [quoted(name) for name in rows.columns]
    made = [f"CAST({compiled(n, types)} AS {sql_of(n.word)}) AS {quoted(name)}" for name, n in nodes.items()]
    query = f"SELECT {', '.join([*kept, *made])} FROM frame"
    return session.keep(asked, query) if session.own(asked) is not None else late(asked, query)
