"""The kit notices stores that make one mistake, and lets one pass that makes none."""

from __future__ import annotations

import inspect
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlforge.plugin import Pruned, StoreConfig
from mlforge.stores.local.plugin import LocalStore
from mlforge.stores.local.store import LiveLocalStore
from mlforge.testing import PruningStoreTests, StoreTests
from mlforge.testing.victim import Doing

CRASH = "a_kill_at_any_instant_leaves_the_old_version_whole"
GROWING = "a_kill_at_any_instant_of_an_increment_leaves_the_old_version_whole"
PRUNING = "a_kill_at_any_instant_of_pruning_leaves_what_stays_whole"
RACE = "of_builders_in_processes_none_loses_what_another_built"
MISTAKES = {
    "looks, then writes": RACE,
    "a lock of the process": RACE,
    "leaves files open": "closing_gives_back_what_opening_took",
    "leaves threads": "closing_gives_back_what_opening_took",
    "names are patterns": "any_name_that_a_feature_may_have_is_its_own",
    "no hyphens": "any_name_that_a_feature_may_have_is_its_own",
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
    "names folded": "names_that_differ_in_case_alone_are_two_features",
    "names are cut": "long_names_that_begin_alike_are_two_features",
    "one list for all who ask": "answers_belong_to_whoever_asked",
    "asking makes folders": "asking_makes_nothing",
    "versions are remembered": "what_one_handle_commits_another_sees_at_once",
    "the pointer is remembered": "a_pointer_that_one_handle_moves_another_reads_at_once",
    "begun ones are swept": "what_one_handle_has_begun_another_leaves_alone",
    "none expects anything": "no_version_is_expected_only_where_there_is_none",
    "long metadata are cut": "metadata_of_a_thousand_columns_come_back",
    "the first bytes are hashed": "every_byte_counts",
    "abort by prefix": "an_abort_takes_only_its_own_target_away",
    "errors as they come": "a_backend_that_fails_is_a_plugin_failure",
    "damage as it comes": "damaged_metadata_are_refused_and_named",
    "damaged metadata are skipped": "damaged_metadata_are_refused_and_named",
    "a damaged pointer is none": "a_damaged_pointer_is_refused_and_can_be_set_anew",
}

POSIX = {"leaves files open"}  # how many files are open, Windows does not say
MARKED = [pytest.param(m, marks=pytest.mark.posix) if m in POSIX else m for m in MISTAKES]


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
                "verb": "names",
                "damage": "half",
                "change": "zeros",
                "part": 0,
            }
            test(**{p: given[p] for p in inspect.signature(test).parameters})

    return run


@pytest.fixture(autouse=True)
def forget_the_store() -> Iterator[None]:
    yield
    sys.modules.pop("folder_store", None)


@pytest.mark.parametrize("mistake", MARKED)
def test_the_kit_notices_a_store_with_a_mistake(mistake: str, check: Callable[[str, str], None]) -> None:
    with pytest.raises((Exception, pytest.fail.Exception)):
        check(MISTAKES[mistake], mistake)


class Dying(PruningStoreTests, StoreTests):
    """Notes how its author's way of dying is asked for, and has none."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def config(self, folder: Path) -> Any:
        return LocalStore(folder)

    def crash(self, config: StoreConfig, folder: Path, step: int, doing: Doing) -> bool:
        self.asked.append(doing)
        return False


@pytest.mark.parametrize(("test", "doing"), [(CRASH, "commit"), (GROWING, "increment"), (PRUNING, "prune")])
def test_every_kill_is_the_authors_and_one_that_kills_nothing_is_noticed(test: str, doing: str, tmp_path: Path) -> None:
    subject = Dying()
    with pytest.raises(AssertionError, match=f"{doing} was done before its first step"):
        getattr(subject, f"test_{test}")(folder=tmp_path)
    assert subject.asked == [doing]


@pytest.mark.parametrize("steps", [1, 700])
def test_no_number_of_steps_is_too_small_or_too_great(steps: int, tmp_path: Path) -> None:
    class Stepping(Dying):
        def crash(self, config: StoreConfig, folder: Path, step: int, doing: Doing) -> bool:
            if step <= steps:
                return True
            with config.open() as store:
                self.commit(store, "1.1.0", data=b"new")
            return False

    getattr(Stepping(), f"test_{CRASH}")(folder=tmp_path)


class Forgetful(LiveLocalStore):
    """Prunes with one mistake."""

    mistake = ""

    def prune(self, name: str, keep: int) -> Pruned:
        if self.mistake == "by prefix":
            for other in [n for n in self.names() if n.startswith(name)]:
                super().prune(other, keep)
        if self.mistake == "keep is not looked at":
            return super().prune(name, 1)
        if self.mistake == "damage is not looked at":
            rest = [p for p in self.root.joinpath(name).glob("*.*.*") if p.name not in self.versions(name)[-keep:]]
            for folder in rest:
                shutil.rmtree(folder)
            return Pruned(tuple(p.name for p in rest), 0)
        pruned = super().prune(name, keep)
        if self.mistake == "metadata stay":
            for version in pruned.versions:
                place = self.root / name / version
                place.mkdir(exist_ok=True)
                (place / ".meta.json").write_bytes((self.root / name / self.latest(name) / ".meta.json").read_bytes())
        return msgspec.structs.replace(pruned, bytes=pruned.bytes + (self.mistake == "counts what is not there"))


PRUNED = {
    "by prefix": "features_of_longer_names_are_left_alone",
    "keep is not looked at": "keeping_more_than_there_are_removes_nothing",
    "metadata stay": "what_was_removed_is_nowhere_any_more",
    "counts what is not there": "pruning_again_frees_nothing_more",
    "damage is not looked at": "nothing_is_removed_where_what_stays_is_damaged",
}


@pytest.mark.parametrize("mistake", PRUNED)
def test_the_kit_notices_that_a_store_prunes(mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = getattr(Dying(), f"test_{PRUNED[mistake]}")
    monkeypatch.setattr(LocalStore, "open", lambda config: Forgetful(config))
    noticed = pytest.raises((Exception, pytest.fail.Exception))
    for number, (wrong, outcome) in enumerate(((mistake, noticed), ("", nullcontext()))):
        monkeypatch.setattr(Forgetful, "mistake", wrong)
        folder = tmp_path / str(number)
        folder.mkdir()
        config = LocalStore(folder / "store")
        with config.open() as store, outcome:
            given = {"folder": folder, "store": store, "pruning": store, "opened": config.open}
            test(**{p: given[p] for p in inspect.signature(test).parameters})


@pytest.mark.parametrize("test", sorted(set(MISTAKES.values())))
def test_a_store_without_a_mistake_passes(test: str, check: Callable[[str, str], None]) -> None:
    check(test, "")
