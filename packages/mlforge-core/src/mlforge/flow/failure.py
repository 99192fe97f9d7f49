"""Why one feature failed, as data: features are independent, and a report holds what each one raised."""

from __future__ import annotations

import msgspec

from mlforge.errors import MlforgeError, PluginFailed


class Failure(msgspec.Struct, frozen=True):
    """Why a feature failed: the kind of error, what happened, and the way out."""

    kind: str
    message: str
    hint: str | None = None


def failure_of(error: Exception) -> Failure:
    """An exception as data."""
    if isinstance(error, MlforgeError):
        return Failure(type(error).__name__, error.message, error.hint)
    return Failure("PluginFailed", f"{type(error).__name__}: {error}", "This is a defect; --debug shows the traceback.")


def error_of(failure: Failure, feature: str) -> MlforgeError:
    """A failure of a feature as the error it was."""
    return _error(failure.kind)(f"{feature}: {failure.message}", hint=failure.hint)


def _error(kind: str) -> type[MlforgeError]:
    return next((c for c in MlforgeError.__subclasses__() if c.__name__ == kind), PluginFailed)
