"""A column of CSV that a function or a metric takes for numbers and that is text: which option would read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product

import msgspec

from mlforge.errors import Invalid, MlforgeError
from mlforge.flow.building.compute import Computing
from mlforge.model.source import CSVFormat

_MARKS = (None, ",", ".", "'", " ", "\xa0", "\u202f")
_FEW = 3  # texts besides numbers that may be words for null


@contextmanager
def notation_told(work: Computing) -> Iterator[None]:
    """Name the options of `CSVFormat` in the hint of an error about text that holds numbers in another notation."""
    try:
        yield
    except Invalid as error:
        form = work.scan.format
        if isinstance(form, CSVFormat) and " has no column " not in error.message:
            error.hint = _hint(work, form, error.message) or error.hint
        raise


def _hint(work: Computing, form: CSVFormat, message: str) -> str | None:
    try:
        rows = next(iter(work.engine.rows(work.engine.scan(work.scan))), [])
        declared, schema = dict(form.dtypes), work.engine.schema(work.engine.scan(work.scan))
        texts = [c.name for c in schema if c.dtype == "String" and c.name not in declared]
    except MlforgeError:  # the source cannot be read, and that is what the error is about
        return None
    for name in texts:
        given = [row[name] for row in rows if row[name] is not None]
        if (repr(name) in message or any(repr(text) in message for text in given[:9])) and (said := _told(form, given)):
            return said
    return None


def _told(form: CSVFormat, texts: Sequence[str]) -> str | None:
    """Which format reads texts as numbers, where they are not, and one does."""
    found = [(len(reading.null_values), reading) for reading in _readings(form, texts) if reading != form]
    if found:
        least = min(nulls for nulls, _ in found)
        ways = " or ".join([_written(reading) for nulls, reading in found if nulls == least][:2])
        return f"Its texts look like numbers, such as {texts[0]!r}. Say how they are written: {ways}."
    return None


def _readings(form: CSVFormat, texts: Sequence[str]) -> Iterator[CSVFormat]:
    for decimal, thousands in product((".", ","), _MARKS):
        if decimal == thousands:
            continue
        number = _number(decimal, thousands)
        odd = list(dict.fromkeys(text for text in texts if not number.fullmatch(text)))
        uses = thousands is None or any(thousands in text for text in texts if text not in odd)
        is_used = uses and (decimal == "." or any("," in text for text in texts if text not in odd))
        are_words = len(odd) <= _FEW and not any(re.search("[0-9]", text) for text in odd)
        if is_used and are_words and len(odd) < len(set(texts)):
            marked = msgspec.structs.replace(form, decimal=decimal, thousands=thousands)
            yield msgspec.structs.replace(marked, null_values=(*form.null_values, *odd))


def _number(decimal: str, thousands: str | None) -> re.Pattern[str]:
    groups = rf"|[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+" if thousands else ""
    return re.compile(rf"[+-]?(?:[0-9]+{groups})(?:{re.escape(decimal)}[0-9]*)?")


def _written(form: CSVFormat) -> str:
    """A format as it is typed, without what need not be said."""
    plain = CSVFormat()
    said = {f: v for f in form.__struct_fields__ if (v := getattr(form, f)) != getattr(plain, f)}
    said |= {"dtypes": dict(form.dtypes)} if form.dtypes else {}
    return f"CSVFormat({', '.join(f'{name}={_typed(value)}' for name, value in said.items())})"


def _typed(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_typed, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_typed(k)}: {_typed(v)}' for k, v in value.items())}}}"
    is_plain = isinstance(value, str) and value.isprintable() and not {'"', "\\"} & set(value)
    return f'"{value}"' if is_plain else repr(value)
