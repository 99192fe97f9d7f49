"""JSON and MessagePack: answers are put together from rows that are encoded already."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import msgspec

JSON = b"application/json"
MSGPACK = b"application/msgpack"
_json = msgspec.json.Encoder().encode
_msgpack = msgspec.msgpack.Encoder().encode
_NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}


class Form(Protocol):
    """How answers are written."""

    kind: ClassVar[bytes]

    def document(self, document: Any) -> bytes:
        """Anything."""

    def row(self, names: Sequence[str], values: Sequence[Any]) -> bytes:
        """One row of values."""

    def answer(self, values: bytes, status: bytes, versions: bytes) -> bytes:
        """The whole answer: a row of values, its status by feature, and the features' versions."""

    def answers(self, values: Sequence[bytes], statuses: Sequence[bytes], versions: bytes) -> bytes:
        """The same with a row, and a status, for each entity. Long: it is put together once."""


class AsJSON:
    """JSON. A float that it has no number for is text."""

    kind: ClassVar[bytes] = JSON
    document = staticmethod(_json)

    def row(self, names: Sequence[str], values: Sequence[Any]) -> bytes:
        data = _json(dict(zip(names, values, strict=True)))
        if data.count(b"null") != values.count(None):
            data = _json(dict(zip(names, map(_spelled, values), strict=True)))
        return data

    def answer(self, values: bytes, status: bytes, versions: bytes) -> bytes:
        return b'{"values":%b,"status":%b,"versions":%b}' % (values, status, versions)

    def answers(self, values: Sequence[bytes], statuses: Sequence[bytes], versions: bytes) -> bytes:
        parts = (
            b'{"values":[',
            *_commas(values),
            b'],"status":[',
            *_commas(statuses),
            b'],"versions":',
            versions,
            b"}",
        )
        return b"".join(parts)


class AsMessagePack:
    """MessagePack, which has every float."""

    kind: ClassVar[bytes] = MSGPACK
    document = staticmethod(_msgpack)

    def row(self, names: Sequence[str], values: Sequence[Any]) -> bytes:
        return _msgpack(dict(zip(names, values, strict=True)))

    def answer(self, values: bytes, status: bytes, versions: bytes) -> bytes:
        return b"".join((b"\x83", _VALUES, values, _STATUS, status, _VERSIONS, versions))

    def answers(self, values: Sequence[bytes], statuses: Sequence[bytes], versions: bytes) -> bytes:
        start = _array(len(values))
        return b"".join((b"\x83", _VALUES, start, *values, _STATUS, start, *statuses, _VERSIONS, versions))


FORMATS: tuple[Form, Form] = (AsJSON(), AsMessagePack())
"""By whether it is MessagePack."""
_VALUES, _STATUS, _VERSIONS = map(_msgpack, ("values", "status", "versions"))


def _commas(items: Sequence[bytes]) -> list[bytes]:
    """The items with a comma between each two."""
    found = [b","] * max(0, 2 * len(items) - 1)
    found[::2] = items
    return found


def _array(items: int) -> bytes:
    """What an array begins with."""
    if items < 16:
        return bytes([0x90 | items])
    return b"\xdc" + items.to_bytes(2) if items < 1 << 16 else b"\xdd" + items.to_bytes(4)


def _spelled(value: Any) -> Any:
    """A value with the floats that JSON has no number for as text: JSON would make nulls of them."""
    if isinstance(value, float) and not math.isfinite(value):
        return _NAMES.get(value, "NaN")
    return [_spelled(one) for one in value] if isinstance(value, list) else value
