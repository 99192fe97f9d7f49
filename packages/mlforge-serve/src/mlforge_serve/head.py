"""The headers of a request that mean something here, read in one go."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from mlforge_serve.api_keys import SHUT, APIKey, APIKeys
from mlforge_serve.problems import Problem
from mlforge_serve.requests import wants_msgpack

_ONCE = frozenset((b"host", b"content-type", b"content-length", b"authorization", b"x-api-key"))
_PLAIN = {b"content-encoding": b"identity", b"transfer-encoding": b"chunked"}
"""What says how a body is encoded, and what it says of one that is sent as it is."""
_HINT = "Send it as 'Authorization: Bearer mlf_…'."


class Head(NamedTuple):
    """What a request says of itself: how long its body is, of which type, what it accepts, whose it is, how encoded."""

    length: int = 0
    content_type: bytes = b""
    accept: bytes = b""
    key: str = ""
    encoding: bytes = b""

    @property
    def msgpack(self) -> bool:
        """Whether the answer is to be MessagePack."""
        return bool(self.accept) and _wants_msgpack(self.accept)


def head_of(scope: dict[str, Any]) -> Head:
    """The headers of a request. Raises `Problem` where one comes twice that has one meaning, or `Host` does not."""
    found: dict[bytes, bytes] = {}
    accept = encoding = b""
    for name, value in scope["headers"]:
        if name in _ONCE:
            if name in found:
                raise _twice(name)
            found[name] = value
        elif name == b"accept":
            accept = accept + b"," + value if accept else value
        elif name in _PLAIN and value.lower() != _PLAIN[name]:
            encoding = value
    if b"host" not in found and scope["http_version"] == "1.1":
        raise Problem("malformed_request", "There is no header 'host'.", "Send it: HTTP/1.1 wants one.", field="host")
    length = found.get(b"content-length", b"")
    size, kind = int(length) if length.isdigit() else 0, found.get(b"content-type", b"")
    return Head(size, kind, accept, _key(found), encoding)


def _key(headers: dict[bytes, bytes]) -> str:
    """The key in either header; a proxy may have put something else into the first."""
    authorization, other = headers.get(b"authorization", b""), headers.get(b"x-api-key", b"")
    bearer = authorization[7:].strip() if authorization[:7].lower() == b"bearer " else b""
    if bearer and other and bearer != other:
        raise Problem("malformed_request", "Two API keys are given.", _HINT)
    return (bearer or other).decode("latin-1")


def _twice(name: bytes) -> Problem:
    return Problem(
        "malformed_request", f"The header {name.decode()!r} comes twice.", "Send it once.", field=name.decode()
    )


def admit(keys: APIKeys | None, head: Head) -> APIKey | None:
    """Whose request it is; None where no keys are asked for. Raises `Problem`."""
    if keys is None:
        return None
    if keys is SHUT:
        raise keys_unavailable()
    if not head.key:
        raise Problem("key_missing", "An API key is needed.", _HINT)
    found = keys.find(head.key)
    if found is None:
        raise Problem("key_unknown", "This API key is not known.", _HINT)
    return found


def keys_unavailable() -> Problem:
    """Nobody is let in, because nobody can be told from anybody."""
    return Problem("keys_unavailable", "The server's API keys cannot be read.", "Try again; see the server's log.")


_wants_msgpack = lru_cache(256)(wants_msgpack)
