"""Comparing two versions of a feature."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from mlforge.flow.versions.find import artifact
from mlforge.flow.versions.fingerprints import definition_changes
from mlforge.flow.versions.key_types import others
from mlforge.model.html import table
from mlforge.model.meta import FeatureMeta
from mlforge.model.version import Version
from mlforge.plugin.stores import Store

WHETHER_CHANGED = {True: "changed", False: "the same", None: "cannot be told"}


class Diff(msgspec.Struct, frozen=True):
    """How two versions of a feature differ.

    `columns` maps a column to its types before and after, None where it is not there; `config` says what changed in
    the definition; `logic` and `source` whether the function and the source did, None where that cannot be told.
    """

    feature: str
    before: str
    after: str
    columns: dict[str, tuple[str | None, str | None]]
    config: tuple[str, ...]
    logic: bool | None
    source: bool | None
    rows: tuple[int, int]
    same_content: bool

    @property
    def bump(self) -> str:
        """The part of the number that differs: `major`, `minor` or `patch`."""
        old, new = Version.parse(self.before), Version.parse(self.after)
        return next((p for p in ("major", "minor") if getattr(old, p) != getattr(new, p)), "patch")

    def _repr_html_(self) -> str:
        rows = [
            ("function", WHETHER_CHANGED[self.logic]),
            ("source", WHETHER_CHANGED[self.source]),
            ("rows", f"{self.rows[0]:,} → {self.rows[1]:,}"),
            ("content", "the same" if self.same_content else "changed"),
            *(("definition", line) for line in self.config),
            *((name, f"{before or '–'} → {after or 'gone'}") for name, (before, after) in self.columns.items()),
        ]
        return table(("", ""), rows, caption=f"{self.feature} {self.before} → {self.after}", note=self.bump)


def diff(store: Store, name: str, before: str, after: str) -> Diff:
    """What changed from one version to another. Raises `NotFound`."""
    return difference(artifact(store, name, before).meta, artifact(store, name, after).meta)


def difference(old: FeatureMeta, new: FeatureMeta) -> Diff:
    """What changed from one version to another, of their metadata."""
    was, now = ({c.name: c.dtype for c in (*meta.columns, *meta.derived)} for meta in (old, new))
    changed = {n: (was.get(n), now.get(n)) for n in {**was, **now} if was.get(n) != now.get(n)}
    return Diff(
        new.name, old.version, new.version, changed, tuple(_definition(old, new)),
        _logic_changed(old, new), _differ(old.source_hash, new.source_hash),
        (old.row_count, new.row_count), old.content_hash == new.content_hash,
    )  # fmt: skip


def _definition(old: FeatureMeta, new: FeatureMeta) -> Iterator[str]:
    """What differs between two definitions: what decides the values, then what is promised of them."""
    yield from definition_changes(old.config, new.config)
    yield from (f"{o.key}({o.source}): {o.was} → {o.now}" for o in others(old.key_types, new.key_types))
    if old.max_age != new.max_age:
        yield f"max_age: {old.max_age} → {new.max_age}"
    if _differ(old.checks_hash or None, new.checks_hash or None):
        yield "validators"


def _logic_changed(old: FeatureMeta, new: FeatureMeta) -> bool | None:
    found = _differ(old.logic_hash, new.logic_hash)
    return None if found is False and (old.logic_unknown or new.logic_unknown) else found


def _differ(before: str | None, after: str | None) -> bool | None:
    return None if None in (before, after) else before != after
