"""A cluster: each key is asked of the node that keeps it, all nodes at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import hiredis
import msgspec

from mlforge_redis.endpoint import Command, Endpoint, endpoint_of
from mlforge_redis.line import Asked, Lines, refuse_errors
from mlforge_redis.plugin import RedisStore
from mlforge_redis.scan import pages
from mlforge_redis.slots import PAUSES, Node, Round, Slots, slot_of, slots_of
from mlforge_redis.wire import Wires

_SLOTS: Command = ("CLUSTER", "SLOTS")


class Cluster:
    """A cluster, found by any of its nodes."""

    def __init__(self, config: RedisStore) -> None:
        self._seed = endpoint_of(config)
        self._timeouts = (config.timeout, config.connect_timeout)
        self._lines: dict[Node, Lines] = {}
        self._slots: Slots | None = None
        self.where = self._seed.where

    def groups(self, keys: Sequence[str]) -> list[Sequence[int]]:
        """The places of keys that one command may name: those in one slot."""
        found: dict[int, list[int]] = {}
        for place, key in enumerate(keys):
            found.setdefault(slot_of(key), []).append(place)
        return list(found.values())

    def ask(self, commands: Sequence[Command], keys: Sequence[str], again: bool = True) -> list[Any]:
        """The answers to some commands, each asked of the node that keeps its key."""
        answers: list[Any] = [None] * len(commands)
        left: Sequence[int] = range(len(commands))
        for pause in PAUSES:
            time.sleep(pause)
            slots = self._slots if self._slots and not pause else self._learned()
            this = Round(answers)
            self._ask_nodes(this, slots.sort(left, keys), commands, again)
            for node, place in this.elsewhere:
                answers[place] = self._at(node).ask([("ASKING",), commands[place]], again)[1]
            left = this.again
            if not left:
                break
        return answers

    def _ask_nodes(
        self, this: Round, plan: Mapping[Node, Sequence[int]], commands: Sequence[Command], again: bool
    ) -> None:
        begun: dict[Node, Asked] = {}
        try:
            for node, places in plan.items():
                with _Lost(this, places, again):
                    begun[node] = self._at(node).begin([commands[p] for p in places], again)
            for node in list(begun):
                with _Lost(this, plan[node], again):
                    this.take(node, plan[node], begun.pop(node).answers())
        finally:
            for asked in begun.values():
                asked.abandon()

    def pages(self, pattern: str) -> Iterator[list[bytes]]:
        """The keys that match, some more than once."""
        for node in self._learned().nodes:
            yield from pages(self._at(node).ask, pattern)

    def ping(self) -> None:
        slots = self._learned()
        answers = self._at(slots.nodes[0]).ask([("CLUSTER", "INFO")])
        refuse_errors(answers)
        if b"cluster_state:ok" not in bytes(answers[0]):
            raise hiredis.ReplyError("CLUSTERDOWN The cluster is down")

    def awaiting(self) -> AwaitedCluster:
        """The cluster as the running event loop asks it."""
        return AwaitedCluster(self._seed, *self._timeouts)

    def _at(self, node: Node) -> Lines:
        if node not in self._lines:
            self._lines[node] = Lines(_endpoint(self._seed, node), *self._timeouts)
        return self._lines[node]

    def _learned(self) -> Slots:
        """Who keeps what, from the first node that answers."""
        failure: Exception | None = None
        for node in _known(self._slots, self._seed):
            try:
                answers = self._at(node).ask([_SLOTS])
            except OSError as error:
                failure = error
                continue
            self._slots = _slots(answers, node)
            return self._slots
        raise failure or ConnectionError("no node is known")

    def close(self) -> None:
        for lines in self._lines.values():
            lines.close()


class AwaitedCluster:
    """A cluster as one event loop asks it."""

    def __init__(self, seed: Endpoint, timeout: float, connect_timeout: float) -> None:
        self._seed, self._timeouts = seed, (timeout, connect_timeout)
        self._wires: dict[Node, Wires] = {}
        self._slots: Slots | None = None

    async def ask(self, commands: Sequence[Command], keys: Sequence[str]) -> list[Any]:
        """The answers to some commands, each asked of the node that keeps its key."""
        answers: list[Any] = [None] * len(commands)
        left: Sequence[int] = range(len(commands))
        for pause in PAUSES:
            await asyncio.sleep(pause)
            slots = self._slots if self._slots and not pause else await self._learned()
            this = Round(answers)
            plan = slots.sort(left, keys)
            await asyncio.gather(*(self._ask_node(this, n, places, commands) for n, places in plan.items()))
            for node, place in this.elsewhere:
                answers[place] = (await self._at(node).ask([("ASKING",), commands[place]]))[1]
            left = this.again
            if not left:
                break
        return answers

    async def _ask_node(self, this: Round, node: Node, places: Sequence[int], commands: Sequence[Command]) -> None:
        with _Lost(this, places, again=True):
            this.take(node, places, await self._at(node).ask([commands[p] for p in places]))

    def _at(self, node: Node) -> Wires:
        if node not in self._wires:
            self._wires[node] = Wires(_endpoint(self._seed, node), *self._timeouts)
        return self._wires[node]

    async def _learned(self) -> Slots:
        failure: Exception | None = None
        for node in _known(self._slots, self._seed):
            try:
                answers = await self._at(node).ask([_SLOTS])
            except OSError as error:
                failure = error
                continue
            self._slots = _slots(answers, node)
            return self._slots
        raise failure or ConnectionError("no node is known")

    async def close(self) -> None:
        for wires in self._wires.values():
            await wires.close()


class _Lost:
    """Notes a node that was not reached, where it may be asked again; one that is too slow is an error."""

    def __init__(self, this: Round, places: Sequence[int], again: bool) -> None:
        self._this, self._places, self._again = this, places, again

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> bool:
        if not self._again or not isinstance(error, OSError) or isinstance(error, TimeoutError):
            return False
        self._this.lose(self._places, error)
        return True


def _known(slots: Slots | None, seed: Endpoint) -> list[Node]:
    first = (seed.host, seed.port)
    return [*(slots.nodes if slots else ()), first]


def _slots(answers: Sequence[Any], asked: Node) -> Slots:
    refuse_errors(answers)
    slots = slots_of(answers[0], asked)
    if not slots.nodes:
        raise hiredis.ReplyError("CLUSTERDOWN No node keeps any slot")
    return slots


def _endpoint(seed: Endpoint, node: Node) -> Endpoint:
    return msgspec.structs.replace(seed, host=node[0], port=node[1])
