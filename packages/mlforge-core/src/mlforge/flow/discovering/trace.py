"""A feature's way from its source to who uses it: what is recorded of it, and what the definitions add."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from mlforge.errors import MlforgeError, NotFound
from mlforge.flow.discovering.book import Defined
from mlforge.flow.versions.find import artifact
from mlforge.model.feature import FeatureSpec
from mlforge.model.lineage import Lineage, ServedVersion, lineage_of, request_lineage
from mlforge.model.meta import FeatureMeta
from mlforge.plugin.stores import Store


class Member(msgspec.Struct, frozen=True):
    """A feature set that a feature belongs to: of which version, with which of its columns; the latest and all if None.

    Example:
        >>> Member("fraud").columns is None
        True
    """

    set: str
    version: str | None = None
    columns: tuple[str, ...] | None = None


class User(msgspec.Struct, frozen=True):
    """A request feature that uses a feature, and the columns that it reads.

    Example:
        >>> User("risk", ("spend_7d",)).columns
        ('spend_7d',)
    """

    feature: str
    columns: tuple[str, ...]


class FeatureLineage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a feature comes from, column by column, and who uses it.

    Args:
        feature: Its name.
        version: The version that this is about; None for one that was not built, or is computed of a request.
        lineage: Where its columns come from.
        recorded: Whether that was recorded with the version; otherwise it is told by the definition alone.
        sets: The feature sets that it belongs to.
        used_by: The request features that use it.
        served: What the online store serves of it; None where there is nothing, or no online store.

    Example:
        >>> found = defs.lineage("user_spend")
        >>> found.version, found.recorded, found.lineage.path
        ('1.0.0', True, 'data/purchases.csv')
    """

    feature: str
    version: str | None = None
    lineage: Lineage
    recorded: bool = False
    sets: tuple[Member, ...] = ()
    used_by: tuple[User, ...] = ()
    served: ServedVersion | None = None


def trace(store: Store, name: str, version: str | None, told: Defined) -> FeatureLineage:
    """Where a feature comes from and who uses it.

    Raises:
        NotFound: No such version; or one that recorded no lineage, of a feature that is defined no more.
    """
    sets = tuple(members_in(told, name))
    if name in told.requests:
        return FeatureLineage(feature=name, lineage=lineage_of_request(store, name, told), sets=sets)
    meta = _meta(store, name, version, told)
    recorded = meta.lineage if meta else None
    return FeatureLineage(
        feature=name, version=meta.version if meta else None, lineage=recorded or _defined(name, meta, told),
        recorded=recorded is not None, sets=sets, used_by=tuple(users(told, name, meta)),
    )  # fmt: skip


def members_in(told: Defined, name: str) -> Iterator[Member]:
    """The sets that have a feature, once for each version that they name."""
    for one in told.sets.values():
        for spec in one.specs:
            if spec.name == name:
                yield Member(one.name, spec.version, None if spec.columns is None else tuple(spec.columns))


def users(told: Defined, name: str, meta: FeatureMeta | None) -> Iterator[User]:
    """The request features that use a feature, each with the columns that it reads of it."""
    known = {name: meta.answered.names} if meta else {}
    for request in told.requests.values():
        if name in {spec.name for spec in request.uses}:
            lineage = request_lineage(request, _foreseen(told) | known)
            reads = (r.column for c in lineage.columns for r in c.reads if r.feature == name)
            yield User(request.name, tuple(dict.fromkeys(reads)))


def lineage_of_request(store: Store, name: str, told: Defined) -> Lineage:
    """Where the columns of a request feature come from; which feature has a column its latest version tells."""
    request = told.requests[name]
    built = {spec.name: columns for spec in request.uses if (columns := _built(store, spec))}
    return request_lineage(request, _foreseen(told) | built)


def _foreseen(told: Defined) -> dict[str, tuple[str, ...]]:
    """The columns that definitions tell of: all of those with metrics."""
    return {
        name: (*(c.name for c in feature.plan.columns), *feature.derived)
        for name, feature in told.features.items()
        if feature.plan
    }


def _built(store: Store, spec: FeatureSpec) -> tuple[str, ...]:
    try:
        return artifact(store, spec.name, spec.version).meta.answered.names
    except MlforgeError:
        return ()


def _meta(store: Store, name: str, version: str | None, told: Defined) -> FeatureMeta | None:
    """What is recorded of a version; None of a feature that is defined and was not built."""
    if version is None and name in told.features and store.latest(name) is None:
        return None
    return artifact(store, name, version).meta


def _defined(name: str, meta: FeatureMeta | None, told: Defined) -> Lineage:
    feature = told.features.get(name)
    if feature is None:
        version = meta.version if meta else ""
        raise NotFound(
            f"{name!r} {version} was built before lineage was recorded, and is defined no more.",
            hint=f"Define it again, and build it: mlforge build --features {name} --force",
        )
    return lineage_of(feature)
