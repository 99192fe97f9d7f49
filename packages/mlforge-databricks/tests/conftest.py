"""A workspace over HTTP, started once and ended with the session."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mlforge_databricks.plugin import DatabricksOnlineStore, UnityCatalogStore
from mlforge_databricks.testing import TOKEN, WAREHOUSE, Workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace(tmp_path_factory.mktemp("lake")) as workspace:
        yield workspace


@pytest.fixture(autouse=True)
def settings_of_databricks(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No settings of Databricks that the machine may have."""
    for name in [n for n in os.environ if n.startswith(("DATABRICKS_", "SPARK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path_factory.getbasetemp() / "none"))


@pytest.fixture
def store_of(workspace: Workspace) -> Any:
    """Makes a config with a schema of its own for a folder."""

    def make(folder: Path, **settings: Any) -> UnityCatalogStore:
        schema = f"t{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
        workspace.lake.make_schema(schema)
        given = {"catalog": "main", "schema": schema, "host": workspace.url, "token": TOKEN, "warehouse_id": WAREHOUSE}
        return UnityCatalogStore(**given | settings)

    return make


class Database:
    """A PostgreSQL that knows the role `me`, whose password is the credential that was made last."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of its owner, over a socket that asks for no password."""
        owner = f"host={self.folder} port={self.port} user=owner dbname=postgres"
        return psycopg.connect(owner, autocommit=True)

    def run(self, statement: str) -> None:
        with self.connect() as connection:
            connection.execute(statement)

    def renew(self, token: str) -> None:
        self.run(f"ALTER ROLE me PASSWORD '{token}'")


def program(name: str) -> str:
    """A program of PostgreSQL: Debian keeps them off the path."""
    places = [os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
    found = shutil.which(name, path=os.pathsep.join(places))
    assert found, "there is no PostgreSQL here: apt-get install postgresql"
    return found


def run_as_postgres(*words: str) -> None:
    """PostgreSQL refuses to be run by root."""
    aside = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    subprocess.run([*aside, *words], check=True, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="session")
def database(workspace: Workspace) -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="mlforge-pg-") as place:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        folder = Path(place)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        login = ["-U", "owner", "--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"]
        run_as_postgres(program("initdb"), "-N", "-D", str(folder / "data"), *login)
        how = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        control = [program("pg_ctl"), "-D", str(folder / "data"), "-w"]
        run_as_postgres(*control, "-o", how, "-l", str(folder / "log"), "start")
        try:
            database = Database(folder, port)
            database.run("CREATE ROLE me LOGIN SUPERUSER")
            workspace.postgres.renew = database.renew
            yield database
        finally:
            run_as_postgres(*control, "-m", "immediate", "stop")


@pytest.fixture
def online_of(workspace: Workspace, database: Database) -> Any:
    """Makes a config with a schema of its own for a folder."""

    def make(folder: Path, **settings: Any) -> DatabricksOnlineStore:
        schema = f"t{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
        where = {"host": workspace.url, "token": TOKEN, "database": "postgres", "port": database.port, "tls": False}
        return DatabricksOnlineStore(**{"project": "fraud", "schema": schema} | where | settings)

    return make
