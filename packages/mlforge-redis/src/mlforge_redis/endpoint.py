"""Where a server is and how one gets in: from the settings, or from a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import msgspec

from mlforge.errors import Invalid

if TYPE_CHECKING:
    from mlforge_redis.plugin import RedisStore

_SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True, "unix": False}
_FORMS = "redis://user:password@host:port/db, rediss:// for TLS, or unix:///path/to/socket?db=0."


class Endpoint(msgspec.Struct, frozen=True):
    """A server's address, the user, and whether TLS is spoken; `path` is a socket's, instead of host and port."""

    host: str
    port: int
    db: int
    username: str | None
    password: str | None
    tls: bool = False
    path: str | None = None

    @property
    def where(self) -> str:
        """What messages call it."""
        return self.path or f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Endpoint({self.where!r})"


def endpoint_of(config: RedisStore) -> Endpoint:
    """The server that a config means. Raises `Invalid` for a URL that does not parse, never showing it."""
    if config.url is None:
        return Endpoint(config.host, config.port, config.db, config.username, config.password, config.ssl)
    _refuse_both(config)
    parts = urlsplit(config.url)
    if parts.scheme not in _SCHEMES:
        raise Invalid(f"url has the scheme {parts.scheme!r}.", hint=f"Write {_FORMS}")
    username, password = parts.username or config.username, parts.password or config.password
    db = _db(parts)
    if config.cluster and (db or parts.scheme == "unix"):
        raise Invalid("url names a database or a socket, and a cluster has neither.", hint="Leave it out, or cluster.")
    return Endpoint(
        host=unquote(parts.hostname or config.host),
        port=_port(parts) or config.port,
        db=db,
        username=username and unquote(username),
        password=password if parts.password is None else unquote(parts.password),
        tls=_SCHEMES[parts.scheme],
        path=_path(parts),
    )


def address_of(text: str, port: int) -> tuple[str, int]:
    """The host and the port of `host:port`, `[::1]:port` or `host`. Raises `Invalid` for what is neither."""
    parts = urlsplit(f"//{text}")
    try:
        found = parts.hostname, parts.port or port
    except ValueError:
        found = None, port
    if not found[0] or parts.path or parts.username:
        raise Invalid(f"{text!r} is no address.", hint="Write host:port.")
    return found[0], found[1]


def _refuse_both(config: RedisStore) -> None:
    """Fail where the URL and a setting may say different things."""
    plain = {"host": "localhost", "port": 6379, "db": 0, "ssl": False}
    if given := [f for f, default in plain.items() if getattr(config, f) != default]:
        raise Invalid(f"Both url and {given[0]} are set.", hint="Give the one or the other.")


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise Invalid("url has a port that is none.", hint=f"Write {_FORMS}") from None


def _path(parts: SplitResult) -> str | None:
    if parts.scheme != "unix":
        return None
    if not parts.path or parts.hostname:
        raise Invalid("url names no socket.", hint="Write unix:///path/to/socket.")
    return unquote(parts.path)


def _db(parts: SplitResult) -> int:
    """The number of the database: `/2`, or `?db=2`."""
    query = parse_qs(parts.query)
    if unknown := sorted(query.keys() - {"db"}):
        raise Invalid(f"url has the option {unknown[0]!r}.", hint="Only db is known there; the rest are settings.")
    inside = parts.path.strip("/") if parts.scheme != "unix" else ""
    text = query.get("db", [inside])[0] or "0"
    if not text.isdecimal():
        raise Invalid(f"url has the database {text!r}, which is no number.", hint=f"Write {_FORMS}")
    return int(text)
