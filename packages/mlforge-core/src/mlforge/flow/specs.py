"""Which features are meant, by the many ways to name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mlforge.errors import Invalid, NotFound, nearest
from mlforge.flow.lock import Lock, Pin, specs_in
from mlforge.model.feature import Feature, FeatureSpec, spec_of
from mlforge.model.feature_set import FeatureSet
from mlforge.model.meta import FeatureMeta


def specs_of(features: Any) -> list[FeatureSpec]:
    """The features that are meant. Raises `Invalid` for none, and for something that names none."""
    if isinstance(features, Lock):
        return [spec for spec, _ in specs_in(features, None)]
    alone = isinstance(features, str | Feature | FeatureSpec | FeatureSet)
    given = [features] if alone else list(features or ())
    if not given:
        raise Invalid("No feature is named.", hint='features=["user_spend"]')
    return [spec for one in given for spec in (one.specs if isinstance(one, FeatureSet) else [spec_of(one)])]


def wanted(features: Any, lock: Lock | None) -> list[tuple[FeatureSpec, Pin | None]]:
    """The features that are meant, at the versions of a lock where there is one. Raises `Invalid`."""
    if lock is None:
        return [(spec, None) for spec in specs_of(features)]
    named = features is not None and not (isinstance(features, list | tuple | str) and not features)
    return [*specs_in(lock, specs_of(features) if named else None)]


def name_of(features: Any) -> str | None:
    """The name of the one set that is meant; None for anything else."""
    alone = features[0] if isinstance(features, list | tuple) and len(features) == 1 else features
    return alone.name if isinstance(alone, FeatureSet) else None


def prefixes(versions: Sequence[tuple[str, str]], full_names: bool) -> list[str]:
    """What the columns' names begin with in an answer: nothing, or `f__`; `f@1.0.0__` where several versions of f are.

    Args:
        versions: Each feature and the version that is used of it.
        full_names: Whether names begin with the feature's at all.
    """
    if not full_names:
        return [""] * len(versions)
    several = Counter(name for name, _ in set(versions))
    return [f"{name}@{version}__" if several[name] > 1 else f"{name}__" for name, version in versions]


def named_columns(spec: FeatureSpec, meta: FeatureMeta, prefix: str) -> dict[str, str]:
    """The columns of a version that are meant, with their names in an answer. Raises `NotFound`."""
    there = meta.value_columns
    wanted = there if spec.columns is None else spec.columns
    if unknown := [c for c in wanted if c not in there]:
        raise NotFound(f"{spec.name!r} {meta.version} has no column {unknown[0]!r}.", hint=nearest(unknown[0], there))
    return {c: f"{prefix}{c}" for c in wanted}
