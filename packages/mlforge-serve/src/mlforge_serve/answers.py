"""What is answered: values, how good they are, and of which versions they are; as JSON or MessagePack."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from mlforge_serve.catalog import Plan

JSON = b"application/json"
_json = msgspec.json.Encoder().encode
_msgpack = msgspec.msgpack.Encoder().encode
_NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}


class Answer(msgspec.Struct, frozen=True):
    """The answer to a request: a row of values (or one for each entity), its status by feature, and the versions."""

    values: msgspec.Raw | list[msgspec.Raw]
    status: Any
    versions: msgspec.Raw


def encode_row(row: dict[str, Any], msgpack: bool) -> msgspec.Raw:
    """One row of values."""
    if msgpack:
        return msgspec.Raw(_msgpack(row))
    data = _json(row)
    if data.count(b"null") != list(row.values()).count(None):
        data = _json({name: _spelled(value) for name, value in row.items()})
    return msgspec.Raw(data)


def encode_answer(plan: Plan, values: msgspec.Raw | list[msgspec.Raw], status: Any, msgpack: bool) -> bytes:
    """The whole answer."""
    answer = Answer(values, status, plan.versions[msgpack])
    return _msgpack(answer) if msgpack else _json(answer)


def encode_document(document: Any, msgpack: bool) -> bytes:
    """Anything else that is answered."""
    return _msgpack(document) if msgpack else _json(document)


def count_outcomes(
    names: Sequence[str], statuses: Sequence[dict[str, str]], outcomes: Sequence[str]
) -> list[list[int]]:
    """For each feature, how many values were of each outcome."""
    by_feature = ([one[name] for one in statuses] for name in names)
    return [[found.count(outcome) for outcome in outcomes] for found in by_feature]


def _spelled(value: Any) -> Any:
    """A value with the floats that JSON has no number for as text: JSON would make nulls of them."""
    if isinstance(value, float) and not math.isfinite(value):
        return _NAMES.get(value, "NaN")
    return [_spelled(one) for one in value] if isinstance(value, list) else value
