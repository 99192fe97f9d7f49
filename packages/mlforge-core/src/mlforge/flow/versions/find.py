"""Finding a version, and the history of all."""

from __future__ import annotations

from mlforge.errors import NotFound, nearest
from mlforge.flow.versions.each import each
from mlforge.model.meta import Artifact, FeatureMeta
from mlforge.plugin.stores import Store


def artifact(store: Store, name: str, version: str | None = None) -> Artifact:
    """A committed version, the latest if none is named.

    Raises:
        NotFound: The feature was never built, or has no such version; the hint names what there is.
    """
    wanted = version or store.latest(name)
    if wanted is None:
        known = store.names()
        raise NotFound(f"{name!r} has not been built.", hint=_unbuilt_hint(name, known))
    if version is not None and version not in store.versions(name):
        there = ", ".join(store.versions(name)) or "none"
        raise NotFound(f"{name!r} has no version {version!r}.", hint=f"Versions: {there}.")
    return store.get(name, wanted)


def history(store: Store, name: str) -> list[FeatureMeta]:
    """The metadata of every version, oldest first. Raises `NotFound` for a feature that was never built."""
    versions = store.versions(name)
    if not versions:
        artifact(store, name)
    return list(each(store, versions, lambda version: store.get(name, version).meta).values())


def _unbuilt_hint(name: str, known: list[str]) -> str:
    if name in known:
        return f"Its versions have no pointer: mlforge rollback {name} VERSION"
    close = nearest(name, known)
    return close if close.startswith("Did") else f"Build it: mlforge build --features {name}"
