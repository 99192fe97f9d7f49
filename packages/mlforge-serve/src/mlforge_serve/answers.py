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


class Format(Protocol):
    """How answers are written."""

    kind: ClassVar[bytes]

    def document(self, document: Any) -> bytes:
        """Anything."""

    def row(self, names: Sequence[str], values: Sequence[Any]) -> bytes:
        """One row of values."""

    def array(self, items: Sequence[bytes]) -> bytes:
        """An array of what is encoded already."""

    def answer(self, values: bytes, status: bytes, versions: bytes) -> bytes:
        """The whole answer: values (a row, or one for each entity), status by feature, and the features' versions."""


class AsJSON:
    """JSON. A float that it has no number for is text."""

    kind: ClassVar[bytes] = JSON
    document = staticmethod(_json)

    def row(self, names: Sequence[str], values: Sequence[Any]) -> bytes:
        data = _json(dict(zip(names, values, strict=True)))
        if data.count(b"null") != values.count(None):
            data = _json(dict(zip(names, map(_spelled, values), strict=True)))
        return data

    def array(self, items: Sequence[bytes]) -> bytes:
        return b"[%b]" % b",".join(items)

    def answer(self, values: bytes, status: bytes, versions: bytes) -> bytes:
        return b'{"values":%b,"status":%b,"versions":%b}' % (values, status, versions)


class AsMessagePack:
    """MessagePack, which has every float."""

    kind: ClassVar[bytes] = MSGPACK
    document = staticmethod(_msgpack)

    def row(self, names: Sequence[str], values: Sequence[Any]) -> bytes:
        return _msgpack(dict(zip(names, values, strict=True)))

    def array(self, items: Sequence[bytes]) -> bytes:
        """Begun by how many there are: below 16 in one byte, or in two more, as no limit here is beyond 65,535."""
        start = bytes([0x90 | len(items)]) if len(items) < 16 else b"\xdc" + len(items).to_bytes(2)
        return b"".join((start, *items))

    def answer(self, values: bytes, status: bytes, versions: bytes) -> bytes:
        return b"".join((b"\x83", _VALUES, values, _STATUS, status, _VERSIONS, versions))


FORMATS: tuple[Format, Format] = (AsJSON(), AsMessagePack())
"""By whether it is MessagePack."""
_VALUES, _STATUS, _VERSIONS = map(_msgpack, ("values", "status", "versions"))


def _spelled(value: Any) -> Any:
    """A value with the floats that JSON has no number for as text: JSON would make nulls of them."""
    if isinstance(value, float) and not math.isfinite(value):
        return _NAMES.get(value, "NaN")
    return [_spelled(one) for one in value] if isinstance(value, list) else value
