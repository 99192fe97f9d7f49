"""The kit notices stores that make one mistake, and lets one pass that makes none."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mlforge.testing import StoreTests

CRASH = "a_kill_at_any_instant_leaves_the_old_version_whole"
MISTAKES = {
    "seen before the commit": "a_new_version_is_not_seen_before_its_commit",
    "unsorted names": "names_are_sorted",
    "versions sorted as text": "1_10_0_comes_after_1_9_0",
    "one address for all": "targets_do_not_share_an_address",
    "any name goes": "a_name_that_leads_elsewhere_is_refused",
    "versions are replaced": "a_version_that_is_there_is_not_replaced",
    "pointer not compared": "a_pointer_that_moved_meanwhile_is_a_conflict_that_changes_nothing",
    "forgets metadata": "metadata_comes_back_as_it_was_committed",
    "abort twice fails": "aborting_twice_is_no_error",
    "pointer to nothing": "the_pointer_cannot_name_what_is_not_there",
    "pointer before the data": CRASH,
    "written in place": CRASH,
    "forgets earlier parts": "a_version_may_be_made_of_parts_of_earlier_ones",
    "relies on anything": "no_flipped_bit_of_data_is_relied_on",
    "looks at sizes alone": "no_other_bytes_are_relied_on",
    "looks at the newest part alone": "a_version_is_made_of_all_its_parts",
    "forgets what went": "a_version_may_be_made_of_parts_of_earlier_ones",
}


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Runs one test of the kit on a store with a mistake."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "careless"))
    import folder_store

    class Subject(StoreTests):
        mistake = ""

        def config(self, folder: Path) -> Any:
            return folder_store.FolderStore(str(folder / "store"), self.mistake)

        def descriptor(self) -> Any:
            return folder_store.DESCRIPTOR

    def run(name: str, mistake: str) -> None:
        subject = Subject()
        subject.mistake = mistake
        test = getattr(subject, f"test_{name}")
        with ExitStack() as stack:
            given = {
                "folder": tmp_path,
                "opened": lambda: subject.config(tmp_path).open(),
                "store": stack.enter_context(subject.config(tmp_path).open()),
                "name": "../x",
                "change": "another",
                "part": 0,
            }
            test(**{p: given[p] for p in inspect.signature(test).parameters})

    return run


@pytest.fixture(autouse=True)
def forget_the_store() -> Iterator[None]:
    yield
    sys.modules.pop("folder_store", None)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_kit_notices_a_store_with_a_mistake(mistake: str, check: Callable[[str, str], None]) -> None:
    with pytest.raises((Exception, pytest.fail.Exception)):
        check(MISTAKES[mistake], mistake)


@pytest.mark.parametrize("test", sorted(set(MISTAKES.values())))
def test_a_store_without_a_mistake_passes(test: str, check: Callable[[str, str], None]) -> None:
    check(test, "")
