"""Values as words: each kind in one order, and alike wherever it is told."""

from __future__ import annotations

import copyreg
import hashlib
import operator
import re
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import singledispatch
from pathlib import PurePath
from types import FunctionType, GenericAlias, MappingProxyType, NoneType, SimpleNamespace, UnionType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from mlforge.plugin.origin import is_projects_class, is_projects_function

Told = tuple[tuple[str | bytes, ...], list[object]]
UNTOLD: Final[Any] = object()
"""What is said of a value that cannot be told."""
_Factory: Final[Any] = type(msgspec.defstruct("_", [("made", list, [])]).__struct_defaults__[0])
"""What a struct keeps for a default that is made anew each time."""


def parts_of(value: object) -> Told:
    """A value's own words, and the values it is made of, in their order; `UNTOLD` where neither can be said."""
    if type(value) in SCALARS:
        return _told(value)
    if isinstance(value, Enum):
        return _member(value)
    if isinstance(value, msgspec.Struct):
        return _struct(value)
    if hasattr(type(value), "__dataclass_fields__"):
        fields: dict[str, Any] = getattr(type(value), "__dataclass_fields__")  # noqa: B009 - not every object has it
        return ("dataclass",), [type(value), *(v for n in fields if hasattr(value, n) for v in (n, getattr(value, n)))]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return ("named tuple",), [type(value), *value]
    if type(value) in _EXACT or not is_projects_class(type(value)):
        found = _told(value)
        return found if found is not UNTOLD else _foreign(value)
    return UNTOLD  # type: ignore[no-any-return]


@singledispatch
def _told(_: object) -> Told:
    return UNTOLD  # type: ignore[no-any-return]


@_told.register(NoneType)
@_told.register(bool)
@_told.register(float)
@_told.register(complex)
@_told.register(Decimal)
@_told.register(Fraction)
@_told.register(UUID)
@_told.register(range)
@_told.register(date)
@_told.register(timedelta)
@_told.register(timezone)
@_told.register(type(Ellipsis))
@_told.register(type(NotImplemented))
@_told.register(type(msgspec.NODEFAULT))
@_told.register(msgspec.UnsetType)
def _plain(value: object) -> Told:
    if type(value) not in _EXACT:
        return UNTOLD  # type: ignore[no-any-return]
    return (type(value).__name__, repr(value)), []


@_told.register
def _integer(value: int) -> Told:
    return _exact(value, int, hex(value))


@_told.register
def _text(value: str) -> Told:
    return _exact(value, str, value)


@_told.register(bytes)
@_told.register(bytearray)
def _bytes(value: bytes | bytearray) -> Told:
    return _exact(value, type(value), bytes(value))


def _exact(value: object, kind: type, word: str | bytes) -> Told:
    return ((kind.__name__, word), []) if type(value) is kind else UNTOLD


@_told.register(datetime)
@_told.register(time)
def _moment(value: datetime | time) -> Told:
    if type(value) not in _EXACT:
        return UNTOLD  # type: ignore[no-any-return]
    bare = value.replace(tzinfo=None)
    return (type(value).__name__, bare.isoformat(), str(value.fold)), [value.tzinfo]


@_told.register
def _zone(value: tzinfo) -> Told:
    return (("zone", value.key), []) if isinstance(value, ZoneInfo) and value.key else UNTOLD


@_told.register
def _path(value: PurePath) -> Told:
    return ("path", value.as_posix()), []


@_told.register
def _pattern(value: re.Pattern) -> Told:  # type: ignore[type-arg]
    return ("pattern", str(int(value.flags))), [value.pattern]


@_told.register
def _slice(value: slice) -> Told:
    return ("slice",), [value.start, value.stop, value.step]


@_told.register(list)
@_told.register(tuple)
@_told.register(deque)
def _sequence(value: Iterable[object]) -> Told:
    return (type(value).__name__,), list(value)


@_told.register(set)
@_told.register(frozenset)
def _set(value: set[object]) -> Told:
    return (type(value).__name__,), sorted(value, key=_order)


@_told.register(dict)
@_told.register(MappingProxyType)
def _mapping(value: dict[object, object]) -> Told:
    keys = list(value)
    if not isinstance(value, OrderedDict):
        keys.sort(key=_order)
    factory = [value.default_factory] if isinstance(value, defaultdict) else []
    return (type(value).__name__,), [*factory, *(x for k in keys for x in (k, value[k]))]


@_told.register
def _chain_map(value: ChainMap) -> Told:  # type: ignore[type-arg]
    return ("ChainMap",), list(value.maps)


@_told.register
def _namespace(value: SimpleNamespace) -> Told:
    return ("namespace",), [vars(value)]


@_told.register
def _getter(value: operator.itemgetter) -> Told:  # type: ignore[type-arg]
    return _rebuilt(value)


@_told.register
def _attribute_getter(value: operator.attrgetter) -> Told:  # type: ignore[type-arg]
    return _rebuilt(value)


@_told.register
def _caller(value: operator.methodcaller) -> Told:
    return _rebuilt(value)


@_told.register
def _generic(value: GenericAlias) -> Told:
    return ("generic",), [value.__origin__, *value.__args__]


@_told.register
def _union(value: UnionType) -> Told:
    return ("union",), list(value.__args__)


@_told.register(_Factory)
def _factory(value: Any) -> Told:
    return ("factory",), [value.factory]


def _rebuilt(value: object) -> Told:
    made = value.__reduce_ex__(2)
    return ((type(value).__name__,), [made[0], made[1]]) if isinstance(made, tuple) else UNTOLD


def _member(value: Enum) -> Told:
    """By its qualified name and its value, with what its class's own methods do."""
    cls = type(value)
    methods = [
        m for n, m in sorted(vars(cls).items()) if isinstance(getattr(m, "__func__", m), FunctionType)
        and is_projects_function(getattr(m, "__func__", m))
    ]  # fmt: skip
    parts = methods if is_projects_class(cls) else []
    return ("member", cls.__qualname__, str(value.name)), [value.value, *parts]


def _struct(value: msgspec.Struct) -> Told:
    """By its fields; the house's own, such as the expressions, are known by name."""
    cls = type(value)
    fields = [x for n in cls.__struct_fields__ if hasattr(value, n) for x in (n, getattr(value, n))]
    return ("struct",), [cls, *fields]


def _foreign(value: object) -> Told:
    """Somebody else's value: one that compares and hashes by its content, and is made again of plain things."""
    cls = type(value)
    if cls.__module__ == "numpy" and hasattr(value, "dtype"):
        return _array(value)
    own = cls.__eq__ is not object.__eq__ and cls.__hash__ not in (None, object.__hash__)
    if not own or cls.__module__ == "builtins":
        return UNTOLD  # type: ignore[no-any-return]
    try:
        made: Any = value.__reduce_ex__(2)
    except Exception:  # noqa: BLE001 - it is somebody else's code: what it raises only says that it cannot be told
        return UNTOLD  # type: ignore[no-any-return]
    if not isinstance(made, tuple) or len(made) < 2:
        return UNTOLD  # type: ignore[no-any-return]
    maker = [] if made[0] is copyreg.__newobj__ else [made[0]]  # type: ignore[attr-defined]
    parts = [*maker, *made[1:3]]
    return (("value", cls.__qualname__), parts) if all(map(_is_plain, parts)) else UNTOLD


def _array(value: Any) -> Told:
    if value.dtype.hasobject:
        return UNTOLD  # type: ignore[no-any-return]
    return ("array", type(value).__name__, str(value.dtype), str(getattr(value, "shape", ())), value.tobytes()), []


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value)) and all(map(_is_plain, value.values()))
    return isinstance(value, type) or callable(value) or type(value) in _EXACT


def _order(value: object) -> tuple[str, bytes]:
    """Where a value stands among others that have no order: by kind, then by content."""
    if type(value) is str:
        return "str", value.encode("utf-8", "surrogatepass")
    held = hashlib.sha256()
    _feed(held, value, 0)
    return type(value).__qualname__, held.digest()


def _feed(held: Any, value: object, depth: int) -> None:
    found = parts_of(value) if not isinstance(value, type | FunctionType) else UNTOLD
    if found is UNTOLD or depth > 20:
        held.update(getattr(value, "__qualname__", type(value).__qualname__).encode())
        return
    for word in found[0]:
        data = word.encode("utf-8", "surrogatepass") if isinstance(word, str) else word
        held.update(b"%d:" % len(data) + data)
    for part in found[1]:
        _feed(held, part, depth + 1)


SCALARS = {NoneType, bool, int, float, str, bytes}
_EXACT = {
    NoneType, bool, int, float, complex, str, bytes, bytearray, Decimal, Fraction, UUID, range, date, datetime, time,
    timedelta, timezone, type(Ellipsis), type(NotImplemented), type(msgspec.NODEFAULT), msgspec.UnsetType, list, tuple,
    set, frozenset, dict, deque, Counter, OrderedDict, defaultdict,
}  # fmt: skip
