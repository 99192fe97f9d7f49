"""What went wrong with a server, in words: where, why, and the way out."""

from __future__ import annotations

import socket
import ssl

import hiredis

from mlforge.errors import PluginFailed
from mlforge_redis.plugin import RedisStore

_ACCESS = "Check username and password."
_CLUSTER = "It is part of a cluster: set cluster: true."
_HINTS = {
    "WRONGPASS": _ACCESS,
    "NOAUTH": _ACCESS,
    "ERR AUTH": _ACCESS,
    "ERR invalid password": _ACCESS,
    "ERR Client sent AUTH": _ACCESS,
    "NOPERM": "Let the user run GET, MGET, SET, GETRANGE, EVAL, EVALSHA, SCAN and PING on the keys of the prefix.",
    "DENIED": "The server is in protected mode: give it a password, or let it listen to this machine.",
    "OOM": "Raise its maxmemory, set a ttl, or let it evict.",
    "MISCONF": "The server cannot write to its disk: see its log.",
    "READONLY": "It is a replica: name the primary.",
    "LOADING": "The server is starting: try again.",
    "MASTERDOWN": "The primary of this replica is down: name another server.",
    "CLUSTERDOWN": "Some slots of the cluster have no server: see CLUSTER INFO.",
    "TRYAGAIN": "The cluster is moving slots: try again.",
    "MOVED": _CLUSTER,
    "ASK": _CLUSTER,
    "CROSSSLOT": _CLUSTER,
    "BUSY": "A script of somebody else runs there: try again.",
    "ERR DB index": "Choose a db the server has.",
    "ERR SELECT is not allowed in cluster mode": "A cluster has only the db 0.",
    "ERR This instance has cluster support disabled": "It is one server: leave cluster out.",
    "ERR max number of clients": "Raise its maxclients.",
    "WRONGTYPE": "Choose a prefix that nobody else uses.",
    "MLFORGE": "Upgrade mlforge, or choose a prefix that nobody else uses.",
}


class Told:
    """A `with` in which the failures of a server become `PluginFailed`."""

    __slots__ = ("_config", "_where")

    def __init__(self, where: str, config: RedisStore) -> None:
        self._where, self._config = where, config

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        if isinstance(error, (OSError, hiredis.HiredisError)):
            raise failed(error, self._where, self._config) from error


def failed(error: Exception, where: str, config: RedisStore) -> PluginFailed:
    """The failure that an exception of a socket, or an error in a server's answer, comes to."""
    if isinstance(error, TimeoutError):
        return PluginFailed(
            f"Redis at {where} did not answer in time.",
            hint=f"Is it busy or cut off? Or raise timeout ({config.timeout:g} s) or connect_timeout "
            f"({config.connect_timeout:g} s).",
        )
    if isinstance(error, ssl.SSLError):
        return PluginFailed(
            f"Redis at {where} and this machine do not agree on TLS: {_reason(error)}.",
            hint="Check ssl, ssl_ca_certs and ssl_check_hostname.",
        )
    if isinstance(error, socket.gaierror):
        return PluginFailed(f"The host of Redis at {where} is not known.", hint="Check host.")
    if isinstance(error, OSError):
        return PluginFailed(
            f"Redis at {where} does not answer: {_reason(error)}.", hint="Is it running? Check host, port and ssl."
        )
    return refused(str(error), where)


def refused(text: str, where: str) -> PluginFailed:
    """The failure that an error in a server's answer comes to."""
    found = (hint for start, hint in _HINTS.items() if text.startswith(start))
    hint = next(found, "See the server's log; Redis 6.2 or later, or Valkey, is needed.")
    return PluginFailed(f"Redis at {where} refused: {text.rstrip('.')}.", hint=hint)


def _reason(error: OSError) -> str:
    said = getattr(error, "verify_message", None) or getattr(error, "reason", None) or error.strerror
    return str(said or error).rstrip(".")
