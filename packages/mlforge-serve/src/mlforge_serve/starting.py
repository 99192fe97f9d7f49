"""What a signal does before there is anything to finish."""

from __future__ import annotations

import os
import signal


def end_when_told() -> None:
    """End at once at SIGTERM, until what serves takes it: the first process of a container ignores it otherwise."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
