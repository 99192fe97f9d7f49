"""A connection to one server, and those of all threads: no more between a caller and the socket than it takes."""

from __future__ import annotations

import os
import selectors
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import hiredis

from mlforge_redis.endpoint import Command, Endpoint

MORE = object()
"""What the parser gives where an answer is not whole yet."""
_CHUNK = 65_536
_packed: Callable[[tuple[str | bytes | int, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment] # its stub says one word


class Line:
    """A connection, greeted. Used by one thread at a time."""

    def __init__(self, endpoint: Endpoint, timeout: float, connect_timeout: float) -> None:
        self._socket = _connect(endpoint, connect_timeout)
        self._reader = reader()
        try:
            self._socket.settimeout(connect_timeout)
            self.send(pack(endpoint.greeting))
            refuse_greeting(self.receive(len(endpoint.greeting)), endpoint)
            self._socket.settimeout(timeout)
        except BaseException:
            self.close()
            raise

    def send(self, packed: bytes) -> None:
        self._socket.sendall(packed)

    def receive(self, answers: int) -> list[Any]:
        """The next answers. An error the server answers is among them, not raised."""
        return [self._answer() for _ in range(answers)]

    def _answer(self) -> Any:
        while (answer := self._reader.gets()) is MORE:
            data = self._socket.recv(_CHUNK)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self._reader.feed(data)
        return answer

    @property
    def is_quiet(self) -> bool:
        """Whether nothing came unasked: the end of the connection would have."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return not selector.select(0)

    def close(self) -> None:
        self._socket.close()


class Lines:
    """As many connections as threads ask at once. A process that was forked makes its own."""

    def __init__(self, endpoint: Endpoint, timeout: float, connect_timeout: float) -> None:
        self._endpoint, self._timeouts = endpoint, (timeout, connect_timeout)
        self._idle: deque[Line] = deque()
        self._pid = os.getpid()
        self._closed = False

    def ask(self, commands: Sequence[Command], again: bool = True) -> list[Any]:
        """The answers to some commands, sent at once.

        A connection that the server has closed meanwhile is made anew; what must not be done twice (`again=False`) is
        asked on a connection that was looked at before, and once.
        """
        return self.begin(commands, again).answers()

    def begin(self, commands: Sequence[Command], again: bool = True) -> Asked:
        """Send some commands. The answers must be fetched, or abandoned."""
        packed = pack(commands)
        line = self._idle_line()
        if line is None:
            return self._begin_on_new(packed, len(commands))
        asked = Asked(self, line, packed, len(commands), again)
        try:
            if again or line.is_quiet:
                line.send(packed)
                return asked
        except TimeoutError:
            asked.abandon()
            raise
        except OSError:
            if not again:
                asked.abandon()
                raise
        asked.abandon()
        return self.begin_anew(packed, len(commands))

    def begin_anew(self, packed: bytes, answers: int) -> Asked:
        """Send on a new connection, after one was closed by the server, which will have closed all."""
        self._drop()
        return self._begin_on_new(packed, answers)

    def _begin_on_new(self, packed: bytes, answers: int) -> Asked:
        line = Line(self._endpoint, *self._timeouts)
        asked = Asked(self, line, packed, answers, again=False)
        try:
            line.send(packed)
        except BaseException:
            asked.abandon()
            raise
        return asked

    def give_back(self, line: Line) -> None:
        """Keep a connection for who asks next."""
        self._idle.append(line)
        if self._closed:
            self._drop()

    def _idle_line(self) -> Line | None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._drop()
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _drop(self) -> None:
        """End the connections nobody uses."""
        while (line := self._idle_line()) is not None:
            line.close()

    def close(self) -> None:
        self._closed = True
        self._drop()


class Asked:
    """Commands that were sent, and whose answers are still to come."""

    __slots__ = ("_again", "_count", "_line", "_lines", "_packed")

    def __init__(self, lines: Lines, line: Line, packed: bytes, count: int, again: bool) -> None:
        self._lines, self._line, self._packed, self._count, self._again = lines, line, packed, count, again

    def answers(self) -> list[Any]:
        """The answers; from a new connection where this one turns out to be closed."""
        try:
            found = self._line.receive(self._count)
        except TimeoutError:
            self.abandon()
            raise
        except OSError:
            self.abandon()
            if not self._again:
                raise
            return self._lines.begin_anew(self._packed, self._count).answers()
        except BaseException:
            self.abandon()
            raise
        self._lines.give_back(self._line)
        return found

    def abandon(self) -> None:
        """End the connection: answers may still be under way, and nobody else may get them."""
        self._line.close()


def pack(commands: Sequence[Command]) -> bytes:
    """Commands as they are sent."""
    return b"".join([c if isinstance(c, bytes) else _packed(c) for c in commands])


def reader() -> hiredis.Reader:
    """A parser of answers."""
    return hiredis.Reader(notEnoughData=MORE)


def refuse_errors(answers: Sequence[Any]) -> None:
    """Raise the first error among some answers."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


def refuse_greeting(answers: Sequence[Any], endpoint: Endpoint) -> None:
    """Raise the error a server greets back with; a password that it repeats is masked."""
    try:
        refuse_errors(answers)
    except hiredis.ReplyError as error:
        raise hiredis.ReplyError(str(error).replace(endpoint.password or "\0", "***")) from None


def _connect(endpoint: Endpoint, timeout: float) -> socket.socket:
    if endpoint.path:
        found = socket.socket(socket.AF_UNIX)
        found.settimeout(timeout)
        try:
            found.connect(endpoint.path)
        except BaseException:
            found.close()
            raise
        return found
    found = socket.create_connection((endpoint.host, endpoint.port), timeout)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return endpoint.tls.wrap_socket(found, server_hostname=endpoint.host) if endpoint.tls else found
