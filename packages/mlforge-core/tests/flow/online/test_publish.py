"""What a publish writes, leaves alone and removes, and what it refuses."""

from __future__ import annotations

import itertools
from time import perf_counter

import pytest

from mlforge.errors import Conflict, Invalid, NotFound
from mlforge.flow.online.entries import changes
from mlforge.flow.online.publication import Round
from mlforge.flow.online.publish import Publishing, PublishOrder, publish, publish_safely
from mlforge.plugin import Address, Entry, Point
from mlforge.testing.memory import LiveMemoryOnlineStore
from mlforge.testing.refusals import refused

NOON, HOUR = 1_709_208_000_000_000, 3_600_000_000
THREE = [(1, -5, 10), (1, 1, 11), (1, 9, 12), (2, -4, 20), (3, -3, 30)]


class Expires(LiveMemoryOnlineStore):
    def lifetime(self):
        return HOUR


class Meanwhile(LiveMemoryOnlineStore):
    """Somebody else does something just before it is read what is noted."""

    def happens(self):
        pass

    def read_note(self, feature):
        self.happens, now = lambda: None, self.happens
        now()
        return super().read_note(feature)


class NoList:
    """A store that cannot list its entries."""

    def __init__(self):
        self.inner = LiveMemoryOnlineStore(None)
        for name in ("write", "read", "read_note", "swap_note", "ping"):
            setattr(self, name, getattr(self.inner, name))


def done(result):
    return result.status, result.entities, result.removed, result.whole


def test_the_valid_row_and_the_change_points_within_the_horizon_are_written(shop):
    shop.version("1.0.0", THREE)
    assert done(shop.publish(0)) == ("published", 3, 0, True)
    key = next(e for e in shop.online.entries.values() if len(e.points) == 2)
    assert key.points == (Point(NOON - 5 * HOUR, (10,)), Point(NOON + HOUR, (11,)))
    assert (key.as_of, key.until, key.columns, key.version) == (NOON, NOON + 2 * HOUR, ("amount",), "1.0.0")


def test_a_publish_tells_how_far_it_is(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    assert [(p.feature, p.stage, p.rows) for p in shop.told] == [("spend", "publishing", 2), ("spend", "publishing", 3)]


def test_it_counts_and_tells_of_entities_that_came_and_that_are_gone(shop):
    shop.version("1.0.0", [(user, -1, user) for user in range(3)])
    shop.publish(0)
    shop.version("1.0.1", [(user, -1, user) for user in range(2, 6)])
    shop.told.clear()
    assert done(shop.publish(1, batch=9)) == ("published", 3, 2, False)
    assert [p.rows for p in shop.told] == [5]
    shop.version("1.0.2", [(user, -1, user) for user in range(3, 6)])
    shop.publish(2)
    shop.version("1.0.3", [(user, -1, -user) for user in range(4, 6)])
    shop.told.clear()
    assert done(shop.publish(3)) == ("published", 2, 1, False)
    assert [p.rows for p in shop.told] == [2, 3]


def test_the_same_publish_again_writes_nothing(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    assert done(shop.publish(0)) == ("unchanged", 0, 0, False)
    shop.verify = damaged  # what is there already needs no rows
    assert done(shop.publish(0)) == ("unchanged", 0, 0, False)


def damaged(artifact, relied):
    if relied:
        raise Invalid(f"{artifact.uris[0]} is damaged.", hint="Build it again.")


def test_data_that_is_not_what_was_committed_is_not_published(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    shop.version("1.0.1", [(1, -5, 99)])
    shop.verify = damaged
    with refused(Invalid, "is damaged"):
        shop.publish(1)
    assert shop.amounts([1, 2], at=1) == [11, 20]


def test_a_later_publish_writes_only_what_serves_otherwise(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    assert done(shop.publish(2)) == ("published", 0, 0, False)
    assert shop.statuses([1, 2], at=4) == ["present", "present"]
    assert done(shop.publish(8)) == ("published", 1, 0, False)
    assert shop.amounts([1, 2, 3], at=9) == [12, 20, 30]
    shop.version("1.0.1", [*THREE, (2, 8.5, 21)])
    assert done(shop.publish(9)) == ("published", 1, 0, False)
    assert shop.amounts([1, 2, 3], at=9) == [12, 21, 30]


def test_change_points_that_are_there_already_are_not_written_again(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    assert done(shop.publish(0.5)) == ("published", 0, 0, False)
    assert done(shop.publish(1)) == ("published", 0, 0, False)
    assert shop.amounts([1, 2], at=1) == [11, 20]


def test_what_is_no_number_and_still_none_is_not_written_again():
    def entry(*values):
        return Entry("f", "k", "1.0.0", 0, None, ("x", "many"), (Point(0, values), Point(5, (None, None))))

    def nan():
        return float("nan")  # each is an object of its own, as engines give them

    was, publish = entry(nan(), [nan(), None]), Round("1.0.0", "", 1, None, "it", 0)
    assert list(changes([was], [entry(nan(), [nan(), None])], publish)) == []
    for other in (entry(0.5, [nan(), None]), entry(nan(), [nan(), nan()]), entry(nan(), None)):
        assert list(changes([was], [other], publish)) == [other]


def test_changes_come_in_one_order_wherever_they_are_found():
    """One that goes on where another process was cut off counts on it."""

    def entry(n, value):
        return Entry("f", f"k{n}", "1.0.0", 0, None, ("x",), (Point(None, (value,)),))

    places = [p for n in range(0, 80, 2) for p in (n + 1, n)]
    old, new = [entry(n, 0) for n in range(80)], [entry(n, 1) for n in places]
    publish = Round("1.0.0", "", 1, None, "it", 0)
    assert [e.key for e in changes(old, new, publish)] == [f"k{n}" for n in places]


def test_columns_that_change_places_are_written_though_the_values_stand_as_they_did(shop):
    for version, names in (("1.0.0", "ab"), ("1.0.1", "ba"), ("1.0.2", "ab")):
        types = {"user": "Int64", **dict.fromkeys(names, "Int64")}
        shop.version(version, [{"user": 1, names[0]: 1, names[1]: 2}], timed=False, types=types)
        shop.publish(None, now=int(version[-1]))
        assert shop.reader().read([{"user": 1}]).values == [{names[0]: 1, names[1]: 2}]


def test_an_entity_of_other_keys_is_compared_with_nothing(shop):
    rows = [{"user": 1, "shop": "a", "ts": -1, "amount": 10}]
    types = {"user": "Int64", "shop": "String", "ts": "Datetime", "amount": "Int64"}
    for hour, keys in enumerate((["user"], ["user", "shop"], ["user"])):
        shop.version(f"1.{hour}.0", rows, keys=keys, types=types)
        assert done(shop.publish(hour, batch=9)) == ("published", 1, min(hour, 1), True)
        found = shop.reader(at=hour).read([{"user": 1, "shop": "a"}, {"user": 2, "shop": "a"}])
        assert [v["amount"] for v in found.values] == [10, None]


def test_a_feature_of_keys_alone_tells_who_is_there(shop):
    shop.version("1.0.0", [{"user": 1}], timed=False, types={"user": "Int64"})
    shop.publish(None, now=0)
    assert shop.reader().read([{"user": 1}, {"user": 2}]) == ([{}, {}], [{"spend": "present"}, {"spend": "missing"}])


def test_entities_that_are_gone_are_removed_and_new_ones_come(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    shop.version("1.0.1", [(2, -4, 20), (4, -1, 40)])
    assert done(shop.publish(1)) == ("published", 1, 2, False)
    assert shop.amounts([1, 2, 3, 4], at=1) == [None, 20, None, 40]
    assert shop.statuses([1, 2, 3, 4], at=1) == ["missing", "present", "missing", "present"]


def test_a_change_point_ahead_that_is_no_more_goes(shop):
    shop.version("1.0.0", [(1, -5, 10), (1, 1, 11)])
    shop.publish(0)
    shop.version("1.0.1", [(1, -5, 10)])
    assert done(shop.publish(0.5)) == ("published", 1, 0, False)
    assert shop.amounts([1], at=2) == [10]


def test_an_older_version_is_published_on_purpose(shop):
    shop.version("1.0.0", [(1, -1, 1)])
    shop.version("1.0.1", [(1, -1, 2), (2, -1, 3)])
    shop.publish(0)
    result = shop.publish(1, version="1.0.0")
    assert (result.version, *done(result)) == ("1.0.0", "published", 1, 1, False)
    assert shop.amounts([1, 2], at=1) == [1, None]


def test_force_writes_everything(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    shop.online.entries.clear()
    assert done(shop.publish(0, force=True)) == ("published", 3, 0, True)
    assert shop.amounts([1, 2, 3]) == [10, 20, 30]


def test_a_feature_without_time_is_published_once(shop):
    shop.version("1.0.0", [(1, 0, 10)], timed=False)
    assert done(shop.publish(None, now=0)) == ("published", 1, 0, True)
    assert done(shop.publish(None, now=5)) == ("unchanged", 0, 0, False)
    assert shop.statuses([1], at=10**5) == ["present"]
    shop.version("1.0.1", [(1, 0, 11), (2, 0, 20)], timed=False)
    assert done(shop.publish(None, now=6)) == ("published", 2, 0, False)
    result = shop.publish(7)
    assert (*done(result), result.as_of) == ("published", 0, 0, False, "2024-02-29T19:00:00Z")
    result = shop.publish(None, now=8, version="1.0.0")
    assert (*done(result), result.as_of) == ("published", 1, 1, False, "2024-02-29T20:00:00Z")
    assert shop.amounts([1, 2], at=8) == [10, None]


def test_where_entries_expire_all_are_written_every_time(shop):
    shop.online = Expires(None)
    shop.version("1.0.0", THREE)
    shop.publish(0)
    assert done(shop.publish(0)) == ("published", 3, 0, True)
    shop.version("1.0.0", [(1, 0, 1)], name="plain", timed=False)
    shop.publish(None, name="plain", now=0)
    result = shop.publish(None, name="plain", now=1)
    assert (*done(result), result.as_of) == ("published", 1, 0, True, "2024-02-29T13:00:00Z")


def test_columns_of_other_types_are_written_all(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    shop.version(
        "2.0.0", [(1, -5, 10.0), (2, -4, 20.0)], types={"user": "Int64", "ts": "Datetime", "amount": "Float64"}
    )
    assert done(shop.publish(1)) == ("published", 2, 1, True)
    assert [type(v) for v in shop.amounts([1, 2, 3], at=1)] == [float, float, type(None)]


def test_where_the_old_version_is_gone_all_is_written_and_what_is_left_over_removed(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    del shop.kept["spend"]["1.0.0"]
    shop.version("1.0.1", [(1, -5, 10)])
    assert done(shop.publish(1)) == ("published", 1, 2, True)
    assert shop.amounts([1, 2, 3], at=1) == [10, None, None]


@pytest.mark.parametrize("amount", [5, 99])
def test_a_version_that_was_built_again_is_compared_with_nothing(shop, amount):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    shop.version("1.0.0", [(1, -5, amount), (2, -4, 20), (3, -3, 30)], content_hash=f"{amount:03}")
    shop.kept["spend"]["0.9.0"] = shop.kept["spend"]["1.0.0"]
    assert done(shop.publish(1)) == ("published", 3, 0, True)
    assert shop.amounts([1], at=1) == [amount]


def test_what_is_left_over_in_a_store_that_cannot_list_it_is_missing_all_the_same(shop):
    shop.online = NoList()
    shop.version("1.0.0", THREE)
    shop.publish(0)
    shop.version("1.0.1", [(1, -5, 10)])
    assert done(shop.publish(1, force=True)) == ("published", 1, 0, True)
    assert shop.amounts([1, 2, 3], at=1) == [10, None, None]
    assert done(shop.publish(2)) == ("published", 0, 0, False)
    assert shop.statuses([1, 2, 3], at=2) == ["present", "missing", "missing"]


def test_an_older_publish_is_refused(shop):
    shop.version("1.0.0", THREE)
    shop.publish(5)
    with refused(Conflict, "spend", "1.0.0", "2024-02-29T17:00:00Z"):
        shop.publish(4)
    assert done(shop.publish(5)) == ("unchanged", 0, 0, False)


@pytest.mark.parametrize("other", [{"version": "1.0.1"}, {"horizon": "3h"}, {"horizon": "1h", "force": True}], ids=repr)
def test_one_instant_is_published_once(shop, other):
    shop.version("1.0.0", THREE)
    shop.version("1.0.1", [(1, -5, 15)])
    shop.publish(0, version="1.0.0")
    with refused(Conflict, "spend", "1.0.0", "2024-02-29T12:00:00Z"):
        shop.publish(**({"at": 0, "version": "1.0.0"} | other))
    assert shop.amounts([1, 2, 3]) == [10, 20, 30]
    assert done(shop.publish(0.1, version="1.0.1")) == ("published", 1, 2, False)
    assert shop.amounts([1, 2, 3], at=0.1) == [15, None, None]


def test_an_instant_ahead_is_refused(shop):
    shop.version("1.0.0", THREE)
    with refused(Invalid, "lies ahead", "2024-02-29T13:00:00Z"):
        shop.publish(1, now=0)


def test_a_horizon_beyond_all_time_ends_with_it(shop):
    shop.version("1.0.0", THREE)
    assert shop.publish(0, horizon="99999999w").until == "9999-12-31T23:59:59.999999Z"
    assert shop.statuses([1], at=10**6) == ["present"]


@pytest.mark.parametrize(("interval", "until"), [(None, "2024-03-02T12:00:00Z"), ("3h", "2024-02-29T18:00:00Z")])
def test_the_horizon_is_two_intervals_or_two_days(shop, interval, until):
    shop.version("1.0.0", THREE, interval=interval)
    assert shop.publish(0, horizon=None).until == until


def test_what_was_not_built_is_not_published(shop):
    with refused(NotFound, "nothing"):
        shop.publish(0, name="nothing")
    shop.version("1.0.0", THREE)
    with refused(NotFound, "9.9.9"):
        shop.publish(0, version="9.9.9")
    assert shop.online.read_note("spend") is None


def test_a_failure_is_a_result(shop):
    work = Publishing(shop, shop.online, shop.bench.engine, "it", lambda: NOON, lambda _: None)
    result = publish_safely(work, PublishOrder("nothing"))
    assert (result.ok, result.status, result.failure.kind) == (False, "failed", "NotFound")


def test_a_result_tells_how_long_it_took(shop):
    shop.version("1.0.0", THREE)
    work = Publishing(shop, shop.online, shop.bench.engine, "it", lambda: NOON, lambda _: None)
    started = perf_counter()
    result = publish_safely(work, PublishOrder("spend"))
    assert 0 < result.seconds <= perf_counter() - started


def test_keys_are_those_that_everybody_computes(shop):
    shop.version("1.0.0", [(1, -1, 10)])
    shop.publish(0)
    assert shop.online.read([Address("spend", "f7e4bdb03eefaca0319450705ce053a8")])[0].points[0].values == (10,)


def test_what_was_published_by_a_clock_that_was_ahead_is_told_with_a_way_out(shop):
    shop.version("1.0.0", THREE)
    shop.publish(None, now=100)
    for order in ({"at": None}, {"at": 0}, {"at": None, "force": True}):
        with refused(
            Conflict, "'spend' 1.0.0", "2024-03-04T16:00:00Z, which lies ahead by the clock here", "Set the clock"
        ):
            shop.publish(now=1, **order)
    with refused(Conflict, "which is not before this", "Publish as of a later instant"):
        shop.publish(0, now=101)


@pytest.mark.parametrize("lost", [None, b"damaged"])
def test_newer_entries_whose_note_is_lost_are_not_served_as_an_older_publish(shop, lost):
    shop.version("1.0.0", THREE)
    shop.version("1.0.1", [(1, -5, 99), (2, -4, 98)])
    shop.publish(1, version="1.0.1")
    shop.online.notes.pop("spend")
    if lost is not None:
        shop.online.notes["spend"] = lost
    with refused(Conflict, "entries of 'spend' that are newer than 2024-02-29T12:00:00Z", "spend@1.0.0 --force"):
        shop.publish(0, now=2, version="1.0.0")
    with pytest.raises(NotFound):
        shop.amounts([1, 2, 3], at=2)
    assert done(shop.publish(None, now=2, version="1.0.0", force=True)) == ("published", 3, 0, True)
    assert shop.amounts([1, 2, 3], at=2) == [11, 20, 30]


def test_one_that_another_came_before_a_moment_ago_is_of_the_instant_after_it(shop):
    """Whoever asks for the present gets the one at which it is noted, which no other publish can lie ahead of."""
    shop.version("1.0.0", THREE)
    seconds = itertools.count(NOON, 1_000_000)
    shop.online = Meanwhile(None)
    work = Publishing(shop, shop.online, shop.bench.engine, "it", lambda: next(seconds), lambda _: None)
    shop.online.happens = lambda: publish(work, PublishOrder("spend"))
    assert publish(work, PublishOrder("spend")).status == "published"
    assert shop.amounts([1, 2, 3], at=0.1) == [10, 20, 30]
