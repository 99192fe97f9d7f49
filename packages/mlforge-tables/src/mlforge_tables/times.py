"""Which times are asked for, as values that tables are filtered by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mlforge.plugin import Narrow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARGIN = timedelta(days=1)
"""No clock is further from UTC, so that no row is left out whose time has no zone."""


class Bounds(NamedTuple):
    """The first time that is wanted and the first that is not, in UTC; None for no bound."""

    since: datetime | None
    until: datetime | None


def bounds(narrow: Narrow | None) -> Bounds:
    """Bounds that no wanted row is outside of, whichever zone its time is in."""
    if narrow is None:
        return Bounds(None, None)
    return Bounds(_moved(narrow.since, -_MARGIN), _moved(narrow.until, _MARGIN))


def _moved(micros: int | None, by: timedelta) -> datetime | None:
    try:
        return None if micros is None else _EPOCH + timedelta(microseconds=micros) + by
    except OverflowError:
        return None
