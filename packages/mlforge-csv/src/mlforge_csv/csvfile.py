"""A CSV file, looked through once: types that hold for all of it, and no row of another width."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from mlforge.errors import Invalid, MlforgeError
from mlforge.model.source import CSVFormat
from mlforge.plugin import Scan
from mlforge.plugin.engine.columns import need_columns
from mlforge.plugin.engine.edge import reason
from mlforge.plugin.engine.sources import unreadable
from mlforge_csv.records import Records, not_utf8
from mlforge_csv.values import (
    NONE,
    advice,
    advice_on_width,
    can_be_read,
    counts,
    detected,
    fits_no_integer,
    is_certain,
    reads_itself,
    values,
)
from mlforge_csv.words import dtype_of

BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
_WINDOW = 10_000  # rows that types are detected from, where they turn out to hold for the whole file
_EMPTY = "\0\0"
_ENCODING = 'Say how it is encoded, such as CSVFormat(encoding="latin-1"), or write it as UTF-8.'


class CSVFile:
    """One CSV file of a source and the types of its columns.

    Raises:
        Invalid: A file that is not CSV throughout, naming it and the line.
    """

    def __init__(self, scan: Scan, form: CSVFormat, uri: str, path: Path | None = None) -> None:
        self._scan, self._form, self.uri = scan, form, uri
        self._name = f"Source {scan.name!r}: {uri}"
        self._options: dict[str, Any] = {"glob": not (path or Path(uri)).is_file()}
        self._text: str | bytes = str(path) if path and path.is_file() else uri
        self._names: list[str] = []
        self._are_rows = False
        try:
            if not codecs.lookup(form.encoding).name.startswith("utf-8"):
                self._text = self._decoded()
            self._records = Records(self._text, form, self._options)
            self._names = self._header()
            self.schema = self._types()
        except (*BROKEN, OSError) as error:
            raise self._broken(error) from error

    def rows(self, schema: dict[str, str]) -> pl.LazyFrame:
        """The rows, with columns of these names, order and types."""
        form = self._form
        numbers = {n: dtype_of(t) for n, t in schema.items() if reads_itself(t, form)}  # Polars is faster so
        texts = {n: values(self._of(n), t, form).alias(n) for n, t in schema.items() if n not in numbers}
        return self._rows(schema_overrides=numbers).select(texts.get(n, n) for n in schema)

    def _decoded(self) -> bytes:
        """The file as UTF-8, in memory: Polars reads no other encoding."""
        try:
            return Path(str(self._text)).read_bytes().decode(self._form.encoding).encode()
        except UnicodeError as error:
            raise Invalid(f"{self._name} is not {self._form.encoding}: {reason(error)}", hint=_ENCODING) from error

    def _header(self) -> list[str]:
        """The names of the columns."""
        first = self._records.first()
        if first is None:
            raise Invalid(f"{self._name} is empty.", hint="Write it again, or leave it out.")
        given = first if self._form.header else [""] * len(first)
        names = [name or f"column_{place}" for place, name in enumerate(given, 1)]
        if not self._records.is_plain:
            self._refuse_fault(len(names))
        if twice := [n for n in names if names.count(n) > 1]:
            raise Invalid(f"{self._name} has two columns {twice[0]!r}.", hint="Rename one of them in its first line.")
        need_columns(dict(self._form.dtypes), names, self._name)
        for column, word in self._form.dtypes:
            if not can_be_read(word):
                raise Invalid(f"{self._name}: column {column!r} cannot be {word} in CSV.", hint="Declare it as String.")
        return names

    def _rows(self, **how: Any) -> pl.LazyFrame:
        """The rows, all fields text but those that are to be otherwise."""
        return pl.scan_csv(
            self._text,
            has_header=self._form.header,
            separator=self._form.delimiter,
            quote_char=self._form.quote,
            comment_prefix=self._form.comment,
            skip_lines=self._records.start,
            new_columns=self._names,
            infer_schema=False,
            **self._options,
            **how,
        )

    def _of(self, column: str) -> pl.Expr:
        """A column's texts, those that mean null being null."""
        text, nulls = pl.col(column), self._form.null_values
        return pl.when(~text.is_in(nulls)).then(text) if nulls else text

    def _types(self) -> dict[str, str]:
        """The types, each parsing every text of its column."""
        declared = dict(self._form.dtypes)
        others = [n for n in self._names if n not in declared]
        start = self._counted(self._rows().head(_WINDOW), others)
        types = {n: declared.get(n) or detected(n, start) for n in self._names}
        wrong = self._misfits(types)
        if bad := [n for n in declared if n in wrong]:
            raise self._unparsable(bad[0], declared[bad[0]])
        late = [n for n in others if n in wrong or not is_certain(n, start)]
        found = self._counted(self._rows(), late)
        if wide := [n for n in late if fits_no_integer(n, found)]:
            raise self._unheld(wide[0])
        return types | {n: detected(n, found) for n in late}

    def _counted(self, rows: pl.LazyFrame, columns: Iterable[str]) -> dict[str, int]:
        facts = [fact for n in columns for fact in counts(n, self._of(n), self._form)]
        return rows.select(facts).collect(engine="streaming").row(0, named=True) if facts else {}

    def _misfits(self, types: dict[str, str]) -> list[str]:
        """The columns with a text that is not of its type. Rows of another width are refused.

        Every column is read: Polars does not look at the end of a row that nobody asks for.
        """
        texts = {n: self._of(n) for n in types}
        counts = [text.count().alias(n) for n, text in texts.items()]
        fitting = [
            values(texts[n], word, self._form).count().alias(f"{n}\0") for n, word in types.items() if word != "String"
        ]
        last = pl.col(self._names[-1]).null_count().alias(_EMPTY)
        found = self._rows().select(last, *counts, *fitting).collect(engine="streaming").row(0, named=True)
        if found[_EMPTY]:  # what a short row lacks is null, and so is what stands before a last delimiter alone
            self._refuse_fault(len(types))
        return [n for n, word in types.items() if found[n] != (0 if word == NONE else found.get(f"{n}\0", found[n]))]

    def _refuse_fault(self, width: int) -> None:
        if self._are_rows:  # seen before
            return
        if fault := self._records.fault(width):
            raise Invalid(f"{self._name}, line {fault.line:,} {fault.why}", hint=fault.hint)
        self._are_rows = True

    def _unparsable(self, column: str, word: str) -> Invalid:
        """The error for the first text that is not of the type declared for its column."""
        place, found = self._first_that_is_not(column, word)
        return Invalid(
            f"{self._name}, {place}: {found!r} in column {column!r} is not {word}.", hint=advice(found, word)
        )

    def _unheld(self, column: str) -> Invalid:
        """The error for a column of whole numbers whose type nobody has said, and that no integer holds."""
        place, found = self._first_that_is_not(column, "Int64")
        what = f"{self._name}, {place}: {found!r} in column {column!r} does not fit 64 bits."
        return Invalid(what, hint=advice_on_width(column))

    def _first_that_is_not(self, column: str, word: str) -> tuple[str, str]:
        """The line and the text of the first that is not of a type."""
        text = self._of(column)
        rows = self._rows().with_row_index(_EMPTY).select(_EMPTY, column)
        bad = rows.filter(text.is_not_null() & values(text, word, self._form).is_null()).head(1).collect()
        return f"line {self._records.line_of(bad[_EMPTY].item()):,}", bad[column].item()

    def _broken(self, error: BaseException) -> MlforgeError:
        """The error for a file that is not there, or is no CSV, with its line where that can be found."""
        if isinstance(error, BROKEN):
            if line := not_utf8(self._text):
                return Invalid(f"{self._name}, line {line:,} is not UTF-8.", hint=_ENCODING)
            if self._names:
                self._refuse_fault(len(self._names))
        return unreadable(self._scan, self.uri, error)
