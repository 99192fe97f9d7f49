"""The servers as one event loop asks them: on one connection to each, which all share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio.cluster import ClusterNode
from redis.crc import key_slot

from mlforge_redis.clients import Clients
from mlforge_redis.exchange import Command
from mlforge_redis.shared import Shared
from mlforge_redis.topology import ELSEWHERE, slotless

_FOLLOWING = 16
"""How many questions of a cluster that changes are followed at once, each on a connection of its own."""


class AwaitedSingle:
    """A server."""

    def __init__(self, clients: Clients, timeout: float) -> None:
        self._client = clients.awaited_single()
        self._shared = Shared(self._client.connection_pool.make_connection, timeout)

    async def ask(self, commands: Sequence[Command], keys: Sequence[str]) -> list[Any]:
        """The answers to some commands, wherever their keys are."""
        return await self._shared.ask(commands)

    async def learn(self) -> None:
        """Find out anew who keeps what. A new connection asks the Sentinels by itself."""

    async def close(self) -> None:
        await self._shared.close()
        await self._client.aclose()
        manager = getattr(self._client.connection_pool, "sentinel_manager", None)
        for sentinel in manager.sentinels if manager else ():
            await sentinel.aclose()


class AwaitedCluster:
    """A cluster, whose nodes redis-py knows."""

    def __init__(self, clients: Clients, timeout: float) -> None:
        self._client, self._timeout = clients.awaited_cluster(), timeout
        self._shared: dict[str, Shared] = {}
        self._following = asyncio.Semaphore(_FOLLOWING)

    async def ask(self, commands: Sequence[Command], keys: Sequence[str]) -> list[Any]:
        """The answers to some commands, each asked of the node that keeps its key."""
        await self._known()
        answers: list[Any] = [None] * len(commands)
        plan: dict[ClusterNode, list[int]] = {}
        for place, key in enumerate(keys):
            node = self._client.nodes_manager.get_node_from_slot(key_slot(key.encode()))
            plan.setdefault(node, []).append(place)
        asked = [self._at(node).ask([commands[p] for p in places]) for node, places in plan.items()]
        for places, found in zip(plan.values(), await asyncio.gather(*asked), strict=True):
            for place, answer in zip(places, found, strict=True):
                answers[place] = await self._follow(commands[place], answer)
        return answers

    async def _follow(self, command: Command, answer: Any) -> Any:
        """Where an answer says to ask elsewhere, redis-py does, and learns from it."""
        if not isinstance(answer, ELSEWHERE):
            return answer
        async with self._following:
            return await self._client.execute_command(*command)

    async def _known(self) -> None:
        """Ask who keeps what, where that is not known."""
        with slotless():
            _ = await self._client.initialize()

    def _at(self, node: ClusterNode) -> Shared:
        if node.name not in self._shared:
            kind, settings = node.connection_class, node.connection_kwargs
            self._shared[node.name] = Shared(lambda: kind(**settings), self._timeout)
        return self._shared[node.name]

    async def learn(self) -> None:
        """Find out anew who keeps what, and leave those who keep nothing any more."""
        await self._client.aclose()
        await self._known()
        known = {node.name for node in self._client.get_nodes()}
        for name in self._shared.keys() - known:
            await self._shared.pop(name).close()

    async def close(self) -> None:
        for shared in self._shared.values():
            await shared.close()
        await self._client.aclose()
