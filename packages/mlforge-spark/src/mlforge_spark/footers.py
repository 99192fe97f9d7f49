"""What this machine sees of files that Spark reads: their columns, and whether they are those that lay there before."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mlforge_spark.buckets import Opened

INT96 = pa.timestamp("s", "INT96")
"""Stands for times of 96 bits, which Spark reads by itself."""


def file_types(path: Path | Opened) -> dict[str, pa.DataType]:
    """The columns of a Parquet file, with what only Arrow's schema tells."""
    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    if len(set(names)) < len(names):
        raise pa.ArrowInvalid(f"a column stands twice: {', '.join(names)}")
    wide = {c.path for c in (file.schema.column(i) for i in range(len(file.schema))) if c.physical_type == "INT96"}
    told = _told_by_arrow(file)
    return {f.name: INT96 if f.name in wide else told.get(f.name, f.type) for f in file.schema_arrow}


def _told_by_arrow(file: pq.ParquetFile) -> dict[str, pa.DataType]:
    """Dates that Arrow wrote in milliseconds are instants, which pyarrow itself forgets."""
    from base64 import b64decode

    arrow = (file.metadata.metadata or {}).get(b"ARROW:schema")
    fields = pa.ipc.read_schema(pa.py_buffer(b64decode(arrow))) if arrow else ()
    return {f.name: f.type for f in fields if pa.types.is_date64(f.type)}


def local(uri: str) -> Path:
    """The path of a file's address."""
    return Path(uri.removeprefix("file://"))


def state_of(uris: Sequence[str]) -> dict[str, str]:
    """An option of reading some files as they are now.

    What is cached of files Spark takes for all that is read at their paths with the same options, whatever lies there.
    """
    found = (local(uri).stat() for uri in uris)
    return stated([(file.st_mtime_ns, file.st_size, file.st_ino) for file in found])


def stated(facts: object) -> dict[str, str]:
    """An option of reading that is another where what is known of the files is."""
    return {"mlforge.state": sha256(repr(facts).encode(errors="surrogatepass")).hexdigest()}
