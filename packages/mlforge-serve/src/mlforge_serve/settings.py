"""How the server is set up, and every limit it keeps to."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Literal

import msgspec

_SIZE = re.compile(r"(\d+)\s*(k|m|g)?(i?b)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
MAX_HEAD = 32 << 10
CONNECTIONS = 8
"""How many connections there may be for each request at once: most are idle."""
PIPELINED = 64
"""How many requests a connection may send ahead of their answers."""
SLOWEST = 16 << 10
"""How many bytes of an answer a client takes at least in the time of a request."""


class Limits(msgspec.Struct, frozen=True):
    """What one worker takes at most.

    Args:
        body: Bytes of a request's body.
        entities: Entities in a request.
        features: Features in a request.
        concurrency: Requests at once; one more is answered 429.
        timeout: Seconds for a request, its body's arrival included.
        remembered: Bytes of rows that were answered before.
        room: Connections that there are files for.
    """

    body: int = 1 << 20
    entities: int = 1000
    features: int = 100
    concurrency: int = 256
    timeout: float = 5.0
    remembered: int = 128 << 20
    room: int = sys.maxsize

    @property
    def connections(self) -> int:
        """How many connections there may be: most are idle."""
        return min(self.concurrency * CONNECTIONS, self.room)


class ServerSettings(msgspec.Struct, frozen=True):
    """Where to listen, with what, for whom. `title` is the project's name."""

    title: str
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    tls_cert: Path | None = None
    tls_key: Path | None = None
    key_file: Path | None = None
    limits: Limits = Limits()
    cors_origins: tuple[str, ...] = ()
    docs: bool = True
    log_format: Literal["text", "json"] = "text"

    @property
    def url(self) -> str:
        """The address it answers at."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}"


def parse_size(text: str) -> int:
    """Bytes from `1048576`, `512k` or `1MiB`, all in powers of 1024. Raises `ValueError`."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(text)
    return int(found[1]) * _UNITS[(found[2] or "").lower()]
