"""Where a feature's rows come from."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
        header: Whether the first line names the columns; else they are `column_1`, `column_2` …
        null_values: Texts that mean null, besides an empty field.
        dtypes: Types by column, such as `{"zip": "String"}`; the rest is detected.
        decimal: What stands before the fraction of a number.
        thousands: What stands between groups of three digits, such as `"."` in `1.234,56`; None for nothing.
        encoding: How characters are written; other than UTF-8, each file must fit into memory.
        quote: What stands around a field that holds the delimiter or a line end; None where quotes mean nothing.
        skip_rows: How many lines stand above the first one, or above its header.
        comment: What a line begins with that is none of the rows, such as `"#"`; None for nothing.

    Raises:
        Invalid: An option that cannot be, or two that cannot be together.

    Example:
        >>> Source("users.txt", format=CSVFormat(delimiter=";", dtypes={"zip": "String"})).format.dtypes
        (('zip', 'String'),)
    """

    delimiter: str = ","
    header: bool = True
    null_values: tuple[str, ...] = ()
    dtypes: tuple[tuple[str, str], ...] = ()
    decimal: str = "."
    thousands: str | None = None
    encoding: str = "utf-8"
    quote: str | None = '"'
    skip_rows: int = 0
    comment: str | None = None

    def __post_init__(self) -> None:
        force = msgspec.structs.force_setattr
        given_nulls: Any = self.null_values
        force(self, "null_values", (given_nulls,) if isinstance(given_nulls, str) else tuple(given_nulls))
        given: Any = self.dtypes
        force(self, "dtypes", tuple(given.items()) if isinstance(given, dict) else tuple(given))
        for wrong, why, hint in self._faults():
            if wrong:
                raise Invalid(why, hint=hint)

    def _faults(self) -> Iterator[tuple[bool, str, str]]:
        """What may be wrong: whether it is, why, and what to write instead."""
        quote, thousands = self.quote, self.thousands
        yield (
            not _is_mark(self.delimiter) or self.delimiter == quote,
            f"The delimiter {self.delimiter!r} is not one character between fields.",
            'Such as CSVFormat(delimiter=";") or "\\t"; quotes and line ends have a meaning of their own.',
        )
        yield (
            quote is not None and not _is_mark(quote),
            f"The quote {quote!r} is not one character around fields.",
            'Such as CSVFormat(quote="\'"), or quote=None where quotes mean nothing.',
        )
        yield (
            not _is_between_digits(self.decimal),
            f"The decimal mark {self.decimal!r} is not one character.",
            'Such as CSVFormat(decimal=",").',
        )
        yield (
            thousands is not None and (not _is_between_digits(thousands) or thousands == self.decimal),
            f"The mark between thousands {thousands!r} is not one character, other than the decimal mark.",
            'Such as CSVFormat(decimal=",", thousands=".").',
        )
        yield (
            not _is_encoding(self.encoding),
            f"There is no encoding {self.encoding!r}.",
            'Such as CSVFormat(encoding="latin-1"), "cp1252" or "utf-16".',
        )
        yield (
            type(self.skip_rows) is not int or self.skip_rows < 0,
            f"CSVFormat cannot skip {self.skip_rows!r} lines.",
            "Count those above the header: CSVFormat(skip_rows=2).",
        )
        comment: Any = self.comment
        yield (
            comment is not None
            and not (isinstance(comment, str) and comment and not set(comment) & set(f"\r\n{quote}")),
            f"{comment!r} cannot begin a comment.",
            'Such as CSVFormat(comment="#").',
        )


def _is_mark(text: Any) -> bool:
    """Whether it is a character that can stand between or around fields."""
    return isinstance(text, str) and len(text) == 1 and text.isascii() and text not in "\r\n\0"


def _is_between_digits(text: Any) -> bool:
    """Whether it is a character that is no part of a number's digits, sign or exponent."""
    return isinstance(text, str) and len(text) == 1 and not text.isalnum() and text not in "+-\r\n"


def _is_encoding(name: Any) -> bool:
    try:
        return isinstance(name, str) and bool("a".encode(name))
    except (LookupError, ValueError):
        return False


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
