"""Request features that are served: inputs of every type, what is computed of them, and how long that holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest

from mlforge.errors import Invalid
from mlforge.model.expr import col
from mlforge.model.feature import FeatureSpec
from mlforge.model.keys import BadKey, Key
from mlforge.model.meta import Recipe
from mlforge.model.plain import plain
from mlforge.model.request import Requested, RequestFeature
from mlforge.model.schema import Column
from mlforge.model.terms import at
from mlforge.plugin import Address
from mlforge.testing.memory import LiveMemoryOnlineStore
from mlforge.testing.refusals import refused

NOON, HOUR = 1_709_208_000_000_000, 3_600_000_000
ALWAYS, NEVER = -(2**63), 2**63
ODD = 1.5 / HOUR
LEAP = datetime(2024, 2, 29, 12, tzinfo=UTC)
EAST, WEST = timezone(timedelta(hours=2)), timezone(timedelta(hours=-2))


class Counted(LiveMemoryOnlineStore):
    """Keeps what it is asked for."""

    def __init__(self, config):
        super().__init__(config)
        self.asked = []

    def read(self, addresses):
        self.asked.append([address.feature for address in addresses])
        return super().read(addresses)


@pytest.fixture
def house(shop):
    """Users with what they spend, for two hours after noon, and a plan that has no time; the second has none."""
    shop.online = Counted(None)
    shop.version("1.0.0", [(1, -5, 10), (1, 1, 11), (2, -4, 20)], max_age="6h")
    shop.version("1.0.0", [{"user": 1, "rate": 3}], name="plan", timed=False, types={"user": "Int64", "rate": "Int64"})
    shop.publish(0)
    shop.publish(0, name="plan")
    return shop


def echo(dtype):
    return RequestFeature("echo", {"same": col("x")}, {"x": dtype})


SPEND, PLAN = FeatureSpec("spend"), FeatureSpec("plan")
OWED = RequestFeature("owed", {"owed": col("amount") * col("rate"), "rated": col("rate") + 1}, uses=(SPEND, PLAN))
LEFT = RequestFeature("left", {"left": col("limit") - col("amount")}, {"limit": "Int64"}, (SPEND,))


@pytest.mark.parametrize(
    ("dtype", "given", "made"),
    [
        ("Int64", 2**63 - 1, 2**63 - 1),
        ("Int64", -(2**63), -(2**63)),
        ("Float64", 1, 1.0),
        ("Float64", 0.5, 0.5),
        ("String", "é", "é"),
        ("Boolean", False, False),
        ("Date", date(2024, 2, 29), date(2024, 2, 29)),
        ("Datetime", LEAP, LEAP),
        ("Datetime", LEAP.replace(tzinfo=None), LEAP),
        ("Datetime", LEAP.replace(tzinfo=EAST), LEAP - timedelta(hours=2)),
        ("Datetime", type("Stamp", (datetime,), {})(2024, 2, 29, 12, tzinfo=UTC), LEAP),
    ],
    ids=repr,
)
def test_inputs_of_every_type_are_what_was_given_and_null_is_null(house, dtype, given, made):
    numpy = type("scalar", (), {"dtype": np.dtype("O"), "shape": (), "item": lambda self: given})()
    found, statuses = house.reader(echo(dtype)).read([{"x": given}, {"x": None}, {"x": numpy}])
    assert statuses == [{"echo": "present"}] * 3
    assert [(row["same"], type(row["same"])) for row in found] == [
        (made, type(made)), (None, type(None)), (made, type(made)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("dtype", "wrong"),
    [
        ("Int64", ["1", 1.0, True, 2**63, 2**64, -(2**63) - 1]),
        ("Float64", ["1", True, 10**400, date(2024, 2, 29)]),
        ("String", [1, b"x"]),
        ("Boolean", [1, "true"]),
        ("Date", ["2024-02-29", LEAP]),
        ("Datetime", [date(2024, 2, 29), 1, datetime(9999, 12, 31, 23, tzinfo=WEST)]),
    ],
)
def test_an_input_of_another_type_is_refused_with_the_entity_it_is_of(house, dtype, wrong):
    reader = house.reader(echo(dtype))
    for other in wrong:
        with refused(BadKey, "'x'", "entity 1", repr(other), "'echo'", dtype) as caught:
            reader.read([{"x": None}, {"x": other}])
        error = caught.value
        assert (error.entity, error.column, error.value, error.dtype) == (1, "x", other, dtype)
        assert error.what == "input"


def test_an_input_that_is_missing_is_named_and_what_may_be_meant_by_it(house):
    reader = house.reader(LEFT)
    with refused(BadKey, "'left'", "'limit'", "entity 6") as caught:
        reader.asked([{"user": 1, "limit": 2}, {"user": 1, "limits": 2}], 5)
    assert caught.value.hint.startswith("Did you mean it by 'limits'? ")
    assert (caught.value.entity, caught.value.column) == (6, "limit")
    with refused(BadKey, "entity 0") as caught:
        reader.read([{"user": 1}])
    assert caught.value.hint == "Give it beside the keys, as int, or null."
    with refused(BadKey, "'user'", "entity 7"):
        reader.asked([{"user": 1, "limit": 2}, {"limit": 2}], 6)


def test_it_is_computed_of_what_is_served_and_as_good_as_the_worst_of_it(house):
    rows = [{"user": 1}, {"user": 2}, {"user": 9}]
    reader = house.reader(OWED)
    assert reader.read(rows).values == [{"owed": 30, "rated": 4}, *[{"owed": None, "rated": None}] * 2]
    statuses = {hour: [s["owed"] for s in house.reader(OWED, hour).read(rows).statuses] for hour in (0, 2.1, 7.1)}
    assert statuses == {
        0: ["present", "missing", "missing"], 2.1: ["stale", "missing", "missing"], 7.1: ["expired"] + ["missing"] * 2,
    }  # fmt: skip
    assert house.reader(OWED, 7.1).read(rows[:1]).values == [{"owed": None, "rated": 4}]
    house.publish(3)
    assert [s["left"] for s in house.reader(LEFT, 3).read([{"user": 2, "limit": 25}]).statuses] == ["expired"]


def test_a_feature_that_several_read_is_read_once_and_each_has_its_own_columns(house):
    reader = house.reader(["spend", LEFT, OWED])
    found = reader.read([{"user": 1, "limit": 25}, {"user": 2, "limit": 5}])
    assert found.values == [
        {"amount": 10, "left": 15, "owed": 30, "rated": 4},
        {"amount": 20, "left": -15, "owed": None, "rated": None},
    ]
    assert found.statuses == [
        {"spend": "present", "left": "present", "owed": "present"},
        {"spend": "present", "left": "present", "owed": "missing"},
    ]
    assert house.online.asked == [["spend", "spend", "plan", "plan"]]
    assert reader.schema.names == ("amount", "left", "owed", "rated")
    assert [one.name for one in reader.requests] == ["left", "owed"]
    assert reader.vector.features == ("spend", "left", "owed")


def test_some_columns_under_their_own_or_their_full_names(house):
    rows = [{"user": 1}]
    assert house.reader(Requested(OWED, ("rated",))).read(rows).values == [{"rated": 4}]
    assert house.online.asked == [["plan"]]
    assert house.reader(OWED, full_names=True).read(rows).values == [{"owed__owed": 30, "owed__rated": 4}]
    with refused(Invalid, "'spend'", "'spent'", "'amount'"):
        house.reader(["spend", RequestFeature("spent", {"amount": col("rate")}, uses=(PLAN,))])


def test_a_version_that_it_names_is_the_one_it_is_computed_of(house):
    house.version("1.0.1", [(1, -5, 500)])
    house.publish(1)
    house.publish(1, version="1.0.0", beside=True)
    old = RequestFeature("old", {"old": col("amount")}, uses=(FeatureSpec("spend", "1.0.0"),))
    assert house.reader(["spend", old], 1).read([{"user": 1}]).values == [{"amount": 500, "old": 11}]


@pytest.mark.parametrize(
    ("feature", "hour", "since", "before"),
    [
        (OWED, 0, NOON - 5 * HOUR, NOON + HOUR),
        (OWED, 1.5, NOON + HOUR, NOON + 2 * HOUR + 1),
        (OWED, 2.5, NOON + 2 * HOUR + 1, NOON + 7 * HOUR + 1),
        (OWED, 8, NOON + 7 * HOUR + 1, NEVER),
        (LEFT, 0, NOON, NOON + 1),
        (RequestFeature("when", {"when": at()}, uses=(PLAN,)), 0, NOON, NOON + 1),
        (RequestFeature("rated", {"rated": col("rate")}, uses=(PLAN,)), 0, ALWAYS, NEVER),
        (RequestFeature("one", {"one": col("rate") + 1}, {"rate": "Int64"}), ODD, NOON + 1, NOON + 2),
    ],
    ids=lambda value: value.name if isinstance(value, RequestFeature) else None,
)
def test_it_holds_as_long_as_what_it_is_computed_of_and_of_an_input_or_the_instant_for_no_other(
    house, feature, hour, since, before
):
    reader = house.reader(feature, hour)
    row = {"user": 1, "limit": 5, "rate": 2}
    entries = house.online.read([Address(place, keys[0]) for place, keys in reader.asked([row])])
    assert reader.vector.of(entries, row, NOON + int(hour * HOUR))[2:] == (since, before)


def test_among_several_the_answer_holds_as_long_as_the_shortest(house):
    reader = house.reader(["plan", "spend"])
    keys = reader.asked([{"user": 1}])
    entries = house.online.read([Address(place, some[0]) for place, some in keys])
    values, statuses, since, before = reader.vector.of(entries, {}, NOON)
    assert (values, statuses) == ([3, 10], ["present", "present"])
    assert (since, before) == (NOON - 5 * HOUR, NOON + HOUR)


@pytest.mark.parametrize("requested", [False, True])
def test_an_integer_that_does_not_fit_is_told_with_its_feature_and_its_entity(shop, requested):
    derived = {"config": Recipe((Key("user"),), derived={"twice": plain(col("amount") * 2)})}
    rows = [{"user": user, "amount": 2**62 if user == 3 else user} for user in (1, 2, 3)]
    shop.version(
        "1.0.0", rows, timed=False, types={"user": "Int64", "amount": "Int64"}, **derived,
        derived=(Column("twice", "Int64"),),
    )  # fmt: skip
    shop.publish(0)
    thrice = RequestFeature("thrice", {"thrice": col("amount") * 3}, uses=(FeatureSpec("spend", columns="amount"),))
    reader = shop.reader(Requested(thrice) if requested else "spend")
    name, column = ("thrice", "thrice") if requested else ("spend", "twice")
    with refused(BadKey, "Entity 2", f"'{name}' cannot compute {column}", "64 bits") as caught:
        reader.read([{"user": user} for user in (1, 2, 3, 3)])
    assert (caught.value.entity, caught.value.what) == (2, "value")
    assert reader.read([{"user": 2}]).values == [{column: 6} if requested else {"amount": 2, "twice": 4}]
