"""Choosing a version and its columns, as they are joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mlforge.flow.specs import Reading, named_columns, prefixes, reading
from mlforge.flow.versions.find import artifact
from mlforge.model.duration import Duration
from mlforge.model.feature import FeatureSpec
from mlforge.model.meta import Artifact
from mlforge.plugin.engine.frames import Join
from mlforge.plugin.stores import Store


class Chosen(NamedTuple):
    """A version to join, its columns with their names in the answer, and its place among several."""

    artifact: Artifact
    columns: dict[str, str]
    place: int

    @property
    def reading(self) -> Reading:
        """What of it is read, and what is derived of that."""
        return reading(self.artifact.meta, self.columns, self.place)

    @property
    def join(self) -> Join:
        meta = self.artifact.meta
        max_age = Duration.parse(meta.max_age).micros if meta.max_age else None
        return Join(self.artifact, self.reading.stored, max_age)


def choose(store: Store, specs: Sequence[FeatureSpec], *, full_names: bool) -> list[Chosen]:
    """Versions and their columns, named as they are in an answer. Raises `NotFound` for one that is not there."""
    found = [artifact(store, spec.name, spec.version) for spec in specs]
    begun = prefixes([(one.meta.name, one.meta.version) for one in found], full_names)
    triples = zip(specs, found, begun, strict=True)
    return [Chosen(a, named_columns(s, a.meta, prefix), n) for n, (s, a, prefix) in enumerate(triples)]
