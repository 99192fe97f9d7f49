"""A workspace over HTTP, as databricks-sdk asks it: warehouse, catalog, volumes, Lakebase; and planned failures."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mlforge_databricks.testing.catalog import Catalog
from mlforge_databricks.testing.lake import Lake
from mlforge_databricks.testing.postgres import Postgres
from mlforge_databricks.testing.warehouse import Warehouse

TOKEN = "dapi-of-the-double"  # noqa: S105 - it opens nothing else
WAREHOUSE = "a1b2c3d4"


class Fault(msgspec.Struct):
    """How requests to a path are answered, and how often, before they are heeded again; `after` so many are heeded."""

    path: str
    status: int
    code: str
    message: str
    times: int = 1
    after: int = 0
    headers: dict[str, str] = {}


class Workspace:
    """A workspace at `url` that knows one token and one warehouse. An empty token in `tokens` lets anybody in.

    Args:
        folder: An empty folder for what it keeps.
    """

    def __init__(self, folder: Path) -> None:
        self.lake = Lake(folder)
        self.warehouse = Warehouse(self.lake, WAREHOUSE)
        self.postgres = Postgres()
        self.catalog = Catalog(self.lake)
        self.tokens = {TOKEN}
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.url = ""

    def fail(
        self, path: str, status: int, code: str, message: str = "", times: int = 1, after: int = 0, **headers: str
    ) -> None:
        """Answer the next requests to a path, or those after some, with a status of HTTP and an error's code."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults.append(Fault(path, status, code, message or code, times, after, named))

    def __enter__(self) -> Self:
        self.lake.__enter__()
        self._listening = socket.create_server(("127.0.0.1", 0))
        # connections inherit it; without, what is written in two parts waits 40 ms for the other side's word in between
        self._listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.url = self.warehouse.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        config = uvicorn.Config(self._app(), log_level="error", lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listening],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listening.close()
        self.lake.__exit__(kind, error, at)

    def _app(self) -> Starlette:
        files = "/api/2.0/fs/files/{path:path}"
        routes = [
            Route("/.well-known/databricks-config", self._known),
            Route(files, self._put_file, methods=["PUT"]),
            Route(files, self._delete_file, methods=["DELETE"]),
            Route("/api/2.0/preview/scim/v2/Me", self._me),
            *self.warehouse.routes(),
            *self.postgres.routes(),
            *self.catalog.routes(),
        ]
        return Starlette(routes=routes, middleware=[Middleware(_Guard, workspace=self)])

    def _known(self, request: Request) -> Response:
        return JSONResponse({"oidc_endpoint": f"{self.url}/oidc", "workspace_id": "1"})

    def _me(self, request: Request) -> Response:
        return JSONResponse({"userName": self.postgres.user})

    def _place(self, request: Request) -> Path:
        return self.lake.folder.joinpath(str(request.path_params["path"]))

    async def _put_file(self, request: Request) -> Response:
        place = self._place(request)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(await request.body())
        return Response(status_code=204)

    def _delete_file(self, request: Request) -> Response:
        place = self._place(request)
        if not place.is_file():
            return _error(404, "NOT_FOUND", f"The file {request.path_params['path']} does not exist.")
        place.unlink()
        return Response(status_code=204)


class _Guard:
    """Refuses who has no token, and whatever was planned."""

    def __init__(self, app: ASGIApp, workspace: Workspace) -> None:
        self._app = app
        self._workspace = workspace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(Request(scope)) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)

    def _answer(self, request: Request) -> Response | None:
        path, workspace = request.url.path, self._workspace
        workspace.asked.append(f"{request.method} {path}")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if path.startswith("/api/") and token not in workspace.tokens:
            return _error(401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type or expired.")
        fault = next((f for f in workspace.faults if f.times and path.startswith(f.path)), None)
        if fault is None:
            return None
        if fault.after:
            fault.after -= 1
            return None
        fault.times -= 1
        return _error(fault.status, fault.code, fault.message, fault.headers)


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body: dict[str, Any] = {"error_code": code, "message": message}
    return JSONResponse(body, status, headers)
