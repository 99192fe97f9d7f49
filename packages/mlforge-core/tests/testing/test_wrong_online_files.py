"""The kit notices online stores of files that are not safe from other processes, and lets one pass that is."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlforge.testing import ExpiringOnlineStoreTests, OnlineStoreTests
from mlforge.testing.online import expiring

KILLED = "a_publisher_that_is_killed_leaves_whole_entries_and_can_be_followed"
MISTAKES = {
    "entries in place": KILLED,
    "notes in place": KILLED,
    "a lock that is left behind": KILLED,
    "written when it is closed": "what_a_publisher_that_is_killed_was_told_is_kept_is_kept",
    "notes with a lock of the process": "of_processes_that_count_in_a_note_none_loses_a_count",
    "what others write is never looked at": "a_publisher_goes_on_while_others_come_and_go",
    "what expired is read": "an_entry_is_forgotten_when_its_lifetime_is_over",
    "leaves files open": "closing_gives_back_what_opening_took",
}

POSIX = {"leaves files open"}  # how many files are open, Windows does not say
MARKED = [pytest.param(m, marks=pytest.mark.posix) if m in POSIX else m for m in MISTAKES]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring, "PATIENCE", 3.0)


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, impatient: None) -> Iterator[Callable[[str, str], None]]:
    """Runs one test of the kit on a store with a mistake."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "careless"))
    import file_store

    class Subject(OnlineStoreTests, ExpiringOnlineStoreTests):
        mistake = ""

        def config(self, folder: Path) -> Any:
            return file_store.FileStore(str(folder / "store"), self.mistake)

        def expiring(self, folder: Path) -> Any:
            return file_store.FileStore(str(folder / "store"), self.mistake, 1)

        def descriptor(self) -> Any:
            return file_store.DESCRIPTOR

    def run(name: str, mistake: str) -> None:
        subject = Subject()
        subject.mistake = mistake
        test = getattr(subject, f"test_{name}")
        given = {"folder": tmp_path, "opened": subject.config(tmp_path).open}
        test(**{p: given[p] for p in inspect.signature(test).parameters})

    yield run
    sys.modules.pop("file_store", None)


@pytest.mark.parametrize("mistake", MARKED)
def test_the_kit_notices_a_store_with_a_mistake(mistake: str, check: Callable[[str, str], None]) -> None:
    with pytest.raises((Exception, pytest.fail.Exception)):
        check(MISTAKES[mistake], mistake)


@pytest.mark.parametrize("test", sorted(set(MISTAKES.values())))
def test_a_store_without_a_mistake_passes(test: str, check: Callable[[str, str], None]) -> None:
    check(test, "")
