"""Lakebase: where an endpoint is, and credentials for its database, which is a PostgreSQL of the test's own."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_SHORT = 600
"""Credentials that last no longer, in seconds, are new each time."""


class Postgres:
    """The one endpoint of each project.

    `renew` is told every token that is made, to let the database know it as a password. PostgreSQL
    knows one password of a role, so credentials share a token as long as it lasts.
    """

    def __init__(self) -> None:
        self.projects = ["fraud"]
        self.host = "127.0.0.1"
        self.user = "me"
        self.lifetime = 3600
        self.made = 0
        self._token, self._ends = "", 0.0
        self._making = threading.Lock()
        self.renew: Callable[[str], object] = len

    def routes(self) -> list[Route]:
        """What it answers."""
        return [
            Route("/api/2.0/postgres/credentials", self._credential, methods=["POST"]),
            Route("/api/2.0/postgres/projects", self._list),
            Route("/api/2.0/postgres/{name:path}", self._endpoint),
        ]

    def _list(self, request: Request) -> Response:
        """A project on each page, as there is more than one where there are many."""
        first = int(request.query_params.get("page_token", 0))
        more = {"next_page_token": str(first + 1)} if first + 1 < len(self.projects) else {}
        return JSONResponse(
            {"projects": [{"name": f"projects/{one}"} for one in self.projects[first : first + 1]]} | more
        )

    def _endpoint(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in {f"projects/{one}/branches/production/endpoints/primary" for one in self.projects}:
            message = f"{name} does not exist."
            return JSONResponse({"error_code": "NOT_FOUND", "message": message}, 404)
        status = {"current_state": "ACTIVE", "hosts": {"host": self.host}}
        return JSONResponse({"name": name, "status": status})

    def _credential(self, request: Request) -> Response:
        with self._making:
            self.made += 1
            if time.time() + self.lifetime / 2 > self._ends or self.lifetime < _SHORT:
                self._token, self._ends = secrets.token_urlsafe(32), time.time() + self.lifetime
                self.renew(self._token)
            ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._ends))
            return JSONResponse({"token": self._token, "expire_time": ends})
