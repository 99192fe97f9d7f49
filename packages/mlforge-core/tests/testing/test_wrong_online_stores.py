"""The kit notices online stores that make one mistake, and lets one pass that makes none."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import pytest

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
        "ten_thousand_entities_keep_their_order",
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
    "notes are swapped after a look": ("swap_note", swap_after_a_look, "of_many_who_swap_at_once_exactly_one_does"),
}
VALUES = {"bytes": b"\xff", "nan": math.nan, "zero": -0.0}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_kit_notices_an_online_store_with_a_mistake(mistake: str) -> None:
    method, instead, words = MISTAKES[mistake]
    name, _, value = words.partition(":")
    test = getattr(OnlineStoreTests(), f"test_{name}")
    given = {"value": VALUES[value]} if value else {}
    wrong: type[Store] = type("Wrong", (Store,), {method: instead})
    with pytest.raises((Exception, pytest.fail.Exception)):
        test(store=wrong(None), **given)  # type: ignore[arg-type]
    test(store=Store(None), **given)  # type: ignore[arg-type]
