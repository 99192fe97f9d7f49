"""What went wrong with a server, in words: where, why, and the way out."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from redis.asyncio.sentinel import MasterNotFoundError as AwaitedMasterNotFoundError
from redis.exceptions import ClusterError, RedisClusterException, RedisError
from redis.exceptions import ConnectionError as Lost
from redis.exceptions import TimeoutError as Late
from redis.sentinel import MasterNotFoundError

from mlforge.errors import PluginFailed
from mlforge_redis.endpoint import endpoint_of
from mlforge_redis.plugin import RedisStore

_ACCESS = "Check username and password."
_COMMANDS = "GET, MGET, SET, GETRANGE, EVAL, EVALSHA, SCAN and PING"
_RIGHTS = (
    f"Let the user run {_COMMANDS} on the keys of the prefix; SELECT with a db other than 0, WAIT with replicas, "
    "CLUSTER SLOTS, CLUSTER INFO and COMMAND in a cluster."
)
_CLUSTER = "It is part of a cluster: set cluster: true."
_HINTS = {
    "WRONGPASS": _ACCESS,
    "NOAUTH": _ACCESS,
    "ERR AUTH": _ACCESS,
    "ERR invalid password": _ACCESS,
    "ERR Client sent AUTH": _ACCESS,
    "the credential_provider": "Run it by itself to see why.",
    "NOPERM": _RIGHTS,
    "ERR The user executing the script": _RIGHTS,
    "ERR ACL failure in script": _RIGHTS,
    "ERR unknown command 'AUTH'": "Let it know AUTH, or leave the password out.",
    "ERR unknown command": f"Redis 6.2 or Valkey is needed, and that {_COMMANDS} are not renamed or disabled.",
    "DENIED": "The server is in protected mode: give it a password, or let it listen to this machine.",
    "OOM": "Raise its maxmemory, or set a ttl.",
    "MISCONF": "The server cannot write to its disk: see its log.",
    "READONLY": "It is a replica: name the primary.",
    "LOADING": "The server is starting: try again.",
    "MASTERDOWN": "The primary of this replica is down: name another server.",
    "NOREPLICAS": "Too few replicas are connected: see INFO replication.",
    "CLUSTERDOWN": "Some slots of the cluster have no server: see CLUSTER INFO.",
    "TRYAGAIN": "The cluster is moving slots: try again.",
    "MOVED": _CLUSTER,
    "ASK": _CLUSTER,
    "CROSSSLOT": _CLUSTER,
    "BUSY": "A script of somebody else runs there: try again.",
    "ERR DB index": "Choose a db the server has.",
    "ERR max number of clients": "Raise its maxclients.",
    "ERR This instance has cluster support disabled": "It is one server: leave cluster out.",
    "WRONGTYPE": "Choose a prefix that nobody else uses, or remove that key.",
    "MLFORGE": "Upgrade mlforge, choose a prefix that nobody else uses, or remove that key where it is damaged.",
}
_ARGUMENTS = ", with args beginning with"
"""What a server says before it repeats those of a command: of AUTH they are secret."""


class NotReplicated(RedisError):
    """Fewer replicas than wanted have what was written."""

    def __init__(self, found: int, wanted: int) -> None:
        super().__init__(f"{found} of {wanted} replicas have what was written")


class OfAnotherKind(RedisError):
    """A key under which something else than text is kept."""

    def __init__(self, key: str) -> None:
        super().__init__(f"WRONGTYPE {key} is of another kind than what mlforge keeps there")


class Told:
    """A `with` in which the failures of a server become `PluginFailed`."""

    __slots__ = ("_config", "_where")

    def __init__(self, where: str, config: RedisStore) -> None:
        self._where, self._config = where, config

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        if isinstance(error, (OSError, RedisError, RedisClusterException)):
            raise failed(error, self._where, self._config) from _clean(error, self._config)


def failed(error: Exception, where: str, config: RedisStore) -> PluginFailed:
    """The failure that an exception of redis-py, or an error in a server's answer, comes to."""
    causes = list(_causes(error))
    found = filter(None, (_known(cause, where, config) for cause in causes))
    return next(found, None) or _refused(_text(causes[0], config), where)


def _known(error: BaseException, where: str, config: RedisStore) -> PluginFailed | None:
    """The failure of a kind that is known whatever the server says."""
    if isinstance(error, NotReplicated):
        return PluginFailed(
            f"Redis at {where} took it, but {error}.", hint="See INFO replication; publish again, or lower replicas."
        )
    if isinstance(error, (MasterNotFoundError, AwaitedMasterNotFoundError)):
        return PluginFailed(
            f"No Sentinel at {where} answers and knows a primary of that name that is up.",
            hint="Check sentinels, sentinel_primary and who may ask them: SENTINEL MASTERS tells.",
        )
    if isinstance(error, (TimeoutError, Late)):
        return PluginFailed(
            f"Redis at {where} did not answer in time.",
            hint=f"Is it busy or cut off{', or speaks no TLS (ssl)' * endpoint_of(config).tls}? Or raise timeout "
            f"({config.timeout:g} s) or connect_timeout ({config.connect_timeout:g} s).",
        )
    if isinstance(error, ssl.SSLError):
        return PluginFailed(
            f"Redis at {where} and this machine do not agree on TLS: {_reason(error)}.",
            hint="Check ssl, ssl_ca_certs and ssl_check_hostname; and ssl_certfile, where it asks for one.",
        )
    if isinstance(error, socket.gaierror):
        return PluginFailed(f"The host of Redis at {where} is not known.", hint="Check host.")
    if isinstance(error, OSError) or (isinstance(error, Lost) and not getattr(error, "status_code", None)):
        return _silent(error, where)
    return None


def _silent(error: BaseException, where: str) -> PluginFailed | None:
    """The failure of a connection; None for what a server said before it ended it."""
    text = _reason(error)
    if any(text.startswith(start) for start in _HINTS):
        return None
    return PluginFailed(f"Redis at {where} does not answer: {text}.", hint="Is it running? Check host, port and ssl.")


def _refused(text: str, where: str) -> PluginFailed:
    """The failure that an error in a server's answer comes to."""
    found = (hint for start, hint in _HINTS.items() if text.startswith(start))
    hint = next(found, "See the server's log; Redis 6.2 or later, or Valkey, is needed.")
    return PluginFailed(f"Redis at {where} refused: {text.rstrip('.')}.", hint=hint)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What an exception of redis-py stands for, the innermost first: it wraps those of sockets in its own."""
    inner = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if inner is not None and isinstance(error, (Lost, Late, RedisClusterException, ClusterError)):
        yield from _causes(inner)
    yield error


def _text(error: BaseException, config: RedisStore) -> str:
    """What the server said, with its code, and without what is secret."""
    code = getattr(error, "status_code", None)
    return _masked(f"{code} {error}" if code and not str(error).startswith(code) else str(error), config)


def _clean(error: Exception, config: RedisStore) -> Exception | None:
    """The exception to tell as the cause: none that repeats what is secret."""
    return error if _masked(str(error), config) == str(error) else None


def _masked(text: str, config: RedisStore) -> str:
    """A text without the arguments of commands, and with passwords masked."""
    text, _, _ = text.partition(_ARGUMENTS)
    for secret in filter(None, (endpoint_of(config).password, config.sentinel_password)):
        text = text.replace(secret, "***")
    return text


def _reason(error: BaseException) -> str:
    said = getattr(error, "verify_message", None) or getattr(error, "reason", None) or getattr(error, "strerror", None)
    return str(said or error).rstrip(".")
