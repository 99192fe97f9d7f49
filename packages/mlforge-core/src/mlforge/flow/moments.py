"""The present, and instants as they are written down: ISO 8601 in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from mlforge.model.span import moment_of

Clock = Callable[[], datetime]
Instant = str | date | datetime | timedelta
"""An instant as people give it: read once, where it comes in; from there on it is microseconds since the Unix epoch."""


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def iso(instant: int) -> str:
    """An instant in ISO 8601: `2024-02-29T00:00:00Z`."""
    return moment_of(instant).isoformat().replace("+00:00", "Z")


def iso_seconds(moment: datetime) -> str:
    """A moment in ISO 8601, to the second: `2024-02-29T00:00:00Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
