"""Which features are meant, by the many ways to name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mlforge.errors import Invalid, NotFound, nearest
from mlforge.flow.lock import Lock
from mlforge.model.expr import Col, Expr
from mlforge.model.feature import Feature, FeatureSpec
from mlforge.model.meta import FeatureMeta
from mlforge.model.request import RequestFeature

BESIDE = "__read__"
"""What the names of columns begin with that are read and not answered."""


class Requested(NamedTuple):
    """A request feature that is asked for, and which of its columns; all if None."""

    feature: RequestFeature
    columns: tuple[str, ...] | None = None

    @classmethod
    def of(cls, feature: RequestFeature, spec: FeatureSpec) -> Requested:
        """The feature as a spec asks for it.

        Raises:
            Invalid: A version: it has none.
            NotFound: A column that it does not have.
        """
        if spec.version is not None:
            raise Invalid(
                f"{feature.name!r} is computed when it is asked for, and has no version {spec.version}.",
                hint=f"Ask for {feature.name!r}; the features it uses have versions.",
            )
        chosen = None if spec.columns is None else tuple(spec.columns)
        if unknown := [c for c in chosen or () if c not in feature.columns]:
            raise NotFound(f"{spec.name!r} has no column {unknown[0]!r}.", hint=nearest(unknown[0], feature.columns))
        return cls(feature, chosen)


class Asked(NamedTuple):
    """What is asked for: stored features, and those that are computed of a request."""

    specs: list[FeatureSpec]
    requests: list[Requested]


def asked_of(features: Any) -> Asked:
    """The features that are meant. Raises `Invalid` for none, and for something that names none."""
    if isinstance(features, Lock):
        specs = [FeatureSpec(p.name, p.version, p.columns or None) for p in features.pins if p.answered]
        return Asked(specs, [Requested(r.feature, r.chosen) for r in features.requests])
    given = listed(features)
    if not given:
        raise Invalid("No feature is named.", hint='features=["user_spend"]')
    requests = [Requested(one) if isinstance(one, RequestFeature) else one for one in given]
    return Asked(
        [spec_of(one) for one in requests if not isinstance(one, Requested)],
        [one for one in requests if isinstance(one, Requested)],
    )


def listed(features: Any) -> list[Any]:
    """Several features, or one."""
    one = isinstance(features, str | Feature | FeatureSpec | RequestFeature | Requested)
    return [features] if one else list(features or ())


def resolved(features: Any, known: Mapping[str, RequestFeature]) -> Any:
    """The same, with those that name a known request feature as `Requested`."""
    if isinstance(features, Lock) or not known:
        return features
    return [_resolved(one, known) for one in listed(features)]


def _resolved(one: Any, known: Mapping[str, RequestFeature]) -> Any:
    if isinstance(one, RequestFeature | Requested):
        return one
    spec = spec_of(one)
    return Requested.of(known[spec.name], spec) if spec.name in known else one


def spec_of(given: Any) -> FeatureSpec:
    """Which feature, version and columns something names. Raises `Invalid` where it names none."""
    return FeatureSpec.of(given)


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


def beside(meta: FeatureMeta, columns: Iterable[str], place: int) -> tuple[dict[str, str], dict[str, Expr]]:
    """What of a version is read beside an answer, and some of its columns as expressions over that."""
    exprs = {c: meta.expressions[c] if c in meta.config.derived else Col(c) for c in columns}
    stored = {c: f"{BESIDE}{place}__{c}" for expr in exprs.values() for c in expr.column_names}
    return stored, {c: renamed(expr, stored) for c, expr in exprs.items()}


def renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    """The expression over columns of other names."""
    return filled(expr, {name: Col(other) for name, other in names.items()})


def filled(expr: Expr, columns: Mapping[str, Expr]) -> Expr:
    """The expression with others in the place of its columns."""
    return expr.replace(lambda node: columns.get(node.name, node) if isinstance(node, Col) else node)


def named_columns(spec: FeatureSpec, meta: FeatureMeta, full_names: bool) -> dict[str, str]:
    """The columns of a version that are meant, with their names in an answer. Raises `NotFound`."""
    there = meta.answered.names
    wanted = there if spec.columns is None else spec.columns
    if unknown := [c for c in wanted if c not in there]:
        raise NotFound(f"{spec.name!r} {meta.version} has no column {unknown[0]!r}.", hint=nearest(unknown[0], there))
    return {c: f"{spec.name}__{c}" if full_names else c for c in wanted}
