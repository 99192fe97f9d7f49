"""Servers that speak DynamoDB over HTTP, started when a test first asks for one and ended with the session."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import moto_in_turn
import pytest
import unmeasured

from mlforge_dynamodb.plugin import DynamoDBStore

KEYS = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "the-right-one"}
BUSY = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"


class Server:
    """A moto server, at a port it keeps."""

    def __init__(self, **environment: str) -> None:
        self.environment = environment
        self.port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        line = [sys.executable, "-W", "ignore", moto_in_turn.__file__, "-H", "127.0.0.1", "-p", str(self.port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(line, env=unmeasured.environment(**self.environment), **quiet)
        deadline = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, "moto_server ended"
            assert time.monotonic() < deadline, "moto_server does not start"
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(30)


class Proxy(ThreadingHTTPServer):
    """Stands before a server: some operations are refused as a busy table does, or done and not answered."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.backend = port
        self.busy: dict[str, float] = {}
        self.lost: dict[str, float] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, left: dict[str, float], operation: str) -> bool:
        """Whether this one is to go wrong; `left` says how many more are."""
        left[operation] = left.get(operation, 0) - 1
        return left[operation] >= 0


class Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.take(self.server.busy, operation):
            said = {"__type": BUSY, "message": "The level of configured throughput was exceeded."}
            self.answer(400, json.dumps(said).encode())
            return
        backend = HTTPConnection("127.0.0.1", self.server.backend, timeout=60)
        backend.request("POST", self.path, body, dict(self.headers))
        done = backend.getresponse()
        if self.server.take(self.server.lost, operation):
            self.close_connection = True
        else:
            self.answer(done.status, done.read())
        backend.close()

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:
        """Nothing."""


class Servers:
    """The servers of a session: of each setting one."""

    def __init__(self) -> None:
        self.started: dict[object, Server] = {}
        self.proxies: list[Proxy] = []
        self.mute: socket.socket | None = None

    def get(self, **environment: str) -> Server:
        key = tuple(environment.items())
        if key not in self.started:
            self.started[key] = Server(**environment)
        return self.started[key]

    def proxy(self) -> Proxy:
        """A new proxy before the server without settings."""
        self.proxies.append(Proxy(self.get().port))
        return self.proxies[-1]

    def silent(self) -> str:
        """Where connections are taken and nothing is ever answered."""
        if self.mute is None:
            self.mute = socket.create_server(("127.0.0.1", 0), backlog=512)
        return f"http://127.0.0.1:{self.mute.getsockname()[1]}"

    def dead(self) -> str:
        """Where nobody listens."""
        return f"http://127.0.0.1:{free_port()}"

    def close(self) -> None:
        for proxy in self.proxies:
            proxy.shutdown()
            proxy.server_close()
        for server in self.started.values():
            server.stop()
        if self.mute:
            self.mute.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def own(folder: Path, url: str, **settings: object) -> DynamoDBStore:
    """A config with a table of its own for a folder."""
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    given = {"auto_create": True, "region": "eu-central-1", **KEYS, **settings}
    return DynamoDBStore(table_name=f"test-{mark}", endpoint_url=url, **given)


@pytest.fixture(scope="session")
def config() -> Callable[..., DynamoDBStore]:
    """Makes a config with a table of its own for a folder, at a URL."""
    return own


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    started = Servers()
    yield started
    started.close()


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of AWS that the machine may have."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
