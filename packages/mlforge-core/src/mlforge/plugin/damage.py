"""What an online store gives back that is not what was written: it is missing, and that is counted and logged.

Counted for the whole process, as it is logged for the whole process: whoever meets it may be a store's own thread.
"""

from __future__ import annotations

import logging
from collections import Counter
from threading import Lock

_MOST_TOLD = 10_000
_log = logging.getLogger("mlforge.online")
_counts: Counter[str] = Counter()
_told: set[tuple[str, str]] = set()
_turn = Lock()


def damaged_entries() -> dict[str, int]:
    """How often this process met a damaged entry or note, by feature.

    Example:
        >>> damaged_entries().get("user_spend", 0)
        0
    """
    with _turn:
        return dict(_counts)


def met_damage(feature: str, place: str, why: str) -> None:
    """Count what is damaged, and log each place once."""
    with _turn:
        _counts[feature] += 1
        is_news = (feature, place) not in _told and len(_told) < _MOST_TOLD
        if is_news:
            _told.add((feature, place))
    if is_news:
        _log.warning(
            "What is kept online of %r at %s is damaged and counts as missing: %s. "
            "Publish all of it again: mlforge publish %s --force",
            feature, place, why, feature,
        )  # fmt: skip
