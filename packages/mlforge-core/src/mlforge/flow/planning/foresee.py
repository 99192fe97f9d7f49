"""Foreseeing: what the definitions would change against the store, before anything is built.

No function is run and no source is read, so what depends on the columns that come out is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from mlforge.flow.failure import failure_of
from mlforge.flow.lock import Lock, LockPolicy, Pin, ServedAs, Verdict, allowed, verdict_on
from mlforge.flow.planning.foresee_requests import changed_requests, request_plan
from mlforge.flow.planning.plans import ChangePlan, Effect, FeaturePlan, Standing
from mlforge.flow.planning.prepare import prepare
from mlforge.flow.planning.resolve import source_fingerprint
from mlforge.flow.planning.session import Session
from mlforge.flow.versions.find import pointed_at
from mlforge.flow.versions.fingerprints import Fingerprints, fingerprints
from mlforge.flow.versions.locks import broken_pin
from mlforge.flow.versions.logic.told import logic_of
from mlforge.flow.versions.number import expected_change, expected_changes, next_version
from mlforge.model.feature import Feature, FeatureSpec
from mlforge.model.feature_set import FeatureSet
from mlforge.model.meta import FeatureMeta
from mlforge.model.request import RequestFeature
from mlforge.plugin.stores import Store

_ROWS_ALONE = frozenset({"data_refresh", "terms_changed", "checks_changed"})


class Foreseeing(msgspec.Struct, frozen=True):
    """What it takes: a session that is open, and what is served, by feature and by `f@1.0.0` of the locks.

    `notes` say what could not be looked at.
    """

    session: Session
    served: Mapping[str, ServedAs | None]
    policy: LockPolicy
    notes: tuple[str, ...] = ()


def foresee(
    seeing: Foreseeing,
    features: Sequence[Feature],
    sets: Sequence[FeatureSet],
    locks: Mapping[str, Lock],
    everything: bool,
    requests: Sequence[RequestFeature] = (),
) -> ChangePlan:
    """What the definitions would change of these features, sets and locks.

    Args:
        seeing: What it takes.
        features: Those to tell of.
        sets: Sets to tell of.
        locks: Locks to tell of, by what to call them.
        everything: Tell of features, too, that the store has and the definitions have no more.
        requests: Request features to tell of.
    """
    store, defined = seeing.session.store, seeing.session.project.features
    computed = seeing.session.project.request_features
    concerned = [n for s in sets for n in (*s.names, *_used(s, computed))]
    concerned += [pin.name for held in locks.values() for pin in held.pins]
    more = [defined[n] for n in dict.fromkeys(concerned) if n in defined and defined[n] not in features]
    known = {f.name: _feature(seeing, f) for f in (*features, *more)}
    lost = [n for n in store.names() if n not in defined] if everything else []
    asked = {f.name: request_plan(store, f) for f in requests}
    members = [computed[n] for s in sets for n in s.names if n in computed]
    known |= {f.name: asked.get(f.name) or request_plan(store, f) for f in (*requests, *members)}
    plans = [*(known[f.name] for f in features), *asked.values(), *(_undefined(seeing, name) for name in lost)]
    return ChangePlan(
        features=tuple(plans),
        sets=tuple(_set(store, one, known, computed) for one in sets),
        locks=tuple(_lock(seeing, name, held, known) for name, held in locks.items()),
        notes=seeing.notes,
    )


def _feature(seeing: Foreseeing, feature: Feature) -> FeaturePlan:
    served = seeing.served.get(feature.name)
    try:
        found = _foreseen(seeing.session, feature)
    except Exception as error:  # noqa: BLE001 - features are independent: whatever one raises is its own failure
        current = seeing.session.store.latest(feature.name)
        found = FeaturePlan(feature=feature.name, status="failed", current=current, failure=failure_of(error, feature))
    if served is None:
        return found
    would = found.next or found.current
    return msgspec.structs.replace(found, served=served.version, serves=would if would != served.version else None)


def _foreseen(session: Session, feature: Feature) -> FeaturePlan:
    _, scan = prepare(session, feature)
    prints = fingerprints(feature, source_fingerprint(feature.source, scan), logic_of(feature.function))
    latest, taken = session.store.latest(feature.name), session.store.versions(feature.name)
    if latest is None:
        change = expected_change(None, prints)
        return FeaturePlan(
            feature=feature.name, status="new", next=next_version(None, change, taken), changes=(change,),
            columns=tuple(f"+ {name}" for name in _declared(feature)), unknown=_unknown_of_new(feature),
        )  # fmt: skip
    previous = pointed_at(session.store, feature.name, latest).meta
    if prints.unchanged_since(previous):
        return FeaturePlan(feature=feature.name, status="unchanged", current=latest)
    changes = expected_changes(previous, prints)
    same = all(c.reason in _ROWS_ALONE for c in changes)
    return FeaturePlan(
        feature=feature.name, status="refreshed" if same else "changed", current=latest,
        next=next_version(latest, changes[0], taken), changes=tuple(changes),
        columns=tuple(_columns(previous, prints)), unknown=_unknown(feature, previous, prints),
    )  # fmt: skip


def _declared(feature: Feature) -> list[str]:
    """The columns that a definition says: all of a feature with windows, else its keys and timestamp."""
    return [
        *feature.shape.identity,
        *(c.name for c in (feature.plan.columns if feature.plan else ())),
        *feature.derived,
    ]


def _columns(previous: FeatureMeta, prints: Fingerprints) -> Iterator[str]:
    before, after = previous.config, prints.config
    made, makes = before.metrics | before.derived, after.metrics | after.derived
    was, now = _named(made, previous.entity_keys), _named(makes, [k.name for k in after.keys])
    yield from (f"+ {name}" for name in now if name not in was)
    yield from (f"- {name}" for name in was if name not in now)
    yield from (f"~ {n}" for n in now if n in was and made.get(n) != makes.get(n))


def _named(metrics: Mapping[str, object], keys: Sequence[str]) -> list[str]:
    return [*keys, *metrics]


def _unknown_of_new(feature: Feature) -> tuple[str, ...]:
    return ("the columns' types",) if feature.plan else ("the columns that the function returns, and their types",)


def _unknown(feature: Feature, previous: FeatureMeta, prints: Fingerprints) -> tuple[str, ...]:
    """What another build may find out."""
    told = [f"whether the function changed: {what}" for what in prints.logic_unknown(previous)]
    if prints.source is None:
        told.append("whether the source changed, which is no file here")
    may = prints.source != previous.source_hash or prints.logic.hash != previous.logic_hash or bool(told)
    if feature.plan is None and may:
        told.append("the columns that the function returns, and their types")
    elif may or prints.config_hash != previous.config_hash:
        told.append("the columns' types")
    return tuple(told)


def _undefined(seeing: Foreseeing, name: str) -> FeaturePlan:
    served = seeing.served.get(name)
    current = seeing.session.store.latest(name)
    return FeaturePlan(feature=name, status="undefined", current=current, served=served.version if served else None)


def _used(one: FeatureSet, computed: Mapping[str, RequestFeature]) -> list[str]:
    """What the request features of a set use."""
    return [use.name for name in one.names if name in computed for use in computed[name].uses]


def _reads(feature: RequestFeature, known: Mapping[str, FeaturePlan]) -> Iterator[str]:
    """A clause for each feature that a request feature would read in another version."""
    for use in feature.uses:
        plan = known.get(use.name)
        if use.version is None and plan is not None and plan.next is not None:
            yield f"{feature.name} would read {use.name} {plan.next}"


def _set(
    store: Store, one: FeatureSet, known: Mapping[str, FeaturePlan], computed: Mapping[str, RequestFeature]
) -> Effect:
    broken: list[str] = []
    changed: list[str] = []
    for spec in one.specs:
        plan = known[spec.name]
        if spec.name in computed:
            broken += [f"{spec.name} cannot be computed: {plan.failure.message}"] if plan.failure else []
            changed += _reads(computed[spec.name], known)
        elif why := _broken(store, spec, plan):
            broken.append(why)
        elif spec.version is None and plan.next is not None:
            changed.append(f"{spec.name} {plan.current or ''} → {plan.next}".replace("  ", " "))
    standing: Standing = "breaks" if broken else "changes" if changed else "holds"
    return Effect(name=one.name, standing=standing, why=(*broken, *changed))


def _broken(store: Store, spec: FeatureSpec, plan: FeaturePlan) -> str | None:
    """Why a feature could not be had as a set names it."""
    if plan.failure is not None and (spec.version is None or plan.current is None):
        return f"{spec.name} cannot be built: {plan.failure.message}"
    if spec.version is not None:
        if spec.version not in store.versions(spec.name):
            return None if plan.next == spec.version else f"{spec.name} has no version {spec.version}."
        there: frozenset[str] = frozenset(store.get(spec.name, spec.version).meta.answered.names)
    elif plan.current is None:
        return None  # which columns it will have is not known yet
    else:
        had = store.get(spec.name, plan.current).meta.answered.names
        there = (frozenset(had) - plan.gone) | plan.added
        if plan.unknown and not frozenset(spec.columns or ()) & plan.gone:
            return None
    lost = [c for c in spec.columns or () if c not in there]
    return f"{spec.name} would have no column {lost[0]!r}." if lost else None


def _lock(seeing: Foreseeing, name: str, held: Lock, known: Mapping[str, FeaturePlan]) -> Effect:
    told = [_pin(seeing, pin, known.get(pin.name)) for pin in held.pins]
    broken = [why for standing, why in told if standing == "breaks" and why]
    changed = [why for standing, why in told if standing == "changes" and why]
    changed += changed_requests(held, seeing.session.project.request_features)
    standing: Standing = "breaks" if broken else "changes" if changed else "holds"
    return Effect(name=name, standing=standing, why=(*broken, *changed))


def _pin(seeing: Foreseeing, pin: Pin, plan: FeaturePlan | None) -> tuple[Standing, str | None]:
    store = seeing.session.store
    if error := broken_pin(store, pin):
        return "breaks", error.message
    served = seeing.served.get(pin.text)
    is_served = served is not None and verdict_on(pin, served.version, served.meta) == "same"
    if served is not None and is_served and served.beside:
        return "holds", None  # it stays served to those who name it
    if is_served and plan is not None and plan.current != pin.version:
        return "holds", None  # it is served on purpose, though it is not the latest
    if plan is None:
        return "breaks", f"{pin.name} is not defined any more: it will not be published again."
    verdict, would = _verdict(store, pin, plan)
    if verdict == "same":
        return "holds", None
    rows = ", with the same definition" if verdict == "refresh" else ""
    why = f"{pin.name} would be served as {would}, not {pin.version}{rows}{_because(plan)}."
    return ("changes" if allowed(verdict, seeing.policy) else "breaks"), why


def _verdict(store: Store, pin: Pin, plan: FeaturePlan) -> tuple[Verdict, str | None]:
    """How what would be served after the next build and publish compares with a lock."""
    if plan.current is None:
        return "other", plan.next
    now = verdict_on(pin, plan.current, store.get(pin.name, plan.current).meta)
    if plan.next is None:
        return now, plan.current
    same = plan.status == "refreshed" and now != "other"
    return ("refresh" if same else "other"), plan.next


def _because(plan: FeaturePlan) -> str:
    details = [d for change in plan.changes for d in change.details or (change.reason.replace("_", " "),)]
    return f" ({', '.join(dict.fromkeys(details))})" if details else ""
