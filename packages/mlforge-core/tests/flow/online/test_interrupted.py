"""What a publish does that was cut off, or overtaken, or is not alone."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mlforge.errors import Conflict, NotFound, PluginFailed
from mlforge.flow.lock import Lock, Pin
from mlforge.flow.online.publication import decode_publication
from mlforge.flow.online.publish import Publishing, PublishOrder, publish_safely
from mlforge.flow.online.typed import fitting
from mlforge.model.expr import col
from mlforge.model.feature import FeatureSpec
from mlforge.model.keys import Key
from mlforge.model.meta import Recipe
from mlforge.model.plain import plain
from mlforge.model.schema import Column
from mlforge.stores.sqlite.plugin import SQLiteOnlineStore
from mlforge.testing.refusals import refused

NOON, HOUR = 1_709_208_000_000_000, 3_600_000_000
THREE = [(1, -5, 10), (1, 1, 11), (1, 9, 12), (2, -4, 20), (3, -3, 30)]


def test_a_first_publish_that_was_cut_off_serves_nothing_yet(shop):
    shop.keep_cut_off(1)
    shop.version("1.0.0", THREE)
    with pytest.raises(PluginFailed):
        shop.publish(0)
    with refused(NotFound, "not been published wholly"):
        shop.reader()


def test_a_publish_that_was_cut_off_goes_on_where_it_was(shop):
    shop.keep_cut_off(2)
    shop.version("1.0.0", [(user, -1, user) for user in range(9)])
    with pytest.raises(PluginFailed):
        shop.publish(None, now=0)
    shop.online.left = 10**9
    result = shop.publish(None, now=0.5)
    assert (result.resumed, result.entities, result.as_of) == (4, 5, "2024-02-29T12:00:00Z")
    assert shop.amounts(range(9)) == list(range(9))
    assert {e.as_of for e in shop.online.entries.values()} == {NOON}


def test_one_that_writes_what_changed_and_was_cut_off_goes_on_too(shop):
    shop.keep_cut_off()
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
        {"at": None, "now": 1},
        {"at": None, "now": 1.5},
        {"at": 1, "now": 1},
        {"at": None, "now": 0.5, "engine": "another"},
        {"at": None, "now": 0.5, "engine": "yet another"},
        {"at": None, "now": 0.5, "horizon": "1h"},
        {"at": None, "now": 0.5, "horizon": "3h"},
        {"at": None, "now": 0.5, "force": True},
        {"at": None, "now": 0.5, "version": "1.0.1"},
    ],
    ids=repr,
)
def test_one_that_is_not_the_same_begins_anew_and_writes_all(shop, again):
    shop.keep_cut_off()
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
    shop.keep_cut_off()
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


def test_a_publisher_that_was_overtaken_stops_and_undoes_nothing(shop):
    shop.keep_interrupted()
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
    shop.keep_interrupted()
    shop.version("1.0.0", [(user, -1, user) for user in range(9)])
    shop.publish(0)
    shop.version("1.0.1", [(user, -1, -user) for user in range(9)])
    results = []
    shop.online.meanwhile = lambda: results.append(shop.publish(2, version="1.0.0"))
    with pytest.raises(Conflict):
        shop.publish(1, version="1.0.1")
    assert results[0].whole
    assert shop.amounts(range(9), at=2) == list(range(9))


def test_many_who_publish_at_once_are_told(shop):
    shop.version("1.0.0", THREE)
    shop.online.swap_note = lambda *_: False
    with refused(Conflict, "spend", "at once"):
        shop.publish(0)
    assert shop.online.entries == {}


def test_a_note_that_is_lost_meanwhile_is_told(shop):
    shop.keep_interrupted()
    shop.version("1.0.0", THREE)
    shop.online.meanwhile = shop.online.notes.clear
    with refused(Conflict, "spend", "is gone"):
        shop.publish(0)


def test_two_who_publish_the_very_same_both_end_well(shop):
    shop.keep_interrupted()
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
                work = Publishing(shop, online, shop.bench.engine, "it", lambda: NOON + 999 * HOUR, lambda _: None, 3)
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


@pytest.mark.parametrize(
    ("dtype", "value", "readable"),
    [
        ("Int64", 7, True),
        ("Int64", None, True),
        ("Int8", 7, True),
        ("UInt64", 2**63, False),
        ("Float64", 7.0, False),
        ("Boolean", True, False),
        ("String", "7", False),
        ("Decimal(10, 2)", Decimal("7.00"), False),
        ("Date", date(2024, 2, 29), False),
        ("List(Int64)", [7], False),
        (None, None, False),
    ],
    ids=repr,
)
def test_what_is_of_another_type_is_missing_until_the_publish_that_wrote_it_is_whole(shop, dtype, value, readable):
    derived = {"config": Recipe((Key("user"),), derived={"twice": plain(col("amount") * 2)})}
    derived["derived"] = (Column("twice", "Int64"),)
    types = {"user": "Int64", "amount": "Int64", "name": "String"}
    shop.keep_cut_off()
    shop.version(
        "1.0.0", [{"user": u, "amount": u, "name": "a"} for u in range(4)], timed=False, types=types, **derived
    )
    shop.publish(0)
    reader = shop.reader(["spend"], at=1)
    kept = {"user": "Int64", **({"amount": dtype} if dtype else {}), "name": "String"}
    changed = [{"user": u, "name": "b", **({"amount": value} if dtype else {})} for u in range(4)]
    shop.version("2.0.0", changed, timed=False, types=kept)
    shop.online.left = 1
    with pytest.raises(PluginFailed):
        shop.publish(1)
    found = reader.read([{"user": 0}, {"user": 3}])
    twice = value * 2 if readable and value is not None else None
    new = {"amount": value, "name": "b", "twice": twice} if readable else dict.fromkeys(("amount", "name", "twice"))
    assert found.values == [new, {"amount": 3, "name": "a", "twice": 6}]
    assert found.statuses == [{"spend": "present" if readable else "missing"}, {"spend": "present"}]
    assert reader.read([{"user": 0}]).values == shop.reader(FeatureSpec("spend"), at=1).read([{"user": 0}]).values
    shop.online.left = 10**9
    shop.publish(2)
    after = {"amount": value, "name": "b"} if dtype else {"name": "b"}
    assert shop.reader(at=2).read([{"user": 0}]).values == [after]


@pytest.mark.parametrize(
    ("dtype", "fits", "others"),
    [
        ("UInt8", [0, 255], [-1, 256, True, 1.0, "1"]),
        ("Int16", [-(2**15), 2**15 - 1], [2**15, -(2**15) - 1]),
        ("Float32", [0.5, float("nan")], [1, Decimal(1)]),
        (
            "Decimal(4, 2)",
            [Decimal("12.34"), Decimal("-0.01")],
            [Decimal("123.45"), Decimal("1.2"), Decimal("NaN"), 1.0],
        ),
        ("Datetime", [datetime(2024, 2, 29, tzinfo=UTC)], [date(2024, 2, 29), "2024-02-29"]),
        ("Date", [date(2024, 2, 29)], [datetime(2024, 2, 29, tzinfo=UTC)]),
        ("Vector", [object()], []),
        ("List(List(Decimal(4, 2)))", [[], [None, [Decimal("1.00"), None]]], [[Decimal("1.00")], [[1]], ()]),
    ],
)
def test_a_value_is_of_a_type_or_not(dtype, fits, others):
    fitting_one = fitting(dtype)
    assert [fitting_one(value) for value in [*fits, None, *others]] == [True] * (len(fits) + 1) + [False] * len(others)


@pytest.mark.parametrize(
    ("asked", "how", "found"),
    [
        ("spend", {}, [200, 0]),
        ("spend@1.0.0", {}, [None, 0]),
        ((), {"policy": "refuse"}, [None, 0]),
        ((), {"policy": "refresh"}, [200, 0]),
        ((), {"policy": "warn"}, [200, 0]),
    ],
    ids=repr,
)
def test_who_names_a_version_is_answered_with_nothing_of_another(shop, asked, how, found):
    shop.keep_cut_off()
    shop.version("1.0.0", [(user, -1, 0) for user in range(4)])
    shop.publish(0)
    meta = shop.kept["spend"]["1.0.0"].meta
    pin = Pin("spend", "1.0.0", meta.content_hash, ("amount",))
    reader = shop.reader(asked, at=2, **how, **({} if asked else {"lock": Lock((pin,))}))
    shop.publish(0.5, force=True)
    shop.online.left = 1
    shop.version("1.0.1", [(user, -1, 200) for user in range(4)])
    with pytest.raises(PluginFailed):
        shop.publish(1)
    assert [v["amount"] for v in reader.read([{"user": 0}, {"user": 3}]).values] == found
