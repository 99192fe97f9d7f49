"""What this plugin is: the Redis online store, announced without importing a client."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import msgspec

from mlforge.plugin import Encoding, OnlineStoreConfig, OnlineStoreDescriptor, Secret, hookimpl
from mlforge_redis.settings import check, placed


class _Place(OnlineStoreConfig, frozen=True):
    """What is given by position; all else has a name."""

    host: str = "localhost"
    port: int = 6379
    db: int = 0
    password: Secret | None = None
    ttl: int | str | None = None


class RedisStore(_Place, frozen=True, kw_only=True, tag="redis"):
    """Serve from Redis or Valkey: one server, the primary that Sentinels name, or a cluster.

    Args:
        host: The server; of a cluster, any of its nodes.
        port: Its port.
        db: The number of the database; a cluster has only 0.
        password: The password, if the server asks for one.
        ttl: When an entity that is not published again is forgotten: seconds, or `7d`; None for never.
        username: The user, where the server has several.
        credential_provider: `package.module:Name` of a `redis.CredentialProvider` that is asked for user and password
            at each new connection, instead of them.
        prefix: What the keys begin with: `{prefix}:{feature}:{entity key}`.
        encoding: `msgpack`, or `json` to read values with other tools.
        url: `redis://user:password@host:port/db` instead of host, port, db and ssl; `rediss://` for TLS,
            `unix:///path` for a socket. Username and password may be given beside it.
        cluster: Whether it is a cluster.
        sentinels: Sentinels, as `host:port`, that are asked for the primary, instead of host and port.
        sentinel_primary: The name they know it by.
        sentinel_username: The user, where the Sentinels have several.
        sentinel_password: The password of the Sentinels, if they ask for one.
        replicas: How many replicas must have a batch before it counts as written.
        ssl: Whether to speak TLS.
        ssl_ca_certs: A file with the certificates to trust; the system's where there is none.
        ssl_certfile: A client's certificate.
        ssl_keyfile: Its private key.
        ssl_check_hostname: Whether the certificate must be for the host.
        timeout: How many seconds to wait for an answer.
        connect_timeout: How many seconds to wait for a connection.
        retries: How often to try again where a connection was lost, after pauses that grow to a second.

    Raises:
        Invalid: A setting that is out of range, or does not go with another.

    Example:
        >>> store = RedisStore("cache.internal", password="s3cret", ttl="7d")
        >>> "s3cret" in repr(store), "password='***'" in repr(store)
        (False, True)
    """

    target: ClassVar[str] = "mlforge_redis.store:LiveRedisStore"

    username: str | None = None
    credential_provider: str | None = None
    prefix: str = "mlforge"
    encoding: Encoding = "msgpack"
    url: Secret | None = None
    cluster: bool = False
    sentinels: tuple[str, ...] = ()
    sentinel_primary: str | None = None
    sentinel_username: str | None = None
    sentinel_password: Secret | None = None
    replicas: int = 0
    ssl: bool = False
    ssl_ca_certs: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_check_hostname: bool = True
    timeout: float = 2.0
    connect_timeout: float = 2.0
    retries: int = 3

    def __post_init__(self) -> None:
        check(self)

    def at(self, root: Path) -> Self:
        return msgspec.structs.replace(self, **placed(self, root))


@hookimpl
def mlforge_online_stores() -> list[OnlineStoreDescriptor]:
    """The one online store."""
    summary = "Entities in Redis or Valkey: one server, behind Sentinels, or a cluster."
    return [OnlineStoreDescriptor(name="redis", summary=summary, api=1, config=RedisStore)]
