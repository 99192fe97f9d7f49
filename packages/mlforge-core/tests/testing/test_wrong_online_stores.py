"""The kit notices online stores that make one mistake, and lets one pass that makes none."""

from __future__ import annotations

import inspect
import math
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import msgspec
import pytest

from mlforge.errors import PluginFailed
from mlforge.model.keys import surrogate_key
from mlforge.plugin import Entry, Point
from mlforge.testing import OnlineStoreTests
from mlforge.testing.memory import LiveMemoryOnlineStore

Store = LiveMemoryOnlineStore
right = LiveMemoryOnlineStore
keep = vars(Store)["_keep"]
VALUE = "every_value_keeps_its_type"
RACE = "of_publishers_in_threads_the_newest_wins"


def changed(change: Callable[[Entry], dict[str, Any]]) -> Callable[[Store, Entry], bool]:
    """Keeps something else than what it was given."""
    return lambda self, e: keep(self, msgspec.structs.replace(e, **change(e)))


def of_points(change: Callable[[Point], Point]) -> Callable[[Store, Entry], bool]:
    return changed(lambda e: {"points": tuple(map(change, e.points))})


def as_text(point: Point) -> Point:
    return Point(point.stamp, tuple(map(msgspec.to_builtins, point.values)))


def as_json(point: Point) -> Point:
    return msgspec.json.decode(msgspec.json.encode(point), type=Point)


def without_signs(point: Point) -> Point:
    return Point(point.stamp, tuple(0.0 if type(v) is float and v == 0 else v for v in point.values))


def newest_by(rank: Callable[[Entry], Any]) -> Callable[[Store, Entry], bool]:
    """Decides by something else than `as_of`."""

    def decide(self: Store, e: Entry) -> bool:
        there = self.entries.get(e.address)
        if there is not None and rank(there) > rank(e):
            return False
        self.entries[e.address] = e
        return True

    return decide


def greater_only(self: Store, e: Entry) -> bool:
    there = self.entries.get(e.address)
    return (there is None or there.as_of < e.as_of) and keep(self, e)


def look_then_write(self: Store, e: Entry) -> bool:
    there = self.entries.get(e.address)
    time.sleep(0.000_1)
    if there is None or there.as_of <= e.as_of:
        self.entries[e.address] = e
    return True


def forget_the_gone(self: Store, e: Entry) -> bool:
    return keep(self, e) if e.points else self.entries.pop(e.address, None) is None or True


def the_first_stays(self: Store, entries: Iterable[Entry]) -> int:
    return right.write(self, {e.address: e for e in list(entries)[::-1]}.values())


def all_or_lost(self: Store, entries: Iterable[Entry]) -> int:
    self.entries.clear()
    return right.write(self, entries)


def look_when_a_write_begins(self: Store, entries: Iterable[Entry]) -> int:
    there = {address: e.as_of for address, e in self.entries.items()}
    wanted = [e for e in entries if there.get(e.address, e.as_of) <= e.as_of]
    self.entries.update({e.address: e for e in wanted})
    return len(wanted)


def half_written(self: Store, entries: Iterable[Entry]) -> int:
    """Each entry is there a while before its values are."""
    kept = 0
    for e in entries:
        keep(self, msgspec.structs.replace(e, points=(Point(0, (0,)),)))
        time.sleep(0.000_01)
        kept += keep(self, e)
    return kept


def swap_after_a_look(self: Store, feature: str, before: bytes | None, after: bytes) -> bool:
    same = self.notes.get(feature) == before
    time.sleep(0.01)
    if same:
        self.notes[feature] = after
    return same


def swap_anyway(self: Store, feature: str, before: bytes | None, after: bytes) -> bool:
    return right.swap_note(self, feature, self.notes.get(feature), after)


def older_with_tombstones(self: Store, feature: str, as_of: int) -> Iterator[str]:
    return (e.key for e in self.entries.values() if e.feature == feature and e.as_of < as_of)


def listed_first(self: Store, entries: Iterable[Entry]) -> int:
    return right.write(self, list(entries))


def whole_batches(self: Store, entries: Iterable[Entry]) -> int:
    """The rest of the last batch is forgotten."""
    given, kept = list(entries), 0
    for start in range(0, len(given), 100):
        batch = given[start : start + 100]
        kept += right.write(self, batch) if len(batch) == 100 or start == 0 else 0
    return kept


def remembered(self: Store, addresses: Any) -> Any:
    """Reads are cached."""
    seen = vars(self).setdefault("seen", {})
    return [seen.setdefault(a, found) for a, found in zip(addresses, right.read(self, addresses), strict=True)]


def taken_out(self: Store, addresses: Any) -> Any:
    found = right.read(self, addresses)
    for address in addresses:
        self.entries.pop(address, None)
    return found


def one_list(self: Store, addresses: Any) -> Any:
    key = tuple(addresses)
    return vars(self).setdefault("lists", {}).setdefault(key, right.read(self, addresses))


def pages_of_a_hundred(self: Store, addresses: Any) -> Any:
    """What is missing in a later page is left out of it."""
    found = right.read(self, addresses)
    return found if len(found) <= 100 else found[:100] + [e for e in found[100:] if e]


def gone_by_prefix(self: Store, e: Entry) -> bool:
    if not e.points:
        for address in [a for a in self.entries if a.feature.startswith(e.feature) and a.key == e.key]:
            del self.entries[address]
    return keep(self, e)


def only_where_it_is(self: Store, e: Entry) -> bool:
    return False if not e.points and e.address not in self.entries else keep(self, e)


def emptied_notes(self: Store, entries: Iterable[Entry]) -> int:
    self.notes.clear()
    return right.write(self, entries)


def read_note_or_none(self: Store, feature: str) -> bytes | None:
    return self.notes.get(feature) or None


def cut_note(self: Store, feature: str, before: bytes | None, after: bytes) -> bool:
    return right.swap_note(self, feature, before if before is None else before[:65_535], after[:65_535])


MISTAKES: dict[str, tuple[str, Any, str]] = {
    "older overwrites newer": ("_keep", newest_by(lambda e: 0), "an_older_publish_never_overwrites_a_newer_one"),
    "as_of in seconds": ("_keep", newest_by(lambda e: e.as_of // 1_000_000), "microseconds_decide"),
    "the version decides": ("_keep", newest_by(lambda e: e.version), "an_older_version_published_later_is_served"),
    "only the value is kept": ("_keep", changed(lambda e: {"points": e.points[:1]}), "what_is_written_is_read_at_once"),
    "until is forgotten": ("_keep", changed(lambda e: {"until": None}), "what_is_written_is_read_at_once"),
    "columns are sorted": ("_keep", changed(lambda e: {"columns": e.columns[::-1]}), "what_is_written_is_read_at_once"),
    "times become text": ("_keep", of_points(as_text), f"{VALUE}:bytes"),
    "plain JSON": ("_keep", of_points(as_json), f"{VALUE}:nan"),
    "no sign of zero": ("_keep", of_points(without_signs), f"{VALUE}:zero"),
    "features share entities": (
        "_keep",
        changed(lambda e: {"feature": "spend"}),
        "features_do_not_share_their_entities",
    ),
    "another hash": (
        "_keep",
        changed(lambda e: {"key": surrogate_key(e.key)}),
        "entities_are_found_by_the_hashes_of_the_golden_table",
    ),
    "keys without types": (
        "_keep",
        changed(lambda e: {"key": {surrogate_key("1"): surrogate_key(1)}.get(e.key, e.key)}),
        "keys_of_every_kind_stay_apart",
    ),
    "a tombstone leaves nothing": (
        "_keep",
        forget_the_gone,
        "an_older_publish_does_not_bring_back_an_entity_that_is_gone",
    ),
    "a repeated publish is refused": ("_keep", greater_only, "the_same_publish_again_replaces_what_is_there"),
    "a look, then a write": ("_keep", look_then_write, RACE),
    "the first of a write stays": ("write", the_first_stays, "any_sequence_of_writes_leaves_the_newest_of_each_entity"),
    "counts what it left out": (
        "write",
        lambda self, e: right.write(self, e) + 1,
        "an_older_publish_never_overwrites_a_newer_one",
    ),
    "each write empties the store": ("write", all_or_lost, "a_write_that_is_cut_off_and_done_again_is_whole"),
    "what is there is looked at when a write begins": (
        "write",
        look_when_a_write_begins,
        "a_write_that_stalled_in_the_middle_undoes_nothing",
    ),
    "half written entries are seen": (
        "write",
        half_written,
        "readers_meanwhile_see_whole_entries_that_never_grow_older",
    ),
    "missing entities are left out": (
        "read",
        lambda self, a: [e for e in right.read(self, a) if e],
        "missing_entities_are_none_in_their_place",
    ),
    "order is lost": (
        "read",
        lambda self, a: sorted(right.read(self, a), key=repr),
        "many_entities_keep_their_order",
    ),
    "tombstones are served": (
        "read",
        lambda self, a: [self.entries.get(x) for x in a],
        "an_entity_that_is_gone_is_missing",
    ),
    "tombstones are listed": ("older", older_with_tombstones, "entries_that_were_not_published_anew_are_listed"),
    "one page is listed": (
        "older",
        lambda self, f, t: iter(list(right.older(self, f, t))[:1000]),
        "entries_that_were_not_published_anew_are_listed",
    ),
    "one note for all": (
        "read_note",
        lambda self, f: next(iter(self.notes.values()), None),
        "each_feature_has_its_own_note",
    ),
    "notes are not compared": ("swap_note", swap_anyway, "a_note_that_somebody_changed_is_left_alone"),
    "all is asked for before any is written": ("write", listed_first, "entries_are_written_as_they_come"),
    "the rest of the last batch is lost": (
        "write",
        whole_batches,
        "any_number_of_entries_is_written_and_read/number=101",
    ),
    "a later page leaves out what is missing": (
        "read",
        pages_of_a_hundred,
        "missing_entities_among_any_number_are_none_in_their_place/number=499",
    ),
    "reads are remembered": ("read", remembered, "what_was_read_before_is_read_as_it_is_now"),
    "reading takes away": ("read", taken_out, "reading_changes_nothing"),
    "one list for all who ask": ("read", one_list, "answers_belong_to_whoever_asked"),
    "keys are cut": (
        "_keep",
        changed(lambda e: {"key": e.key[:31] + "0"}),
        "keys_that_differ_in_one_character_are_two_entities",
    ),
    "keys lose their beginning": (
        "_keep",
        changed(lambda e: {"key": "0" + e.key[1:]}),
        "keys_that_differ_in_one_character_are_two_entities",
    ),
    "features are folded": (
        "_keep",
        changed(lambda e: {"feature": e.feature.lower()}),
        "features_whose_names_are_alike_are_told_apart",
    ),
    "features are cut": (
        "_keep",
        changed(lambda e: {"feature": e.feature[:64]}),
        "features_whose_names_are_alike_are_told_apart",
    ),
    "notes are folded": (
        "swap_note",
        lambda self, f, b, a: right.swap_note(self, f.lower(), b, a),
        "notes_of_features_whose_names_are_alike_are_told_apart",
    ),
    "gone by prefix": ("_keep", gone_by_prefix, "an_entity_that_is_gone_takes_no_other_with_it"),
    "columns in small letters": (
        "_keep",
        changed(lambda e: {"columns": tuple(c.lower() for c in e.columns)}),
        "columns_of_any_names_keep_them",
    ),
    "columns are normalised": (
        "_keep",
        changed(lambda e: {"columns": tuple(unicodedata.normalize("NFC", c) for c in e.columns)}),
        "columns_of_any_names_keep_them",
    ),
    "times before 1970 are 1970": (
        "_keep",
        changed(lambda e: {"as_of": max(e.as_of, 0)}),
        "any_instant_can_be_published_for/as_of=-1",
    ),
    "times are floats": (
        "_keep",
        newest_by(lambda e: float(e.as_of * 16)),
        "any_two_instants_are_in_order/before=253402300799999997",
    ),
    "versions are numbers": (
        "_keep",
        changed(lambda e: {"version": str(float(e.version.rpartition(".")[0]))}),
        "versions_are_text",
    ),
    "a long history is cut": (
        "_keep",
        changed(lambda e: {"points": e.points[:500]}),
        "a_long_text_and_a_long_history_are_kept_whole",
    ),
    "what is gone must have been": ("_keep", only_where_it_is, "an_entity_that_never_was_can_be_gone"),
    "an empty note is none": ("read_note", read_note_or_none, "an_empty_note_is_a_note"),
    "a long note is cut": ("swap_note", cut_note, "a_long_note_is_kept_whole"),
    "writing forgets the notes": ("write", emptied_notes, "notes_outlive_what_is_written"),
    "notes are swapped after a look": ("swap_note", swap_after_a_look, "of_many_who_swap_at_once_exactly_one_does"),
}
VALUES = {"bytes": b"\xff", "nan": math.nan, "zero": -0.0}


def given_to(words: str) -> tuple[Any, dict[str, Any]]:
    """A test of the kit by its name, and the parameter it is given."""
    name, slash, argument = words.partition("/")
    name, colon, value = name.partition(":")
    test = getattr(OnlineStoreTests(), f"test_{name}")
    if colon:
        return test, {"value": VALUES[value]}
    return test, {argument.partition("=")[0]: int(argument.partition("=")[2])} if slash else {}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_kit_notices_an_online_store_with_a_mistake(mistake: str) -> None:
    method, instead, words = MISTAKES[mistake]
    test, given = given_to(words)
    wrong: type[Store] = type("Wrong", (Store,), {method: instead})
    with pytest.raises((Exception, pytest.fail.Exception)):
        test(store=wrong(None), **given)  # type: ignore[arg-type]
    test(store=Store(None), **given)  # type: ignore[arg-type]


class Handle(LiveMemoryOnlineStore):
    """One of several handles of what a folder holds; right, or with a mistake."""

    shelves: ClassVar[dict[Path, LiveMemoryOnlineStore]] = {}

    def __init__(self, folder: Path, mistake: str) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.folder, self.mistake = folder, mistake
        self.shelf = self.shelves.setdefault(folder, LiveMemoryOnlineStore(None))  # type: ignore[arg-type]
        self.entries, self.notes, self._lock = self.shelf.entries, self.shelf.notes, self.shelf._lock  # noqa: SLF001
        if mistake == "each handle has entries of its own":
            self.entries = {}
        if mistake == "each handle remembers the notes":
            self.notes = dict(self.notes)
        if mistake == "a store is opened once" and vars(self.shelf).setdefault("opened", 0):
            raise PluginFailed("It was opened before.", hint="Open it once.")
        vars(self.shelf)["opened"] = 1

    def __exit__(self, *error: object) -> None:
        if self.mistake == "closing one closes all":
            self.shelf.closed = True  # type: ignore[attr-defined]

    def _answer(self, verb: str) -> None:
        if vars(self.shelf).get("closed"):
            raise PluginFailed("It is closed.", hint="Open it.")
        if not (self.folder / "failing").exists():
            return
        if self.mistake in ("a failing backend has nothing", f"{verb} does nothing"):
            return
        error = OSError("the backend is gone")
        if self.mistake == f"{verb} as it comes":
            raise error
        if self.mistake == "no cause":
            raise PluginFailed("It failed.", hint="Start it.")
        if self.mistake == "no hint":
            raise PluginFailed("It failed.") from error
        raise PluginFailed("It failed.", hint="Start it.") from error

    def write(self, entries: Iterable[Entry]) -> int:
        self._answer("write")
        if self.mistake == "each handle decides by what it wrote":
            wrote = vars(self).setdefault("wrote", {})
            self.entries.update({e.address: e for e in entries if wrote.get(e.address, e.as_of) <= e.as_of})
            return 1
        return super().write(entries)

    def read(self, addresses: Any) -> Any:
        self._answer("read")
        return super().read(addresses)

    def read_note(self, feature: str) -> bytes | None:
        self._answer("read_note")
        return super().read_note(feature)

    def swap_note(self, feature: str, before: bytes | None, after: bytes) -> bool:
        self._answer("swap_note")
        return super().swap_note(feature, before, after)

    def ping(self) -> None:
        self._answer("ping")


class Shared(OnlineStoreTests):
    """The tests of a store that is shared."""

    mistake = ""

    def config(self, folder: Path) -> Any:
        return SimpleNamespace(open=lambda: Handle(folder, self.mistake))

    @contextmanager
    def failing(self, folder: Path) -> Iterator[None]:
        (folder / "failing").touch()
        yield
        (folder / "failing").unlink()


FAILS, PING = "a_backend_that_fails_is_a_plugin_failure", "a_ping_fails_where_the_backend_does"
SHARED = {
    "each handle has entries of its own": "what_one_handle_writes_another_reads_at_once",
    "each handle remembers the notes": "a_note_that_another_handle_changed_is_left_alone",
    "each handle decides by what it wrote": "an_older_write_of_another_handle_changes_nothing",
    "closing one closes all": "closing_one_handle_leaves_another_open",
    "a store is opened once": "a_config_opens_its_store_as_often_as_is_asked",
    **{f"{verb} as it comes": FAILS for verb in ("read", "write", "read_note", "swap_note")},
    **{f"{verb} does nothing": FAILS for verb in ("read", "write", "read_note", "swap_note")},
    "no cause": FAILS,
    "no hint": FAILS,
    "ping as it comes": PING,
    "ping does nothing": PING,
    "a failing backend has nothing": "opening_or_asking_a_backend_that_fails_is_a_plugin_failure",
}


def run_shared(mistake: str, test: str, folder: Path) -> None:
    subject = Shared()
    subject.mistake = mistake
    folder.mkdir()
    given = {"folder": folder, "opened": subject.config(folder).open}
    method = getattr(subject, f"test_{test}")
    method(**{p: given[p] for p in inspect.signature(method).parameters})


@pytest.mark.parametrize("mistake", SHARED)
def test_the_kit_notices_handles_of_an_online_store_with_a_mistake(mistake: str, tmp_path: Path) -> None:
    with pytest.raises((Exception, pytest.fail.Exception)):
        run_shared(mistake, SHARED[mistake], tmp_path / "wrong")
    run_shared("", SHARED[mistake], tmp_path / "right")
