"""The environment of a process whose lines nobody counts: a server that others wrote, or one that is killed."""

from __future__ import annotations

import os

TRACED = {"COV_CORE_DATAFILE", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"}


def environment(**more: str) -> dict[str, str]:
    """What this process has, and more, but for what makes Python trace each line."""
    return {name: value for name, value in os.environ.items() if name not in TRACED} | more
