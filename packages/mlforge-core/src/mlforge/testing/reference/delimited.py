"""The reference's CSV: fields one character after the other, types from all texts of a column."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.schema import Column, Schema, is_float, is_integer
from mlforge.model.source import CSVFormat
from mlforge.testing.reference.naming import refuse_names
from mlforge.testing.reference.table import Table, single

WHOLE = re.compile(r"[+-]?[0-9]+")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE | re.ASCII)
PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
LIMITS = {
    f"{s}Int{n}": ((0, 2**n) if s else (-(2 ** (n - 1)), 2 ** (n - 1))) for s in ("", "U") for n in (8, 16, 32, 64)
}


class Record(msgspec.Struct, frozen=True):
    """The fields of one row, and the line they begin in."""

    line: int
    fields: list[str | None]


class Texts(msgspec.Struct, frozen=True):
    """The columns of one file, their texts, and what they are of."""

    columns: dict[str, list[str | None]]
    types: dict[str, str | None]


def read(paths: Sequence[Path], form: CSVFormat) -> Table:
    """The rows of all files, under the columns of the first. Raises `Invalid` for what is no CSV, or differs."""
    files = [texts_of(path, form) for path in paths]
    types = files[0].types
    for path, file in zip(paths, files, strict=True):
        if types.keys() != file.types.keys():
            lost, new = ([n for n in a if n not in b] for a, b in ((types, file.types), (file.types, types)))
            differ = ", ".join([*(f"no {n!r}" for n in lost), *(f"a new {n!r}" for n in new)])
            raise Invalid(f"{path} has other columns than {paths[0]}: {differ}.", hint="Make two sources.")
        types = {n: together(a, file.types[n], f"{path}, unlike {paths[0]}, has {n!r}") for n, a in types.items()}
    schema = Schema(tuple(Column(name, word or "String") for name, word in types.items()))
    return Table.of(schema, [row for file in files for row in rows_of(file, schema, form)])


def together(a: str | None, b: str | None, where: str) -> str | None:
    """The type of a column in two files; a column without values has none."""
    if a == b or b is None:
        return a
    if a is not None and {a, b} != {"Int64", "Float64"}:
        raise Invalid(f"{where} as {b} that is {a} elsewhere.", hint="Make two sources.")
    return b if a is None else "Float64"


def rows_of(file: Texts, schema: Schema, form: CSVFormat) -> Iterator[dict[str, Any]]:
    """The rows of one file, under the types of all."""
    columns = [[t if t is None else value(t, c.dtype, form) for t in file.columns[c.name]] for c in schema]
    for row in zip(*columns, strict=True):
        yield dict(zip(schema.names, row, strict=True))


def texts_of(path: Path, form: CSVFormat) -> Texts:
    """One file as columns of texts."""
    records = list(fields(path, form))
    if not records:
        raise Invalid(f"{path} is empty.", hint="Leave it out.")
    given = records.pop(0).fields if form.header else [None] * len(records[0].fields)
    names = [name or f"column_{place}" for place, name in enumerate(given, 1)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise Invalid(f"{path} has two columns {twice[0]!r}.", hint="Rename one.")
    refuse_names(names, str(path))
    if wrong := [r for r in records if len(r.fields) != len(names)]:
        raise Invalid(f"{path}, line {wrong[0].line}: not {len(names)} fields.", hint="Mend the file.")
    if unknown := [name for name, _ in form.dtypes if name not in names]:
        raise Invalid(f"{path} has no column {unknown[0]!r}.", hint="Look at dtypes.")
    for record in records:
        record.fields[:] = [None if text in form.null_values else text for text in record.fields]
    for record, (place, word) in product(records, declared_of(names, form)):
        text = record.fields[place]
        if text is not None and value(text, word, form) is None:
            raise Invalid(f"{path}, line {record.line}: {text!r} is no {word}.", hint="Mend the file, or its dtypes.")
    columns = {name: [record.fields[place] for record in records] for place, name in enumerate(names)}
    declared = dict(form.dtypes)
    types = {name: declared.get(name) or type_of(column, form) for name, column in columns.items()}
    for record, (place, name) in product(records, enumerate(names)):
        text = record.fields[place]
        if types[name] == "Whole" and text is not None and value(text, "Int64", form) is None:
            raise Invalid(f"{path}, line {record.line}: {text!r} does not fit 64 bits.", hint="Declare its type.")
    return Texts(columns, types)


def declared_of(names: Sequence[str], form: CSVFormat) -> list[tuple[int, str]]:
    """The places of the columns whose types were declared, and these."""
    return [(names.index(name), word) for name, word in form.dtypes]


def type_of(column: Sequence[str | None], form: CSVFormat) -> str | None:
    """The first type that every text is of; None where there is no text, "Whole" where no integer holds them all."""
    texts = [text for text in column if text is not None]
    if not texts:
        return None
    for word in ("Boolean", "Int64"):
        if all(value(text, word, form) is not None for text in texts):
            return word
    are_numbers = all(value(text, "Float64", form) is not None for text in texts)
    are_whole = all(WHOLE.fullmatch(pointed(text, form)) for text in texts)
    return "Whole" if are_whole else "Float64" if are_numbers else "String"


def value(text: str, word: str, form: CSVFormat) -> Any:
    """A text as a value of a type; None for one that is none."""
    if word == "String":
        return text
    if is_integer(word):
        low, high = LIMITS[word]
        found = WHOLE.fullmatch(pointed(text, form))
        is_negative = text.startswith("-") and word.startswith("U")
        return int(found[0]) if found and not is_negative and low <= int(found[0]) < high else None
    if is_float(word):
        found = NUMBER.fullmatch(pointed(text, form))
        return None if found is None else narrowed(found[0], word)
    if word.startswith("Decimal"):
        return decimal(pointed(text, form), word)
    return OTHER[word](text)


def narrowed(text: str, word: str) -> float | None:
    """A number as wide as its type; None where it is beyond."""
    number = float(text)
    try:
        found = single(number) if word == "Float32" else number
    except OverflowError:
        return None
    return None if math.isinf(found) and any(c.isdigit() for c in text) else found


def pointed(text: str, form: CSVFormat) -> str:
    """A number's text with a point before its fraction and nothing between its thousands; else no number's text."""
    if form.thousands:
        groups = rf"[+-]?[0-9]{{1,3}}({re.escape(form.thousands)}[0-9]{{3}})+({re.escape(form.decimal)}[0-9]*)?"
        if re.fullmatch(groups, text):
            text = text.replace(form.thousands, "")
    if form.decimal == ".":
        return text
    return "" if "." in text else text.replace(form.decimal, ".", 1)


def decimal(text: str, word: str) -> Decimal | None:
    """A decimal that has the places for all its digits."""
    precision, scale = map(int, word[8:-1].split(","))
    if not PLAIN.fullmatch(text):
        return None
    number = Decimal(text)
    fits = abs(number) < Decimal(10) ** (precision - scale) and number == round(number, scale)
    return number if fits else None


def boolean(text: str) -> bool | None:
    """A truth value, in small letters, in capitals, or with one."""
    texts = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
    return texts.get(text)


def iso(kind: Callable[[str], Any], form: str) -> Callable[[str], Any]:
    """Reads texts of one form, digits beyond the microsecond being cut off."""

    def read(text: str) -> Any:
        try:
            return kind(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text)) if re.fullmatch(form, text) else None
        except ValueError:
            return None

    return read


def instant(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text.removesuffix("Z") + "+00:00")


OTHER: dict[str, Callable[[str], Any]] = {
    "Boolean": boolean,
    "Date": iso(date.fromisoformat, DAY),
    "Time": iso(time.fromisoformat, CLOCK),
    "Datetime": iso(instant, f"{DAY}[T ]{CLOCK}Z?"),
    "Binary": str.encode,
}


def fields(path: Path, form: CSVFormat) -> Iterator[Record]:
    """The records of a file, field by field; an empty field without quotes is null."""
    text, at = decoded(path, form), 0
    for _ in range(form.skip_rows):
        at = after_line(text, at)
    awaited = form.header
    while at < len(text):
        if form.comment and text.startswith(form.comment, at):
            at = after_line(text, at)
        elif awaited and (blank := re.compile(r"\r?\n|\r\Z").match(text, at)):
            at = blank.end()
        else:
            awaited = False
            line = text.count("\n", 0, at) + 1
            found, at = record(f"{path}, line {line}", text, at, form)
            yield Record(line, found)


def decoded(path: Path, form: CSVFormat) -> str:
    """What a file says, without its byte order mark."""
    data = path.read_bytes()
    try:
        return data.decode(form.encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{path}, line {line} is not {form.encoding}.", hint="Say its encoding.") from None


def after_line(text: str, at: int) -> int:
    """Where the next line begins."""
    return text.find("\n", at) + 1 or len(text)


def record(where: str, text: str, at: int, form: CSVFormat) -> tuple[list[str | None], int]:
    """The record that begins here, and where the next one does."""
    found: list[str | None] = []
    while True:
        read_field = quoted if form.quote == text[at : at + 1] else bare
        field, at = read_field(where, text, at, form)
        found.append(field)
        if text[at : at + 1] != form.delimiter:
            break
        at += 1
    end = re.compile(r"\r?\n|\r?\Z").match(text, at)
    if end is None:
        raise Invalid(
            f"{where} has a quote or a carriage return within a field.", hint="Double it, or quote the field."
        )
    return found, end.end()


def quoted(where: str, text: str, at: int, form: CSVFormat) -> tuple[str, int]:
    """A field within quotes, and where it ends."""
    quote, found = form.quote or "", ""
    while True:
        end = text.find(quote, at + 1)
        if end < 0:
            raise Invalid(f"{where} opens a quote that never ends.", hint="End it.")
        found += text[at + 1 : end]
        if text[end + 1 : end + 2] != quote:
            return found, end + 1
        found, at = found + quote, end + 1


def bare(where: str, text: str, at: int, form: CSVFormat) -> tuple[str | None, int]:
    """A field as it stands, and where it ends."""
    end = at
    while end < len(text) and text[end] not in ("\n", form.delimiter) and not re.compile(r"\r(\n|\Z)").match(text, end):
        if text[end] in ("\r", form.quote):
            raise Invalid(f"{where} has a quote or a carriage return within a field.", hint="Quote the field.")
        end += 1
    return text[at:end] or None, end
