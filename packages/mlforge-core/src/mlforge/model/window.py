"""When an event is known, and which window holds it, on the contract's two clocks. Instants are microseconds."""

from __future__ import annotations

from collections.abc import Iterable

from mlforge.model.duration import Duration
from mlforge.model.span import Span


def known_from(time: int, interval: Duration | None) -> int:
    """When an event of this time becomes known: at the end of its bucket; at once without an interval."""
    return time if interval is None else _bucket(time, interval) + interval.micros


def end_at(instant: int, interval: Duration | None) -> int:
    """Where the windows end that an instant sees."""
    return instant if interval is None else _bucket(instant, interval)


def span_of(window: Duration, end: int, interval: Duration | None) -> Span:
    """The times of the events that a window holds: from its beginning, or from just after it, as the clock says."""
    after = 0 if interval else 1
    return Span(end - window.micros + after, end + after)


def newest_change(
    times: Iterable[int], instant: int, windows: Iterable[Duration], interval: Duration | None
) -> int | None:
    """The last instant, not after this one, at which an event became known or left a window; None where none did."""
    stays = (0, *(w.micros for w in windows))
    entries = {known_from(t, interval) for t in times}
    return max((k + stay for k in entries for stay in stays if k + stay <= instant), default=None)


def _bucket(time: int, interval: Duration) -> int:
    """Where the bucket of an instant begins."""
    return (time - interval.origin) // interval.micros * interval.micros + interval.origin
