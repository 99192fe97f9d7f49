"""Why no session starts: what is looked at before, and what is told after."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyspark

from mlforge.errors import Invalid, MlforgeError, PluginFailed
from mlforge.model.address import masked
from mlforge_spark.edge import java_ended, reason_of

if TYPE_CHECKING:
    from mlforge_spark.plugin import SparkEngine

_JAVA = "Install Java 17 (Debian: apt-get install openjdk-17-jre-headless) and let JAVA_HOME name it"
_PORT = 15002
_PATIENCE = 10.0
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
"""Variables by which a server is reached by way of another."""


def need_server(address: str) -> None:
    """Raise for an address at which nobody answers: Spark itself tries for ten minutes, without a word.

    Raises:
        Invalid: It is no address of Spark Connect.
        OSError: Nobody answers there.
    """
    if re.match(r"local(-cluster)?(\[|$)", address):
        return
    place = urlsplit(address)
    if place.scheme != "sc":
        raise Invalid(
            f"{masked(address)!r} is no address of a Spark Connect server.",
            hint=f'It begins with sc://: SparkEngine(remote="sc://localhost:{_PORT}"). Others are a master.',
        )
    if place.hostname and not any(map(os.environ.get, _PROXIES)):
        socket.create_connection((place.hostname, place.port or _PORT), _PATIENCE).close()


def not_started(config: SparkEngine, address: str | None, error: Exception) -> MlforgeError:
    """The error for a session that cannot be made."""
    if ended := java_ended("Spark cannot start", error):
        return ended
    if isinstance(error, FileNotFoundError) and os.environ.get("SPARK_HOME"):
        return PluginFailed(
            f"Spark cannot start: SPARK_HOME is {os.environ['SPARK_HOME']}, which holds no Spark.",
            hint="Unset it: pyspark brings its own.",
        )
    if "JAVA_GATEWAY_EXITED" in str(error) and not _runs_java():
        return PluginFailed(
            "Spark cannot start: there is no Java that runs it.",
            hint=f'{_JAVA}, or name a server: SparkEngine(remote="sc://…").',
        )
    where = masked(address or config.master or "this machine")
    if "JAVA_GATEWAY_EXITED" in str(error):
        return PluginFailed(
            f"Spark cannot start at {where}: Java ended, and printed why.",
            hint="Look at SparkEngine's master and at what of its conf is for Java, such as spark.driver.memory.",
        )
    look = "Is the address right, and is a server up there?" if address else "Look at SparkEngine's master and conf."
    return PluginFailed(f"Spark cannot start at {where}: {reason_of(_first(error))}", hint=look)


def _first(error: BaseException) -> BaseException:
    """What an exception of Spark came of."""
    while (cause := getattr(error, "cause", None)) is not None:
        error = cause
    return error


def _runs_java() -> bool:
    """Whether the Java that Spark takes is one that runs it."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    try:
        asked = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return False
    found = re.search(r'version "(?:1\.)?(\d+)', asked.stderr)
    return found is not None and int(found[1]) >= (17 if pyspark.__version__ >= "4" else 8)
