"""Databases over ADBC drivers: their answers come as Arrow, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from mlforge.errors import Invalid, MlforgeError, PluginFailed
from mlforge.model.address import without_secrets
from mlforge.plugin import Asking, Narrow
from mlforge_tables import postgresql, snowflake
from mlforge_tables.needs import need
from mlforge_tables.sql import probe, quoted, refuse_columns, select
from mlforge_tables.times import bounds

_NAMES = {"postgresql": "PostgreSQL", "snowflake": "Snowflake", "bigquery": "BigQuery"}
_EXTRAS = {"postgresql": "sql"}
_INSTANTS = {"postgresql": ("TIMESTAMP '{}'", "TIMESTAMPTZ '{}+00:00'"), "snowflake": ("'{}'::TIMESTAMP_NTZ", "")}
"""How a database writes a time, and an instant; nothing where columns of such are not narrowed there."""
_WRITTEN = "%Y-%m-%d %H:%M:%S.%f"
_SCHEMAS = {"postgresql": postgresql.cast_schema, "snowflake": snowflake.schema_of}
_LOOK = "Look at the query, and whether the address and what it logs in with are right."
_NAMED = "A table that is called as a word of SQL has quotes of its own: table='\"user\"'."


def open_source(asking: Asking) -> DatabaseRows:
    """A database's rows. Raises `NotInstalled` without its driver, and `Invalid` for an option that there is not."""
    scheme = asking.source.scheme
    extra = _EXTRAS.get(scheme, scheme)
    need("pyarrow", _NAMES[scheme], extra)
    return DatabaseRows(asking, need(f"adbc_driver_{scheme}.dbapi", _NAMES[scheme], extra), probe(asking))


class DatabaseRows:
    """What `Rows` asks for, of a database. Each reading is a connection of its own, which ends with it."""

    def __init__(self, asking: Asking, driver: Any, probe: str | None) -> None:
        self._source, self._driver, self._probe = asking.source, driver, probe
        self._told: Any = None

    def state(self) -> str | None:
        if self._probe is None:
            return None
        with self._answer(f"SELECT * FROM (\n{self._probe.strip().rstrip(';')}\n) AS mlforge_state") as answer:
            return repr(answer.read_all().to_pylist())

    def empty(self) -> Any:
        return self._schema().empty_table()

    def batches(self, columns: Sequence[str] | None = None, narrow: Narrow | None = None) -> Iterator[Any]:
        schema, condition = self._answered(), self._filter(narrow)
        casts = postgresql.casts(schema) if self._source.scheme == "postgresql" else {}
        query = select(self._source, columns or (schema.names if casts else None), condition, casts)
        with self._answer(query) as answer:
            yield from map(self._batch, answer)

    def _answered(self) -> Any:
        """The columns (`pyarrow.Schema`) as the database answers with them, asked once."""
        if self._told is None:
            with self._answer(select(self._source, None, " WHERE 1 = 0")) as answer:
                self._told = answer.schema
            refuse_columns(self._source, self._told.names)
        return self._told

    def _schema(self) -> Any:
        """The columns as engines get them."""
        schema = self._answered()
        return _SCHEMAS[self._source.scheme](schema) if self._source.scheme in _SCHEMAS else schema

    def _batch(self, batch: Any) -> Any:
        if self._source.scheme == "postgresql":
            postgresql.refuse_midnights(self._source, batch)
        return snowflake.batch_of(self._source, batch) if self._source.scheme == "snowflake" else batch

    def _filter(self, narrow: Narrow | None) -> str:
        """The condition on a column of times; nothing where it is none, or how times are written is not known."""
        if narrow is None or self._source.scheme not in _INSTANTS:
            return ""
        schema = self._schema()
        kind = str(schema.field(narrow.column).type) if narrow.column in schema.names else ""
        if not kind.startswith(("timestamp", "date")):
            return ""
        written = _INSTANTS[self._source.scheme]["tz=" in kind]
        column, (since, until) = quoted(self._source, narrow.column), bounds(narrow)
        if not written:
            return ""
        terms = [f"{column} >= {written.format(f'{since:{_WRITTEN}}')}"] if since else []
        terms += [f"{column} < {written.format(f'{until:{_WRITTEN}}')}"] if until else []
        return f" WHERE ({' AND '.join(terms)}) OR {column} IS NULL" if terms else ""

    @contextmanager
    def _answer(self, query: str) -> Iterator[Any]:
        """What a query gives, as a stream of batches."""
        name = _NAMES[self._source.scheme]
        try:
            with self._connection() as connection, connection.cursor() as cursor:
                cursor.execute(query)
                yield cursor.fetch_record_batch()
        except MlforgeError:
            raise
        except (self._driver.Error, OSError) as error:  # the latter where it fails, or is gone, after its first rows
            reason = without_secrets(str(error), self._source.address).strip().partition("\n")[0].rstrip(".")
            kind = Invalid if isinstance(error, self._driver.ProgrammingError) else PluginFailed
            hint = _NAMED if self._source.table and "syntax error" in reason else _LOOK
            raise kind(f"Source {self._source.name!r}: {name} refuses: {reason}.", hint=hint) from None

    def _connection(self) -> Any:
        scheme = self._source.scheme
        address = f"{scheme}://{self._source.address.partition('://')[2]}"
        if scheme == "bigquery":
            parts = urlsplit(address)
            given = {"adbc.bigquery.sql.project_id": parts.hostname or ""}
            given |= {"adbc.bigquery.sql.dataset_id": parts.path.strip("/")} if parts.path.strip("/") else {}
            return self._driver.connect(db_kwargs=given)
        if scheme == "snowflake":
            return self._driver.connect(address.partition("://")[2], db_kwargs=snowflake.SETTINGS)
        return self._driver.connect(address)
