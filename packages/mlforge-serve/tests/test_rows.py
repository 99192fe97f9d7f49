"""Rows that are remembered are those that would be made anew, at every instant and however little is kept."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlforge.flow.online.lookup import Lookup
from mlforge.flow.online.publication import Round
from mlforge.flow.online.vector import Vector
from mlforge.model.feature import FeatureSpec
from mlforge.model.keys import Key
from mlforge.model.meta import FeatureMeta, Recipe
from mlforge.model.schema import Column
from mlforge.plugin import Entry, Point, damaged_entries, encode_entry
from mlforge_serve.answers import FORMATS, Form
from mlforge_serve.rows import Memory, Row, Rows

FEATURES = ("spend", "plan")
VALUES = st.sampled_from([None, 1, 2**63 - 1, 0.5, float("nan"), float("-inf"), "null", "é", [None, float("inf")]])


def lookup(name: str) -> Lookup:
    meta = FeatureMeta(
        name=name, version="1.0.0", created_at="", updated_at="", row_count=1, entity_keys=("user",), timestamp=None,
        interval=None, columns=(Column("user", "Int64"), Column(name, "Int64")), schema_hash="", config_hash="",
        config=Recipe((Key("user"),)), max_age="10s",
    )  # fmt: skip
    return Lookup(FeatureSpec(name), Round("1.0.0", "", 0, 20_000_000, "it", 0), meta)


VECTOR: Any = Vector(tuple(map(lookup, FEATURES)))


def entries(name: str) -> st.SearchStrategy[Entry | None]:
    """An entry of a feature with a few change points, a tombstone, or nothing."""
    stamps = st.sets(st.integers(0, 30), min_size=1, max_size=3).map(sorted)
    point = st.tuples(VALUES)
    points = stamps.flatmap(lambda some: st.tuples(*(st.builds(Point, st.just(s * 10**6), point) for s in some)))
    timeless = st.tuples(st.builds(Point, st.none(), point))
    made = st.builds(
        Entry, st.just(name), st.just("k"), st.just("1.0.0"), st.integers(0, 1), st.sampled_from([None, 5_000_000]),
        st.just((name,)), st.one_of(points, timeless, st.just(())),
    )  # fmt: skip
    return st.none() | made


def said(row: Row) -> tuple[bytes, bytes, tuple[str, ...]]:
    return row.values, row.status, row.statuses


@settings(deadline=None, derandomize=True, database=None, max_examples=150)
@given(data=st.data())
@pytest.mark.parametrize("limit", [0, 2000, 1 << 20])
@pytest.mark.parametrize("form", FORMATS)
def test_what_is_remembered_is_what_would_be_made(form: Form, limit: int, data: st.DataObject) -> None:
    entities = data.draw(st.lists(st.tuples(*map(entries, FEATURES)), min_size=1, max_size=6))
    records = [tuple(entry and encode_entry(entry) for entry in entity) for entity in entities]
    remembering = Rows(VECTOR, form, Memory(limit))
    for now in data.draw(st.lists(st.integers(-2, 45).map(lambda s: s * 10**6), min_size=1, max_size=8)):
        asked = data.draw(st.lists(st.integers(0, len(entities) - 1), min_size=1, max_size=8))
        keys: Any = [(name, ["k"] * len(asked)) for name in FEATURES]
        found = remembering.at(now, [{}] * len(asked), keys, list(zip(*(records[n] for n in asked), strict=True)))
        plain = list(zip(*(entities[n] for n in asked), strict=True))
        expected = Rows(VECTOR, form, Memory(0)).at(now, [{}] * len(asked), keys, plain)
        assert [said(row) for row in found] == [said(row) for row in expected]
        assert all(row.since <= now < row.before for row in found)


def test_what_is_damaged_is_missing_and_counted_each_time() -> None:
    rows, plan = Rows(VECTOR, FORMATS[0], Memory(1 << 20)), encode_entry(Entry("plan", "k", "1", 0, None, ("plan",)))
    kept = encode_entry(Entry("spend", "k", "1.0.0", 0, None, ("spend",), (Point(0, (7,)),)))
    damaged = kept[:-9] + bytes([kept[-9] ^ 4]) + kept[-8:]
    before = damaged_entries().get("spend", 0)
    for now in (0, 0, 1):
        (row,) = rows.at(now, [{}], [("spend", ["k"]), ("plan", ["k"])], [[damaged], [plan]])
        assert row.statuses == ("missing", "missing")
        assert b"7" not in row.values
    assert damaged_entries()["spend"] == before + 3
    (row,) = rows.at(0, [{}], [("spend", ["k"]), ("plan", ["k"])], [[kept], [plan]])
    assert row.statuses == ("present", "missing")


def test_what_is_remembered_of_one_entity_is_answered_to_nobody_else() -> None:
    """The bytes of an entity at another's place are missing there, also where they were met at their own."""
    rows, before = Rows(VECTOR, FORMATS[0], Memory(1 << 20)), damaged_entries().get("spend", 0)
    mine, other = "a" * 32, "b" * 32
    kept = encode_entry(Entry("spend", mine, "1.0.0", 0, None, ("spend",), (Point(0, (7,)),)))
    for keys, statuses in (([mine, other], ["present", "missing"]), ([other, mine], ["missing", "present"])):
        found = rows.at(0, [{}, {}], [("spend", keys), ("plan", keys)], [[kept, kept], [None, None]])
        assert [row.statuses[0] for row in found] == statuses
        assert [b"7" in row.values for row in found] == [status == "present" for status in statuses]
    assert damaged_entries()["spend"] == before + 2


@pytest.mark.parametrize("count", [0, 1, 15, 16, 65_535, 65_536])
def test_answers_of_any_length_are_whole(count: int) -> None:
    json, msgpack = FORMATS
    rows, expected = [{"x": n} for n in range(count)], {"spend": "1.0.0"}
    for form, decode in ((json, msgspec.json.decode), (msgpack, msgspec.msgpack.decode)):
        values = [form.row(["x"], [n]) for n in range(count)]
        answer = decode(form.answers(values, values, form.document(expected)))
        assert answer == {"values": rows, "status": rows, "versions": expected}
