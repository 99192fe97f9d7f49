"""The reference's files: JSON lines under a first line with the schema, and CSV to read."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from mlforge.errors import Invalid, PluginFailed, Unsupported
from mlforge.model.schema import Column, Schema, is_float, is_integer
from mlforge.model.source import CSVFormat, format_name
from mlforge.plugin import Scan
from mlforge.testing.reference.table import Table
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
    return [ENCODE.get(type(v), lambda same: same)(v) for v in row.values()]


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
    decode = DECODE.get(dtype.split("(", maxsplit=1)[0])
    return value if value is None or decode is None else decode(value)


def concat(tables: Sequence[Table]) -> Table:
    """The rows of all tables, in order."""
    return Table(tables[0].schema, [row for table in tables for row in table.rows])


def paths(uri: str) -> list[Path]:
    """The files at an address, which may hold stars."""
    path = local(uri)
    return sorted(path.parent.glob(path.name))


def scan(scan: Scan) -> Table:
    """The rows of CSV files. Raises `Unsupported` for another format, `Invalid` for what does not parse."""
    if not isinstance(scan.format, CSVFormat):
        raise Unsupported(
            f"The reference engine does not read {format_name(scan.format)} ({scan.name}).", hint="Give it CSV."
        )
    found = [path for uri in scan.uris for path in paths(uri)]
    if not found:
        raise Invalid(f"There is no file at {', '.join(scan.uris)}.", hint="Check the source's path.")
    return concat([read_csv(path, scan.format) for path in found])


def read_csv(path: Path, form: CSVFormat) -> Table:
    """One file. Raises `Invalid` for a line of another width."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file, delimiter=form.delimiter))
    width = len(lines[0]) if lines else 0
    names = lines.pop(0) if form.header and lines else [f"column_{i + 1}" for i in range(width)]
    if wrong := next((i for i, line in enumerate(lines) if len(line) != width), None):
        raise Invalid(f"{path} has {len(lines[wrong])} fields in row {wrong}, not {width}.", hint="Mend the file.")
    return _typed(path, names, lines, form)


def _typed(path: Path, names: Sequence[str], lines: Sequence[Sequence[str]], form: CSVFormat) -> Table:
    dtypes = dict(form.dtypes)
    nulls = {"", *form.null_values}
    texts = {n: [None if line[i] in nulls else line[i] for line in lines] for i, n in enumerate(names)}
    schema = Schema(tuple(Column(n, dtypes.get(n) or detect(texts[n])) for n in names))
    values = {c.name: [_from_text(v, c.dtype, path) for v in texts[c.name]] for c in schema}
    return Table.of(schema, [dict(zip(names, row, strict=True)) for row in zip(*values.values(), strict=True)])


def detect(texts: Sequence[str | None]) -> str:
    """Int64, Float64 or String: the first that every text fits."""
    for dtype, kind in (("Int64", int), ("Float64", float)):
        if _all_parse(texts, kind):
            return dtype
    return "String"


def _all_parse(texts: Sequence[str | None], kind: Callable[[str], Any]) -> bool:
    try:
        return [kind(t) for t in texts if t is not None] != []
    except ValueError:
        return False


def _from_text(text: str | None, dtype: str, path: Path) -> Any:
    read = int if is_integer(dtype) else float if is_float(dtype) else DECODE.get(dtype, str)
    try:
        return None if text is None else read(text)
    except ValueError:
        raise Invalid(f"{text!r} in {path} is no {dtype}.", hint="Mend the file, or its dtypes.") from None
