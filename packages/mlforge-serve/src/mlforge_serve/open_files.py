"""How many files a process may have open: each connection is one, and what is read beside them needs some too."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

import msgspec

from mlforge_serve.settings import Limits

BESIDE = 128
"""Files beside the connections: those of the store, keys and certificates, what is listened at."""
_log = logging.getLogger("mlforge.serve")


def with_room(limits: Limits) -> Limits:
    """The limits, with no more connections than there can be files for. The process is allowed as many, if it may."""
    found = msgspec.structs.replace(limits, room=max(1, _room(limits.connections)))
    if found.connections < limits.connections:
        _log.warning(
            "%d connections at once instead of %d: no more files may be open; ulimit -n says how many",
            found.connections, limits.connections,
        )  # fmt: skip
    return found


def _room(connections: int) -> int:
    """For how many connections there are files."""
    if sys.platform == "win32":
        return connections
    import resource

    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return connections
    wanted = connections + BESIDE
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    if allowed < wanted:
        with suppress(OSError, ValueError):  # a system may allow fewer than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            allowed = wanted
    return allowed - min(BESIDE, allowed // 2)
