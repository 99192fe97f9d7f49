"""Choosing a version and its columns, as they are joined."""

from __future__ import annotations

from typing import NamedTuple

from mlforge.flow.specs import named_columns
from mlforge.flow.versions.find import artifact
from mlforge.model.duration import Duration
from mlforge.model.feature import FeatureSpec
from mlforge.model.meta import Artifact
from mlforge.plugin.engine.frames import Join
from mlforge.plugin.stores import Store


class Chosen(NamedTuple):
    """A version to join, and its columns with their names in the answer."""

    artifact: Artifact
    columns: dict[str, str]

    @property
    def join(self) -> Join:
        meta = self.artifact.meta
        max_age = Duration.parse(meta.max_age).micros if meta.max_age else None
        return Join(self.artifact, self.columns, max_age)


def choose(store: Store, spec: FeatureSpec, *, full_names: bool) -> Chosen:
    """A version and its columns. Raises `NotFound` for one that is not there."""
    found = artifact(store, spec.name, spec.version)
    return Chosen(found, named_columns(spec, found.meta, full_names))
