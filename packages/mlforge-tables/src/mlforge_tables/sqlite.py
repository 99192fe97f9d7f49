"""SQLite, over Python's own driver: a column's type is told by all its values, not by the first few of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from mlforge.errors import Invalid, NotFound, PluginFailed
from mlforge.plugin import Asking, Narrow
from mlforge_tables.needs import need
from mlforge_tables.sql import probe, quoted, refuse_columns, rows_of, select

_AT_ONCE = 50_000
_KINDS = ("integer", "real", "text", "blob")


def open_source(asking: Asking) -> SQLiteRows:
    """A SQLite database's rows. Raises `NotFound` where there is no such file."""
    arrow = need("pyarrow", "SQLite", "sql")
    parts = urlsplit(asking.source.address)
    if parts.netloc or len(parts.path) < 2:
        raise Invalid(
            f"{asking.source.path!r} is no address of a SQLite database.",
            hint="Write sqlite:///shop.db, or sqlite:////srv/shop.db for a path from the root.",
        )
    path = asking.root / unquote(parts.path[1:])
    if not path.is_file():
        raise NotFound(
            f"The source {asking.source.name!r} is not there: {path}.",
            hint="Relative paths start at the project's folder; those from the root have four slashes: sqlite:////srv.",
        )
    return SQLiteRows(asking, path, arrow, probe(asking))


class SQLiteRows:
    """What `Rows` asks for, of SQLite."""

    def __init__(self, asking: Asking, path: Path, arrow: Any, probe: str | None) -> None:
        self._source, self._path, self._arrow, self._probe = asking.source, path, arrow, probe
        self._types: dict[str, Any] | None = None

    def state(self) -> str | None:
        if self._probe is not None:
            with self._connected() as connection:
                return repr(connection.execute(f"SELECT * FROM (\n{self._probe.strip().rstrip(';')}\n)").fetchall())
        files = [self._path, Path(f"{self._path}-wal")]
        facts = [(f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file() and f.stat().st_size]
        return repr(facts)

    def empty(self) -> Any:
        with self._connected() as connection:
            return self._schema(connection).empty_table()

    def batches(self, columns: Sequence[str] | None = None, narrow: Narrow | None = None) -> Iterator[Any]:
        with self._connected() as connection:
            schema = self._schema(connection)
            schema = self._arrow.schema([schema.field(n) for n in columns]) if columns else schema
            cursor = connection.execute(select(self._source, columns))
            while rows := cursor.fetchmany(_AT_ONCE):
                values = zip(*rows, strict=True)
                arrays = [self._array(field, column) for field, column in zip(schema, values, strict=True)]
                yield self._arrow.RecordBatch.from_arrays(arrays, schema=schema)

    def _array(self, field: Any, values: Sequence[Any]) -> Any:
        given = [v if v is None else float(v) for v in values] if str(field.type) == "double" else values
        try:
            return self._arrow.array(given, field.type)
        except (self._arrow.ArrowException, TypeError) as error:
            raise PluginFailed(
                f"Source {self._source.name!r}: column {field.name!r} changed while it was read: {error}.",
                hint="Build again.",
            ) from None

    def _schema(self, connection: sqlite3.Connection) -> Any:
        if self._types is None:
            cursor = connection.execute(select(self._source, None, " LIMIT 0"))
            names = [told[0] for told in cursor.description]
            refuse_columns(self._source, names)
            kinds = ", ".join(f"max(typeof({quoted(self._source, n)}) = '{k}')" for n in names for k in _KINDS)
            found = connection.execute(f"SELECT {kinds} FROM {rows_of(self._source)} AS mlforge_rows").fetchone()
            self._types = {n: self._type(n, found[4 * i : 4 * i + 4]) for i, n in enumerate(names)}
        return self._arrow.schema(list(self._types.items()))

    def _type(self, name: str, found: Sequence[int | None]) -> Any:
        """The type that all values of a column are of. Raises `Invalid` where there is none."""
        kinds = tuple(kind for kind, there in zip(_KINDS, found, strict=True) if there)
        match kinds:
            case ():
                return self._arrow.null()
            case ("integer",):
                return self._arrow.int64()
            case ("real",) | ("integer", "real"):
                return self._arrow.float64()
            case ("text",):
                return self._arrow.string()
            case ("blob",):
                return self._arrow.binary()
            case _:
                raise Invalid(
                    f"Source {self._source.name!r}: column {name!r} holds {' and '.join(kinds)}.",
                    hint=f'Make one of them in the query: CAST("{name}" AS TEXT).',
                )

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A connection that only reads, and sees one state of the database."""
        try:
            place = f"file:{quote(str(self._path))}?mode=ro"
            with closing(sqlite3.connect(place, uri=True, check_same_thread=False)) as connection:  # Polars has its own
                connection.isolation_level = None
                connection.execute("BEGIN")
                yield connection
        except sqlite3.Error as error:
            kind = Invalid if isinstance(error, sqlite3.OperationalError) else PluginFailed
            reason = str(error).rstrip(".")
            raise kind(
                f"Source {self._source.name!r}: SQLite refuses: {reason}.", hint="Look at the query and at the file."
            ) from None
