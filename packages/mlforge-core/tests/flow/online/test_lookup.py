"""What an entry means at an instant, and between which instants it means the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mlforge.flow.online.lookup import ALWAYS, NEVER, Lookup
from mlforge.flow.online.publication import Round
from mlforge.model.feature import FeatureSpec
from mlforge.model.keys import Key
from mlforge.model.meta import FeatureMeta, Recipe
from mlforge.model.schema import Column
from mlforge.plugin import Entry, Point

SECOND = 1_000_000
INSTANTS = st.integers(-3, 30).map(lambda s: s * SECOND)
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
    for instant in (s * SECOND + n for s in range(-5, 45) for n in (-1, 0, 1)):
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
