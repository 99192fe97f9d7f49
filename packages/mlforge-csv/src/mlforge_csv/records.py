"""The records of a CSV file and the lines they begin in: whether each is one row, field by field."""

from __future__ import annotations

import csv
import io
import mmap
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from mlforge.model.source import CSVFormat

_COUNTED = 1000  # fields that one regular expression counts; one that counts more grows too large
_LONE_RETURN = re.compile(rb"\r(?!\n|\Z)")


class Fault(NamedTuple):
    """A record that is no row: the line it begins in, why, and what to do."""

    line: int
    why: str
    hint: str


class Records:
    """The records of one file: a line each, or several where a quoted field runs on.

    Args:
        text: The file's address, or its bytes.
        form: How it is written.
        options: What opens the address.
    """

    def __init__(self, text: str | bytes, form: CSVFormat, options: dict[str, Any]) -> None:
        self._text, self._form, self._options = text, form, options
        delimiter, quote = _code(form.delimiter), _code(form.quote or "")
        self._quoted = f"{quote}(?:[^{quote}]|{quote}{quote})*{quote}" if quote else r"[^\x00-\x{10ffff}]"
        field = "|".join([*([self._quoted] if quote else []), rf"[^{quote}{delimiter}\r\n]*"])
        self._row = f"^(?:{field})(?:{delimiter}(?:{field}))*$"
        self._row_of = f"^(?:{field})(?:{delimiter}(?:{field})){{{{{{}}}}}}$"
        self.start = form.skip_rows
        if form.header:
            first = self._lines().filter(pl.col("line") != "").head(1).collect(engine="streaming")
            self.start = first["number"].item() - 1 if first.height else self.start

    def first(self) -> list[str] | None:
        """The fields of the first record; None where there is none."""
        for _, record in self._walked():
            how: dict[str, Any] = {"quotechar": self._form.quote} if self._form.quote else {"quoting": csv.QUOTE_NONE}
            fields = next(csv.reader(io.StringIO(record, newline=""), delimiter=self._form.delimiter, **how), [""])
            return None if self._form.header and fields == [""] and not record else fields
        return None

    def are_lines(self, width: int) -> bool:
        """Whether each line is a row of so many fields, told in one pass; it is not where a field runs over two."""
        line = pl.col("line")
        if self.is_plain:
            is_row = line.str.count_matches(self._form.delimiter, literal=True) == width - 1
        elif width <= _COUNTED:
            is_row = line.str.contains(self._row_of.format(width - 1))
        else:
            is_row = line.str.contains(self._row) & (self._fields() == width)
        return not self._lines().filter(~is_row).head(1).collect(engine="streaming").height

    @cached_property
    def is_plain(self) -> bool:
        """Whether no field is quoted and every carriage return ends a line, so that all lines are records."""
        if isinstance(self._text, bytes):
            return self._is_plain(self._text)
        path = Path(self._text)
        if not path.is_file() or not path.stat().st_size:
            return False
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return self._is_plain(data)

    def _is_plain(self, data: bytes | mmap.mmap) -> bool:
        if self._form.quote and data.find(self._form.quote.encode()) >= 0:
            return False
        return data.find(b"\r") < 0 or not _LONE_RETURN.search(data)

    def fault(self, width: int) -> Fault | None:
        """The first record that is no row of so many fields."""
        if self.are_lines(width):
            return None
        if self._is_line_each():
            suspects = self._suspects(self._lines(), width)
        elif self._form.comment:  # which lines are comments depends on all before
            suspects = self._walked()
        else:
            suspects = self._suspects(self._joined(), width)
        return next(filter(None, (self._fault(line, record, width) for line, record in suspects)), None)

    def _suspects(self, records: pl.LazyFrame, width: int) -> Iterable[tuple[int, str]]:
        """The first record that is no row of so many fields, if there is one."""
        bad = records.filter(~pl.col("line").str.contains(self._row) | (self._fields() != width))
        return bad.select("number", "line").sort("number").head(1).collect(engine="streaming").iter_rows()

    def _fields(self) -> pl.Expr:
        """How many fields a record has."""
        bare = pl.col("line").str.replace_all(self._quoted, "")
        return bare.str.count_matches(self._form.delimiter, literal=True) + 1

    def _joined(self) -> pl.LazyFrame:
        """The records, those of several lines joined: one ends where as many quotes close as were opened."""
        odd = pl.col("line").str.count_matches(self._form.quote or "", literal=True).cast(pl.Int64) % 2
        lines = self._lines().with_columns(odd=odd, before=(odd.cum_sum() - odd) % 2)
        lines = lines.with_columns(record=(pl.col("before") == 0).cum_sum())
        is_whole = (pl.col("odd") == 0) & (pl.col("before") == 0)
        parts = lines.filter(~is_whole).group_by("record", maintain_order=True)
        joined = parts.agg(pl.col("number").first(), pl.col("line").str.join("\n"))
        return pl.concat([lines.filter(is_whole).select("number", "line"), joined.select("number", "line")])

    def line_of(self, row: int) -> int:
        """The line that a row begins in; rows count from 0."""
        number = row + self._form.header
        if self._is_line_each():
            return int(self._lines().slice(number, 1).collect(engine="streaming")["number"].item())
        return next(islice(self._walked(), number, None))[0]

    def _fault(self, line: int, record: str, width: int) -> Fault | None:
        quote = self._form.quote
        if quote and record.count(quote) % 2:
            return Fault(line, "opens a quote that never ends.", f"End it, or {_AS_THEY_STAND}")
        bare = re.sub(self._quoted, "", record) if quote else record
        if "\r" in bare:
            return Fault(
                line, "has a carriage return alone.", "Save it with newlines as line ends, or quote the field."
            )
        if quote and (quote in bare or not re.match(self._row, record)):
            return Fault(
                line, "has a quote within a field.", f"Quote all of the field and double the quote, or {_AS_THEY_STAND}"
            )
        fields = bare.count(self._form.delimiter) + 1
        why = f"has {_many(fields, 'field')}, and there {'is' if width == 1 else 'are'} {_many(width, 'column')}."
        return Fault(line, why, _WIDTH) if fields != width else None

    def _is_line_each(self) -> bool:
        """Whether no quoted field runs over the end of a line."""
        odd = pl.col("line").str.count_matches(self._form.quote or "", literal=True) % 2 == 1
        return not self._form.quote or not self._lines().filter(odd).head(1).collect(engine="streaming").height

    def _walked(self) -> Iterator[tuple[int, str]]:
        """The records one by one, each with the line it begins in."""
        start, parts, is_open = 0, list[str](), False
        for batch in self._lines(comments=True).collect_batches():
            for number, line in batch.rows():
                if not is_open and self._form.comment and line.startswith(self._form.comment):
                    continue
                start = start if is_open else number
                parts.append(line)
                is_open ^= bool(self._form.quote and line.count(self._form.quote) % 2)
                if not is_open:
                    yield start, "\n".join(parts)
                    parts = []
        if parts:
            yield start, "\n".join(parts)

    def _lines(self, *, comments: bool = False) -> pl.LazyFrame:
        """The lines from the first record on, numbered from 1."""
        lines = pl.scan_lines(self._text, row_index_name="number", row_index_offset=1, **self._options)
        line = pl.when(pl.col("number") == 1).then(pl.col("line").str.strip_prefix("\ufeff")).otherwise(pl.col("line"))
        lines = lines.select("number", line.alias("line")).slice(self.start)
        prefix = None if comments else self._form.comment
        return lines.filter(~pl.col("line").str.starts_with(prefix)) if prefix else lines


_WIDTH = (
    "Mend the line, or quote fields that hold the delimiter; lines that are no rows are passed over by "
    "CSVFormat(skip_rows=...) and comment=."
)
_AS_THEY_STAND = "take quotes as they stand: CSVFormat(quote=None)."


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'s'[: count != 1]}"


def _code(character: str) -> str:
    """A character as regular expressions of Python and of Polars both write it."""
    return rf"\x{ord(character):02x}" if character else ""


def not_utf8(text: str | bytes) -> int | None:
    """The first line of a file that is not UTF-8, or None; a file that is not here is not looked at."""
    if isinstance(text, bytes) or not Path(text).is_file():
        return None
    with Path(text).open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None
