"""Point-in-time retrieval: every spine row, in order, with the values that were known at its own time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mlforge.errors import Invalid, nearest
from mlforge.flow.lock import Lock, Pin
from mlforge.flow.specs import specs_of
from mlforge.flow.spine import Spine, join_to, spine_of
from mlforge.flow.versions.choose import Chosen, choose
from mlforge.model.expr import At
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.columns import refuse_brought_twice
from mlforge.plugin.engine.frames import Join
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
    specs = specs_of(features)
    chosen = [choose(store, spec, full_names=full_names, place=n) for n, spec in enumerate(specs)]
    if isinstance(features, Lock):
        _refuse_changed(features, chosen)
    for one in chosen:
        verify(store, one.artifact, relied=locked or isinstance(features, Lock))
    spine = spine_of(frame, engine)
    refuse_brought_twice(spine.names, [(c.artifact.meta.name, c.columns.values()) for c in chosen])
    label = _label(spine, chosen, timestamp)
    needed = _needed(spine, label, [c.join for c in chosen])
    brought = [name for c in chosen for name in c.columns.values()]
    kept = spine.names if engine.owns(spine.frame) else needed
    answer = join_to(spine, engine, needed, lambda frame: _joined(engine, frame, label, chosen, kept), brought)
    return TrainingData(answer, _lock(chosen, full_names))


def _joined(engine: Engine, frame: Any, label: Timestamp | None, chosen: Sequence[Chosen], kept: Sequence[str]) -> Any:
    """The `kept` columns of a frame with what is joined to it, and what is derived of that."""
    found = engine.asof(frame, label, [c.join for c in chosen])
    derived = {name: expr for c in chosen for name, expr in c.reading.derived.items()}
    if not derived:
        return found
    brought = [name for c in chosen for name in c.columns.values()]
    return engine.select(engine.derive(found, derived, label), [*kept, *brought])


def _needed(spine: Spine, label: Timestamp | None, joins: Sequence[Join]) -> list[str]:
    wanted = [label.column] if label else []
    for join in joins:
        for key in join.artifact.meta.keys:
            wanted += [key.name] if key.name in spine.names or not key.sources else list(key.sources)
            if missing := [w for w in wanted if w not in spine.names]:
                raise _missing_key(join.artifact.meta.name, missing[0], spine)
    return list(dict.fromkeys(wanted))


def _missing_key(feature: str, column: str, spine: Spine) -> Invalid:
    return Invalid(
        f"{feature!r} joins on {column!r}, which the spine does not have.",
        hint=f"The spine's columns: {', '.join(spine.names)}.",
    )


def _label(spine: Spine, chosen: Sequence[Chosen], timestamp: str | Timestamp | None) -> Timestamp | None:
    stamps = {c.artifact.meta.timestamp for c in chosen} - {None}
    asks = any(isinstance(e, At) for c in chosen for expr in c.reading.derived.values() for e in expr.walk())
    if timestamp is not None:
        label = Timestamp(timestamp) if isinstance(timestamp, str) else timestamp
        if label.column not in spine.names:
            raise Invalid(f"The spine has no column {label.column!r}.", hint=nearest(label.column, spine.names))
        return label
    if not stamps and not asks:
        return None
    keys = {k for c in chosen for key in c.artifact.meta.keys for k in (key.name, *key.sources)}
    temporal = [n for n in spine.temporal() if n not in keys]
    named = [n for n in spine.names if n in stamps]
    if len(temporal) == 1 and set(named) <= set(temporal):
        return Timestamp(temporal[0])
    if len(named) == 1 and (not temporal or named[0] in temporal):
        return Timestamp(named[0])
    seen = f"It has {', '.join(temporal)}." if temporal else "It has no column of times."
    raise Invalid(
        f"Which column of the spine is its time cannot be told. {seen}", hint='Say it: timestamp="label_time"'
    )


def _refuse_changed(lock: Lock, chosen: Sequence[Chosen]) -> None:
    for pin, one in zip(lock.pins, chosen, strict=True):
        if one.artifact.meta.content_hash != pin.content_hash:
            raise Invalid(
                f"{pin.name!r} {pin.version} is not what the lock was made with: its content has another hash.",
                hint="The store was rebuilt or damaged; make a new lock, or restore the version.",
            )


def _lock(chosen: Iterable[Chosen], full_names: bool) -> Lock:
    return Lock(
        tuple(
            Pin(c.artifact.meta.name, c.artifact.meta.version, c.artifact.meta.content_hash, tuple(c.columns))
            for c in chosen
        ),
        full_names,
    )
