"""A project whose features are published to the embedded store, and real servers over it, asked through HTTP."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import forked
import pytest

FEATURES = """
import mlforge as mlf
import polars as pl

@mlf.feature(source="spend.parquet", keys="user_id", timestamp="at", tags=["users"])
def spend(df):
    "What a user spends."
    return df

@mlf.feature(source="places.parquet", keys=["city", "day"])
def places(df):
    return df

shop = mlf.Entity("shop", join_key="shop_id", from_columns=("brand", "street"))

@mlf.feature(source="shops.parquet", entities=[shop])
def shops(df):
    return df

@mlf.feature(source="places.parquet", entities=[mlf.Entity("shift", join_key="shift_id", from_columns="day")])
def shifts(df):
    return df.select("shift_id", pl.col("rain").alias("shift_rain"))

@mlf.feature(source="spend.parquet", keys="user_id", timestamp="at", max_age="1d")
def fresh(df):
    return df.select("user_id", "at", pl.col("visits").alias("fresh_visits"))

@mlf.feature(source="spend.parquet", keys="user_id", timestamp="at",
             derived={"secret_parity": mlf.col("secret_visits").mod(2),
                      "secret_age": (mlf.at() - mlf.at()) / mlf.days(1)})
def secret(df):
    return df.select("user_id", "at", pl.col("visits").alias("secret_visits"))

@mlf.feature(source="spend.parquet", keys="user_id", timestamp="at")
def unpublished(df):
    return df

risk = mlf.request_feature(
    "risk", inputs={"paid": "Float64", "due": "Date"},
    uses=["spend", mlf.FeatureSpec("secret", columns="secret_parity")],
    columns={"ratio": mlf.col("paid") / mlf.col("amount"), "odd": mlf.col("secret_parity") > 0,
             "days_left": (mlf.col("due") - mlf.at()) / mlf.days(1)},
    description="How odd it is.",
)
asked = mlf.request_feature("asked", columns={"at_year": mlf.at().year()})
grown = mlf.request_feature("grown", uses="spend", columns={"grown": mlf.col("visits") * 4})
waiting = mlf.request_feature("waiting", uses="unpublished", columns={"x": mlf.col("visits")})

store = mlf.LocalStore("store")
stored = [spend, places, shops, shifts, fresh, secret, unpublished]
defs = mlf.Definitions("shop", features=[*stored, risk, asked, grown, waiting], store=store)
"""
PROFILES = """
default_profile: dev
profiles:
  dev:
    online_store: {KIND: sqlite, path: online.db}
"""
MOODY = '''
"""A store of a stranger's: the embedded one, which a file makes slow or dead."""
import time
from pathlib import Path
from mlforge.errors import PluginFailed
from mlforge.plugin import OnlineStoreConfig, OnlineStoreDescriptor, Secret, hookimpl
from mlforge.stores.sqlite.plugin import SQLiteOnlineStore
from mlforge.stores.sqlite.store import LiveSQLiteOnlineStore

class MoodyStore(OnlineStoreConfig, frozen=True, tag="moody"):
    target = "moody:Live"
    path: str = "online.db"
    password: Secret = "none"
    def at(self, root):
        return MoodyStore(str(root / self.path), self.password)

class Live(LiveSQLiteOnlineStore):
    def __init__(self, config):
        super().__init__(SQLiteOnlineStore(config.path))
        self.mood = Path(config.path).with_name("mood")
    def feel(self):
        mood = self.mood.read_text() if self.mood.exists() else ""
        if mood == "dead":
            raise PluginFailed("The online store at moody.internal does not answer.", hint="Start it.")
        time.sleep(float(mood or 0))
    def read(self, addresses):
        self.feel()
        return super().read(addresses)
    def read_note(self, feature):
        self.feel()
        return super().read_note(feature)
    def ping(self):
        self.feel()

@hookimpl
def mlforge_online_stores():
    return [OnlineStoreDescriptor(name="moody", summary="Moody.", api=1, config=MoodyStore)]
'''
PUBLISHED = ["spend", "places", "shops", "shifts", "fresh", "secret"]
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("MLFORGE", "COV_"))}
STARTED = re.compile(r"(https?)://(\S+):(\d+), ")


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A server in a process of its own."""

    def __init__(self, process: Any, log: Path) -> None:
        self.process, self._log = process, log
        self.scheme, self.port = "http", 0

    @property
    def log(self) -> str:
        return self._log.read_text()

    def connect(self, context: ssl.SSLContext | None = None, timeout: float = 30) -> http.client.HTTPConnection:
        if self.scheme == "https":
            return http.client.HTTPSConnection("localhost", self.port, timeout=timeout, context=context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> Answer:  # fmt: skip
        connection = self.connect(context)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=_named(headers))

    def post(self, path: str, document: Any, **headers: str) -> Answer:
        sent = {"content-type": "application/json"} | _named(headers)
        return self.ask("POST", path, json.dumps(document).encode(), sent)

    def online(self, features: Any, entity: Any, **headers: str) -> Answer:
        return self.post("/features/online", {"features": features, "entity": entity}, **headers)

    def batch(self, features: Any, entities: Any, **headers: str) -> Answer:
        return self.post("/features/batch", {"features": features, "entities": entities}, **headers)

    def metrics(self) -> dict[str, float]:
        """Every sample by its name and labels."""
        lines = self.get("/metrics").body.decode().splitlines()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


Serve = Callable[..., Any]


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def make_project(folder: Path) -> Path:
    """A project with data and definitions, built and published but for one feature."""
    import polars as pl

    import mlforge as mlf

    at = pl.Series(["2025-01-01", "2025-01-02", "2025-01-03"]).str.to_datetime(time_zone="UTC")
    numbers = {"amount": [1.5, float("nan"), float("inf")], "visits": [2**62, 2, None]}
    pl.DataFrame({"user_id": [1, 2, 3], "at": at, **numbers}).write_parquet(folder / "spend.parquet")
    days = pl.Series(["2024-02-29", "2024-03-01"]).str.to_date()
    pl.DataFrame({"city": ["Köln", "Oslo"], "day": days, "rain": [0.5, 0.0]}).write_parquet(folder / "places.parquet")
    shops = {"brand": ["Ada", "Bo"], "street": ["Main St", None], "rating": [5, 4]}
    pl.DataFrame(shops).write_parquet(folder / "shops.parquet")
    (folder / "definitions.py").write_text(FEATURES)
    (folder / "mlforge.yaml").write_text(PROFILES)
    scope: dict[str, Any] = {"__name__": "definitions"}
    exec(compile(FEATURES, "definitions.py", "exec"), scope)
    project = mlf.Definitions("shop", list(scope["defs"].features.values()), mlf.LocalStore("store"), root=folder)
    assert project.build().ok
    assert project.publish(PUBLISHED).ok
    return folder


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published project; not to be changed."""
    return make_project(tmp_path_factory.mktemp("published"))


@pytest.fixture
def project(tmp_path: Path, published: Path) -> Path:
    """A published project of one's own."""
    return shutil.copytree(published, tmp_path / "project")


@contextmanager
def serving(
    folder: Path, *words: str, log: Path, started: bool = True, verb: str = "serve", files: str = "", **environment: str
) -> Iterator[Server]:
    """Start a server at a free port, and end it. `started`: once it answers; else once it says where it listens.

    `files`: what `ulimit` is told of how many files it may have open.
    """
    asked = [verb, "--port", "0", *words]
    with log.open("wb") as stream, Path(os.devnull).open("wb") as nothing:
        if files:
            command = ["sh", "-c", f'ulimit {files} && exec "$@"', "sh", *forked.COMMAND, *asked]
            process: Any = subprocess.Popen(command, cwd=folder, env=CLEAN | environment, stdout=nothing, stderr=stream)
        else:
            process = forked.start(asked, folder, CLEAN | environment, nothing, stream)
    server = Server(process, log)
    try:
        wait(lambda: STARTED.search(server.log) or process.poll() is not None)
        found = STARTED.search(server.log)
        assert found, server.log
        server.scheme, server.port = found[1], int(found[3])
        if started:
            wait(lambda: _listens(server, "/health" if verb == "serve" else "/"))
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listens(server: Server, path: str) -> bool:
    """Whether a worker answers; where TLS is spoken, whether somebody listens."""
    assert server.process.poll() is None, server.log
    if server.scheme == "https":
        return True
    try:
        return server.ask("GET", path).status == 200
    except OSError:
        return False


def wait(until: Callable[[], Any], seconds: float = 60) -> None:
    """Wait for something to be true."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


@pytest.fixture
def moody(project: Path, tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Let a project's store be a stranger's; calling it sets its mood and gives the environment it is found in."""
    site, info = tmp_path / "site", tmp_path / "site" / "moody-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mlforge]\nmoody = moody\n")
    (site / "moody.py").write_text(MOODY)
    (project / "mlforge.yaml").write_text(PROFILES.replace("KIND: sqlite", "KIND: moody, password: hunter2"))

    def feel(mood: str) -> dict[str, str]:
        (project / "mood.new").write_text(mood)
        (project / "mood.new").replace(project / "mood")
        return {"PYTHONPATH": str(site)}

    return feel


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Start a server; a context manager."""
    number = iter(range(1000))
    return lambda folder, *words, **env: serving(folder, *words, log=tmp_path / f"log{next(number)}", **env)


@pytest.fixture(scope="module")
def server(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tests share: nobody changes what it serves."""
    with serving(published, log=tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def mlforge() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command that ends, in a folder."""

    def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return forked.run(words, folder, CLEAN | environment, timeout=60)

    return run


@pytest.fixture(scope="session", name="serving")
def _serving() -> Callable[..., Any]:
    return serving


@pytest.fixture(name="wait")
def _wait() -> Callable[..., None]:
    return wait
