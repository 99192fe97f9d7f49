"""A PostgreSQL of its own, started when a test first asks for one and ended with the session."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import unmeasured

PASSWORD = "hunter2/ü"


def program(name: str) -> str:
    """A program of PostgreSQL: Debian keeps them off the path."""
    places = [os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
    found = shutil.which(name, path=os.pathsep.join(places))
    assert found, "there is no PostgreSQL here: apt-get install postgresql"
    return found


def run_as_postgres(*words: str, **how: Any) -> None:
    """PostgreSQL refuses to be run by root."""
    aside = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    subprocess.run([*aside, *words], check=True, stdout=subprocess.DEVNULL, cwd="/", **how)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database that asks for a password, as `user:password@host:port/name`."""
    import tempfile
    from urllib.parse import quote

    with tempfile.TemporaryDirectory(prefix="mlforge-pg-") as place, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        taken.close()
        folder, secret = Path(place), Path(place, "secret")
        secret.write_text(PASSWORD)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
            shutil.chown(secret, "postgres")
        login = ["-U", "me", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8"]
        run_as_postgres(program("initdb"), "-N", "-D", str(folder / "data"), *login)
        how = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        control = [program("pg_ctl"), "-D", str(folder / "data"), "-w"]
        run_as_postgres(*control, "-o", how, "-l", str(folder / "log"), "start")
        try:
            yield f"me:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/postgres"
        finally:
            run_as_postgres(*control, "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def snowflake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty schema of a server that speaks Snowflake's protocol, over DuckDB."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("fakesnow")
    log = tmp_path_factory.mktemp("snowflake") / "log"
    with log.open("wb") as stream:
        command = [program, "--server", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, env=unmeasured.environment(), stdout=stream, stderr=stream)
    try:
        deadline = time.monotonic() + 60
        while not _listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield f"snowflake://me:hunter2@127.0.0.1:{port}/SHOP/PUBLIC?account=here&protocol=http&loginTimeout=5"
    finally:
        process.kill()
        process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
