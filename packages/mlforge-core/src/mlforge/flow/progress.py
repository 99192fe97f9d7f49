"""How far a run over features is, and whom to tell."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """Where a build is: `reading`, `checking`, `computing`, `writing`, `committing`; rows where they are known."""

    feature: str
    stage: str
    rows: int | None = None


Tell = Callable[[Progress], None]


def quiet(_: Progress) -> None:
    """Tell nobody."""
