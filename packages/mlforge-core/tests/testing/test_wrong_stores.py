"""The kit notices stores that make one mistake, and lets one pass that makes none."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlforge.testing import OnlineStoreTests, StoreTests
from mlforge.testing.memory import LiveMemoryOnlineStore

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


class Careless(LiveMemoryOnlineStore):
    """An online store whose mistakes are set by its name."""

    def __init__(self, mistake: str) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.mistake = mistake

    def write(self, entries: Any) -> int:
        given = list(entries)
        if self.mistake == "older overwrites newer":
            self.entries.clear()
        if self.mistake == "only the value is kept":
            given = [msgspec.structs.replace(e, points=e.points[:1]) for e in given]
        if self.mistake == "times become text":
            given = [msgspec.convert(msgspec.to_builtins(e), type(e)) for e in given]
        if self.mistake == "the first of a write stays":
            given = list({(e.feature, e.key): e for e in given[::-1]}.values())
        if self.mistake == "features share their entities":
            given = [msgspec.structs.replace(e, feature="spend") for e in given]
        kept = super().write(given)
        return len(given) if self.mistake == "counts what it left out" else kept

    def read(self, addresses: Any) -> list[Any]:
        found = super().read(addresses)
        if self.mistake == "missing entities are left out":
            return [e for e in found if e is not None]
        return sorted(found, key=repr) if self.mistake == "order is lost" else found


ONLINE_MISTAKES = {
    "older overwrites newer": "an_older_publish_never_overwrites_a_newer_one",
    "only the value is kept": "what_is_written_is_read_at_once",
    "times become text": "every_value_keeps_its_type",
    "the first of a write stays": "any_sequence_of_writes_leaves_the_newest_of_each_entity",
    "features share their entities": "features_do_not_share_their_entities",
    "counts what it left out": "an_older_publish_never_overwrites_a_newer_one",
    "missing entities are left out": "missing_entities_are_none_in_their_place",
    "order is lost": "ten_thousand_entities_keep_their_order",
}


@pytest.mark.parametrize("mistake", ONLINE_MISTAKES)
def test_the_kit_notices_an_online_store_with_a_mistake(mistake: str) -> None:
    test = getattr(OnlineStoreTests(), f"test_{ONLINE_MISTAKES[mistake]}")
    given = {"value": b"\xff"} if "value" in inspect.signature(test).parameters else {}
    with pytest.raises((Exception, pytest.fail.Exception)):
        test(store=Careless(mistake), **given)
    test(store=Careless(""), **given)
