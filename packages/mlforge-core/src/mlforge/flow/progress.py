"""How far a run over features is, and whom to tell."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """How far a feature is, and how many rows where that is known.

    A build is `reading`, `checking`, `computing`, `writing`, `committing`; then there is `publishing`. Where a commit
    sends data away, it is `uploading`: `sent` of so many `bytes`.
    """

    feature: str
    stage: str
    rows: int | None = None
    sent: int | None = None
    bytes: int | None = None


Tell = Callable[[Progress], None]


def quiet(_: Progress) -> None:
    """Tell nobody."""
