"""What a process has open: closing gives back what opening took."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

OPENINGS = 12
"""How often something is opened and closed: more often than a pool of connections is large."""
PATIENCE = 5.0
"""For how many seconds what ends by itself may take its time to do so."""
FOLDERS = (Path("/proc/self/fd"), Path("/dev/fd"))


def descriptors() -> int:
    """How many files, sockets and pipes this process has open; 0 where the system does not say."""
    return next((len(list(folder.iterdir())) for folder in FOLDERS if folder.is_dir()), 0)


def assert_gives_back(opened: Callable[[], AbstractContextManager[Any]], use: Callable[[Any], object]) -> None:
    """Fail where each opening leaves a descriptor or a thread behind, though what was opened is not forgotten."""
    kept: list[Any] = []

    def once() -> None:
        with opened() as thing:
            kept.append(thing)
            use(thing)

    once()
    before = descriptors(), threading.active_count()
    for _ in range(OPENINGS):
        once()
    deadline = time.monotonic() + PATIENCE
    while (left := _left(before)) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.05)
    assert not left, f"closed {OPENINGS} times, it left {left}: end them in __exit__"


def _left(before: tuple[int, int]) -> str:
    """What there is more of than before, by one or more for each opening."""
    more = {
        "open files or connections": descriptors() - before[0],
        "threads": threading.active_count() - before[1],
    }
    return " and ".join(f"{number} {what}" for what, number in more.items() if number >= OPENINGS)
