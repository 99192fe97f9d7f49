"""Whether a body says a key twice: readers differ in which of the two they believe, so neither is.

The decoder keeps the last of two. So the keys that were sent are counted, and compared with those that came out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from mlforge_serve.problems import Problem

_BEFORE_COLON = re.compile(rb'"\s*:')
_decode = msgspec.msgpack.Decoder().decode
_encode = msgspec.msgpack.Encoder().encode


def refuse_json_twins(body: bytes, known: int, more: Callable[[], int]) -> None:
    """Raise `Problem` where a key of a JSON document comes twice.

    A document has no fewer colons than keys, so where there are as few as keys came out, none was lost. `known` and
    `more()` are how many came out: `more` is counted only where text with colons, or something rarer, is in the way.
    """
    if body.count(b":") != known:
        came = known + more()
        if len(_BEFORE_COLON.findall(body)) != came:  # every key's colon follows a quote
            json.loads(body, object_pairs_hook=_refuse_twins, parse_int=len, parse_float=len)


def refuse_msgpack_twins(body: bytes) -> None:
    """Raise `Problem` where a key of a MessagePack document comes twice."""
    found = _decode(body)
    if _encode(found) != body and _keys_sent(body) != _keys_of(found):  # most write as it is written here
        raise _twice("A key")


def _refuse_twins(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for name, _ in pairs:
        if name in seen:
            raise _twice(f"The key {name!r}")
        seen.add(name)


def _twice(what: str) -> Problem:
    return Problem("malformed_body", f"{what} comes twice in one object.", "Send each key once.", field="body")


def _keys_of(document: Any) -> int:
    if isinstance(document, dict):
        return len(document) + sum(map(_keys_of, document.values()))
    return sum(map(_keys_of, document)) if isinstance(document, list) else 0


_FIXED = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4,
          0xD3: 8, 0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17}  # fmt: skip
"""How many bytes follow a code that says so itself."""
_SIZED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""How many bytes say how many follow."""
_LISTS, _MAPS = {0xDC: 2, 0xDD: 4}, {0xDE: 2, 0xDF: 4}


def _keys_sent(body: bytes) -> int:
    """How many keys all maps of a document say they have; it was decoded, and so is whole."""
    at = keys = 0
    while at < len(body):
        code = body[at]
        at += 1
        if 0x80 <= code <= 0x8F:
            keys += code & 0x0F
        elif 0xA0 <= code <= 0xBF:
            at += code & 0x1F
        elif width := _MAPS.get(code):
            keys += int.from_bytes(body[at : at + width])
            at += width
        elif width := _SIZED.get(code):
            size = int.from_bytes(body[at : at + width])
            at += width + size + (0xC7 <= code <= 0xC9)
        else:
            at += _FIXED.get(code, 0) + _LISTS.get(code, 0)
    return keys
