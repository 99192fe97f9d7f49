"""The process that answers, until a signal says to stop."""

from __future__ import annotations

import gc
import logging
import signal
from collections.abc import Sequence
from types import FrameType

import uvicorn

from mlforge_serve.http_protocol import protocol_of
from mlforge_serve.listening import listen
from mlforge_serve.open_files import with_room
from mlforge_serve.settings import Limits, ServerSettings
from mlforge_serve.ui.app import App
from mlforge_serve.ui.door import LiveCatalog
from mlforge_serve.workers import STOPS, code_after

LIMITS = Limits(body=1 << 10, concurrency=12)
"""A page sends no body, and a browser opens few connections; who holds one without asking is let go of."""
_log = logging.getLogger("mlforge.ui")


def run(catalog: LiveCatalog, host: str, port: int, names: Sequence[str]) -> int:
    """Answer until a signal says to stop, and return an exit code.

    Raises:
        Conflict: Somebody else listens there, or nobody may.
        Invalid: The host is no address.
    """
    settings = ServerSettings(catalog.project, host, port)
    (listening,) = listen(settings)
    address = ServerSettings(catalog.project, host, listening.getsockname()[1]).url
    server = uvicorn.Server(uvicorn.Config(
        App(catalog, names), http=protocol_of(with_room(LIMITS), lambda _: None), ws="none", lifespan="off",
        interface="asgi3", log_config=None, access_log=False, proxy_headers=False, server_header=False,
        timeout_graceful_shutdown=2,
    ))  # fmt: skip
    stop = 0

    def end(number: int, _: FrameType | None) -> None:
        nonlocal stop
        stop, server.should_exit = number, True

    for number in STOPS:  # while it starts; then uvicorn's own, and these once more
        signal.signal(number, end)
    _log.info("%s: %d features at %s, read-only", catalog.project, catalog.features, address)
    gc.freeze()  # what was read stays: of thousands of features, looking for what is garbage in it holds up a page
    server.run([listening])
    _log.info("stopped")
    return code_after(stop)
