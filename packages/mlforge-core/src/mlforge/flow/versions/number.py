"""Which version comes next, and why. Pure: everything it decides on is an argument."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mlforge.flow.versions.fingerprints import Fingerprints, derived_anew, recipe_changes
from mlforge.flow.versions.key_types import KeyTypes, others
from mlforge.model.meta import Change, FeatureMeta
from mlforge.model.schema import Column, Schema
from mlforge.model.version import Version

FIRST = Version(1, 0, 0)
_RANK = {"major": 3, "minor": 2, "patch": 1}


def categorise(
    previous: FeatureMeta | None, schema: Schema, prints: Fingerprints, key_types: KeyTypes | None = None
) -> Change:
    """The bump that a new build asks for, of the stored and derived columns; of several reasons the gravest."""
    if previous is None:
        return Change("initial", "first_build")
    changes = [
        *_changes(previous, schema, prints), *_otherwise_derived(previous, schema, prints),
        *_other_keys(previous, key_types or {}),
    ]  # fmt: skip
    return max(changes, key=lambda c: _RANK[c.bump])


def expected_change(previous: FeatureMeta | None, prints: Fingerprints) -> Change:
    """The least bump to expect before the columns are known."""
    return categorise(previous, _expected(previous, prints) if previous else Schema(()), prints)


def _expected(previous: FeatureMeta, prints: Fingerprints) -> Schema:
    """The columns as they were, and those that are derived now."""
    known = {c.name: c for c in (*previous.columns, *previous.derived)}
    stored = (c for c in previous.columns if c.name not in prints.config.derived)
    return Schema((*stored, *(known.get(n, Column(n, "")) for n in prints.config.derived)))


def expected_changes(previous: FeatureMeta, prints: Fingerprints) -> list[Change]:
    """Every reason for another version that can be told before the columns are known, the gravest first."""
    refreshed = prints.source is None or prints.source != previous.source_hash
    found = [c for c in _changes(previous, previous.schema, prints) if c.reason != "data_refresh" or refreshed]
    if previous.checks_hash != prints.checks:
        found.append(Change("patch", "checks_changed"))
    return sorted(found, key=lambda c: -_RANK[c.bump])


def next_version(base: str | None, change: Change, taken: Collection[str]) -> str:
    """The number after `base` that nobody has, nor had: what is below one that is there may have been removed."""
    part = "patch" if base is None else change.bump
    number = FIRST if base is None else Version.parse(base).bump(change.bump)
    beside = [found for one in taken if _line(found := Version.parse(one), part) == _line(number, part)]
    return str(max([number, *(found.bump(part) for found in beside)]))


def _line(number: Version, part: str) -> tuple[int, ...]:
    """What numbers have in common that follow one another by a part."""
    return {"major": (), "minor": (number.major,)}.get(part, (number.major, number.minor))


def _changes(previous: FeatureMeta, schema: Schema, prints: Fingerprints) -> Iterable[Change]:
    old = {c.name: c.dtype for c in (*previous.columns, *previous.derived)}
    new = {c.name: c.dtype for c in schema}
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
    if changed := list(recipe_changes(previous.config, prints.config)):
        yield Change("minor", "config_changed", tuple(changed))
    if prints.logic_changed(previous):
        yield Change("minor", "logic_changed")
    if terms := [f"max_age: {previous.max_age} → {prints.max_age}"] if previous.max_age != prints.max_age else []:
        yield Change("patch", "terms_changed", tuple(terms))
    if unknown := prints.logic_unknown(previous):
        yield Change("patch", "logic_unknown", unknown)
    yield Change("patch", "data_refresh")


def _otherwise_derived(previous: FeatureMeta, schema: Schema, prints: Fingerprints) -> Iterable[Change]:
    """Columns that were there and are there, and are computed otherwise when they are asked for."""
    there = {c.name for c in (*previous.columns, *previous.derived)}
    if changed := [n for n in derived_anew(previous.config, prints.config) if n in there and n in schema]:
        yield Change("minor", "logic_changed", tuple(f"derived {n}" for n in changed))


def _other_keys(previous: FeatureMeta, types: KeyTypes) -> Iterable[Change]:
    """Surrogate keys made of other types: no spine that had the keys before has them now."""
    if changed := [f"{o.key}({o.source}): {o.was} → {o.now}" for o in others(previous.key_types, types)]:
        yield Change("major", "changed_dtypes", tuple(changed))
