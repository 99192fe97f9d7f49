"""Entries as bytes: whole, typed, and missing where they are not what was written."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from zlib import crc32

import msgspec
import pytest
from hypothesis import given, settings

from mlforge.errors import Invalid
from mlforge.plugin import Entry, Point, damaged_entries, decode_entry, encode_entry, entry_as_of
from mlforge.plugin.codec import seal
from mlforge.testing.online.subject import assert_found, entry, tombstone
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.entries import VALUES, entries

ENCODINGS = ("msgpack", "json")
EVERYTHING = Entry(
    "spend", "ab", "1.10.0", -5, 7, tuple(f"c{n}" for n in range(len(VALUES))), (Point(None, VALUES), Point(9, VALUES))
)


def sealed(data):
    """MessagePack with the checksum that belongs to it."""
    return data + crc32(data).to_bytes(4, "little")


def again(kept, encoding):
    return decode_entry(encode_entry(kept, encoding), kept.feature, kept.key)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_value_comes_back_in_its_type(encoding):
    assert_found([again(EVERYTHING, encoding)], [EVERYTHING])


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(kept=entries())
def test_any_entry_comes_back(encoding, kept):
    assert_found([again(kept, encoding)], [kept])


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "value", [timedelta.min, timedelta.max, time(0, 0, 0, 1), Decimal("1E+30"), [[], [None, b"x"]]]
)
def test_values_at_the_edge_come_back(encoding, value):
    kept = entry(1, x=value)
    assert_found([again(kept, encoding)], [kept])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_time_in_another_zone_comes_back_in_utc(encoding):
    berlin = datetime(2024, 2, 29, 1, tzinfo=timezone(timedelta(hours=1)))
    (value,) = again(entry(1, x=berlin), encoding).points[0].values
    assert (value, value.tzinfo) == (datetime(2024, 2, 29, tzinfo=UTC), UTC)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("as_of", [0, -1, 1_700_000_000_000_001, -(2**53), 2**53 + 1])
def test_the_first_bytes_tell_the_age(encoding, as_of):
    for kept in (entry(1, as_of=as_of, x=1), tombstone(1, as_of=as_of)):
        assert entry_as_of(encode_entry(kept, encoding)[:64]) == as_of


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("value", [2**64, -(2**63) - 1], ids=str)
def test_integers_beyond_64_bits_are_refused(encoding, value):
    with refused(Invalid, "spend"):
        encode_entry(entry(1, x=value), encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("value", [datetime(2024, 1, 1), {"a": 1}, {1}, 1j, object, "\ud800"], ids=repr)
def test_values_that_no_engine_gives_are_refused(encoding, value):
    with refused(Invalid, "cannot be kept online"):
        encode_entry(entry(1, x=value), encoding)


def assert_missing(data, feature="spend", key="ab"):
    """Bytes are nobody's entry, which is counted."""
    before = damaged_entries().get(feature, 0)
    assert decode_entry(data, feature, key) is None
    assert damaged_entries()[feature] == before + 1


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_bytes_that_are_cut_off_are_missing(encoding):
    data = encode_entry(EVERYTHING, encoding)
    for end in range(len(data)):
        assert_missing(data[:end])
        assert_missing(data[end + 1 :])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_flipped_bit_is_another_value(encoding):
    data = encode_entry(EVERYTHING, encoding)
    for place in range(len(data)):
        for bit in range(8):
            assert_missing(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_other_byte_is_another_value(encoding):
    data = encode_entry(Entry("spend", "ab", "1.0.0", 7, None, ("x", "y"), (Point(1, (40, "é")),)), encoding)
    for place, was in enumerate(data):
        for byte in {*range(256)} - {was}:
            assert_missing(data[:place] + bytes([byte]) + data[place + 1 :])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_entry_at_another_address_is_missing(encoding):
    kept = entry(1, x=1)
    data = encode_entry(kept, encoding)
    assert decode_entry(data, "spend", kept.key) == kept
    assert_missing(data, "plan", kept.key)
    assert_missing(data, "spend", entry(2).key)


def test_what_is_damaged_is_logged_once_with_a_way_out(caplog):
    data = encode_entry(entry(1, feature="logged", x=1))
    for _ in range(3):
        assert_missing(data[:-1], "logged", "k")
    (record,) = [r for r in caplog.records if r.name == "mlforge.online"]
    assert record.levelname == "WARNING"
    for word in ("'logged'", "at k", "missing", "mlforge publish logged --force"):
        assert word in record.getMessage()


FIRST = b"\x01" + b"\0" * 8


@pytest.mark.parametrize(
    "data",
    [
        b"\x03" + b"\0" * 30,
        b'{"as_of":1,"layout":1,"version":"1.0.0","until":null,"points":[]}',
        seal(b'{"as_of":1,"layout":3,"of":"spend:ab","version":"1.0.0","until":null,"points":[]}'),
        seal(
            b'{"as_of":1,"layout":2,"of":"spend:ab","version":"1","until":null,'
            b'"points":[{"stamp":1,"values":{"x":{"set":1}}}]}'
        ),
        seal(
            b'{"as_of":1,"layout":2,"of":"spend:ab","version":"1","until":null,'
            b'"points":[{"stamp":1,"values":{"x":{}}}]}'
        ),
        seal(b"{}"),
        FIRST + msgspec.msgpack.encode(("1.0.0", None, b"\x90", [])),
        sealed(b"\x94\xc4\x01\x90\xa2ab\x90\xce"),
        sealed(b"\x94\x01\xa2ab\x90\xce"),
        sealed(b"\x90"),
        sealed(b""),
    ],
)
def test_what_no_layout_here_knows_is_missing(data):
    assert_missing(data)
    with pytest.raises(Invalid):
        entry_as_of(b"x" + data)


def test_json_is_for_people():
    shown = encode_entry(entry("DL", as_of=5, flights=3, delay=float("nan")), "json")
    assert shown == (
        b'{"as_of":5,"layout":2,"of":"spend:0dc2a6f1","version":"1.0.0","until":86400000005,'
        b'"points":[{"stamp":5,"values":{"flights":3,"delay":{"float":"nan"}}}],"crc":"d79be954"}'
    )
