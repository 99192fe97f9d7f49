"""What a process has open: closing gives back what opening took."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

OPENINGS = 12
"""How often something is opened and closed: more often than a pool of connections is large."""
FOLDERS = ("/proc/self/fd", "/dev/fd")


def descriptors() -> int:
    """How many files, sockets and pipes this process has open; 0 where the system does not say."""
    return next((len(os.listdir(folder)) for folder in FOLDERS if os.path.isdir(folder)), 0)


def assert_gives_back(opened: Callable[[], AbstractContextManager[Any]], use: Callable[[Any], object]) -> None:
    """Fail where each opening leaves a descriptor or a thread behind, be the thing itself forgotten or not."""
    kept: list[Any] = []

    def once() -> None:
        with opened() as thing:
            kept.append(thing)
            use(thing)

    once()
    before = descriptors(), threading.active_count()
    for _ in range(OPENINGS):
        once()
    more = descriptors() - before[0], threading.active_count() - before[1]
    what = ("open files or connections", "threads")
    left = [f"{number} {word}" for number, word in zip(more, what, strict=True) if number >= OPENINGS]
    assert not left, f"closed {OPENINGS} times, it left {' and '.join(left)}: end them in __exit__"
