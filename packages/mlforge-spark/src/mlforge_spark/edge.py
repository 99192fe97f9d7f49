"""Where Spark's exceptions become mlforge's: each is wrapped once, with its cause."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pyarrow as pa
import pyspark
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from mlforge.errors import Invalid, MlforgeError, PluginFailed, Unsupported
from mlforge.plugin.engine.edge import Edge, Raised, reason
from mlforge_spark.session import wait_no_more

if TYPE_CHECKING:
    from pyspark.sql import Column

# Spark Connect's client alone comes without the bridge to the JVM.
_OF_THE_JVM = (import_module("py4j.protocol").Py4JError,) if find_spec("py4j") else ()
BROKEN = (PySparkException, *_OF_THE_JVM, AssertionError)
"""What Spark raises for data that cannot be used; by assertions it finds that its session is gone."""

_BY_ITS_ABSENCE = (*_OF_THE_JVM, AssertionError, AttributeError)
"""What pyspark runs into where the session is not there."""

_PATIENCE = 2.0
"""Seconds in which a Java ends that was killed: what it was asked fails sooner."""

_BEGIN, _END = "<mlforge:", ":mlforge>"
"""Around an error that a row raises: Spark tells its text alone, among its own."""

_TRACEBACK = "Traceback (most recent call last):\n"
_STOPPED = ("stopped SparkContext", "SparkContext was shut down")
_NO_BUCKETS = ("No FileSystem for scheme", "S3AFileSystem not found")
_TOO_LONG = "exceeds the max length allowed"
_LOST = ("StatusCode.UNAVAILABLE", "INVALID_HANDLE.SESSION_")
_FULL = ("No space left on device", "Disk quota exceeded")
_ENDED = "Python worker exited unexpectedly"


def refused(error: Invalid) -> str:
    """What raises this very error in a row that asks for it, in SQL."""
    written = f"{_BEGIN}{json.dumps([error.message, error.hint])}{_END}"
    return f"raise_error(CAST(unhex('{written.encode().hex()}') AS STRING))"


def refusing(error: Invalid) -> Column:
    """A column that raises this very error in a row that asks for it."""
    return F.raise_error(F.lit(f"{_BEGIN}{json.dumps([error.message, error.hint])}{_END}"))


def told(what: str, error: BaseException) -> MlforgeError | None:
    """The error that a row or a function raised, or that the session was stopped; None where it is another."""
    text = str(error)
    if ended := java_ended(what, error):
        return ended
    if any(said in text for said in _LOST):
        wait_no_more()
        return PluginFailed(
            f"{what}: the Spark server has ended, or is not reached any more.",
            hint="Start it again where it has, and then Python: a session ends with its server.",
        )
    if any(said in text for said in _STOPPED) or (isinstance(error, _BY_ITS_ABSENCE) and _is_stopped()):
        return PluginFailed(
            f"{what}: the Spark session that it is computed in was stopped.",
            hint="Make the frame anew, in the session that is active now.",
        )
    if any(said in text for said in _NO_BUCKETS):
        return Unsupported(
            f"{what}: this Spark session has no file system for objects in buckets.",
            hint="Bring it, as with conf={'spark.jars.packages': 'org.apache.hadoop:hadoop-aws:3.5.0'}, of the version "
            "of Spark's own Hadoop, or leave out direct=True.",
        )
    if _TOO_LONG in text:
        return Unsupported(
            f"{what}: it has a file that is too long for Spark to hash.",
            hint="Make smaller files: conf={'spark.sql.files.maxRecordsPerFile': '1000000'}, or leave out direct=True.",
        )
    _, begun, rest = text.partition(_BEGIN)
    if not begun or _END not in rest:
        return _of_disk(what, text) or _of_python(what, text)
    message, hint = json.loads(rest.partition(_END)[0])
    return Invalid(message, hint=hint)


def _of_disk(what: str, text: str) -> MlforgeError | None:
    """The error for a disk that is full: Spark itself fills others than those that are written to."""
    full = next((said for said in _FULL if said in text), None)
    if full is None:
        return None
    return PluginFailed(
        f"{what}: {full}.",
        hint="Free some where it is written, and where Spark keeps what it computes with, which is /tmp unless "
        'told otherwise: SparkEngine(conf={"spark.local.dir": "/large"})',
    )


def _of_python(what: str, text: str) -> MlforgeError | None:
    """The error for what a Python function raised that Spark calls for rows, which stands below its traceback."""
    if _ENDED in text:
        return Invalid(
            f"{what}: a Python that Spark calls for rows has ended, and did not say why.",
            hint="It may have had too little memory, or the function has ended it.",
        )
    _, begun, rest = text.rpartition(_TRACEBACK)
    raised = next((line for line in rest.splitlines() if line and not line[0].isspace()), None) if begun else None
    if raised is None:
        return None
    return Invalid(
        f"{what}: a Python function that Spark calls raised {raised.rstrip(' .:')}.",
        hint="Mend the function, or give it no such rows.",
    )


def reason_of(error: BaseException) -> str:
    """What went wrong, as the end of a sentence: of an exception that pyspark has no word for, its innermost cause."""
    cause = getattr(error, "java_exception", None)
    if cause is None:
        return reason(error)
    while (inner := cause.getCause()) is not None:
        cause = inner
    return reason(RuntimeError(cause.toString()))


def _is_stopped() -> bool:
    """Whether there is no session on this machine, or one that is being stopped; of servers their own errors tell."""
    context = getattr(pyspark, "SparkContext", None)
    if context is None:
        return False
    java = getattr(context._active_spark_context, "_jsc", None)  # noqa: SLF001 - no other way
    if java is None:
        return True
    try:
        return bool(java.sc().isStopped())  # from when its end begins
    except _OF_THE_JVM:
        return False


def java_ended(what: str, error: BaseException) -> MlforgeError | None:
    """The error where the Java has ended that this process started; None where another one was raised."""
    java = getattr(getattr(getattr(pyspark, "SparkContext", None), "_gateway", None), "proc", None)
    if java is None or not isinstance(error, (OSError, *_BY_ITS_ABSENCE)) or not _ends(java, error):
        return None
    return PluginFailed(
        f"{what}: the Java that Spark runs in has ended.",
        hint="Start Python anew: it starts Java but once. Did that have too little memory? "
        'SparkEngine(conf={"spark.driver.memory": "8g"})',
    )


def _ends(java: subprocess.Popen[bytes], error: BaseException) -> bool:
    """Whether Java has ended; where nobody answers, it is given the time to do so."""
    unanswered = isinstance(error, (ConnectionError, *_OF_THE_JVM)) and not hasattr(error, "java_exception")
    try:
        java.wait(_PATIENCE if unanswered else 0)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def in_session(what: str) -> Iterator[None]:
    """Raise `PluginFailed` for what pyspark finds missing once the session is gone; all else as it is."""
    try:
        yield
    except (AttributeError, OSError) as error:
        if gone := told(what, error):
            raise gone from error
        raise


def of_data(error: BaseException) -> BaseException:
    """An exception of pyarrow, as one of Arrow where it is about data: an `OSError` of the disk tells its number."""
    return pa.ArrowInvalid(str(error)) if isinstance(error, OSError) and error.errno is None else error


_EDGE = Edge(BROKEN, known=told, said=reason_of)


@contextmanager
def edge(what: str, hint: str, kind: type[MlforgeError] = Invalid, also: Raised = ()) -> Iterator[None]:
    """The edge of the engine: as `Edge`."""
    with _EDGE(what, hint, kind, also), in_session(what):
        yield
