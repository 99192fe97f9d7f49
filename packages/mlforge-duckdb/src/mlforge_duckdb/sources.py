"""Reading a source: Parquet late, CSV looked through once, so that no row is lost or emptied in silence."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from itertools import groupby
from typing import Any

import duckdb

from mlforge.errors import Invalid, MlforgeError
from mlforge.model.source import CSVFormat, ParquetFormat
from mlforge.plugin import Rows, Scan
from mlforge.plugin.engine.partitions import is_common, values, with_partitions
from mlforge.plugin.engine.partitions import told as told_by
from mlforge.plugin.engine.sources import agreed, is_one_file, nameable, read_by, unreadable
from mlforge_csv import scan_csv
from mlforge_duckdb.arrowed import Column, beyond, retold
from mlforge_duckdb.edge import BROKEN, is_beyond
from mlforge_duckdb.late import LateRows
from mlforge_duckdb.session import Session, asked
from mlforge_duckdb.types import Type, is_null, plainly, quoted, sql_of, text, types_of, word

_TOLD = {word: duckdb.sqltype(sql_of(word)) for word in ("Int64", "Date", "String")}


def open_source(scan: Scan, session: Session, late: LateRows) -> duckdb.DuckDBPyRelation:
    """The rows of a source; those that come as Arrow are read later.

    Raises:
        Invalid: A file that is not there, does not parse or differs from the others, naming it.
        Unsupported: A format that is not read.
    """
    readers: Mapping[Any, Callable[[Scan], duckdb.DuckDBPyRelation]] = {
        ParquetFormat: partial(parquet, session),
        CSVFormat: partial(_csv, session),
        Rows: late.open,
    }
    if isinstance(scan.format, ParquetFormat):
        session.know(scan)
    rows: duckdb.DuckDBPyRelation = read_by(readers, scan, "The DuckDB engine")
    return rows


def parquet_files(uris: tuple[str, ...], *, numbered: bool = False, by_path: Mapping[str, str] | None = None) -> str:
    """Parquet files as a table in SQL; a path with wildcards is a pattern only where no file has that name.

    `numbered` brings `file_row_number`, `by_path` the columns that folders tell, each of a type in SQL.
    """
    hive = ", ".join(f"{quoted(n)}: {dtype}" for n, dtype in (by_path or {}).items())
    told = f"hive_partitioning = true, hive_types = {{{hive}}}" if hive else "hive_partitioning = false"
    options = f"{told}, union_by_name = false{', file_row_number = true' if numbered else ''}"
    return f"read_parquet([{', '.join(map(parquet_path, uris))}], {options})"


def parquet_path(uri: str) -> str:
    """A path in SQL: a pattern only where no file has that name."""
    return text(re.sub(r"([\[*?])", r"[\1]", uri) if is_one_file(uri) else uri)


def blame(scan: Scan, session: Session) -> MlforgeError | None:
    """Which Parquet file of a source cannot be read to its end, or which time there is none, if it is one of these."""
    if not isinstance(scan.format, ParquetFormat):
        return None
    for uri in scan.uris:
        try:
            relation = session.connection.sql(f"FROM {parquet_files((uri,))}")
            every = ", ".join(f"max(hash({quoted(n)}))" for n in relation.columns)  # no statistics tell these
            asked(relation, f"SELECT {every} FROM frame").fetchall()
        except (*BROKEN, OSError) as broken:
            return (beyond(scan) if is_beyond(broken) else None) or unreadable(scan, uri, broken)
    return None


def parquet(session: Session, scan: Scan) -> duckdb.DuckDBPyRelation:
    """The files' rows, under types that hold for all; files alike are read as one."""
    schemas = [_schema(session, scan, uri) for uri in scan.uris]
    found = [{n: c.type for n, c in schema.items()} for schema in schemas]
    types = agreed(scan, (with_partitions(scan, schema, _TOLD) for schema in found), _both)
    alike = groupby(zip(scan.uris, schemas, strict=True), key=lambda file: (list(file[1].items()), _apart(scan, *file)))
    parts = [
        _rows(scan, tuple(uri for uri, _ in files), dict(schema), types, apart) for (schema, apart), files in alike
    ]
    return session.connection.sql(" UNION ALL ".join(parts))


def _apart(scan: Scan, uri: str, schema: Mapping[str, Column]) -> dict[str, Any] | None:
    """What folders tell where DuckDB would read something else of them."""
    return None if not scan.partitions or is_common(scan, uri, schema) else values(scan, uri)


def _schema(session: Session, scan: Scan, uri: str) -> dict[str, Column]:
    try:
        rows = session.connection.sql(f"FROM {parquet_files((uri,))}")
        found = types_of(rows)
        names = _names(session, uri)
    except (*BROKEN, OSError) as error:
        raise unreadable(scan, uri, error) from error
    nameable(scan, uri, names)
    return {n: Column(quoted(n), t) for n, t in found.items()} | retold(scan, uri, found, rows)


def _both(a: Type, b: Type) -> Type | None:
    """The type that two fit into: those of a kind are kept as one, and no value fits all."""
    if is_null(a) or is_null(b):
        return b if is_null(a) else a
    return _kept(a) if _kept(a) == _kept(b) else None


def _kept(dtype: Type) -> Type:
    try:
        return duckdb.sqltype(sql_of(word(dtype, "")))
    except Invalid:
        return dtype


def _rows(
    scan: Scan,
    uris: tuple[str, ...],
    found: Mapping[str, Column],
    types: Mapping[str, Type],
    apart: Mapping[str, Any] | None,
) -> str:
    """Files of the same columns as a query; what is told of them `apart` is no column of theirs."""
    told = dict(scan.partitions)
    by_path = {n: str(_TOLD[told.get(n, "String")]) for n in told_by(uris[0])} if told and apart is None else {}
    texts = {n: "NULL" if value is None else text(str(value)) for n, value in (apart or {}).items()}
    given = {n: f"CAST({value} AS {types[n]}) AS {quoted(n)}" for n, value in texts.items()}
    columns = (given.get(n, quoted(n)) if n in told else _read(n, found[n], t) for n, t in types.items())
    return f"SELECT {', '.join(columns)} FROM {parquet_files(uris, by_path=by_path)}"


def _read(name: str, found: Column, wanted: Type) -> str:
    """A column under the type that all files agree in."""
    if found.type == wanted:
        return found.sql if found.sql == quoted(name) else f"{found.sql} AS {quoted(name)}"
    told = found.sql != quoted(name)  # as a type that is kept as it is
    column = "NULL" if is_null(found.type) else found.sql if told else plainly(name, found.type)
    return f"CAST({column} AS {wanted}) AS {quoted(name)}"


def _names(session: Session, uri: str) -> list[str]:
    """The columns as the file calls them: DuckDB calls some of them anew."""
    query = f"SELECT file_name, name, num_children FROM parquet_schema({parquet_path(uri)})"
    first, names, inside = None, list[str](), 0
    for file, name, children in session.connection.execute(query).fetchall():
        if first is None:
            first = file  # and this row is the file itself
            continue
        if file != first:
            break
        if not inside:
            names.append(name)
        inside += (children or 0) - (1 if inside else 0)
    return names


def _csv(session: Session, scan: Scan) -> duckdb.DuckDBPyRelation:
    """The rows, by way of a Parquet file, which is written in batches."""
    path = session.folder / f"{session.fresh('csv')}.parquet"
    brought = session.folder / session.fresh("brought")
    brought.mkdir()
    scan_csv(scan, brought).sink_parquet(path, compression="lz4")
    shutil.rmtree(brought)
    return session.connection.sql(f"FROM {parquet_files((str(path),))}")
