"""The catalog over its stores as they are now: for a server that shows it."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections import deque
from typing import NamedTuple, Self

from mlforge.cli.catalog.frame import LIVE_POLICY
from mlforge.cli.catalog.shown import Shown
from mlforge.cli.catalog.site import Site
from mlforge.errors import MlforgeError
from mlforge.flow.discovering.following import Following
from mlforge.flow.moments import now
from mlforge.flow.online.glance import served_now
from mlforge.plugin.online_stores import OnlineStore
from mlforge.plugin.stores import Store

EVERY = 1.0
"""Seconds between two looks at the stores, at least."""
PART = 20
"""A look that takes long is made less often: of all time, this part."""
TOLD = 100
"""How many things that happened are remembered."""
_log = logging.getLogger("mlforge.catalog")


class Changes(NamedTuple):
    """What a page asks for again and again: as of which change, what happened since, and what is wrong with a store."""

    since: str
    happened: list[str]
    trouble: str


class LiveCatalog:
    """A catalog that is asked for its files, and looks at the stores where something may have changed.

    Nothing is looked at while nobody asks. A store that does not answer leaves what was known, and is told.

    Args:
        shown: The project and its stores.
    """

    policy = LIVE_POLICY

    def __init__(self, shown: Shown) -> None:
        self.project = shown.name
        self._shown = shown
        self._following = Following(shown.name, shown.told)
        self._looking = threading.Lock()
        self._opened = contextlib.ExitStack()
        self._store: Store | None = None
        self._online: OnlineStore | None = None
        self._next = 0.0
        self._start, self._count = secrets.token_hex(4), 0
        self._happened: deque[tuple[int, str]] = deque(maxlen=TOLD)
        self._troubles: dict[str, str] = {}
        self._known: tuple[Site, dict[str, str]] = (self._made(), {})

    def __enter__(self) -> Self:
        """Open the stores and look at them once; the offline store has to answer."""
        self._store = self._opened.enter_context(self._shown.store.open())
        self._following.look(self._store, now())
        self.look()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @property
    def features(self) -> int:
        """How many there are."""
        return len(self._known[0].book.pages)

    def look(self) -> None:
        """See what has changed, unless that was done a moment ago or is being done."""
        if time.monotonic() < self._next or not self._looking.acquire(blocking=False):
            return
        try:
            began = time.monotonic()
            self._look()
            self._next = time.monotonic() + max(EVERY, PART * (time.monotonic() - began))
        finally:
            self._looking.release()

    def text(self, path: str) -> str | None:
        """A file of the catalog as it is now; None where there is none."""
        site, texts = self._known  # both at once: a page of a site that is renewed meanwhile is kept with that one
        if path not in texts:
            if path not in site.known:
                return None
            texts[path] = site.text(path)
        return texts[path]

    def changes(self, since: str) -> Changes:
        """What happened since a change; all that is remembered of another start's."""
        start, _, number = since.partition(".")
        last = int(number) if start == self._start and number.isdecimal() and len(number) < 12 else self._count
        happened = [text for count, text in list(self._happened) if count > last]
        return Changes(self._since, happened, " ".join(self._troubles.values()))

    @property
    def _since(self) -> str:
        return f"{self._start}.{self._count}"

    def _look(self) -> None:
        before, troubles = self._following.book, dict(self._troubles)
        happened = [*self._look_at_store(), *self._look_at_serving()]
        if happened or self._following.book is not before or troubles != self._troubles or not self._count:
            self._count += 1
            self._happened.extend((self._count, text) for text in happened)
            self._known = self._made(), {}

    def _look_at_store(self) -> list[str]:
        try:
            assert self._store is not None  # noqa: S101 - it was opened
            happened = self._following.look(self._store, now())
        except MlforgeError as error:
            self._complain("The store cannot be read", error)
            return []
        self._troubles.pop("The store cannot be read", None)
        return happened

    def _look_at_serving(self) -> list[str]:
        if self._shown.online is None:
            return []
        try:
            if self._online is None:
                self._online = self._opened.enter_context(self._shown.online.open())
            served = served_now(self._online, self._following.names)
        except MlforgeError as error:
            self._complain("What is served cannot be told", error)
            return []
        self._troubles.pop("What is served cannot be told", None)
        first = not self._count
        happened = self._following.serve(served, now())
        return [] if first else happened

    def _complain(self, what: str, error: MlforgeError) -> None:
        said = f"{what}: {error}"
        if self._troubles.get(what) != said:
            _log.warning("%s", said)
        self._troubles[what] = said

    def _made(self) -> Site:
        none = "The profile names no online store." if self._shown.online is None else ""
        online = none or self._troubles.get("What is served cannot be told", "")
        return Site(self._following.book, self._shown.place, self._since, online)
