"""Delta tables, read by delta-rs: the rows that its log says there are, no more of them than is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from mlforge.errors import Invalid, MlforgeError, NotFound, PluginFailed, Unsupported
from mlforge.model.source import DeltaFormat
from mlforge.plugin import Asking, Narrow
from mlforge_tables.needs import need
from mlforge_tables.times import bounds

_KNOWN = frozenset({"timestampNtz", "deletionVectors", "columnMapping", "v2Checkpoint", "vacuumProtocolCheck"})
_LACKING = re.compile(r"(?<=features required: )\[[^]]+\]|catalog-managed table")
"""What delta-rs says it has not, in its errors."""
_EXPORT = "Export its rows as Parquet with what wrote it, or write the table without."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LITERALS = {
    "timestamp": """arrow_cast('{:%Y-%m-%dT%H:%M:%S.%f}', 'Timestamp(Microsecond, Some("UTC"))')""",
    "timestamp_ntz": "arrow_cast('{:%Y-%m-%dT%H:%M:%S.%f}', 'Timestamp(Microsecond, None)')",
    "date": "DATE '{:%Y-%m-%d}'",
}


def open_source(asking: Asking) -> DeltaRows:
    """A Delta table's rows. Raises `NotInstalled` without delta-rs."""
    return DeltaRows(asking, need("deltalake", "A Delta table", "delta"))


class DeltaRows:
    """What `Rows` asks for, of a Delta table: one version of it, which is found out once."""

    def __init__(self, asking: Asking, library: Any) -> None:
        self._asking, self._library = asking, library
        self._where = f"Source {asking.source.name!r}: the Delta table {asking.place}"

    @cached_property
    def _table(self) -> Any:
        chosen = self._asking.source.format
        fmt = chosen if isinstance(chosen, DeltaFormat) else DeltaFormat()
        with self._told():
            table = self._library.DeltaTable(
                self._asking.place, version=fmt.version, storage_options=_settings(self._asking)
            )
            if fmt.as_of is not None:
                table.load_as_version(self._version_at(table, fmt.as_of))
            self._refuse_features(table.protocol())
        return table

    def _version_at(self, table: Any, as_of: str) -> int:
        """The latest version at an instant, as the log says: the times of its files are others in a copy."""
        told = table.history()
        made: dict[int, Any] = {e["version"]: e.get("inCommitTimestamp", e.get("timestamp")) for e in told}
        instant = datetime.fromisoformat(as_of)
        if None not in made.values():
            times = {version: _EPOCH + timedelta(milliseconds=ms) for version, ms in made.items()}
            if before := [version for version, at in times.items() if at <= instant]:
                return max(before)
        raise Invalid(
            f"{self._where} cannot be read as of {as_of}: its log does not tell which version was the latest then.",
            hint=f"Give a version, from {min(made, default=table.version())} on, or a later instant.",
        )

    def _refuse_features(self, protocol: Any) -> None:
        if strange := sorted(set(protocol.reader_features or ()) - _KNOWN):
            raise Unsupported(
                f"{self._where} needs {', '.join(strange)} of its readers, which delta-rs lacks.", hint=_EXPORT
            )

    def state(self) -> str | None:
        with self._told():
            return f"{self._table.metadata().id}:{self._table.version()}"

    def empty(self) -> Any:
        return self._asked(f"SELECT {self._listed(None)} FROM rows WHERE false").read_all()

    def batches(self, columns: Sequence[str] | None = None, narrow: Narrow | None = None) -> Iterator[Any]:
        query = f"SELECT {self._listed(columns)} FROM rows{self._filter(narrow)}"
        with self._told():
            yield from self._asked(query)

    def _listed(self, columns: Sequence[str] | None) -> str:
        return ", ".join(map(_quoted, columns or [field.name for field in self._table.schema().fields]))

    def _asked(self, query: str) -> Any:
        with self._told():
            return self._library.QueryBuilder().register("rows", self._table).execute(query)

    def _filter(self, narrow: Narrow | None) -> str:
        """The condition on a column of times; nothing where it is none."""
        types = {field.name: getattr(field.type, "type", "") for field in self._table.schema().fields}
        literal = _LITERALS.get(types.get(narrow.column, "")) if narrow else None
        if narrow is None or literal is None:
            return ""
        column = _quoted(narrow.column)
        since, until = bounds(narrow)
        terms = [f"{column} >= {literal.format(since)}"] if since else []
        terms += [f"{column} < {literal.format(until)}"] if until else []
        wanted = " AND ".join(terms)
        return f" WHERE ({wanted}) OR {column} IS NULL" if wanted else ""

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell the failures of delta-rs in words."""
        try:
            yield
        except MlforgeError:
            raise
        except Exception as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> MlforgeError:
        reason = str(error).strip().partition("\n")[0].rstrip(".!")
        if type(error).__name__ == "TableNotFoundError" and not self._is_there():
            return NotFound(f"{self._where} is not there.", hint="Check the path: it has a _delta_log folder.")
        if lacking := _LACKING.search(str(error)):
            return Unsupported(f"{self._where} needs what delta-rs lacks: {lacking[0]}.", hint=_EXPORT)
        chosen = self._asking.source.format
        if isinstance(chosen, DeltaFormat) and (chosen.version is not None or chosen.as_of is not None):
            hint = "Choose a version that the table's log still has, or leave it out for the latest."
            return Invalid(f"{self._where} cannot be read as {chosen}: {reason}.", hint=hint)
        return PluginFailed(f"{self._where} cannot be read: {reason}.", hint="Look whether all its files are there.")

    def _is_there(self) -> bool:
        return bool(self._library.DeltaTable.is_deltatable(self._asking.place, _settings(self._asking)))


def _settings(asking: Asking) -> Mapping[str, str] | None:
    """How delta-rs is told of a bucket. A token of Google's it does not take: it finds the same ones by itself."""
    if asking.objects is None:
        return None
    options = dict(asking.objects.options())
    provider = options.pop("credential_provider", None)
    found = provider()[0] if provider is not None and asking.source.scheme == "s3" else {}
    return {**options, **found}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
