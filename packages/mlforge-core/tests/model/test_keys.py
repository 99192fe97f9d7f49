"""The key hash is a promise to every engine, store and process: these values never change."""

import enum
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from mlforge.errors import Invalid
from mlforge.model.keys import BadKey, encode_component, keys_of_one, surrogate_key

GOLDEN = [
    ((42,), b"i2:42"),
    ((-1,), b"i2:-1"),
    ((2**63 - 1,), b"i19:9223372036854775807"),
    (("",), b"s0:"),
    (("None",), b"s4:None"),
    ((None,), b"n0:"),
    (("Zoë",), "s4:Zoë".encode()),
    ((True,), b"b1:1"),
    ((date(1969, 12, 31),), b"d2:-1"),
    ((datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),), b"t7:1000000"),
    ((b"\x00\xff",), b"x4:00ff"),
]
HASHES = {
    (42,): "a55899d0f7e96fbb0dbaa381c72e97b1",
    ("Ada", None): "40d5498eb6d407a018ee1ada3fe584c7",
    ("", ""): "030e9abedc2f83fa00c9b77aa4952631",
}


@pytest.mark.parametrize(("values", "encoded"), GOLDEN, ids=lambda v: repr(v))
def test_a_component_is_written_as_letter_length_and_text(values, encoded):
    assert encode_component(values[0]) == encoded


@pytest.mark.parametrize(("values", "key"), HASHES.items(), ids=lambda v: repr(v))
def test_the_hash_of_a_key_never_changes(values, key):
    assert surrogate_key(*values) == key


def test_keys_that_differ_in_type_or_in_where_they_are_cut_differ():
    keys = [(1,), ("1",), (True,), (None,), ("None",), ("",), ("a", "bc"), ("ab", "c"), ("abc",), ("a", None, "bc")]
    assert len({surrogate_key(*k) for k in keys}) == len(keys)


def test_an_instant_is_the_same_key_in_every_zone():
    tokyo = timezone(timedelta(hours=9))
    assert surrogate_key(datetime(2025, 1, 1, 9, tzinfo=tokyo)) == surrogate_key(datetime(2025, 1, 1))


@pytest.mark.parametrize(("given", "meant"), [
    (np.int8(1), 1),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
    (np.void(b"a\0"), b"a\0"),
    (np.array(7), 7),
    (np.datetime64("2025-01-01"), date(2025, 1, 1)),
    (np.datetime64("2025-01-01T12:00", "ns"), datetime(2025, 1, 1, 12)),
    (np.datetime64("2025-01-01T12:00:00.000000999", "ns"), datetime(2025, 1, 1, 12)),
    (np.datetime64(-1, "ns"), datetime(1969, 12, 31, 23, 59, 59, 999_999)),
    (pd.Timestamp("2025-01-01T12:00"), datetime(2025, 1, 1, 12)),
    (np.datetime64("NaT", "ns"), None),
    (pd.NaT, None),
    (pd.NA, None),
    (np.ma.masked, None),
], ids=repr)  # fmt: skip
def test_a_value_of_another_library_is_the_key_of_what_it_stands_for(given, meant):
    assert surrogate_key(given) == surrogate_key(meant)


@pytest.mark.parametrize(
    "given",
    [np.array([1, 2]), np.float64(1), np.timedelta64(1, "ns"), np.datetime64("20000-01-01", "s"),
     pd.Timestamp(np.datetime64("20000-01-01", "s")), "\ud800", 10**5000],
    ids=["array", "float", "length", "time beyond", "pandas' time beyond", "half a character", "too many digits"],
)  # fmt: skip
def test_what_is_no_key_is_refused_in_words(given):
    with pytest.raises(Invalid) as refused:
        surrogate_key(given)
    assert refused.value.hint


def test_a_member_of_an_enumeration_is_its_value():
    class Plan(int, enum.Enum):
        GOLD = 7

    class Shop(enum.StrEnum):
        ZURICH = "Zürich"

    assert surrogate_key(Plan.GOLD, Shop.ZURICH) == surrogate_key(7, "Zürich")


def test_what_pandas_writes_for_no_value_is_null():
    class NaTType(datetime):
        """As pandas has it."""

    assert surrogate_key("Ada", NaTType(2025, 1, 1)) == surrogate_key("Ada", None)


@pytest.mark.parametrize("values", [(), (1.5,), ([1],)])
def test_what_cannot_be_a_key_is_refused(values):
    with pytest.raises(Invalid):
        surrogate_key(*values)


@pytest.mark.parametrize("values", [[7], [7, 1, 7], ["", "a"], ["Zoë" * 200], ["a", "b" * 101, "a"]], ids=repr)
def test_keys_of_one_column_are_those_of_each_value(values):
    assert keys_of_one(values) == keys_of_one(values) == [surrogate_key(value) for value in values]


def test_a_bad_key_is_the_first_entitys_unless_it_says_another():
    assert (BadKey("No.", "Yes.").entity, BadKey("No.", "Yes.", entity=2).entity) == (0, 2)
