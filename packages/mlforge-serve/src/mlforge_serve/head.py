"""The headers of a request that mean something here, read in one go."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from mlforge_serve.api_keys import SHUT, APIKey, APIKeys
from mlforge_serve.problems import Problem
from mlforge_serve.requests import wants_msgpack

_HINT = "Send it as 'Authorization: Bearer mlf_…'."


class Head(NamedTuple):
    """What a request says of itself: how long its body is, of which type, what it accepts, whose it is."""

    length: int = 0
    content_type: bytes = b""
    accept: bytes = b""
    key: str = ""

    @property
    def msgpack(self) -> bool:
        """Whether the answer is to be MessagePack."""
        return bool(self.accept) and _wants_msgpack(self.accept)


def head_of(scope: dict[str, Any]) -> Head:
    """The headers of a request."""
    length, content_type, accept, key = 0, b"", b"", ""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"accept":
            accept = accept + b"," + value if accept else value
        elif name == b"content-length":
            length = int(value) if value.isdigit() else 0
        elif name == b"authorization" and value[:7].lower() == b"bearer ":
            key = value[7:].strip().decode("latin-1")
        elif name == b"x-api-key":
            key = key or value.decode("latin-1")
    return Head(length, content_type, accept, key)


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
