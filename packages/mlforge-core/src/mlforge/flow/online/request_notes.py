"""What an online store notes of request features, so that they are known by name where there are no definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import msgspec

from mlforge.errors import Conflict, Invalid
from mlforge.flow.failure import failure_of
from mlforge.flow.lock import request_definition
from mlforge.flow.moments import iso
from mlforge.flow.online.publication import decode_publication
from mlforge.flow.online.publish_report import PublishResult
from mlforge.flow.specs import listed
from mlforge.model.feature import FeatureSpec, spec_of
from mlforge.model.feature_set import FeatureSet
from mlforge.model.field import Field
from mlforge.model.plain import expression, plain
from mlforge.model.request import Requested, RequestFeature
from mlforge.plugin.codec import seal, unseal
from mlforge.plugin.damage import met_damage
from mlforge.plugin.online_stores import OnlineStore

_TRIES = 20


class RequestNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request feature as it was defined when it was published."""

    name: str
    columns: dict[str, Any]
    as_of: int
    inputs: dict[str, str] = {}
    uses: tuple[tuple[str, str | None, tuple[str, ...] | None], ...] = ()
    fields: tuple[Field, ...] = ()
    description: str | None = None
    owner: str | None = None

    @classmethod
    def of(cls, feature: RequestFeature, as_of: int) -> RequestNote:
        columns = {name: plain(expr) for name, expr in feature.columns.items()}
        uses = tuple((u.name, u.version, None if u.columns is None else tuple(u.columns)) for u in feature.uses)
        return cls(
            feature.name, columns, as_of, feature.inputs, uses, feature.fields, feature.description, feature.owner
        )

    @property
    def feature(self) -> RequestFeature:
        columns = {name: expression(data) for name, data in self.columns.items()}
        uses = tuple(FeatureSpec(*use) for use in self.uses)
        return RequestFeature(self.name, columns, self.inputs, uses, self.fields, (), self.description, self.owner)


def place_of(name: str) -> str:
    """What a request feature's note is called in an online store: as no version of a feature can be."""
    return f"{name}@request"


def publish_request_safely(online: OnlineStore, feature: RequestFeature, now: int) -> PublishResult:
    """Note a request feature; whatever goes wrong is its own failure and nobody else's."""
    try:
        return publish_request(online, feature, now)
    except Exception as error:  # noqa: BLE001 - features are independent: whatever one raises is its own failure
        return PublishResult(feature=feature.name, status="failed", failure=failure_of(error))


def publish_request(online: OnlineStore, feature: RequestFeature, now: int) -> PublishResult:
    """Note how a request feature is defined. Nothing is kept of it: it is computed when it is asked for.

    Raises:
        Conflict: Others note it at the same time, again and again.
    """
    place = place_of(feature.name)
    for _ in range(_TRIES):
        raw = online.read_note(place)
        seen = _decoded(place, raw)
        if seen is not None and not _is_older(online, seen) and _says(seen, feature):
            return PublishResult(feature=feature.name, status="unchanged", as_of=iso(seen.as_of))
        note = RequestNote.of(feature, max(now, seen.as_of + 1 if seen else now))
        if online.swap_note(place, raw, seal(msgspec.json.encode(note), crc32(place.encode()))):
            return PublishResult(feature=feature.name, status="published", as_of=iso(note.as_of))
    raise Conflict(f"Many publish {feature.name!r} at once.", hint="Let them finish, then publish again.")


def noted_requests(online: OnlineStore, features: Any) -> dict[str, RequestFeature]:
    """The request features among what is named, as they were published last."""
    found = {}
    for name in dict.fromkeys(_names(features)):
        note = _decoded(place_of(name), online.read_note(place_of(name)))
        if note is not None and not _is_older(online, note):
            found[name] = note.feature
    return found


def _names(features: Any) -> Sequence[str]:
    members = [m for one in listed(features) for m in (one.members if isinstance(one, FeatureSet) else (one,))]
    specs = [spec_of(one) for one in members if not isinstance(one, RequestFeature | Requested)]
    return [spec.name for spec in specs if spec.version is None]


def _says(note: RequestNote, feature: RequestFeature) -> bool:
    same = RequestNote.of(feature, note.as_of)
    return same == note and request_definition(note.feature) == request_definition(feature)


def _is_older(online: OnlineStore, note: RequestNote) -> bool:
    """Whether a stored feature was published under its name since."""
    stored = decode_publication(note.name, online.read_note(note.name))
    return stored is not None and stored.begun.as_of > note.as_of


def _decoded(place: str, raw: bytes | None) -> RequestNote | None:
    if raw is None:
        return None
    try:
        if whole := unseal(raw, crc32(place.encode())):
            return msgspec.json.decode(whole, type=RequestNote)
        why = "its checksum is another"
    except (msgspec.DecodeError, Invalid) as error:
        why = str(error)
    met_damage(place, "its note", why)
    return None
