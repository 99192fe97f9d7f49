"""A range of time, and the ways people write its ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec

from mlforge.errors import Invalid
from mlforge.model.duration import Duration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MICRO
_LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICRO


class Span(msgspec.Struct, frozen=True):
    """From `since` up to, not including, `until`, in microseconds since the Unix epoch; None is open.

    Example:
        >>> Span(0, 10).has(10)
        False
    """

    since: int | None = None
    until: int | None = None

    def has(self, instant: int) -> bool:
        """Whether an instant lies in it."""
        return (self.since is None or instant >= self.since) and (self.until is None or instant < self.until)

    def __str__(self) -> str:
        since = "the beginning" if self.since is None else shown(self.since)
        return f"from {since}" if self.until is None else f"from {since} until {shown(self.until)}"


def read_span(since: object, until: object, last: object, now: datetime) -> Span | None:
    """The range that was asked for; None where none was.

    Args:
        since: A time, a date, ISO 8601 text for either, or a length of time before `now`: `"7d"`.
        until: The same.
        last: A length of time before `until`, or before `now` where there is none.
        now: The present.

    Raises:
        Invalid: Something else, `since` and `last` at once, or an end that is not after the beginning.
    """
    if since is None and until is None and last is None:
        return None
    end = None if until is None else read_instant(until, now, "until")
    if last is not None and since is not None:
        raise Invalid("Both since and last are given.", hint="They mean the same end of the range: give one.")
    start = None if since is None else read_instant(since, now, "since")
    if last is not None:
        length = Duration.parse(last, "length of time for last").micros
        start = _within((micros_of(now) if end is None else end) - length, last, "last")
    if start is not None and end is not None and end <= start:
        raise Invalid(
            f"The range ends {shown(end)}, and begins {shown(start)}: nothing lies in it.",
            hint="until is the first instant that is left out: give one after since.",
        )
    return Span(start, end)


def read_instant(value: object, now: datetime, what: str) -> int:
    """An instant as people write it, in microseconds since the Unix epoch; without a zone it is UTC.

    Raises:
        Invalid: Anything but a time, a date, ISO 8601 text for either, or a length of time before `now`; what lies
            beyond the years 1 to 9999.
    """
    try:
        return _within(_read(value, now), value, what)
    except (ValueError, NotImplementedError):  # pandas' times go further than Python's
        raise Invalid(
            f"{value!r} is no time for {what}.",
            hint="Write 2026-01-31, 2026-01-31T12:00, either with a zone (+02:00), or how long ago: 7d, 12h.",
        ) from None


def _read(value: object, now: datetime) -> int:
    """The instant; `ValueError` for what is none."""
    if isinstance(value, timedelta):
        return micros_of(now) - value // MICRO
    if isinstance(value, datetime):
        if value != value:  # noqa: PLR0124 - pandas' NaT is a datetime, too
            raise ValueError
        return micros_of(value)
    if isinstance(value, date):
        return micros_of(datetime.fromisoformat(value.isoformat()))
    text = value.strip() if isinstance(value, str) else ""
    if text[-1:] in tuple("smhdw") and text[:-1].isdigit():
        return micros_of(now) - Duration.parse(text).micros
    return micros_of(datetime.fromisoformat(text))


def _within(micros: int, value: object, what: str) -> int:
    """The instant. Raises `Invalid` where it is none of the years 1 to 9999."""
    if not _FIRST <= micros <= _LAST:
        raise Invalid(f"{value!r} for {what} is beyond the years 1 to 9999.", hint="Give a time within them.")
    return micros


def micros_of(moment: datetime) -> int:
    """Microseconds since the Unix epoch; a time without a zone is UTC."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (aware - EPOCH) // MICRO


def moment_of(micros: int) -> datetime:
    """The time in UTC; the first or the last that Python knows, for one beyond them."""
    try:
        return EPOCH + micros * MICRO
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if micros < 0 else datetime.max.replace(tzinfo=UTC)


def shown(micros: int) -> str:
    """An instant for people: ISO 8601 in UTC, as short as it is exact."""
    try:
        moment = EPOCH + micros * MICRO
    except OverflowError:
        return f"{micros} µs after 1970"
    if moment.time() == datetime.min.time():
        return moment.date().isoformat()
    return moment.isoformat().replace("+00:00", "Z")
