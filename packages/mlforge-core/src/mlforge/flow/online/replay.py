"""Replaying: served vectors against what a training set would have at the same instant, cell by cell."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter
from typing import Any

import msgspec

from mlforge.errors import Invalid, NotFound
from mlforge.flow.failure import failure_of
from mlforge.flow.moments import iso
from mlforge.flow.online.lookup import EntityRow, ServedStatus
from mlforge.flow.online.publication import LastPublish, last_publish
from mlforge.flow.online.reader import Reader
from mlforge.flow.online.replay_report import ReplayDifference, ReplayResult
from mlforge.flow.online.typed import identical
from mlforge.flow.rows import rows_of
from mlforge.flow.versions.choose import Chosen
from mlforge.flow.versions.reach import reading, within_reach
from mlforge.model.feature import FeatureSpec
from mlforge.model.meta import Artifact, FeatureMeta
from mlforge.model.schema import Column, Schema
from mlforge.model.span import moment_of
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.online_stores import OnlineStore
from mlforge.plugin.stores import Store

LABEL = "__replayed_at__"
CLOSE = 1e-12


class Replaying(msgspec.Struct, frozen=True):
    """What it takes to replay: stores, an engine, the instant, how many entities, and the seed that chooses them."""

    store: Store
    online: OnlineStore
    engine: Engine
    at: int
    sample: int
    seed: int

    def __post_init__(self) -> None:
        if self.sample < 1:
            raise Invalid(f"A sample of {self.sample} entities shows nothing.", hint="Give a sample of 1 or more.")


def replay_safely(feature: str, run: Callable[[], ReplayResult]) -> ReplayResult:
    """Run the replay of a feature; whatever goes wrong is its own failure and nobody else's."""
    started = perf_counter()
    try:
        result = run()
    except Exception as error:  # noqa: BLE001 - features are independent: whatever one raises is its own failure
        result = ReplayResult(feature=feature, failure=failure_of(error))
    return msgspec.structs.replace(result, seconds=perf_counter() - started)


def replay(replaying: Replaying, spec: FeatureSpec) -> ReplayResult:
    """Compare what is served for some entities with the point-in-time join at the same instant.

    Of a version, where one is named, what is served as that.

    Raises:
        NotFound: The feature is not served, or the version it was published from is gone.
        Invalid: That version was built again with other rows, or its data is damaged.
    """
    what = last_publish(replaying.online, spec.name, spec.version)
    artifact = published(replaying, spec.name, what)
    with reading(replaying.store, [artifact]):
        keys = sample_of(replaying, artifact)
        found = Reader(replaying.online, FeatureSpec(spec.name, spec.version), clock=lambda: replaying.at).read(keys)
        offline = _offline(replaying, artifact, keys) if keys else []
    columns = artifact.meta.answered.names
    reasons = [_why(status[spec.name], replaying.at, what) for status in found.statuses]
    return ReplayResult(
        feature=spec.text, version=what.publish.version, published=iso(what.publish.as_of), at=iso(replaying.at),
        entities=len(keys), cells=len(keys) * len(columns),
        differences=tuple(_differences(artifact.meta, keys, found.values, offline, reasons)),
    )  # fmt: skip


def published(replaying: Replaying, feature: str, what: LastPublish) -> Artifact:
    """The version that is served, as it was when it was published. Raises `NotFound` and `Invalid` where it is not."""
    version = what.publish.version
    if version not in replaying.store.versions(feature):
        raise NotFound(
            f"{feature!r} {version} is served, and the offline store does not have it.",
            hint=f"Publish a version that is there: mlforge publish {feature}",
        )
    found = replaying.store.get(feature, version)
    if found.meta.content_hash != what.publish.content_hash:
        raise Invalid(
            f"{feature!r} {version} is not what was published: its content has another hash.",
            hint=f"Publish it again: mlforge publish {feature}@{version}",
        )
    return within_reach(replaying.store, replaying.engine, found, relied=True)


def sample_of(replaying: Replaying, artifact: Artifact) -> list[dict[str, Any]]:
    """The keys of some entities that have a value at the instant, each as likely as another, in the store's order."""
    chance, names = random.Random(replaying.seed), artifact.meta.entity_keys  # noqa: S311 - a sample is no secret
    kept: list[tuple[int, dict[str, Any]]] = []
    for number, row in enumerate(_rows(replaying.engine, artifact, replaying.at)):
        place = number if number < replaying.sample else chance.randrange(number + 1)
        if place >= replaying.sample:
            continue
        one = (number, {name: row[name] for name in names})
        if number < replaying.sample:
            kept.append(one)
        else:
            kept[place] = one
    return [key for _, key in sorted(kept, key=lambda pair: pair[0])]


def _rows(engine: Engine, artifact: Artifact, at: int) -> Iterable[EntityRow]:
    return (row for batch in engine.rows(engine.horizon(artifact, at, at)) for row in batch)


def _offline(replaying: Replaying, artifact: Artifact, keys: Sequence[EntityRow]) -> list[dict[str, Any]]:
    meta, engine = artifact.meta, replaying.engine
    schema = Schema((*(Column(n, meta.schema.dtype(n)) for n in meta.entity_keys), Column(LABEL, "Datetime")))
    spine = engine.from_rows([{**key, LABEL: moment_of(replaying.at)} for key in keys], schema)
    chosen = Chosen(artifact, {c: c for c in meta.answered.names}, 0)
    joined = engine.asof(spine, Timestamp(LABEL) if meta.timestamp else None, [chosen.join])
    derived = chosen.reading.derived
    return rows_of(engine, engine.derive(joined, derived, Timestamp(LABEL)) if derived else joined)


def _differences(
    meta: FeatureMeta,
    keys: Sequence[dict[str, Any]],
    found: Sequence[EntityRow],
    offline: Sequence[EntityRow],
    reasons: Sequence[str],
) -> Iterator[ReplayDifference]:
    for key, got, wanted, why in zip(keys, found, offline, reasons, strict=True):
        for column in meta.answered.names:
            same = close if column in meta.config.derived else identical
            if not same(got[column], wanted[column]):
                yield ReplayDifference(key, column, got[column], wanted[column], why)


def _why(status: ServedStatus, at: int, what: LastPublish) -> str:
    until = what.publish.until
    if until is not None and at > until:
        return f"stale: what was published ends at {iso(until)}"
    match status:
        case "missing" if at < what.publish.as_of:
            return f"what was published begins at {iso(what.publish.as_of)}"
        case "missing":
            return "the entity is not online: it expired, was removed there or is damaged"
        case "stale":
            return "stale: an entry of another publish is online, and what that holds is over"
        case "expired":
            return "expired online, and not offline"
        case "present":
            return "another value is online than was published"


def close(one: Any, other: Any) -> bool:
    """Whether two derived values are one: who computes a logarithm decides its last bit."""
    if isinstance(one, float) and isinstance(other, float) and math.isfinite(one):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=0.0)
    return identical(one, other)
