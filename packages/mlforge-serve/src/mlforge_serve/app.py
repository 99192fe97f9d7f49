"""The server as an ASGI application: who may pass, how many at once, for how long, and what is said when it fails."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic, perf_counter_ns
from typing import Any

from mlforge.errors import MlforgeError
from mlforge_serve.answers import FORMATS
from mlforge_serve.api_keys import APIKeys
from mlforge_serve.catalog import Catalog, Plan
from mlforge_serve.head import Head, admit, head_of
from mlforge_serve.problems import JSON as PROBLEM
from mlforge_serve.problems import Problem, problem_of
from mlforge_serve.serving import ClientGone, Serving, read_body
from mlforge_serve.settings import Limits
from mlforge_serve.telemetry import ROUTES, SERVING, Tally

_log = logging.getLogger("mlforge.serve")
_START, _BODY = "http.response.start", "http.response.body"
_ROUTE_OF = {route: number for number, route in enumerate(ROUTES) if "{" not in route}
_ONE_FEATURE, _OTHER = ROUTES.index("/features/{name}"), ROUTES.index("other")
SILENCE = 10.0
"""Seconds in which what a route fails of is not logged again."""
PROBES = frozenset({_ROUTE_OF["/health"], _ROUTE_OF["/ready"], _ROUTE_OF["/metrics"]})
"""Routes that are answered however much there is to do, and take no other request's place."""


class App:
    """Serves values by itself, and hands everything else to `pages`."""

    def __init__(self, catalog: Catalog, limits: Limits, tally: Tally, pages: Any) -> None:
        self.catalog, self.limits, self.tally, self.pages = catalog, limits, tally, pages
        self.keys: APIKeys | None = None
        serving = Serving(catalog, limits, tally)
        self._answers = (serving.online, serving.batch)
        self._active = self._counted = 0
        self._complaints: dict[int, tuple[str, float]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        started, path = perf_counter_ns(), scope["path"]
        route = _ROUTE_OF.get(path, _ONE_FEATURE if path.startswith("/features/") else _OTHER)
        counts = route not in PROBES
        self._active += 1
        self._counted += counts
        self.tally.in_flight(self._active)
        try:
            if counts and self._counted > self.limits.concurrency:
                await self._refuse(route, self._too_many(), send)
            elif route < len(SERVING) and scope["method"] == "POST":
                await self._serve(route, scope, receive, send, started)
            else:
                await self._show(route, scope, receive, send)
        finally:
            self._active -= 1
            self._counted -= counts
            self.tally.in_flight(self._active)
            self.tally.observe(self.tally.board.route(route), perf_counter_ns() - started)

    def refused(self, code: str) -> None:
        """Count what was refused before its route was looked at: a connection, or a preflight."""
        self.tally.failed(_OTHER, code)

    async def _serve(self, route: int, scope: Any, receive: Any, send: Any, started: int) -> None:
        body, deadline = None, asyncio.timeout(self.limits.timeout)
        try:
            async with deadline:
                head = head_of(scope)
                key = admit(self.keys, head)
                body = await read_body(head, receive, self.limits.body)
                plan, answer = await self._answers[route](head, key, body)
        except ClientGone:
            self.tally.failed(route, "gone")
        except Exception as error:  # noqa: BLE001 - whatever happens has an answer, and never shows the inside
            late = body is None and deadline.expired()
            await self._refuse(route, self._too_slow() if late else self._told(error, route), send)
        else:
            await self._answer(head, answer, send)
            self._observe(route, plan, perf_counter_ns() - started)

    async def _answer(self, head: Head, body: bytes, send: Any) -> None:
        headers = [(b"content-type", FORMATS[head.msgpack].kind), (b"content-length", b"%d" % len(body))]
        await send({"type": _START, "status": 200, "headers": headers})
        await send({"type": _BODY, "body": body})

    async def _show(self, route: int, scope: Any, receive: Any, send: Any) -> None:
        """Everything that is no value: `pages` knows how."""
        try:
            scope["mlforge"], scope["app"] = (self, head_of(scope)), self
            async with asyncio.timeout(self.limits.timeout):
                await (_post_only if self._takes_a_body(route, scope) else self.pages)(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - as above
            await self._refuse(route, self._told(error, route), send, scope["method"] == "HEAD")

    def _takes_a_body(self, route: int, scope: Any) -> bool:
        """Whether a route is one of those that serve values, and not a feature of that name that is asked about."""
        name = scope["path"].rpartition("/")[2]
        return route < len(SERVING) and not (scope["method"] in ("GET", "HEAD") and name in self.catalog.places)

    async def _refuse(self, route: int, problem: Problem, send: Any, silently: bool = False) -> None:
        body = problem.encode()
        headers = [(b"content-type", PROBLEM), (b"content-length", b"%d" % len(body)), *problem.headers]
        self.tally.failed(route, problem.code)
        await send({"type": _START, "status": problem.status, "headers": headers})
        await send({"type": _BODY, "body": b"" if silently else body})

    def _told(self, error: Exception, route: int) -> Problem:
        """An error as a client may see it; what the client cannot mend is logged."""
        problem = problem_of(error)
        if isinstance(error, MlforgeError) and problem.status >= 500:
            self._complain(route, str(error))
        elif problem.code == "defect":
            _log.error("%s failed", ROUTES[route], exc_info=error)
        return problem

    def _complain(self, route: int, text: str) -> None:
        """Log why a route fails, and the same again only after a while: each request fails while a store is dead."""
        said, until = self._complaints.get(route, ("", 0.0))
        if text != said or monotonic() > until:
            self._complaints[route] = text, monotonic() + SILENCE
            _log.error("%s: %s", ROUTES[route], text)

    def _observe(self, route: int, plan: Plan, nanoseconds: int) -> None:
        tally = self.tally
        for place in plan.places:
            tally.observe(tally.board.feature(route, place), nanoseconds)

    def _too_many(self) -> Problem:
        limit = self.limits.concurrency
        return Problem("too_many_requests", f"{limit} requests are being answered.", "Try again.", limit=limit)

    def _too_slow(self) -> Problem:
        limit = self.limits.timeout
        return Problem("body_too_slow", f"The body did not come within {limit:g} s.", "Send it at once.", limit=limit)


async def _post_only(*_: Any) -> None:
    raise Problem("method_not_allowed", "This route takes a body.", "POST one.", allow="POST")
