"""Where a backend's exceptions become mlforge's: each is wrapped once, with its cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from mlforge.errors import Invalid, MlforgeError, PluginFailed

Raised = tuple[type[BaseException], ...]


def reason(error: BaseException) -> str:
    r"""The first line of an exception's text, as the end of a sentence.

    Example:
        >>> reason(ValueError("not a date:\n  'soon'"))
        'not a date.'
    """
    first = str(error).strip().split("\n", 1)[0].rstrip(" .:")
    return f"{first or type(error).__name__}."


class Edge(msgspec.Struct, frozen=True):
    """An engine's edge.

    Args:
        broken: What the backend raises for data that cannot be used.
        disk: What it raises for a disk, a path or the network; comes first where it is `broken`, too.
        known: The error for an exception that has words of its own, or None; it is given `what`, too.
        said: What an exception says, as the end of a sentence: its first line, where nothing else is given.

    Example:
        >>> edge = Edge((ArithmeticError,))
        >>> with edge("The rows cannot be computed", "Look at the divisor."):
        ...     1 / 0
        Traceback (most recent call last):
        mlforge.errors.Invalid: The rows cannot be computed: division by zero. Look at the divisor.
    """

    broken: Raised
    disk: Raised = (OSError,)
    known: Callable[[str, BaseException], MlforgeError | None] = lambda _what, _error: None
    said: Callable[[BaseException], str] = reason

    @contextmanager
    def __call__(self, what: str, hint: str, kind: type[MlforgeError] = Invalid, also: Raised = ()) -> Iterator[None]:
        """Raise `kind` for what is broken inside and for `also`, `PluginFailed` for a disk or a path."""
        try:
            yield
        except (*self.disk, *self.broken, *also) as error:
            raise self.known(what, error) or self._wrapped(what, hint, kind, error) from error

    def _wrapped(self, what: str, hint: str, kind: type[MlforgeError], error: BaseException) -> MlforgeError:
        if isinstance(error, self.disk):
            return PluginFailed(
                f"{what}: {reason(error)}", "See the cause: a full disk, a path, a permission or the network."
            )
        return kind(f"{what}: {self.said(error)}", hint)
