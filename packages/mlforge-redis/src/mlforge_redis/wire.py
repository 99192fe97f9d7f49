"""A connection that many coroutines share: questions go out as they come, answers come back in the same order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import hiredis

from mlforge_redis.endpoint import Command, Endpoint
from mlforge_redis.line import MORE, pack, reader, refuse_greeting


class Wire(asyncio.Protocol):
    """A connection of one event loop.

    What is asked at once goes out at once, and one timer watches over all that is asked: answers come in order, so the
    oldest question is the first to be late.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout, self._loop = timeout, asyncio.get_running_loop()
        self._reader = reader()
        self._questions: deque[_Question] = deque()
        self._outgoing: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._lost: Exception | None = None
        self._gone = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not MORE:
                self._give(answer)
        except hiredis.HiredisError as error:
            self.abort(error)

    def _give(self, answer: Any) -> None:
        if not self._questions:  # a server that takes no more clients says so before it is asked
            self.abort(ConnectionResetError(str(answer)))
        elif self._questions[0].is_answered_by(answer):
            self._questions.popleft()

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = self._lost or error or ConnectionResetError("the server closed the connection")
        if self._timer is not None:
            self._timer.cancel()
        while self._questions:
            self._questions.popleft().fail(self._lost)
        self._gone.set_result(None)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, commands: Sequence[Command]) -> asyncio.Future[list[Any]]:
        """The answers to some commands, to be awaited. An error the server answers is among them.

        `TimeoutError` where they do not come in time; the connection is then ended, as they may come yet.
        """
        if not self.is_open:
            raise self._lost or ConnectionResetError("the connection was closed")
        question = _Question(len(commands), self._loop.create_future(), self._loop.time() + self._timeout)
        self._questions.append(question)
        if self._timer is None:
            self._timer = self._loop.call_at(question.due, self._look)
        if not self._outgoing:
            self._loop.call_soon(self._send)
        self._outgoing.append(pack(commands))
        return question.answered

    def _send(self) -> None:
        asked, self._outgoing = self._outgoing, []
        if self._transport is not None and self.is_open:
            self._transport.writelines(asked)

    def _look(self) -> None:
        """End the connection where a question is late; look again when the next one may be."""
        now, late = self._loop.time(), False
        while self._questions and self._questions[0].due <= now:
            self._questions.popleft().fail(TimeoutError())
            late = True
        self._timer = None
        if late:
            self.abort()
        elif self._questions:
            self._timer = self._loop.call_at(self._questions[0].due, self._look)

    def abort(self, error: Exception | None = None) -> None:
        """End the connection at once; those who wait are told why."""
        self._lost = self._lost or error
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """End the connection, and return when it is."""
        self.abort()
        await self._gone


class _Question:
    """What one coroutine asked, and the answers that have come."""

    __slots__ = ("_answers", "_expected", "answered", "due")

    def __init__(self, expected: int, answered: asyncio.Future[list[Any]], due: float) -> None:
        self._expected, self._answers = expected, list[Any]()
        self.answered, self.due = answered, due

    def is_answered_by(self, answer: Any) -> bool:
        """Take an answer; whether it was the last."""
        self._answers.append(answer)
        if len(self._answers) < self._expected:
            return False
        if not self.answered.done():  # who asked may have been cancelled
            self.answered.set_result(self._answers)
        return True

    def fail(self, error: Exception) -> None:
        if not self.answered.done():
            self.answered.set_exception(error)


class Wires:
    """The connection of an event loop, made when it is first needed and again when it broke."""

    def __init__(self, endpoint: Endpoint, timeout: float, connect_timeout: float) -> None:
        self._endpoint, self._timeout, self._connect_timeout = endpoint, timeout, connect_timeout
        self._wire: Wire | None = None
        self._connecting: asyncio.Task[Wire] | None = None

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to some commands; asked again, once, where a connection that was there broke."""
        was_open = self._wire is not None and self._wire.is_open
        try:
            return await self._asked(commands)
        except TimeoutError:
            raise
        except OSError:
            if not was_open:
                raise
        return await self._asked(commands)

    async def _asked(self, commands: Sequence[Command]) -> list[Any]:
        wire = self._wire
        if wire is None or not wire.is_open:
            wire = await self._connected()
        return await wire.ask(commands)

    async def _connected(self) -> Wire:
        """The connection; of many who need it at once, one makes it, and all are told if it cannot be made."""
        making = self._connecting
        if making is None:
            making = self._connecting = asyncio.get_running_loop().create_task(self._make())
            making.add_done_callback(_retrieve)
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            if not making.cancelled():
                raise
            raise ConnectionResetError("the connection was closed while it was made") from None

    async def _make(self) -> Wire:
        try:
            async with asyncio.timeout(self._connect_timeout):
                self._wire = await self._greeted()
                return self._wire
        finally:
            self._connecting = None

    async def _greeted(self) -> Wire:
        wire, endpoint = await self._connect(), self._endpoint
        try:
            if endpoint.greeting:
                refuse_greeting(await wire.ask(endpoint.greeting), endpoint)
        except BaseException:
            wire.abort()
            raise
        return wire

    async def _connect(self) -> Wire:
        loop, endpoint, wire = asyncio.get_running_loop(), self._endpoint, partial(Wire, self._timeout)
        if endpoint.path:
            return (await loop.create_unix_connection(wire, endpoint.path))[1]
        return (await loop.create_connection(wire, endpoint.host, endpoint.port, ssl=endpoint.tls))[1]

    async def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()


def _retrieve(done: asyncio.Task[Wire]) -> None:
    """Take note of how it ended, also where nobody waits any more."""
    if not done.cancelled():
        done.exception()
