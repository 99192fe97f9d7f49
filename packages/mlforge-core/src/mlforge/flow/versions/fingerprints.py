"""What tells a definition from another: its fingerprints, and what differs between two. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from mlforge.flow.versions.logic.told import Logic
from mlforge.model.feature import Feature
from mlforge.model.meta import FeatureMeta, Recipe
from mlforge.model.plain import plain
from mlforge.model.window import Window


class Fingerprints(msgspec.Struct, frozen=True):
    """What tells whether a feature must be built again."""

    config: Recipe
    logic: Logic
    source: str | None
    checks: str
    max_age: str | None

    @property
    def config_hash(self) -> str:
        return digest(self.config)

    def unchanged_since(self, meta: FeatureMeta) -> bool:
        """Whether building again would give the same rows and make the same promises."""
        mine = (self.source, self.config_hash, self.logic.hash, self.checks, self.max_age)
        theirs = (meta.source_hash, meta.config_hash, meta.logic_hash, meta.checks_hash, meta.max_age)
        known = self.source is not None and not self.logic_unknown(meta)
        return known and mine == theirs

    def logic_changed(self, meta: FeatureMeta) -> bool:
        """Whether the function surely does something else than the version's did: of what can be told, some differs."""
        return None not in (self.logic.hash, meta.logic_hash) and self.logic.hash != meta.logic_hash

    def logic_unknown(self, meta: FeatureMeta) -> tuple[str, ...]:
        """What cannot be told of the function as it is, or could not when the version was built."""
        unknown = self.logic.unknown or meta.logic_unknown
        return unknown or (("the function, of which nothing is recorded",) if meta.logic_hash is None else ())


def fingerprints(feature: Feature, source: str | None, logic: Logic) -> Fingerprints:
    """The fingerprints of a definition over a source."""
    max_age = feature.max_age.canonical if feature.max_age else None
    return Fingerprints(recipe_of(feature), logic, source, digest(feature.checks), max_age)


def recipe_of(feature: Feature) -> Recipe:
    """The part of a definition that decides values."""
    columns = feature.plan.columns if feature.plan else ()
    metrics = {
        c.name: {"window": c.window and c.window.canonical, "expr": _aggregates(_as_stored(c.expr))} for c in columns
    }
    stamp = feature.timestamp
    return Recipe(
        keys=feature.keys,
        timestamp=feature.shape.stamp,
        timestamp_column=stamp.column if stamp and stamp.column != stamp.name else None,
        timestamp_format=stamp.format if stamp else None,
        interval=feature.interval.canonical if feature.interval else None,
        metrics=metrics,
        tie_break=feature.tie_break,
        timestamp_zone=stamp.timezone if stamp else None,
        timestamp_nonexistent=stamp.nonexistent if stamp else "raise",
        derived={name: plain(expr) for name, expr in feature.derived.items()},
    )


def _as_stored(value: Any) -> Any:
    """A struct as it is read back from JSON, so that what is read compares with what is written."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _aggregates(expr: Any) -> Any:
    """A stored expression whose aggregations have windows in one spelling."""
    if isinstance(expr, list):
        return [_aggregates(e) for e in expr]
    if not isinstance(expr, dict):
        return expr
    said = {k: _aggregates(v) for k, v in expr.items()}
    if said.get("node") == "agg" and "window" in said:
        said["window"] = msgspec.convert(said["window"], Window).canonical
    return said


def digest(value: Any) -> str:
    """128 bits over a value's canonical JSON."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:32]


_COMPARED = (
    *("timestamp", "timestamp_column", "timestamp_format", "timestamp_zone", "timestamp_nonexistent"),
    *("interval", "tie_break"),
)


def recipe_changes(before: Recipe, after: Recipe) -> Iterable[str]:
    """What differs between two configs, besides metrics that came or went: `interval: 1d → 7d`."""
    old_keys, new_keys = _key_texts(before), _key_texts(after)
    if old_keys != new_keys:
        yield f"keys: {', '.join(old_keys)} → {', '.join(new_keys)}"
    for field in _COMPARED:
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield f"{field}: {was} → {now}"
    for name, metric in after.metrics.items():
        if name in before.metrics and before.metrics[name] != metric:
            yield f"metric {name}"


def derived_anew(before: Recipe, after: Recipe) -> list[str]:
    """The columns that are derived in one of two configs, and not, or otherwise, in the other."""
    names = dict.fromkeys([*before.derived, *after.derived])
    return [n for n in names if digest(before.derived.get(n)) != digest(after.derived.get(n))]


def definition_changes(before: Recipe, after: Recipe) -> Iterable[str]:
    """What differs between two configs, metrics that came or went included."""
    yield from recipe_changes(before, after)
    yield from (f"metric {n} removed" for n in before.metrics if n not in after.metrics)
    yield from (f"metric {n} added" for n in after.metrics if n not in before.metrics)
    yield from (f"derived {n}" for n in derived_anew(before, after))


def _key_texts(config: Recipe) -> list[str]:
    return [f"{k.name}({', '.join(k.sources)})" if k.sources else k.name for k in config.keys]
