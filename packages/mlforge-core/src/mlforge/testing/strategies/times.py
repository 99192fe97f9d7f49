"""Instants about the edges of windows, and the ways a column of times is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from hypothesis import strategies as st

from mlforge.model.metric import WindowPlan
from mlforge.testing.reference.times import instant
from mlforge.testing.strategies.values import aware

BASES = (0, 1_709_164_800_000_000, -34_560_000_000_000)
"""The epoch, a leap day, and a day of 1968."""
JITTERS = (0, 0, 0, -1, 1, 400_000)


def instants(units: Sequence[int], base: int, steps: tuple[int, int] = (-2, 6)) -> st.SearchStrategy[int]:
    """Microseconds at, or one beside, a multiple of some unit from a base."""
    step, unit, jitter = st.integers(*steps), st.sampled_from(units), st.sampled_from(JITTERS)
    return st.builds(lambda n, u, j: base + n * u + j, step, unit, jitter)


def units_of(plan: WindowPlan) -> list[int]:
    """The lengths that matter to a plan."""
    stays = [stay for w in plan.windows for stay in (w.enters, w.leaves)]
    units = [*([plan.interval.micros] if plan.interval else []), *(w for w in stays if w)]
    return units or [3_600_000_000]


class TimeColumn(msgspec.Struct, frozen=True):
    """A column of times as somebody wrote them: their type, Arrow's word for it, the pattern, and what they mean."""

    dtype: str
    values: tuple[Any, ...]
    meant: tuple[datetime | None, ...]
    arrow: str | None = None
    pattern: str | None = None


class Writing(msgspec.Struct, frozen=True):
    """A way to write an instant, and how fine it is in microseconds."""

    dtype: str
    write: Callable[[int, int], Any]
    grain: int = 1
    arrow: str | None = None
    pattern: str | None = None


def _text(pattern: str) -> Callable[[int, int], str]:
    return lambda micros, _hours: instant(micros).strftime(pattern)


def _utc(micros: int, _hours: int) -> datetime:
    return instant(micros)


def _date(micros: int, _hours: int) -> date:
    return instant(micros).date()


def _offset(micros: int, hours: int) -> str:
    return aware(micros, hours).isoformat(timespec="seconds")


DAY, SECOND, MILLI = 86_400_000_000, 1_000_000, 1000
WRITINGS = (
    Writing("Datetime", aware),
    Writing("Datetime", _utc, arrow="tsu:"),
    Writing("Datetime", _utc, MILLI, arrow="tsm:"),
    Writing("Datetime", _utc, SECOND, arrow="tss:UTC"),
    Writing("Datetime", _utc, arrow="tsn:"),
    Writing("Datetime", _utc, arrow="tsn:Europe/Berlin"),
    Writing("Datetime", _utc, arrow="tsu:America/New_York"),
    Writing("Date", _date, DAY),
    Writing("String", _text("%Y-%m-%d"), DAY),
    Writing("String", _text("%Y-%m-%dT%H:%M:%S"), SECOND),
    Writing("String", _text("%Y-%m-%d %H:%M:%S"), SECOND),
    Writing("String", _text("%Y-%m-%dT%H:%M"), 60 * SECOND),
    Writing("String", _text("%Y-%m-%dT%H:%M:%S.%f")),
    Writing("String", _text("%Y-%m-%dT%H:%M:%SZ"), SECOND),
    Writing("String", _offset, SECOND),
    Writing("String", _text("%d.%m.%Y %H:%M"), 60 * SECOND, pattern="%d.%m.%Y %H:%M"),
    Writing("String", _text("%Y%m%d"), DAY, pattern="%Y%m%d"),
    Writing("String", _text("%m/%d/%Y %H:%M:%S.%f"), pattern="%m/%d/%Y %H:%M:%S.%f"),
    Writing("String", _text("%Y-%m-%d %H:%M:%S +0000"), SECOND, pattern="%Y-%m-%d %H:%M:%S %z"),
)


@st.composite
def time_columns(draw: st.DrawFn, nulls: bool = False) -> TimeColumn:
    """Up to six times in one of many writings."""
    way = draw(st.sampled_from(WRITINGS))
    micros = st.integers(-(10**15), 2 * 10**15).map(lambda m: m // way.grain * way.grain)
    chosen: st.SearchStrategy[int | None] = st.one_of(micros, st.none()) if nulls else micros
    return written(way, draw(st.lists(st.tuples(chosen, st.integers(-11, 14)), min_size=1, max_size=6)))


def written(way: Writing, times: Sequence[tuple[int | None, int]]) -> TimeColumn:
    """Times in one writing."""
    values = tuple(None if m is None else way.write(m, hours) for m, hours in times)
    meant = tuple(None if m is None else instant(m // way.grain * way.grain) for m, _ in times)
    return TimeColumn(way.dtype, values, meant, way.arrow, way.pattern)


def label_columns(micros: Sequence[int | None]) -> st.SearchStrategy[TimeColumn]:
    """The same label times, written in one of the ways that need no Arrow; coarse ways round them down."""
    ways = [w for w in WRITINGS if w.arrow is None]
    return st.sampled_from([ways[0]] * 6 + ways).map(lambda way: written(way, [(m, 2) for m in micros]))
