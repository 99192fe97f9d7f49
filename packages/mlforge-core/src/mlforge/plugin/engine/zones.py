"""Local times without a zone: which instants they are where, and what every engine says of those that are none.

The clocks of a zone are one table, from Python's own data of zones, so that all engines read them alike. A time that
exists twice is the earlier; one that does not exist is refused, or moved forward by as much as clocks were.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta

import msgspec

from mlforge.errors import Invalid
from mlforge.model.span import EPOCH
from mlforge.model.timestamp import Timestamp
from mlforge.model.zones import changes

_MICRO = timedelta(microseconds=1)
_NEVER = 2**63 - 1


class Clock(msgspec.Struct, frozen=True):
    """A zone's clock over some years, in microseconds; what it shows is counted as if it were UTC.

    Args:
        starts: From what it shows on something holds, ascending, the first of all times.
        ahead: How far it is ahead of UTC from there on.
        gaps: What it shows from here on, until the next start, it never shows.

    Example:
        >>> clock("Europe/Berlin", 0, 0).ahead[:1]
        (3600000000,)
    """

    starts: tuple[int, ...]
    ahead: tuple[int, ...]
    gaps: tuple[int, ...]

    def instant(self, shown: int) -> int:
        """The instant at which it shows a time: the first of two, and behind a gap as far as the time is in it.

        Example:
            >>> clock("UTC", 0, 0).instant(5)
            5
        """
        return shown - self.ahead[bisect_right(self.starts, shown) - 1]

    def shows(self, shown: int) -> bool:
        """Whether it ever shows a time.

        Example:
            >>> clock("UTC", 0, 0).shows(5)
            True
        """
        return shown < self.gaps[bisect_right(self.starts, shown) - 1]


def clock(zone: str, first: int, last: int) -> Clock:
    """A zone's clock for local times from a first to a last one.

    Example:
        >>> spring = clock("Europe/Berlin", 1743292800_000_000, 1743292800_000_000)
        >>> half_past_two = 1743301800_000_000
        >>> spring.shows(half_past_two), spring.instant(half_past_two)
        (False, 1743298200000000)
    """
    ahead, found = changes(zone, _year(first) - 1, _year(last) + 1)
    starts, held, gaps = [-_NEVER - 1], [ahead // _MICRO], list[int]()
    for at, then in found:
        change, before, after = (at - EPOCH) // _MICRO, held[-1], then // _MICRO
        gaps.append(change + before)
        starts.append(change + max(before, after))
        held.append(after)
    gaps = [min(gap, start) for gap, start in zip(gaps, starts[1:], strict=True)]
    return Clock(tuple(starts), tuple(held), (*gaps, _NEVER))


def _year(micros: int) -> int:
    return 1970 + micros // 31_556_952_000_000


def has_own_zone(timestamp: Timestamp) -> Invalid:
    """The error for times with a zone where another one is named.

    Example:
        >>> has_own_zone(Timestamp("at", timezone="Europe/Berlin")).message
        "Timestamp 'at' has a zone of its own, and 'Europe/Berlin' is that of times without one."
    """
    return Invalid(
        f"Timestamp {timestamp.column!r} has a zone of its own, and {timestamp.timezone!r} is that of times without "
        "one.",
        hint="Leave timezone= out; a column of CSV that is declared Datetime is in UTC, so declare it as String.",
    )


def nonexistent(timestamp: Timestamp, count: int, row: int, shown: int) -> Invalid:
    """The error for local times that do not exist: how many they are, and the first of them.

    Example:
        >>> print(nonexistent(Timestamp("at", timezone="Europe/Berlin"), 2, 7, 1743301800_000_000).message)
        Timestamp 'at': 2 times do not exist in 'Europe/Berlin', the first 2025-03-30T02:30:00 in row 7.
    """
    first = (datetime(1970, 1, 1) + shown * _MICRO).isoformat()  # noqa: DTZ001 - a time without a zone
    times = "1 time does" if count == 1 else f"{count:,} times do"
    which = "" if count == 1 else "the first "
    return Invalid(
        f"Timestamp {timestamp.column!r}: {times} not exist in {timestamp.timezone!r}, {which}{first} in row {row:,}.",
        hint="Clocks were put forward then. Mend such times, or move them forward by as much: "
        f'Timestamp("{timestamp.column}", timezone="{timestamp.timezone}", nonexistent="forward").',
    )
