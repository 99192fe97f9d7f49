"""What is served of a feature, held against the lock of a model that was trained with it."""

from __future__ import annotations

from typing import NamedTuple

from mlforge.errors import Conflict, NotFound
from mlforge.flow.lock import LockPolicy, Pin, is_refresh
from mlforge.flow.online.publication import LastPublish, last_publish
from mlforge.model.feature import FeatureSpec
from mlforge.plugin.online_stores import OnlineStore


class ServedVersion(NamedTuple):
    """What is served, and what there is to warn of."""

    last: LastPublish
    warning: str | None = None


def served(online: OnlineStore, spec: FeatureSpec, pin: Pin | None, policy: LockPolicy) -> ServedVersion:
    """What is served of a feature: of the version that is asked for, or the lock has.

    Raises:
        NotFound: It is not served at all, or without a lock as another version.
        Conflict: It is served as another version than the lock has, or with other rows, and the policy does not let it.
    """
    if pin is None:
        return ServedVersion(last_publish(online, spec.name, spec.version))
    try:
        found = last_publish(online, pin.name, pin.version)
    except NotFound:
        found = last_publish(online, pin.name)
    if (found.publish.version, found.publish.content_hash) == (pin.version, pin.content_hash):
        return ServedVersion(found)
    said = _said(pin, found)
    if policy == "warn":
        return ServedVersion(found, f"{said}.")
    if policy == "refresh" and is_refresh(pin, found.meta):
        return ServedVersion(found)
    way = f"Publish what it was: mlforge publish {pin.text} --beside"
    raise Conflict(f"{said}.", hint=f"{way}; or allow other versions by the lock policy.")


def _said(pin: Pin, found: LastPublish) -> str:
    if found.publish.version != pin.version:
        return f"{pin.name!r} is served as {found.publish.version}, and the model was trained with {pin.version}"
    return f"{pin.name!r} {pin.version} is served with other rows than the model was trained with"
