"""Values in words: short, and unlike each other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from mlforge.model.meta import Change
from mlforge.model.text import number_of

NONE = "–"
_REASONS = {
    "first_build": "first build",
    "removed_metrics": "metrics removed",
    "removed_columns": "columns removed",
    "changed_dtypes": "types changed",
    "added_metrics": "metrics added",
    "added_columns": "columns added",
    "config_changed": "definition changed",
    "logic_changed": "function changed",
    "logic_unknown": "function cannot be told",
    "terms_changed": "terms changed",
    "checks_changed": "validators changed",
    "data_refresh": "data refreshed",
}


def because(change: Change | None) -> str:
    """Why a version got its number: `columns added: spend_7d, spend_30d`."""
    if change is None:
        return NONE
    reason = _REASONS.get(change.reason, change.reason.replace("_", " "))
    return f"{reason}: {', '.join(change.details)}" if change.details else reason


def listing(words: Iterable[str]) -> str:
    """Words with commas between them."""
    return ", ".join(words) or NONE


def spent(seconds: float) -> str:
    """`3.2 s`, or `2 min 5 s`."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def readable(text: str) -> str:
    """`2026-01-05T12:00:00Z` as `2026-01-05 12:00:00 UTC`."""
    return text.replace("T", " ").replace("Z", " UTC")


def plain(value: Any) -> str:
    """A value in a cell: short, and unlike any other."""
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = str(value)
    return text if len(text) <= 32 else f"{text[:31]}…"


def dropped(rows: int) -> str:
    """`12 rows dropped: null key`; nothing where none were."""
    return f"{number_of(rows, 'row')} dropped: null key" if rows else ""


def size(count: int) -> str:
    """Bytes as people say them."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
