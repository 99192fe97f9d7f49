"""Point-in-time retrieval: every spine row, in order, with the values that were known at its own time."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlforge.errors import Invalid, nearest
from mlforge.flow.lock import Lock, Pin, RequestPin
from mlforge.flow.spine import Spine, join_to, spine_of
from mlforge.flow.wanted import Wanted, joined
from mlforge.model.meta import FeatureMeta
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.columns import refuse_brought_twice
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.intact import verify
from mlforge.plugin.stores import Store


class TrainingData(NamedTuple):
    """A training set and the versions it was made of.

    Example:
        >>> labels = pl.DataFrame({"user_id": ["u01"], "label_time": [datetime(2026, 2, 15)]})
        >>> frame, lock = defs.get_training_data(labels, "user_spend", with_lock=True)
        >>> defs.get_training_data(labels, lock).equals(frame)
        True
    """

    frame: Any
    lock: Lock


def training_data(
    store: Store,
    engine: Engine,
    frame: Any,
    features: Any,
    timestamp: str | Timestamp | None,
    full_names: bool,
    locked: bool = False,
) -> TrainingData:
    """Join features to a spine, as of each row's own time. `locked` says that the lock will be kept.

    Raises:
        NotFound: A feature or version that was not built.
        Invalid: A missing key or time column, two columns of one name, a lock that no longer holds, damaged data.
    """
    full_names = full_names or (isinstance(features, Lock) and features.full_names)
    wanted = Wanted.of(store, features, full_names=full_names)
    if isinstance(features, Lock):
        _refuse_changed(features, wanted)
    for one in wanted.artifacts:
        verify(store, one, relied=locked or isinstance(features, Lock))
    spine = spine_of(frame, engine)
    refuse_brought_twice(spine.names, wanted.brought)
    label = _label(spine, wanted, timestamp)
    needed = _needed(spine, label, wanted)
    brought = [name for _, names in wanted.brought for name in names]
    kept = spine.names if engine.owns(spine.frame) else needed
    answer = join_to(spine, engine, needed, lambda frame: joined(engine, frame, label, wanted, kept), brought)
    return TrainingData(answer, _lock(wanted, full_names))


def _needed(spine: Spine, label: Timestamp | None, wanted: Wanted) -> list[str]:
    needed = [label.column] if label else []
    for one in wanted.artifacts:
        for key in one.meta.keys:
            needed += [key.name] if key.name in spine.names or not key.sources else list(key.sources)
            if missing := [n for n in needed if n not in spine.names]:
                raise _missing_key(one.meta.name, missing[0], spine)
    for feature, name, dtype in wanted.inputs:
        if name not in spine.names:
            raise Invalid(
                f"{feature!r} takes the input {name!r}, which the spine does not have.",
                hint=f"{nearest(name, spine.names)} Add the column {name!r}, of {dtype}, to the spine.",
            )
        needed.append(name)
    return list(dict.fromkeys(needed))


def _missing_key(feature: str, column: str, spine: Spine) -> Invalid:
    return Invalid(
        f"{feature!r} joins on {column!r}, which the spine does not have.",
        hint=f"The spine's columns: {', '.join(spine.names)}.",
    )


def _label(spine: Spine, wanted: Wanted, timestamp: str | Timestamp | None) -> Timestamp | None:
    stamps = {a.meta.timestamp for a in wanted.artifacts} - {None}
    if timestamp is not None:
        label = Timestamp(timestamp) if isinstance(timestamp, str) else timestamp
        if label.column not in spine.names:
            raise Invalid(f"The spine has no column {label.column!r}.", hint=nearest(label.column, spine.names))
        return label
    if not stamps and not wanted.asks:
        return None
    others = {k for a in wanted.artifacts for key in a.meta.keys for k in (key.name, *key.sources)}
    others |= {name for _, name, _ in wanted.inputs}
    temporal = [n for n in spine.temporal() if n not in others]
    named = [n for n in spine.names if n in stamps]
    if len(temporal) == 1 and set(named) <= set(temporal):
        return Timestamp(temporal[0])
    if len(named) == 1 and (not temporal or named[0] in temporal):
        return Timestamp(named[0])
    seen = f"It has {', '.join(temporal)}." if temporal else "It has no column of times."
    raise Invalid(
        f"Which column of the spine is its time cannot be told. {seen}", hint='Say it: timestamp="label_time"'
    )


def _refuse_changed(lock: Lock, wanted: Wanted) -> None:
    pins = {(pin.name, pin.version): pin for pin in lock.pins}
    for one in wanted.artifacts:
        pin = pins[one.meta.name, one.meta.version]
        if one.meta.content_hash != pin.content_hash:
            raise Invalid(
                f"{pin.name!r} {pin.version} is not what the lock was made with: its content has another hash.",
                hint="The store was rebuilt or damaged; make a new lock, or restore the version.",
            )


def _lock(wanted: Wanted, full_names: bool) -> Lock:
    pins = [_pin(c.artifact.meta, tuple(c.columns)) for c in wanted.chosen]
    requests = []
    for one in wanted.composed:
        made = one.composition
        pins += [_pin(use.meta, tuple(use.stored), answered=False) for use in made.uses]
        requests.append(
            RequestPin.of(made.feature, {use.meta.name: use.meta.version for use in made.uses}, made.chosen)
        )
    return Lock(tuple(pins), full_names, tuple(requests))


def _pin(meta: FeatureMeta, columns: tuple[str, ...], *, answered: bool = True) -> Pin:
    return Pin(meta.name, meta.version, meta.content_hash, columns, answered)
