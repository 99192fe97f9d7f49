"""Files: sources, and the layers of a committed version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from mlforge.errors import Invalid
from mlforge.model.meta import Artifact
from mlforge.model.source import CSVFormat, ParquetFormat
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Scan
from mlforge.plugin.engine.columns import need_columns, need_values
from mlforge.plugin.engine.layers import overlay, told
from mlforge.plugin.engine.sources import agreed, read_by, unreadable
from toy_engine.order import identities
from toy_engine.rows import anti_join
from toy_engine.times import instants
from toy_engine.types import dtype_of, plainly


def local(uri: str) -> str:
    """The path of a file's address."""
    return uri.removeprefix("file://")


def scan(asked: Scan) -> pa.Table:
    """The rows of a source. Raises `Invalid` for a file that does not parse, or differs from the others."""
    table: pa.Table = read_by({ParquetFormat: _read(_parquet), CSVFormat: _read(_csv)}, asked, "The toy engine")
    return table


def _read(one: Callable[[str, Any], pa.Table]) -> Callable[[Scan], pa.Table]:
    """Reads all files of a source by a reader of one."""
    return lambda asked: _together(asked, [_opened(one, asked, uri) for uri in asked.uris])


def _opened(one: Callable[[str, Any], pa.Table], asked: Scan, uri: str) -> pa.Table:
    try:
        return one(local(uri), asked.format)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(asked, local(uri), error) from error


def _together(asked: Scan, tables: Sequence[pa.Table]) -> pa.Table:
    """The files' rows under the first one's columns."""
    both = _both if isinstance(asked.format, CSVFormat) else _neither
    found = agreed(asked, [{f.name: f.type for f in table.schema} for table in tables], both)
    schema = pa.schema(list(found.items()))
    return pa.concat_tables(table.select(schema.names).cast(schema) for table in tables)


def _both(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    """The type that two detected ones fit into."""
    return pa.float64() if {a, b} == {pa.int64(), pa.float64()} else None


def _neither(_a: pa.DataType, _b: pa.DataType) -> None:
    return None


def _parquet(path: str, _format: ParquetFormat) -> pa.Table:
    return pq.ParquetFile(path).read()


def _csv(path: str, form: CSVFormat) -> pa.Table:
    """All of it is read as text first, so that a type that is detected holds for every row."""
    parsing = pa.csv.ParseOptions(delimiter=form.delimiter, newlines_in_values=True)
    reading = pa.csv.ReadOptions(autogenerate_column_names=not form.header, use_threads=False)
    with pa.csv.open_csv(path, reading, parsing) as first:
        names, dtypes = first.schema.names, dict(form.dtypes)
    need_columns(dtypes, names, path)
    if len(set(names)) < len(names):
        raise Invalid(f"{path} has two columns of one name.", hint="Rename one of them in its first line.")
    texts = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), null_values=["", *form.null_values], strings_can_be_null=True
    )
    table = pa.csv.read_csv(path, reading, parsing, texts)
    columns = {n: _typed(table[n], n, dtypes.get(n)) for n in names}
    return pa.table(columns if form.header else {f"column_{i + 1}": c for i, c in enumerate(columns.values())})


def _typed(text: pa.ChunkedArray, name: str, word: str | None) -> pa.ChunkedArray | pa.Array:
    if word == "Datetime":
        return instants(text, Timestamp(name))
    if word or text.null_count == len(text):
        return text.cast(dtype_of(word or "String"))
    for guess in (pa.int64(), pa.float64()):
        with suppress(pa.ArrowInvalid):
            return text.cast(guess)
    return text


def read_version(artifact: Artifact, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a committed version: each layer without those that later ones replace or take away."""
    identity, types = artifact.meta.identity, told(artifact.meta)
    layers = list(overlay(artifact.layers))
    wanted = None if columns is None else list(dict.fromkeys([*columns, *(identity if len(layers) > 1 else ())]))
    parts = []
    for layer in layers:
        rows = _stored(layer.rows, types, artifact, wanted)
        taken = [_stored(files, types, artifact, identity) for files in layer.taken]
        parts.insert(0, anti_join(rows, taken, identity) if taken else rows)
    table = pa.concat_tables(part.select(parts[0].column_names) for part in parts)
    if len(parts) > 1:
        (numbers,) = identities([table], identity)
        table = table.take(pa.array(numbers.argsort(kind="stable")))
    return table if columns is None else table.select(columns)


def _stored(uris: Sequence[str], types: dict[str, str], artifact: Artifact, columns: Sequence[str] | None) -> pa.Table:
    files = [pq.ParquetFile(local(uri)) for uri in uris]
    need_values(columns or (), files[0].schema_arrow.names, artifact.meta)
    kept = columns or files[0].schema_arrow.names
    table = pa.concat_tables([f.read(columns).select(kept) for f in files])
    return pa.table({n: _as_told(plainly(table[n]), types.get(n)) for n in kept})


def _as_told(array: pa.Array, word: str | None) -> pa.Array:
    """A column as the metadata tell it: Parquet has no word for some types."""
    return array if word is None or array.type == dtype_of(word) else array.cast(dtype_of(word))


def write(table: pa.Table, uri: str) -> int:
    """Write Parquet; how many rows."""
    pq.write_table(table, local(uri), compression="zstd")
    return table.num_rows
