"""Choosing a version and its columns, as they are joined."""

from __future__ import annotations

from typing import NamedTuple

from mlforge.errors import NotFound
from mlforge.flow.versions.find import artifact
from mlforge.model.duration import Duration
from mlforge.model.feature import FeatureSpec
from mlforge.model.meta import Artifact
from mlforge.plugin.engine.frames import Join
from mlforge.plugin.stores import Store
from mlforge.project.selection import nearest


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
    there = found.meta.value_columns
    wanted = there if spec.columns is None else spec.columns
    if unknown := [c for c in wanted if c not in there]:
        raise NotFound(
            f"{spec.name!r} {found.meta.version} has no column {unknown[0]!r}.", hint=nearest(unknown[0], there)
        )
    return Chosen(found, {c: f"{spec.name}__{c}" if full_names else c for c in wanted})
