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
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Scan
from mlforge.plugin.engine.columns import need_columns, need_values
from mlforge.plugin.engine.edge import reason
from mlforge.plugin.engine.layers import overlay, told
from toy_engine.order import identities
from toy_engine.rows import anti_join
from toy_engine.times import instants
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
    return pa.concat_tables(_agreed(asked, tables))


def _agreed(asked: Scan, tables: Sequence[pa.Table]) -> list[pa.Table]:
    """The files' rows under the first one's columns; integers beside floats are floats, where that was detected."""
    first = tables[0].schema
    for uri, table in zip(asked.uris, tables, strict=True):
        others = {f.name: f.type for f in table.schema}
        both = {f.name: {f.type, others.get(f.name)} for f in first}
        agreed = {n: _agreed_type(found, asked.format) for n, found in both.items()}
        if others.keys() != agreed.keys() or None in agreed.values():
            raise Invalid(
                f"Source {asked.name!r}: {uri} has other columns than {asked.uris[0]}.",
                hint="The files of a source have the same columns. Mend this one, or make two sources.",
            )
        first = pa.schema(list(agreed.items()))
    return [table.select(first.names).cast(first) for table in tables]


def _agreed_type(found: set[pa.DataType | None], form: object) -> pa.DataType | None:
    if len(found) == 1:
        return found.pop()
    return pa.float64() if isinstance(form, CSVFormat) and found == {pa.int64(), pa.float64()} else None


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
