"""A connection of redis-py that the coroutines of an event loop share: questions go out as they come.

redis-py gives each coroutine a connection of its own for as long as it waits. Shared, what is asked at once is
one write and is read in one piece: see docs/decisions/redis-client.md for what that is worth.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as Lost
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as Late

from mlforge_redis.exchange import Command

_packed: Callable[[Command], bytes] = hiredis.pack_command  # type: ignore[assignment] # its stub says one word


class Closed(Lost):
    """It was this side that ended the connection: nothing is to be asked again."""


class Conversation:
    """What is asked on one connection.

    Answers come in order, so the oldest question is the first to be late, and one timer watches over all, where
    redis-py would set one for each answer and each write.
    """

    def __init__(self, connection: AbstractConnection, timeout: float) -> None:
        self._connection, self._timeout, self._loop = connection, timeout, asyncio.get_running_loop()
        self._connection.socket_timeout = None
        self._questions: deque[_Question] = deque()
        self._outgoing: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._reading = False
        self._ended: Exception | None = None

    @property
    def is_open(self) -> bool:
        return self._ended is None

    def ask(self, commands: Sequence[Command]) -> asyncio.Future[list[Any]]:
        """The answers to some commands. An error the server answers is among them. Raises why it ended, if it has."""
        if self._ended is not None:
            raise self._ended
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing += map(_packed, commands)
        question = _Question(len(commands), self._loop.create_future(), self._loop.time() + self._timeout)
        self._questions.append(question)
        if self._timer is None:
            self._timer = self._loop.call_at(question.due, self._look)
        return question.answered

    def _flush(self) -> None:
        packed, self._outgoing = self._outgoing, []
        if not self.is_open:  # redis-py would connect anew to send it
            return
        self._spawn(self._send(packed))
        if not self._reading:
            self._reading = True
            self._spawn(self._read())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, packed: list[bytes]) -> None:
        if not self.is_open:
            return
        try:
            await self._connection.send_packed_command(packed, check_health=False)
        except RedisError as error:
            await self._end(error)

    async def _read(self) -> None:
        """Read answers while any are awaited."""
        try:
            while self._questions:
                answer = await self._answer()
                if self._questions and self._questions[0].is_answered_by(answer):
                    self._questions.popleft()
        except RedisError as error:
            await self._end(error)
        self._reading = False

    async def _answer(self) -> Any:
        try:
            return await self._connection.read_response()
        except ResponseError as error:
            return error

    def _look(self) -> None:
        """End the connection where a question is late, as its answer may come yet; look again when the next may be."""
        self._timer, now = None, self._loop.time()
        if self._questions and self._questions[0].due <= now:
            self._spawn(self._end(Lost("an answer was late"), until=now))
        elif self._questions:
            self._timer = self._loop.call_at(self._questions[0].due, self._look)

    async def _end(self, error: Exception, until: float = 0, nowait: bool = True) -> None:
        """End the connection, and tell all who wait why; those who were to be answered by then, that it is late."""
        self._ended = self._ended or error
        if self._timer is not None:
            self._timer.cancel()
        while self._questions:
            question = self._questions.popleft()
            question.fail(Late("no answer in time") if question.due <= until else error)
        await self._connection.disconnect(nowait=nowait)

    async def close(self) -> None:
        """End the connection, and return when it is."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end(Closed("the connection was closed"), nowait=False)


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


class Shared:
    """The conversation with a server, begun when it is first needed and again when it broke."""

    def __init__(self, make: Callable[[], AbstractConnection], timeout: float) -> None:
        self._make, self._timeout = make, timeout
        self._current: Conversation | None = None
        self._beginning: asyncio.Task[Conversation] | None = None

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to some commands. `Lost` where the connection broke, and they may be asked again."""
        current = self._current
        if current is None or not current.is_open:
            current = await self._begun()
        return await current.ask(commands)

    async def _begun(self) -> Conversation:
        """The conversation; of many who need it at once, one begins it, and all are told if it cannot be."""
        beginning = self._beginning
        if beginning is None:
            beginning = self._beginning = asyncio.get_running_loop().create_task(self._begin())
            beginning.add_done_callback(_retrieve)
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:
            if not beginning.cancelled():
                raise
            raise Closed("the connection was closed while it was made") from None

    async def _begin(self) -> Conversation:
        connection = self._make()
        try:
            await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            self._beginning = None
        self._current = Conversation(connection, self._timeout)
        return self._current

    async def close(self) -> None:
        if self._beginning is not None:
            self._beginning.cancel()
        current, self._current = self._current, None
        if current is not None:
            await current.close()


def _retrieve(done: asyncio.Task[Conversation]) -> None:
    """Take note of how it ended, also where nobody waits any more."""
    if not done.cancelled():
        done.exception()
