"""Files: sources, and the layers of a committed version."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from mlforge.model.meta import Artifact
from mlforge.model.source import CSVFormat, ParquetFormat
from mlforge.plugin import Scan
from mlforge.plugin.engine.columns import need_values
from mlforge.plugin.engine.layers import overlay, told
from mlforge.plugin.engine.partitions import values
from mlforge.plugin.engine.sources import agreed, read_by, too_wide, unreadable
from mlforge_csv import scan_csv
from toy_engine.order import identities
from toy_engine.rows import anti_join
from toy_engine.types import dtype_of, plain_table, plain_type, plainly


def local(uri: str) -> str:
    """The path of a file's address."""
    return uri.removeprefix("file://")


def scan(asked: Scan) -> pa.Table:
    """The rows of a source. Raises `Invalid` for a file that does not parse, or differs from the others."""
    table: pa.Table = read_by({ParquetFormat: _parquet, CSVFormat: _csv}, asked, "The toy engine")
    return table


def _parquet(asked: Scan) -> pa.Table:
    """The files' rows, each column of a type that holds for all."""
    tables = [_opened(asked, uri) for uri in asked.uris]
    schema = pa.schema(list(agreed(asked, [{f.name: f.type for f in table.schema} for table in tables], _both).items()))
    return pa.concat_tables(_as(table, schema) for table in tables)


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table's columns under a schema: what is finer than a type of it is cut off."""
    columns = (table[f.name] if table[f.name].type == f.type else plainly(table[f.name]).cast(f.type) for f in schema)
    return pa.table(list(columns), schema=schema)


def _both(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    """The type that two fit into: those of a kind are kept as one, and no value fits all."""
    if pa.types.is_null(a) or pa.types.is_null(b):
        return b if pa.types.is_null(a) else a
    return plain_type(a) if plain_type(a) == plain_type(b) else None


def _opened(asked: Scan, uri: str) -> pa.Table:
    try:
        table = _as_written(pq.ParquetFile(local(uri), coerce_int96_timestamp_unit="us"))
    except (pa.ArrowException, OSError) as error:
        raise unreadable(asked, local(uri), _of_data(error)) from error
    for column in table.schema:
        if pa.types.is_decimal(column.type) and column.type.precision > 38:
            raise too_wide(asked, local(uri), column.name, column.type)
    told, words = values(asked, uri), dict(asked.partitions)
    columns = {n: table[n] for n in table.column_names if n not in told}
    return pa.table(columns | {n: pa.array([v] * len(table), dtype_of(words[n])) for n, v in told.items()})


def _of_data(error: Exception) -> Exception:
    """What pyarrow raises; an `OSError` that tells no number of one is about the data, not the disk."""
    return pa.ArrowInvalid(str(error)) if isinstance(error, OSError) and error.errno is None else error


def _as_written(file: pq.ParquetFile) -> pa.Table:
    """A file's rows; dates that Arrow wrote in milliseconds are instants, which pyarrow itself forgets."""
    table, arrow = file.read(), (file.metadata.metadata or {}).get(b"ARROW:schema")
    for field in pa.ipc.read_schema(pa.py_buffer(b64decode(arrow))) if arrow else ():
        if pa.types.is_date64(field.type):
            place = table.column_names.index(field.name)
            table = table.set_column(place, field.name, table[field.name].cast(pa.date64()))
    return table


def _csv(asked: Scan) -> pa.Table:
    """What CSV means, mlforge-csv knows."""
    return plain_table(pa.table(scan_csv(asked).collect()))


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
