"""The kit notices engines that read CSV wrongly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlforge.model.source import CSVFormat
from mlforge.testing.reference import delimited, files
from mlforge.testing.reference.delimited import Record

READS = "csv_is_read_where_it_tells_what_it_means"
REFUSES = "what_is_no_csv_is_refused_by_file_and_line"
FOLDERS = "folders_of_csv_tell_columns"
GENERATED = "csv_is_read_and_refused_as_the_reference_does"
fields, value, together = delimited.fields, delimited.value, delimited.together


def rounded(text: str, word: str) -> Decimal | None:
    return round(Decimal(text), 2) if delimited.PLAIN.fullmatch(text) else None


def text_where_all_is_empty(a: str | None, b: str | None, where: str) -> str | None:
    return together(a or "String", b or "String", where)


def stripped(text: str, word: str, form: CSVFormat) -> Any:
    return value(text if word == "String" else text.strip(), word, form)


def null_for_empty_text(path: Path, form: CSVFormat) -> Iterator[Record]:
    return (Record(r.line, [field or None for field in r.fields]) for r in fields(path, form))


def short_rows_are_filled(path: Path, form: CSVFormat) -> Iterator[Record]:
    first, *rest = [*fields(path, form), Record(0, [])]
    width = len(first.fields)
    return (Record(r.line, [*r.fields, *[None] * (width - len(r.fields))]) for r in (first, *rest) if r.line)


def blank_lines_are_skipped(path: Path, form: CSVFormat) -> Iterator[Record]:
    return (r for r in fields(path, form) if r.fields != [None])


def comments_are_rows(path: Path, form: CSVFormat) -> Iterator[Record]:
    return fields(path, msgspec.structs.replace(form, comment=None))


def as_it_stands(path: Path, name: str, dtype: str) -> str:
    return next(part.removeprefix(f"{name}=") for part in path.parts if part.startswith(f"{name}="))


WRONG: dict[str, tuple[Any, str, Any, str]] = {
    "truth values stay text": (delimited.OTHER, "Boolean", lambda text: None, GENERATED),
    "a byte is of any size": (
        delimited,
        "LIMITS",
        dict.fromkeys(delimited.LIMITS, (-(2**63), 2**63)),
        REFUSES + "[a number that is too great]",
    ),
    "whole numbers of more than 64 bits are integers": (
        delimited,
        "LIMITS",
        delimited.LIMITS | {"Int64": (-(2**90), 2**90)},
        GENERATED,
    ),
    "no sign stands before a number": (delimited, "WHOLE", re.compile("-?[0-9]+"), GENERATED),
    "marks in numbers are not looked at": (delimited, "pointed", lambda text, form: text, GENERATED),
    "decimals are rounded": (delimited, "decimal", rounded, REFUSES + "[a decimal of too many digits]"),
    "a column that is empty in one file is text": (delimited, "together", text_where_all_is_empty, GENERATED),
    "blanks around a number are cut off": (delimited, "value", stripped, GENERATED),
    "an empty text is null": (delimited, "fields", null_for_empty_text, READS + "[an empty text is no null]"),
    "short rows are filled up": (delimited, "fields", short_rows_are_filled, GENERATED),
    "blank lines are skipped": (delimited, "fields", blank_lines_are_skipped, GENERATED),
    "what folders tell is text as it stands": (files, "told_by", as_it_stands, FOLDERS + "[text]"),
    "what folders tell of nothing is text": (files, "told_by", as_it_stands, FOLDERS + "[nothing of text]"),
    "comments are rows": (delimited, "fields", comments_are_rows, GENERATED),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_kit_notices_when(wrong: Any, notices: Callable[[Any], None]) -> None:
    notices(wrong)
