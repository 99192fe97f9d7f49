"""What is asked: the bodies of requests, decoded at once into typed structs."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from mlforge.model.feature import FeatureSpec
from mlforge.model.keys import BadKey
from mlforge_serve.answers import MSGPACK
from mlforge_serve.problems import Problem
from mlforge_serve.twice import refuse_json_twins, refuse_msgpack_twins

_HALF = re.compile(rb"(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{2})(?!\\u[dD][c-fC-F])")
"""The first of the two escapes that JSON writes some characters with, alone."""
_MSGPACKS = frozenset({MSGPACK, b"application/x-msgpack", b"application/vnd.msgpack"})


class Pick(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A feature by name, of one version, some of its columns."""

    name: str
    version: str | None = None
    columns: tuple[str, ...] | None = None

    def keys(self) -> int:
        """How many keys were sent, at least."""
        return 1 + (self.version is not None) + (self.columns is not None)


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every request names: features or a set of them, and how their columns are to be called."""

    features: tuple[str | Pick, ...] | UnsetType = UNSET
    set: str | UnsetType = UNSET
    full_names: bool = False

    def rare_keys(self) -> int:
        """How many keys were sent, at least, beside those that every request has."""
        if self.features is UNSET:
            return self.full_names
        more = self.full_names + (self.set is not UNSET)
        return more + sum(one.keys() for one in self.features if isinstance(one, Pick))


class OnlineRequest(Request, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some features of one entity, or of several that belong together: all keys in one object."""

    entity: dict[str, Any]
    like: ClassVar[str] = '"entity": {"KEY": 1}'

    def usual_keys(self) -> int:
        return 2 + len(self.entity)


class BatchRequest(Request, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some features of many entities."""

    entities: tuple[dict[str, Any], ...]
    like: ClassVar[str] = '"entities": [{"KEY": 1}]'

    def usual_keys(self) -> int:
        return 2 + sum(map(len, self.entities))


class Decoder:
    """Reads one kind of body, from JSON or MessagePack."""

    def __init__(self, kind: type[OnlineRequest | BatchRequest]) -> None:
        self._hint = f'Send such as {{"features": ["NAME"], {kind.like}}}.'
        self._from_json = msgspec.json.Decoder(kind).decode
        self._from_msgpack = msgspec.msgpack.Decoder(kind, ext_hook=_refuse_extension).decode

    def decode(self, body: bytes, content_type: bytes) -> Any:
        """The request. Raises `Problem`."""
        try:
            return self._reader(content_type)(body)
        except msgspec.ValidationError as error:
            field = str(error).partition(" - at `$.")[2].rstrip("`")
            raise Problem("invalid_request", f"{error}.", self._hint, field=field or "body") from None
        except RecursionError:
            raise Problem("malformed_body", "The body is nested too deeply.", "Send plain keys.") from None
        except ValueError as error:
            raise _unread(body, error) from None

    def _json(self, body: bytes) -> OnlineRequest | BatchRequest:
        found = self._from_json(body)
        refuse_json_twins(body, found.usual_keys(), found.rare_keys)
        return found

    def _msgpack(self, body: bytes) -> OnlineRequest | BatchRequest:
        found = self._from_msgpack(body)
        refuse_msgpack_twins(body)
        return found

    def _reader(self, content_type: bytes) -> Callable[[bytes], Any]:
        if content_type in (b"application/json", b""):
            return self._json
        kind = content_type.partition(b";")[0].strip().lower()
        if kind in _MSGPACKS:
            return self._msgpack
        if kind == b"application/json":
            return self._json
        raise Problem(
            "unsupported_media_type", f"A body of the type {kind.decode('latin-1')!r} is not read.",
            "Send application/json or application/msgpack: curl -H 'Content-Type: application/json' …",
            field="content-type",
        )  # fmt: skip


def _unread(body: bytes, error: ValueError) -> Problem:
    if half := _HALF.search(body):
        text = half[1].decode()
        return Problem("malformed_body", f"{text} is half a character.", "Send the other half after it, or neither.")
    return Problem("malformed_body", f"The body cannot be read: {error}.", "Send one JSON object.")


def _refuse_extension(code: int, _: memoryview) -> Any:
    raise Problem(
        "malformed_body", f"The extension type {code} is not read.", "Send values of MessagePack's own types.",
        field="body",
    )  # fmt: skip


def wants_msgpack(accept: bytes) -> bool:
    """Whether the answer is to be MessagePack: where it is accepted, and liked no less than JSON."""
    likes = {b"": 0.0}
    for item in accept.lower().split(b","):
        kind, *parameters = (part.strip() for part in item.split(b";"))
        likes[kind] = max(likes.get(kind, 0.0), _quality(parameters))
    json = max(likes.get(b"application/json", 0.0), likes.get(b"application/*", 0.0), likes.get(b"*/*", 0.0))
    best = max(likes.get(kind, 0.0) for kind in _MSGPACKS)
    return best > 0 and best >= json


def _quality(parameters: list[bytes]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def spec_of(one: str | Pick) -> FeatureSpec:
    """The feature that is meant by `"name"`, `"name@1.0.0"` or a `Pick`."""
    if isinstance(one, Pick):
        return FeatureSpec(one.name, version=one.version, columns=one.columns)
    return FeatureSpec.named(one)


Convert = Callable[[str], Any]


def _date(text: str) -> date:
    return date.fromisoformat(text)


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


CONVERTED: Mapping[str, tuple[Convert, str]] = {
    "Date": (_date, "2024-02-29"),
    "Datetime": (_instant, "2024-02-29T12:00:00Z"),
    "Binary": (_bytes, "base 64"),
}
"""Keys that JSON has no type for, how their text is read, and what it looks like."""
_TAGS = {"date": "Date", "datetime": "Datetime", "bytes": "Binary"}


def typed(entity: dict[str, Any], given: Collection[str], dtypes: Mapping[str, str], where: str) -> dict[str, Any]:
    """An entity with the keys that came as text in their own types. Raises `Problem`.

    A value of any column that is read, `given`, may say its type itself: `{"date": "2024-02-29"}`, `datetime`, `bytes`.
    """
    found = dict(entity)
    for name, value in entity.items():
        if type(value) is dict and name in given:
            found[name] = _tagged(value, f"{where}.{name}")
        elif type(value) is str and name in dtypes:
            found[name] = _converted(value, dtypes[name], f"{where}.{name}")
    return found


def _tagged(value: dict[str, Any], where: str) -> Any:
    ((tag, text),) = value.items() if len(value) == 1 else (("", None),)
    if tag not in _TAGS or not isinstance(text, str):
        raise Problem("invalid_request", f"{where} is no key.", 'Keys are plain: 1, "a", {"date": …}.', field=where)
    return _converted(text, _TAGS[tag], where)


def _converted(text: str, dtype: str, where: str) -> Any:
    convert, like = CONVERTED[dtype]
    try:
        return convert(text)
    except (ValueError, OverflowError):
        raise Problem("invalid_request", f"{where} is no {dtype}.", f"Send it as {like}.", field=where) from None


def bad_key(error: BadKey, where: str) -> Problem:
    """A key that cannot be used, in words of JSON: which field it is, and of which type it should be."""
    field = f"{where}.{error.column}" if error.column else where
    if not error.dtype:
        return Problem("invalid_request", error.message, error.hint or "Mend the request.", field=field)
    sent = msgspec.json.encode(error.value, enc_hook=repr).decode()
    return Problem(
        "invalid_request", f"{field} is {sent}, and the type of this {error.what} is {error.dtype}.",
        f"Send {_json_type(error.dtype)}{_narrower(error)}.", field=field,
    )  # fmt: skip


def _narrower(error: BadKey) -> str:
    """What is to be said of an integer to one who sent an integer."""
    return f" that {error.dtype} can hold" if type(error.value) is int and "Int" in error.dtype else ""


def _json_type(dtype: str) -> str:
    if dtype in CONVERTED:
        return f"a string: {CONVERTED[dtype][1]}"
    return {"String": "a string", "Boolean": "true or false", "Float64": "a number"}.get(dtype, "an integer")
