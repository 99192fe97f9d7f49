"""The clients of redis-py that a config means: of one server, of a primary that Sentinels name, of a cluster.

A connection is tried once: how often a question is asked again is decided in one place, for all of them.
"""

from __future__ import annotations

from typing import Any

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.sentinel
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from mlforge_redis.credentials import provider_of
from mlforge_redis.endpoint import Endpoint, address_of, endpoint_of
from mlforge_redis.plugin import RedisStore
from mlforge_redis.settings import check_files

SENTINEL_PORT = 26_379
_RESP = 2
"""The protocol: all servers speak it, and nothing comes unasked."""


class Clients:
    """Makes the clients of a config. Nothing is connected yet."""

    def __init__(self, config: RedisStore) -> None:
        self._config, self._endpoint = config, endpoint_of(config)
        self._sentinels = [address_of(s, SENTINEL_PORT) for s in config.sentinels]
        self._settings = _settings(config, self._endpoint)
        self.where = self._endpoint.where
        if self._sentinels:
            self.where = f"{', '.join(f'{h}:{p}' for h, p in self._sentinels)} (primary {config.sentinel_primary})"

    def single(self) -> redis.Redis:
        """A client of one server: the one that is named, or the primary of the Sentinels."""
        settings = self._settings | {"retry": _once()}
        if not self._sentinels:
            return redis.Redis(**settings, **self._place())
        found = redis.sentinel.Sentinel(self._sentinels, sentinel_kwargs=self._to_sentinels(_once()), **settings)
        primary: redis.Redis = found.master_for(self._config.sentinel_primary or "")
        return primary

    def cluster(self) -> redis.RedisCluster:
        """A client of a cluster. It asks a node at once who the others are."""
        host, port = self._endpoint.host, self._endpoint.port
        return redis.RedisCluster(host=host, port=port, retry=_once(), require_full_coverage=False, **self._settings)

    def awaited_single(self) -> redis.asyncio.Redis:
        """What `single` gives, for an event loop."""
        once = redis.asyncio.retry.Retry(NoBackoff(), 0)
        settings = self._settings | {"retry": once}
        if not self._sentinels:
            return redis.asyncio.Redis(**settings, **self._place())
        found = redis.asyncio.sentinel.Sentinel(self._sentinels, sentinel_kwargs=self._to_sentinels(once), **settings)
        primary: redis.asyncio.Redis = found.master_for(self._config.sentinel_primary or "")
        return primary

    def awaited_cluster(self) -> redis.asyncio.RedisCluster:
        """What `cluster` gives, for an event loop."""
        once = redis.asyncio.retry.Retry(NoBackoff(), 0)
        host, port = self._endpoint.host, self._endpoint.port
        settings = self._settings | {"retry": once}
        return redis.asyncio.RedisCluster(host=host, port=port, require_full_coverage=False, **settings)

    def _place(self) -> dict[str, Any]:
        if self._endpoint.path:
            return {"unix_socket_path": self._endpoint.path, "db": self._endpoint.db}
        return {"host": self._endpoint.host, "port": self._endpoint.port, "db": self._endpoint.db}

    def _to_sentinels(self, retry: Any) -> dict[str, Any]:
        """How Sentinels are asked: as the servers are, but for who asks."""
        config = self._config
        own = {"username": config.sentinel_username, "password": config.sentinel_password, "retry": retry}
        return {k: v for k, v in self._settings.items() if k != "credential_provider"} | own


def patience() -> ExponentialWithJitterBackoff:
    """How long to wait before a lost question is asked again: longer each time, a second at most."""
    return ExponentialWithJitterBackoff(base=0.05, cap=1)


def _once() -> Retry:
    return Retry(NoBackoff(), 0)


def _settings(config: RedisStore, endpoint: Endpoint) -> dict[str, Any]:
    """What every connection is made with."""
    check_files(config, endpoint.tls)
    found: dict[str, Any] = {
        "protocol": _RESP,
        "socket_timeout": config.timeout,
        "socket_connect_timeout": config.connect_timeout,
        "username": endpoint.username,
        "password": endpoint.password,
    }
    if config.credential_provider:
        found |= {"credential_provider": provider_of(config.credential_provider)}
    if endpoint.tls:
        files = {f: getattr(config, f) for f in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")}
        found |= {"ssl": True, "ssl_check_hostname": config.ssl_check_hostname, **files}
    return found
