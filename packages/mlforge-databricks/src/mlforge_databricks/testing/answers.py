"""How requests to Unity Catalog are read, answered and refused."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

AT = "/api/2.1/unity-catalog"
_MOST = 100
"""How many things a page has where nobody says fewer."""
Body = dict[str, Any]


class Failure(Exception):
    """What a request is refused with: a status of HTTP, the error's code, and the reason."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Asked(Body):
    """What a request says in its path, its query and its body; to take what it does not say refuses it."""

    def __missing__(self, name: str) -> Any:
        raise wrong(f"The field {name} is missing.")


def route(method: str, path: str, doing: Callable[[Asked], Body]) -> Route:
    """What is done to answer the requests of a method to a path."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(doing, await _asked(request)))
        except Failure as error:
            return JSONResponse({"error_code": error.code, "message": str(error)}, error.status)

    return Route(AT + path, answer, methods=[method])


async def _asked(request: Request) -> Asked:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise Failure(400, "MALFORMED_REQUEST", f"The body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise Failure(400, "MALFORMED_REQUEST", "The body is no object.")
    return Asked({**request.query_params, **body, **request.path_params})


def wrong(message: str) -> Failure:
    """A request that says what cannot be."""
    return Failure(400, "INVALID_PARAMETER_VALUE", message)


def absent(what: str, name: str) -> Failure:
    """Something that is not there."""
    return Failure(404, f"{what}_DOES_NOT_EXIST", f"{what.capitalize()} '{name}' does not exist.")


def need(known: dict[str, Body], what: str, name: str) -> Body:
    """What is known by a name."""
    if name not in known:
        raise absent(what, name)
    return known[name]


def free(known: Iterable[str], what: str, name: str) -> str:
    """A name that nothing has yet."""
    if name in known:
        raise Failure(409, f"{what}_ALREADY_EXISTS", f"{what.capitalize()} '{name}' already exists.")
    return name


def born(asked: Body, kept: Iterable[str], identity: str) -> Body:
    """What is kept of something new: what was said of it, when that was in milliseconds, and an identity."""
    now = int(time.time() * 1000)
    told = {key: asked[key] for key in kept if asked.get(key) is not None}
    return told | {"created_at": now, "updated_at": now, identity: str(uuid.uuid4())}


def change(told: Body, said: Body) -> None:
    """Keep what is said anew."""
    told |= {key: value for key, value in said.items() if value is not None}
    told["updated_at"] = int(time.time() * 1000)


def page(asked: Body, what: str, found: Iterable[Body]) -> Body:
    """A page of them; which comes next is its token."""
    every = list(found)
    first, most = _number(asked, "page_token"), _number(asked, "max_results") or _MOST
    more = {"next_page_token": str(first + most)} if first + most < len(every) else {}
    return {what: every[first : first + most]} | more


def _number(asked: Body, name: str) -> int:
    said = str(asked.get(name) or 0)
    if not said.isdecimal():
        raise wrong(f"{name} is {said}.")
    return int(said)
