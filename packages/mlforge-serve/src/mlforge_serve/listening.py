"""The sockets to listen at: one for each worker, all at one address."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from mlforge.errors import Conflict, Invalid
from mlforge_serve.settings import ServerSettings

BACKLOG = 2048


def listen(settings: ServerSettings) -> list[socket.socket]:
    """A socket for each worker, bound and listening.

    On Linux each has its own, and the kernel spreads connections over them; of a shared one, one worker may take all.

    Raises:
        Conflict: Somebody else listens there, or nobody may.
        Invalid: The host is no address.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return [_prompt(one) for one in _bound(family, address[:2], settings.workers)]
    except socket.gaierror as error:
        raise Invalid(f"{settings.host!r} is no address here: {error.strerror}.", hint="--host 127.0.0.1") from error
    except UnicodeError as error:
        raise Invalid(f"{settings.host!r} is no address.", hint="--host 127.0.0.1") from error
    except OSError as error:
        raise Conflict(
            f"{settings.url} cannot be listened at: {os.strerror(error.errno or 0)}.",
            hint="Choose another --port or --host; --port 0 takes a free one.",
        ) from error


def _prompt(listening: socket.socket) -> socket.socket:
    """The socket, whose connections send what they are given at once.

    Without it, asyncio's own loop holds the second part of an answer back until the first is acknowledged: 40 ms.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _bound(family: int, address: tuple[Any, ...], workers: int) -> list[socket.socket]:
    first = socket.create_server(address, family=family, backlog=BACKLOG)
    if workers == 1:
        return [first]
    if sys.platform != "linux":
        return [first.dup() for _ in range(workers)]
    taken = first.getsockname()[:2]
    first.close()  # it found out that nobody else listens there: sockets that share an address do not mind others
    return [socket.create_server(taken, family=family, backlog=BACKLOG, reuse_port=True) for _ in range(workers)]
