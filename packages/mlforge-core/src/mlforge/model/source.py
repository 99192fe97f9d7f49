"""Where a feature's rows come from."""

from __future__ import annotations

import re
from os import PathLike, fspath
from pathlib import PurePath
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.spelling import Spelled


class ParquetFormat(msgspec.Struct, metaclass=Spelled, frozen=True, tag="parquet", tag_field="kind"):
    """Parquet files.

    Example:
        >>> Source("export/latest", format=ParquetFormat()).name
        'latest'
    """


class CSVFormat(msgspec.Struct, metaclass=Spelled, frozen=True, tag="csv", tag_field="kind"):
    """Comma-separated text.

    Args:
        delimiter: One character between fields.
        header: Whether the first line names the columns.
        null_values: Texts that mean null, besides an empty field.
        dtypes: Types by column, such as `{"zip": "String"}`; the rest is detected.

    Example:
        >>> Source("users.txt", format=CSVFormat(delimiter=";", dtypes={"zip": "String"})).format.dtypes
        (('zip', 'String'),)
    """

    delimiter: str = ","
    header: bool = True
    null_values: tuple[str, ...] = ()
    dtypes: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        force = msgspec.structs.force_setattr
        delimiter: Any = self.delimiter
        if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
            raise Invalid(
                f"The delimiter {self.delimiter!r} is not one character between fields.",
                hint='Such as CSVFormat(delimiter=";") or "\\t"; quotes and line ends have a meaning of their own.',
            )
        given_nulls: Any = self.null_values
        force(self, "null_values", (given_nulls,) if isinstance(given_nulls, str) else tuple(given_nulls))
        given: Any = self.dtypes
        force(self, "dtypes", tuple(given.items()) if isinstance(given, dict) else tuple(given))


class DeltaFormat(msgspec.Struct, metaclass=Spelled, frozen=True, tag="delta", tag_field="kind"):
    """A Delta table, at `version` where one is given.

    Example:
        >>> Source("lake/events", format=DeltaFormat(version=7)).format.version
        7
    """

    version: int | None = None


Format = ParquetFormat | CSVFormat | DeltaFormat
_SUFFIXES: dict[str, Format] = {
    ".parquet": ParquetFormat(),
    ".pq": ParquetFormat(),
    ".csv": CSVFormat(),
    ".tsv": CSVFormat(delimiter="\t"),
}
_OTHER_FILES = "arrow avro bz2 dat data db delta feather gz ipc json jsonl log ndjson orc txt xls xlsx xz zip zst"
_FILE_ENDINGS = tuple(f".{ending}" for ending in _OTHER_FILES.split(" "))
_FOREIGN = frozenset(
    f".{e}" for e in ["arrow", "avro", "db", "feather", "ipc", "json", "jsonl", "ndjson", "orc", "xls", "xlsx", "zip"]
)
_TABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){1,2}")


def format_name(fmt: Format) -> str:
    """`parquet`, `csv` or `delta`: the word engines announce."""
    return str(type(fmt).__struct_config__.tag)


class Source(msgspec.Struct, metaclass=Spelled, frozen=True):
    """Rows to read: a file, a glob, a folder, a URI or a table.

    Args:
        path: `data/events.parquet`, `data/*.csv`, `data/events/`, `s3://bucket/events/` or `main.raw.events`.
        name: The source's name; the last part of the path, without its ending, if None.
        format: `ParquetFormat()`, `CSVFormat(...)` or `DeltaFormat(...)`; told from the path's ending if None.

    Raises:
        Invalid: An empty path, or an ending of files that are not read.

    Example:
        >>> Source("data/events.parquet").name
        'events'
    """

    path: str
    name: str = ""
    format: Format | None = None

    def __post_init__(self) -> None:
        force = msgspec.structs.force_setattr
        given: Any = self.path
        if not isinstance(given, str | PathLike):
            raise Invalid(
                f"A {type(given).__module__.split('.')[0]}.{type(given).__qualname__} is no source.",
                hint='Give a path or a Source; write a frame to a file first: frame.write_parquet("events.parquet").',
            )
        force(self, "path", fspath(given))
        if self.format is not None and not isinstance(self.format, Format):
            raise Invalid(f"The format {self.format!r} is none.", hint="ParquetFormat(), CSVFormat() or DeltaFormat().")
        if not self.path.strip():
            raise Invalid("A Source needs a path.", hint='Source("data/events.parquet")')
        if self._is_foreign():
            ending = PurePath(self.path).suffix
            raise Invalid(
                f"Source({self.path!r}): files that end in {ending} are not read.",
                hint="Write it as Parquet or CSV; where it is one of these, say so: format=CSVFormat().",
            )
        force(self, "name", self.name or self._stem())

    def _is_foreign(self) -> bool:
        """Whether the ending alone tells that no engine can read it."""
        return self.format is None and PurePath(self.path).suffix.lower() in _FOREIGN and not self.path.endswith("/")

    def _stem(self) -> str:
        if self.is_table:
            return self.path.rsplit(".", 1)[-1]
        parts = [p for p in PurePath(self.path.rstrip("/")).parts if not set(p) & set("*?[")]
        return PurePath(parts[-1]).stem if parts else self.path

    @property
    def scheme(self) -> str:
        """`file`, `s3`, `gs` …, or `table` for a dotted table name."""
        if self.is_table:
            return "table"
        return self.path.split("://", 1)[0].lower() if "://" in self.path else "file"

    @property
    def is_table(self) -> bool:
        ending = PurePath(self.path).suffix.lower()
        dotted = bool(_TABLE.fullmatch(self.path)) and ending not in (*_SUFFIXES, *_FILE_ENDINGS)
        return dotted and isinstance(self.format, DeltaFormat | None)

    def infer_format(self) -> Format | None:
        """The format that was given, or that the ending tells; None where neither does."""
        if self.format is not None:
            return self.format
        if self.is_table:
            return DeltaFormat()
        return _SUFFIXES.get(PurePath(self.path).suffix.lower())


def format_of_suffix(suffix: str) -> Format | None:
    """The format of files with this ending, such as `.csv`; None if it tells nothing."""
    return _SUFFIXES.get(suffix.lower())
