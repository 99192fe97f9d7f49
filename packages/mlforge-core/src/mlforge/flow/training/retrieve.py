"""Point-in-time retrieval: every spine row, in order, with the values that were known at its own time."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlforge.errors import Invalid, nearest
from mlforge.flow.lock import Lock
from mlforge.flow.specs import name_of
from mlforge.flow.spine import Spine, join_to, spine_of
from mlforge.flow.spine_hints import in_the_index
from mlforge.flow.versions.reach import reading, within_reach
from mlforge.flow.wanted import Wanted, joined
from mlforge.model.html import html
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.columns import refuse_brought_twice
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

    def _repr_html_(self) -> str:
        shown = getattr(self.frame, "_repr_html_", None)  # a library's own view of its frame
        frame = str(shown()) if callable(shown) else html("<pre>{}</pre>", self.frame)
        return f"{frame}{self.lock._repr_html_()}"


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
    found, relied = Wanted.of(store, asked, full_names=full_names, lock=held), locked or held is not None
    wanted = found.at(lambda one: within_reach(store, engine, one, relied=relied))
    spine = spine_of(frame, engine)
    refuse_brought_twice(spine.names, wanted.brought)
    label = _label(spine, wanted, timestamp)
    needed = _needed(spine, label, wanted)
    brought = [name for _, names in wanted.brought for name in names]
    kept = spine.names if engine.owns(spine.frame) else needed
    with reading(store, wanted.artifacts):
        answer = join_to(spine, engine, needed, lambda frame: joined(engine, frame, label, wanted, kept), brought)
    return TrainingData(answer, wanted.lock(full_names, name_of(features) or (held.name if held else None)))


def _needed(spine: Spine, label: Timestamp | None, wanted: Wanted) -> list[str]:
    needed, there = [label.column] if label else [], spine.names
    for one in wanted.artifacts:
        for key in one.meta.keys:
            columns = [key.name] if key.name in there or not key.sources else list(key.sources)
            if missing := [n for n in columns if n not in there]:
                raise _missing_key(one.meta.name, missing[0], spine)
            needed += columns
    for feature, name, dtype in wanted.inputs:
        if name not in there:
            raise Invalid(
                f"{feature!r} takes the input {name!r}, which the spine does not have.",
                hint=f"{nearest(name, spine.names)} Add the column {name!r}, of {dtype}, to the spine.",
            )
        needed.append(name)
    return list(dict.fromkeys(needed))


def _missing_key(feature: str, column: str, spine: Spine) -> Invalid:
    return Invalid(
        f"{feature!r} joins on {column!r}, which the spine does not have.",
        hint=in_the_index(spine.frame, column) or f"The spine's columns: {', '.join(spine.names) or 'none'}.",
    )


def _check_given(timestamp: object) -> None:
    """Raise `Invalid` for a label time that is not given by its name, such as the column itself."""
    if not isinstance(timestamp, str | Timestamp):
        name = getattr(timestamp, "name", None)
        column = name if isinstance(name, str) and name else "label_time"
        hint = f'Name it: timestamp="{column}"'
        raise Invalid(f"The time of the spine is a {type(timestamp).__name__}, not a column's name.", hint=hint)


def _label(spine: Spine, wanted: Wanted, timestamp: str | Timestamp | None) -> Timestamp | None:
    stamps = {a.meta.timestamp for a in wanted.artifacts} - {None}
    if timestamp is not None:
        _check_given(timestamp)
        label = Timestamp(timestamp) if isinstance(timestamp, str) else timestamp
        if label.column not in spine.names:
            hint = in_the_index(spine.frame, label.column) or nearest(label.column, spine.names)
            raise Invalid(f"The spine has no column {label.column!r}.", hint=hint)
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
    indexed = [hint for stamp in stamps if stamp and (hint := in_the_index(spine.frame, stamp))]
    hint = indexed[0] if indexed else 'Say it: timestamp="label_time"'
    raise Invalid(f"Which column of the spine is its time cannot be told. {seen}", hint=hint)
