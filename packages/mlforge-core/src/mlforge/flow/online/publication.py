"""What is noted of a feature in an online store: which publish began last, which was the last whole one, of what."""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32

import msgspec

from mlforge.errors import Invalid, NotFound
from mlforge.model.duration import MICROS
from mlforge.model.meta import FeatureMeta
from mlforge.plugin.codec import seal, unseal
from mlforge.plugin.damage import met_damage
from mlforge.plugin.online_stores import OnlineStore

DEFAULT_HORIZON = 2 * MICROS["d"]


class Round(msgspec.Struct, frozen=True, omit_defaults=True):
    """One publish.

    Args:
        version: The version that is published.
        content_hash: Its content, so that the same number with other rows is told.
        as_of: The instant it is published for, in microseconds since the Unix epoch.
        until: The last instant whose values it holds; None for a feature without time.
        engine: Who reads the version: another engine may give its rows in another order.
        since: Entries published before this are left over from what is gone.
        all: Whether every entry is written, not only what has changed.
        written: How many entries have been written.
    """

    version: str
    content_hash: str
    as_of: int
    until: int | None
    engine: str
    since: int
    all: bool = True
    written: int = 0

    def same_rows(self, other: Round) -> bool:
        """Whether both publish the same values."""
        mine = (self.version, self.content_hash, self.as_of, self.until)
        return mine == (other.version, other.content_hash, other.as_of, other.until)


class Publication(msgspec.Struct, frozen=True):
    """A feature's note: the publish that began last, the last whole one, and the metadata of what that published.

    One that is `withdrawn` was taken away: there is nothing to read, and once that is `done`, nothing at all. Its
    `layout` is always written: one that is left out is 2, which was not told at first.
    """

    begun: Round
    done: Round | None = None
    meta: FeatureMeta | None = None
    layout: int = 2
    withdrawn: bool = False

    @property
    def whole(self) -> bool:
        """Whether the publish that began last has ended."""
        return self.done is not None and self.begun.same_rows(self.done)

    @property
    def is_gone(self) -> bool:
        """Whether it was taken away, and all that was written of it."""
        return self.withdrawn and self.done is not None

    def encode(self, feature: str) -> bytes:
        return seal(msgspec.json.encode(self), crc32(feature.encode()))


class _Layout(msgspec.Struct):
    layout: int = 2


def decode_publication(feature: str, note: bytes | None) -> Publication | None:
    """What a note says; None for one that is damaged, which is counted and logged.

    Raises:
        Invalid: A note of a later mlforge, which nobody may write over.
    """
    if note is None:
        return None
    try:
        if whole := unseal(note, crc32(feature.encode())):
            _refuse_later(feature, whole)
            return msgspec.json.decode(whole, type=Publication)
        why = "its checksum is another"
    except msgspec.DecodeError as error:
        why = str(error)
    met_damage(feature, "its note", why)
    return None


def _refuse_later(feature: str, note: bytes) -> None:
    layout = msgspec.json.decode(note, type=_Layout).layout
    if layout != _Layout().layout:
        raise Invalid(
            f"What the online store notes of {feature!r} has the layout {layout}, which is not known here.",
            hint="Upgrade mlforge.",
        )


class LastPublish(NamedTuple):
    """A feature's note, its last whole publish, the metadata of what was published, and under which name it is there.

    That is the feature's own, or `f@1.0.0` for a version that is served beside it to those who name it. `replaced` is
    whether another version is being written in its place.
    """

    note: bytes
    publish: Round
    meta: FeatureMeta
    place: str
    replaced: bool = False


def beside(feature: str, version: str) -> str:
    """What a version is called in an online store that is published beside the one served to all."""
    return f"{feature}@{version}"


def last_publish(online: OnlineStore, feature: str, version: str | None = None) -> LastPublish:
    """What is served of a feature; of a version, where one is named, beside that too.

    Raises:
        NotFound: It has not been published, or not wholly yet, or its note is damaged, or is served as another version.
    """
    if version is None:
        return _last(online, feature, feature)
    apart = published_beside(online, feature, version)
    try:
        found = _last(online, feature, feature)
        if found.publish.version == version and (apart is None or _is_better(found, apart)):
            return found
        other = NotFound(
            f"{feature!r} is served as {found.publish.version}, not {version}.",
            hint=f"Ask for that one, or publish the other beside it: mlforge publish {feature}@{version} --beside",
        )
    except NotFound as error:
        other = error
    if apart is None and not _is_noted(online, beside(feature, version)):
        raise other
    return apart or _last(online, beside(feature, version), feature)


def _is_better(to_all: LastPublish, apart: LastPublish) -> bool:
    """Whether to read a version where it is served to all, rather than beside that: it is whole, and no older."""
    return not to_all.replaced and to_all.publish.as_of >= apart.publish.as_of


def published_beside(online: OnlineStore, feature: str, version: str) -> LastPublish | None:
    """What is served of a version beside that of all; None where it is not."""
    try:
        return _last(online, beside(feature, version), feature)
    except NotFound:
        return None


def _is_noted(online: OnlineStore, place: str) -> bool:
    """Whether something is noted that was not taken away."""
    note = online.read_note(place)
    found = decode_publication(place, note)
    return note is not None and not (found is not None and found.withdrawn)


def _last(online: OnlineStore, place: str, feature: str) -> LastPublish:
    note = online.read_note(place)
    found = decode_publication(place, note)
    if note is None or found is None or found.done is None or found.meta is None:
        state = "has not been published" if found is None else "has not been published wholly yet"
        if found is None and note is not None:
            state = "is not served: what the online store notes of it is damaged"
        elif found is not None and found.withdrawn:
            state = "was withdrawn"
        how = f"{place} --beside" if place != feature else feature
        raise NotFound(f"{place!r} {state}.", hint=f"Publish it: mlforge publish {how}")
    replaced = found.begun.version != found.done.version
    return LastPublish(note, found.done, found.meta, place, replaced)
