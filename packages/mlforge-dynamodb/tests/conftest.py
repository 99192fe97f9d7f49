"""Servers that speak DynamoDB's protocol over HTTP, started when a test first asks for one and ended with the session."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

KEY, RIGHT = "AKIAIOSFODNN7EXAMPLE", "the-right-one"


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
        line = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(line, env=os.environ | self.environment, **quiet)
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


class Servers:
    """The servers of a session: of each setting one."""

    def __init__(self) -> None:
        self.started: dict[object, Server] = {}
        self.mute: socket.socket | None = None

    def get(self, **environment: str) -> Server:
        key = tuple(environment.items())
        if key not in self.started:
            self.started[key] = Server(**environment)
        return self.started[key]

    def silent(self) -> str:
        """Where connections are taken and nothing is ever answered."""
        if self.mute is None:
            self.mute = socket.create_server(("127.0.0.1", 0), backlog=512)
        return f"http://127.0.0.1:{self.mute.getsockname()[1]}"

    def dead(self) -> str:
        """Where nobody listens."""
        return f"http://127.0.0.1:{free_port()}"

    def close(self) -> None:
        for server in self.started.values():
            server.stop()
        if self.mute:
            self.mute.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


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
