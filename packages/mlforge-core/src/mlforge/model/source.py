"""Where a feature's rows come from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from os import PathLike, fspath
from pathlib import PurePath
from typing import Any, Self
from urllib.parse import unquote

import msgspec

from mlforge.errors import Invalid
from mlforge.model.address import masked
from mlforge.model.held import Held
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
        _check_dtypes(self.dtypes)
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
            not all(isinstance(text, str) for text in self.null_values),
            f"CSVFormat: null_values are {list(self.null_values)!r}, and not all are texts.",
            f"Write them as the file does: null_values={[str(text) for text in self.null_values]!r}.",
        )
        yield (
            not isinstance(self.header, bool),
            f"CSVFormat: header is {self.header!r}, neither True nor False.",
            "header=True where the first line names the columns; lines above it are passed over by skip_rows=.",
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


def _check_dtypes(dtypes: Any) -> None:
    """Raise `Invalid` for what is no words by column, such as a type of an engine."""
    pairs = list(dtypes.items()) if isinstance(dtypes, dict) else list(dtypes)
    if isinstance(dtypes, str) or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
        raise Invalid(f"CSVFormat: dtypes are {dtypes!r}, not types by column.", hint='dtypes={"zip": "String"}')
    for column, word in pairs:
        if not isinstance(column, str) or not isinstance(word, str):
            raise Invalid(
                f"CSVFormat: the type of {column!r} is {word!r}, which is not a word of mlforge's.",
                hint=f'Say it as text: dtypes={{"{column}": "{_word_for(word)}"}}.',
            )


def _word_for(given: Any) -> str:
    """The word for a type of Python's or Polars', as far as its name tells."""
    name = getattr(given, "__name__", None) or str(given)
    words = {"str": "String", "int": "Int64", "float": "Float64", "bool": "Boolean", "bytes": "Binary"}
    words |= {"Utf8": "String", "date": "Date", "datetime": "Datetime", "time": "Time"}
    precise = re.fullmatch(r"Decimal\(precision=(\d+), scale=(\d+)\)", name)
    return f"Decimal({precise[1]}, {precise[2]})" if precise else words.get(name, name.partition("(")[0])


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
    """A Delta table, as it is now, or as it was at a version or at an instant.

    Args:
        version: Its version; the latest if None.
        as_of: An instant with its zone, such as `"2025-01-31T00:00:00Z"`: the version that was the latest then.

    Raises:
        Invalid: A version that is no whole number, an instant that is none or lacks its zone, or both.

    Example:
        >>> Source("lake/events", format=DeltaFormat(version=7)).format.version
        7
    """

    version: int | None = None
    as_of: str | None = None

    def __post_init__(self) -> None:
        _check_number("DeltaFormat", "version", self.version)
        if self.as_of is not None and not _is_instant(self.as_of):
            raise Invalid(
                f"DeltaFormat: as_of is {self.as_of!r}, no instant with its zone.",
                hint='Such as DeltaFormat(as_of="2025-01-31T00:00:00Z").',
            )
        if self.as_of is not None and self.version is not None:
            raise Invalid("DeltaFormat has a version and an as_of.", hint="Leave one of them out.")


class IcebergFormat(msgspec.Struct, metaclass=Spelled, frozen=True, tag="iceberg", tag_field="kind"):
    """An Iceberg table, as it is now, or as a snapshot left it.

    Args:
        snapshot: The snapshot's id; the current one if None.

    Raises:
        Invalid: A snapshot that is no whole number.

    Example:
        >>> Source("lake/events", format=IcebergFormat(snapshot=7)).format.snapshot
        7
    """

    snapshot: int | None = None

    def __post_init__(self) -> None:
        _check_number("IcebergFormat", "snapshot", self.snapshot)


class SQLFormat(msgspec.Struct, frozen=True, tag="sql", tag_field="kind"):
    """Rows of a database, which its address alone tells.

    Example:
        >>> Source("sqlite:///shop.db", table="events").infer_format()
        SQLFormat()
    """


class FrameFormat(msgspec.Struct, frozen=True, tag="frame", tag_field="kind"):
    """Rows of a frame in this process, which `Source.from_frame` makes a source of.

    Example:
        >>> Source.from_frame(pl.DataFrame({"user": [1]}), name="users").infer_format()
        FrameFormat()
    """


def _check_number(format_: str, field: str, given: Any) -> None:
    if given is not None and (type(given) is not int or given < 0):
        raise Invalid(f"{format_}: {field} is {given!r}, no whole number.", hint=f"Such as {format_}({field}=7).")


def _is_instant(text: Any) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


Format = ParquetFormat | CSVFormat | DeltaFormat | IcebergFormat | SQLFormat | FrameFormat
_FORMATS = "ParquetFormat(), CSVFormat(), DeltaFormat() or IcebergFormat()."
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


DATABASES = ("postgresql", "sqlite", "snowflake", "bigquery")
"""The schemes of addresses that are databases'."""
_SPELLED = {"postgres": "postgresql", "gcs": "gs"}


def format_name(fmt: Format) -> str:
    """`parquet`, `csv`, `delta` …: the word engines announce."""
    return str(type(fmt).__struct_config__.tag)


class Source(msgspec.Struct, metaclass=Spelled, frozen=True):
    """Rows to read: a file, a glob, a folder, a table, or what a database answers.

    Args:
        path: `data/events.parquet`, `data/*.csv`, `data/events/`, `s3://bucket/events/`, `gs://bucket/*.parquet`,
            `postgresql://host/shop`, `sqlite:///shop.db` or `main.raw.events`.
        name: The source's name; the last part of the path, without its ending, if None.
        format: `ParquetFormat()`, `CSVFormat(...)`, `DeltaFormat(...)` or `IcebergFormat(...)`; told from the path's
            ending, or from what lies there, if None.
        query: Of a database: the SELECT whose rows are meant. Either this or `table`.
        table: Of a database: the table whose rows are meant, such as `public.events`.
        options: How a bucket is reached, as its store is told: `{"endpoint_url": …, "region": …, "profile": …}`. No
            secret belongs here; credentials are the platform's own.

    A password in the address of a database is kept apart: `path`, `repr` and whatever is recorded have `***` there.

    Raises:
        Invalid: An empty path, an ending of files that are not read, or words that do not go together.

    Example:
        >>> Source("data/events.parquet").name
        'events'
        >>> Source("postgresql://me:hunter2@db/shop", table="public.events").path
        'postgresql://me:***@db/shop'
    """

    path: str
    name: str = ""
    format: Format | None = None
    query: str | None = None
    table: str | None = None
    options: tuple[tuple[str, Any], ...] = ()
    held: Held | None = None

    def __post_init__(self) -> None:
        force = msgspec.structs.force_setattr
        given: Any = self.path
        if not isinstance(given, str | PathLike):
            raise Invalid(
                f"A {type(given).__module__.split('.')[0]}.{type(given).__qualname__} is no source.",
                hint='Give a path or a Source; of a frame in a notebook: Source.from_frame(df, name="events").',
            )
        force(self, "path", fspath(given))
        options: Any = self.options
        force(self, "options", tuple(options.items()) if isinstance(options, Mapping) else tuple(options))
        if self.format is not None and not isinstance(self.format, Format):
            raise Invalid(f"The format {self.format!r} is none.", hint=_FORMATS)
        if not self.path.strip():
            raise Invalid("A Source needs a path.", hint='Source("data/events.parquet")')
        if self.is_database:
            self._keep_secrets()
        self._refuse_words()
        if self._is_foreign():
            ending = PurePath(self.path).suffix
            raise Invalid(
                f"Source({self.path!r}): files that end in {ending} are not read.",
                hint="Write it as Parquet or CSV; where it is one of these, say so: format=CSVFormat().",
            )
        name: Any = self.name
        force(self, "name", name or self._stem())

    @classmethod
    def from_frame(cls, frame: Any, *, name: str) -> Self:
        """A frame of this process as a source: of Polars, pandas (2.2 or newer) or pyarrow, or a relation of DuckDB.

        What it holds decides whether a build is needed. No other process has the frame: there a feature over it is
        built from a file.

        Raises:
            Invalid: What is no frame, is read late or can be read once, or a name that is none.

        Example:
            >>> Source.from_frame(pl.DataFrame({"user": [1]}), name="users")
            Source(path='frame://users', name='users', format=FrameFormat())
        """
        called: Any = name
        if not isinstance(called, str) or not called.strip() or "/" in called:
            raise Invalid(f"A frame's name is {name!r}.", hint='Such as Source.from_frame(df, name="events").')
        kind = f"{type(frame).__module__.split('.')[0]}.{type(frame).__qualname__}"
        if kind.startswith("pyspark."):  # which has an attribute of any name
            raise Invalid(
                f"A {kind} is no rows yet.",
                hint="Give what it collects, df.toArrow() of Spark 4 or df.toPandas(); or write it as Parquet.",
            )
        if hasattr(frame, "collect") and hasattr(frame, "lazy"):
            raise Invalid(
                f"A {kind} is no rows yet.", hint="Give what it collects: Source.from_frame(df.collect(), …)."
            )
        if not hasattr(frame, "__arrow_c_stream__"):
            raise Invalid(
                f"A {kind} is not a frame mlforge can read.",
                hint="Give one of Polars, pandas (2.2 or newer) or pyarrow, or a relation of DuckDB.",
            )
        if not hasattr(frame, "__len__"):
            raise Invalid(f"A {kind} can be read once.", hint="Give a table: Source.from_frame(reader.read_all(), …).")
        return cls(f"frame://{name}", name, FrameFormat(), held=Held(frame))

    def __repr__(self) -> str:
        said = {n: getattr(self, n) for n in self.__struct_fields__ if n != "held"}
        defaults = {"query": None, "table": None, "options": ()}
        shown = (f"{n}={v!r}" for n, v in said.items() if n not in defaults or v != defaults[n])
        return f"Source({', '.join(shown)})"

    def __rich_repr__(self) -> Any:
        yield from ((n, getattr(self, n)) for n in self.__struct_fields__ if n != "held")

    def _keep_secrets(self) -> None:
        """Keep what nobody is to see apart from the address that everybody sees."""
        shown = masked(self.path)
        if shown != self.path:
            msgspec.structs.force_setattr(self, "held", self.held or Held(self.path))
            msgspec.structs.force_setattr(self, "path", shown)

    @property
    def address(self) -> str:
        """The whole address, secrets and all: for who connects, and for nobody else."""
        return str(self.held.value) if self.is_database and self.held else self.path

    def _refuse_words(self) -> None:
        where = f"Source({masked(self.path)!r})"
        if not self.is_database:
            if self.query is not None or self.table is not None:
                raise Invalid(
                    f"{where} is no database, which alone has query= and table=.",
                    hint='Such as Source("postgresql://host/shop", table="public.events").',
                )
            return
        if self.format is not None and not isinstance(self.format, SQLFormat):
            raise Invalid(f"{where} is a database, whose rows have no format.", hint="Leave format= out.")
        if (self.query is None) == (self.table is None):
            raise Invalid(
                f"{where} needs either a query or a table.", hint='Such as table="public.events", or query="SELECT …".'
            )
        if not str(self.query if self.table is None else self.table).strip():
            raise Invalid(f"{where} has an empty query or table.", hint='Such as table="public.events".')

    def _is_foreign(self) -> bool:
        """Whether the ending alone tells that no engine can read it."""
        if self.is_database or self.path.endswith("/"):
            return False
        return self.format is None and PurePath(self.path).suffix.lower() in _FOREIGN

    def _stem(self) -> str:
        if self.is_table or self.table is not None:
            return (self.table or self.path).rsplit(".", 1)[-1].strip('"')
        path = re.split("[?#]", self.path)[0] if self.is_database else self.path
        parts = [p for p in PurePath(path.rstrip("/")).parts if not set(p) & set("*?[")]
        stem = PurePath(parts[-1]).stem if parts else self.path
        return unquote(stem) if self.is_database else stem

    @property
    def scheme(self) -> str:
        """`file`, `s3`, `gs`, `postgresql` …, `frame`, or `table` for a dotted table name."""
        if self.is_table:
            return "table"
        word = self.path.split("://", 1)[0].lower() if "://" in self.path else "file"
        return _SPELLED.get(word, word)

    @property
    def is_database(self) -> bool:
        """Whether a database answers at the address."""
        word = self.path.split("://", 1)[0].lower() if "://" in self.path else ""
        return _SPELLED.get(word, word) in DATABASES

    @property
    def is_table(self) -> bool:
        ending = PurePath(self.path).suffix.lower()
        dotted = bool(_TABLE.fullmatch(self.path)) and ending not in (*_SUFFIXES, *_FILE_ENDINGS)
        return dotted and isinstance(self.format, DeltaFormat | IcebergFormat | None)

    def infer_format(self) -> Format | None:
        """The format that was given, or that the ending tells; None where neither does."""
        if self.format is not None:
            return self.format
        if self.is_database:
            return SQLFormat()
        if self.is_table:
            return DeltaFormat()
        return _SUFFIXES.get(PurePath(self.path).suffix.lower())


def format_of_suffix(suffix: str) -> Format | None:
    """The format of files with this ending, such as `.csv`; None if it tells nothing."""
    return _SUFFIXES.get(suffix.lower())
