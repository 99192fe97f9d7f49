"""What arrives on a connection, byte by byte: every part of a request is bounded, and nobody waits for ever."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.linux
Server = Any
Run = Callable[..., Any]
MIB = 1 << 20
BODY = json.dumps({"features": ["spend"], "entity": {"user_id": 1}}).encode()
POST = b"POST /features/online HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
WHOLE = POST + b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
GET = b"GET /health HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture(scope="module")
def brief(published: Path, tmp_path_factory: pytest.TempPathFactory, serving: Run) -> Iterator[Server]:
    """A server that waits for a second."""
    with serving(published, "--timeout", "1", log=tmp_path_factory.mktemp("brief") / "log") as running:
        yield running


def poured(server: Server, *parts: bytes, limit: int = 64 * MIB) -> tuple[int, bytes]:
    """Send the parts, the last again and again, until the server ends it: how many bytes it took, and what it said."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as there:
        sent = 0
        with contextlib.suppress(ConnectionError):
            for part in parts[:-1]:
                there.sendall(part)
            while sent < limit:
                there.sendall(parts[-1])
                sent += len(parts[-1])
        return sent, heard(there)


def heard(there: socket.socket) -> bytes:
    """Everything that is said until the connection ends."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while part := there.recv(65536):
            said += part
    return said


def said_to(server: Server, *parts: bytes, pause: float = 0.0) -> bytes:
    """What the server says to these bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as there:
        for part in parts:
            there.sendall(part)
            time.sleep(pause)
        return heard(there)


def memory(server: Server) -> int:
    """The most memory that the server ever took, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


TAILS = {
    "trailers": (CHUNKED + b"0\r\n", b"a: b\r\n" * 10_000),
    "one trailer": (CHUNKED + b"0\r\na: ", b"b" * 60_000),
    "chunk extensions": (CHUNKED, b"1;a=b;c=" + b"d" * 60_000),
    "small chunks with extensions": (CHUNKED, b"1;a=b\r\nx\r\n" * 6_000),
    "a chunk's size": (CHUNKED, b"0" * 60_000),
    "trailers of a request without a key": (GET + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 10_000),
    "the body of a request that is answered": (GET + b"content-length: 9999999999\r\n\r\n", b"x" * 60_000),
    "chunks of a request that is answered": (GET + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000),
    "empty lines": (b"", b"\r\n" * 30_000),
    "a path": (b"GET /", b"x" * 60_000),
}


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
def test_nothing_is_taken_without_end(server: Server, tail: tuple[bytes, bytes]) -> None:
    before = memory(server)
    sent, _ = poured(server, *tail)
    assert sent < 16 * MIB
    assert memory(server) - before < 32 * MIB
    assert server.get("/health").status == 200


def test_what_comes_with_a_body_is_bounded_like_the_body(server: Server) -> None:
    trailers = CHUNKED + b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
    small = said_to(
        server, trailers + b"a: b\r\n" * 10 + b"authorization: Bearer x\r\n\r\n" + GET + b"connection: close\r\n\r\n"
    )
    assert small.count(b"HTTP/1.1 200 ") == 2
    assert poured(server, trailers, b"a: b\r\n" * 10_000)[0] < 8 * MIB
    told = said_to(server, CHUNKED + b"1;a=" + b"x" * 3 * MIB)
    assert (b"413" in told, b"body_too_large" in told) == (True, True)
    assert server.metrics()['mlforge_errors_total{route="other",code="body_too_large"}'] >= 1


def test_a_head_has_its_bound_however_it_arrives(server: Server) -> None:
    many = b"".join(b"x-%d: y\r\n" % n for n in range(10_000))
    for head in (
        GET + many + b"\r\n",
        GET + b"x: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 50_000 + b" HTTP/1.1\r\n\r\n",
    ):
        told = said_to(server, head)
        assert (told.count(b"HTTP/1.1"), b" 431 " in told, b"head_too_large" in told) == (1, True, True)
    assert said_to(server, GET + b"x: " + b"y" * 30_000 + b"\r\nconnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    large = BODY[:-1] + b" " * 900_000 + b"}"
    whole = POST + b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(large), large)
    assert said_to(server, whole).startswith(b"HTTP/1.1 200 ")  # a body in the same read is no head


def test_requests_that_are_sent_ahead_are_answered_up_to_a_number(server: Server) -> None:
    ahead = (GET + b"\r\n") * 50 + GET + b"connection: close\r\n\r\n"
    assert said_to(server, ahead).count(b'{"status":"alive"}') == 51
    before = memory(server)
    sent, _ = poured(server, WHOLE, (GET + b"\r\n") * 5_000)
    assert sent < 16 * MIB
    assert memory(server) - before < 32 * MIB


def test_bodies_that_are_sent_ahead_wait_their_turn(server: Server) -> None:
    large = BODY[:-1] + b" " * 900_000 + b"}"
    one = POST + b"content-length: %d\r\n\r\n%b" % (len(large), large)
    last = POST + b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(large), large)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as there:
        there.sendall(one * 5 + last)
        assert heard(there).count(b'"visits":4611686018427387904') == 6


WAITING = {
    "nothing": b"",
    "an empty line": b"\r\n",
    "half a head": GET,
    "a request, and half a head": GET + b"\r\n" + GET,
    "an answered request's body": GET + b"content-length: 100\r\n\r\nx",
    "an answered request's trailers": GET + b"transfer-encoding: chunked\r\n\r\n0\r\na: b\r\n",
    "an answered request's chunk": GET + b"transfer-encoding: chunked\r\n\r\n5\r\nx",
}


@pytest.mark.parametrize("start", WAITING.values(), ids=WAITING)
def test_nobody_holds_a_connection_by_sending_little(brief: Server, start: bytes) -> None:
    with socket.create_connection(("127.0.0.1", brief.port), timeout=20) as there:
        there.sendall(start)
        assert dripping(there, b"\r" if start == b"\r\n" else b"x", 15) < 10


def dripping(there: socket.socket, drop: bytes, longest: float) -> float:
    """Send the same again and again: for how many seconds it was taken."""
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while time.monotonic() - began < longest:
            time.sleep(0.2)
            there.sendall(drop)
    return time.monotonic() - began


def test_a_connection_that_was_answered_early_is_idle_once_it_is_whole(brief: Server) -> None:
    with socket.create_connection(("127.0.0.1", brief.port), timeout=20) as there:
        there.sendall(GET + b"content-length: 4\r\n\r\nab")
        time.sleep(0.3)
        there.sendall(b"cd" + GET + b"content-length: 4\r\n\r\nab")
        time.sleep(0.3)
        there.sendall(b"cd")
        assert heard(there).count(b'{"status":"alive"}') == 2


def test_nobody_holds_a_place_by_taking_nothing(published: Path, serve: Run, wait: Run) -> None:
    ask = json.dumps({"features": ["spend", "fresh", "secret"], "entities": [{"user_id": 1}] * 1000}).encode()
    request = POST.replace(b"online", b"batch") + b"content-length: %d\r\n\r\n%b" % (len(ask), ask)
    with serve(published, "--timeout", "1", "--max-concurrency", "1") as server, contextlib.ExitStack() as stack:
        for _ in range(3):
            there = socket.socket()
            stack.enter_context(there)
            there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            there.settimeout(30)
            there.connect(("127.0.0.1", server.port))
            with contextlib.suppress(ConnectionError):
                while True:  # until it is ended: no answer of it is taken
                    there.sendall(request)
            wait(lambda: server.online(["spend"], {"user_id": 1}).status == 200, 15)
        assert server.metrics()['mlforge_errors_total{route="other",code="gone"}'] >= 1


def test_who_takes_an_answer_slowly_gets_it_all(published: Path, serve: Run) -> None:
    ask = json.dumps({"features": ["spend", "fresh", "secret"], "entities": [{"user_id": 1}] * 10_000}).encode()
    head = POST.replace(b"online", b"batch") + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(ask)
    with serve(published, "--timeout", "4", "--max-entities", "10000") as server, socket.socket() as there:
        there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        there.settimeout(20)
        there.connect(("127.0.0.1", server.port))
        there.sendall(head + ask)
        said = b""
        for _ in range(10):
            time.sleep(0.5)
            said += there.recv(100_000, socket.MSG_WAITALL)
        answer = json.loads((said + heard(there)).partition(b"\r\n\r\n")[2])
        assert len(answer["values"]) == 10_000


def test_another_protocol_is_not_spoken(server: Server) -> None:
    head = GET + b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n\r\n"
    assert said_to(server, head + b"\x81\x05hello").count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("start", [b"GET /health", b"GET /ready", b"POST /features/online", b"PUT /nothing"])
def test_a_request_says_which_host_it_is_for_unless_it_is_an_old_one(server: Server, start: bytes) -> None:
    told = said_to(server, start + b" HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 400 ")
    assert json.loads(told.partition(b"\r\n\r\n")[2])["field"] == "host"
    assert said_to(server, b"GET /health HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert said_to(server, b"GET /health HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_bytes_that_are_no_http_are_counted_and_not_logged(published: Path, serve: Run) -> None:
    with serve(published) as server:
        for _ in range(20):
            assert b" 400 " in said_to(server, b"what?\r\n\r\n")
        assert server.metrics()['mlforge_errors_total{route="other",code="malformed_request"}'] == 20
        assert "Invalid HTTP" not in server.log


AFTER = {
    "no HTTP": b"what?\r\n\r\n",
    "a path that is none": b"GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n",
    "a chunk that is none": CHUNKED + b"zz\r\n",
    "a body longer than was said": BODY,
    "two lengths": POST + b"content-length: 1\r\ncontent-length: 2\r\n\r\n",
}


@pytest.mark.parametrize("ahead", [1, 2, 5])
@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER)
def test_what_came_whole_is_answered_whatever_comes_after_it(server: Server, after: bytes, ahead: int) -> None:
    told = said_to(server, WHOLE * ahead + after)
    assert told.count(b"HTTP/1.1 ") == told.count(b"HTTP/1.1 200 OK") + 1 == ahead + 1
    assert told.rpartition(b"HTTP/1.1 ")[2].startswith(b"400 ")
    assert "Traceback" not in server.log


def test_too_many_that_are_sent_ahead_are_answered_up_to_the_last_that_may_be(server: Server) -> None:
    told = said_to(server, WHOLE * 100)
    assert told.count(b"HTTP/1.1 200 OK") == 65
    assert told.rpartition(b"HTTP/1.1 ")[2].startswith(b"429 ")
    assert "Traceback" not in server.log
