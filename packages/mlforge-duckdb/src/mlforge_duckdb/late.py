"""Rows that come as Arrow: they are read when it is known which of their columns are wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from polars.io.plugins import register_io_source

from mlforge.model.source import ParquetFormat
from mlforge.plugin import Scan
from mlforge_csv import scan_rows
from mlforge_duckdb.edge import BROKEN, edge
from mlforge_duckdb.session import Session, asked
from mlforge_duckdb.types import quoted, text, types_of

Relation = duckdb.DuckDBPyRelation
ReadParquet = Callable[[Session, Scan], Relation]

_NOT_READ = "mlforge has not read the column"


class LateRows:
    """Sources of rows as Arrow, each a view: of what is still to be read, then of a file of what was wanted of it.

    A function's relation is looked up by the names of its views when it is computed. So it can be run over no rows
    first, which tells the columns it asks for; those are read once, in batches, into a file.
    """

    def __init__(self, session: Session, read_parquet: ReadParquet) -> None:
        self._session = session
        self._read_parquet = read_parquet
        self._waiting: dict[str, tuple[Scan, pl.LazyFrame]] = {}

    def open(self, scan: Scan) -> Relation:
        """The rows of a source, unread where reading them later gives the same types."""
        rows, view = scan_rows(scan), self._session.fresh("late")
        found = self._unread(view, rows)
        if found is None or types_of(found) != types_of(self._written(scan, rows.head(0))):
            return self._written(scan, rows)
        self._waiting[view] = scan, rows
        return found

    def _unread(self, view: str, rows: pl.LazyFrame) -> Relation | None:
        """A view of rows; None where Arrow has a type for them that DuckDB reads from files alone."""
        try:
            self._connection.register(_raw(view), rows)
            self._connection.execute(f"CREATE VIEW {view} AS FROM {_raw(view)}")
            return self._connection.sql(f"FROM {view}")
        except duckdb.Error:
            return None

    def read_all(self) -> None:
        """Read all columns of what is still unread."""
        for view in list(self._waiting):
            self._read(view, None)

    def leave(self) -> None:
        """Leave what is unread as it is: whoever asks for it reads what it asks for, into memory."""
        self._waiting = {}

    def compute(self, rows: Relation, computed: Callable[[Relation], Relation]) -> Relation:
        """What is computed of a function's relation, for which no other columns are read than it asks for."""
        waiting = dict(self._waiting)
        for view, columns in self._asked_for(rows).items():
            self._read(view, columns)
        self.leave()
        try:
            return computed(rows)
        except duckdb.Error as error:
            if _NOT_READ not in str(error):
                raise
        self._waiting = waiting
        self.read_all()
        return computed(rows)

    def _asked_for(self, rows: Relation) -> dict[str, list[str]]:
        """By view, the columns that a relation asks for; nothing where it cannot be run on no rows."""
        if not self._waiting or not _reads_only_late(rows):
            return {}
        told: dict[str, set[str]] = {view: set() for view in self._waiting}
        for view, (_, late) in self._waiting.items():
            self._connection.register(_raw(view), _noting(late, told[view]))
        try:
            asked(rows, "SELECT * FROM frame").fetchall()
        except BROKEN:
            return {}
        finally:
            for view, (_, late) in self._waiting.items():
                self._connection.register(_raw(view), late)
        every = {view: late.collect_schema() for view, (_, late) in self._waiting.items()}
        return {view: [n for n in every[view] if n in names] for view, names in told.items() if names}

    def _read(self, view: str, columns: Sequence[str] | None) -> None:
        scan, late = self._waiting.pop(view)
        with edge(f"Source {scan.name!r} cannot be read", "See the cause."):
            there = self._written(scan, late if columns is None else late.select(columns))
        types = types_of(self._connection.sql(f"FROM {view}"))
        listed = (quoted(n) if n in there.columns else f"{_missing(n, t)} AS {quoted(n)}" for n, t in types.items())
        where = self._session.fresh("view")
        there.create_view(where)
        self._connection.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT {', '.join(listed)} FROM {where}")
        self._connection.unregister(_raw(view))

    def _written(self, scan: Scan, rows: pl.LazyFrame) -> Relation:
        """Rows by way of a Parquet file, which is written in batches."""
        path: Path = self._session.folder / f"{self._session.fresh('arrow')}.parquet"
        rows.sink_parquet(path, compression="lz4")
        return self._read_parquet(self._session, Scan(scan.name, (str(path),), ParquetFormat()))

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        return self._session.connection


def _raw(view: str) -> str:
    return f"{view}_unread"


def _reads_only_late(rows: Relation) -> bool:
    """Whether a relation reads nothing else, so that it costs nothing to run it over no rows."""
    plan = asked(rows, "EXPLAIN (FORMAT json) SELECT * FROM frame").fetchall()[0][1]
    return set(_leaves(json.loads(plan))) == {"PYTHON_ARROW_SCAN"}


def _leaves(plan: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for step in plan:
        yield from _leaves(step["children"]) if step["children"] else [step["name"].strip()]


def _missing(name: str, dtype: Any) -> str:
    return f"CAST(error({text(f'{_NOT_READ} {name}.')}) AS {dtype})"


def _noting(late: pl.LazyFrame, names: set[str]) -> pl.LazyFrame:
    """No rows, of the same columns; what is asked for is noted."""
    empty = pl.DataFrame(schema=late.collect_schema())

    def read(columns: list[str] | None, chosen: pl.Expr | None, *_: int | None) -> Iterator[pl.DataFrame]:
        names.update(empty.columns if columns is None else columns)
        names.update([] if chosen is None else chosen.meta.root_names())
        yield empty if columns is None else empty.select(columns)

    return register_io_source(read, schema=empty.schema, is_pure=True)
