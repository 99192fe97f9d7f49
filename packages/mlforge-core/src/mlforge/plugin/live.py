"""What is opened is used in a `with`."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class Live(Protocol):
    """Made from its config; leaving the `with` ends whatever it opened."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...
