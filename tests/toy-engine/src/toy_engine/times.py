"""What a timestamp column means: instants in UTC microseconds. Text is parsed by Python, each text once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone

import pyarrow as pa
import pyarrow.compute as pc

from mlforge.model.span import EPOCH
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.times import Formatted, Iso, detected, no_time
from toy_engine.types import INSTANT, plainly

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def instants(column: pa.ChunkedArray, timestamp: Timestamp) -> pa.Array:
    """The instants a column means, null where it is null.

    Raises:
        Invalid: Text that is no time, with the first bad value and its row, or a column of another type.
    """
    array, name = plainly(column), timestamp.column
    if pa.types.is_timestamp(array.type):
        return array
    if pa.types.is_date(array.type):
        return array.cast(pa.timestamp("us")).cast(INSTANT)
    if pa.types.is_string(array.type):
        return _read(array, timestamp)
    if pa.types.is_null(column.type):
        return pa.nulls(len(array), INSTANT)
    number = f'pc.cast(table["{name}"], pa.timestamp("s"))' if pa.types.is_integer(array.type) else None
    raise no_time(name, column.type, number)


def _read(text: pa.Array, timestamp: Timestamp) -> pa.Array:
    coded = pc.dictionary_encode(text)
    if not len(coded.dictionary):
        return pa.nulls(len(text), INSTANT)
    row = pc.index(pc.is_valid(text), True).as_py()
    form = Formatted(timestamp.format) if timestamp.format else detected(timestamp.column, row, str(text[row]))
    made = [instant_of(t, form) for t in coded.dictionary.to_pylist()]
    if None in made:
        bad = coded.dictionary[made.index(None)]
        row = pc.index(text, bad).as_py()
        raise form.misread(timestamp.column, row, str(bad))
    return pa.array(made, INSTANT).take(coded.indices)


def instant_of(text: str, form: Iso | Formatted) -> datetime | None:
    """The instant a text means; None where it does not fit the form, or is beyond the years 1 to 9999."""
    try:
        if not re.fullmatch(form.regex, text):
            return None
        if isinstance(form, Iso):
            made = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
        else:
            made = _formatted(text, form)
        return made.astimezone(UTC) if made.tzinfo else made.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _formatted(text: str, form: Formatted) -> datetime:
    """Raises ValueError where a number is too great, or a weekday is another day's."""
    said = {letter: re.fullmatch(form.around(letter), text)[2] for letter in form.letters}
    if "s" in said:
        return EPOCH + timedelta(seconds=int(said["s"]))
    number = {letter: int(value) for letter, value in said.items() if value.isdigit()}
    month = next((number.get("m") or MONTHS.index(said[x][:3].lower()) + 1 for x in "mbB" if x in said), 1)
    if "G" in said:
        day = date.fromisocalendar(number["G"], number["V"], number["u"])
    elif "j" in said:
        day = date(number["Y"], 1, 1) + timedelta(days=number["j"] - 1)
        if day.year != number["Y"]:
            raise ValueError(text)
    else:
        day = date(number["Y"], month, number["d"])
    if any(told != day.isoweekday() for told in _weekdays(said, number)):
        raise ValueError(text)
    hour = number.get("H", 0)
    if "I" in said:
        if not 1 <= number["I"] <= 12:
            raise ValueError(text)
        hour = number["I"] % 12 + (12 if said["p"].lower() == "pm" else 0)
    fraction = int(said.get("f", "0").ljust(6, "0"))
    clock = time(hour, number.get("M", 0), number.get("S", 0), fraction, _zone(said.get("z")))
    return datetime.combine(day, clock)


def _weekdays(said: dict[str, str], number: dict[str, int]) -> Iterator[int]:
    yield from (WEEKDAYS.index(said[x][:3].lower()) + 1 for x in "aA" if x in said)
    yield from (number[x] for x in "u" if x in said)
    yield from ((number[x] or 7) * (number[x] < 7) for x in "w" if x in said)


def _zone(text: str | None) -> timezone | None:
    if text is None or text == "Z":
        return UTC if text else None
    digits = text[1:].replace(":", "").ljust(4, "0")
    return timezone((-1 if text[0] == "-" else 1) * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
