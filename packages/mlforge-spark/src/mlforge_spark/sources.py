"""Reading a source: Parquet by Spark, its types as its files tell them; CSV and Arrow by way of this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions as F
from pyspark.sql import types as T

from mlforge.errors import Invalid, MlforgeError
from mlforge.model.source import CSVFormat, DeltaFormat, IcebergFormat, ParquetFormat
from mlforge.plugin import Rows, Scan
from mlforge.plugin.engine.partitions import with_partitions
from mlforge.plugin.engine.sources import agreed, fetched, read_by, too_wide, unreadable
from mlforge_spark.arrowed import Wire, wire_of
from mlforge_spark.buckets import LETTERS, READING, Opened, is_in_bucket, literal, settings
from mlforge_spark.edge import of_data
from mlforge_spark.exchange import arrow_of, from_arrow, is_4
from mlforge_spark.folders import Place, Told, place_of, told_by, value_of
from mlforge_spark.footers import INT96, file_types, local, state_of, stated
from mlforge_spark.session import is_sail
from mlforge_spark.tables import open_table
from mlforge_spark.types import column, dtype_of, named, plain

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession


def open_source(scan: Scan, session: SparkSession, folder: Callable[[], Path], *, direct: bool) -> DataFrame:
    """The rows of a source; `folder` gives one for objects that are brought here, `direct` reads them where they are.

    Raises:
        Invalid: A file that is not there, does not parse or differs from the others, naming it.
        Unsupported: A format that is not read.
    """
    if scan.rows is None and isinstance(scan.format, DeltaFormat | IcebergFormat):
        return open_table(scan, session)
    readers: dict[Any, Callable[[Scan], DataFrame]] = {
        ParquetFormat: lambda scan: _parquet(scan, session, folder, direct=direct),
        CSVFormat: lambda scan: _csv(scan, session, folder),
        Rows: lambda scan: _rows_of(scan, session),
    }
    rows: DataFrame = read_by(readers, scan, "The Spark engine")
    return rows


def _csv(scan: Scan, session: SparkSession, folder: Callable[[], Path]) -> DataFrame:
    """What CSV means, mlforge-csv knows: it is read by this process."""
    from mlforge_csv import scan_csv

    return from_arrow(scan_csv(scan, folder() if scan.objects else Path()).collect().to_arrow(), session)


def _rows_of(scan: Scan, session: SparkSession) -> DataFrame:
    from mlforge_csv import scan_rows

    return from_arrow(scan_rows(scan).collect().to_arrow(), session)


def _parquet(scan: Scan, session: SparkSession, folder: Callable[[], Path], *, direct: bool) -> DataFrame:
    """The files' rows, under types that hold for all; files alike are read as one."""
    in_bucket = scan.objects is not None
    places = list(map(str, fetched(scan, folder()))) if in_bucket and not direct else list(scan.uris)
    schemas = [_schema(scan, place, session) for place in places]
    told = {word: arrow_of(word) for word in ("Int64", "Date", "String")}
    types = agreed(scan, [with_partitions(scan, schema, told) for schema in schemas], _both)
    alike: dict[Any, list[str]] = {}
    apart = in_bucket or (bool(scan.partitions) and is_sail(session))  # which takes no column from below a place
    for uri, place, schema in zip(scan.uris, places, schemas, strict=True):
        told_there = told_by(scan, uri) if apart else place_of(scan, local(uri))
        alike.setdefault((frozenset(schema.items()), told_there), []).append(place)
    parts = [_rows(scan, paths, dict(columns), types, session, at) for (columns, at), paths in alike.items()]
    return reduce(lambda a, b: a.union(b), _as_one(parts))


def _as_one(parts: Sequence[DataFrame]) -> list[DataFrame]:
    """Frames of one type in each column: of times with and without a zone Spark would make one in the session's."""
    kinds = [{f.dataType for f in column} for column in zip(*(part.schema.fields for part in parts), strict=True)]
    mixed = {f.name for f, types in zip(parts[0].schema.fields, kinds, strict=True) if len(types) > 1}
    return (
        [
            part.select(*(_instants(f) if f.name in mixed else column(f.name) for f in part.schema.fields))
            for part in parts
        ]
        if mixed
        else list(parts)
    )


def _instants(field: T.StructField) -> Column:
    return plain(column(field.name), field.dataType).alias(field.name, metadata=field.metadata)


def address(path: Path, session: SparkSession) -> str:
    """A path as the session takes it: with no letter encoded, but for Sail."""
    return path.absolute().as_uri() if is_sail(session) else _plain(path)


def _plain(path: Path) -> str:
    return f"file://{path.absolute()}"


def _addresses(uris: Sequence[str], session: SparkSession) -> list[str]:
    """Where files are, as addresses that fit them alone."""
    if is_in_bucket(uris[0]):
        return list(map(literal, uris))
    if not is_sail(session):
        return [LETTERS.sub(r"\\\g<0>", _plain(local(uri))) for uri in uris]
    if strange := next((uri for uri in uris if set(uri) & set("[]{}")), None):
        raise Invalid(
            f"Sail finds no file that is called as {strange} is.",
            hint="Rename it, or name a link to it: without brackets and braces.",
        )
    return [local(uri).absolute().as_uri() for uri in uris]


def _need_seen(scan: Scan, uri: str) -> None:
    """Raise `Invalid` for a file that Spark passes over without a word, or cannot name."""
    name = local(uri).name
    hidden = name.startswith(".") or (name.startswith("_") and "=" not in name) or name.endswith("._COPYING_")
    if hidden or ":" in name:
        raise Invalid(
            f"Source {scan.name!r}: Spark reads no file that is called as {uri} is.",
            hint="Rename it, or name a link to it: without _ or . at the beginning, or a colon.",
        )


def _schema(scan: Scan, uri: str, session: SparkSession) -> dict[str, pa.DataType]:
    _need_seen(scan, uri)
    try:
        found = file_types(Opened(scan, uri) if is_in_bucket(uri) else local(uri))
    except (pa.ArrowException, OSError) as error:
        raise unreadable(scan, uri, of_data(error)) from error
    for name, dtype in found.items():
        if pa.types.is_decimal(dtype) and dtype.precision > 38:
            raise too_wide(scan, uri, name, dtype)
        if "halffloat" in str(dtype) and not is_4(session):
            raise Invalid(
                f"Source {scan.name!r}: {uri} has column {name!r} as {dtype}, "
                f"and Spark {session.version} can open no Parquet file with floats of 16 bits.",
                hint="Write it with floats of 32 bits, or use Spark 4: pip install 'pyspark>=4'",
            )
    return found


def _both(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    """The type that two fit into: those of a kind are kept as one, and no value fits all."""
    if pa.types.is_null(a) or pa.types.is_null(b):
        return b if pa.types.is_null(a) else a
    return a if _wire(a).word == _wire(b).word is not None else None


def _wire(dtype: pa.DataType) -> Wire:
    if dtype == INT96:
        return Wire(T.TimestampType(), lambda value: value, "Datetime")
    return wire_of(dtype, on_disk=True)


def read_files(
    uris: Sequence[str],
    types: dict[str, pa.DataType],
    session: SparkSession,
    place: Place | None = None,
    options: Mapping[str, str] | None = None,
) -> DataFrame:
    """Parquet files of the same columns, each as it is on the disk, with what that means; what folders tell is text."""
    wires = {name: _wire(dtype) for name, dtype in types.items()}
    told = dict.fromkeys(place.names if place else (), T.StringType())
    read = told | {name: wire.read for name, wire in wires.items()}
    schema = T.StructType([T.StructField(name, dtype) for name, dtype in read.items()])
    based = {"basePath": _plain(place.folder)} if place else {}
    reader = session.read.options(**READING, **based, **(state_of(uris) if options is None else options))
    frame = reader.schema(schema).parquet(*_addresses(uris, session))
    columns = [named(w.decode(column(n)), n, w.word or "") for n, w in wires.items()]
    return frame.select(*map(column, told), *columns)


def _rows(
    scan: Scan,
    uris: list[str],
    found: dict[str, pa.DataType],
    types: dict[str, pa.DataType],
    session: SparkSession,
    place: Place | Told,
) -> DataFrame:
    words = dict(scan.partitions)
    options = settings(scan.options) | stated(scan.state) if is_in_bucket(uris[0]) else None
    own = {n: t for n, t in found.items() if n not in words}
    rows = read_files(uris, own, session, place if isinstance(place, Place) else None, options)
    columns = []
    for name, dtype in types.items():
        if name in words:
            columns.append(value_of(place, name).cast(dtype_of(words[name])).alias(name))
        elif pa.types.is_null(found[name]) and not pa.types.is_null(dtype) and (word := _wire(dtype).word):
            local_time = pa.types.is_timestamp(dtype) and dtype.tz is None
            columns.append(named(F.lit(None).cast(T.TimestampNTZType() if local_time else dtype_of(word)), name, word))
        else:
            columns.append(column(name))
    return rows.select(*columns)


def blame(scan: Scan) -> MlforgeError | None:
    """Which Parquet file of a source cannot be read to its end."""
    if not isinstance(scan.format, ParquetFormat) or scan.objects is not None:
        return None
    for uri in scan.uris:
        try:
            file = pq.ParquetFile(local(uri))
            for _ in file.iter_batches():
                pass
        except (pa.ArrowException, OSError) as broken:
            return unreadable(scan, uri, of_data(broken))
    return None
