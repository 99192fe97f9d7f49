"""What is answered: files of a catalog and what changed in it, to those who may ask, and nothing is written.

A page of a stranger may not read along: a name that it has pointed at this machine is refused, and what is answered may
not be used by other origins.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
from collections.abc import Collection
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mlforge.errors import MlforgeError
from mlforge_serve.ui.door import LiveCatalog

KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "json": "application/json"}
LONGEST = 2048
"""Bytes of an address."""
PATIENCE = 0.25
"""Seconds that a page waits for a look at the stores, at most; who asks what has changed waits for all of it."""


class App:
    """The ASGI application.

    Args:
        catalog: What is shown.
        names: What this machine may be called beside its addresses and `localhost`.
    """

    def __init__(self, catalog: LiveCatalog, names: Collection[str] = ()) -> None:
        self.catalog = catalog
        self._looking: asyncio.Task[None] | None = None
        self._names = frozenset(name.casefold() for name in ("localhost", *names))
        self._headers = {
            "cache-control": "no-cache",
            "content-security-policy": f"{catalog.policy}; frame-ancestors 'none'",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":  # what uvicorn may say beside it is said to nobody
            return
        answer = await self._answer(Request(scope))
        answer.headers.update(self._headers)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            return _refusal(421, "This name is not one of this server's.", "Ask at the address that mlforge ui said.")
        if request.method not in ("GET", "HEAD"):
            answer = _refusal(405, "Nothing is written here.", "Allowed: GET, HEAD.")
            answer.headers["allow"] = "GET, HEAD"
            return answer
        if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > LONGEST:
            return _refusal(414, "The address is too long.", "Start at /")
        path = request.scope["path"].removeprefix("/") or "index.html"
        try:
            await self._look(None if path == "changes" else PATIENCE)
            if path == "changes":
                return _changes(self.catalog, request.query_params.get("since", ""))
            text = await asyncio.to_thread(self.catalog.text, path)
        except MlforgeError as error:
            return _refusal(503, error.message, error.hint or "See what mlforge ui says.")
        if text is None:
            return _refusal(404, "There is nothing here.", "Start at /")
        return _file(path, text, request.headers.get("if-none-match", ""))

    async def _look(self, patience: float | None) -> None:
        """See what has changed, and wait for it as long as that."""
        looking = self._looking
        if looking is None or looking.done():
            looking = self._looking = asyncio.create_task(asyncio.to_thread(self.catalog.look))
        done, _ = await asyncio.wait({looking}, timeout=patience)
        for look in done:
            look.result()

    def _is_own(self, host: str) -> bool:
        """Whether a host is an address, or a name that this machine is known by: others may be pointed anywhere."""
        name, _, _ = host.rpartition("]") if host.startswith("[") else host.partition(":")
        try:
            return bool(ipaddress.ip_address(name.removeprefix("[")))
        except ValueError:
            return name.casefold() in self._names


def _changes(catalog: LiveCatalog, since: str) -> Response:
    found = catalog.changes(since)
    document = {"since": found.since, "happened": found.happened, "trouble": found.trouble}
    return Response(msgspec.json.encode(document), media_type=KINDS["json"])


def _file(path: str, text: str, known: str) -> Response:
    body = text.encode(errors="backslashreplace")
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if tag in known:
        return Response(status_code=304, headers={"etag": tag})
    kind = KINDS.get(path.rpartition(".")[2], "text/plain")
    return Response(body, media_type=f"{kind}; charset=utf-8", headers={"etag": tag})


def _refusal(status: int, what: str, hint: str) -> Response:
    return PlainTextResponse(f"{what}\n{hint}\n", status)
