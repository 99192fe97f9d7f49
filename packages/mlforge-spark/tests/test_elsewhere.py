"""Features are built where Spark is a server or a cluster: Spark Connect, Sail, and a standalone cluster."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyspark
import pytest

WORDS = ("sum", "std", "min", "last", "median", "count_distinct", "last_2")
ON_SAIL = (*WORDS, "mean", "var", "max", "first", "p90", "first_3", "last_2_distinct")
LOCAL = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false"}
QUICK = dict.fromkeys(
    ("spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions"), "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
)
"""The machines of Java alone are quicker to start: plans are made and compiled as they are where people use Spark."""
HOME = Path(pyspark.__file__).parent
SMALL = {"SPARK_DAEMON_MEMORY": "512m", "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(HOME)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Events of two users in a day, below folders that tell columns, and labels, in a folder with a space."""
    chance, made, start = random.Random(7), tmp_path_factory.mktemp("else where"), datetime(2025, 3, 1, tzinfo=UTC)
    times = [start + timedelta(minutes=10 * i) for i in range(60)]
    events = {"user": [chance.choice("ab") for _ in times], "at": times, "amount": [float(i % 7) for i in range(60)]}
    frame = pl.DataFrame(events)
    for half in range(2):
        path = made / "events" / f"half={half}" / "city=K%C3%B6ln 50%25" / "part%20.parquet"
        path.parent.mkdir(parents=True)
        frame[half * 30 : half * 30 + 30].write_parquet(path)
    labels = {"user": ["a", "b", "c"] * 10, "at": [start + timedelta(minutes=37 * i) for i in range(30)]}
    pl.DataFrame(labels).write_parquet(made / "labels.parquet")
    return made


def connect_gives_what_polars_gives(folder, tmp_path):
    port = _free()
    conf = (
        LOCAL
        | QUICK
        | {"spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": str(port)}
    )
    options = [part for name, value in conf.items() for part in ("--conf", f"{name}={value}")]
    server = "org.apache.spark.sql.connect.service.SparkConnectServer"
    command = [_of_spark("spark-submit"), "--master", "local[1]", *options, "--class", server, "spark-internal"]
    with _running(command, tmp_path, lambda: _listens(port)):
        _same(folder, {"remote": f"sc://127.0.0.1:{port}"})


def sail_gives_what_polars_gives(folder, tmp_path):
    port, sail = _free(), str(Path(sys.executable).with_name("sail"))
    command = [sail, "spark", "server", "--ip", "127.0.0.1", "--port", str(port)]
    with _running(command, tmp_path, lambda: _listens(port)):
        _same(folder, {"remote": f"sc://127.0.0.1:{port}"}, ON_SAIL)


def test_a_cluster_of_two_workers_gives_what_polars_gives(folder, tmp_path):
    port = _free()
    at, here = f"spark://127.0.0.1:{port}", ["--host", "127.0.0.1", "--webui-port", "0"]
    start, deploy = _of_spark("spark-class"), "org.apache.spark.deploy"
    master = [start, f"{deploy}.master.Master", *here, "--port", str(port)]
    worker = [start, f"{deploy}.worker.Worker", *here, "--cores", "1", "--memory", "512m"]
    with ExitStack() as stack:
        stack.enter_context(_running(master, tmp_path, lambda: _listens(port)))
        for number in range(2):
            stack.enter_context(_running([*worker, "-d", str(tmp_path / str(number)), at], tmp_path, lambda: True))
        conf = {"spark.executor.memory": "512m", "spark.scheduler.minRegisteredResourcesRatio": "1.0"}
        _same(folder, {"master": at, "conf": LOCAL | QUICK | conf | {"spark.sql.shuffle.partitions": "2"}})


if pyspark.__version__ >= "4":  # the wheels before bring no server
    test_spark_connect_gives_what_polars_gives = connect_gives_what_polars_gives
else:  # Sail 0.7 knows no client from 4.3 on
    test_sail_gives_what_polars_gives = sail_gives_what_polars_gives


def _same(folder: Path, settings: dict[str, object], words: tuple[str, ...] = WORDS) -> None:
    script = Path(__file__).with_name("elsewhere.py")
    command = [sys.executable, script, folder, json.dumps(settings), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["rows"], found["differ"]) == (30, [])
    assert found["known"] > 10
    assert found["figures"] > 10


def _of_spark(command: str) -> str:
    return str(HOME / "bin" / command)


@contextmanager
def _running(command: list[str], folder: Path, ready: Callable[[], bool]) -> Iterator[None]:
    """A process, until the end of the block."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=os.environ | SMALL)
        try:
            deadline = time.monotonic() + 120
            while not ready():
                assert process.poll() is None, (folder / "log").read_text()[-3000:]
                assert time.monotonic() < deadline, (folder / "log").read_text()[-3000:]
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(60)


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
