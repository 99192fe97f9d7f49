"""What the command line hands to `mlforge ui`: a catalog that is asked for its files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol


class Changes(Protocol):
    """What a page asks for again and again: as of which change, what happened since, and what is wrong."""

    @property
    def since(self) -> str: ...

    @property
    def happened(self) -> Sequence[str]: ...

    @property
    def trouble(self) -> str: ...


class LiveCatalog(Protocol):
    """A catalog over its stores as they are now."""

    @property
    def project(self) -> str: ...

    @property
    def features(self) -> int: ...

    @property
    def policy(self) -> str: ...

    def look(self) -> None:
        """See what has changed in the stores, unless that was done a moment ago."""

    def text(self, path: str) -> str | None:
        """A file; None where there is none."""

    def changes(self, since: str) -> Changes:
        """What happened since."""


class Invocation(Protocol):
    """One call of `mlforge`."""

    debug: bool

    def live_catalog(
        self, target: str | None = ..., profile: str | None = ..., *, store_only: bool = ...
    ) -> AbstractContextManager[LiveCatalog]: ...
