"""Choosing a version and its columns, as they are joined."""

from __future__ import annotations

from typing import NamedTuple

from mlforge.flow.specs import Reading, named_columns, reading
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
    place: int = 0

    @property
    def reading(self) -> Reading:
        """What of it is read, and what is derived of that."""
        return reading(self.artifact.meta, self.columns, self.place)

    @property
    def join(self) -> Join:
        meta = self.artifact.meta
        max_age = Duration.parse(meta.max_age).micros if meta.max_age else None
        return Join(self.artifact, self.reading.stored, max_age)


def choose(store: Store, spec: FeatureSpec, *, full_names: bool, place: int = 0) -> Chosen:
    """A version and its columns. Raises `NotFound` for one that is not there."""
    found = artifact(store, spec.name, spec.version)
    return Chosen(found, named_columns(spec, found.meta, full_names), place)
