"""A CSV file, looked through once: types that hold for all of it, and no row of another width."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mlforge.errors import Invalid
from mlforge.model.source import CSVFormat
from mlforge.plugin import Scan
from mlforge.plugin.engine.columns import no_column
from mlforge.plugin.engine.edge import reason
from mlforge_csv.words import dtype_of

BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
_WINDOW = 10_000  # rows that types are detected from, where they turn out to hold for the whole file
_NO_SEPARATOR = "\x01"  # a file read with it is one column of lines
_SIGNED = (pl.Int8, pl.Int16, pl.Int32, pl.Int64)
_UNSIGNED = (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
_READ = (pl.Boolean, pl.String, pl.Float32, pl.Float64, *_SIGNED, *_UNSIGNED)


class CSVFile:
    """One CSV file of a source and the types of its columns.

    Raises:
        Invalid: A file that is not CSV throughout, naming it and the line.
    """

    def __init__(self, scan: Scan, form: CSVFormat, uri: str) -> None:
        self.uri = uri
        self._form = form
        self._name = f"Source {scan.name!r}: {uri}"
        self._open: dict[str, Any] = {"storage_options": scan.options or None, "glob": not Path(uri).is_file()}
        self._declared = {name: dtype_of(text) for name, text in form.dtypes}
        self._check_line_ends()
        self._check_header()
        self.schema = self._detected()

    def rows(self, schema: dict[str, pl.DataType]) -> pl.LazyFrame:
        """The rows, with columns of these names, order and types."""
        return self._scanned({n: schema[n] for n in self.schema}, infer_schema=False).select(list(schema))

    def _scanned(self, dtypes: dict[str, pl.DataType], **how: Any) -> pl.LazyFrame:
        """The rows; types that Polars does not read are read as text and cast."""
        rows = pl.scan_csv(
            self.uri,
            has_header=self._form.header,
            separator=self._form.delimiter,
            null_values=list(self._form.null_values) or None,
            schema_overrides={n: t if t in _READ else pl.String() for n, t in dtypes.items()},
            **self._open,
            **how,
        )
        return rows.with_columns(_of_text(pl.col(n), t) for n, t in dtypes.items() if t not in _READ)

    def _header(self) -> list[str]:
        """The names of the columns."""
        try:
            first = self._raw(separator=self._form.delimiter, n_rows=1).collect()
        except pl.exceptions.NoDataError as error:
            raise Invalid(f"{self._name} is empty.", hint="Write it again, or leave it out.") from error
        return [name or "" for name in first.row(0)] if self._form.header else first.columns

    def _check_line_ends(self) -> None:
        """Polars takes a file of lines that end in a carriage return alone for one line, its header."""
        line = pl.col("line").str.replace_all('"[^"]*("|$)', "").str.strip_chars_end("\r")
        with_return = self._lines().head(1).filter(line.str.contains("\r", literal=True))
        if with_return.collect().height:
            raise Invalid(
                f"{self._name}: its lines end in a carriage return alone.",
                hint="Save it with newlines as line ends.",
            )

    def _check_header(self) -> None:
        names = self._header()
        if twice := [n for n in names if names.count(n) > 1]:
            raise Invalid(f"{self._name} has two columns {twice[0]!r}.", hint="Rename one of them in its first line.")
        if unknown := [n for n in self._declared if n not in names]:
            raise no_column(unknown[0], names, self._name)

    def _raw(self, **how: Any) -> pl.LazyFrame:
        return pl.scan_csv(
            self.uri,
            has_header=False,
            infer_schema=False,
            truncate_ragged_lines=True,
            encoding="utf8-lossy",
            **self._open,
            **how,
        )

    def _lines(self) -> pl.LazyFrame:
        rows = self._raw(separator=_NO_SEPARATOR, quote_char=None, new_columns=["line"])
        return rows.select(pl.col("line").fill_null("")).with_row_index("number", offset=1)

    def _detected(self) -> dict[str, pl.DataType]:
        try:
            found = self._look_through(infer_schema_length=_WINDOW)
        except BROKEN:
            found = None
        try:
            return found or self._look_through(infer_schema_length=None) or {}
        except BROKEN as error:
            raise self._broken(error) from error

    def _look_through(self, **how: Any) -> dict[str, pl.DataType] | None:
        """The types, parsing every value; None where a column's first values are all null and tell none."""
        rows = self._scanned(self._declared, **how)
        schema = dict(rows.collect_schema())
        facts = rows.select(pl.len().alias("\0rows"), pl.all().null_count()).collect(engine="streaming")
        count, *nulls = facts.row(0)
        if len(schema) > 1 and nulls[-1]:
            self._refuse_ragged(len(schema))
        late = [n for n, k in zip(schema, nulls, strict=True) if schema[n] == pl.String and _WINDOW <= k < count]
        if late and how["infer_schema_length"] and _starts_empty(rows.select(late)):
            return None
        return schema

    def _refuse_ragged(self, width: int) -> None:
        found = self._ragged(width)
        if found:
            number, fields = found
            raise Invalid(
                f"{self._name}, line {number:,} has {fields} field{'s'[: fields != 1]}, and there are {width} columns.",
                hint="Mend the line, or quote fields that hold the delimiter.",
            )

    def _ragged(self, width: int) -> tuple[int, int] | None:
        """The first line whose fields are not as many as there are columns, and how many it has."""
        lines = self._lines().with_columns(bare=pl.col("line").str.replace_all('"[^"]*"', ""))
        fields = pl.col("bare").str.count_matches(self._form.delimiter, literal=True) + 1
        found = (
            lines.select(
                open=pl.col("bare").str.contains('"', literal=True).any(),
                bad=pl.struct("number", fields=fields).filter(fields != width).first(),
            )
            .collect(engine="streaming")
            .row(0, named=True)
        )
        if found["open"]:
            return next((n for n in self._records() if n[1] != width), None)
        return tuple(found["bad"].values()) if found["bad"] else None

    def _records(self) -> Iterator[tuple[int, int]]:
        """For each record its first line and how many fields it has, where fields run over several lines."""
        lines = (f"{line}\n" for line in self._lines().collect()["line"])
        reader = csv.reader(lines, delimiter=self._form.delimiter)
        start = 1
        for record in reader:
            yield start, max(1, len(record))
            start = reader.line_num + 1

    def _broken(self, error: BaseException) -> Invalid:
        """The error for text that does not parse, with its line where that can be found."""
        header = self._header()
        self._refuse_ragged(len(header))
        self._refuse_unparsable(header)
        where = self._first_line(pl.col("line").str.contains("\ufffd", literal=True))
        where = where or self._first_line(pl.col("line").str.count_matches('"', literal=True) % 2 == 1)
        return Invalid(f"{self._name}{where} cannot be read: {reason(error)}", hint="Mend it there, or leave it out.")

    def _refuse_unparsable(self, header: Sequence[str]) -> None:
        """Raise `Invalid` for the first text that is not of the type declared for its column."""
        texts = self._raw(separator=self._form.delimiter, new_columns=header).slice(int(self._form.header))
        for name, dtype in self._declared.items():
            bad = texts.select(name).with_row_index("row", offset=1 + self._form.header)
            bad = bad.filter(pl.col(name).is_not_null() & _of_text(pl.col(name), dtype, strict=False).is_null())
            for row, text in bad.head(1).collect().rows():
                raise Invalid(
                    f"{self._name}, line {row:,}: {text!r} in column {name!r} is not {dtype}.",
                    hint="Mend it, name it in null_values, or declare another type.",
                )

    def _first_line(self, condition: pl.Expr) -> str:
        found = self._lines().filter(condition).head(1).collect()["number"].to_list()
        return f", line {found[0]:,}," if found else ""


def _of_text(text: pl.Expr, dtype: pl.DataType, *, strict: bool = True) -> pl.Expr:
    """Text as a type that Polars' CSV reader, or its cast, does not know."""
    match dtype:
        case pl.Date():
            return text.str.to_date("%Y-%m-%d", strict=strict)
        case pl.Time():
            return text.str.to_time("%H:%M:%S%.f", strict=strict)
        case pl.Datetime():
            local = text.str.strip_suffix("Z").str.replace("T", " ", literal=True)
            return local.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", time_zone="UTC", strict=strict)
        case pl.Boolean():
            return text.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
        case _:
            return text.cast(dtype, strict=strict)


def _starts_empty(rows: pl.LazyFrame) -> bool:
    return any(rows.head(_WINDOW).select(pl.all().is_null().all()).collect().row(0))
