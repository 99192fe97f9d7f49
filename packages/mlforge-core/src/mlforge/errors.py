"""What can go wrong, sorted by what the caller does next.

Every error says what happened and where in `message`, and the way out in `hint`.
"""

from __future__ import annotations


class MlforgeError(Exception):
    """The base of every error mlforge raises on purpose.

    Args:
        message: What happened, and where, in one sentence.
        hint: What to do about it.

    Example:
        >>> str(MlforgeError("No feature 'user_spent'.", hint="Did you mean 'user_spend'?"))
        "No feature 'user_spent'. Did you mean 'user_spend'?"
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class NotInstalled(MlforgeError):
    """A distribution is missing: install it."""


class Unknown(MlforgeError):
    """A name that nothing answers to: correct it."""


class Unsupported(MlforgeError):
    """A pairing that cannot work: choose another engine, store or format."""


class Invalid(MlforgeError):
    """A definition, an argument or the data is wrong: mend it."""


class CheckFailed(MlforgeError):
    """The data broke a validator: look at the data. `results` holds one entry a check."""

    def __init__(self, message: str, hint: str | None = None, results: tuple[object, ...] = ()) -> None:
        super().__init__(message, hint)
        self.results = results


class NotFound(MlforgeError):
    """Something that should be stored is not there: build it, or look elsewhere."""


class Conflict(MlforgeError):
    """Somebody else got there first, or two things claim one name: decide which."""


class PluginFailed(MlforgeError):
    """A plugin, or what it talks to, broke: see the cause."""
