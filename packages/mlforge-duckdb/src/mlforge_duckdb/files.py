"""Rows as Parquet files: how they are written, and how several become one without a row being read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import duckdb

from mlforge_duckdb.footer import MAGIC, STRUCT, Elements, Field, Struct, footer_bytes, read_footer
from mlforge_duckdb.sources import parquet_files
from mlforge_duckdb.types import Type, has_durations, in_micros, of_micros, quoted, text, types_of

_ROW_GROUP = 245_760  # rows, in whole vectors: small enough that a reader skips most of a file
_DICTIONARY = 2_048  # values: looking for more of them takes as long as writing all
_AT_ONCE = 1 << 18  # bytes
_OPTIONS = f"FORMAT parquet, ROW_GROUP_SIZE {_ROW_GROUP}, DICTIONARY_SIZE_LIMIT {_DICTIONARY}, USE_TMP_FILE false"

# fields of Parquet's FileMetaData, RowGroup, ColumnChunk and ColumnMetaData
_ROWS, _GROUPS = 3, 4
_COLUMNS, _GROUP_OFFSET, _ORDINAL = 1, 5, 7
_CHUNK_OFFSET, _CHUNK_META, _OFFSET_INDEX, _COLUMN_INDEX = 2, 3, 4, 6
_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE, _BLOOM_FILTER = 9, 10, 11, 14


def copying(query: str, types: Mapping[str, Type], path: str) -> str:
    """The statement that writes a query's rows to a file, in order; a duration as its microseconds."""
    columns = (f"{in_micros(quoted(n), t)} AS {quoted(n)}" for n, t in types.items())
    return f"COPY (SELECT {', '.join(columns)} FROM ({query})) TO {text(path)} ({_OPTIONS})"


def written(files: Sequence[Path], types: Mapping[str, Type], connection: duckdb.DuckDBPyConnection) -> str:
    """The rows of files that were written so, under their types, as a query."""
    source = parquet_files(tuple(map(str, files)))
    found = types_of(connection.sql(f"FROM {source}"))
    columns = ", ".join(f"{_restored(n, found[n], t)} AS {quoted(n)}" for n, t in types.items())
    return f"SELECT {columns} FROM {source}"


def _restored(name: str, found: Type, wanted: Type) -> str:
    if has_durations(wanted):
        return of_micros(quoted(name), wanted)
    return quoted(name) if found == wanted else f"CAST({quoted(name)} AS {wanted})"


def join_files(files: Sequence[Path], path: Path) -> int:
    """Make one Parquet file of several with the same columns, one after the other. Gives the number of its rows.

    The row groups are copied byte by byte; only the footer, which says where they begin, is made anew.
    """
    footers = [read_footer(file) for file in files]
    groups: list[Struct] = []
    with path.open("wb") as out:
        out.write(MAGIC)
        for file, footer in zip(files, footers, strict=True):
            groups += [_moved(group, out.tell() - len(MAGIC)) for group in footer.fields[_GROUPS].value.values]
            _append(file, footer.start, out)
        rows = sum(footer.fields[_ROWS].value for footer in footers)
        out.write(footer_bytes(_with_groups(footers[0].fields, groups, rows)))
    return int(rows)


def _with_groups(fields: Struct, groups: list[Struct], rows: int) -> Struct:
    listed = Field(fields[_GROUPS].type, Elements(STRUCT, groups))
    return fields | {_ROWS: fields[_ROWS]._replace(value=rows), _GROUPS: listed}


def _append(file: Path, end: int, out: BinaryIO) -> None:
    """Copy what is between a file's first four bytes and its footer."""
    buffer = memoryview(bytearray(_AT_ONCE))  # filled again and again: fresh memory costs more than to copy
    with file.open("rb", buffering=0) as source:
        at = source.seek(len(MAGIC))
        while size := source.readinto(buffer[: end - at]):
            at += out.write(buffer[:size])


def _moved(group: Struct, by: int) -> Struct:
    """A row group that begins so many bytes later. Its number within the file is left out: no reader needs it."""
    columns = [_moved_column(column, by) for column in group[_COLUMNS].value.values]
    moved = _shifted(group, (_GROUP_OFFSET,), by)
    moved[_COLUMNS] = Field(group[_COLUMNS].type, Elements(STRUCT, columns))
    moved.pop(_ORDINAL, None)
    return moved


def _moved_column(column: Struct, by: int) -> Struct:
    moved = _shifted(column, (_CHUNK_OFFSET, _OFFSET_INDEX, _COLUMN_INDEX), by)
    meta = column[_CHUNK_META]
    pages = (_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE, _BLOOM_FILTER)
    return moved | {_CHUNK_META: meta._replace(value=_shifted(meta.value, pages, by))}


def _shifted(fields: Struct, numbers: Sequence[int], by: int) -> Struct:
    """The fields with some offsets moved; 0 stands for none."""
    there = [n for n in numbers if n in fields and fields[n].value]
    return fields | {n: fields[n]._replace(value=fields[n].value + by) for n in there}
