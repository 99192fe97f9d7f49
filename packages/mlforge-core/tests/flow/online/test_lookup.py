"""What an entry means at an instant, and between which instants it means the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mlforge.flow.online.lookup import ALWAYS, NEVER, Lookup
from mlforge.flow.online.publication import Round
from mlforge.model.expr import col
from mlforge.model.feature import FeatureSpec
from mlforge.model.keys import BadKey, Key, surrogate_key
from mlforge.model.meta import FeatureMeta, Recipe
from mlforge.model.plain import plain
from mlforge.model.schema import Column
from mlforge.model.terms import at, hours
from mlforge.plugin import Entry, Point
from mlforge.testing.reference.times import instant as moment
from mlforge.testing.refusals import refused

SECOND = 1_000_000
NOON, HOUR = 1_709_208_000_000_000, 3_600_000_000
INSTANTS = st.integers(-3, 30).map(lambda s: s * SECOND + s % 2)  # even and odd ones
MAYBE = st.none() | INSTANTS


@st.composite
def held(draw):
    """An entry with change points in a small range, the last publish, and a greatest age."""
    stamps = sorted(draw(st.sets(INSTANTS, min_size=1, max_size=4)))
    timeless = draw(st.booleans())
    points = (Point(None, (0,)),) if timeless else tuple(Point(s, (s,)) for s in stamps)
    entry = Entry("f", "k", "1.0.0", draw(INSTANTS), draw(MAYBE), ("x",), draw(st.sampled_from([points, points, ()])))
    since = draw(st.integers(-3, 5)) * SECOND
    return entry, Round("1.0.0", "", draw(INSTANTS), draw(MAYBE), "it", since), draw(st.none() | st.integers(1, 9))


def lookup_of(publish, max_age):
    meta = FeatureMeta(
        name="f", version="1.0.0", created_at="", updated_at="", row_count=1, entity_keys=("user",), timestamp=None,
        interval=None, columns=(Column("user", "Int64"), Column("x", "Int64")), schema_hash="", config_hash="",
        config=Recipe((Key("user"),)), max_age=max_age,
    )  # fmt: skip
    return Lookup(FeatureSpec("f"), publish, meta)


@settings(deadline=None, derandomize=True, database=None, max_examples=500)
@given(data=st.data())
def test_what_is_found_holds_as_long_as_it_says_and_is_what_the_rules_say(data):
    entry, publish, max_age = data.draw(held())
    lookup = lookup_of(publish, f"{max_age}s" if max_age else None)
    now = data.draw(INSTANTS) + data.draw(st.integers(-1, 1))
    values, status, since, before = lookup.found(entry, now)
    assert since <= now < before
    for instant in (s * SECOND + n for s in range(-5, 45) for n in (-1, 0, 1, 2)):
        found = lookup.found(entry, instant)[:2]
        if since <= instant < before:
            assert found == (values, status)
        assert found == by_the_rules(entry, publish, max_age, instant)


def by_the_rules(entry, publish, max_age, now):
    valid = [p for p in entry.points if p.stamp is None or p.stamp <= now]
    if not valid or entry.as_of < publish.since:
        return (None,), "missing"
    point = valid[-1]
    if point.stamp is not None and max_age is not None and now - point.stamp > max_age * SECOND:
        return (None,), "expired"
    known = entry.until is None or now <= entry.until
    again = entry.as_of <= publish.as_of and (publish.until is None or now <= publish.until)
    return point.values, "present" if known or again else "stale"


def test_nothing_is_missing_for_ever():
    lookup = lookup_of(Round("1.0.0", "", 0, None, "it", 0), None)
    assert lookup.found(None, 5) == ((None,), "missing", ALWAYS, NEVER)


def test_columns_that_are_derived_are_computed_of_what_is_stored(shop):
    derived = {"twice": plain(col("amount") * 2), "since": plain((at() - col("seen")) / hours(1))}
    shop.version(
        "1.0.0",
        [{"user": 1, "ts": -2, "amount": 5, "seen": moment(NOON - HOUR)}],
        types={"user": "Int64", "ts": "Datetime", "amount": "Int64", "seen": "Datetime"},
        config=Recipe((Key("user"),), timestamp="ts", derived=derived),
        derived=(Column("twice", "Int64"), Column("since", "Float64")),
    )
    shop.publish(0)
    rows = [{"user": 1}, {"user": 2}]
    seen = moment(NOON - HOUR)
    assert shop.reader(at=1).read(rows).values == [
        {"amount": 5, "seen": seen, "twice": 10, "since": 2.0}, dict.fromkeys(("amount", "seen", "twice", "since")),
    ]  # fmt: skip
    assert shop.reader(FeatureSpec("spend", columns=["since", "twice"]), at=2).read(rows[:1]).values == [
        {"since": 3.0, "twice": 10}
    ]
    assert [(c.name, c.dtype) for c in shop.reader(FeatureSpec("spend", columns=["twice", "amount"])).schema] == [
        ("twice", "Int64"), ("amount", "Int64"),
    ]  # fmt: skip
    entry = next(iter(shop.online.entries.values()))
    for column, until in (("twice", NOON + 2 * HOUR + 1), ("since", NOON + 1)):
        found = shop.reader(FeatureSpec("spend", columns=column)).lookups[0].found(entry, NOON)
        assert found[2:] == (NOON - 2 * HOUR if column == "twice" else NOON, until)


def test_what_a_surrogate_key_is_made_of_has_the_type_that_it_was_made_of(shop):
    who = surrogate_key("Ada", 36)
    shop.version(
        "1.0.0", [{"who": who, "x": 1}], name="people", keys=(Key("who", ("name", "age")),), timed=False,
        types={"who": "String", "x": "Int64"}, key_types={"who": {"name": "String", "age": "Int64"}},
    )  # fmt: skip
    shop.publish(0, name="people")
    reader = shop.reader("people")
    rows = [{"name": "Ada", "age": 36}, {"name": "Ada", "age": None}, {"name": None, "age": 36}]
    assert [v["x"] for v in reader.read(rows).values] == [1, None, None]
    with refused(BadKey, "'who'", "'name'", "entity 0") as caught:
        reader.read([{"ago": 36}])
    assert caught.value.column == "name"
    for column, wrong, dtype in (("age", "36", "Int64"), ("age", True, "Int64"), ("name", 36, "String")):
        with refused(BadKey, f"'{column}'", "entity 3", repr(wrong), "'people'", "'who'", dtype) as caught:
            reader.asked([*rows[:1], rows[0] | {column: wrong}], 2)
        error = caught.value
        assert (error.entity, error.column, error.value, error.dtype) == (3, column, wrong, dtype)


def test_keys_are_those_of_each_features_own_types(shop):
    for name, value in (("numbers", 1), ("texts", "1")):
        types = {"k": "Int64" if value == 1 else "String", name: "Int64"}
        shop.version("1.0.0", [{"k": value, name: 5}], name=name, keys=("k",), timed=False, types=types)
        shop.publish(0, name=name)
    reader = shop.reader(["numbers", "texts"])
    with refused(BadKey, "'texts'", "String"):
        reader.read([{"k": 1}])
    with refused(BadKey, "'numbers'", "Int64"):
        reader.read([{"k": "1"}])


def test_the_second_of_two_keys_is_told_with_its_own_type(shop):
    shop.version(
        "1.0.0", [{"a": 1, "b": "x", "v": 5}, {"a": 2, "b": "x", "v": 6}], name="f", keys=("a", "b"), timed=False,
        types={"a": "Int64", "b": "String", "v": "Int64"},
    )  # fmt: skip
    shop.publish(0, name="f")
    reader = shop.reader("f")
    found = reader.read([{"a": 2, "b": "x"}, {"a": None, "b": "x"}, {"a": 2, "b": None}, {"b": "x", "a": 1}]).values
    assert [v["v"] for v in found] == [6, None, None, 5]
    with refused(BadKey, "'b'", "entity 0", "String"):
        reader.read([{"a": 1, "b": 1}])
    with refused(BadKey, "'b'", "entity 1", "does not have. It has: a, c") as caught:
        reader.read([{"a": 1, "b": "x"}, {"a": 1, "c": 1}])
    assert (caught.value.entity, caught.value.column) == (1, "b")
    with refused(BadKey, "'a'", "It has: nothing"):
        reader.read([{}])
