"""Bringing a version to where an engine reads it, as it was committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mlforge.errors import Invalid, MlforgeError, NotFound, PluginFailed, Unsupported
from mlforge.model.meta import Artifact, FeatureMeta
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.intact import verify, verify_files
from mlforge.plugin.stores import FetchingStore, Store

_TABLE = "table://"


def within_reach(store: Store, engine: Engine, artifact: Artifact, *, relied: bool) -> Artifact:
    """The version where the engine reads it, if its data is what was committed.

    Of files what something that stays relies on is read to its end anyway, so it is brought here once and held against
    its hashes on the way, even where the engine could read it from afar, unless the engine looks at them there. Tables
    are held against theirs where they are.

    Raises:
        Invalid: Data that is not what was committed.
        NotFound: Data that is gone, or a version that somebody removed meanwhile.
        Unsupported: Neither can the engine read there, nor the store bring it here.
    """
    with reading(store, [artifact]):
        return _brought(store, engine, artifact, relied)


def _brought(store: Store, engine: Engine, artifact: Artifact, relied: bool) -> Artifact:
    is_near = engine.reaches(artifact)
    in_tables = all(uri.startswith(_TABLE) for uri in artifact.uris)
    if isinstance(store, FetchingStore) and (not is_near or (relied and not in_tables)):
        return artifact if is_near and engine.verifies(artifact) else store.fetch(artifact)
    if not is_near:
        raise Unsupported(
            f"This engine cannot read {artifact.meta.name} {artifact.meta.version} at {artifact.uris[0]}.",
            hint="Copy it to a store on this machine: mlforge store copy FROM TO.",
        )
    return verify(store, artifact, relied=relied)


@contextmanager
def reading(store: Store, artifacts: Iterable[Artifact]) -> Iterator[None]:
    """Where what is done inside fails, tell of the version that was removed, or the file that is not what it was.

    Engines read late: of a file that they cannot read they say that what they were just doing cannot be done.

    Raises:
        Invalid: Data that is not what was committed.
        NotFound: A version that somebody removed meanwhile, or data that is gone.
    """
    try:
        yield
    except (Invalid, NotFound, PluginFailed) as error:
        read = list(artifacts)
        for one in read:
            if removed := _removed(store, one.meta):
                raise removed from error
        for one in read:
            verify_files(one)
        raise


def _removed(store: Store, meta: FeatureMeta) -> NotFound | None:
    """The error for a version that is no longer there; None where it is, or the store cannot be asked."""
    try:
        there = store.versions(meta.name)
    except MlforgeError:
        return None
    if meta.version in there:
        return None
    return NotFound(
        f"{meta.name!r} {meta.version} was removed while it was read.",
        hint=f"Do it again, with a version that is there: {', '.join(there) or 'none'}.",
    )
