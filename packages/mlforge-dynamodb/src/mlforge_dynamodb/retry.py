"""Trying again, later and later, and never in step with others."""

from __future__ import annotations

import random
import time

_FIRST, _LONGEST = 0.05, 5.0


class Patience:
    """Some seconds in which to try again."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._longest = _FIRST

    def wait(self) -> bool:
        """Sleep a while, at most twice as long as the last time; False at once where the seconds would be over."""
        pause = random.uniform(0, self._longest)  # noqa: S311 - nobody guards a pause
        self._longest = min(_LONGEST, 2 * self._longest)
        if time.monotonic() + pause > self._end:
            return False
        time.sleep(pause)
        return True
