"""Redis as the store sees it: one server or a cluster, what it answers, and its failures in words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import hiredis

from mlforge_redis.cluster import AwaitedCluster, Cluster
from mlforge_redis.endpoint import Command
from mlforge_redis.failures import Told
from mlforge_redis.line import refuse_errors
from mlforge_redis.plugin import RedisStore
from mlforge_redis.scripts import Script
from mlforge_redis.single import AwaitedSingle, Single


class Server:
    """What is asked, by threads and by event loops. Every failure is `PluginFailed`."""

    def __init__(self, config: RedisStore) -> None:
        self._link = Cluster(config) if config.cluster else Single(config)
        self.is_one = not config.cluster
        self._awaited: WeakKeyDictionary[asyncio.AbstractEventLoop, AwaitedCluster | AwaitedSingle]
        self._awaited = WeakKeyDictionary()
        self._told = Told(self._link.where, config)
        self.groups = self._link.groups

    def ask(self, commands: Sequence[Command], keys: Sequence[str]) -> list[Any]:
        """The answers to some commands, each with a key of its own."""
        with self._told:
            answers = self._link.ask(commands, keys)
            refuse_errors(answers)
        return answers

    async def aask(self, commands: Sequence[Command], keys: Sequence[str]) -> list[Any]:
        """What `ask` gives."""
        with self._told:
            answers = await self._awaiting().ask(commands, keys)
            refuse_errors(answers)
        return answers

    def run(self, script: Script, calls: Sequence[Command], keys: Sequence[str], again: bool = True) -> list[Any]:
        """The answers to calls of a script; a server that does not know it yet is told its text.

        A call is the number of keys, the keys and the arguments. `again=False`: must not be done twice.
        """
        with self._told:
            answers = self._link.ask([("EVALSHA", script.digest, *c) for c in calls], keys, again)
            new = [i for i, answer in enumerate(answers) if _is_unknown(answer)]
            if new:
                told: list[Command] = [("EVAL", script.text, *calls[i]) for i in new]
                for i, answer in zip(new, self._link.ask(told, [keys[i] for i in new], again), strict=True):
                    answers[i] = answer
            refuse_errors(answers)
        return answers

    def pages(self, pattern: str) -> Iterator[list[str]]:
        """The keys that match, some more than once."""
        with self._told:
            for page in self._link.pages(pattern):
                yield [key.decode() for key in page]

    def ping(self) -> None:
        with self._told:
            self._link.ping()

    def _awaiting(self) -> AwaitedCluster | AwaitedSingle:
        loop = asyncio.get_running_loop()
        found = self._awaited.get(loop)
        if found is None:
            found = self._awaited[loop] = self._link.awaiting()
        return found

    async def aclose(self) -> None:
        """End what the running event loop opened."""
        awaited = self._awaited.pop(asyncio.get_running_loop(), None)
        if awaited is not None:
            await awaited.close()

    def close(self) -> None:
        self._link.close()


def _is_unknown(answer: Any) -> bool:
    return isinstance(answer, hiredis.ReplyError) and str(answer).startswith("NOSCRIPT")
