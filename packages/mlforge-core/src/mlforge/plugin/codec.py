"""Entries as bytes: one layout for every key-value store, fast to read where features are served.

MessagePack: the layout's number (1), `as_of` as eight bytes (signed, big-endian), then an array of the version, until,
the columns' names (an array, packed by itself so that it is decoded once and known again) and the points. Types that
MessagePack lacks are extensions: date 1, time 2, timedelta 3, Decimal 4; an instant is its own timestamp.

JSON: an object that begins with `as_of`. Types that JSON lacks are objects of one field: `{"date": "2024-02-29"}`,
`time`, `datetime`, `timedelta` (microseconds), `decimal`, `bytes` (base 64), `float` (`nan`, `inf`, `-inf`).
"""

from __future__ import annotations

import math
import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

import msgspec

from mlforge.errors import Invalid
from mlforge.plugin.online_stores import Entry, Point

Encoding = Literal["msgpack", "json"]
_LAYOUT = 1
_HEADER = 9
_PACKED = bytes([_LAYOUT])
_as_of = struct.Struct(">q").unpack_from
_JSON_HEADER = re.compile(rb'\{"as_of":(-?\d+)')
_MICRO = timedelta(microseconds=1)
_DAY = date(1970, 1, 1)
_Packed = tuple[str, int | None, bytes, tuple[Point, ...]]
"""The version, until, the columns' names and the points."""
_NATIVE = frozenset({type(None), bool, int, float, str, bytes})
_JSON_NATIVE = frozenset({type(None), bool, int, str})


class _Shown(msgspec.Struct, frozen=True):
    as_of: int
    layout: int
    version: str
    until: int | None
    points: list[_ShownPoint]


class _ShownPoint(msgspec.Struct, frozen=True):
    stamp: int | None
    values: dict[str, Any]


def encode_entry(entry: Entry, encoding: Encoding = "msgpack") -> bytes:
    """An entry as bytes: all of it but its address, which is what the store keeps it under.

    Raises:
        Invalid: A value that no store can keep: a time without a zone, an integer beyond 64 bits, another type.

    Example:
        >>> encode_entry(Entry("spend", "ab", "1.0.0", 0), "json")
        b'{"as_of":0,"layout":1,"version":"1.0.0","until":null,"points":[]}'
    """
    try:
        return _packed(entry) if encoding == "msgpack" else _shown(entry)
    except (OverflowError, UnicodeEncodeError) as error:
        raise Invalid(
            f"A value of {entry.feature!r} cannot be kept online: {error}.",
            hint="Integers have 64 bits, and text is Unicode.",
        ) from None


def decode_entry(data: bytes, feature: str, key: str) -> Entry:
    """The entry that was encoded, whichever way it was. A tombstone has no points.

    Raises:
        Invalid: Bytes that are damaged, or in a layout of a later mlforge.

    Example:
        >>> entry = Entry("spend", "ab", "1.0.0", 0, columns=("spend_7d",), points=(Point(0, (40,)),))
        >>> decode_entry(encode_entry(entry), "spend", "ab") == entry
        True
    """
    try:
        if data[0] == _LAYOUT:
            version, until, named, points = _unpack(data[_HEADER:])
            columns = _COLUMNS.get(named) or _learn(named)
            return Entry(feature, key, version, _as_of(data, 1)[0], until, columns, points)
        if data[:1] == b"{":
            return _read_shown(data, feature, key)
    except (msgspec.MsgspecError, struct.error, LookupError, ValueError, ArithmeticError, TypeError) as error:
        raise Invalid(
            f"What is kept of {feature!r} at {key!r} is damaged: {error}.", hint="Publish the feature again."
        ) from error
    raise Invalid(
        f"What is kept of {feature!r} at {key!r} begins with {data[:1]!r}, which no layout known here does.",
        hint="Upgrade mlforge, or publish the feature again.",
    )


def entry_as_of(data: bytes) -> int:
    """The `as_of` of an encoded entry; the first 64 bytes are enough. Raises `Invalid` for other bytes.

    Example:
        >>> entry_as_of(encode_entry(Entry("spend", "ab", "1.0.0", as_of=7))[:64])
        7
    """
    if data[:1] == _PACKED and len(data) >= _HEADER:
        return int.from_bytes(data[1:_HEADER], signed=True)
    if found := _JSON_HEADER.match(data):
        return int(found[1])
    raise Invalid(f"{data[:16]!r} is no entry.", hint="Publish the feature again.")


def _packed(entry: Entry) -> bytes:
    points = [p if _NATIVE.issuperset(map(type, p.values)) else _plain_point(p) for p in entry.points]
    body = _pack((entry.version, entry.until, _names(entry.columns), points))
    return _PACKED + entry.as_of.to_bytes(8, signed=True) + body


def _plain_point(point: Point) -> Point:
    return Point(point.stamp, tuple(map(_plain, point.values)))


def _plain(value: Any) -> Any:
    """A value as MessagePack can hold it."""
    kind = type(value)
    if kind in _NATIVE or (kind is datetime and value.tzinfo is not None):
        return value
    if kind is list:
        return [_plain(v) for v in value]
    if kind not in _EXTENSIONS:
        raise _foreign(value)
    code, write, _ = _EXTENSIONS[kind]
    return msgspec.msgpack.Ext(code, write(value))


def _foreign(value: Any) -> Invalid:
    zoneless = type(value) is datetime
    what = "A time without a zone" if zoneless else f"A {type(value).__qualname__}"
    return Invalid(f"{what} cannot be kept online: {value!r}.", hint="Values are what Engine.rows gives.")


def _whole(value: int) -> bytes:
    return value.to_bytes(12, signed=True)


def _number(data: bytes) -> int:
    return int.from_bytes(data, signed=True)


def _micros(value: time) -> int:
    return (datetime.combine(_DAY, value, UTC) - datetime.combine(_DAY, time(), UTC)) // _MICRO


def _clock(micros: int) -> time:
    return (datetime.combine(_DAY, time(), UTC) + timedelta(microseconds=micros)).time()


_EXTENSIONS: dict[type, tuple[int, Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    date: (1, lambda v: _whole(v.toordinal()), lambda d: date.fromordinal(_number(d))),
    time: (2, lambda v: _whole(_micros(v)), lambda d: _clock(_number(d))),
    timedelta: (3, lambda v: _whole(v // _MICRO), lambda d: timedelta(microseconds=_number(d))),
    Decimal: (4, lambda v: str(v).encode(), lambda d: Decimal(d.decode())),
}
_READERS = {code: read for code, _, read in _EXTENSIONS.values()}


def _extension(code: int, data: memoryview) -> Any:
    return _READERS[code](bytes(data))


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(_Packed, ext_hook=_extension).decode
_COLUMNS: dict[bytes, tuple[str, ...]] = {}
_NAMES: dict[tuple[str, ...], bytes] = {}


def _learn(data: bytes) -> tuple[str, ...]:
    """The columns' names, and remember them: a feature's are the same in all its entries."""
    if len(_COLUMNS) >= 10_000:
        _COLUMNS.clear()
    return _COLUMNS.setdefault(data, msgspec.msgpack.decode(data, type=tuple[str, ...]))


def _names(columns: tuple[str, ...]) -> bytes:
    if columns not in _NAMES:
        if len(_NAMES) >= 10_000:
            _NAMES.clear()
        _NAMES[columns] = _pack(columns)
    return _NAMES[columns]


def _shown(entry: Entry) -> bytes:
    points = [
        _ShownPoint(p.stamp, {c: _tagged(v) for c, v in zip(entry.columns, p.values, strict=True)})
        for p in entry.points
    ]
    return msgspec.json.encode(_Shown(entry.as_of, _LAYOUT, entry.version, entry.until, points))


def _read_shown(data: bytes, feature: str, key: str) -> Entry:
    shown = _read_json(data)
    if shown.layout != _LAYOUT:
        raise Invalid(
            f"What is kept of {feature!r} at {key!r} has the layout {shown.layout}, which is not known here.",
            hint="Upgrade mlforge, or publish the feature again.",
        )
    points = tuple(Point(p.stamp, tuple(map(_untagged, p.values.values()))) for p in shown.points)
    columns = tuple(shown.points[0].values) if shown.points else ()
    return Entry(feature, key, shown.version, shown.as_of, shown.until, columns, points)


_read_json = msgspec.json.Decoder(_Shown).decode


def _tagged(value: Any) -> Any:
    """A value as JSON can hold it."""
    kind = type(value)
    if kind is int and not -(2**63) <= value < 2**64:
        raise OverflowError(f"{value} has more than 64 bits")
    if kind in _JSON_NATIVE or (kind is float and math.isfinite(value)):
        return value
    if kind is list:
        return [_tagged(v) for v in value]
    if kind not in _TAGS or (kind is datetime and value.tzinfo is None):
        raise _foreign(value)
    tag, write, _ = _TAGS[kind]
    return {tag: write(value)}


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(v) for v in value]
    if not isinstance(value, dict):
        return value
    ((tag, text),) = value.items()
    return _UNTAG[tag](text)


_TAGS: dict[type, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    float: ("float", str, float),
    bytes: ("bytes", lambda v: b64encode(v).decode(), b64decode),
    date: ("date", date.isoformat, date.fromisoformat),
    time: ("time", time.isoformat, time.fromisoformat),
    datetime: ("datetime", lambda v: v.astimezone(UTC).isoformat(), datetime.fromisoformat),
    timedelta: ("timedelta", lambda v: v // _MICRO, lambda n: timedelta(microseconds=n)),
    Decimal: ("decimal", str, Decimal),
}
_UNTAG = {tag: read for tag, _, read in _TAGS.values()}
