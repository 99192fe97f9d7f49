"""HTTP as uvicorn speaks it, with bounds: how long a head may be and take, and how many connections there may be."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mlforge_serve.problems import JSON, Problem
from mlforge_serve.settings import CONNECTIONS, MAX_HEAD, Limits


def protocol_of(limits: Limits) -> type[HttpToolsProtocol]:
    """The protocol with these limits."""
    return type("Bounded", (Bounded,), {"limits": limits})


class Bounded(HttpToolsProtocol):
    """A connection that cannot be held by sending nothing, nor fill memory by sending a head without end."""

    limits = Limits()

    def __init__(self, config: Config, *args: Any, **settings: Any) -> None:
        super().__init__(config, *args, **settings)
        self._head, self._in_head = 0, True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.limits.concurrency * CONNECTIONS:
            many = self.limits.concurrency * CONNECTIONS
            self._end(Problem("too_many_requests", f"There are {many} connections.", "Try again.", limit=many))
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._relax()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._head += len(data)
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        if self._head > MAX_HEAD:
            self._end(Problem("head_too_large", "The headers are too large.", "Send fewer.", limit=MAX_HEAD))
        elif self._deadline is None:
            self._expect_head()

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head, self._in_head = 0, False
        self._relax()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._end(Problem("malformed_request", "The request is no HTTP.", "Send HTTP/1.1."))

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(self.limits.timeout, self._end_late)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end_late(self) -> None:
        if self._head:
            limit = self.limits.timeout
            self._end(Problem("body_too_slow", "The headers did not come in time.", "Send them at once.", limit=limit))
        elif not self.transport.is_closing():
            self.transport.close()

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _end(self, problem: Problem) -> None:
        """Say why, and close; one who is being answered is not spoken to."""
        if not self.transport.is_closing() and not self._is_answering():
            body = problem.encode()
            head = [STATUS_LINE[problem.status], b"content-type: ", JSON, b"\r\ncontent-length: %d" % len(body)]
            self.transport.write(b"".join([*head, b"\r\nconnection: close\r\n\r\n", body]))
        self.transport.close()
