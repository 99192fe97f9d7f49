"""Which features are meant, by the many ways to name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mlforge.errors import Invalid, NotFound, nearest
from mlforge.flow.lock import Lock, Pin, specs_in
from mlforge.model.expr import Col, Expr
from mlforge.model.feature import Feature, FeatureSpec, is_version, spec_of
from mlforge.model.feature_set import FeatureSet
from mlforge.model.meta import FeatureMeta
from mlforge.model.request import Requested, RequestFeature
from mlforge.model.several import several

BESIDE = "__read__"
"""What the names of columns begin with that are read and not answered."""


class Members(NamedTuple):
    """A feature set that is asked for, and what its members are."""

    name: str
    members: tuple[Any, ...]


class Asked(NamedTuple):
    """What is asked for: stored features, each with its pin where there is one, and those that are computed."""

    pairs: list[tuple[FeatureSpec, Pin | None]]
    requests: list[Requested]


def specs_of(features: Any) -> list[FeatureSpec]:
    """The stored features that are meant. Raises `Invalid` for none, and for something that names none."""
    if isinstance(features, Lock):
        return [spec for spec, _ in specs_in(features, None)]
    return _named(features)[0]


def asked_of(features: Any, lock: Lock | None = None) -> Asked:
    """The features that are meant, at the versions of a lock where there is one. Raises `Invalid`."""
    if lock is None:
        specs, requests = _named(features)
        return Asked([(spec, None) for spec in specs], requests)
    if features is None or (isinstance(features, list | tuple | str) and not features):
        return Asked([*specs_in(lock, None)], [Requested(r.feature, r.chosen) for r in lock.requests])
    specs, requests = _named(resolved(features, {one.name: one.feature for one in lock.requests}))
    return Asked([*specs_in(lock, specs)], [_held(lock, one) for one in requests])


def _held(lock: Lock, one: Requested) -> Requested:
    """A request feature as a lock has it."""
    found = next((r for r in lock.requests if r.name == one.feature.name), None)
    if found is None:
        raise Invalid(
            f"The lock does not have {one.feature.name!r}.",
            hint="Make one with it: get_training_data(…, with_lock=True).",
        )
    return Requested(found.feature, one.columns or found.chosen)


def _named(features: Any) -> tuple[list[FeatureSpec], list[Requested]]:
    given = listed(features)
    if not given:
        raise Invalid("No feature is named.", hint='features=["user_spend"]')
    every = [member for one in given for member in _members(one)]
    known = [Requested(one) if isinstance(one, RequestFeature) else one for one in every]
    specs = [spec_of(one) for one in known if not isinstance(one, Requested)]
    return specs, [one for one in known if isinstance(one, Requested)]


def _members(one: Any) -> Sequence[Any]:
    """What a set stands for; anything else stands for itself."""
    if isinstance(one, Members):
        return one.members
    return one.members if isinstance(one, FeatureSet) else (one,)


def listed(features: Any) -> list[Any]:
    """Several features, or one. Raises `Invalid` for what is neither."""
    one = isinstance(features, str | Feature | FeatureSpec | FeatureSet | Members | RequestFeature | Requested)
    return [features] if one or is_version(features) else several(features)


def resolved(features: Any, known: Mapping[str, RequestFeature]) -> Any:
    """The same, with those that name a known request feature as `Requested`."""
    if isinstance(features, Lock) or not known:
        return features
    return [_resolved(one, known) for one in listed(features)]


def _resolved(one: Any, known: Mapping[str, RequestFeature]) -> Any:
    if isinstance(one, RequestFeature | Requested | Members):
        return one
    if isinstance(one, FeatureSet):
        return Members(one.name, tuple(_resolved(member, known) for member in one.members))
    spec = spec_of(one)
    return Requested.of(known[spec.name], spec) if spec.name in known else one


class Reading(NamedTuple):
    """What of a version is read to answer with some columns, and what is derived of that.

    Args:
        stored: The stored columns to read, each with a name: its own in the answer, or one beside it.
        derived: The other columns of the answer by their names in it, computed of columns under such names.
    """

    stored: dict[str, str]
    derived: dict[str, Expr]


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


def name_of(features: Any) -> str | None:
    """The name of the one set that is meant; None for anything else."""
    several = isinstance(features, list | tuple) and not isinstance(features, Members)
    alone = features[0] if several and len(features) == 1 else features
    return alone.name if isinstance(alone, FeatureSet | Members) else None


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
    there = meta.answered.names
    wanted = there if spec.columns is None else spec.columns
    if unknown := [c for c in wanted if c not in there]:
        raise NotFound(f"{spec.name!r} {meta.version} has no column {unknown[0]!r}.", hint=nearest(unknown[0], there))
    return {c: f"{prefix}{c}" for c in wanted}
