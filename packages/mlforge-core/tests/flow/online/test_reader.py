"""Reading what is served: values and statuses by a clock, any features for any entities, in one read."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from mlforge.errors import Invalid, NotFound, PluginFailed
from mlforge.model.feature import FeatureSpec
from mlforge.model.keys import BadKey, Key, surrogate_key
from mlforge.plugin import Address, encode_entry
from mlforge.testing.memory import LiveMemoryOnlineStore
from mlforge.testing.refusals import refused

THREE = [(1, -5, 10), (1, 1, 11), (1, 9, 12), (2, -4, 20), (3, -3, 30)]


class Counted(LiveMemoryOnlineStore):
    """Counts how often it is asked, and for how much."""

    def __init__(self, config):
        super().__init__(config)
        self.asked, self.noted = [], 0

    def read(self, addresses):
        self.asked.append(len(addresses))
        return super().read(addresses)

    def read_note(self, feature):
        self.noted += 1
        return super().read_note(feature)


class Awaited(Counted):
    async def aread(self, addresses):
        await asyncio.sleep(0)
        return self.read(addresses)

    async def aclose(self):
        pass


@pytest.fixture
def spend(shop):
    shop.online = Counted(None)
    shop.version("1.0.0", THREE)
    shop.publish(0)
    return shop


def test_rows_come_in_order_with_nulls_for_the_missing(spend):
    assert spend.amounts([3, 9, None, 1, 3]) == [30, None, None, 10, 30]
    assert spend.statuses([3, 9, None, 1, 3]) == ["present", "missing", "missing", "present", "present"]


def test_the_newest_stamp_not_after_the_readers_clock_is_served(spend):
    assert [spend.amounts([1], at=at) for at in (-6, -5, 0.99, 1, 2)] == [[None], [10], [10], [11], [11]]
    assert spend.statuses([1], at=-6) == ["missing"]


def test_beyond_the_horizon_a_value_is_stale(spend):
    assert spend.statuses([1, 2, 9], at=2) == ["present", "present", "missing"]
    assert spend.statuses([1, 2, 9], at=2.01) == ["stale", "stale", "missing"]
    assert spend.amounts([1, 2, 9], at=100) == [11, 20, None]


def test_a_value_older_than_max_age_is_expired_and_null(shop):
    shop.version("1.0.0", THREE, max_age="4h")
    shop.publish(0)
    assert shop.amounts([1, 2, 3]) == [None, 20, 30]
    assert shop.statuses([1, 2, 3]) == ["expired", "present", "present"]
    assert shop.statuses([2], at=0.001) == ["expired"]


def test_several_features_of_one_entity_are_one_read(spend):
    spend.version("1.0.0", [(1, 0, 5)], name="plan", timed=False, types={"user": "Int64", "amount": "Int64"})
    spend.publish(0, name="plan")
    reader = spend.reader(["plan", "spend"], full_names=True)
    spend.online.asked.clear()
    values, statuses = reader.read([{"user": 1}, {"user": 2}])
    assert values == [{"plan__amount": 5, "spend__amount": 10}, {"plan__amount": None, "spend__amount": 20}]
    assert statuses == [{"plan": "present", "spend": "present"}, {"plan": "missing", "spend": "present"}]
    assert [*values[0]] == ["plan__amount", "spend__amount"]
    assert spend.online.asked == [4]


def test_features_of_different_entities_are_one_read_too(spend):
    rows = [{"shop": "a", "user": 1, "visits": 7}, {"shop": "a", "user": None, "visits": 8}]
    types = {"shop": "String", "user": "Int64", "visits": "Int64"}
    spend.version("1.0.0", rows[:1], name="visits", keys=("shop", "user"), timed=False, types=types)
    spend.version(
        "1.0.0",
        [{"shop": "a", "size": 3}],
        name="size",
        keys=("shop",),
        timed=False,
        types={"shop": "String", "size": "Int64"},
    )
    for name in ("visits", "size"):
        spend.publish(0, name=name)
    reader = spend.reader(["size", "spend", "visits"])
    spend.online.asked.clear()
    asked = [{"shop": "a", "user": 1}, {"shop": "b", "user": 1}, {"shop": "a", "user": None}]
    values, statuses = reader.read(asked)
    assert [tuple(v.values()) for v in values] == [(3, 10, 7), (None, 10, None), (3, None, None)]
    assert [*values[0]] == ["size", "amount", "visits"]
    assert [*statuses[0]] == ["size", "spend", "visits"]
    assert spend.online.asked == [9]


def test_surrogate_keys_are_made_of_their_sources(shop):
    made = Key("who", ("first", "last"))
    keyed = [{"who": surrogate_key("Ada", None), "x": 1}, {"who": surrogate_key("Ada", "None"), "x": 2}]
    shop.version("1.0.0", keyed, name="people", keys=(made,), timed=False, types={"who": "String", "x": "Int64"})
    shop.publish(0, name="people")
    asked = [
        {"first": "Ada", "last": "None"},
        {"last": None, "first": "Ada"},
        {"who": surrogate_key("Ada", None)},
        {"who": None},
    ]
    values, _ = shop.reader("people").read(asked)
    assert [v["x"] for v in values] == [2, 1, 1, None]


@pytest.mark.parametrize(
    ("dtype", "value", "wrong"),
    [
        ("Int64", 2**53 + 1, ["1", 1.0, True, b"1"]),
        ("UInt64", 2**64 - 1, ["1"]),
        ("String", "é", [1, b"x", True]),
        ("Boolean", True, [1, "true"]),
        ("Date", date(2024, 2, 29), ["2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)]),
        ("Datetime", datetime(2024, 2, 29, tzinfo=UTC), [date(2024, 2, 29), 1]),
        ("Binary", b"\xff", ["x"]),
    ],
)
def test_keys_of_every_type_are_found_and_others_refused(shop, dtype, value, wrong):
    shop.version("1.0.0", [{"k": value, "x": 1}], name="f", keys=("k",), timed=False, types={"k": dtype, "x": "Int64"})
    shop.publish(0, name="f")
    reader = shop.reader("f")
    assert reader.read([{"k": value}, {"k": None}]).values == [{"x": 1}, {"x": None}]
    for other in wrong:
        with refused(Invalid, "'k'", "entity 1", repr(other), dtype):
            reader.read([{"k": value}, {"k": other}])


def test_a_key_that_is_not_there_is_named(spend):
    with refused(Invalid, "spend", "'user'", "entity 1"):
        spend.reader().read([{"user": 1}, {"usr": 1}])
    spend.version(
        "1.0.0",
        [{"w": "x", "x": 1}],
        name="f",
        keys=(Key("w", ("a", "b")),),
        timed=False,
        types={"w": "String", "x": "Int64"},
    )
    spend.publish(0, name="f")
    with refused(Invalid, "'w'", "'b'", "entity 0"):
        spend.reader("f").read([{"a": 1}])


def test_half_a_character_is_no_key(shop):
    shop.version("1.0.0", [{"k": "a", "x": 1}], name="f", keys=("k",), timed=False, types={"k": "String", "x": "Int64"})
    shop.publish(0, name="f")
    with refused(Invalid, "entity 1"):
        shop.reader("f").read([{"k": "a"}, {"k": "\ud800"}])


@pytest.mark.parametrize("keys", [("k",), ("k", "v")])
def test_an_integer_that_python_does_not_write_is_told_with_its_entity(shop, keys):
    shop.version("1.0.0", [{"k": 1, "v": 2, "x": 3}], name="f", keys=keys, timed=False,
                 types={"k": "Int64", "v": "Int64", "x": "Int64"})  # fmt: skip
    shop.publish(0, name="f")
    with refused(BadKey, "entity 1", "too many digits") as caught:
        shop.reader("f").read([{"k": 1, "v": 2}, {"k": 10**5000, "v": 2}])
    assert caught.value.entity == 1


def test_numbers_of_numpy_are_numbers(spend):
    assert spend.reader().read([{"user": np.int64(1)}, {"user": np.uint8(1)}]).values == [{"amount": 10}] * 2


@pytest.mark.parametrize(
    "given",
    [np.datetime64(1, "ns"), np.timedelta64(1, "ns"), np.array([1]), np.array([1, 2]), pd.Timestamp(1)],
    ids=repr,
)  # fmt: skip
def test_what_is_no_number_is_not_taken_for_one(spend, given):
    with refused(BadKey, "'user' of entity 0", "Int64"):
        spend.reader().read([{"user": given}])


def test_times_of_numpy_and_pandas_are_the_times_that_they_stand_for(shop):
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    types = {"at": "Datetime", "x": "Int64"}
    shop.version("1.0.0", [{"at": noon, "x": 3}], name="f", keys=("at",), timed=False, types=types)
    shop.publish(0, name="f")
    rows = [{"at": np.datetime64("2026-01-05T12:00", unit)} for unit in ("m", "s", "ms", "us", "ns")]
    rows += [{"at": pd.Timestamp("2026-01-05T13:00", tz="Europe/Berlin")}, {"at": np.datetime64("NaT", "ns")}]
    assert [v["x"] for v in shop.reader("f").read(rows).values] == [3] * 6 + [None]
    with refused(BadKey, "Entity 1", "20000-01-01", "years 1 to 9999") as caught:
        shop.reader("f").read([rows[0], {"at": pd.Timestamp(np.datetime64("20000-01-01", "s"))}])
    assert caught.value.entity == 1


def test_some_columns_under_their_own_or_their_full_names(shop):
    types = {"user": "Int64", "a": "Int64", "b": "String", "c": "Float64"}
    shop.version("1.0.0", [{"user": 1, "a": 1, "b": "x", "c": 0.5}], name="f", timed=False, types=types)
    shop.publish(0, name="f")
    read = [{"user": 1}]
    assert shop.reader(FeatureSpec("f", columns=["c", "a"])).read(read).values == [{"c": 0.5, "a": 1}]
    assert shop.reader(FeatureSpec("f", columns="b"), full_names=True).read(read).values == [{"f__b": "x"}]
    assert [(c.name, c.dtype) for c in shop.reader(FeatureSpec("f", columns=["c", "a"])).schema] == [
        ("c", "Float64"),
        ("a", "Int64"),
    ]
    with refused(NotFound, "f", "'d'"):
        shop.reader(FeatureSpec("f", columns=["d"]))


def test_two_features_with_a_column_of_one_name_are_refused(spend):
    spend.version("1.0.0", [(1, 0, 5)], name="plan", timed=False)
    spend.publish(0, name="plan")
    with refused(Invalid, "spend", "plan", "amount"):
        spend.reader(["spend", "plan"])


def test_the_version_that_is_served_may_be_asked_for_and_no_other(spend):
    assert spend.reader("spend@1.0.0").features["spend"].version == "1.0.0"
    with refused(NotFound, "spend", "1.0.0", "2.0.0"):
        spend.reader([("spend", "2.0.0")])


def test_what_is_not_published_is_said(shop):
    with refused(NotFound, "spend", "not been published"):
        shop.reader()


def test_a_reader_notices_a_new_publish(spend):
    reader = spend.reader(refreshed_after=0.0)
    spend.version(
        "1.1.0",
        [{"user": 1, "ts": -5, "amount": 1, "more": "x"}],
        types={"user": "Int64", "ts": "Datetime", "amount": "Int64", "more": "String"},
    )
    spend.publish(0.5)
    assert reader.read([{"user": 1}, {"user": 2}]).values == [
        {"amount": 1, "more": "x"},
        {"amount": None, "more": None},
    ]


def test_a_reader_that_keeps_what_it_knows_reads_new_entries_by_name(spend):
    reader = spend.reader(refreshed_after=1e9)
    types = {"user": "Int64", "ts": "Datetime", "more": "String", "amount": "Int64"}
    spend.version("1.1.0", [{"user": 1, "ts": -5, "more": "x", "amount": 1}], types=types)
    spend.publish(0.5)
    after = spend.online.noted
    assert reader.read([{"user": 1}]).values == [{"amount": 1}]
    assert spend.online.noted == after


def test_a_pinned_reader_says_so_as_long_as_another_version_is_served(spend):
    reader = spend.reader("spend@1.0.0", refreshed_after=0.0)
    spend.version("1.0.1", THREE)
    spend.publish(1)
    for _ in range(2):
        with refused(NotFound, "1.0.1"):
            reader.read([{"user": 1}])
    spend.publish(2, version="1.0.0")
    assert reader.read([{"user": 1}]).values == [{"amount": 10}]


def test_nobody_is_nothing(spend):
    assert spend.reader().read([]) == ([], [])


def test_awaiting_gives_what_reading_gives(spend):
    for store in (Counted, Awaited):
        spend.online = store(None)
        spend.publish(0)
        reader = spend.reader(refreshed_after=0.0)
        asked = [{"user": user} for user in (3, 9, 1)]
        assert asyncio.run(reader.aread(asked)) == reader.read(asked)


def test_a_store_that_gives_encoded_entries_is_read_by_them(spend):
    expected = [spend.reader(at=at).read([{"user": user} for user in (3, 9, 1, None)]) for at in (0, 1, 5)]

    class Encoded(Counted):
        def read_encoded(self, asked):
            return [[e and encode_entry(e) for e in self.read([Address(f, k) for k in keys])] for f, keys in asked]

        async def aread_encoded(self, asked):
            return self.read_encoded(asked)

    spend.online = Encoded(None)
    spend.publish(0)
    readers = [spend.reader(at=at) for at in (0, 1, 5)]
    assert [reader.read([{"user": user} for user in (3, 9, 1, None)]) for reader in readers] == expected
    assert [asyncio.run(r.aread([{"user": user} for user in (3, 9, 1, None)])) for r in readers] == expected


def test_a_slow_store_does_not_hold_up_the_loop(spend):
    at_once = threading.Barrier(3)

    class Slow(Counted):
        def read(self, addresses):
            at_once.wait(60)
            return super().read(addresses)

    spend.online = Slow(None)
    spend.publish(0)

    async def run():
        reader = spend.reader()
        return await asyncio.gather(*(reader.aread([{"user": user}]) for user in (1, 2, 3)))

    assert [found.values for found in asyncio.run(run())] == [[{"amount": 10}], [{"amount": 20}], [{"amount": 30}]]


def test_a_store_that_fails_is_told(spend):
    reader = spend.reader()

    def broken(addresses):
        raise PluginFailed("The store is down.", hint="Start it.")

    spend.online.read = broken
    with refused(PluginFailed, "down"):
        reader.read([{"user": 1}])
