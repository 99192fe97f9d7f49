"""JSON and MessagePack: answers are put together from members that are encoded already."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

JSON = b"application/json"
MSGPACK = b"application/msgpack"
_json = msgspec.json.Encoder().encode
_msgpack = msgspec.msgpack.Encoder().encode
_NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}


class Format(Protocol):
    """How answers are written. An object of `width` members is made of runs of them: those that one feature brings."""

    kind: ClassVar[bytes]

    def document(self, document: Any) -> bytes:
        """Anything."""

    def members(self, names: Sequence[str], values: Sequence[Any]) -> bytes:
        """The members of an object, without what stands before, between and after runs of them."""

    def objects(self, rows: Iterable[Sequence[bytes]], width: int) -> list[bytes]:
        """Objects, from the runs of each."""

    def array(self, items: Sequence[bytes]) -> bytes:
        """An array of what is encoded already."""

    def answer(self, values: bytes, status: bytes, versions: bytes) -> bytes:
        """The whole answer: values (a row, or one for each entity), status by feature, and the features' versions."""


class AsJSON:
    """JSON. A float that it has no number for is text."""

    kind: ClassVar[bytes] = JSON
    document = staticmethod(_json)

    def members(self, names: Sequence[str], values: Sequence[Any]) -> bytes:
        data = _json(dict(zip(names, values, strict=True)))
        if data.count(b"null") != values.count(None):
            data = _json(dict(zip(names, map(_spelled, values), strict=True)))
        return data[1:-1]

    def objects(self, rows: Iterable[Sequence[bytes]], width: int) -> list[bytes]:
        return [b"{%b}" % runs for runs in map(b",".join, rows)]

    def array(self, items: Sequence[bytes]) -> bytes:
        return b"[%b]" % b",".join(items)

    def answer(self, values: bytes, status: bytes, versions: bytes) -> bytes:
        return b'{"values":%b,"status":%b,"versions":%b}' % (values, status, versions)


class AsMessagePack:
    """MessagePack, which has every float."""

    kind: ClassVar[bytes] = MSGPACK
    document = staticmethod(_msgpack)

    def members(self, names: Sequence[str], values: Sequence[Any]) -> bytes:
        return _msgpack(dict(zip(names, values, strict=True)))[len(_map(len(names))) :]

    def objects(self, rows: Iterable[Sequence[bytes]], width: int) -> list[bytes]:
        start = _map(width)
        return [start + runs for runs in map(b"".join, rows)]

    def array(self, items: Sequence[bytes]) -> bytes:
        return b"".join((_array(len(items)), *items))

    def answer(self, values: bytes, status: bytes, versions: bytes) -> bytes:
        return b"".join((_map(3), _VALUES, values, _STATUS, status, _VERSIONS, versions))


FORMATS: tuple[Format, Format] = (AsJSON(), AsMessagePack())
"""By whether it is MessagePack."""
_VALUES, _STATUS, _VERSIONS = map(_msgpack, ("values", "status", "versions"))


def _map(members: int) -> bytes:
    return _sized(0x80, b"\xde", members)


def _array(items: int) -> bytes:
    return _sized(0x90, b"\xdc", items)


def _sized(small: int, wide: bytes, count: int) -> bytes:
    """What a map or an array begins with. Every limit here is far below what two bytes hold."""
    return bytes([small | count]) if count < 16 else wide + count.to_bytes(2)


def _spelled(value: Any) -> Any:
    """A value with the floats that JSON has no number for as text: JSON would make nulls of them."""
    if isinstance(value, float) and not math.isfinite(value):
        return _NAMES.get(value, "NaN")
    return [_spelled(one) for one in value] if isinstance(value, list) else value
