"""Iceberg tables, read by pyiceberg from the metadata that lies with them; no catalog is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

from mlforge.errors import Invalid, MlforgeError, NotFound, PluginFailed, Unsupported
from mlforge.model.source import IcebergFormat
from mlforge.plugin import Asking, Narrow
from mlforge_tables.needs import need
from mlforge_tables.times import bounds

_END = ".metadata.json"
_WHOLE = "Name one: the path of the file, with format=IcebergFormat()."
_SETTINGS = {
    "aws_endpoint_url": "s3.endpoint",
    "aws_region": "s3.region",
    "aws_access_key_id": "s3.access-key-id",
    "aws_secret_access_key": "s3.secret-access-key",
    "aws_session_token": "s3.session-token",
}


def open_source(asking: Asking) -> IcebergRows:
    """An Iceberg table's rows. Raises `NotInstalled` without pyiceberg."""
    need("pyarrow", "An Iceberg table", "iceberg")
    return IcebergRows(asking, need("pyiceberg.table", "An Iceberg table", "iceberg"))


class IcebergRows:
    """What `Rows` asks for, of an Iceberg table: one snapshot of it, which is found out once."""

    def __init__(self, asking: Asking, library: Any) -> None:
        self._asking, self._library = asking, library
        self._where = f"Source {asking.source.name!r}: the Iceberg table {asking.place}"

    @cached_property
    def _table(self) -> Any:
        with self._told():
            at = self._metadata()
            files = _files(self._asking, at)
            noop = need("pyiceberg.catalog.noop", "An Iceberg table", "iceberg").NoopCatalog("static-table")
            serial = need("pyiceberg.serializers", "An Iceberg table", "iceberg")
            metadata = serial.FromInputFile.table_metadata(files.new_input(at))
            return self._library.StaticTable(("static-table", at), metadata, at, files, noop)

    def _metadata(self) -> str:
        """The newest metadata file, by the number in its name."""
        place = self._asking.place
        if place.endswith(_END):
            return place
        names = self._names()
        found = {n: _number(n) for n in names if n.endswith(_END)}
        if not found:
            raise NotFound(f"{self._where} is not there.", hint="Check the path: it has a metadata folder.")
        newest = [n for n, number in found.items() if number == max(found.values())]
        if len(newest) > 1:
            raise Invalid(f"{self._where} has two newest metadata files: {', '.join(sorted(newest)[:2])}.", hint=_WHOLE)
        return f"{place}/metadata/{newest[0]}"

    def _names(self) -> list[str]:
        if self._asking.objects is None:
            folder = Path(self._asking.place, "metadata")
            return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        key = self._asking.place.split("://", 1)[1].partition("/")[2]
        below = f"{key}/metadata/" if key else "metadata/"
        return [one.key.removeprefix(below) for one in self._asking.objects.list(below)]

    @cached_property
    def _snapshot(self) -> int | None:
        chosen = self._asking.source.format
        wanted = chosen.snapshot if isinstance(chosen, IcebergFormat) else None
        current = self._table.current_snapshot()
        if wanted is None:
            return current.snapshot_id if current else None
        if self._table.snapshot_by_id(wanted) is None:
            raise Invalid(
                f"{self._where} has no snapshot {wanted}.", hint="Choose one that the table still has, or leave it out."
            )
        return wanted

    def state(self) -> str | None:
        with self._told():
            return f"{self._table.metadata.table_uuid}:{self._snapshot}:{self._table.metadata.current_schema_id}"

    def empty(self) -> Any:
        with self._told():
            return self._scan().projection().as_arrow().empty_table()

    def batches(self, columns: Sequence[str] | None = None, narrow: Narrow | None = None) -> Iterator[Any]:
        with self._told():
            yield from self._scan(columns, narrow).to_arrow_batch_reader()

    def _scan(self, columns: Sequence[str] | None = None, narrow: Narrow | None = None) -> Any:
        given: dict[str, Any] = {"selected_fields": tuple(columns)} if columns else {}
        chosen = self._filter(narrow)
        given |= {} if chosen is None else {"row_filter": chosen}
        return self._table.scan(snapshot_id=self._snapshot, **given)

    def _filter(self, narrow: Narrow | None) -> Any:
        """The condition on a column of times; None where it is none."""
        fields = {f.name: str(f.field_type) for f in self._table.schema().fields}
        shape = {"timestamp": "%Y-%m-%dT%H:%M:%S.%f", "timestamptz": "%Y-%m-%dT%H:%M:%S.%f+00:00", "date": "%Y-%m-%d"}
        form = shape.get(fields.get(narrow.column, "")) if narrow else None
        if narrow is None or form is None:
            return None
        e = need("pyiceberg.expressions", "An Iceberg table", "iceberg")
        since, until = bounds(narrow)
        terms = [e.GreaterThanOrEqual(narrow.column, f"{since:{form}}")] if since else []
        terms += [e.LessThan(narrow.column, f"{until:{form}}")] if until else []
        return e.Or(reduce(e.And, terms), e.IsNull(narrow.column)) if terms else None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell the failures of pyiceberg in words."""
        try:
            yield
        except MlforgeError:
            raise
        except Exception as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> MlforgeError:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        if "not yet support" in reason or "not support" in reason or isinstance(error, NotImplementedError):
            hint = "Export its rows as Parquet with what wrote it, or compact it there first."
            return Unsupported(f"{self._where} cannot be read by pyiceberg: {reason}.", hint=hint)
        hint = "Look whether all its files are there, and were not moved: their addresses are in its metadata."
        return PluginFailed(f"{self._where} cannot be read: {reason}.", hint=hint)


def _number(name: str) -> int:
    """The number in `v3.metadata.json` and `00003-…metadata.json`; -1 without one."""
    found = re.match(r"v?(\d+)[-.]", name)
    return int(found[1]) if found else -1


def _files(asking: Asking, metadata: str) -> Any:
    """What reads the files. What a table says of itself is no setting of it: it could name any code or server."""
    if asking.objects is not None and asking.place.startswith("gs://"):
        from mlforge_tables.objects import ObjectsIO  # brings a library that is seldom needed

        return ObjectsIO(asking.objects, "/".join(asking.place.split("/")[:3]))
    opened = need("pyiceberg.io", "An Iceberg table", "iceberg")
    return opened.load_file_io(properties=_settings(asking), location=metadata)


def _settings(asking: Asking) -> dict[str, str]:
    """How pyiceberg is told of a bucket of S3."""
    if asking.objects is None:
        return {}
    options = dict(asking.objects.options())
    provider = options.pop("credential_provider", None)
    found = options | (provider()[0] if provider is not None else {})
    return {_SETTINGS[word]: value for word, value in found.items() if word in _SETTINGS}
