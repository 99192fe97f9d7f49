"""Files: sources, and the layers of a committed version."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from mlforge.errors import Invalid, Unsupported
from mlforge.model.meta import Artifact
from mlforge.model.source import CSVFormat, ParquetFormat, format_name
from mlforge.plugin import Scan
from mlforge.plugin.engine.columns import need_values
from mlforge.plugin.engine.edge import reason
from mlforge.plugin.engine.layers import overlay, told
from toy_engine.order import identities
from toy_engine.rows import anti_join
from toy_engine.types import dtype_of, plainly


def local(uri: str) -> str:
    """The path of a file's address."""
    return uri.removeprefix("file://")


def scan(asked: Scan) -> pa.Table:
    """The rows of a source. Raises `Invalid` for a file that does not parse, or differs from the others."""
    read = {ParquetFormat: _parquet, CSVFormat: _csv}.get(type(asked.format))
    if read is None:
        raise Unsupported(f"The toy engine does not read {format_name(asked.format)}.", hint="Write it as Parquet.")
    tables = []
    for uri in asked.uris:
        try:
            tables.append(read(local(uri), asked.format))
        except (pa.ArrowException, OSError) as error:
            raise Invalid(f"Source {asked.name!r}: {uri} cannot be read: {reason(error)}", hint="Mend it.") from error
    return pa.concat_tables(t.select(tables[0].column_names) for t in tables)


def _parquet(path: str, _format: ParquetFormat) -> pa.Table:
    return pq.ParquetFile(path).read()


def _csv(path: str, form: CSVFormat) -> pa.Table:
    parsing = pa.csv.ParseOptions(delimiter=form.delimiter, newlines_in_values=True)
    reading = pa.csv.ReadOptions(autogenerate_column_names=not form.header)
    with pa.csv.open_csv(path, reading, parsing) as first:
        names = first.schema.names
    texts = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=["", *form.null_values],
        strings_can_be_null=True,
    )
    table = pa.csv.read_csv(path, reading, parsing, texts)
    dtypes = dict(form.dtypes)
    return pa.table({n: _typed(table[n], dtypes.get(n)) for n in names})


def _typed(text: pa.ChunkedArray, word: str | None) -> pa.ChunkedArray:
    if word is None and text.null_count == len(text):
        return text
    for guess in (word,) if word else ("Int64", "Float64"):
        with suppress(pa.ArrowInvalid):
            return text.cast(dtype_of(guess))
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
