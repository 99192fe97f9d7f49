"""Which server keeps a key: one keeps all, or redis-py knows the nodes of a cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from redis.connection import ConnectionPool
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, NoScriptError, TryAgainError

from mlforge_redis.clients import Clients
from mlforge_redis.exchange import Command

Groups = Sequence[Sequence[int]]
"""The places of keys that one command may name."""
ELSEWHERE = (AskError, TryAgainError, ClusterDownError)
"""Answers of a cluster that say where to ask, or when; MOVED is a kind of ASK here."""
_PAGE = 1000


class Single:
    """A server: all keys in one command."""

    def __init__(self, clients: Clients) -> None:
        self._client = clients.single()

    def groups(self, keys: Sequence[str]) -> Groups:
        return [range(len(keys))]

    def plan(self, places: Sequence[int], keys: Sequence[str]) -> Mapping[ConnectionPool, Sequence[int]]:
        """The places of some commands by who is asked, each with a key of its own."""
        return {self._client.connection_pool: places}

    def follow(self, command: Command, answer: Any) -> Any:
        """What an answer comes to that may say to ask elsewhere."""
        return answer

    def learn(self) -> None:
        """Find out anew who keeps what. The pool of a primary asks the Sentinels by itself."""

    def keys(self, pattern: str) -> Iterator[bytes]:
        """The keys that match, some more than once."""
        return self._client.scan_iter(pattern, _PAGE)

    def ping(self) -> None:
        self._client.ping()

    def close(self) -> None:
        self._client.close()
        manager = getattr(self._client.connection_pool, "sentinel_manager", None)
        for sentinel in manager.sentinels if manager else ():
            sentinel.close()


class Cluster:
    """A cluster: a command for each slot, all nodes at once."""

    def __init__(self, clients: Clients) -> None:
        self._clients, self._lock = clients, threading.Lock()
        self._found: redis.RedisCluster | None = None
        self._pools: set[ConnectionPool] = set()

    def groups(self, keys: Sequence[str]) -> Groups:
        return by_slot(keys)

    def plan(self, places: Sequence[int], keys: Sequence[str]) -> Mapping[ConnectionPool, Sequence[int]]:
        client, found = self._client, dict[ConnectionPool, list[int]]()
        for place in places:
            node = client.nodes_manager.get_node_from_slot(key_slot(keys[place].encode()))
            found.setdefault(client.get_redis_connection(node).connection_pool, []).append(place)
        self._pools.update(found)
        return found

    def follow(self, command: Command, answer: Any) -> Any:
        """Where an answer says to ask elsewhere, redis-py does, and learns from it."""
        if not isinstance(answer, ELSEWHERE):
            return answer
        try:
            return self._client.execute_command(*command)
        except NoScriptError as error:  # that node does not know it yet
            return error

    def learn(self) -> None:
        with slotless():
            self._client.nodes_manager.initialize()

    def keys(self, pattern: str) -> Iterator[bytes]:
        client = self._client
        return client.scan_iter(pattern, _PAGE, target_nodes=client.get_primaries())

    def ping(self) -> None:
        refuse_down(self._client.cluster_info(target_nodes=self._client.get_default_node()))

    def close(self) -> None:
        if self._found is not None:
            self._found.close()
        for pool in self._pools:  # also those of nodes that left, which redis-py forgets
            pool.disconnect()

    @property
    def _client(self) -> redis.RedisCluster:
        with self._lock:
            if self._found is None:
                with slotless():
                    self._found = self._clients.cluster()
            return self._found


def by_slot(keys: Sequence[str]) -> Groups:
    """The places of keys in one slot of a cluster."""
    found: dict[int, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key_slot(key.encode()), []).append(place)
    return list(found.values())


@contextmanager
def slotless() -> Iterator[None]:
    """Say what redis-py trips over: a cluster in which no node keeps a slot."""
    try:
        yield
    except IndexError:
        raise ClusterDownError("No node keeps any slot", status_code="CLUSTERDOWN") from None


def refuse_down(info: Mapping[str, str]) -> None:
    """Raise `ClusterDownError` where the cluster says it is."""
    if info.get("cluster_state") != "ok":
        raise ClusterDownError("The cluster is down", status_code="CLUSTERDOWN")
