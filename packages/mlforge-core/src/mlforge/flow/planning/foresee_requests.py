"""Foreseeing request features: whether they can be computed of what is there, and how a lock has them."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.errors import Invalid, NotFound
from mlforge.flow.failure import failure_of
from mlforge.flow.lock import Lock, RequestPin, request_definition
from mlforge.flow.planning.plans import FeaturePlan
from mlforge.flow.requests import compose
from mlforge.flow.versions.find import artifact
from mlforge.model.feature import FeatureSpec
from mlforge.model.meta import FeatureMeta
from mlforge.model.plain import plain
from mlforge.model.request import Requested, RequestFeature
from mlforge.plugin.stores import Store


def request_plan(store: Store, feature: RequestFeature) -> FeaturePlan:
    """Whether a request feature can be computed of the versions that readers get now."""

    def find(spec: FeatureSpec) -> FeatureMeta:
        return artifact(store, spec.name, spec.version).meta

    columns = tuple(feature.columns)
    try:
        compose(Requested(feature), find, 0, full_names=False)
    except NotFound as error:
        unknown = f"whether {', '.join(columns)} can be computed: {error.message}"
        return FeaturePlan(feature=feature.name, status="computed", unknown=(unknown,))
    except Invalid as error:
        return FeaturePlan(feature=feature.name, status="failed", failure=failure_of(error))
    return FeaturePlan(feature=feature.name, status="computed")


def changed_requests(held: Lock, defined: dict[str, RequestFeature]) -> Iterator[str]:
    """A sentence for each request feature of a lock that is defined otherwise now.

    No lock breaks by it: it has the definition, and whoever uses the lock is given what that computes.
    """
    for pin in held.requests:
        now = defined.get(pin.name)
        if now is None:
            yield f"{pin.name} is not defined any more; the lock computes it as it was."
        elif differs(pin, now):
            told = ", ".join(_columns(pin, now)) or "of other inputs or features"
            yield f"{pin.name} is computed otherwise now ({told}); the lock computes it as it was."


def differs(pin: RequestPin, now: RequestFeature) -> bool:
    """Whether a request feature is not what a lock has; of a lock without its hash by columns and inputs alone."""
    if pin.definition is not None:
        return pin.definition != request_definition(now)
    return (pin.columns, pin.inputs) != ({c: plain(e) for c, e in now.columns.items()}, now.inputs)


def _columns(pin: RequestPin, now: RequestFeature) -> Iterator[str]:
    made = {name: plain(expr) for name, expr in now.columns.items()}
    yield from (f"+ {name}" for name in made if name not in pin.columns)
    yield from (f"- {name}" for name in pin.columns if name not in made)
    yield from (f"~ {name}" for name in made if name in pin.columns and made[name] != pin.columns[name])
