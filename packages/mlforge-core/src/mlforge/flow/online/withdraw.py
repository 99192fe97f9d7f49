"""Taking away a version that is served beside the one for all, with all that was written of it.

Its note says first that it is withdrawn, so that no reader finds half of it and a publisher that runs stops; then its
entries go, then the note says that they are gone. One that was cut off is ended by the next.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import msgspec

from mlforge.errors import Conflict, Invalid, NotFound, Unsupported, nearest
from mlforge.flow.moments import iso
from mlforge.flow.online.entries import BATCH, tombstone
from mlforge.flow.online.publication import Publication, Round, beside, decode_publication, last_publish
from mlforge.flow.online.publish import TRIES, safely
from mlforge.flow.online.publish_report import PublishResult
from mlforge.flow.progress import Progress, Tell
from mlforge.model.feature import FeatureSpec
from mlforge.plugin.online_stores import Listing, OnlineStore


class Withdrawing(msgspec.Struct, frozen=True):
    """What it takes to withdraw: the store, the versions that a feature may have, the present instant, whom to tell."""

    online: OnlineStore
    versions: Callable[[str], list[str]]
    now: int
    tell: Tell


def withdraw_safely(withdrawing: Withdrawing, spec: FeatureSpec) -> PublishResult:
    """Withdraw a version; whatever goes wrong is its own failure and nobody else's."""
    return safely(spec.text, lambda: withdraw(withdrawing, spec))


def withdraw(withdrawing: Withdrawing, spec: FeatureSpec) -> PublishResult:
    """Take a version away that is published beside what is served to all.

    Raises:
        Invalid: No version is named, or it is the one that is served to those who name none, and not beside that.
        NotFound: It is not published beside that.
        Conflict: It is published at the same time.
        Unsupported: The store cannot tell what it keeps of it.
    """
    online = withdrawing.online
    if not isinstance(online, Listing):
        raise Unsupported(
            "This online store cannot tell what it keeps of a version.",
            hint="What it keeps is served until it expires.",
        )
    begun = _begin(withdrawing, spec)
    removed = _remove(online, begun, spec.text, withdrawing.tell)
    _end(online, spec.text, begun)
    return PublishResult(
        feature=spec.text, status="withdrawn", version=spec.version, as_of=iso(begun.as_of), removed=removed
    )


def _begin(withdrawing: Withdrawing, spec: FeatureSpec) -> Round:
    """Note that it is withdrawn, unless that was begun."""
    online = withdrawing.online
    for _ in range(TRIES):
        raw = online.read_note(spec.text) if spec.version else None
        seen = decode_publication(spec.text, raw)
        if raw is None or spec.version is None or (seen is not None and seen.is_gone):
            raise _not_beside(withdrawing, spec)
        if seen is not None and seen.withdrawn:
            return seen.begun
        as_of = withdrawing.now if seen is None else max(withdrawing.now, seen.begun.as_of + 1)
        begun = Round(spec.version, "", as_of, None, "", as_of)
        if online.swap_note(spec.text, raw, Publication(begun, withdrawn=True).encode(spec.text)):
            return begun
    raise Conflict(f"Many publish {spec.text!r} at once.", hint="Let them finish, then withdraw it again.")


def _remove(online: OnlineStore, begun: Round, place: str, tell: Tell) -> int:
    """Write over every entry that nobody is there; how many that were."""
    removed = 0
    left = iter(online.older(place, begun.as_of)) if isinstance(online, Listing) else iter(())
    while keys := list(islice(left, BATCH)):
        online.write([tombstone(place, key, begun) for key in keys])
        removed += len(keys)
        tell(Progress(place, "withdrawing", removed))
    return removed


def _end(online: OnlineStore, place: str, begun: Round) -> None:
    """Note that nothing is left, unless it was published again meanwhile."""
    raw = online.read_note(place)
    seen = decode_publication(place, raw)
    if seen is not None and seen.withdrawn and seen.begun == begun:
        online.swap_note(place, raw, Publication(begun, begun, withdrawn=True).encode(place))


def _not_beside(withdrawing: Withdrawing, spec: FeatureSpec) -> Invalid | NotFound:
    """Why there is nothing to withdraw, and which versions could be."""
    there = [v for v in withdrawing.versions(spec.name) if _is_beside(withdrawing.online, spec.name, v)]
    texts = [beside(spec.name, v) for v in there]
    named = (
        f"Published beside are: {', '.join(texts)}." if texts else f"No version of {spec.name!r} is published beside."
    )
    if spec.version is None:
        return Invalid(f"Which version of {spec.name!r} to withdraw is not said.", hint=named)
    if _to_all(withdrawing.online, spec.name) == spec.version:
        others = [v for v in withdrawing.versions(spec.name) if v != spec.version]
        way = f"mlforge publish {spec.name}@{others[-1]}" if others else "there is none yet; build one."
        return Invalid(
            f"{spec.text!r} is what is served to those who name no version, and that cannot be withdrawn.",
            hint=f"Serve another version to them: {way}",
        )
    close = nearest(spec.text, texts) if texts else named
    return NotFound(f"{spec.text!r} is not published beside what is served to all.", hint=close)


def _is_beside(online: OnlineStore, feature: str, version: str) -> bool:
    raw = online.read_note(beside(feature, version))
    seen = decode_publication(beside(feature, version), raw)
    return raw is not None and not (seen is not None and seen.is_gone)


def _to_all(online: OnlineStore, feature: str) -> str | None:
    try:
        return last_publish(online, feature).publish.version
    except NotFound:
        return None
