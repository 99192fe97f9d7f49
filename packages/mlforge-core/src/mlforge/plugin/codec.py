"""Entries as bytes: one layout for every key-value store, fast to read where features are served.

MessagePack: an array of four. The first is what all entries of one publish have in common, as bytes, so that it is
decoded once and known again: an array of `as_of` (always a signed integer of eight bytes), the feature, the version,
until and the columns' names. Then the first eight characters of the key, the points, and a checksum. Types that
MessagePack lacks are extensions: date 1, time 2, timedelta 3, Decimal 4; an instant is its own timestamp.

JSON: an object that begins with `as_of` and ends with `crc`; `of` is the feature and the start of the key. Types that
JSON lacks are objects of one field: `{"date": "2024-02-29"}`, `time`, `datetime`, `timedelta` (microseconds),
`decimal`, `bytes` (base 64), `float` (`nan`, `inf`, `-inf`).

The checksum is a CRC-32 of all bytes before it. It and the address find an entry that is damaged or stands at another
one's place: such an entry is missing. So is one of layout 1, which had neither.
"""

from __future__ import annotations

import math
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal
from zlib import crc32

import msgspec

from mlforge.errors import Invalid
from mlforge.plugin.damage import met_damage
from mlforge.plugin.online_stores import Entry, Point

Encoding = Literal["msgpack", "json"]
_LAYOUT = 2
_FIRST = b"\x94\xc6"
_COMMON = b"\x95\xd3"
_AS_OF = slice(8, 16)
_LAST = b"\xce"
_SEALED = 0x2144DF1C
"""The CRC-32 of any bytes with their own CRC-32 behind them, its least byte first."""
_MARK = 8
_JSON_HEADER = re.compile(rb'\{"as_of":(-?\d+)')
_MICRO = timedelta(microseconds=1)
_DAY = date(1970, 1, 1)
_Common = tuple[int, str, str, int | None, tuple[str, ...]]
"""`as_of`, the feature, the version, until and the columns' names."""
_Packed = tuple[bytes, str, tuple[Point, ...], int]
"""What is common, the start of the key, the points, and the checksum."""
_NATIVE = frozenset({type(None), bool, int, float, str, bytes})
_JSON_NATIVE = frozenset({type(None), bool, int, str})
_DAMAGES = (msgspec.MsgspecError, LookupError, ValueError, ArithmeticError, TypeError, RecursionError)


class _Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    as_of: int
    layout: int
    of: str
    version: str
    until: int | None
    points: list[_ShownPoint]


class _ShownPoint(msgspec.Struct, frozen=True):
    stamp: int | None
    values: dict[str, Any]


def encode_entry(entry: Entry, encoding: Encoding = "msgpack") -> bytes:
    """An entry as bytes that tell whether they are whole, and at the right address.

    Raises:
        Invalid: A value that no store can keep: a time without a zone, an integer beyond 64 bits, another type.

    Example:
        >>> encode_entry(Entry("spend", "ab", "1.0.0", 0), "json")
        b'{"as_of":0,"layout":2,"of":"spend:ab","version":"1.0.0","until":null,"points":[],"crc":"462f2489"}'
    """
    try:
        return _packed(entry) if encoding == "msgpack" else _shown(entry)
    except (OverflowError, UnicodeEncodeError) as error:
        raise Invalid(
            f"A value of {entry.feature!r} cannot be kept online: {error}.",
            hint="Integers have 64 bits, and text is Unicode.",
        ) from None


def decode_entry(data: bytes, feature: str, key: str) -> Entry | None:
    """The entry that was encoded, whichever way it was. A tombstone has no points.

    None for bytes that are damaged, belong to another address or are in a layout of a later mlforge: they are counted
    (`damaged_entries`) and logged, and are as good as missing.

    Example:
        >>> entry = Entry("spend", "ab", "1.0.0", 0, columns=("spend_7d",), points=(Point(0, (40,)),))
        >>> decode_entry(encode_entry(entry), "spend", "ab") == entry
        True
        >>> decode_entry(encode_entry(entry)[:-1], "spend", "ab") is None
        True
    """
    try:
        if crc32(data) == _SEALED:
            common, mark, points, _ = _unpack(data)
            known, fields = _read[0]
            if common != known:
                fields = _learn(common)
                _read[0] = common, fields
            as_of, of, version, until, columns = fields
            if of == feature and key[:_MARK] == mark:
                return Entry(feature, key, version, as_of, until, columns, points)
    except _DAMAGES:
        pass  # told below
    return _decode_other(data, feature, key)


def _decode_other(data: bytes, feature: str, key: str) -> Entry | None:
    """An entry in JSON, or None for what is none here."""
    try:
        if data[:1] == b"{":
            return _read_shown(data, feature, key)
        why = "it is whole, and not of this address or layout" if crc32(data) == _SEALED else "its checksum is another"
    except _DAMAGES as error:
        why = str(error)
    met_damage(feature, key, why)
    return None


def entry_as_of(data: bytes) -> int:
    """The `as_of` of an encoded entry; the first 64 bytes are enough. Raises `Invalid` for other bytes.

    Example:
        >>> entry_as_of(encode_entry(Entry("spend", "ab", "1.0.0", as_of=7))[:64])
        7
    """
    if data[:2] == _FIRST and data[6:8] == _COMMON and len(data) >= _AS_OF.stop:
        return int.from_bytes(data[_AS_OF], signed=True)
    if found := _JSON_HEADER.match(data):
        return int(found[1])
    raise Invalid(f"{data[:16]!r} is no entry.", hint="Publish the feature again.")


def seal(data: bytes, seed: int = 0) -> bytes:
    """A JSON object with its checksum behind its fields.

    Example:
        >>> unseal(seal(b'{"a":1}'))
        b'{"a":1}'
    """
    return data[:-1] + _seal(data[:-1], seed)


def unseal(data: bytes, seed: int = 0) -> bytes | None:
    """The object that was sealed; None where its bytes are others, or were never sealed."""
    fields, sealed = data[:-_SEAL], data[-_SEAL:]
    return fields + b"}" if sealed == _seal(fields, seed) else None


def _seal(fields: bytes, seed: int) -> bytes:
    return b',"crc":"%08x"}' % crc32(fields, seed)


_SEAL = len(_seal(b"", 0))


def _packed(entry: Entry) -> bytes:
    points = [p if _NATIVE.issuperset(map(type, p.values)) else _plain_point(p) for p in entry.points]
    common = entry.as_of, entry.feature, entry.version, entry.until, entry.columns
    known, head = _written[0]
    if common != known:
        head = _head(*common)
        _written[0] = common, head
    data = head + _pack((entry.key[:_MARK], points))[1:] + _LAST
    return data + crc32(data).to_bytes(4, "little")


def _head(as_of: int, *rest: Any) -> bytes:
    """The first element, which is the same for all entries of a publish."""
    body = _COMMON + as_of.to_bytes(8, signed=True) + _pack(rest)[1:]
    return _FIRST + len(body).to_bytes(4) + body


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
_unpack_common = msgspec.msgpack.Decoder(_Common).decode
_read: list[tuple[bytes, _Common]] = [(b"", (0, "", "", None, ()))]
_written: list[tuple[_Common | None, bytes]] = [(None, b"")]
"""What the last entry had in common with others: mostly what the next one has. Threads share it: it changes whole."""


@lru_cache(maxsize=10_000)
def _learn(common: bytes) -> _Common:
    """What entries have in common, and remember it."""
    found: _Common = _unpack_common(common)
    return found


def _shown(entry: Entry) -> bytes:
    points = [
        _ShownPoint(p.stamp, {c: _tagged(v) for c, v in zip(entry.columns, p.values, strict=True)})
        for p in entry.points
    ]
    of = _of(entry.feature, entry.key)
    return seal(msgspec.json.encode(_Shown(entry.as_of, _LAYOUT, of, entry.version, entry.until, points)))


def _of(feature: str, key: str) -> str:
    return f"{feature}:{key[:_MARK]}"


def _read_shown(data: bytes, feature: str, key: str) -> Entry:
    """An entry in JSON. Raises one of `_DAMAGES` for what is none here."""
    whole = unseal(data)
    if whole is None:
        raise ValueError("its checksum is another")
    shown = _read_json(whole)
    if shown.layout != _LAYOUT:
        raise ValueError(f"the layout {shown.layout} is not known here")
    if shown.of != _of(feature, key):
        raise ValueError(f"it is an entry of {shown.of}…")
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
