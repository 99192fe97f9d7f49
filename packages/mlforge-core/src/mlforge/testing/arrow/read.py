"""An Arrow stream as rows of plain values."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from ctypes import POINTER, byref, cast
from decimal import Decimal
from itertools import pairwise
from typing import Any

from mlforge.errors import PluginFailed
from mlforge.model.schema import Column, Schema
from mlforge.testing.arrow import abi
from mlforge.testing.arrow.layout import dtype_of, from_number, item_of
from mlforge.testing.reference.table import EXACT


def read(source: Any) -> tuple[Schema, list[dict[str, Any]]]:
    """The schema and the rows of anything with `__arrow_c_stream__`."""
    capsule = source.__arrow_c_stream__()
    stream = cast(abi.pointer_of(capsule, abi.NAME), POINTER(abi.CStream))
    try:
        return _read(stream)
    finally:
        stream.contents.release(stream)


def _read(stream: Any) -> tuple[Schema, list[dict[str, Any]]]:
    form = abi.CSchema()
    _call(stream, stream.contents.get_schema(stream, byref(form)))
    try:
        schema = Schema(tuple(Column(c.name.decode(), dtype(c)) for c in _children(form)))
        rows = [row for chunk in _chunks(stream) for row in _rows(form, chunk)]
    finally:
        form.release(byref(form))
    return schema, rows


def _call(stream: Any, code: int) -> None:
    if code:
        text = stream.contents.get_last_error(stream)
        reason = ctypes.string_at(text).decode() if text else f"code {code}"
        raise PluginFailed(f"An Arrow stream broke: {reason}.", hint="See what the engine exports.")


def _chunks(stream: Any) -> Iterator[abi.CArray]:
    while True:
        chunk = abi.CArray()
        _call(stream, stream.contents.get_next(stream, byref(chunk)))
        if not chunk.release:
            return
        yield chunk
        chunk.release(byref(chunk))


def _children(parent: Any) -> list[Any]:
    return [parent.children[i].contents for i in range(parent.n_children)]


def dtype(form: Any) -> str:
    """The type of a column."""
    if form.dictionary:
        return dtype(form.dictionary.contents)
    items = [dtype(c) for c in _children(form)]
    return dtype_of(form.format.decode(), *items[:1])


def _rows(form: Any, chunk: Any) -> Iterator[dict[str, Any]]:
    names = [c.name.decode() for c in _children(form)]
    pairs = zip(_children(form), _children(chunk), strict=True)
    columns = [values(f, a, chunk.offset, chunk.length) for f, a in pairs]
    for i in range(chunk.length):
        yield {name: column[i] for name, column in zip(names, columns, strict=True)}


def values(form: Any, array: Any, start: int, length: int) -> list[Any]:
    """Some values of a column, from `start`."""
    first = array.offset + start
    present = _bits(array.buffers[0], first, length) if array.null_count else [True] * length
    found = _present(form, array, first, length)
    return [value if valid else None for value, valid in zip(found, present, strict=True)]


def _present(form: Any, array: Any, first: int, length: int) -> list[Any]:
    word = form.format.decode()
    if form.dictionary:
        words = values(form.dictionary.contents, array.dictionary.contents, 0, array.dictionary.contents.length)
        codes = _fixed(array.buffers[1], item_of(word), first, length)
        return [words[c] if c < len(words) else None for c in codes]
    if word == "b":
        return _bits(array.buffers[1], first, length)
    if word in ("u", "U", "z", "Z"):
        return _texts(word, array, first, length)
    if word in ("vu", "vz"):
        return [_view(word, array, first + i) for i in range(length)]
    if word.startswith("d:"):
        return [_decimal(array.buffers[1], first + i, int(word.split(",")[1])) for i in range(length)]
    if word in ("+l", "+L"):
        return _lists(form, array, word, first, length)
    return [from_number(word)(n) for n in _fixed(array.buffers[1], item_of(word), first, length)]


def _bytes(address: int | None, start: int, size: int) -> bytes:
    return b"\0" * size if address is None else ctypes.string_at(address + start, size)


def _bits(address: int | None, first: int, length: int) -> list[bool]:
    if address is None:
        return [True] * length
    data = _bytes(address, 0, (first + length + 7) // 8)
    return [bool(data[i // 8] >> i % 8 & 1) for i in range(first, first + length)]


def _fixed(address: int | None, code: str, first: int, length: int) -> tuple[Any, ...]:
    size = struct.calcsize("<" + code)
    return struct.unpack(f"<{length}{code}", _bytes(address, first * size, length * size))


def _texts(word: str, array: Any, first: int, length: int) -> list[Any]:
    ends = _fixed(array.buffers[1], "i" if word in "uz" else "q", first, length + 1)
    data = [_bytes(array.buffers[2], a, b - a) for a, b in pairwise(ends)]
    return [d.decode() for d in data] if word in "uU" else data


def _view(word: str, array: Any, index: int) -> Any:
    view = _bytes(array.buffers[1], index * 16, 16)
    size, _, buffer, offset = struct.unpack("<iiii", view)
    data = view[4 : 4 + size] if size <= 12 else _bytes(array.buffers[2 + buffer], offset, size)
    return data.decode(errors="replace") if word == "vu" else data


def _decimal(address: int | None, index: int, scale: int) -> Decimal:
    number = int.from_bytes(_bytes(address, index * 16, 16), "little", signed=True)
    return EXACT.scaleb(Decimal(number), -scale)


def _lists(form: Any, array: Any, word: str, first: int, length: int) -> list[Any]:
    ends = _fixed(array.buffers[1], "i" if word == "+l" else "q", first, length + 1)
    items = values(_children(form)[0], _children(array)[0], 0, ends[-1]) if ends else []
    return [items[a:b] for a, b in pairwise(ends)]
