"""HTTP as uvicorn speaks it, with bounds: how long each part of a request may be and take, how many come at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mlforge_serve.problems import JSON, Problem
from mlforge_serve.settings import MAX_HEAD, PIPELINED, SLOWEST, Limits


def protocol_of(limits: Limits, refused: Callable[[str], object]) -> type[Bounded]:
    """The protocol with these limits. `refused` is told the code of each connection that is ended."""
    return type("Bounded", (Bounded,), {"limits": limits, "refused": staticmethod(refused)})


class Bounded(HttpToolsProtocol):
    """A connection that can neither be held by sending or taking nothing, nor fill memory by sending without end."""

    limits = Limits()
    handshake: Any = None
    """What held its place before it was encrypted."""

    @staticmethod
    def refused(code: str) -> object:
        """Count a connection that is ended."""

    def __init__(self, config: Config, *args: Any, **settings: Any) -> None:
        super().__init__(config, *args, **settings)
        self._in_head = True
        self._head = self._message = self._unsent = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._last_word: Problem | None = None

    def connection_made(self, transport: Any) -> None:
        self.connections.discard(self.handshake)
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        if len(self.connections) > self.limits.connections:
            self._end(too_many(self.limits))
        else:
            self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._relax()
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing() or self._last_word is not None:
            return
        if self._in_head:
            self._head += len(data)
        else:
            self._message += len(data)
        self._unset_keepalive_if_required()
        self._parse(data)
        if self.transport.is_closing():
            return
        if not self._in_head:
            if self._message > 2 * self.limits.body:  # the body itself is bounded where it is read
                self._end(self._too_large())
        elif self._head > MAX_HEAD:
            self._end(_head_too_large())
        elif self._head and self._deadline is None:
            self._expect()

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._end(Problem("malformed_request", "The request is no HTTP.", "Send HTTP/1.1."))
        except httptools.HttpParserUpgrade:  # another protocol is not spoken: what follows would be of it
            self.cycle.keep_alive = False

    def on_message_begin(self) -> None:
        self._head = self._head or 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._head > MAX_HEAD and self._head_size() > MAX_HEAD:
            self._refuse(_head_too_large())
        if len(self.pipeline) >= PIPELINED:
            self._refuse(too_many(self.limits))
        self._head = self._message = 0
        self._in_head = False
        self._relax()
        super().on_headers_complete()
        self.headers = _NOWHERE

    def on_message_complete(self) -> None:
        self._head, self._in_head = 0, True
        super().on_message_complete()
        if self._deadline is not None:  # it was answered before it was whole
            self._relax()
            self._expect()

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_taking()
        elif self._last_word is not None:
            if is_last:
                self._say(self._last_word)
        elif not self._in_head and self.cycle.response_complete:
            self._expect()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_taking()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._rest()

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._expect_taking()

    def _expect(self) -> None:
        """Give the client some time, for the next head or the rest of a message."""
        self._deadline = self.loop.call_later(self.limits.timeout, self._end_late)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end_late(self) -> None:
        if self._head:
            limit = self.limits.timeout
            self._end(Problem("body_too_slow", "The headers did not come in time.", "Send them at once.", limit=limit))
        else:
            self._close()

    def _expect_taking(self) -> None:
        """Give the client some time to take what is written."""
        if self._taking is None:
            self._unsent = _unsent(self.transport)
            self._taking = self.loop.call_later(self.limits.timeout, self._end_untaken)

    def _rest(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _end_untaken(self) -> None:
        """End it where next to nothing was taken meanwhile."""
        self._taking, before, left = None, self._unsent, _unsent(self.transport)
        if left and left > before - SLOWEST:
            self.refused("gone")
            self.transport.abort()
        elif left:
            self._expect_taking()

    def _is_answering(self) -> bool:
        """Whether an answer is under way; while a body comes there is none yet."""
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        return not cycle.more_body or cycle.response_started or bool(self.pipeline)

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _too_large(self) -> Problem:
        limit = self.limits.body
        return Problem("body_too_large", "What comes with the body is too large.", "Send a plain body.", limit=limit)

    def _refuse(self, problem: Problem) -> None:
        """End it from within the parser, which goes no further."""
        self._end(problem)
        raise ConnectionAbortedError(problem.code)

    def _end(self, problem: Problem) -> None:
        """Say why, and close; one who is being answered hears it after the answers to what came whole."""
        if self.transport.is_closing() or self._last_word is not None:
            return
        self.refused(problem.code)
        if not self._is_answering():
            self._say(problem)
        elif self._is_whole():
            self._last_word = problem
            self._relax()
            self.flow.pause_reading()
        else:
            self.cycle.disconnected = True  # it was answered before it was whole, and never will be
            self._close()

    def _is_whole(self) -> bool:
        """Whether what is being answered came whole; what waits for its turn and did not is let go of."""
        cycle: Any = self.cycle
        if cycle.more_body and self.pipeline:
            self.pipeline.popleft()
            return True
        return not cycle.more_body

    def _say(self, problem: Problem) -> None:
        body = problem.encode()
        head = [STATUS_LINE[problem.status], b"content-type: ", JSON, b"\r\ncontent-length: %d" % len(body)]
        self.transport.write(b"".join([*head, b"\r\nconnection: close\r\n\r\n", body]))
        self._close()

    def _close(self) -> None:
        self.transport.close()
        self._expect_taking()


class _Flow(FlowControl):
    """Reads on only when what was sent ahead is being answered."""

    def __init__(self, transport: asyncio.Transport, ahead: Sized) -> None:
        super().__init__(transport)
        self._ahead = ahead

    def resume_reading(self) -> None:
        if not self._ahead:
            super().resume_reading()


class _Nowhere(list[tuple[bytes, bytes]]):
    """Where the trailers of a body go: nothing that follows a body means anything here."""

    def append(self, _: tuple[bytes, bytes]) -> None:
        """Forget it."""


_NOWHERE = _Nowhere()


def too_many(limits: Limits) -> Problem:
    """One more than that."""
    many = limits.connections
    return Problem("too_many_requests", f"There are {many} connections.", "Try again.", limit=many)


def _head_too_large() -> Problem:
    return Problem("head_too_large", "The headers are too large.", "Send fewer.", limit=MAX_HEAD)


def _unsent(transport: Any) -> int:
    size: int = transport.get_write_buffer_size()
    return size
