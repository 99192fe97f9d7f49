"""What went wrong, as `application/problem+json` (RFC 9457): with a code for programs and a hint for people."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException

from mlforge.errors import Conflict, Invalid, MlforgeError, NotFound, PluginFailed, Unsupported

JSON = b"application/problem+json"
LONGEST = 500
"""Characters of a text in an answer: what was sent comes back at this length at most."""
CODES = {
    "malformed_body": 400,
    "malformed_request": 400,
    "cors_refused": 400,
    "key_missing": 401,
    "key_unknown": 401,
    "key_limited": 403,
    "feature_not_found": 404,
    "route_not_found": 404,
    "method_not_allowed": 405,
    "body_too_slow": 408,
    "conflict": 409,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "invalid_request": 422,
    "too_many_entities": 422,
    "too_many_features": 422,
    "too_many_requests": 429,
    "head_too_large": 431,
    "defect": 500,
    "keys_unavailable": 503,
    "store_unavailable": 503,
    "too_slow": 504,
}
"""Every code there is, and its status."""
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}
"""What RFC 9110 calls these, as Python does from 3.13 on."""


def title(status: int) -> str:
    """What a status is called, whatever the version of Python.

    Example:
        >>> title(422), title(404)
        ('Unprocessable Content', 'Not Found')
    """
    return _RENAMED.get(status) or HTTPStatus(status).phrase


class Problem(Exception):
    """A request that is refused. `more` are further members: the `field` that is wrong, the `limit` it broke."""

    def __init__(self, code: str, detail: str, hint: str, **more: Any) -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.hint, self.more = code, detail, hint, more

    @property
    def status(self) -> int:
        return CODES[self.code]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What a client needs beside the body."""
        match self.status:
            case 401:
                return [(b"www-authenticate", b'Bearer realm="mlforge"')]
            case 405:
                return [(b"allow", str(self.more["allow"]).encode())]
            case 408:
                return [(b"connection", b"close")]
            case 429 | 503:
                return [(b"retry-after", b"1")]
            case _:
                return []

    def encode(self) -> bytes:
        return msgspec.json.encode({
            "type": "about:blank", "title": title(self.status), "status": self.status,
            "code": self.code, "detail": _short(self.detail), "hint": _short(self.hint), **self.more,
        })  # fmt: skip


def problem_of(error: Exception) -> Problem:
    """An error as a client may see it: nothing of the server's inside, of the store neither."""
    match error:
        case Problem():
            return error
        case HTTPException(status_code=405, headers={"Allow": str() as allow}):
            return Problem("method_not_allowed", "This method is not answered here.", f"Allowed: {allow}.", allow=allow)
        case NotFound():
            return Problem("feature_not_found", error.message, error.hint or "GET /features lists what is served.")
        case Invalid() | Unsupported():
            return Problem("invalid_request", error.message, error.hint or "Mend the request.")
        case Conflict():
            return Problem("conflict", error.message, error.hint or "Try again.")
        case PluginFailed():
            return Problem("store_unavailable", "The online store does not answer.", "Try again; see the server's log.")
        case TimeoutError():
            return Problem("too_slow", "The answer took too long.", "Ask for less at once, or raise --timeout.")
        case MlforgeError():
            return Problem("defect", "The server failed.", "The server's log says why.")
        case _:
            pass
    return Problem("defect", "The server failed: this is a defect.", "The server's log says why; please report it.")


def _short(text: str) -> str:
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 1]}…"
