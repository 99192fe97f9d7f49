"""Text as instants, one text at a time: for engines that have no parser of their own, or whose parser is laxer.

It costs microseconds a text. An engine calls it for each different text of a column, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from mlforge.model.span import EPOCH
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.times import Form, Formatted, Iso, detected, no_time

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def instant_of(text: str, form: Form) -> datetime | None:
    """The instant a text means, in UTC; None where it does not fit the form, or is beyond the years 1 to 9999.

    Example:
        >>> instant_of("29.2.2024", Formatted("%d.%m.%Y")).isoformat()
        '2024-02-29T00:00:00+00:00'
        >>> instant_of("29.2.2023", Formatted("%d.%m.%Y")) is None
        True
    """
    if not re.fullmatch(form.regex, text):
        return None
    try:
        made = _iso(text) if isinstance(form, Iso) else _formatted(text, form)
        return made.astimezone(UTC) if made.tzinfo else made.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def instants_of(values: Sequence[Any], dtype: str, timestamp: Timestamp) -> list[datetime | None]:
    """The instants that a column's values mean, null where they are.

    Raises:
        Invalid: Text that is no time, with the first bad value and its row, or values of another type.

    Example:
        >>> instants_of(["2024-02-29", None], "String", Timestamp("paid_at"))[0].isoformat()
        '2024-02-29T00:00:00+00:00'
    """
    first = next((i for i, value in enumerate(values) if value is not None), None)
    if first is None or dtype == "Datetime":
        return list(values)
    if dtype == "Date":
        return [None if day is None else datetime.combine(day, time(), UTC) for day in values]
    if dtype != "String":
        raise no_time(timestamp.column, dtype, None)
    form = Formatted(timestamp.format) if timestamp.format else detected(timestamp.column, first, values[first])
    made = [None if text is None else instant_of(text, form) for text in values]
    bad = next((i for i, value in enumerate(values) if value is not None and made[i] is None), None)
    if bad is not None:
        raise form.misread(timestamp.column, bad, values[bad])
    return made


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text))


def _formatted(text: str, form: Formatted) -> datetime:
    """Raises ValueError where a number is too great, or a weekday is another day's."""
    said = {letter: re.sub(form.around(letter), r"\2", text) for letter in form.letters}
    if "s" in said:
        return EPOCH + timedelta(seconds=int(said["s"]))
    number = {letter: int(value) for letter, value in said.items() if value.isdigit()}
    day = _day(said, number)
    if any(told != day.isoweekday() for told in _weekdays(said, number)):
        raise ValueError(text)
    fraction = int(said.get("f", "0").ljust(6, "0"))
    clock = time(_hour(said, number), number.get("M", 0), number.get("S", 0), fraction, _zone(said.get("z")))
    return datetime.combine(day, clock)


def _day(said: dict[str, str], number: dict[str, int]) -> date:
    if "G" in said:
        return date.fromisocalendar(number["G"], number["V"], number["u"])
    if "j" not in said:
        months = [_MONTHS.index(said[x][:3].lower()) + 1 for x in "bB" if x in said]
        return date(number["Y"], months[0] if months else number["m"], number["d"])
    day = date(number["Y"], 1, 1) + timedelta(days=number["j"] - 1)
    if day.year != number["Y"]:
        raise ValueError(f"a year without a day {number['j']}")
    return day


def _weekdays(said: dict[str, str], number: dict[str, int]) -> Iterator[int]:
    """The days of the week that are told, from 1 for Monday."""
    yield from (_WEEKDAYS.index(said[x][:3].lower()) + 1 for x in "aA" if x in said)
    yield from (number[x] for x in "u" if x in said)
    yield from ((number[x] or 7) * (number[x] < 7) for x in "w" if x in said)


def _hour(said: dict[str, str], number: dict[str, int]) -> int:
    if "I" not in said:
        return number.get("H", 0)
    if not 1 <= number["I"] <= 12:
        raise ValueError(f"an hour {number['I']} of half a day")
    return number["I"] % 12 + (12 if said["p"].lower() == "pm" else 0)


def _zone(text: str | None) -> timezone | None:
    if text is None or text == "Z":
        return UTC if text else None
    digits = text[1:].replace(":", "").ljust(4, "0")
    return timezone((-1 if text[0] == "-" else 1) * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
