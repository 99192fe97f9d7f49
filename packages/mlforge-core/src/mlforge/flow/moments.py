"""The present, and instants as they are written down: ISO 8601 in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mlforge.model.span import moment_of

Clock = Callable[[], datetime]


def iso(instant: int) -> str:
    """An instant in ISO 8601: `2024-02-29T00:00:00Z`."""
    return moment_of(instant).isoformat().replace("+00:00", "Z")


def iso_seconds(moment: datetime) -> str:
    """A moment in ISO 8601, to the second: `2024-02-29T00:00:00Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
