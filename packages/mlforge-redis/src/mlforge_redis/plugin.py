"""What this plugin is: the Redis online store, announced without importing a client."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import msgspec

from mlforge.plugin import Encoding, OnlineStoreConfig, OnlineStoreDescriptor, Secret, hookimpl
from mlforge_redis.settings import check, placed


class RedisStore(OnlineStoreConfig, frozen=True, tag="redis"):
    """Serve from Redis or Valkey: one server, or a cluster.

    Args:
        host: The server; of a cluster, any of its nodes.
        port: Its port.
        db: The number of the database; a cluster has only 0.
        password: The password, if the server asks for one.
        username: The user, where the server has several.
        ttl: When an entity that is not published again is forgotten: seconds, or `7d`; None for never.
        prefix: What the keys begin with: `{prefix}:{feature}:{entity key}`.
        encoding: `msgpack`, or `json` to read values with other tools.
        url: `redis://user:password@host:port/db` instead of host, port, db and ssl; `rediss://` for TLS,
            `unix:///path` for a socket. Username and password may be given beside it.
        cluster: Whether it is a cluster.
        ssl: Whether to speak TLS.
        ssl_ca_certs: A file with the certificates to trust; the system's where there is none.
        ssl_certfile: A client's certificate.
        ssl_keyfile: Its private key.
        ssl_check_hostname: Whether the certificate must be for the host.
        timeout: How many seconds to wait for an answer.
        connect_timeout: How many seconds to wait for a connection.

    Raises:
        Invalid: A setting that is out of range, or does not go with another.

    Example:
        >>> store = RedisStore(host="cache.internal", password="s3cret", ttl="7d")
        >>> "s3cret" in repr(store), "password='***'" in repr(store)
        (False, True)
    """

    target: ClassVar[str] = "mlforge_redis.store:LiveRedisStore"

    host: str = "localhost"
    port: int = 6379
    db: int = 0
    password: Secret | None = None
    username: str | None = None
    ttl: int | str | None = None
    prefix: str = "mlforge"
    encoding: Encoding = "msgpack"
    url: Secret | None = None
    cluster: bool = False
    ssl: bool = False
    ssl_ca_certs: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_check_hostname: bool = True
    timeout: float = 2.0
    connect_timeout: float = 2.0

    def __post_init__(self) -> None:
        check(self)

    def at(self, root: Path) -> Self:
        return msgspec.structs.replace(self, **placed(self, root))


@hookimpl
def mlforge_online_stores() -> list[OnlineStoreDescriptor]:
    """The one online store."""
    summary = "Entities in Redis or Valkey, one server or a cluster."
    return [OnlineStoreDescriptor(name="redis", summary=summary, api=1, config=RedisStore)]
