"""What is served of a feature, held against the lock of a model that was trained with it."""

from __future__ import annotations

from typing import NamedTuple

from mlforge.errors import Conflict, NotFound
from mlforge.flow.lock import Lock, LockPolicy, Pin, ServedAs, allowed, verdict_on
from mlforge.flow.online.publication import LastPublish, last_publish, published_beside
from mlforge.model.feature import FeatureSpec
from mlforge.plugin.online_stores import OnlineStore


class ServedVersion(NamedTuple):
    """What is served, what there is to warn of, and whether no other version may be read in its place."""

    last: LastPublish
    warning: str | None = None
    exact: bool = False


def served(online: OnlineStore, spec: FeatureSpec, pin: Pin | None, policy: LockPolicy) -> ServedVersion:
    """What is served of a feature: of the version that is asked for, or the lock has.

    Raises:
        NotFound: It is not served at all, or without a lock as another version.
        Conflict: It is served as another version than the lock has, or with other rows, and the policy does not let it.
    """
    if pin is None:
        return ServedVersion(last_publish(online, spec.name, spec.version), exact=spec.version is not None)
    found = _at_best(online, pin)
    verdict = verdict_on(pin, found.publish.version, found.meta)
    if verdict == "same" or (policy == "refresh" and allowed(verdict, policy)):
        return ServedVersion(found, exact=policy == "refuse")
    said = _said(pin, found)
    if policy == "warn":
        return ServedVersion(found, f"{said}.")
    way = f"Publish what it was: mlforge publish {pin.text} --beside"
    raise Conflict(f"{said}.", hint=f"{way}; or allow it by the policy of the lock: refresh or warn.")


def serving(online: OnlineStore, lock: Lock) -> dict[str, ServedAs | None]:
    """What is served where the versions of a lock are asked for, by `f@1.0.0`; None for what is not published."""
    return {pin.text: _told(online, pin) for pin in lock.pins}


def _told(online: OnlineStore, pin: Pin) -> ServedAs | None:
    try:
        found = published_beside(online, pin.name, pin.version) or _at_best(online, pin)
    except NotFound:
        return None
    return ServedAs(found.publish.version, found.publish.content_hash, found.meta, found.place != pin.name)


def _at_best(online: OnlineStore, pin: Pin) -> LastPublish:
    """What is served as the version that a lock has, or else what is served to all."""
    try:
        return last_publish(online, pin.name, pin.version)
    except NotFound:
        return last_publish(online, pin.name)


def _said(pin: Pin, found: LastPublish) -> str:
    if found.publish.version != pin.version:
        return f"{pin.name!r} is served as {found.publish.version}, and the model was trained with {pin.version}"
    return f"{pin.name!r} {pin.version} is served with other rows than the model was trained with"
