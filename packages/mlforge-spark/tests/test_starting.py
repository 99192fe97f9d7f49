"""Where no session starts, the reason is told, and what helps."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.errors import PySparkException

from mlforge.errors import Invalid, PluginFailed
from mlforge_spark.edge import edge
from mlforge_spark.plugin import SparkEngine
from mlforge_spark.session import session_of
from mlforge_spark.starting import need_server, not_started

ENDED = RuntimeError("[JAVA_GATEWAY_EXITED] Java gateway process exited")


def java_that(folder: Path, says: str) -> str:
    """A folder for JAVA_HOME with a Java that says which it is."""
    java = folder / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    java.chmod(0o755)
    return str(folder)


def test_where_there_is_no_java_the_line_that_installs_it_is_told(monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    error = not_started(SparkEngine(), None, ENDED)
    assert isinstance(error, PluginFailed)
    assert "openjdk-17" in str(error.hint)


@pytest.mark.parametrize("says", ['java version "1.7.0_80"', "something else"])
def test_a_java_that_does_not_run_spark_is_none(monkeypatch, tmp_path, says):
    monkeypatch.setenv("JAVA_HOME", java_that(tmp_path, says))
    assert "there is no Java that runs it" in str(not_started(SparkEngine(), None, ENDED))


def test_where_java_is_there_and_ends_the_settings_are_to_be_looked_at(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", java_that(tmp_path, 'openjdk version "17.0.12" 2026-01-20'))
    error = not_started(SparkEngine(master="locl[2]"), None, ENDED)
    assert error.message == "Spark cannot start at locl[2]: Java ended, and printed why."
    assert "master" in str(error.hint)


def test_a_folder_without_spark_is_named(monkeypatch):
    monkeypatch.setenv("SPARK_HOME", "/nowhere")
    error = not_started(SparkEngine(), None, FileNotFoundError(2, "No such file", "/nowhere/./bin/spark-submit"))
    assert (error.message, error.hint) == (
        "Spark cannot start: SPARK_HOME is /nowhere, which holds no Spark.",
        "Unset it: pyspark brings its own.",
    )


def test_an_address_at_which_nobody_answers_is_told_at_once(monkeypatch):
    for name in ("grpc_proxy", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as bound:  # and not listening
        bound.bind(("127.0.0.1", 0))
        address = f"sc://127.0.0.1:{bound.getsockname()[1]}/;token=hunter2"
        with pytest.raises(OSError, match="refused") as refused:
            need_server(address)
    error = not_started(SparkEngine(remote=address), address, refused.value)
    assert "hunter2" not in str(error)
    assert address.partition("/;")[0] in str(error)


def test_an_address_of_a_server_that_answers_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        need_server(f"sc://127.0.0.1:{server.getsockname()[1]}/;user_id=me")
    need_server("local[*]")


@pytest.mark.parametrize("address", ["localhost:15002", "http://localhost:15002", "spark://localhost:7077"])
def test_an_address_of_something_else_is_refused(address):
    with pytest.raises(Invalid, match="no address of a Spark Connect server") as refused:
        need_server(address)
    assert 'SparkEngine(remote="sc://localhost:15002")' in str(refused.value.hint)


def test_two_places_are_refused_without_a_secret():
    with pytest.raises(Invalid, match="has a master, .*, and a remote") as refused:
        session_of(SparkEngine(master="local[1]", remote="sc://host/;token=hunter2"))
    assert "hunter2" not in str(refused.value)


def test_a_setting_that_spark_refuses_is_told_and_leaves_no_session():
    code = """
from mlforge.errors import PluginFailed
from mlforge_spark.plugin import SparkEngine
from mlforge_spark.session import session_of
try:
    session_of(SparkEngine(master="local[1]", conf={"spark.sql.shuffle.partitions": "many"}))
except PluginFailed as error:
    print(error.message)
print(session_of(SparkEngine(master="local[1]")).range(3).count())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    said, counted = done.stdout.strip().splitlines()
    assert "many" in said
    assert "spark.sql.shuffle.partitions" in said
    assert counted == "3"


@pytest.mark.parametrize(
    "says",
    [
        "<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.UNAVAILABLE\n",
        "[INVALID_HANDLE.SESSION_CHANGED] x",
    ],
)
def test_a_server_that_has_ended_is_said_to_have(monkeypatch, says):
    client = SimpleNamespace(set_retry_policies=lambda policies: asked.append(policies))
    asked: list[object] = []
    monkeypatch.setattr("mlforge_spark.session._active", lambda: SimpleNamespace(client=client))
    with pytest.raises(PluginFailed, match="the Spark server has ended"), edge("The rows cannot be computed", "Look."):
        raise PySparkException(says)
    assert asked == [[]]  # nothing is tried again for ten minutes more
