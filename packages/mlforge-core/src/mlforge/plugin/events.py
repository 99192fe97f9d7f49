"""What observers are told: that a build, a publish or the making of a training set has begun, has ended, or has failed.

Everything in an event is data that was there anyway: nothing is computed for it, and no frame is in one.
"""

from __future__ import annotations

import msgspec

from mlforge.model.feature import FeatureSpec
from mlforge.model.meta import FeatureMeta


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened.

    Args:
        run: The UUID of the piece of work: what begins and what ends with one is the same.
        at: When, in ISO 8601, in UTC.
        project: The name of the definitions; empty where a store was used without any.

    Example:
        >>> BuildBegun(run="…", at="2026-02-15T00:00:00Z", project="shop", feature="f", source="s", path="p").project
        'shop'
    """

    run: str
    at: str
    project: str = ""


class Failed(Event, frozen=True, kw_only=True):
    """Something has failed: the kind of error, what happened, and after how many seconds.

    Example:
        >>> Failed(run="…", at="…", error="NotFound", message="'f' was not built.").error
        'NotFound'
    """

    error: str
    message: str
    seconds: float = 0.0


class BuildBegun(Event, frozen=True, kw_only=True):
    """The build of a feature has begun; `source` is the name of its source, `path` where that is.

    Example:
        >>> BuildBegun(run="…", at="…", feature="user_spend", source="purchases", path="data/purchases.csv").path
        'data/purchases.csv'
    """

    feature: str
    source: str
    path: str


class BuildEnded(Event, frozen=True, kw_only=True):
    """A feature was built, or had not changed; `meta` is what is recorded of the version that there is now.

    Args:
        status: `built` or `unchanged`.
        warnings: The broken promises that are only told, in words.

    Example:
        >>> meta = defs.metadata("user_spend")
        >>> BuildEnded(run="…", at="…", feature="user_spend", status="built", meta=meta, seconds=0.5).meta.version
        '1.0.0'
    """

    feature: str
    status: str
    meta: FeatureMeta
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


class BuildFailed(Failed, frozen=True, kw_only=True):
    """The build of a feature has failed: nothing was written.

    Example:
        >>> BuildFailed(run="…", at="…", feature="f", error="CheckFailed", message="amount: not_null() fails").error
        'CheckFailed'
    """

    feature: str


class PublishBegun(Event, frozen=True, kw_only=True):
    """The publishing of a feature has begun; the latest version if `version` is None.

    Example:
        >>> PublishBegun(run="…", at="…", feature="user_spend", online_store="redis").version is None
        True
    """

    feature: str
    online_store: str
    version: str | None = None


class PublishEnded(Event, frozen=True, kw_only=True):
    """A feature was published, or was so already.

    Args:
        status: `published` or `unchanged`.
        version: The version that is served.
        as_of: The instant that it is served as of, in ISO 8601.
        entities: How many entities' values were written.
        removed: How many entities were removed.

    Example:
        >>> PublishEnded(
        ...     run="…", at="…", feature="f", online_store="redis", status="published", version="1.0.0", entities=25
        ... ).entities
        25
    """

    feature: str
    online_store: str
    status: str
    version: str | None = None
    as_of: str | None = None
    entities: int = 0
    removed: int = 0
    seconds: float = 0.0


class PublishFailed(Failed, frozen=True, kw_only=True):
    """The publishing of a feature has failed; what was served before is served still, or was brought up to a point.

    Example:
        >>> PublishFailed(
        ...     run="…", at="…", feature="f", online_store="redis", error="Conflict", message="…"
        ... ).online_store
        'redis'
    """

    feature: str
    online_store: str


class TrainingBegun(Event, frozen=True, kw_only=True):
    """The making of a training set has begun; `features` are those that were asked for, as they were.

    Example:
        >>> TrainingBegun(run="…", at="…", features=("user_spend@1.0.0",)).features
        ('user_spend@1.0.0',)
    """

    features: tuple[str, ...]


class TrainingEnded(Event, frozen=True, kw_only=True):
    """A training set was made.

    Args:
        name: The feature set's name, where one was asked for.
        versions: The versions that it was made of, each with the columns that were used.
        computed: The request features that were computed.
        rows: How many rows it has; None where the frame does not say.
        lock: The lock of these versions, as its file would have it: `Lock.decode(lock.encode())` gives it.

    Example:
        >>> TrainingEnded(run="…", at="…", versions=(FeatureSpec("user_spend", "1.0.0"),), lock="…").versions[0].text
        'user_spend@1.0.0'
    """

    versions: tuple[FeatureSpec, ...]
    lock: str
    name: str | None = None
    computed: tuple[str, ...] = ()
    rows: int | None = None
    seconds: float = 0.0


class TrainingFailed(Failed, frozen=True, kw_only=True):
    """The making of a training set has failed.

    Example:
        >>> TrainingFailed(run="…", at="…", features=("f",), error="NotFound", message="…").error
        'NotFound'
    """

    features: tuple[str, ...]
