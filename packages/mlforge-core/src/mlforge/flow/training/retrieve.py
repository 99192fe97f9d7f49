"""Point-in-time retrieval: every spine row, in order, with the values that were known at its own time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mlforge.errors import Invalid, nearest
from mlforge.flow.lock import Lock, Pin
from mlforge.flow.specs import name_of, wanted
from mlforge.flow.spine import Spine, join_to, spine_of
from mlforge.flow.versions.choose import Chosen, choose, lock_of
from mlforge.flow.versions.locks import changed_content
from mlforge.flow.versions.reach import within_reach
from mlforge.model.feature import FeatureSpec
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.columns import refuse_twins
from mlforge.plugin.engine.frames import Join
from mlforge.plugin.engine.protocol import Engine
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
    lock: Lock | None = None,
) -> TrainingData:
    """Join features to a spine, as of each row's own time. `locked` says that the lock will be kept.

    With a `lock` the versions are those that it has, of what `features` names, or of everything in it.

    Raises:
        NotFound: A feature or version that was not built.
        Invalid: A missing key or time column, two columns of one name, a lock that no longer holds, damaged data.
    """
    held, asked = (features, ()) if isinstance(features, Lock) else (lock, features)
    full_names = full_names or (held is not None and held.full_names)
    pairs: list[tuple[FeatureSpec, Pin | None]] = [*wanted(asked, held)]
    chosen = choose(store, [spec for spec, _ in pairs], full_names=full_names)
    for (_, pin), one in zip(pairs, chosen, strict=True):
        _refuse_changed(pin, one)
    relied = locked or held is not None
    chosen = [c._replace(artifact=within_reach(store, engine, c.artifact, relied=relied)) for c in chosen]
    spine = spine_of(frame, engine)
    joins = [c.join for c in chosen]
    refuse_twins(spine.names, joins)
    label = _label(spine, chosen, timestamp)
    brought = [name for join in joins for name in join.columns.values()]
    answer = join_to(spine, engine, _needed(spine, label, joins), lambda f: engine.asof(f, label, joins), brought)
    return TrainingData(answer, lock_of(chosen, full_names, name_of(features) or (held.name if held else None)))


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
    if timestamp is not None:
        label = Timestamp(timestamp) if isinstance(timestamp, str) else timestamp
        if label.column not in spine.names:
            raise Invalid(f"The spine has no column {label.column!r}.", hint=nearest(label.column, spine.names))
        return label
    if not stamps:
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


def _refuse_changed(pin: Pin | None, one: Chosen) -> None:
    if pin is not None and one.artifact.meta.content_hash != pin.content_hash:
        raise changed_content(pin)
