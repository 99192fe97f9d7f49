"""One server: all keys of a request in one command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlforge_redis.endpoint import Command, Endpoint, endpoint_of
from mlforge_redis.line import Lines, refuse_errors
from mlforge_redis.plugin import RedisStore
from mlforge_redis.scan import pages
from mlforge_redis.wire import Wires


class Single:
    """A server, asked on as many connections as threads ask at once."""

    def __init__(self, config: RedisStore) -> None:
        self._endpoint = endpoint_of(config)
        self._timeouts = (config.timeout, config.connect_timeout)
        self._lines = Lines(self._endpoint, *self._timeouts)
        self.where = self._endpoint.where

    def groups(self, keys: Sequence[str]) -> list[Sequence[int]]:
        """The places of keys that one command may name: all."""
        return [range(len(keys))]

    def ask(self, commands: Sequence[Command], keys: Sequence[str], again: bool = True) -> list[Any]:
        """The answers to some commands, wherever their keys are."""
        return self._lines.ask(commands, again)

    def pages(self, pattern: str) -> Iterator[list[bytes]]:
        """The keys that match, some more than once."""
        return pages(self._lines.ask, pattern)

    def ping(self) -> None:
        refuse_errors(self._lines.ask([("PING",)]))

    def awaiting(self) -> AwaitedSingle:
        """The server as the running event loop asks it."""
        return AwaitedSingle(self._endpoint, *self._timeouts)

    def close(self) -> None:
        self._lines.close()


class AwaitedSingle:
    """A server as one event loop asks it: on one connection, which all share."""

    def __init__(self, endpoint: Endpoint, timeout: float, connect_timeout: float) -> None:
        self._wires = Wires(endpoint, timeout, connect_timeout)
        self.close = self._wires.close

    async def ask(self, commands: Sequence[Command], keys: Sequence[str]) -> list[Any]:
        """The answers to some commands, wherever their keys are."""
        return await self._wires.ask(commands)
