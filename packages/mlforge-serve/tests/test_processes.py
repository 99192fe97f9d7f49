"""The processes of a server: what they load, how they start, die and stop."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.linux
Run = Callable[..., Any]
Server = Any
HEAVY = ("polars", "duckdb", "pandas", "pyarrow", "numpy")


def children(server: Server) -> list[int]:
    text = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [int(pid) for pid in text.split()]


def workers_of(server: Server) -> set[int]:
    """The processes that answered so far."""
    return {int(pid) for pid in re.findall(r"\[(\d+)\] the online store answers", server.log)}


def test_the_serving_process_loads_no_dataframe_library(project: Path, serve: Run) -> None:
    spy = project / "site"
    spy.mkdir()
    (spy / "sitecustomize.py").write_text(
        "import atexit, os, sys\n"
        f"shown = lambda: [m for m in {HEAVY} if m in sys.modules]\n"
        "atexit.register(lambda: open('loaded', 'a').write(f'{shown()} {len(sys.modules)}\\n'))\n"
    )
    with serve(project, PYTHONPATH=str(spy)) as server:
        assert server.online(["spend"], {"user_id": 1}).status == 200
        maps = Path(f"/proc/{server.process.pid}/maps").read_text()
        assert not re.search("polars|duckdb|pyarrow|numpy", maps)
        assert server.stop() == 0
    assert "[] " in (project / "loaded").read_text()
    assert "polars" not in (project / "loaded").read_text()


def test_several_workers_answer_and_count_together(published: Path, serve: Run, wait: Run) -> None:
    with serve(published, "--workers", "3") as server:
        wait(lambda: len(workers_of(server)) == 3)
        assert len(children(server)) == 3
        threads = [threading.Thread(target=lambda: [ask(server) for _ in range(20)]) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        metrics = server.metrics()
        assert metrics['mlforge_request_duration_seconds_count{route="/features/online"}'] == 120
        assert metrics['mlforge_feature_values_total{feature="spend",status="present"}'] == 120
        assert metrics["mlforge_workers"] == 3
        assert server.stop() == 0


def test_connections_are_spread_over_the_workers(published: Path, serve: Run, wait: Run) -> None:
    with serve(published, "--workers", "2") as server:
        wait(lambda: len(workers_of(server)) == 2)
        before = {pid: sockets(pid) for pid in children(server)}
        kept = [server.connect() for _ in range(40)]
        for connection in kept:
            connection.request("GET", "/health")
            assert connection.getresponse().read()
        assert all(sockets(pid) - count >= 5 for pid, count in before.items())
        for connection in kept:
            connection.close()


def test_an_address_is_not_shared_with_another_server(published: Path, serve: Run, mlforge: Run) -> None:
    with serve(published, "--workers", "2") as server:
        again = mlforge(published, "serve", "--workers", "2", "--port", str(server.port))
        assert (again.returncode, "cannot be listened at" in again.stderr) == (1, True)


def test_a_worker_that_dies_is_replaced_and_what_it_counted_stays(published: Path, serve: Run, wait: Run) -> None:
    with serve(published, "--workers", "2") as server:
        wait(lambda: len(workers_of(server)) == 2)
        for _ in range(5):
            ask(server)
        victim = children(server)[0]
        os.kill(victim, signal.SIGKILL)
        wait(lambda: len(workers_of(server)) == 3)
        ask(server)
        assert server.metrics()['mlforge_feature_values_total{feature="spend",status="present"}'] == 6
        assert "ended with -9" in server.log
        assert server.stop() == 0


def test_workers_whose_parent_is_killed_stop_by_themselves(published: Path, serve: Run, wait: Run) -> None:
    with serve(published, "--workers", "2") as server:
        wait(lambda: len(workers_of(server)) == 2)
        orphans = children(server)
        server.process.kill()
        server.process.wait()
        wait(lambda: not any(is_running(pid) for pid in orphans), 15)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_stops_the_server_in_order(
    published: Path, serve: Run, number: signal.Signals, code: int, workers: str
) -> None:
    with serve(published, "--workers", workers) as server:
        server.process.send_signal(number)
        assert server.process.wait(30) == code
        assert "Traceback" not in server.log


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_a_signal_while_it_starts_stops_it_too(published: Path, serve: Run, workers: str, after: float) -> None:
    with serve(published, "--workers", workers, started=False) as server:
        time.sleep(after)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) in (0, -signal.SIGTERM)
        assert "Traceback" not in server.log


SLOW = """
import os, time
from pathlib import Path
import mlforge as mlf

server = os.getppid()
Path("reading").touch()
while os.getppid() == server:
    time.sleep(0.02)
defs = mlf.Definitions("slow", features=[])
"""


@pytest.mark.parametrize("verb", ["serve", "ui"])
def test_a_signal_while_definitions_are_read_is_taken_as_the_first_process_of_a_container_must(
    tmp_path: Path, wait: Run, verb: str
) -> None:
    (tmp_path / "definitions.py").write_text(SLOW)
    line = [sys.executable, "-m", "mlforge", verb, "--port", "0"]
    with subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        wait((tmp_path / "reading").exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0  # the kernel drops what such a process has no handler for


def test_the_log_is_text_or_json_and_says_where(published: Path, serve: Run) -> None:
    import json

    with serve(published, "--log-format", "json") as server:
        server.get("/features/a%0ab")
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.log.splitlines()]
    assert lines[0]["message"] == f"shop: 11 features at http://127.0.0.1:{server.port}, 1 worker"
    assert {"at", "level", "process", "message"} == set(lines[-1])


def test_features_named_by_hand_are_served_without_definitions(published: Path, tmp_path: Path, serve: Run) -> None:
    (tmp_path / "mlforge.yaml").write_text(
        f"default_profile: p\nprofiles: {{p: {{online_store: {{KIND: sqlite, path: {published / 'online.db'}}}}}}}\n"
    )
    (tmp_path / "definitions.py").write_text("raise RuntimeError('nobody reads this')\n")
    with serve(tmp_path, "--features", "spend,places") as server:
        assert [f["name"] for f in server.get("/features").json["features"]] == ["spend", "places"]
        assert server.online(["spend"], {"user_id": 1}).json["values"]["visits"] == 2**62
        assert server.online(["secret"], {"user_id": 1}).status == 404


def test_a_request_feature_named_by_hand_is_served_as_it_was_published_last(
    project: Path, serve: Run, mlforge: Run, wait: Run
) -> None:
    with serve(project, "--features", "grown") as server:
        answer = server.online(["grown"], {"user_id": 2})
        assert (answer.status, answer.json["hint"]) == (404, "Publish it: mlforge publish grown")
        for factor in (4, 5):
            text = (project / "definitions.py").read_text()
            (project / "definitions.py").write_text(text.replace('"visits") * 4', f'"visits") * {factor}'))
            assert mlforge(project, "publish", "grown").returncode == 0
            wait(lambda wanted=2 * factor: _grown(server) == wanted, 20)
        assert [one["name"] for one in server.get("/features").json["features"]] == ["grown"]


def _grown(server: Server) -> int | None:
    answer = server.online(["grown"], {"user_id": 2})
    return answer.json["values"]["grown"] if answer.status == 200 else None


def ask(server: Server) -> None:
    assert server.online(["spend"], {"user_id": 1}).status == 200


def sockets(pid: int) -> int:
    return sum(is_socket(fd) for fd in Path(f"/proc/{pid}/fd").iterdir())


def is_socket(fd: Path) -> bool:
    try:
        return fd.readlink().name.startswith("socket:")
    except FileNotFoundError:  # closed meanwhile
        return False


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
