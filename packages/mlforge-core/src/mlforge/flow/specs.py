"""Which features are meant, by the many ways to name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mlforge.errors import Invalid, NotFound, nearest
from mlforge.flow.lock import Lock
from mlforge.model.expr import Col, Expr
from mlforge.model.feature import Feature, FeatureSpec
from mlforge.model.meta import FeatureMeta

BESIDE = "__read__"
"""What the names of columns begin with that are read and not answered."""


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


class Reading(NamedTuple):
    """What of a version is read to answer with some columns, and what is derived of that.

    Args:
        stored: The stored columns to read, each with a name: its own in the answer, or one beside it.
        derived: The other columns of the answer by their names in it, computed of columns under such names.
    """

    stored: dict[str, str]
    derived: dict[str, Expr]

    @property
    def hides(self) -> bool:
        """Whether columns are read that are not in the answer."""
        return any(name.startswith(BESIDE) for name in self.stored.values())


def reading(meta: FeatureMeta, columns: Mapping[str, str], place: int = 0) -> Reading:
    """What to read for columns of a version, each with its name in the answer.

    Args:
        meta: The version.
        columns: Its columns that are asked for, each with its name in the answer.
        place: A number that no other version in the same answer has.
    """
    there = meta.value_columns
    found = {c: name for c, name in columns.items() if c in there}
    if len(found) == len(columns):
        return Reading(found, {})
    expressions = {name: meta.expressions[c] for c, name in columns.items() if c not in found}
    for column in (c for expr in expressions.values() for c in expr.column_names):
        found.setdefault(column, f"{BESIDE}{place}__{column}")
    return Reading(found, {name: renamed(expr, found) for name, expr in expressions.items()})


def renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    """The expression over columns of other names."""
    return expr.replace(lambda node: Col(names[node.name]) if isinstance(node, Col) else node)


def named_columns(spec: FeatureSpec, meta: FeatureMeta, full_names: bool) -> dict[str, str]:
    """The columns of a version that are meant, with their names in an answer. Raises `NotFound`."""
    there = meta.answered.names
    wanted = there if spec.columns is None else spec.columns
    if unknown := [c for c in wanted if c not in there]:
        raise NotFound(f"{spec.name!r} {meta.version} has no column {unknown[0]!r}.", hint=nearest(unknown[0], there))
    return {c: f"{spec.name}__{c}" if full_names else c for c in wanted}
