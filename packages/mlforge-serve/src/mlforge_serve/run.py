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
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import uvicorn
from starlette.middleware.cors import CORSMiddleware

from mlforge.errors import Invalid
from mlforge_serve.api_keys import APIKeys, read_keys
from mlforge_serve.app import App
from mlforge_serve.catalog import LOOKED_EVERY, Catalog
from mlforge_serve.door import Served
from mlforge_serve.http_protocol import protocol_of
from mlforge_serve.listening import listen
from mlforge_serve.pages import pages
from mlforge_serve.settings import ServerSettings
from mlforge_serve.telemetry import Board, Tally
from mlforge_serve.workers import watch_over

FIRST_LOOK = 1.0
"""Seconds to wait for the store at the start: a dead one is served around."""
LAST_WAIT = 1.0
KEPT = 8 << 20
THREADS = 32
_log = logging.getLogger("mlforge.serve")


def serve(served: Served, settings: ServerSettings) -> int:
    """Serve until a signal says to stop; then answer what was asked, and return an exit code."""
    sockets = listen(settings)
    settings = msgspec.structs.replace(settings, port=sockets[0].getsockname()[1])
    board = Board(served.features, settings.workers)
    _log.info(
        "%s: %d features at %s, %d worker%s", settings.title, len(served.features), settings.url, settings.workers,
        "s" * (settings.workers > 1),
    )  # fmt: skip
    if settings.workers == 1:
        work(served, settings, sockets[0], board.tally(0))
        _leave_hanging_reads()
        return 0
    patience = settings.limits.timeout + 5.0
    return watch_over(sockets, lambda n, own: work(served, settings, own, board.tally(n)), patience)


def work(served: Served, settings: ServerSettings, listening: socket.socket, tally: Tally) -> None:
    """Serve as one worker."""
    tally.reset()
    with served.store.open() as store:
        catalog = Catalog(served, store, THREADS, settings.limits.remembered)
        app = App(catalog, settings.limits, tally, pages(settings))
        config = _configured(app, settings)
        server = uvicorn.Server(config)
        for number in (signal.SIGTERM, signal.SIGINT):  # while it starts; then uvicorn's own, and these once more
            signal.signal(number, lambda *_: setattr(server, "should_exit", True))
        gc.collect()
        gc.freeze()
        keep_memory()
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_serve(server, app, catalog, settings, listening))
    _log.info("stopped")


def keep_memory() -> None:
    """Let glibc keep what it frees for the next answer: it keeps twice the largest block that was ever freed."""
    bytes(KEPT)


async def _serve(
    server: uvicorn.Server, app: App, catalog: Catalog, settings: ServerSettings, listening: socket.socket
) -> None:
    async with _watched(app, catalog, settings, server):
        await server.serve([listening])


@contextlib.asynccontextmanager
async def _watched(app: App, catalog: Catalog, settings: ServerSettings, server: uvicorn.Server) -> AsyncIterator[None]:
    """While it serves, look at the store and the key file every now and then."""
    watch = _Watch(app, settings)
    watch.read_keys()
    first = asyncio.ensure_future(catalog.look())
    await asyncio.wait([first], timeout=FIRST_LOOK)
    looking = asyncio.create_task(watch.go_on(first, server))
    try:
        yield
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        await catalog.aclose()


class _Watch:
    """What is looked at again and again."""

    def __init__(self, app: App, settings: ServerSettings) -> None:
        self.app, self.settings = app, settings
        self._seen: Any = None
        self._parent = os.getppid()

    async def go_on(self, first: asyncio.Future[None], server: uvicorn.Server) -> None:
        await first
        while True:
            self.app.tally.store_up(self.app.catalog.up)
            await asyncio.sleep(LOOKED_EVERY)
            if self.settings.workers > 1 and os.getppid() != self._parent:
                _log.error("the process that watched over this one is gone")
                server.should_exit = True
            self.read_keys()
            await self.app.catalog.look()

    def read_keys(self) -> None:
        """Know the keys that are in the file now; one that is damaged changes nothing."""
        path = self.settings.key_file
        if path is None:
            return
        try:
            state = path.stat()
            seen = (state.st_mtime_ns, state.st_size, state.st_ino)
            if seen != self._seen:
                self.app.keys = APIKeys(read_keys(path).keys)
                self._seen = seen
        except Exception as error:
            if self.app.keys is None:
                raise
            if self._seen is not None:
                _log.error("the keys stay as they were: %s", error)
                self._seen = None


def _configured(app: App, settings: ServerSettings) -> uvicorn.Config:
    wrapped: Any = app
    if settings.cors_origins:
        wrapped = CORSMiddleware(
            app, allow_origins=settings.cors_origins, allow_methods=["GET", "POST"], max_age=3600,
            allow_headers=["authorization", "content-type", "x-api-key"],
        )  # fmt: skip
    return uvicorn.Config(
        wrapped, http=protocol_of(settings.limits, app.refused), ws="none", lifespan="off", interface="asgi3",
        log_config=None, access_log=False, proxy_headers=False, server_header=False,
        timeout_graceful_shutdown=int(settings.limits.timeout) + 2,
        ssl_certfile=settings.tls_cert, ssl_keyfile=settings.tls_key,
    )  # fmt: skip


def _leave_hanging_reads() -> None:
    """Python waits at its end for threads, and so for a store that does not answer: nobody waits for that any more."""
    end = time.monotonic() + LAST_WAIT
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(max(0.0, end - time.monotonic()))
    if threading.active_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def refuse_many_workers(workers: int) -> None:
    """Raise `Invalid` where a process cannot be doubled."""
    if workers > 1 and not hasattr(os, "fork"):
        raise Invalid(f"{workers} workers need fork, which {sys.platform} lacks.", hint="--workers 1")
