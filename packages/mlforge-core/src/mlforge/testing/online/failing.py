"""A backend that fails while a store is open: every verb says so, in mlforge's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlforge.errors import PluginFailed
from mlforge.testing.online.subject import DAY, OnlineSubject, entry
from mlforge.testing.refusals import refused
from mlforge.testing.versions import rewrite

Verb = Callable[[Any], object]
VERBS: dict[str, Verb] = {
    "read": lambda store: store.read([entry(1).address]),
    "write": lambda store: store.write([entry(1, as_of=DAY, x=1)]),
    "read_note": lambda store: store.read_note("spend"),
    "swap_note": lambda store: store.swap_note("spend", None, b"1"),
}


class FailingTests(OnlineSubject):
    """What the backend raises is wrapped once."""

    @contextmanager
    def failing(self, folder: Path) -> Iterator[None]:
        """While this lasts, the backend of `config(folder)` fails: a server is stopped, a file is damaged.

        By default, for stores of files: each file in the folder is overwritten in place.
        """
        rewrite(folder, bool, lambda data: b"?" * len(data), "failing")
        yield

    def test_a_backend_that_fails_is_a_plugin_failure(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            store.write([entry(1, x=1)])
            with self.failing(folder):
                for verb in VERBS.values():
                    with refused(PluginFailed) as caught:
                        verb(store)
                    assert caught.value.__cause__ is not None, "what the backend raised is not the cause"

    def test_a_ping_fails_where_the_backend_does(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            store.write([entry(1, x=1)])
            store.ping()
            with self.failing(folder), refused(PluginFailed):
                store.ping()

    def test_opening_or_asking_a_backend_that_fails_is_a_plugin_failure(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            store.write([entry(1, x=1)])
        with self.failing(folder), refused(PluginFailed), self.config(folder).open() as store:
            store.ping()
