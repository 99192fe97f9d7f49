"""Slow stores, dead stores, and how much is answered at once."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
FAILED = 'mlforge_errors_total{route="/features/online",code="%s"}'


def beside(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Do something in the background: its thread, and what it gave."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    return thread, found


def test_a_damaged_entry_is_missing_counted_and_logged_once(project: Path, serve: Run, wait: Run) -> None:
    with closing(sqlite3.connect(project / "online.db")) as file, file:
        for key, data in file.execute("select key, data from entries where feature = 'spend'").fetchall():
            changed = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
            file.execute("update entries set data = ? where feature = 'spend' and key = ?", (changed, key))
    with serve(project) as server:
        for _ in range(3):
            answer = server.online(["spend"], {"user_id": 1})
            assert (answer.status, answer.json["status"]) == (200, {"spend": "missing"})
        assert server.metrics()['mlforge_damaged_entries_total{feature="spend"}'] == 3
        wait(lambda: "is damaged and counts as missing" in server.log)
        assert server.log.count("is damaged and counts as missing") == 1
        assert "mlforge publish spend --force" in server.log


def knowing(server: Any, workers: str = "1") -> Any:
    """A server all of whose workers have seen the store: one that was slow to start answers 503 until it has."""
    up = [f'mlforge_store_up{{worker="{n}"}}' for n in range(int(workers))]
    end = time.monotonic() + 60
    while not all(server.metrics()[one] for one in up):
        assert time.monotonic() < end
        time.sleep(0.02)
    return server


def test_a_store_that_dies_is_told_in_words_and_what_needs_none_is_answered(
    project: Path, serve: Run, moody: Run, wait: Run
) -> None:
    with serve(project, **moody("")) as server:
        assert knowing(server).online(["spend"], {"user_id": 1}).status == 200
        moody("dead")
        answer = server.online(["spend"], {"user_id": 1})
        assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "store_unavailable", "1")
        assert (server.get("/ready").status, server.get("/health").status) == (503, 200)
        assert server.get("/features").json["features"][0]["name"] == "spend"
        assert server.metrics()['mlforge_store_up{worker="0"}'] == 0
        assert server.metrics()[FAILED % "store_unavailable"] == 1
        assert {server.online(["spend"], {"user_id": 1}).status for _ in range(50)} == {503}
        assert server.log.count("/features/online: The online store at moody.internal") == 1  # and not for each request
        wait(lambda: "the online store does not answer" in server.log)
        moody("")
        assert (server.online(["spend"], {"user_id": 1}).status, server.get("/ready").status) == (200, 200)
        wait(lambda: server.metrics()['mlforge_store_up{worker="0"}'] == 1)
        told = answer.body + server.get("/ready").body + server.log.encode()
        assert b"moody.internal" not in answer.body
        assert b"hunter2" not in told


@pytest.mark.parametrize("words", [[], ["--features", "spend"]])
def test_a_store_that_is_dead_at_the_start_is_served_around(
    project: Path, serve: Run, moody: Run, wait: Run, words: list[str]
) -> None:
    with serve(project, *words, **moody("dead")) as server:
        assert server.get("/health").status == 200
        assert (server.get("/ready").status, server.online(["spend"], {"user_id": 1}).status) == (503, 503)
        assert server.get("/features/spend").status == 503
        moody("")
        wait(lambda: server.online(["spend"], {"user_id": 1}).status == 200)


def test_a_slow_store_ends_in_time_and_holds_up_nobody(project: Path, serve: Run, moody: Run) -> None:
    with serve(project, "--timeout", "1", **moody("")) as server:
        knowing(server)
        moody("4")
        slow = [beside(lambda: server.online(["spend"], {"user_id": 1})) for _ in range(8)]
        began = time.monotonic()
        while any(thread.is_alive() for thread, _ in slow):
            assert server.get("/health").status == 200
            assert server.get("/features/spend").status == 200
        assert time.monotonic() - began < 3.5
        for _, (answer,) in slow:
            assert (answer.status, answer.json["code"]) == (504, "too_slow")
        assert server.get("/ready").json["code"] == "too_slow"
        assert server.metrics()[FAILED % "too_slow"] == 8
        moody("")


def test_more_requests_than_are_answered_at_once_are_sent_away(
    project: Path, serve: Run, moody: Run, wait: Run
) -> None:
    with serve(project, "--max-concurrency", "2", **moody("")) as server:
        knowing(server)
        moody("1.5")
        busy = [beside(lambda: server.online(["spend"], {"user_id": 1})) for _ in range(2)]
        wait(lambda: server.metrics()['mlforge_requests_in_flight{worker="0"}'] == 3)
        answer = server.online(["spend"], {"user_id": 1})
        assert (answer.status, answer.json["code"], answer.json["limit"]) == (429, "too_many_requests", 2)
        assert answer.headers["retry-after"] == "1"
        assert server.get("/health").status == 200
        for thread, found in busy:
            thread.join()
            assert found[0].status == 200


def test_too_many_connections_are_sent_away(published: Path, serve: Run) -> None:
    with serve(published, "--max-concurrency", "1") as server:
        open_ones = [server.connect() for _ in range(9)]
        for connection in open_ones:
            connection.connect()
        assert open_ones[8].sock.recv(65536).startswith(b"HTTP/1.1 429 ")
        for connection in open_ones:
            connection.close()


@pytest.mark.parametrize(("files", "places"), [("-Sn 64", 240), ("-n 160", 80)])
def test_idle_connections_leave_files_for_the_store_and_the_keys(
    project: Path, serve: Run, mlforge: Run, wait: Run, files: str, places: int
) -> None:
    key = mlforge(project, "serve-key", "me", "--api-key-file", "keys.yaml").stdout.strip()
    words = ["--max-concurrency", "30", "--api-key-file", "keys.yaml", "--timeout", "20"]
    with serve(project, *words, files=files) as server, ExitStack() as idle:
        asking = idle.enter_context(closing(server.connect()))
        asking.connect()
        for _ in range(places - 1):
            idle.enter_context(closing(server.connect())).connect()
        refused = [idle.enter_context(closing(server.connect())) for _ in range(100)]
        for one in refused:
            one.connect()
            assert one.sock.recv(65536).startswith(b"HTTP/1.1 429 ")
        (project / "keys.yaml").touch()
        wait(lambda: "the keys are those in the file now" in server.log)
        (project / "online.db").replace(project / "moved.db")
        shutil.copy(project / "moved.db", project / "online.db")
        asked = json.dumps({"features": ["spend"], "entity": {"user_id": 1}})
        asking.request("POST", "/features/online", asked, {"content-type": "application/json", "x-api-key": key})
        assert asking.getresponse().status == 200
        assert "cannot be read" not in server.log
        assert ("ulimit -n" in server.log) == (places < 240)


def test_what_was_asked_before_the_stop_is_answered(project: Path, serve: Run, moody: Run, wait: Run) -> None:
    for workers in ("1", "2"):
        with serve(project, "--timeout", "30", "--workers", workers, **moody("")) as server:
            knowing(server, workers)
            moody("4")  # long enough to be seen at work on a busy machine
            idle = server.connect()
            idle.connect()
            thread, found = beside(lambda: server.online(["spend"], {"user_id": 1}))
            wait(lambda: sum(v for k, v in server.metrics().items() if "in_flight" in k) == 2)
            assert server.stop() == 0
            idle.close()
            thread.join()
            assert json.loads(found[0].body)["values"]["visits"] == 2**62
            assert "stopped" in server.log
            assert "Traceback" not in server.log
            moody("")


def test_a_store_that_hangs_does_not_hold_up_the_stop(project: Path, serve: Run, moody: Run) -> None:
    for workers in ("1", "2"):
        with serve(project, "--timeout", "1", "--workers", workers, **moody("")) as server:
            knowing(server, workers)
            moody("30")
            assert server.online(["spend"], {"user_id": 1}).status == 504
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < 12
            moody("")
