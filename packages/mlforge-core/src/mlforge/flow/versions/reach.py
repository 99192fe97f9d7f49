"""Bringing a version to where an engine reads it, as it was committed."""

from __future__ import annotations

from mlforge.errors import Unsupported
from mlforge.model.meta import Artifact
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.intact import verify
from mlforge.plugin.stores import FetchingStore, Store


def within_reach(store: Store, engine: Engine, artifact: Artifact, *, relied: bool) -> Artifact:
    """The version where the engine reads it, if its data is what was committed.

    What something that stays relies on is read to its end anyway, so it is brought here once and held against its
    hashes on the way, even where the engine could read it from afar.

    Raises:
        Invalid: Data that is not what was committed.
        NotFound: Data that is gone.
        Unsupported: Neither can the engine read there, nor the store bring it here.
    """
    is_near = engine.reaches(artifact)
    if isinstance(store, FetchingStore) and (relied or not is_near):
        return store.fetch(artifact)
    if not is_near:
        raise Unsupported(
            f"This engine cannot read {artifact.meta.name} {artifact.meta.version} at {artifact.uris[0]}.",
            hint='Choose another engine: engine="polars".',
        )
    return verify(store, artifact, relied=relied)
