"""The Spark session: the active one, or one made of the engine's settings."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mlforge.errors import Invalid, MlforgeError
from mlforge.model.address import masked

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from mlforge_spark.plugin import SparkEngine

_LOCAL = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.ui.retainedExecutions": "20",
}
"""What a session on this machine is set to, unless it is told otherwise: nobody else reaches it.

It forgets soon what it has executed: plans of windows are long, and by itself Spark keeps a thousand.
"""

_RETAIN = "spark.sql.retainGroupColumns"


def session_of(config: SparkEngine) -> SparkSession:
    """The session to compute in. Nobody stops it: frames of it outlive the engine.

    Raises:
        Invalid: Settings that exclude each other, or a session in which nothing can be grouped.
        PluginFailed: There is no Java, or no server at the address, or a setting is wrong.
    """
    if config.master and config.remote:
        raise Invalid(
            f"SparkEngine has a master, {config.master!r}, and a remote, {masked(config.remote)!r}.",
            hint='Give one of them: SparkEngine(remote="sc://localhost:15002").',
        )
    active = _active()
    return _grouping(_made(config) if active is None else active)


def _active() -> SparkSession | None:
    """The session that the user works in, classic or Connect."""
    from pyspark.sql import SparkSession

    if (classic := SparkSession.getActiveSession()) is not None:
        return classic
    if find_spec("grpc") is None:
        return None
    from pyspark.sql.connect.session import SparkSession as Remote

    found: Any = Remote.getActiveSession()
    return found  # type: ignore[no-any-return]


def wait_no_more() -> None:
    """Let the session fail at once where its server does not answer: it was tried for ten minutes, and is with each."""
    client: Any = getattr(_active(), "client", None)
    if hasattr(client, "set_retry_policies"):  # since Spark 4.0
        client.set_retry_policies([])


def _made(config: SparkEngine) -> SparkSession:
    """A new session, in which something was asked: what it is set to is looked at no sooner."""
    from mlforge_spark.starting import need_server, not_started

    address = config.remote or (None if config.master else os.environ.get("SPARK_REMOTE"))
    try:
        if address is not None:
            need_server(address)
        return _tried(_builder(config, address).getOrCreate())
    except MlforgeError:
        raise
    except Exception as error:
        raise not_started(config, address, error) from error


def _grouping(session: SparkSession) -> SparkSession:
    """The session. Raises `Invalid` where it is set to leave out what rows are grouped by."""
    if str(session.conf.get(_RETAIN, "true")).lower() == "false":
        raise Invalid(
            f"The Spark session leaves out the columns that rows are grouped by: {_RETAIN} is false.",
            hint=f'Set it back: spark.conf.set("{_RETAIN}", "true"); and leave it out of SparkEngine\'s conf.',
        )
    return session


def _builder(config: SparkEngine, address: str | None) -> Any:
    from pyspark.sql import SparkSession

    builder: Any = SparkSession.builder
    if address is not None:
        return _configured(builder.remote(address), config.conf)
    if config.master is None and find_spec("databricks.connect") is not None:
        from databricks.connect import DatabricksSession

        return _configured(DatabricksSession.builder, config.conf)
    master = config.master or os.environ.get("MASTER") or "local[*]"
    here = _LOCAL if master.startswith("local") else {}
    if here:  # functions of rows run in this very Python, and not in the first one on the path
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return _configured(builder.master(master).appName("mlforge"), here | config.conf)


def _tried(session: Any) -> SparkSession:
    try:
        session.conf.get("spark.sql.session.timeZone")
    except Exception:
        session.stop()  # else it would be the active one, and of no use
        raise
    return session  # type: ignore[no-any-return]


def is_sail(session: SparkSession) -> bool:
    """Whether Sail answers, which speaks as some Spark does, but tells its own version where SQL asks for one."""
    if ".connect." not in type(session).__module__:
        return False
    version = str(session.sql("SELECT version()").collect()[0][0])
    return version.startswith(("0.", "1.", "2."))


def _configured(builder: Any, conf: dict[str, str]) -> Any:
    for name, value in conf.items():
        builder = builder.config(name, value)
    return builder


def frame_types() -> tuple[type, ...]:
    """The types of frames, classic and Connect's where that can be used."""
    from pyspark.sql import DataFrame

    try:
        from pyspark.sql.connect.dataframe import DataFrame as Remote
    except ImportError:  # it needs grpc
        return (DataFrame,)
    return (DataFrame, Remote)


_LOGGERS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
"""Of pyspark, from 4.0 on: each error that they log as lines of JSON, with what the JVM did, is raised, too."""


class Quiet(logging.Filter):
    """Keeps pyspark from printing what the engine tells in an error of its own."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is printed: none is."""
        return False

    def begin(self) -> None:
        """From now on nothing is printed."""
        for logger in _loggers():
            logger.addFilter(self)

    def end(self) -> None:
        """What others print is printed again."""
        for logger in _loggers():
            logger.removeFilter(self)


def _loggers() -> list[logging.Logger]:
    try:
        from pyspark.logger import PySparkLogger
    except ImportError:  # before 4.0
        return []
    return [PySparkLogger.getLogger(name) for name in _LOGGERS]


_TURN = threading.Lock()
_SET: dict[object, tuple[int, dict[str, str | None]]] = {}
"""How many write in a session at the moment, and what it was set to before the first of them."""


@contextmanager
def set_to(session: SparkSession, settings: dict[str, str]) -> Iterator[None]:
    """The session with some settings while rows are written: files are the same, whatever it is set to.

    Of several who write in it at the same time, in threads, the last one sets it back.
    """
    key = _identity(session)
    with _TURN:
        writing, before = _SET.get(key, (0, {}))
        before = {name: session.conf.get(name, None) for name in settings} | before
        for name, value in settings.items():
            session.conf.set(name, value)
        _SET[key] = writing + 1, before
    try:
        yield
    finally:
        with _TURN:
            writing, before = _SET.pop(key)
            if writing > 1:
                _SET[key] = writing - 1, before
            else:
                _set_back(session, before)


def _identity(session: SparkSession) -> object:
    """What a session is told by: Python may have several objects for one."""
    java = getattr(session, "_jsparkSession", None)
    return session.session_id if java is None else java.hashCode()  # type: ignore[attr-defined]


def _set_back(session: SparkSession, before: dict[str, str | None]) -> None:
    for name, old in before.items():
        session.conf.unset(name) if old is None else session.conf.set(name, old)
