"""Local times about the hours at which clocks are put forward and back, as columns of times, days and text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Literal

import msgspec
from hypothesis import strategies as st

from mlforge.model.timestamp import Timestamp
from mlforge.testing.reference.times import EPOCH, MICRO

CHANGES = {
    "Europe/Berlin": ("1893-04-01 00:00", "2025-03-30 02:30", "2025-10-26 02:30", "2090-03-26 02:30"),
    "America/New_York": ("1883-11-18 12:00", "2025-03-09 02:30", "2025-11-02 01:30"),
    "Australia/Lord_Howe": ("2025-04-06 01:45", "2025-10-05 02:15"),  # by half an hour
    "America/Sao_Paulo": ("2018-11-04 00:30", "2018-02-17 23:30"),  # at midnight
    "Pacific/Apia": ("2011-12-30 12:00", "1892-07-04 12:00"),  # a day left out, and one lived twice
    "Africa/Casablanca": ("2025-02-23 02:30", "2025-04-06 02:30"),  # about a month of fasting
    "Asia/Kolkata": ("1945-10-14 23:30",),
    "UTC": ("1970-01-01 00:00",),
}
"""Zones, and local times in the midst of some of their changes."""


class LocalColumn(msgspec.Struct, frozen=True):
    """A column of local times: its type, Arrow's word for it, and the timestamp that reads it."""

    dtype: str
    values: tuple[Any, ...]
    timestamp: Timestamp
    arrow: str | None = None


WRITINGS: tuple[tuple[str, str | None, str | None, Callable[[datetime], Any]], ...] = (
    ("Datetime", "tsu:", None, lambda at: at),
    ("Datetime", "tsm:", None, lambda at: at.replace(microsecond=0)),
    ("Date", None, None, datetime.date),
    ("String", None, None, lambda at: at.strftime("%Y-%m-%d %H:%M:%S.%f")),
    ("String", None, "%d.%m.%Y %H:%M", lambda at: at.strftime("%d.%m.%Y %H:%M")),
)
WAYS: tuple[Literal["raise", "forward"], ...] = ("raise", "forward", "forward")


@st.composite
def local_columns(draw: st.DrawFn) -> LocalColumn:
    """Up to six local times of one zone in one writing, one of them perhaps null."""
    zone = draw(st.sampled_from(list(CHANGES)))
    dtype, arrow, pattern, write = draw(st.sampled_from(WRITINGS))
    near = st.builds(_beside, st.sampled_from(CHANGES[zone]), st.integers(-300, 300), st.sampled_from([0, -1, 1]))
    far = st.integers(-5 * 10**15, 5 * 10**15).map(lambda micros: EPOCH + micros * MICRO)
    times = draw(st.lists(st.one_of(near, near, near, far), min_size=1, max_size=6))
    values: list[datetime | date | str | None] = [write(at) for at in times]
    values += [None] if arrow and draw(st.booleans()) else []
    return LocalColumn(dtype, tuple(values), Timestamp("ts", pattern, None, zone, draw(st.sampled_from(WAYS))), arrow)


def _beside(base: str, minutes: int, micros: int) -> datetime:
    shown = datetime.fromisoformat(base + "+00:00")  # counted as if it were UTC
    return shown + timedelta(minutes=minutes, microseconds=micros)
