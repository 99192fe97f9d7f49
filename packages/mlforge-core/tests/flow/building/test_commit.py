"""What becomes a version: its number, its rows and layers, and who else commits meanwhile."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from mlforge import validators
from mlforge.errors import CheckFailed, Conflict, PluginFailed
from mlforge.testing.memory import LiveMemoryStore
from mlforge.testing.reference.engine import Reference
from mlforge.testing.refusals import refused

THREE = [(1, 0, 1), (2, 1, 2), (1, 2, 4)]


def told(works):
    found = [(one.stage, one.rows) for one in works.told]
    works.told.clear()
    return found


def files(works):
    folder = Path(works.store.get("f", works.store.latest("f")).uris[0]).parent
    return sorted(path.name for path in folder.iterdir())


def test_a_version_says_of_what_and_when_it_was_made(works):
    works.define(description="What a user spends", owner="ada", tags=["money"], max_age="30d")
    works.events(*THREE)
    found = works.build()
    meta = works.meta()
    assert (found.status, meta.version, meta.row_count, len(works.rows())) == ("built", "1.0.0", len(works.rows()), 8)
    assert (meta.created_at, meta.updated_at) == ("2026-01-05T00:00:00Z",) * 2
    assert (meta.name, meta.entity_keys, meta.timestamp, meta.interval) == ("f", ("user",), "at", "1d")
    assert (meta.description, meta.owner, meta.tags, meta.max_age) == ("What a user spends", "ada", ("money",), "30d")
    assert (meta.format, meta.engine, meta.increment, meta.dropped_rows) == ("jsonl", "reference", None, 0)
    assert (meta.source_hash is None, [part.version for part in meta.parts]) == (False, ["1.0.0"])
    assert meta.quality.rows == 8
    assert [stage for stage, _ in told(works)] == [
        "reading", "checking", "computing", "writing", "measuring", "committing",
    ]  # fmt: skip


def test_a_feature_without_windows_has_no_interval(works):
    works.define(interval=None, metrics=None, max_age=None)
    works.events(*THREE)
    works.build()
    assert (works.meta().interval, works.meta().max_age, works.meta().row_count) == (None, None, 3)


def test_an_increment_adds_a_layer_and_counts_the_whole(works):
    works.events(*THREE)
    works.build()
    works.events(*THREE, (2, 3, 8))
    works.told.clear()
    works.build()
    meta, rows = works.meta(), works.rows()
    assert (meta.version, meta.row_count, meta.quality.rows) == ("1.0.1", len(rows), len(rows))
    assert [part.version for part in meta.parts] == ["1.0.0", "1.0.1"]
    step = meta.increment
    assert (step.base, step.rows, step.gone) == ("1.0.0", meta.parts[-1].rows, 0)
    assert ("committing", len(rows)) in told(works)
    assert rows == works.whole()
    assert works.meta().row_count == len(rows)


def test_rows_that_are_gone_from_a_range_go(works):
    works.events(*THREE, (3, 2, 9))
    works.build()
    works.events(*THREE)
    works.build(since=1.5)
    meta, rows = works.meta(), works.rows()
    assert meta.increment.gone > 0
    assert [part.role for part in meta.parts] == ["rows", "rows", "gone"]
    assert (meta.row_count, {row["user"] for row in rows}) == (len(rows), {1, 2})
    assert rows == works.whole()


def test_what_lies_after_a_range_may_have_changed_unseen_so_that_the_source_is_read_again(works):
    works.events(*THREE)
    works.build(since=0, until=1)
    assert (works.meta().source_hash, works.meta().increment.base) == (None, None)
    assert works.build().status == "built"
    assert works.meta().source_hash
    assert works.build().status == "unchanged"


def wide(df):
    """Rows that are great beside what else is in a file."""
    return df.with_column("note", "String", ["x" * 300] * len(df.rows))


@pytest.mark.parametrize(("first", "steps"), [(3, 36), (50, 18), (80, 18)])
def test_many_increments_stay_few_layers_and_equal_the_whole(works, first, steps):
    works.define(wide, metrics=None, interval=None)
    events = [(n % 3, n, n) for n in range(first)]
    works.events(*events)
    works.build()
    most = 0
    for number in range(first, first + steps):
        events.append((number % 3, number, number))
        works.events(*events)
        works.build()
        most, meta = max(most, len(layers(works))), works.meta()
        assert (meta.row_count, meta.increment.gone) == (len(events), 0)
    assert most == 16
    assert ("1.0.0" in layers(works)) is (first == 80), "a great first layer stays, a small one is written anew"
    there = {uri for versions in works.store.artifacts.values() for one in versions.values() for uri in one.uris}
    assert len(files(works)) == len(there)
    rows = works.rows()
    assert rows == works.whole()


def layers(works):
    return {part.version for part in works.meta().parts}


def worn(works, steps):
    """A version of as many layers as steps and one: an event of a day goes, and every second comes back."""
    works.define(wide, metrics=None, interval=None)
    events = {n: (1, n, n) for n in range(80)}
    works.events(*events.values())
    works.build()
    for step in range(steps):
        number = step // 3 * 2 + (step % 3 > 0)
        event = events.pop(number, None)
        if event is None:
            events[number] = (1, number, number)
        works.events(*events.values())
        works.build(since=number, until=number + 1.5)
    return sorted(events)


def test_rows_that_go_and_come_back_in_many_layers_are_there_once(works):
    left = worn(works, 17)
    assert len(layers(works)) < 16
    assert [row["amount"] for row in works.rows()] == left
    gone = [part for part in works.meta().parts if part.role == "gone"]
    assert sum(part.rows for part in gone) == 80 - len(left)
    assert (works.meta().row_count, works.rows()) == (len(left), works.whole())


def test_a_number_of_the_users_choice(works):
    works.events(*THREE)
    works.build(version="3.2.1")
    meta = works.meta()
    assert (meta.version, meta.change_summary.bump) == ("3.2.1", "explicit")
    with refused(Conflict, "3.2.1"):
        works.build(version="3.2.1")


class Raced(LiveMemoryStore):
    """Somebody else commits right before, some times."""

    times = 0
    before = None

    def commit(self, target, meta, expected):
        if self.times:
            self.times -= 1
            self.before()
        return super().commit(target, meta, expected)


@pytest.fixture
def raced(works):
    works.keep_in(Raced)
    works.events(*THREE)
    works.build()

    def other(**options):
        left, works.store.times = works.store.times, 0
        works.build(force=True, **options)
        works.store.times = left

    works.store.before = lambda: other(full_refresh=True)
    return works


def test_where_another_build_came_first_the_number_is_decided_anew(raced):
    raced.store.times = 2
    assert raced.build(full_refresh=True).version == "1.0.3"
    assert raced.store.versions("f") == ["1.0.0", "1.0.1", "1.0.2", "1.0.3"]
    assert raced.rows() == raced.rows("1.0.0")


def test_where_the_first_two_builds_meet_both_are_kept(raced):
    raced.store.artifacts.clear()
    raced.store.pointers.clear()
    raced.store.times = 1
    assert raced.build().version == "1.0.1"


def test_where_everybody_comes_first_it_gives_up_and_leaves_nothing(raced):
    raced.store.times = 10**9
    with refused(Conflict, "20 other builds of 'f' came first"):
        raced.build(full_refresh=True)
    assert len(files(raced)) == len(raced.store.versions("f")) == 21


def test_a_number_that_was_taken_meanwhile_is_a_conflict_and_others_are_not(raced):
    raced.store.times = 1
    assert raced.build(version="2.0.0", full_refresh=True).version == "2.0.0"
    build = partial(raced.build, version="2.1.0", full_refresh=True)
    raced.store.times, raced.store.before = 1, build
    with refused(Conflict, "2.1.0"):
        build()
    assert (raced.store.latest("f"), len(files(raced))) == ("2.1.0", 4)


class Gone(LiveMemoryStore):
    """What was written is gone whenever it is to be committed; and how often that was tried."""

    tried = 0

    def commit(self, target, meta, expected):
        self.tried += 1
        raise Conflict("data/part-1 was removed before it was committed.", hint="Build it again.")


def test_what_no_number_helps_is_told_as_it_is_and_not_tried_on(works):
    works.keep_in(Gone)
    works.events(*THREE)
    with refused(Conflict, "part-1 was removed", "Build it again"):
        works.build()
    assert works.store.tried == 3


def test_an_increment_of_a_version_that_was_overtaken_is_a_conflict(raced):
    raced.events(*THREE, (2, 3, 8))
    raced.store.times = 1
    with refused(Conflict, "'f' is at 1.0.1 now", "continues 1.0.0"):
        raced.build(since=2.5)
    assert raced.store.versions("f") == ["1.0.0", "1.0.1"]
    raced.store.artifacts.clear()
    raced.store.pointers.clear()
    raced.store.times = 1
    with refused(Conflict, "'f' is at 1.0.0 now", "continues nothing"):
        raced.build(since=2.5)


class Breaks(Reference):
    """An engine that cannot write what is written after so many times."""

    left = 10**9

    def write(self, frame, target):
        written = super().write(frame, target)
        self.left -= 1
        if self.left < 0:
            raise PluginFailed("The disk is full.", hint="Make room.")
        return written


@pytest.mark.parametrize("left", [0, 1])
def test_where_writing_fails_nothing_is_left_and_the_old_version_is_whole(works, left):
    works.engine = Breaks()
    works.events(*THREE, (3, 2, 9))
    works.build()
    rows, there = works.rows(), files(works)
    works.events(*THREE)
    works.engine.left = left
    with refused(PluginFailed, "full"):
        works.build(since=1.5)
    assert (works.store.latest("f"), works.rows(), files(works)) == ("1.0.0", rows, there)


@pytest.mark.parametrize("left", [2, 3])
def test_where_merging_layers_fails_nothing_is_left(works, left):
    works.engine = Breaks()
    worn(works, 15)
    assert len(layers(works)) == 16
    rows, there = works.rows(), files(works)
    works.events(*((1, row["amount"], row["amount"]) for row in rows[:-2]), (1, 79, 79))
    works.engine.left = left
    with refused(PluginFailed, "full"):
        works.build(since=78)
    assert (works.store.latest("f"), works.rows(), files(works)) == ("1.0.15", rows, there)


def test_a_broken_promise_about_figures_leaves_nothing(works):
    works.events(*THREE)
    works.build()
    there = files(works)
    works.define(validators={"amount__sum__1d": [validators.rows_between(100)]})
    with pytest.raises(CheckFailed):
        works.build()
    assert (works.store.latest("f"), files(works)) == ("1.0.0", there)


@pytest.mark.parametrize("quality", [True, False])
def test_what_is_not_measured_is_not_told_though_a_promise_asks_for_it(works, quality):
    works.quality = quality
    works.events(*THREE)
    for promises in ({}, {"amount__sum__1d": [validators.rows_between(1)]}):
        works.define(validators=promises)
        works.told.clear()
        found = works.build(force=True)
        assert (works.meta().quality is not None) is quality
        assert len(found.checks) == len(promises)
        assert ("measuring" in [stage for stage, _ in told(works)]) is (quality or bool(promises))


class Uploads(LiveMemoryStore):
    """A store that says how far it has sent a commit."""

    tell = None

    @contextmanager
    def uploading(self, tell):
        self.tell = tell
        yield
        self.tell = None

    def commit(self, target, meta, expected):
        self.tell(3, 8)
        return super().commit(target, meta, expected)


def test_a_commit_that_sends_data_tells_how_far_it_is(works):
    works.keep_in(Uploads)
    works.events(*THREE)
    works.build()
    assert [(one.feature, one.sent, one.bytes) for one in works.told if one.stage == "uploading"] == [("f", 3, 8)]
