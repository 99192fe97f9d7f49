"""Which features are meant, by the many ways to name them."""

from __future__ import annotations

from typing import Any

from mlforge.errors import Invalid, NotFound, nearest
from mlforge.flow.lock import Lock
from mlforge.model.feature import Feature, FeatureSpec
from mlforge.model.meta import FeatureMeta


def specs_of(features: Any) -> list[FeatureSpec]:
    """The features that are meant. Raises `Invalid` for none, and for something that names none."""
    if isinstance(features, Lock):
        return [FeatureSpec(p.name, p.version, p.columns or None) for p in features.pins]
    given = [features] if isinstance(features, str | Feature | FeatureSpec) else list(features or ())
    if not given:
        raise Invalid("No feature is named.", hint='features=["user_spend"]')
    return [spec_of(f) for f in given]


def spec_of(given: Any) -> FeatureSpec:
    """Which feature, version and columns something names. Raises `Invalid` where it names none."""
    match given:
        case FeatureSpec():
            return given
        case Feature():
            return FeatureSpec(given.name)
        case str():
            return FeatureSpec.named(given)
        case (str() as name, str() as version):
            return FeatureSpec(name, version)
        case _:
            pass
    raise Invalid(f"{given!r} does not name a feature.", hint='"f", ("f", "1.0.0") or FeatureSpec("f", columns=[…])')


def named_columns(spec: FeatureSpec, meta: FeatureMeta, full_names: bool) -> dict[str, str]:
    """The columns of a version that are meant, with their names in an answer. Raises `NotFound`."""
    there = meta.value_columns
    wanted = there if spec.columns is None else spec.columns
    if unknown := [c for c in wanted if c not in there]:
        raise NotFound(f"{spec.name!r} {meta.version} has no column {unknown[0]!r}.", hint=nearest(unknown[0], there))
    return {c: f"{spec.name}__{c}" if full_names else c for c in wanted}
