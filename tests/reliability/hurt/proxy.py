"""A proxy between a store and its server that breaks some of what goes through it."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import contextmanager, suppress

ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code} of the proxy</Message></Error>"
REASONS = {403: "Forbidden", 500: "Internal Server Error", 503: "Service Unavailable"}


class Message:
    """A request or an answer: its first line, its headers, and its body as it came."""

    def __init__(self, file, has_body=True):
        self.head = b""
        while (line := file.readline(65_536)) != b"\r\n":
            if not line:  # whoever was there has gone
                raise ConnectionError
            self.head += line
        lines = self.head.decode("latin-1").split("\r\n")
        self.first = lines[0]
        self.headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        self.body = self._read(file) if has_body else b""
        self.head += b"\r\n"

    def _read(self, file):
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return file.read(int(self.headers.get("content-length", 0)))
        pieces = []
        while True:
            size = file.readline()
            if not size:
                raise ConnectionError
            data = file.read(int(size.split(b";")[0], 16) + 2)
            pieces += [size, data]
            if data == b"\r\n":
                return b"".join(pieces)


class Proxy:
    """Passes requests on; `breaks` says of each what is to happen to it: a fault's name, or None."""

    def __init__(self, upstream):
        self._upstream = ("127.0.0.1", int(upstream.rsplit(":", 1)[1]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.breaks = lambda first: None
        self.asked = []
        self._passing = []

    def serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._pass, args=(connection,), daemon=True)
            self._passing.append((connection, thread))
            thread.start()

    def close(self):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection, thread in self._passing:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            assert not thread.is_alive(), "a proxy goes on where nobody listens"

    def _pass(self, client):
        with client, suppress(OSError), socket.create_connection(self._upstream) as server:
            asking, answering = client.makefile("rb"), server.makefile("rb")
            while self._pass_one(client, server, asking, answering):
                pass

    def _pass_one(self, client, server, asking, answering):
        request = Message(asking)
        self.asked.append(request.first)
        fault = self.breaks(request.first)
        if fault in REFUSALS:
            client.sendall(refusal(*REFUSALS[fault]))
            return True
        if fault == "latency":
            time.sleep(0.05)
        server.sendall(request.head + request.body)
        answer = Message(answering, not request.first.startswith("HEAD"))
        if fault == "lost answer":
            client.sendall(refusal(500, "InternalError"))
            return True
        whole = answer.head + answer.body
        if fault in ("reset", "cut"):
            client.sendall(whole[: len(answer.head) + len(answer.body) // 2] if answer.body else answer.head[:20])
            if fault == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        client.sendall(whole)
        return True


REFUSALS = {
    "error": (500, "InternalError"),
    "slow down": (503, "SlowDown"),
    "forbidden": (403, "AccessDenied"),
    "clock": (403, "RequestTimeTooSkewed"),
}


def refusal(status, code):
    body = ERROR.format(code=code).encode()
    head = (
        f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: application/xml\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def proxy(upstream):
    """A proxy before a server."""
    running = Proxy(upstream)
    thread = threading.Thread(target=running.serve, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.close()
        thread.join(10)


def first(fault, of):
    """Break the first request that fits, and no other."""
    left = [fault]
    return lambda line: left.pop() if left and of(line) else None
