"""The server's processes: one that serves, or one that watches over several that do."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import Any

import msgspec
import uvicorn

from mlforge.errors import Invalid
from mlforge_serve.app import App
from mlforge_serve.catalog import Catalog
from mlforge_serve.cors import CrossOrigin
from mlforge_serve.door import Served
from mlforge_serve.http_protocol import Bounded, protocol_of
from mlforge_serve.listening import listen
from mlforge_serve.open_files import with_room
from mlforge_serve.pages import pages
from mlforge_serve.settings import ServerSettings
from mlforge_serve.telemetry import Board, Tally
from mlforge_serve.tls import Certificate, EncryptedServer
from mlforge_serve.watching import watched
from mlforge_serve.workers import STOPS, code_after, watch_over

LAST_WAIT = 1.0
KEPT = 8 << 20
THREADS = 32
_log = logging.getLogger("mlforge.serve")


def serve(served: Served, settings: ServerSettings) -> int:
    """Serve until a signal says to stop; then answer what was asked, and return an exit code."""
    sockets = listen(settings)
    limits = with_room(settings.limits)
    settings = msgspec.structs.replace(settings, port=sockets[0].getsockname()[1], limits=limits)
    board, certificate = Board(served.features, settings.workers), _certificate(settings)
    _log.info(
        "%s: %d feature%s at %s, %d worker%s", settings.title, len(served.features), "s" * (len(served.features) != 1),
        settings.url, settings.workers, "s" * (settings.workers > 1),
    )  # fmt: skip
    if settings.workers == 1:
        code = work(served, settings, sockets[0], board.tally(0), certificate)
        _leave_hanging_reads(code)
        return code
    patience = settings.limits.timeout + 5.0
    return watch_over(sockets, lambda n, own: work(served, settings, own, board.tally(n), certificate), patience)


def work(
    served: Served, settings: ServerSettings, listening: socket.socket, tally: Tally, certificate: Certificate | None
) -> int:
    """Serve as one worker, and return an exit code."""
    tally.reset()
    stop = 0
    with served.store.open() as store:
        catalog = Catalog(served, store, THREADS, settings.limits.remembered)
        app = App(catalog, settings.limits, tally, pages(settings))
        protocol = protocol_of(settings.limits, app.refused)
        config = _configured(app, settings, protocol)
        server = EncryptedServer(config, protocol, certificate) if certificate else uvicorn.Server(config)

        def end(number: int, _: FrameType | None) -> None:
            nonlocal stop
            stop, server.should_exit = number, True

        for number in STOPS:  # while it starts; then uvicorn's own, and these once more
            signal.signal(number, end)
        gc.collect()
        gc.freeze()
        keep_memory()
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_serve(server, watched(app, settings, certificate, server), listening))
    _log.info("stopped")
    return code_after(stop)


def keep_memory() -> None:
    """Let glibc keep what it frees for the next answer: it keeps twice the largest block that was ever freed."""
    bytes(KEPT)


async def _serve(
    server: uvicorn.Server, meanwhile: contextlib.AbstractAsyncContextManager[None], listening: socket.socket
) -> None:
    async with meanwhile:
        await server.serve([listening])


def _certificate(settings: ServerSettings) -> Certificate | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Certificate(settings.tls_cert, settings.tls_key)


def _configured(app: App, settings: ServerSettings, protocol: type[Bounded]) -> uvicorn.Config:
    asked: Any = CrossOrigin(app, settings.cors_origins) if settings.cors_origins else app
    return uvicorn.Config(
        asked, http=protocol, ws="none", lifespan="off",
        interface="asgi3", log_config=None, access_log=False, proxy_headers=False, server_header=False,
        timeout_graceful_shutdown=int(settings.limits.timeout) + 2,
    )  # fmt: skip


def _leave_hanging_reads(code: int) -> None:
    """Python waits at its end for threads, and so for a store that does not answer: nobody waits for that any more."""
    end = time.monotonic() + LAST_WAIT
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(max(0.0, end - time.monotonic()))
    if threading.active_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def refuse_many_workers(workers: int) -> None:
    """Raise `Invalid` where a process cannot be doubled."""
    if workers > 1 and not hasattr(os, "fork"):
        raise Invalid(f"{workers} workers need fork, which {sys.platform} lacks.", hint="--workers 1")
