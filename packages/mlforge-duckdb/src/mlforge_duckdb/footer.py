"""The footer of a Parquet file, read and written: Thrift's compact protocol, as far as Parquet uses it.

A struct is its fields by number, each with its type; a list is the type of its elements and these. What a field means
is not asked, so all of a footer comes back as it was.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mlforge.errors import PluginFailed

MAGIC = b"PAR1"
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
STRUCT = 12
_INTEGERS = (_I16, _I32, _I64)

Struct = dict[int, "Field"]


class Field(NamedTuple):
    """A value and the type it is written as."""

    type: int
    value: Any


class Elements(NamedTuple):
    """A list: the type of its elements, and these."""

    type: int
    values: list[Any]


class Footer(NamedTuple):
    """The `FileMetaData` of a Parquet file, and where in the file it starts."""

    fields: Struct
    start: int


def read_footer(path: Path) -> Footer:
    """The footer of a Parquet file. Raises `PluginFailed` for anything else."""
    with path.open("rb") as file:
        end = file.seek(0, io.SEEK_END)
        file.seek(max(0, end - 8))
        tail = file.read(8)
        if end < 12 or tail[4:] != MAGIC:
            raise PluginFailed(f"{path} is no Parquet file.", hint="Write it again.")
        start = file.seek(end - 8 - int.from_bytes(tail[:4], "little"))
        return Footer(_Reader(file.read(end - 8 - start)).struct(), start)


def footer_bytes(footer: Struct) -> bytes:
    """A footer as it ends a Parquet file."""
    written = bytearray()
    _write_struct(written, footer)
    return bytes(written) + len(written).to_bytes(4, "little") + MAGIC


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self) -> Struct:
        fields: Struct = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            fields[number] = Field(head & 15, self._value(head & 15))
        return fields

    def _value(self, kind: int) -> Any:
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        return self._element(kind)

    def _element(self, kind: int) -> Any:
        match kind:
            case 4 | 5 | 6:
                return self._integer()
            case 1 | 2 | 3:
                return self._byte()
            case 7:
                return self._bytes(8)
            case 8:
                return self._bytes(self._varint())
            case 9 | 10:
                return self._list()
            case 12:
                return self.struct()
            case _:
                raise PluginFailed(f"A Parquet footer has a field of type {kind}.", hint="Write the file again.")

    def _list(self) -> Elements:
        head = self._byte()
        size = head >> 4 if head >> 4 < 15 else self._varint()
        return Elements(head & 15, [self._element(head & 15) for _ in range(size)])

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def _varint(self) -> int:
        number = shift = 0
        while (byte := self._byte()) & 128:
            number |= (byte & 127) << shift
            shift += 7
        return number | byte << shift

    def _integer(self) -> int:
        number = self._varint()
        return number >> 1 if number & 1 == 0 else ~(number >> 1)


def _write_struct(out: bytearray, fields: Mapping[int, Field]) -> None:
    before = 0
    for number, (kind, value) in sorted(fields.items()):
        if 0 < number - before < 16:
            out.append((number - before) << 4 | kind)
        else:
            out.append(kind)
            _write_integer(out, number)
        if kind not in (_TRUE, _FALSE):  # the type says it all
            _write_element(out, kind, value)
        before = number
    out.append(0)


def _write_element(out: bytearray, kind: int, value: Any) -> None:
    if kind in _INTEGERS:
        _write_integer(out, value)
    elif kind in (_TRUE, _FALSE, _BYTE):
        out.append(value)
    elif kind == _DOUBLE:
        out += value
    elif kind == _BINARY:
        _write_varint(out, len(value))
        out += value
    elif kind in (_LIST, _SET):
        _write_list(out, value)
    else:
        _write_struct(out, value)


def _write_list(out: bytearray, elements: Elements) -> None:
    size = len(elements.values)
    if size < 15:
        out.append(size << 4 | elements.type)
    else:
        out.append(15 << 4 | elements.type)
        _write_varint(out, size)
    for value in elements.values:
        _write_element(out, elements.type, value)


def _write_varint(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _write_integer(out: bytearray, number: int) -> None:
    _write_varint(out, number << 1 if number >= 0 else ~(number << 1))
