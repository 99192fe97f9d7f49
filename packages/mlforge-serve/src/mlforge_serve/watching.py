"""What is looked at again and again while the server runs: the store, files that may change, the process above."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from mlforge_serve.api_keys import SHUT, APIKeys, read_keys
from mlforge_serve.app import App
from mlforge_serve.files import WatchedFiles
from mlforge_serve.settings import ServerSettings
from mlforge_serve.tls import Certificate

FIRST_LOOK = 1.0
"""Seconds to wait for the store at the start: a dead one is served around."""
ASKED_EVERY = 1.0
"""Seconds after which a store that does not answer is noticed; after two of them, a new publish is."""
FILES_EVERY = 0.5
"""Seconds after which a file that changed is."""
_log = logging.getLogger("mlforge.serve")


@contextlib.asynccontextmanager
async def watched(
    app: App, settings: ServerSettings, certificate: Certificate | None, server: uvicorn.Server
) -> AsyncIterator[None]:
    """While it serves, look at the store and at files every now and then."""
    files = _files(app, settings, certificate)
    for one in files.values():
        await one.look()
    first = asyncio.ensure_future(app.catalog.look())
    await asyncio.wait([first], timeout=FIRST_LOOK)
    watching = [asyncio.create_task(_watch_store(app, first)), asyncio.create_task(_watch_files(app, files))]
    if settings.workers > 1:
        watching.append(asyncio.create_task(_watch_parent(server)))
    try:
        yield
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await app.catalog.aclose()


async def _watch_store(app: App, first: asyncio.Future[None]) -> None:
    await first
    for verb in itertools.cycle((app.catalog.check, app.catalog.look)):
        app.tally.up("mlforge_store_up", app.catalog.up)
        await asyncio.sleep(ASKED_EVERY)
        await verb()


async def _watch_files(app: App, files: Mapping[str, WatchedFiles[Any]]) -> None:
    """A store that hangs must not keep a key that was revoked: files are looked at by themselves."""
    while True:
        for gauge, one in files.items():
            app.tally.up(gauge, one.up)
        await asyncio.sleep(FILES_EVERY)
        for one in files.values():
            await one.look()


async def _watch_parent(server: uvicorn.Server) -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(ASKED_EVERY)
    _log.error("the process that watched over this one is gone")
    server.should_exit = True


def _files(app: App, settings: ServerSettings, certificate: Certificate | None) -> dict[str, WatchedFiles[Any]]:
    """The files to watch, by the gauge that says whether they can be read."""
    found: dict[str, WatchedFiles[Any]] = {}
    if settings.key_file is not None:
        found["mlforge_keys_up"] = _key_file(app, settings.key_file)
    if certificate is not None:
        found["mlforge_certificate_up"] = WatchedFiles(
            certificate.files, certificate.read, certificate.use, secret=certificate.files[1],
            broken="the certificate stays the one before", well="new connections get the certificate in the file now",
        )  # fmt: skip
    return found


def _key_file(app: App, path: Path) -> WatchedFiles[APIKeys]:
    """Whose keys hold cannot be told of a file that is not there: then nobody is let in."""
    app.keys = SHUT
    return WatchedFiles(
        [path], lambda: APIKeys(read_keys(path).keys), lambda keys: _let_in(app, keys), secret=path,
        broken="nobody is let in, whatever the key", well="the keys are those in the file now",
        lose=lambda: setattr(app, "keys", SHUT),
    )  # fmt: skip


def _let_in(app: App, keys: APIKeys) -> None:
    """Let those in who have a key, and say which of them look for what is not served."""
    app.keys = keys
    for name, feature in keys.strangers(app.catalog.places):
        _log.warning("the key %r may read %r, which is not served here", name, feature)
