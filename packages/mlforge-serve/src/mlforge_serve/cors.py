"""Pages of other origins: which may ask, and how those are refused that may not."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from mlforge_serve.app import App
from mlforge_serve.problems import JSON, Problem

_METHODS = ("GET", "POST")
_HEADERS = ("authorization", "content-type", "x-api-key")
_REMEMBERED = 3600
_HINT = f"Origins are named with --cors-origins; methods are {', '.join(_METHODS)}, headers {', '.join(_HEADERS)}."


class CrossOrigin(CORSMiddleware):
    """Lets pages of some origins ask an application; what else a preflight asks for is refused as a problem."""

    def __init__(self, app: App, origins: tuple[str, ...]) -> None:
        super().__init__(
            app, allow_origins=origins, allow_methods=_METHODS, allow_headers=_HEADERS, max_age=_REMEMBERED
        )
        self._refused = app.refused

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code != 200:
            self._refused("cors_refused")
            answer.body = Problem("cors_refused", f"{bytes(answer.body).decode()}.", _HINT).encode()
            answer.headers["content-type"] = JSON.decode()
            answer.headers["content-length"] = str(len(answer.body))
        return answer
