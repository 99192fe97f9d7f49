"""What went wrong with Databricks, in words: where, why, and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError

from mlforge.errors import MlforgeError, PluginFailed

_CLASS = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]\s*")
_LOGIN = "Log in anew: databricks auth login, or give host and token, or set DATABRICKS_HOST and DATABRICKS_TOKEN."
_ALLOW = "Grant USE CATALOG, USE SCHEMA, SELECT, MODIFY and CREATE TABLE there, and CAN USE on the warehouse."
_LATER = "Try again later: Databricks is asked too often, or is not there for the moment."
_NAMED = "Correct what is named there: catalog, schema, volume, warehouse_id; project, branch or endpoint."
_RIGHTS = {"PERMISSION_DENIED", "INSUFFICIENT_PERMISSIONS"}
_STATUS = {
    "UNAUTHENTICATED": _LOGIN,
    "RESOURCE_EXHAUSTED": _LATER,
    "REQUEST_LIMIT_EXCEEDED": _LATER,
    "TEMPORARILY_UNAVAILABLE": _LATER,
    "SCHEMA_NOT_FOUND": "Make it, or correct schema: CREATE SCHEMA",
    "SCHEMA_DOES_NOT_EXIST": "Make it, or correct schema: CREATE SCHEMA",
    "NO_SUCH_CATALOG_EXCEPTION": "Correct catalog: SHOW CATALOGS tells which there are.",
    "CATALOG_NOT_FOUND": "Correct catalog: SHOW CATALOGS tells which there are.",
    "NOT_FOUND": _NAMED,
    "RESOURCE_DOES_NOT_EXIST": _NAMED,
}
_KINDS = {
    "Unauthenticated": "UNAUTHENTICATED",
    "PermissionDenied": "PERMISSION_DENIED",
    "NotFound": "NOT_FOUND",
    "TooManyRequests": "REQUEST_LIMIT_EXCEEDED",
    "TemporarilyUnavailable": "TEMPORARILY_UNAVAILABLE",
}
"""The words of the kinds of errors that the client raises for statuses of HTTP."""
_ASKED = "Try again; if it is so every time, ask whoever runs the workspace."
_HISTORY = "See the query's history in the workspace."
_OFF = "Check host, and whether this machine gets there."


class Refused(PluginFailed):
    """A statement or a request that Databricks refused. `word` is the class of the error, as Databricks names it."""

    def __init__(self, message: str, hint: str | None = None, word: str = "") -> None:
        super().__init__(message, hint)
        self.word = word


def refused(where: str, code: str | None, message: str, grant: str = _ALLOW, otherwise: str = _HISTORY) -> Refused:
    """The failure that an answer of Databricks comes to.

    `grant` is the way out where a right lacks, `otherwise` where nothing is known of the error.
    """
    found = _CLASS.search(message)
    word = found[1] if found else code or ""
    text = _first(message[found.end() :] if found else message) or word
    hint = grant if word in _RIGHTS else next((said for known, said in _STATUS.items() if word.startswith(known)), None)
    told = f"{text} ({word})" if word else text
    return Refused(f"Databricks at {where} refused: {told}.", hint or otherwise, word)


def another(where: str, reason: str) -> Refused:
    """The failure where somebody else answers in Databricks' place, such as a proxy with a page to sign in."""
    return Refused(f"What answers at {where} is not Databricks: {reason}.", _OFF)


def _first(message: str) -> str:
    """The first line of a message, without a full stop."""
    return message.strip().split("\n", 1)[0].strip().rstrip(".")


def is_absent(error: Refused) -> bool:
    """Whether a table was not found."""
    return error.word in {"TABLE_OR_VIEW_NOT_FOUND", "DELTA_TABLE_NOT_FOUND", "DELTA_MISSING_DELTA_TABLE"}


def is_lost_race(error: Refused) -> bool:
    """Whether somebody else changed the same table at the same time, so that the statement changed nothing."""
    return "CONCURRENT" in error.word or error.word in {"DELTA_METADATA_CHANGED", "DELTA_PROTOCOL_CHANGED"}


def is_vacuumed(error: Refused) -> bool:
    """Whether the files of an older version of a table are gone."""
    return error.word.startswith(_VACUUMED)


_VACUUMED = (
    "DELTA_VERSION_NOT_FOUND",
    "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION",
    "DELTA_CANNOT_TIME_TRAVEL",
    "DELTA_TIME_TRAVEL",
    "DELTA_FILE_NOT_FOUND",
    "DELTA_TRUNCATED_TRANSACTION_LOG",
    "DELTA_LOG_FILE_NOT_FOUND",
    "FAILED_READ_FILE.DBR_FILE_NOT_EXIST",
    "FAILED_READ_FILE.FILE_NOT_EXIST",
)


@contextmanager
def told(where: str, grant: str = _ALLOW) -> Iterator[None]:
    """Tell what the client of Databricks raises as `Refused`; `grant` is the way out where a right lacks."""
    try:
        yield
    except MlforgeError:
        raise
    except TimeoutError as error:
        raise _of(error.__cause__ or error, where, grant) from None
    except (OSError, ValueError, RuntimeError) as error:
        raise _of(error, where, grant) from None


def _of(error: BaseException, where: str, grant: str) -> Refused:
    names = [kind.__name__ for kind in type(error).__mro__]
    if "DatabricksError" in names:
        kind = next((_KINDS[n] for n in names if n in _KINDS), None)
        code = getattr(error, "error_code", None)
        return refused(where, kind or code, str(error), grant, _ASKED)
    if isinstance(error, JSONDecodeError):
        return another(where, "it sends no JSON")
    if isinstance(error, ValueError):  # it found no credentials, or contradictory ones
        return Refused(f"There is no way to log in to Databricks at {where}: {_first(str(error))}.", _LOGIN)
    return Refused(f"Databricks at {where} does not answer: {_first(str(error)) or type(error).__name__}.", _OFF)
