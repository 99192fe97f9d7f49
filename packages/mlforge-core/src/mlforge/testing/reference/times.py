"""Instants: UTC, whole microseconds, read from times, dates and text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mlforge.errors import Invalid
from mlforge.model.timestamp import Timestamp
from mlforge.testing.reference import formats

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
LAST = (datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC) - EPOCH) // MICRO
_DATE = r"\d{4}-\d\d-\d\d"
_LOCAL = _DATE + r"[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?"
FORMS = {"date": _DATE, "local": _LOCAL, "zoned": _LOCAL + r"(Z|[+-]\d\d(:?[0-5]\d)?)"}
"""The ISO 8601 forms that text is detected in; one column has one of them."""


def as_utc(value: datetime) -> datetime:
    """A time with a zone is converted, one without is taken as UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def micros(value: datetime) -> int:
    """Microseconds since the Unix epoch."""
    return (as_utc(value) - EPOCH) // MICRO


def instant(value: int) -> datetime:
    """The instant at some microseconds since the Unix epoch."""
    return EPOCH + value * MICRO


def midnight(day: date) -> datetime:
    """A date is the instant its day begins in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def read_times(
    values: Sequence[Any], dtype: str, timestamp: Timestamp, *, local: bool = False
) -> list[datetime | None]:
    """The instants a column means; `local` says that its times came without a zone.

    Raises `Invalid` for text that is no time, a type that has none, a local time that does not exist, and for a zone of
    the timestamp where the column has one.
    """
    if dtype not in ("Datetime", "Date", "String"):
        raise Invalid(f"The timestamp {timestamp.column!r} is {dtype}.", hint="Give times, dates or text.")
    if dtype == "String":
        times, local = read_texts(values, timestamp.format, timestamp.column), not has_zones(values)
    else:
        times = [v if v is None or isinstance(v, datetime) else midnight(v) for v in values]
    return times if timestamp.timezone is None else located(times, timestamp, local=local or dtype == "Date")


def has_zones(texts: Sequence[str | None]) -> bool:
    """Whether texts are ISO 8601 with a zone."""
    return any(text is not None and form_of(text) == "zoned" for text in texts)


def located(times: Sequence[datetime | None], timestamp: Timestamp, *, local: bool) -> list[datetime | None]:
    """The instants at which clocks in the timestamp's zone show some times."""
    if not local and any(times):
        raise Invalid(f"The timestamp {timestamp.column!r} has a zone.", hint="Leave timezone out.")
    zone = ZoneInfo(timestamp.timezone or "")
    try:  # of two instants with one local time, Python takes the first
        found = [t and t.replace(tzinfo=zone).astimezone(UTC) for t in times]
    except OverflowError:
        raise Invalid(f"A time of {timestamp.column!r} is out of range.", hint="Mend it.") from None
    pairs = enumerate(zip(times, found, strict=True))
    skipped = [(row, t) for row, (t, at) in pairs if t and at and at.astimezone(zone).replace(tzinfo=UTC) != t]
    if skipped and timestamp.nonexistent != "forward":
        row, first = skipped[0]
        raise Invalid(
            f"{len(skipped)} times of {timestamp.column!r} do not exist in {timestamp.timezone!r}, the first "
            f"{first.replace(tzinfo=None).isoformat()} in row {row}.",
            hint='Take nonexistent="forward".',
        )
    return found


def read_texts(values: Sequence[str | None], pattern: str | None, column: str) -> list[datetime | None]:
    """The instants that texts mean. Raises `Invalid` for the first that is no time."""
    read = formats.reader(pattern) if pattern else read_iso(values)
    return [None if v is None else read_text(v, read, column, row) for row, v in enumerate(values)]


def read_text(text: str, read: Callable[[str], datetime], column: str, row: int) -> datetime:
    """The instant one text means. Raises `Invalid`, naming the row from 0."""
    try:
        return as_utc(read(text))
    except (ValueError, OverflowError):
        raise Invalid(
            f"{text!r} in row {row} of {column!r} is no time.",
            hint=f'Say how it is written: Timestamp({column!r}, format="%d.%m.%Y %H:%M").',
        ) from None


def read_iso(values: Sequence[str | None]) -> Callable[[str], datetime]:
    """A reader for the one form that the first text has."""
    form = next((form_of(v) for v in values if v is not None), None)

    def read(text: str) -> datetime:
        if form is None or form_of(text) != form:
            raise ValueError(text)
        return datetime.fromisoformat(text)

    return read


def form_of(text: str) -> str | None:
    """`date`, `local`, `zoned` or None."""
    return next((name for name, form in FORMS.items() if re.fullmatch(form, text, re.ASCII)), None)
