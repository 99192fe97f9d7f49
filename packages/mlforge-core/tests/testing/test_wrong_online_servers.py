"""The kit notices stores that fail in the wrong words, forget too much or too little, or await in the wrong order."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mlforge.errors import PluginFailed
from mlforge.plugin import Entry, OnlineStoreConfig, Secret
from mlforge.testing import AsyncOnlineStoreTests, OnlineServerTests
from mlforge.testing.memory import LiveMemoryOnlineStore
from mlforge.testing.online.serving import SECRET

HOST = "127.0.0.1:1"


class Served(OnlineStoreConfig, frozen=True, tag="served"):
    """A store whose server does what its settings say."""

    target: ClassVar[str] = f"{__name__}:LiveServed"

    state: str = "up"
    mistake: str = ""
    password: Secret | None = None

    def open(self) -> Any:
        return LiveServed(self)


class Blabbing(Served, frozen=True, tag="blabbing"):
    """One that shows its password."""

    def __repr__(self) -> str:
        return f"Blabbing({self.password})"


class LiveServed(LiveMemoryOnlineStore):
    """Entries in a dict, behind a server that may be out of order."""

    kept: ClassVar[dict[Any, Entry]] = {}

    def __init__(self, config: Served) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.state, self.mistake, self.password = config.state, config.mistake, config.password
        self.written: dict[Any, float] = {}

    def _ask(self, writing: bool = False) -> None:
        if self.state in ("up", "short") or (self.state == "full" and not writing):
            return
        if self.mistake == "another error":
            raise ConnectionError(HOST)
        hint = None if self.mistake == "no hint" else "Start it."
        told = {"no place": "The server is down.", "the password": f"{HOST} refused {SECRET}."}
        raise PluginFailed(told.get(self.mistake, f"The server at {HOST} is {self.state}."), hint=hint)

    def ping(self) -> None:
        if self.mistake != "ping asks nobody":
            self._ask()

    def write(self, entries: Any) -> int:
        self._ask(writing=self.mistake != "a full server takes more")
        given = list(entries)
        self.written |= {e.address: time.monotonic() for e in given}
        return super().write(given)

    def read(self, addresses: Any) -> list[Entry | None]:
        self._ask(writing=self.mistake == "a full server reads nothing")
        found = super().read(addresses)
        if self.state != "short" or self.mistake == "nothing expires":
            return found
        return [e if e and time.monotonic() - self.written[e.address] < 1 else None for e in found]

    def read_note(self, feature: str) -> bytes | None:
        self._ask()
        late = self.written and time.monotonic() - min(self.written.values()) > 1
        return None if self.mistake == "notes expire" and late else super().read_note(feature)

    def swap_note(self, feature: str, before: bytes | None, after: bytes) -> bool:
        self._ask()
        return super().swap_note(feature, before, after)

    def lifetime(self) -> int | None:
        return 1 if self.mistake == "a lifetime in seconds" else 1_000_000


class Subject(OnlineServerTests):
    where = HOST
    mistake = ""
    kind: type[Served] = Served

    def config(self, folder: Path) -> Served:
        return self.kind(mistake=self.mistake)

    def faulty(self, fault: str, folder: Path) -> Served:
        return self.kind(state=fault, mistake=self.mistake, password=SECRET if fault == "refusing" else None)

    def full(self, folder: Path) -> Served:
        return self.kind(state="full", mistake=self.mistake)

    def expiring(self, folder: Path) -> Served:
        return self.kind(state="short", mistake=self.mistake)

    def restart(self, folder: Path) -> None:
        if self.mistake == "lost by a restart":
            raise PluginFailed("The connection is gone.", hint="Open another.")


NAMED = "a_server_that_does_not_answer_is_named"
MISTAKES = {
    "another error": (NAMED, {"fault": "down", "verb": "read"}),
    "no hint": (NAMED, {"fault": "silent", "verb": "write"}),
    "no place": (NAMED, {"fault": "down", "verb": "swap_note"}),
    "the password": (NAMED, {"fault": "refusing", "verb": "read_note"}),
    "ping asks nobody": (NAMED, {"fault": "down", "verb": "ping"}),
    "a full server takes more": ("a_full_server_says_so_and_still_reads", {}),
    "a full server reads nothing": ("a_full_server_says_so_and_still_reads", {}),
    "nothing expires": ("an_entry_is_forgotten_when_its_lifetime_is_over", {}),
    "notes expire": ("an_entry_is_forgotten_when_its_lifetime_is_over", {}),
    "a lifetime in seconds": ("an_entry_is_forgotten_when_its_lifetime_is_over", {}),
    "lost by a restart": ("a_server_that_was_restarted_goes_on", {}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_kit_notices_a_store_whose_server_is_badly_told_of(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlforge.testing.online.serving.PATIENCE", 1.5)
    name, given = MISTAKES[mistake]
    subject = Subject()
    getattr(subject, f"test_{name}")(folder=tmp_path, **given)
    subject.mistake = mistake
    with pytest.raises((Exception, pytest.fail.Exception)):
        getattr(subject, f"test_{name}")(folder=tmp_path, **given)


def test_the_kit_notices_a_password_that_is_printed(tmp_path: Path) -> None:
    subject = Subject()
    subject.test_a_secret_is_not_printed(tmp_path)
    subject.kind = Blabbing
    with pytest.raises(AssertionError):
        subject.test_a_secret_is_not_printed(tmp_path)


class Awaiting(LiveMemoryOnlineStore):
    """A store that reads asynchronously, and makes one mistake."""

    def __init__(self, mistake: str = "") -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.mistake, self.closed = mistake, False

    async def aread(self, addresses: Any) -> list[Entry | None]:
        if self.closed and self.mistake == "closed for good":
            raise PluginFailed("It is closed.", hint="Open it.")
        found = self.read(addresses)
        return found[::-1] if self.mistake == "backwards" else found

    async def aclose(self) -> None:
        if self.closed and self.mistake == "closed twice":
            raise PluginFailed("It is closed.", hint="Open it.")
        self.closed = True


AWAITED: dict[str, str] = {
    "backwards": "what_is_awaited_is_what_is_read",
    "closed for good": "a_second_loop_may_read_after_the_first_was_closed",
    "closed twice": "a_second_loop_may_read_after_the_first_was_closed",
}


@pytest.mark.parametrize("mistake", AWAITED)
def test_the_kit_notices_a_store_that_awaits_wrongly(mistake: str) -> None:
    test: Callable[..., None] = getattr(AsyncOnlineStoreTests(), f"test_{AWAITED[mistake]}")
    test(store=Awaiting())
    with pytest.raises((Exception, pytest.fail.Exception)):
        test(store=Awaiting(mistake))


def test_a_store_that_does_not_await_is_noticed() -> None:
    with pytest.raises(AssertionError):
        AsyncOnlineStoreTests().test_many_await_at_once(LiveMemoryOnlineStore(None))  # type: ignore[arg-type]
