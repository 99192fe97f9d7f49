"""Bringing a version to where an engine reads it, as it was committed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mlforge.errors import Invalid, PluginFailed, Unsupported
from mlforge.model.meta import Artifact
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.intact import verify, verify_files
from mlforge.plugin.stores import FetchingStore, Store

_TABLE = "table://"


def within_reach(store: Store, engine: Engine, artifact: Artifact, *, relied: bool) -> Artifact:
    """The version where the engine reads it, if its data is what was committed.

    Of files what something that stays relies on is read to its end anyway, so it is brought here once and held against
    its hashes on the way, even where the engine could read it from afar. Tables are held against theirs where they are.

    Raises:
        Invalid: Data that is not what was committed.
        NotFound: Data that is gone.
        Unsupported: Neither can the engine read there, nor the store bring it here.
    """
    is_near = engine.reaches(artifact)
    in_tables = all(uri.startswith(_TABLE) for uri in artifact.uris)
    if isinstance(store, FetchingStore) and (not is_near or (relied and not in_tables)):
        return store.fetch(artifact)
    if not is_near:
        raise Unsupported(
            f"This engine cannot read {artifact.meta.name} {artifact.meta.version} at {artifact.uris[0]}.",
            hint="Copy it to a store on this machine: mlforge store copy FROM TO.",
        )
    return verify(store, artifact, relied=relied)


@contextmanager
def naming_damage(artifacts: Sequence[Artifact]) -> Iterator[None]:
    """Where an engine fails inside, tell of the file that it could not read, if one is not what was committed.

    Engines read late: of damaged bytes they say that what they were just doing cannot be done.

    Raises:
        Invalid: Data that is not what was committed.
        NotFound: Data that is gone.
    """
    try:
        yield
    except (Invalid, PluginFailed):
        for one in artifacts:
            verify_files(one)
        raise
