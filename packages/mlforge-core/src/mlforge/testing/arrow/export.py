"""Rows as an Arrow stream, in chunks, with the Arrow type of any column for the asking."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterator, Mapping, Sequence
from ctypes import POINTER, c_void_p, cast, pointer
from typing import Any

import msgspec

from mlforge.model.schema import Schema
from mlforge.testing.arrow import abi
from mlforge.testing.arrow.layout import bitmap, decimal_bytes, format_of, item_of, pack, to_number

KEPT: dict[int, Any] = {}
"""What C still points at, by the number in `private_data`."""
_numbers = itertools.count(1)


class Node(msgspec.Struct):
    """A column, or a part of one, as buffers."""

    name: str
    format: str
    length: int
    buffers: list[bytes | None]
    children: list[Node] = []
    dictionary: Node | None = None


class Export:
    """Rows that any Arrow consumer can read.

    Args:
        schema: The columns.
        rows: Their values.
        formats: Arrow's own word for a column's type, such as `tsn:Europe/Berlin`; `dictionary` for text by code, and
            `+l` before the word of a list's items.
        chunk: How many rows a chunk has.
    """

    def __init__(
        self,
        schema: Schema,
        rows: Sequence[Mapping[str, Any]],
        formats: Mapping[str, str] | None = None,
        chunk: int = 4,
    ) -> None:
        self.schema, self.rows, self.formats, self.chunk = schema, rows, formats or {}, chunk

    def chunks(self) -> Iterator[Node]:
        for start in range(0, len(self.rows), self.chunk):
            yield self.node(self.rows[start : start + self.chunk])

    def node(self, rows: Sequence[Mapping[str, Any]]) -> Node:
        columns = [self.column(c.name, c.dtype, [row[c.name] for row in rows]) for c in self.schema]
        return Node("", "+s", len(rows), [None], columns)

    def column(self, name: str, dtype: str, values: Sequence[Any]) -> Node:
        if self.formats.get(name) == "dictionary":
            return encoded(name, values)
        return column(name, dtype, values, self.formats.get(name))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        number = next(_numbers)
        stream = abi.CStream(_schema_getter, _array_getter, _error_getter, _release_stream, number)
        KEPT[number] = (self, self.chunks())
        KEPT[-number] = stream
        return abi.new_capsule(ctypes.addressof(stream), abi.NAME, _destructor)


def column(name: str, dtype: str, values: Sequence[Any], form: str | None = None) -> Node:
    """One column's buffers."""
    form = form or format_of(dtype)
    valid = bitmap([v is not None for v in values])
    if form == "b":
        return Node(name, form, len(values), [valid, bitmap([v is True for v in values])])
    if form in ("u", "z"):
        return Node(name, form, len(values), [valid, *texts(values)])
    if form.startswith("d:"):
        scale = int(form.split(",")[1])
        return Node(name, form, len(values), [valid, b"".join(decimal_bytes(v, scale) for v in values)])
    if form.startswith("+l"):
        items = [item for v in values for item in v or ()]
        child = column("item", dtype[5:-1], items, form.removeprefix("+l") or None)
        return Node(name, "+l", len(values), [valid, offsets([len(v or ()) for v in values])], [child])
    number = to_number(form)
    return Node(name, form, len(values), [valid, pack(item_of(form), [0 if v is None else number(v) for v in values])])


def texts(values: Sequence[Any]) -> tuple[bytes, bytes]:
    """Offsets and data of texts or bytes."""
    data = [v.encode() if isinstance(v, str) else v or b"" for v in values]
    return offsets([len(d) for d in data]), b"".join(data)


def offsets(lengths: Sequence[int]) -> bytes:
    """Where each value ends, from 0."""
    return pack("i", [0, *itertools.accumulate(lengths)])


def encoded(name: str, values: Sequence[str | None]) -> Node:
    """A column of text by code: what libraries call a category."""
    words = list(dict.fromkeys(v for v in values if v is not None))
    codes = pack("i", [0 if v is None else words.index(v) for v in values])
    return Node(
        name, "i", len(values), [bitmap([v is not None for v in values]), codes], [], column("", "String", words)
    )


def c_schema(node: Node, number: int, keep: list[Any]) -> abi.CSchema:
    """The schema of a node; `keep` gets what must outlive it."""
    children = [pointer(c_schema(c, 0, keep)) for c in node.children]
    array = (POINTER(abi.CSchema) * len(children))(*children)
    dictionary = pointer(c_schema(node.dictionary, 0, keep)) if node.dictionary else None
    keep += [children, array, dictionary]
    return abi.CSchema(
        node.format.encode(),
        node.name.encode(),
        None,
        abi.NULLABLE,
        len(children),
        cast(array, POINTER(POINTER(abi.CSchema))),
        dictionary,
        _release_schema,
        number,
    )


def c_array(node: Node, number: int, keep: list[Any]) -> abi.CArray:
    """The buffers of a node; `keep` gets what must outlive them."""
    held = [None if b is None else ctypes.create_string_buffer(b, len(b) + 64) for b in node.buffers]
    buffers = (c_void_p * len(held))(*(None if h is None else ctypes.addressof(h) for h in held))
    children = [pointer(c_array(c, 0, keep)) for c in node.children]
    array = (POINTER(abi.CArray) * len(children))(*children)
    dictionary = pointer(c_array(node.dictionary, 0, keep)) if node.dictionary else None
    keep += [held, buffers, children, array, dictionary]
    return abi.CArray(
        node.length,
        -1 if node.format != "+s" else 0,
        0,
        len(held),
        len(children),
        cast(buffers, POINTER(c_void_p)),
        cast(array, POINTER(POINTER(abi.CArray))),
        dictionary,
        _release_array,
        number,
    )


def _forget(struct: Any) -> None:
    KEPT.pop(struct.contents.private_data or 0, None)
    struct.contents.release = type(struct.contents.release)()


def _get_schema(stream: Any, out: Any) -> int:
    export, _ = KEPT[stream.contents.private_data]
    number, keep = next(_numbers), list[Any]()
    out[0] = c_schema(export.node([]), number, keep)
    KEPT[number] = keep
    return 0


def _get_next(stream: Any, out: Any) -> int:
    _, chunks = KEPT[stream.contents.private_data]
    node = next(chunks, None)
    if node is None:
        out[0] = abi.CArray()
        return 0
    number, keep = next(_numbers), list[Any]()
    out[0] = c_array(node, number, keep)
    KEPT[number] = keep
    return 0


def _get_last_error(_stream: Any) -> None:
    return None


def _destroy(capsule: int) -> None:
    """Release a stream that nobody read, and forget its struct."""
    stream = cast(abi.dying_pointer_of(capsule, abi.NAME), POINTER(abi.CStream))
    address = ctypes.addressof(stream.contents)
    if stream.contents.release:
        stream.contents.release(stream)
    for number in [n for n, kept in KEPT.items() if n < 0 and ctypes.addressof(kept) == address]:
        del KEPT[number]


# What C calls. They live as long as the module: a stream may be released after everything else is gone.
_release_schema = abi.SchemaRelease(_forget)
_release_array = abi.ArrayRelease(_forget)
_release_stream = abi.StreamRelease(_forget)
_schema_getter = abi.GetSchema(_get_schema)
_array_getter = abi.GetNext(_get_next)
_error_getter = abi.GetLastError(_get_last_error)
_destructor = abi.Destructor(_destroy)
