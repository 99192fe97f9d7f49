"""The reference's files: JSON lines under a first line with the schema, and CSV to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from mlforge.errors import Invalid, PluginFailed, Unsupported
from mlforge.model.schema import Schema
from mlforge.model.source import CSVFormat, format_name
from mlforge.plugin import Scan
from mlforge.testing.reference import delimited
from mlforge.testing.reference.table import Table
from mlforge.testing.reference.telling import about
from mlforge.testing.reference.times import instant, micros

ENCODE: dict[type, Callable[[Any], Any]] = {
    datetime: micros,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: lambda v: v // timedelta(microseconds=1),
    bytes: bytes.hex,
    Decimal: str,
}
DECODE: dict[str, Callable[[Any], Any]] = {
    "Datetime": instant,
    "Date": date.fromisoformat,
    "Time": time.fromisoformat,
    "Duration": lambda v: timedelta(microseconds=v),
    "Binary": bytes.fromhex,
    "Decimal": Decimal,
}


def local(uri: str) -> Path:
    """The path of a file's address."""
    return Path(uri.removeprefix("file://"))


def write(table: Table, uri: str) -> None:
    """Write JSON lines. Raises `PluginFailed` where the address takes none."""
    lines = [msgspec.json.encode(table.schema).decode(), *(json.dumps(_encoded(row)) for row in table.rows)]
    try:
        local(uri).write_text("\n".join(lines))
    except OSError as error:
        raise PluginFailed(f"{uri!r} cannot be written: {error}.", hint="Check the address.") from error


def _encoded(row: dict[str, Any]) -> list[Any]:
    return [_encode(v) for v in row.values()]


def _encode(value: Any) -> Any:
    return list(map(_encode, value)) if isinstance(value, list) else ENCODE.get(type(value), lambda same: same)(value)


def read(uri: str) -> Table:
    """Read what `write` wrote. Raises `PluginFailed` for what is gone, or is not what was written."""
    try:
        head, *lines = local(uri).read_text().split("\n")
        schema = msgspec.json.decode(head, type=Schema)
        return Table(schema, [_decoded(json.loads(line), schema) for line in lines])
    except (OSError, ValueError) as error:
        raise PluginFailed(f"{uri!r} cannot be read: {error}.", hint="Build the version again.") from error


def _decoded(values: list[Any], schema: Schema) -> dict[str, Any]:
    return {c.name: _decode(v, c.dtype) for c, v in zip(schema, values, strict=True)}


def _decode(value: Any, dtype: str) -> Any:
    if isinstance(value, list):
        return [_decode(v, dtype.removeprefix("List(").removesuffix(")")) for v in value]
    decode = DECODE.get(dtype.split("(", maxsplit=1)[0])
    return value if value is None or decode is None else decode(value)


def concat(tables: Sequence[Table]) -> Table:
    """The rows of all tables, in order."""
    return Table(tables[0].schema, [row for table in tables for row in table.rows])


def paths(uri: str) -> list[Path]:
    """The files at an address, which may hold stars unless a file has that name."""
    path = local(uri)
    return [path] if path.is_file() else sorted(path.parent.glob(path.name))


def scan(scan: Scan) -> Table:
    """The rows of CSV files. Raises `Unsupported` for another format, `Invalid` for what does not parse."""
    if not isinstance(scan.format, CSVFormat):
        raise Unsupported(
            f"The reference engine does not read {format_name(scan.format)} ({scan.name}).", hint="Give it CSV."
        )
    found = [path for uri in scan.uris for path in paths(uri)]
    if not found:
        raise Invalid(f"There is no file at {', '.join(scan.uris)}.", hint="Check the source's path.")
    with about(f"Source {scan.name!r}"):
        table = delimited.read(found, scan.format)
    rows = [len(delimited.read([path], scan.format).rows) for path in found] if scan.partitions else []
    table = table.without([name for name, _ in scan.partitions])
    for name, dtype in scan.partitions:
        told = [
            value for path, count in zip(found, rows, strict=True) for value in [told_by(path, name, dtype)] * count
        ]
        table = table.with_column(name, dtype, told)
    return table


def told_by(path: Path, name: str, dtype: str) -> Any:
    """What the folders of a file say of a column of its rows."""
    text = next(part.removeprefix(f"{name}=") for part in path.parts if part.startswith(f"{name}="))
    if text == "__HIVE_DEFAULT_PARTITION__":
        return None
    makes: dict[str, Callable[[str], Any]] = {"Int64": int, "Date": date.fromisoformat, "String": unquote}
    return makes[dtype](text)
