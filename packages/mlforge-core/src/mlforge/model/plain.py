"""Expressions as plain data, as metadata keeps them, and back: a constant keeps its type."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.expr import Agg, AsType, At, Call, Col, Expr, IsIn, It, Lit, Matches, TimePart

_MICRO = timedelta(microseconds=1)
_NODES: dict[str, type[Expr]] = {
    str(kind.__struct_config__.tag): kind for kind in (Agg, AsType, At, Call, Col, IsIn, It, Lit, Matches, TimePart)
}
_KINDS: tuple[tuple[type, str, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    (datetime, "datetime", datetime.isoformat, datetime.fromisoformat),
    (date, "date", date.isoformat, date.fromisoformat),
    (timedelta, "microseconds", lambda length: length // _MICRO, lambda micros: micros * _MICRO),
    (bytes, "bytes", lambda data: base64.b64encode(data).decode(), base64.b64decode),
    (float, "float", str, float),
)
"""Constants that JSON has no type for, how they are tagged, written and read. Floats only where they are not finite."""


def plain(expr: Expr) -> dict[str, Any]:
    """An expression as dicts, lists and scalars.

    Example:
        >>> plain(Col("n") > 1)["args"]
        [{'node': 'col', 'name': 'n'}, {'node': 'lit', 'value': 1}]
    """
    fields = {name: _plain(getattr(expr, name)) for name in expr.__struct_fields__}
    return {"node": str(expr.__struct_config__.tag), **fields}


def expression(data: Mapping[str, Any]) -> Expr:
    """The expression that plain data stands for. Raises `Invalid` where it stands for none.

    Example:
        >>> expression(plain(Col("n") + timedelta(days=1))) == Col("n") + timedelta(days=1)
        True
    """
    kind = _NODES.get(data.get("node", ""))
    if kind is None or set(kind.__struct_fields__) < set(data) - {"node"}:
        raise Invalid(f"{dict(data)} is no expression that is known here.", hint="Upgrade mlforge.")
    return kind(**{name: _read(value) for name, value in data.items() if name != "node"})


def _plain(value: Any) -> Any:
    if isinstance(value, Expr):
        return plain(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and math.isfinite(value):
        return value
    found = next((k for k in _KINDS if isinstance(value, k[0])), None)
    return value if found is None else {found[1]: found[2](value)}


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_read, value))
    if not isinstance(value, Mapping):
        return value
    if "node" in value:
        return expression(value)
    ((tag, data),) = value.items()
    return next(k[3] for k in _KINDS if k[1] == tag)(data)
