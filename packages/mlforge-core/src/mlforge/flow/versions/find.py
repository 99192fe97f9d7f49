"""Finding a version, and the history of all."""

from __future__ import annotations

import logging

from mlforge.errors import Invalid, MlforgeError, NotFound, nearest
from mlforge.flow.versions.each import each
from mlforge.model.meta import Artifact, FeatureMeta
from mlforge.plugin import layout
from mlforge.plugin.stores import Store

_log = logging.getLogger("mlforge.store")


def artifact(store: Store, name: str, version: str | None = None) -> Artifact:
    """A committed version, the latest if none is named.

    Raises:
        NotFound: The feature was never built, or has no such version; the hint names what there is.
    """
    if version is None:
        if (found := newest(store, name)) is None:
            unbuilt = _unbuilt(name, store.names(), store.versions(name))
            if (found := newest(store, name)) is None:  # the first one may have come meanwhile
                raise unbuilt
        return found
    if version not in (versions := store.versions(name)):
        there = ", ".join(versions) or "none"
        raise NotFound(f"{name!r} has no version {version!r}.", hint=f"Versions: {there}.")
    return store.get(name, version)


def newest(store: Store, name: str) -> Artifact | None:
    """The version that the pointer names; None where there is no pointer. Raises as `artifact` does."""
    latest = store.latest(name)
    try:
        return pointed_at(store, name, latest) if latest else None
    except NotFound:
        if store.latest(name) == latest:
            raise
    return newest(store, name)  # a new one came, and the old one went, meanwhile


def pointed_at(store: Store, name: str, latest: str) -> Artifact:
    """The version that the pointer named a moment ago. Raises `NotFound` where the store lost it, with the way out."""
    try:
        return store.get(name, latest)
    except NotFound as error:
        if latest in (versions := store.versions(name)):
            raise  # it is there, and its data is not
        hint = layout.way_out(name, versions, lambda version: bool(store.get(name, version).uris))
        raise NotFound(f"The pointer of {name!r} names {latest}, which is not there.", hint=hint) from error


def history(store: Store, name: str) -> list[FeatureMeta]:
    """The metadata of every version, oldest first; of those that cannot be read it is told why.

    Raises:
        NotFound: A feature that was never built.
        Invalid: None of its versions can be read.
    """
    versions = store.versions(name)
    if not versions:
        artifact(store, name)
    found = each(store, versions, lambda version: _meta_or_error(store, name, version))
    errors = {version: one for version, one in found.items() if isinstance(one, MlforgeError)}
    if len(errors) == len(versions):
        raise errors[versions[-1]]
    for version, error in errors.items():
        _log.warning("%s %s cannot be read: %s", name, version, error)
    return [one for one in found.values() if isinstance(one, FeatureMeta)]


def _meta_or_error(store: Store, name: str, version: str) -> FeatureMeta | MlforgeError:
    try:
        return store.get(name, version).meta
    except (Invalid, NotFound) as error:
        return error


def _unbuilt(name: str, known: list[str], versions: list[str]) -> NotFound:
    if versions:
        message = f"No pointer says which version of {name!r} is the latest."
        return NotFound(message, hint=f"Its newest is {versions[-1]}: mlforge rollback {name} {versions[-1]}")
    close = nearest(name, known)
    hint = close if close.startswith("Did") else f"Build it: mlforge build --features {name}"
    return NotFound(f"{name!r} has not been built.", hint=hint)
