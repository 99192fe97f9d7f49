"""Zones by name, such as `Europe/Berlin`: whether there is one, and when its clocks were put forward or back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mlforge.errors import Invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = 1800, 9998  # no zone has a change before; nor are there instants in all zones behind
_CALENDAR = timedelta(days=146_097)  # 400 years
_LISTED = 2100  # until then zones list their changes one by one; later ones follow from rules, twice a year


def zone_of(name: str) -> ZoneInfo:
    """The zone of a name. Raises `Invalid` where there is none.

    Example:
        >>> zone_of("Europe/Berlin").key
        'Europe/Berlin'
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise Invalid(f"There is no time zone {name!r}.", hint=_nearest(str(name))) from None


def _nearest(name: str) -> str:
    known = {zone.lower(): zone for zone in available_timezones()}
    if not known:
        return "This computer has no time zones: pip install tzdata"
    near = get_close_matches(name.lower(), known, n=1)
    return f"Such as {(known[near[0]] if near else 'Europe/Berlin')!r}."


def shown_on(zone: ZoneInfo, at: datetime) -> tuple[datetime, int]:
    """What a zone's clocks show at an instant, and how many years that is too late.

    They may show the year 0 or 10000, which Python cannot write: that is shown 400 years nearer, when the calendar is
    the same.

    Example:
        >>> shown, later = shown_on(ZoneInfo("Europe/Berlin"), datetime(9999, 12, 31, 23, 30, tzinfo=UTC))
        >>> str(shown), later
        ('9600-01-01 00:30:00', -400)
    """
    try:
        return at.astimezone(zone), 0
    except OverflowError:
        sign = 1 if at.year == 1 else -1
        ahead = _ahead(zone, at + sign * timedelta(days=2))
        return at.replace(tzinfo=None) + sign * _CALENDAR + ahead, sign * 400


@lru_cache(maxsize=64)
def changes(name: str, since: int, until: int) -> tuple[timedelta, tuple[tuple[datetime, timedelta], ...]]:
    """How far a zone is ahead of UTC when a year begins, and each change in it and the years up to another one.

    Example:
        >>> ahead, (spring, autumn) = changes("Europe/Berlin", 2025, 2025)
        >>> str(ahead), str(spring[0]), str(spring[1])
        ('1:00:00', '2025-03-30 01:00:00+00:00', '2:00:00')
    """
    zone = zone_of(name)
    years = [min(max(year, _FIRST), _LAST) for year in (since, until)]
    start = datetime(years[0], 1, 1, tzinfo=UTC)
    return _ahead(zone, start), tuple(_changes(zone, start, datetime(years[1] + 1, 1, 1, tzinfo=UTC)))


def _changes(zone: ZoneInfo, at: datetime, end: datetime) -> Iterator[tuple[datetime, timedelta]]:
    while at < end:
        after = min(at + timedelta(days=1 if at.year < _LISTED else 14), end)
        if _ahead(zone, at) != _ahead(zone, after):
            yield _between(zone, at, after), _ahead(zone, after)
        at = after


def _between(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second at which a zone changes."""
    low, high = ((at - _EPOCH) // timedelta(seconds=1) for at in (before, after))
    was = _ahead(zone, before)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _ahead(zone, _EPOCH + timedelta(seconds=middle)) == was else (low, middle)
    return _EPOCH + timedelta(seconds=high)


def _ahead(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)
