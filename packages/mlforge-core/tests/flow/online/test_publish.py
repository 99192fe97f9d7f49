"""What a publish writes, leaves alone and removes; what it does when it is cut off, late, or not alone."""

from __future__ import annotations

import threading
from zlib import crc32

import pytest

from mlforge.errors import Conflict, Invalid, NotFound, PluginFailed
from mlforge.flow.online.publication import decode_publication
from mlforge.flow.online.publish import Publishing, PublishOrder, publish_safely
from mlforge.plugin import Address, Point, damaged_entries
from mlforge.plugin.codec import seal, unseal
from mlforge.stores.sqlite.plugin import SQLiteOnlineStore
from mlforge.testing.memory import LiveMemoryOnlineStore
from mlforge.testing.refusals import refused

NOON, HOUR = 1_709_208_000_000_000, 3_600_000_000
THREE = [(1, -5, 10), (1, 1, 11), (1, 9, 12), (2, -4, 20), (3, -3, 30)]


class CutOff(LiveMemoryOnlineStore):
    """A store whose connection breaks after some writes."""

    left = 10**9

    def write(self, entries):
        self.left -= 1
        if self.left < 0:
            raise PluginFailed("The connection broke.", hint="Mend it.")
        return super().write(entries)


class Expires(LiveMemoryOnlineStore):
    def lifetime(self):
        return HOUR


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


def test_the_same_publish_again_writes_nothing(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    assert done(shop.publish(0)) == ("unchanged", 0, 0, False)


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


def test_where_entries_expire_all_are_written_every_time(shop):
    shop.online = Expires(None)
    shop.version("1.0.0", THREE)
    shop.publish(0)
    assert done(shop.publish(0)) == ("published", 3, 0, True)
    shop.version("1.0.0", [(1, 0, 1)], name="plain", timed=False)
    shop.publish(None, name="plain", now=0)
    assert done(shop.publish(None, name="plain", now=1)) == ("published", 1, 0, True)


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


def test_a_version_that_was_built_again_is_compared_with_nothing(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    shop.version("1.0.0", [(1, -5, 99), (2, -4, 20), (3, -3, 30)])
    assert done(shop.publish(1)) == ("published", 3, 0, True)
    assert shop.amounts([1], at=1) == [99]


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


def test_a_first_publish_that_was_cut_off_serves_nothing_yet(shop):
    shop.online = CutOff(None)
    shop.online.left = 1
    shop.version("1.0.0", THREE)
    with pytest.raises(PluginFailed):
        shop.publish(0)
    with refused(NotFound, "not been published wholly"):
        shop.reader()


def test_a_publish_that_was_cut_off_goes_on_where_it_was(shop):
    shop.online = CutOff(None)
    shop.online.left = 2
    shop.version("1.0.0", [(user, -1, user) for user in range(9)])
    with pytest.raises(PluginFailed):
        shop.publish(None, now=0)
    shop.online.left = 10**9
    result = shop.publish(None, now=0.5)
    assert (result.resumed, result.entities, result.as_of) == (4, 5, "2024-02-29T12:00:00Z")
    assert shop.amounts(range(9)) == list(range(9))
    assert {e.as_of for e in shop.online.entries.values()} == {NOON}


def test_one_that_writes_what_changed_and_was_cut_off_goes_on_too(shop):
    shop.online = CutOff(None)
    shop.version("1.0.0", [(user, -1, user) for user in range(12)])
    shop.publish(0)
    shop.version("1.0.1", [(user, -1, user + (user % 2)) for user in range(10)])
    shop.online.left = 1
    with pytest.raises(PluginFailed):
        shop.publish(1)
    assert shop.amounts([11], at=1) == [11]
    shop.online.left = 10**9
    result = shop.publish(1)
    assert (result.resumed, result.entities + result.removed, result.whole) == (2, 5, False)
    assert shop.amounts(range(12), at=1) == [user + (user % 2) for user in range(10)] + [None, None]


@pytest.mark.parametrize(
    "again",
    [
        {"at": None, "now": 1.5},
        {"at": 1, "now": 1},
        {"at": None, "now": 0.5, "engine": "another"},
        {"at": None, "now": 0.5, "horizon": "3h"},
        {"at": None, "now": 0.5, "force": True},
        {"at": None, "now": 0.5, "version": "1.0.1"},
    ],
    ids=repr,
)
def test_one_that_is_not_the_same_begins_anew_and_writes_all(shop, again):
    shop.online = CutOff(None)
    rows = [(user, -1, user) for user in range(9)]
    shop.version("1.0.0", rows)
    shop.publish(-1)
    shop.version("1.0.1", [(user, -1, user) for user in range(8)])
    shop.version("1.0.2", [(user, -1, 2 * user) for user in range(9)])
    shop.online.left = 2
    with pytest.raises(PluginFailed):
        shop.publish(None, version="1.0.0", now=0, force=True)
    shop.online.left = 10**9
    result = shop.publish(**({"version": "1.0.0"} | again))
    assert (result.resumed, result.whole) == (0, True)
    expected = [user if user < 8 or result.version != "1.0.1" else None for user in range(9)]
    assert shop.amounts(range(9), at=1) == expected


def test_one_whose_base_was_removed_meanwhile_begins_anew(shop):
    shop.online = CutOff(None)
    shop.version("1.0.0", [(user, -1, user) for user in range(9)])
    shop.publish(0)
    shop.version("1.0.1", [(user, -1, -user) for user in range(7)])
    shop.online.left = 1
    with pytest.raises(PluginFailed):
        shop.publish(None, now=1)
    shop.online.left = 10**9
    del shop.kept["spend"]["1.0.0"]
    result = shop.publish(None, now=1.5)
    assert (result.resumed, result.whole, result.entities, result.removed) == (0, True, 7, 2)
    assert shop.amounts(range(9), at=1.5) == [-user for user in range(7)] + [None, None]


class Interrupted(LiveMemoryOnlineStore):
    """Somebody else publishes after the first write."""

    def meanwhile(self):
        pass

    def write(self, entries):
        kept = super().write(entries)
        self.meanwhile, now = lambda: None, self.meanwhile
        now()
        return kept


def test_a_publisher_that_was_overtaken_stops_and_undoes_nothing(shop):
    shop.online = Interrupted(None)
    shop.version("1.0.0", [(user, -1, user) for user in range(9)])
    shop.version("1.0.1", [(user, -1, -user) for user in range(5)])
    shop.online.meanwhile = lambda: shop.publish(1, version="1.0.1")
    with refused(Conflict, "1.0.1", "2024-02-29T13:00:00Z"):
        shop.publish(0, version="1.0.0")
    assert shop.amounts(range(9), at=1) == [-user for user in range(5)] + [None] * 4
    note = decode_publication("spend", shop.online.read_note("spend"))
    assert note.whole
    assert note.done.version == "1.0.1"


def test_a_newer_publisher_does_not_trust_one_that_has_not_ended(shop):
    shop.online = Interrupted(None)
    shop.version("1.0.0", [(user, -1, user) for user in range(9)])
    shop.publish(0)
    shop.version("1.0.1", [(user, -1, -user) for user in range(9)])
    results = []
    shop.online.meanwhile = lambda: results.append(shop.publish(2, version="1.0.0"))
    with pytest.raises(Conflict):
        shop.publish(1, version="1.0.1")
    assert results[0].whole
    assert shop.amounts(range(9), at=2) == list(range(9))


def test_two_who_publish_the_very_same_both_end_well(shop):
    shop.online = Interrupted(None)
    shop.version("1.0.0", [(user, -1, user) for user in range(9)])
    results = []
    shop.online.meanwhile = lambda: results.append(shop.publish(0))
    assert shop.publish(0).ok
    assert results[0].ok
    assert shop.amounts(range(9)) == list(range(9))
    assert decode_publication("spend", shop.online.read_note("spend")).whole


def test_of_publishers_in_threads_the_newest_is_served(shop, tmp_path):
    shop.version("1.0.0", [(user, -1, user) for user in range(50)])
    shop.version("1.0.1", [(user, -1, -user) for user in range(25, 75)])
    with SQLiteOnlineStore(tmp_path / "online.db").open() as online:
        shop.online = online
        for turn in range(5):
            results = {}

            def run(hour, results=results):
                order = PublishOrder("spend", f"1.0.{hour % 2}", NOON + hour * HOUR)
                work = Publishing(shop, online, shop.bench.engine, "it", NOON + 999 * HOUR, lambda _: None, 3)
                results[hour] = publish_safely(work, order)

            hours = [turn * 4 + n + 1 for n in range(4)]
            threads = [threading.Thread(target=run, args=(hour,)) for hour in hours]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert results[hours[-1]].ok, results
            assert {r.failure.kind for r in results.values() if not r.ok} <= {"Conflict"}
            at = hours[-1]
            rows = {row["user"]: row["amount"] for row in rows_of(shop, f"1.0.{at % 2}")}
            assert shop.amounts(range(75), at=at) == [rows.get(user) for user in range(75)]


def rows_of(shop, version):
    return shop.bench.table(shop.bench.engine.read_version(shop.get("spend", version))).rows


NOT_NOTES = [b"", b"x", b"{}", b'{"begun":1}', b"\xff", b'{"layout":1}']


@pytest.mark.parametrize("note", NOT_NOTES)
def test_a_note_that_nobody_here_wrote_is_missing(shop, note):
    shop.version("1.0.0", THREE)
    shop.online.swap_note("spend", None, note)
    with refused(NotFound, "spend", "damaged") as caught:
        shop.reader()
    assert "mlforge publish spend" in caught.value.hint
    shop.publish(0)
    assert shop.amounts([1]) == [10]


def test_no_flipped_bit_of_a_note_says_anything(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    note = shop.online.read_note("spend")
    before = damaged_entries().get("spend", 0)
    for place in range(len(note)):
        for bit in range(8):
            flipped = note[:place] + bytes([note[place] ^ 1 << bit]) + note[place + 1 :]
            assert decode_publication("spend", flipped) is None
    assert damaged_entries()["spend"] == before + 8 * len(note)
    assert decode_publication("plan", note) is None
    assert decode_publication("spend", note).whole


def test_a_publish_over_a_damaged_note_writes_everything(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    note = shop.online.read_note("spend")
    shop.online.swap_note("spend", note, note[:9] + bytes([note[9] ^ 1]) + note[10:])
    result = shop.publish(1)
    assert result.whole
    assert shop.amounts([1], at=1) == shop.amounts([1], at=1.5) != [None]


def test_a_note_of_a_later_layout_is_refused(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    before = shop.online.read_note("spend")
    seed = crc32(b"spend")
    after = seal(unseal(before, seed)[:-1] + b',"layout":3}', seed)
    shop.online.swap_note("spend", before, after)
    with refused(Invalid, "layout 3"):
        shop.publish(1)
    with refused(Invalid, "layout 3"):
        shop.reader()


def test_a_failure_is_a_result(shop):
    work = Publishing(shop, shop.online, shop.bench.engine, "it", NOON, lambda _: None)
    result = publish_safely(work, PublishOrder("nothing"))
    assert (result.ok, result.status, result.failure.kind) == (False, "failed", "NotFound")


def test_keys_are_those_that_everybody_computes(shop):
    shop.version("1.0.0", [(1, -1, 10)])
    shop.publish(0)
    assert shop.online.read([Address("spend", "f7e4bdb03eefaca0319450705ce053a8")])[0].points[0].values == (10,)
