"""Windows, when an event is known and which of them hold it, on the contract's two clocks. Instants: microseconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.duration import Duration
from mlforge.model.span import Span
from mlforge.model.spelling import Spelled

ALL = "all"
_BETWEEN = "_offset_"


class Window(msgspec.Struct, metaclass=Spelled, frozen=True):
    """Which events a value is of: those of so long before an instant, or all of them by then.

    Args:
        length: How far back it reaches, such as `"7d"`; `"all"`, or None, for all events.
        offset: How long before the instant it ends, such as `"7d"` for the week before last; None: at the instant.

    Raises:
        Invalid: No length of time.

    Example:
        >>> str(Window("7d", offset="7d")), str(Window("all")), Window("7d", offset="1d").leaves
        ('7d_offset_7d', 'all', 691200000000)
    """

    length: Any
    offset: Any = None

    def __post_init__(self) -> None:
        length = None if self.length in (None, ALL) else _duration(self.length, "window")
        offset = None if self.offset is None else _duration(self.offset, "window's offset")
        msgspec.structs.force_setattr(self, "length", length)
        msgspec.structs.force_setattr(self, "offset", offset)

    @classmethod
    def parse(cls, value: Any) -> Window:
        """A window as it is written: a `Window`, a length of time, `"all"`, or the text of one: `7d_offset_7d`."""
        if isinstance(value, Window):
            return value
        length, is_offset, offset = value.partition(_BETWEEN) if isinstance(value, str) else (value, "", "")
        return cls(length, offset if is_offset else None)

    @property
    def enters(self) -> int:
        """How long after an event is known it is in the window, in microseconds."""
        return self.offset.micros if self.offset else 0

    @property
    def leaves(self) -> int | None:
        """How long after an event is known it leaves, in microseconds; None: never."""
        return self.enters + self.length.micros if self.length else None

    @property
    def is_plain(self) -> bool:
        """Whether it has a length and ends at the instant."""
        return self.length is not None and self.offset is None

    @property
    def canonical(self) -> int | str:
        """What it is compared by: its length in microseconds; where it is not plain, its text in canonical spelling."""
        length = self.length.canonical if self.length else ALL
        return (
            self.length.micros if self.is_plain else length + (_BETWEEN + self.offset.canonical if self.offset else "")
        )

    def is_multiple_of(self, interval: Duration) -> bool:
        """Whether its length and its offset are whole multiples of an interval."""
        return all(part.is_multiple_of(interval) for part in (self.length, self.offset) if part)

    def __str__(self) -> str:
        return (str(self.length) if self.length else ALL) + (f"{_BETWEEN}{self.offset}" if self.offset else "")

    @property
    def order(self) -> tuple[float, int]:
        """What it is sorted by: those first that events leave first."""
        leaves = self.leaves
        return (float("inf") if leaves is None else leaves, self.enters)


def _duration(value: Any, what: str) -> Duration:
    """A length of time as it is written, or as metadata keeps it."""
    try:
        return msgspec.convert(value, Duration) if isinstance(value, dict) else Duration.parse(value, what)
    except msgspec.ValidationError:
        raise Invalid(
            f"{value!r} is not a {what}.", hint="Write a number and a unit: 30s, 5m, 12h, 7d or 2w."
        ) from None


def known_from(time: int, interval: Duration | None) -> int:
    """When an event of this time becomes known: at the end of its bucket; at once without an interval."""
    return time if interval is None else _bucket(time, interval) + interval.micros


def end_at(instant: int, interval: Duration | None) -> int:
    """Where the windows end that an instant sees."""
    return instant if interval is None else _bucket(instant, interval)


def span_of(window: Window, end: int, interval: Duration | None) -> Span:
    """The times of the events that a window holds as of an instant: from its beginning, or from just after it."""
    after = 0 if interval else 1
    since = None if window.leaves is None else end - window.leaves + after
    return Span(since, end - window.enters + after)


def newest_change(
    times: Iterable[int], instant: int, windows: Iterable[Window], interval: Duration | None
) -> int | None:
    """The last instant, not after this one, at which an event became known, entered or left a window; None: never."""
    stays = {0, *(stay for w in windows for stay in (w.enters, w.leaves) if stay is not None)}
    entries = {known_from(t, interval) for t in times}
    return max((k + stay for k in entries for stay in stays if k + stay <= instant), default=None)


def _bucket(time: int, interval: Duration) -> int:
    """Where the bucket of an instant begins."""
    return (time - interval.origin) // interval.micros * interval.micros + interval.origin
