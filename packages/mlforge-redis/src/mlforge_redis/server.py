"""Redis as the store sees it: what it answers, asked again where that helps, and its failures in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    NoScriptError,
    SlotNotCoveredError,
)
from redis.exceptions import ConnectionError as Lost
from redis.retry import Retry

from mlforge_redis.awaited import AwaitedCluster, AwaitedSingle
from mlforge_redis.clients import Clients, patience
from mlforge_redis.exchange import Command, exchange
from mlforge_redis.failures import NotReplicated, OfAnotherKind, Told
from mlforge_redis.plugin import RedisStore
from mlforge_redis.scripts import Script
from mlforge_redis.shared import Closed
from mlforge_redis.topology import Cluster, Groups, Single

_PASSING = (Lost, ClusterDownError, SlotNotCoveredError)
"""What may be over in a moment. A server that is too slow is none of it: the time limit is for the whole question."""
_STAYING = (AuthenticationError, AuthorizationError, Closed)


class Server:
    """What is asked, by threads and by event loops. Every failure is `PluginFailed`."""

    def __init__(self, config: RedisStore) -> None:
        self._config, self._clients = config, Clients(config)
        self._topology = Cluster(self._clients) if config.cluster else Single(self._clients)
        self._awaited: WeakKeyDictionary[asyncio.AbstractEventLoop, AwaitedCluster | AwaitedSingle]
        self._awaited = WeakKeyDictionary()
        self._told = Told(self._clients.where, config)
        self._again = Retry(patience(), config.retries, _PASSING)
        self._once = Retry(NoBackoff(), 0, _PASSING)

    def groups(self, keys: Sequence[str]) -> Groups:
        """The places of keys that one command may name."""
        return self._topology.groups(keys)

    def ask(self, commands: Sequence[Command], keys: Sequence[str]) -> list[Any]:
        """The answers to some commands, each with a key of its own."""
        with self._told:
            answers = self._patient(lambda: self._asked(commands, keys))
            refuse_errors(answers, keys)
        return answers

    async def aask(self, commands: Sequence[Command], keys: Sequence[str]) -> list[Any]:
        """What `ask` gives."""
        with self._told:
            awaited = self._awaiting()
            retry = AsyncRetry(patience(), self._config.retries, _PASSING)  # type: ignore[arg-type] # its hint forgets some
            answers = await retry.call_with_retry(
                lambda: awaited.ask(commands, keys), lambda _: awaited.learn(), is_retryable=_is_passing
            )
            refuse_errors(answers, keys)
        return answers

    def run(
        self, script: Script, calls: Sequence[Command], keys: Sequence[str], again: bool = True, replicas: int = 0
    ) -> list[Any]:
        """The answers to calls of a script; a server that does not know it yet is told its text.

        A call is the number of keys, the keys and the arguments. `again=False`: must not be done twice. `replicas`: how
        many must have what was written.
        """
        with self._told:
            asked: list[Command] = [("EVALSHA", script.digest, *c) for c in calls]
            answers = self._patient(lambda: self._asked(asked, keys, replicas), again)
            new = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            if new:
                told: list[Command] = [("EVAL", script.text, *calls[i]) for i in new]
                some = [keys[i] for i in new]
                for i, answer in zip(new, self._patient(lambda: self._asked(told, some, replicas), again), strict=True):
                    answers[i] = answer
            refuse_errors(answers, keys)
        return answers

    def _patient(self, ask: Callable[[], list[Any]], again: bool = True) -> list[Any]:
        """The answers; asked again where a connection was lost, which finds out anew who keeps what."""
        retry = self._again if again else self._once
        return retry.call_with_retry(ask, lambda _: self._topology.learn(), is_retryable=_is_passing)

    def _asked(self, commands: Sequence[Command], keys: Sequence[str], replicas: int = 0) -> list[Any]:
        answers: list[Any] = [None] * len(commands)
        plan = self._topology.plan(range(len(commands)), keys)
        wait: list[Command] = [("WAIT", replicas, int(self._config.timeout * 500))] if replicas else []
        asked = {pool: [*(commands[p] for p in places), *wait] for pool, places in plan.items()}
        for places, found in zip(plan.values(), exchange(asked), strict=True):
            for place, answer in zip(places, found, strict=False):
                answers[place] = self._topology.follow(commands[place], answer)
            if replicas:
                _refuse_alone(found[-1], replicas)
        return answers

    def keys(self, pattern: str) -> Iterator[str]:
        """The keys that match, some more than once. A stranger's that is no text becomes one that is not there."""
        with self._told:
            for key in self._topology.keys(pattern):
                yield key.decode(errors="replace")

    def ping(self) -> None:
        with self._told:
            self._topology.ping()

    def _awaiting(self) -> AwaitedCluster | AwaitedSingle:
        loop = asyncio.get_running_loop()
        found = self._awaited.get(loop)
        if found is None:
            kind = AwaitedCluster if self._config.cluster else AwaitedSingle
            found = self._awaited[loop] = kind(self._clients, self._config.timeout)
        return found

    async def aclose(self) -> None:
        """End what the running event loop opened."""
        awaited = self._awaited.pop(asyncio.get_running_loop(), None)
        if awaited is not None:
            await awaited.close()

    def close(self) -> None:
        self._topology.close()


def refuse_errors(answers: Sequence[Any], keys: Sequence[str]) -> None:
    """Raise the first error among some answers; one about the kind of a key names it, which no server does."""
    for answer, key in zip(answers, keys, strict=True):
        if isinstance(answer, Exception):
            raise OfAnotherKind(key) if "WRONGTYPE" in str(answer) else answer


def _refuse_alone(answer: Any, wanted: int) -> None:
    if isinstance(answer, Exception):
        raise answer
    if answer < wanted:
        raise NotReplicated(answer, wanted)


def _is_passing(error: Exception) -> bool:
    return not isinstance(error, _STAYING)
