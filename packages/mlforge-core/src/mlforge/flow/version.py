"""Which version comes next, and why. Pure: everything it decides on is an argument."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from mlforge.flow.key_types import Types, others
from mlforge.model.feature import Feature
from mlforge.model.meta import Change, Config, FeatureMeta
from mlforge.model.schema import Schema
from mlforge.model.version import Version

FIRST = Version(1, 0, 0)
_RANK = {"major": 3, "minor": 2, "patch": 1}


class Fingerprints(msgspec.Struct, frozen=True):
    """What tells whether a feature must be built again."""

    config: Config
    logic: str | None
    source: str | None
    checks: str
    max_age: str | None

    @property
    def config_hash(self) -> str:
        return digest(self.config)

    def unchanged_since(self, meta: FeatureMeta) -> bool:
        """Whether building again would give the same rows and make the same promises."""
        mine = (self.source, self.config_hash, self.logic, self.checks, self.max_age)
        theirs = (meta.source_hash, meta.config_hash, meta.logic_hash, meta.checks_hash, meta.max_age)
        return self.source is not None and self.logic is not None and mine == theirs


def fingerprints(feature: Feature, source: str | None, logic: str | None) -> Fingerprints:
    """The fingerprints of a definition over a source."""
    max_age = feature.max_age.canonical if feature.max_age else None
    return Fingerprints(config_of(feature), logic, source, digest(feature.checks), max_age)


def config_of(feature: Feature) -> Config:
    """The part of a definition that decides values."""
    columns = feature.plan.columns if feature.plan else ()
    metrics = {c.name: {"window": c.window.micros, "expr": _as_stored(c.expr)} for c in columns}
    stamp = feature.timestamp
    return Config(
        keys=feature.keys,
        timestamp=feature.shape.stamp,
        timestamp_column=stamp.column if stamp and stamp.column != stamp.name else None,
        timestamp_format=stamp.format if stamp else None,
        interval=feature.interval.canonical if feature.interval else None,
        metrics=metrics,
        tie_break=feature.tie_break,
    )


def _as_stored(value: Any) -> Any:
    """A struct as it is read back from JSON, so that what is read compares with what is written."""
    return msgspec.json.decode(msgspec.json.encode(value))


def digest(value: Any) -> str:
    """128 bits over a value's canonical JSON."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:32]


def categorise(
    previous: FeatureMeta | None, schema: Schema, prints: Fingerprints, key_types: Types | None = None
) -> Change:
    """The bump that a new build asks for; of several reasons the gravest."""
    if previous is None:
        return Change("initial", "first_build")
    changes = [*_changes(previous, schema, prints), *_other_keys(previous, key_types or {})]
    return max(changes, key=lambda c: _RANK[c.bump])


def expected_change(previous: FeatureMeta | None, prints: Fingerprints) -> Change:
    """The least bump to expect before the columns are known."""
    return categorise(previous, previous.schema if previous else Schema(()), prints)


def next_version(base: str | None, change: Change, taken: Collection[str]) -> str:
    """The number after `base` that nobody has."""
    number = FIRST if base is None else Version.parse(base).bump(change.bump)
    while str(number) in taken:
        number = number.bump("patch" if change.bump == "initial" else change.bump)
    return str(number)


def _changes(previous: FeatureMeta, schema: Schema, prints: Fingerprints) -> Iterable[Change]:
    old, new = {c.name: c.dtype for c in previous.columns}, {c.name: c.dtype for c in schema}
    before, after = previous.config.metrics, prints.config.metrics
    if gone := [n for n in before if n not in after]:
        yield Change("major", "removed_metrics", tuple(gone))
    if gone := [n for n in old if n not in new]:
        yield Change("major", "removed_columns", tuple(gone))
    if changed := [f"{n}: {old[n]} → {new[n]}" for n in new if n in old and old[n] != new[n]]:
        yield Change("major", "changed_dtypes", tuple(changed))
    if added := [n for n in after if n not in before]:
        yield Change("minor", "added_metrics", tuple(added))
    if added := [n for n in new if n not in old]:
        yield Change("minor", "added_columns", tuple(added))
    if changed := list(config_changes(previous.config, prints.config)):
        yield Change("minor", "config_changed", tuple(changed))
    if prints.logic is not None and prints.logic != previous.logic_hash:
        yield Change("minor", "logic_changed")
    if terms := [f"max_age: {previous.max_age} → {prints.max_age}"] if previous.max_age != prints.max_age else []:
        yield Change("patch", "terms_changed", tuple(terms))
    yield Change("patch", "data_refresh")


def _other_keys(previous: FeatureMeta, types: Types) -> Iterable[Change]:
    """Surrogate keys made of other types: no spine that had the keys before has them now."""
    if changed := [f"{o.key}({o.source}): {o.was} → {o.now}" for o in others(previous.key_types, types)]:
        yield Change("major", "changed_dtypes", tuple(changed))


def config_changes(before: Config, after: Config) -> Iterable[str]:
    """What differs between two configs, besides metrics that came or went: `interval: 1d → 7d`."""
    old_keys, new_keys = _key_texts(before), _key_texts(after)
    if old_keys != new_keys:
        yield f"keys: {', '.join(old_keys)} → {', '.join(new_keys)}"
    for field in ("timestamp", "timestamp_column", "timestamp_format", "interval", "tie_break"):
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield f"{field}: {was} → {now}"
    for name, metric in after.metrics.items():
        if name in before.metrics and before.metrics[name] != metric:
            yield f"metric {name}"


def definition_changes(before: Config, after: Config) -> Iterable[str]:
    """What differs between two configs, metrics that came or went included."""
    yield from config_changes(before, after)
    yield from (f"metric {n} removed" for n in before.metrics if n not in after.metrics)
    yield from (f"metric {n} added" for n in after.metrics if n not in before.metrics)


def _key_texts(config: Config) -> list[str]:
    return [f"{k.name}({', '.join(k.sources)})" if k.sources else k.name for k in config.keys]
