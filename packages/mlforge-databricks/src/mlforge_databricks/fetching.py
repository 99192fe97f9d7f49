"""A version's rows in a file of this machine, for engines that read files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mlforge.model.meta import Artifact, FeatureMeta
from mlforge.plugin.intact import sha256_of
from mlforge.plugin.objects.staging import fetched, reporting
from mlforge_databricks.address import Table
from mlforge_databricks.statements import Statements

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN = {
    "Boolean": "bool_", "String": "string", "Binary": "binary", "Date": "date32",
    "Float32": "float32", "Float64": "float64",
    **{f"{sign}{bits}": f"{sign.lower()}{bits}" for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)},
}  # fmt: skip


def fetch(statements: Statements, artifact: Artifact, table: Table) -> Artifact:
    """The version in a Parquet file, whose bytes it then tells of; it is there until the process ends."""
    (part,) = artifact.meta.parts
    path = fetched(f"{artifact.meta.name}/{part.path}.parquet", part.hash)
    if not path.exists():
        _write(path, *_answer(statements, table), artifact.meta)
    near = msgspec.structs.replace(part, bytes=path.stat().st_size, hash=sha256_of(path))
    return Artifact(msgspec.structs.replace(artifact.meta, parts=(near,)), (str(path),))


def _answer(statements: Statements, table: Table) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    return statements.batches(f"SELECT * FROM {table.read}")


def _write(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch], meta: FeatureMeta) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = {column.name: column.dtype for column in meta.columns}
    wanted = pa.schema([pa.field(f.name, _type(words[f.name], f.type) if f.name in words else f.type) for f in schema])
    unfinished = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    with reporting(f"Bringing {path.name} to this machine"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(unfinished, wanted) as writer:
            for batch in batches:
                writer.write_batch(_cast(batch, wanted))
        unfinished.replace(path)


def _cast(batch: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    """A batch in the types that were committed: tables have no unsigned numbers and no lengths of time."""
    import pyarrow as pa

    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, wanted, strict=True)
    ]
    return pa.record_batch(columns, schema=wanted)


def _type(word: str, found: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if word in _PLAIN:
        made: pa.DataType = getattr(pa, _PLAIN[word])()
        return made
    if word == "Datetime":
        return pa.timestamp("us", tz="UTC")
    if word == "Duration":
        return pa.duration("us")
    if word.startswith("List("):
        return pa.list_(_type(word[len("List(") : -1], found.value_type))
    if word.startswith("Decimal("):
        precision, scale = map(int, word[len("Decimal(") : -1].split(","))
        return pa.decimal128(precision, scale)
    return found
