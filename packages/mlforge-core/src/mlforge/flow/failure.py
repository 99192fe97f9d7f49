"""Why one feature failed, as data: features are independent, and a report holds what each one raised."""

from __future__ import annotations

import msgspec

from mlforge.errors import Invalid, MlforgeError, NotFound, PluginFailed, Unknown, Unsupported
from mlforge.model.feature import Feature
from mlforge.plugin.where import definition_of, line_of

_DEFINED = (Invalid, NotFound, Unknown, Unsupported)
"""Errors that the one who wrote the definition mends, rather than the one who runs it."""


class Failure(msgspec.Struct, frozen=True):
    """Why a feature failed: the kind of error, what happened, the way out, and the user's line that had part in it."""

    kind: str
    message: str
    hint: str | None = None
    where: str | None = None

    @property
    def told(self) -> str:
        """All of it in one line."""
        return " ".join(text for text in (self.message, self.hint, self.where and f"({self.where})") if text)


def failure_of(error: Exception, feature: Feature | None = None) -> Failure:
    """An exception as data. Where the feature's definition may be to blame, its line is the place."""
    if not isinstance(error, MlforgeError):
        hint = "This is a defect, in mlforge or in a plugin; --debug shows the traceback."
        return Failure("PluginFailed", f"{type(error).__name__}: {error}", hint, line_of(error))
    blamed = feature if isinstance(error, _DEFINED) else None
    where = error.where or (definition_of(blamed.function, error.message) if blamed else None)
    return Failure(type(error).__name__, error.message, error.hint, where)


def error_of(failure: Failure, feature: str) -> MlforgeError:
    """A failure of a feature as the error it was."""
    return _error(failure.kind)(f"{feature}: {failure.message}", hint=failure.hint).at(failure.where)


def _error(kind: str) -> type[MlforgeError]:
    return next((c for c in MlforgeError.__subclasses__() if c.__name__ == kind), PluginFailed)
