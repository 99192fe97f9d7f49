"""Making a training set with those who look on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlforge.errors import MlforgeError
from mlforge.flow.lock import Lock
from mlforge.flow.observing import Audience, Words
from mlforge.flow.specs import listed
from mlforge.flow.training.retrieve import TrainingData
from mlforge.model.feature import FeatureSpec
from mlforge.plugin.events import TrainingBegun, TrainingEnded, TrainingFailed


def watched(audience: Audience, features: Any, work: Callable[[], TrainingData]) -> TrainingData:
    """What `work` gives; those who look on are told of it, and of what it raises."""
    with audience:
        watch = audience.watching()
        watch.tell(TrainingBegun, lambda: {"features": _named(features)})
        try:
            found = work()
        except Exception as error:
            kind = type(error).__name__
            message = error.message if isinstance(error, MlforgeError) else f"{kind}: {error}"
            watch.fail(TrainingFailed, kind, message, lambda: {"features": _named(features)})
            raise
        watch.tell(TrainingEnded, lambda: {**_told(found), "seconds": watch.seconds})
        return found


def _told(found: TrainingData) -> Words:
    lock = found.lock
    return {
        "versions": tuple(FeatureSpec(pin.name, pin.version, pin.columns or None) for pin in lock.pins),
        "lock": lock.encode().decode(), "name": lock.name, "computed": tuple(one.name for one in lock.requests),
        "rows": len(found.frame) if hasattr(found.frame, "__len__") else None,
    }  # fmt: skip


def _named(features: Any) -> tuple[str, ...]:
    """What names the features, as it was given."""
    if isinstance(features, Lock):
        return tuple(pin.text for pin in features.pins if pin.answered)
    return tuple(map(_text, listed(features)))


def _text(one: Any) -> str:
    if isinstance(one, FeatureSpec):
        return one.text
    return "@".join(map(str, one)) if isinstance(one, tuple) else str(getattr(one, "name", one))
